"""`fused.one_pass` where each column lies in one piece (F order): the same sums in one read, and nothing is turned."""

from __future__ import annotations

import numpy as np
from numba import float64, int64, njit, none

from steepest.kernels.compiled_parts import ANY_ORDER, ASKED, IN1, PARTS, kept, rows_of

__all__ = ["one_pass"]


@njit(error_model="numpy", fastmath=ANY_ORDER)
def _activations(flat, at, step, w, Z):  # type: ignore[no-untyped-def]
    """Z += Xw for the rows from `at` on, four columns at a time so that Z is read and written once for them."""
    n, m = len(w), len(Z)
    whole = n - n % 4
    for j in range(0, whole, 4):
        k0 = at + j * step
        k1, k2, k3 = k0 + step, k0 + 2 * step, k0 + 3 * step
        w0, w1, w2, w3 = w[j], w[j + 1], w[j + 2], w[j + 3]
        for i in range(m):
            Z[i] += (w0 * flat[k0 + i] + w1 * flat[k1 + i]) + (w2 * flat[k2 + i] + w3 * flat[k3 + i])
    for j in range(whole, n):
        k, v = at + j * step, w[j]
        for i in range(m):
            Z[i] += v * flat[k + i]


@njit(error_model="numpy", fastmath=ANY_ORDER)
def _add_over_rows(flat, at, step, dZ, dw):  # type: ignore[no-untyped-def]
    """dw += X'dZ, four columns at a time so that dZ is read once for them."""
    n, m = len(dw), len(dZ)
    whole = n - n % 4
    for j in range(0, whole, 4):
        k0 = at + j * step
        k1, k2, k3 = k0 + step, k0 + 2 * step, k0 + 3 * step
        d0 = d1 = d2 = d3 = 0.0
        for i in range(m):
            d0 += dZ[i] * flat[k0 + i]
            d1 += dZ[i] * flat[k1 + i]
            d2 += dZ[i] * flat[k2 + i]
            d3 += dZ[i] * flat[k3 + i]
        dw[j] += d0
        dw[j + 1] += d1
        dw[j + 2] += d2
        dw[j + 3] += d3
    for j in range(whole, n):
        k, d = at + j * step, 0.0
        for i in range(m):
            d += dZ[i] * flat[k + i]
        dw[j] += d


@njit(error_model="numpy", fastmath=ANY_ORDER)
def _reach(flat, at, step, inverse, ends, squares):  # type: ignore[no-untyped-def]
    """The longest row of x inverse, squared, and the sum of all; `ends` of each column are moved apart."""
    squares[:] = 0.0
    for j in range(len(inverse)):
        k, t, low, high = at + j * step, inverse[j], ends[0, j], ends[1, j]
        for i in range(len(squares)):
            x = flat[k + i]
            low = x if x < low else low
            high = x if x > high else high
            squares[i] += (x * t) * (x * t)
        ends[0, j], ends[1, j] = low, high
    longest = total = 0.0
    for i in range(len(squares)):
        longest = max(longest, squares[i])
        total += squares[i]
    return longest, total


@kept(none(IN1, int64, PARTS, IN1, float64, ASKED, int64), ANY_ORDER)
def one_pass(flat, step, parts, w, b, asked, run):  # type: ignore[no-untyped-def]
    """As `fused.one_pass`, X[i, j] = flat[i + j step]."""
    (y, s, o), (dw, kept, inverse, ends, totals), m = parts, asked, len(parts[0])
    weighted, slopes, keeps, looks = len(s) > 0, len(dw) > 0, len(kept) > 0, len(inverse) > 0
    Z, e, a = np.empty(run), np.empty(run), np.empty(run)
    for start in range(0, m, run):
        stop = min(start + run, m)
        rows = stop - start
        Zk, ek, ak = Z[:rows], e[:rows], a[:rows]
        Zk[:] = b
        _activations(flat, start, step, w, Zk)
        if len(o):
            Zk += o[start:stop]
        rows_of(Zk, y[start:stop], s[start:stop] if weighted else s, ek, ak, slopes, totals)
        if keeps:
            kept[start:stop] = ek
        if slopes:
            _add_over_rows(flat, start, step, ak, dw)
        if looks:
            longest, total = _reach(flat, start, step, inverse, ends, ek)
            totals[3] = max(totals[3], longest)
            totals[4] += total
