"""Two classes without an intercept: z = x'w, a plane through the origin.

To every row (x, y) is added its mirror image (-x, 1 - y), whose loss at (w, b) is that of (x, y) at (w, -b). So the
mean over both, G(w, b) = ½ J(w, b) + ½ J(w, -b), is convex and symmetric in b: G(w, 0) <= G(w, b), G(w, 0) = J(w, 0),
and the optimum of G is that of J without an intercept. Every way of fitting serves as it is, and what it proves of
(w, b) holds of (w, 0):

    value         G(w, 0) <= G(w, b), and the optimum is the same
    probability   sigmoid(x'w) lies between sigmoid(x'w - b) and sigmoid(x'w + b), those of a row and of its image
    coefficient   the Hessian of G by w is that of J; b has nothing to do with it
    existence     if (w, b) separates the rows and their images, so does (w, -b), and their sum (w, 0)

What it costs: rows are held, and read, twice.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import scipy
from numpy.typing import NDArray

from steepest.data.arrays import is_sparse
from steepest.engines import MemoryEngine
from steepest.engines.sparse import SparseEngine
from steepest.optimum.outcome import Outcome
from steepest.optimum.sparse_rows import densely
from steepest.proof.certificate import disproved
from steepest.proof.existence import check
from steepest.types import Floats

__all__ = ["mirrored", "through_origin"]


def mirrored(
    rows: Any, target: NDArray[Any], weight: Floats | None, offset: Floats | None = None
) -> tuple[Any, NDArray[Any], Floats | None, Floats | None]:
    """Rows (2m, n), targets, weights and offsets: those given, then their images. Whole numbers become float64.

    >>> X, y, _, _ = mirrored(np.array([[1, 2]]), np.array([1], dtype=np.uint8), None)
    >>> X.tolist(), y.tolist()
    ([[1.0, 2.0], [-1.0, -2.0]], [1, 0])
    """
    if not is_sparse(rows):
        rows = np.asarray(rows)  # of a frame, the columns may lie apart
    if rows.dtype.kind != "f":
        rows = rows.astype(np.float64)  # -x of an unsigned or of the smallest whole number is another number
    pair = [rows, -rows]
    doubled = np.concatenate(pair) if isinstance(rows, np.ndarray) else scipy.sparse.vstack(pair, format="csr")
    both = np.concatenate([target, (1 - target).astype(target.dtype)])
    weights = None if weight is None else np.concatenate([weight, weight])
    return doubled, both, weights, None if offset is None else np.concatenate([offset, -offset])


def through_origin(outcome: Outcome, engine: MemoryEngine | SparseEngine) -> Outcome:
    """What an outcome on mirrored rows says of those in `engine`: b = 0, and its witness, counted on them."""
    witness = outcome.certificate.witness
    if witness is None:
        return replace(outcome, b=0.0)
    rows = densely(engine) if isinstance(engine, SparseEngine) else engine
    counted = check(rows, (*witness.direction[:-1], 0))
    return outcome if counted is None else replace(outcome, b=0.0, certificate=disproved(counted))
