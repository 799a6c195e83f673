"""What `coordinate.py` compiles, in NumPy and SciPy: its referee, and what tables of few columns are fitted with."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy

from steepest.types import Floats

__all__ = ["RUN", "by_rows", "correlate", "cross", "descend", "descend_dense", "descend_sparse", "forward"]

RUN = 128  # terms of a column that compiled code adds up by themselves: its rounding grows with RUN + rows / RUN


def descend(gram: Floats, slope: Floats, at: Floats, terms: Floats, slack: Floats, epochs: int) -> tuple[int, bool]:
    """As `coordinate.descend`; slope and at are changed in place.

    >>> slope, at = np.array([-3.0, 0.5]), np.zeros(2)
    >>> terms = np.array([[1.0, 1.0], [0.0, 0.0], [-9.0, -9.0], [9.0, 9.0]])
    >>> descend(np.eye(2), slope, at, terms, np.full(2, 1e-9), 9), at.tolist(), slope.tolist()
    ((3, True), [2.0, 0.0], [-1.0, 0.5])
    """
    diagonal = np.diagonal(gram).astype(np.float64).tolist()
    l1, l2, lower, upper = terms.tolist()
    limits = slack.tolist()
    whole, made = True, 0
    while made < epochs:
        made += 1
        quiet = True
        for j in range(len(at)) if whole else np.flatnonzero(at).tolist():
            old, bent = float(at[j]), diagonal[j] + l2[j]
            if not bent > 0.0:
                continue
            pull = diagonal[j] * old - float(slope[j])
            new = (pull - l1[j]) / bent if pull > l1[j] else (pull + l1[j]) / bent if pull < -l1[j] else 0.0
            new = min(max(new, lower[j]), upper[j])
            if new != old:
                at[j] = new
                slope += (new - old) * gram[j].astype(np.float64)
                quiet &= abs(new - old) * bent <= limits[j]
        if quiet and whole:
            return made, True
        whole = quiet
    return made, False


def descend_sparse(
    X: tuple[Any, Any, Floats, Any],
    quadratic: Any,
    slope: Floats,
    at: Floats,
    terms: Floats,
    slack: Floats,
    epochs: int,
) -> tuple[int, bool]:
    """As `coordinate.descend_sparse`, by forming G."""
    starts, rows, data, columns = X
    part = _part(starts, rows, data, columns, len(quadratic[0])).toarray()
    return descend_dense(part, quadratic, slope, at, terms, slack, epochs)


def descend_dense(
    X: Floats, quadratic: Any, slope: Floats, at: Floats, terms: Floats, slack: Floats, epochs: int
) -> tuple[int, bool]:
    """As `coordinate.descend_dense`, by forming G."""
    D, edge, _, total = quadratic
    return descend(X.T @ (D[:, None] * X) - np.outer(edge, edge / total), slope.copy(), at, terms, slack, epochs)


def correlate(starts: Any, rows: Any, data: Floats, columns: Any, r: Floats) -> Floats:
    """X'r for some columns."""
    return np.asarray(_part(starts, rows, data, columns, len(r)).T @ r)


def forward(starts: Any, rows: Any, data: Floats, columns: Any, v: Floats, z: Floats) -> Floats:
    """z + X v in place, for some columns."""
    z += _part(starts, rows, data, columns, len(z)) @ v
    return z


def by_rows(starts: Any, rows: Any, data: Floats, columns: Any, m: int) -> tuple[Any, Any, Floats]:
    """Some columns as CSR: starts, places within `columns`, values."""
    found = _part(starts, rows, data, columns, m).tocsr()
    return found.indptr.astype(np.int64), found.indices, found.data


def cross(held: tuple[Any, Any, Floats, int], start: int, D: Floats) -> tuple[Floats, Floats]:
    """X_B'DX and sums of D x_B, B the columns from `start` on."""
    first, places, values, k = held
    rows: Any = scipy.sparse.csr_array((values, places, first), shape=(len(D), k))
    part = (scipy.sparse.diags_array(D) @ rows)[:, start:]
    return (part.T @ rows).toarray(), np.asarray(part.T @ np.ones(len(D)))


def _part(starts: Any, rows: Any, data: Floats, columns: Any, m: int) -> Any:
    return scipy.sparse.csc_array((data, rows, starts), shape=(m, len(starts) - 1))[:, columns]
