"""Coordinate descent and products with sparse columns, compiled by Numba when this module is first imported.

    descend     minimise ½ (v - at)'G(v - at) + slope'(v - at) + sum of l1 |v| + ½ l2 v² within bounds, in place
    correlate   X'r for some columns             forward   z + X v for some columns
    by_rows     some columns, row by row         cross     X'DX of some columns with all that are held
    descend_sparse, descend_dense   as descend, where G = X'DX - h h'/S is too large to be formed

`coordinate_plain.py` has the same in NumPy and SciPy; they agree to rounding (tests/kernels/test_coordinate.py).
Tables of few columns are left to those: nobody should wait for Numba to fit four weights.

Sums over a column are taken in runs of `RUN` terms, so that their rounding grows with RUN + rows / RUN.
"""

from __future__ import annotations

import functools

import numpy as np

from steepest.kernels.compiled_parts import ANY_ORDER, THIS_ORDER, kept
from steepest.kernels.coordinate_plain import RUN

__all__ = ["by_rows", "correlate", "cross", "descend", "descend_dense", "descend_sparse", "forward"]

_kept = functools.partial(kept, None)  # at its first call: few fits need all of these


@_kept(THIS_ORDER)
def _least(pull, bent, terms, j):  # type: ignore[no-untyped-def]
    """The v that minimises ½ bent v² - pull v + l1 |v| within the bounds; `bent` includes l2."""
    l1 = terms[0, j]
    v = 0.0
    if pull > l1:
        v = (pull - l1) / bent
    elif pull < -l1:
        v = (pull + l1) / bent
    return min(max(v, terms[2, j]), terms[3, j])


@_kept(THIS_ORDER)
def descend(gram, slope, at, terms, slack, epochs):  # type: ignore[no-untyped-def]
    """Cyclic coordinate descent; (epochs made, whether a last round over all columns moved none beyond its slack).

    gram (k, k) symmetric, float32 or float64; slope (k,) the gradient of the quadratic part, kept up to date; at (k,)
    the weights; terms (4, k): l1, l2, lower, upper; slack (k,): how far a column's gradient may be off. Between rounds
    over all columns only weights that are not 0 are visited (J. Friedman, T. Hastie, R. Tibshirani, Regularization
    paths for generalized linear models via coordinate descent, Journal of Statistical Software 33 (2010)).
    """
    k = len(at)
    whole, made = True, 0
    while made < epochs:
        made += 1
        quiet = True
        for j in range(k):
            old, bent = at[j], gram[j, j] + terms[1, j]
            if not bent > 0.0 or not (whole or old != 0.0):
                continue
            new = _least(gram[j, j] * old - slope[j], bent, terms, j)
            step = new - old
            if step != 0.0:
                at[j] = new
                for i in range(k):
                    slope[i] += step * gram[j, i]
                quiet = quiet and abs(step) * bent <= slack[j]
        if quiet and whole:
            return made, True
        whole = quiet
    return made, False


@_kept(ANY_ORDER)
def descend_sparse(X, quadratic, slope, at, terms, slack, epochs):  # type: ignore[no-untyped-def]
    """As `descend`, for G = X'DX - h h'/S of X = (starts, rows, data, columns) in CSC: z moves instead of the slope.

    quadratic is (D, h, diagonal of G, S); slope stays what it was at the beginning.
    """
    (starts, rows, data, columns), (D, edge, diagonal, total) = X, quadratic
    moved, share = np.zeros(len(D)), 0.0  # X (v - at) and h'(v - at) / S
    whole, made = True, 0
    while made < epochs:
        made += 1
        quiet = True
        for a in range(len(at)):
            old, bent, start, stop = at[a], diagonal[a] + terms[1, a], starts[columns[a]], starts[columns[a] + 1]
            if not bent > 0.0 or not (whole or old != 0.0):
                continue
            here = slope[a] - edge[a] * share
            for t in range(start, stop):
                here += data[t] * D[rows[t]] * moved[rows[t]]
            new = _least(diagonal[a] * old - here, bent, terms, a)
            step = new - old
            if step != 0.0:
                at[a] = new
                share += step * edge[a] / total
                for t in range(start, stop):
                    moved[rows[t]] += step * data[t]
                quiet = quiet and abs(step) * bent <= slack[a]
        if quiet and whole:
            return made, True
        whole = quiet
    return made, False


@_kept(ANY_ORDER)
def descend_dense(X, quadratic, slope, at, terms, slack, epochs):  # type: ignore[no-untyped-def]
    """As `descend_sparse`, for the columns of X (m, k) in Fortran's order."""
    D, edge, diagonal, total = quadratic
    pulled, share = np.zeros(len(D)), 0.0  # D X (v - at) and h'(v - at) / S
    whole, made = True, 0
    while made < epochs:
        made += 1
        quiet = True
        for a in range(len(at)):
            old, bent = at[a], diagonal[a] + terms[1, a]
            if not bent > 0.0 or not (whole or old != 0.0):
                continue
            here = 0.0
            for i in range(len(D)):
                here += X[i, a] * pulled[i]
            here += slope[a] - edge[a] * share
            new = _least(diagonal[a] * old - here, bent, terms, a)
            step = new - old
            if step != 0.0:
                at[a] = new
                share += step * edge[a] / total
                for i in range(len(D)):
                    pulled[i] += step * D[i] * X[i, a]
                quiet = quiet and abs(step) * bent <= slack[a]
        if quiet and whole:
            return made, True
        whole = quiet
    return made, False


@_kept(ANY_ORDER)
def _column(rows, data, r, start, stop):  # type: ignore[no-untyped-def]
    total = 0.0
    while start < stop:
        end, part = min(start + RUN, stop), 0.0
        for t in range(start, end):
            part += data[t] * r[rows[t]]
        total += part
        start = end
    return total


@_kept(ANY_ORDER)
def correlate(starts, rows, data, columns, r):  # type: ignore[no-untyped-def]
    """X'r, (k,) for the k `columns` of X in CSC: column j is rows[t], data[t] with starts[j] <= t < starts[j + 1]."""
    found = np.empty(len(columns))
    for a in range(len(columns)):
        j = columns[a]
        found[a] = _column(rows, data, r, starts[j], starts[j + 1])
    return found


@_kept(ANY_ORDER)
def forward(starts, rows, data, columns, v, z):  # type: ignore[no-untyped-def]
    """z + X v in place, for the `columns` of X in CSC; weights that are 0 cost nothing."""
    for a in range(len(columns)):
        if v[a] != 0.0:
            for t in range(starts[columns[a]], starts[columns[a] + 1]):
                z[rows[t]] += v[a] * data[t]
    return z


@_kept(ANY_ORDER)
def by_rows(starts, rows, data, columns, m):  # type: ignore[no-untyped-def]
    """The `columns` of X in CSC as CSR: starts (m + 1,), places within `columns`, values."""
    first = np.zeros(m + 1, np.int64)
    for j in columns:
        for t in range(starts[j], starts[j + 1]):
            first[rows[t] + 1] += 1
    for i in range(m):
        first[i + 1] += first[i]
    places, values, at = np.empty(first[m], np.int32), np.empty(first[m]), first[:-1].copy()
    for a in range(len(columns)):
        j = columns[a]
        for t in range(starts[j], starts[j + 1]):
            i = rows[t]
            places[at[i]], values[at[i]] = a, data[t]
            at[i] += 1
    return first, places, values


@_kept(ANY_ORDER)
def cross(held, start, D):  # type: ignore[no-untyped-def]
    """X_B'DX, (k - start, k), and sums of D x_B; `held` is what `by_rows` made of k columns, and k; B from `start` on.

    Row by row, from the last column to the first: what is symmetric is formed once.
    """
    first, places, values, k = held
    products, edges = np.zeros((k - start, k)), np.zeros(k - start)
    for i in range(len(D)):
        a = first[i + 1] - 1
        while a >= first[i] and places[a] >= start:
            q, line = D[i] * values[a], places[a] - start
            edges[line] += q
            for c in range(first[i], a + 1):
                products[line, places[c]] += q * values[c]
            a -= 1
    for a in range(k - start):
        for c in range(a):
            products[c, start + a] = products[a, start + c]
    return products, edges
