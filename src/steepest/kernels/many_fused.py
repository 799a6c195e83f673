"""What rows say to many fits, and rows in their frame, compiled by Numba when this module is first imported.

exp(-|u|) is the polynomial of `compiled_parts`; rows are taken a few at a time, so that U is still in the nearest
cache when it is overwritten, and no array as large as U exists beside it.
"""

from __future__ import annotations

import math

import numpy as np
from numba import int64, njit, types, void

from steepest.kernels.compiled_parts import IN1, IN2, OUT1, OUT2, THIS_ORDER, exponentials, kept, losses_of

__all__ = ["framed", "margins"]

NUMBERS = 4096  # of U at a time: 32 KB, and as much for each of two arrays beside it
MOST_ROWS = 512  # whose 1 + e are multiplied: at most 2^512

_order = types.Array(int64, 1, "C", readonly=True)


@njit(error_model="numpy", fastmath=THIS_ORDER)
def _slopes(u, e, weights, F):  # type: ignore[no-untyped-def]
    """u := s sigmoid(-u), from e = exp(-|u|)."""
    for i in range(len(u)):
        u[i] = (e[i] if u[i] > 0.0 else 1.0) / (1.0 + e[i])
    if len(weights):
        for i in range(len(weights)):
            for f in range(i * F, i * F + F):
                u[f] *= weights[i]


@njit(error_model="numpy", fastmath=THIS_ORDER)
def _product(u, e, F, lost):  # type: ignore[no-untyped-def]
    """lost += the sum of softplus(-u) over rows that weigh 1, for each fit.

    Through c := c + e (1 + c), the product of 1 + e less 1: a sum of terms >= 0, which is as accurate where all e are
    tiny, and costs one logarithm for all rows.
    """
    grown = np.zeros(F)
    for i in range(len(u) // F):
        for f in range(F):
            grown[f] += e[i * F + f] * (1.0 + grown[f])
            lost[f] -= min(u[i * F + f], 0.0)
    for f in range(F):
        lost[f] += math.log1p(grown[f])


@njit(error_model="numpy", fastmath=THIS_ORDER)
def _weighted(losses, weights, F, lost):  # type: ignore[no-untyped-def]
    """lost += the sum of s times the losses over the rows, for each fit."""
    for i in range(len(weights)):
        for f in range(F):
            lost[f] += weights[i] * losses[i * F + f]


@njit(error_model="numpy", fastmath=THIS_ORDER)
def _right(u, weights, F, low, high, held_right):  # type: ignore[no-untyped-def]
    """held_right[low … high - 1] += the weight of rows with u > 0."""
    for i in range(len(u) // F):
        weight = weights[i] if len(weights) else 1.0
        for f in range(low, high):
            held_right[f] += weight if u[i * F + f] > 0.0 else 0.0


@kept(void(OUT2, IN1, _order, _order, _order, OUT1, OUT1, OUT1), THIS_ORDER)
def margins(U, s, ends, low, high, loss, held_loss, held_right):  # type: ignore[no-untyped-def]
    """As `many.margins`; the fits low[k] … high[k] - 1 do not see fold k; s is empty if all weights are 1."""
    F = U.shape[1]
    run = min(MOST_ROWS, max(1, NUMBERS // max(1, F)))
    e, scratch, ones, lost = np.empty(run * F), np.empty(run * F), np.ones(run * F), np.empty(F)
    for k in range(len(ends) - 1):
        lost[:] = 0.0
        for start in range(ends[k], ends[k + 1], run):
            stop = min(start + run, ends[k + 1])
            part, weights = U[start:stop].reshape((stop - start) * F), s[start:stop] if len(s) else s
            ek = e[: len(part)]
            _right(part, weights, F, low[k], high[k], held_right)
            exponentials(part, ek, scratch[: len(part)])
            if len(s):
                losses_of(part, ones[: len(part)], ek, scratch[: len(part)])
                _weighted(scratch, weights, F, lost)
            else:
                _product(part, ek, F, lost)
            _slopes(part, ek, weights, F)
            for i in range(stop - start):
                for f in range(low[k], high[k]):
                    part[i * F + f] = 0.0
        for f in range(F):
            if low[k] <= f < high[k]:
                held_loss[f] += lost[f]
            else:
                loss[f] += lost[f]


@kept(void(IN2, IN1, _order, IN1, IN1, OUT2), THIS_ORDER)
def framed(X, sign, order, centre, inverse, out):  # type: ignore[no-untyped-def]
    """out[i] = sign ((x - centre) inverse, 1) of row order[i]."""
    n = X.shape[1]
    for i in range(len(order)):
        row = order[i]
        up = sign[row]
        for j in range(n):
            out[i, j] = (X[row, j] - centre[j]) * inverse[j] * up
        out[i, n] = up
