"""Compiled for wide tables: a round of dual ascent, and a pass that gives gradient, diagonal and lengths together."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numba import float64, int64, njit, none, types

from steepest.kernels.compiled_parts import (
    ANY_ORDER,
    IN1,
    IN2,
    OUT1,
    OUT2,
    PARTS,
    THIS_ORDER,
    activations,
    exponentials,
    kept,
    losses_of,
    total_of,
    tuple_of,
)

__all__ = ["kept_round", "one_pass"]

RUN = 8  # rows taken together: of 10,000 columns they are more than a cache holds already


@njit(error_model="numpy", fastmath=THIS_ORDER)
def _bent(Z, y, s, e, dZ, D, totals):  # type: ignore[no-untyped-def]
    """dZ = s (a - y) and D = s a(1 - a) of some rows, without cancellation for labels; adds to `totals` their sums, the
    loss, and the sum of s ((1 - y) a + y (1 - a)).
    """
    weighted = len(s) > 0
    exponentials(Z, e, dZ)
    losses_of(Z, y, e, dZ)
    if weighted:
        dZ *= s
    totals[0] += total_of(dZ)
    off = 0.0
    for i in range(len(Z)):
        up = 1.0 / (1.0 + e[i])
        down = e[i] / (1.0 + e[i])
        a, rest = (up, down) if Z[i] >= 0.0 else (down, up)
        scale = s[i] if weighted else 1.0
        dZ[i] = scale * ((1.0 - y[i]) * a - y[i] * rest)
        D[i] = scale * (up * down)
        off += scale * ((1.0 - y[i]) * a + y[i] * rest)
    totals[1] += total_of(dZ)
    totals[2] += total_of(D)
    totals[3] += off


@njit(error_model="numpy", fastmath=ANY_ORDER)
def _add_bends(X, dZ, D, inverse, gradient, first, square):  # type: ignore[no-untyped-def]
    """gradient += X'dZ, first += X'D, square += (X∘X)'D, four rows at a time; the longest row over `inverse`, squared,
    and the sum of all.
    """
    m, n = X.shape
    whole = m - m % 4
    longest = total = 0.0
    for i in range(0, whole, 4):
        g0, g1, g2, g3 = dZ[i], dZ[i + 1], dZ[i + 2], dZ[i + 3]
        d0, d1, d2, d3 = D[i], D[i + 1], D[i + 2], D[i + 3]
        q0 = q1 = q2 = q3 = 0.0
        for j in range(n):
            x0, x1, x2, x3, t = X[i, j], X[i + 1, j], X[i + 2, j], X[i + 3, j], inverse[j]
            gradient[j] += (g0 * x0 + g1 * x1) + (g2 * x2 + g3 * x3)
            v0, v1, v2, v3 = d0 * x0, d1 * x1, d2 * x2, d3 * x3
            first[j] += (v0 + v1) + (v2 + v3)
            square[j] += (v0 * x0 + v1 * x1) + (v2 * x2 + v3 * x3)
            q0 += x0 * x0 * t
            q1 += x1 * x1 * t
            q2 += x2 * x2 * t
            q3 += x3 * x3 * t
        longest = max(longest, q0, q1, q2, q3)
        total += (q0 + q1) + (q2 + q3)
    for i in range(whole, m):
        q = 0.0
        for j in range(n):
            x = X[i, j]
            gradient[j] += dZ[i] * x
            first[j] += D[i] * x
            square[j] += D[i] * x * x
            q += x * x * inverse[j]
        longest = max(longest, q)
        total += q
    return longest, total


@kept(none(IN2, PARTS, IN1, float64, IN1, OUT2, OUT1), THIS_ORDER)
def one_pass(X, parts, w, b, inverse, sums, totals):  # type: ignore[no-untyped-def]
    """Adds to `totals` loss, db, sum of D, sum of s |a - y| and the sum of the squared lengths over `inverse`, whose
    largest goes to totals[4]; to the three `sums` (3, n) what `_add_bends` says. `parts` is as in `fused.one_pass`.
    """
    (y, s, o), run = parts, RUN
    Z, e, dZ, D = np.empty(run), np.empty(run), np.empty(run), np.empty(run)
    for start in range(0, len(X), run):
        stop = min(start + run, len(X))
        rows = stop - start
        Xk, Zk, dk, Dk = X[start:stop], Z[:rows], dZ[:rows], D[:rows]
        activations(Xk, w, b, Zk)
        if len(o):
            Zk += o[start:stop]
        _bent(Zk, y[start:stop], s[start:stop] if len(s) else s, e[:rows], dk, Dk, totals)
        longest, total = _add_bends(Xk, dk, Dk, inverse, sums[0], sums[1], sums[2])
        totals[4] = max(totals[4], longest)
        totals[5] += total


def kept_round(function: Callable[..., Any]) -> Callable[..., Any]:
    """`dual_ascent.one_round`, compiled."""
    order = types.Array(int64, 1, "C")
    signature = tuple_of(2)(IN2, OUT1, IN1, order, float64, OUT1, float64, OUT1)
    return kept(signature, ANY_ORDER)(function)
