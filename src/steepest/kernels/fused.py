"""What a block has to say in one read of its rows, compiled by Numba when this module is first imported.

Z = Xw + b, e = exp(-|Z|), the losses, dZ = A - Y and dw += X'dZ are made for a run of rows before the next is touched:
no array as long as the table exists, and the interpreter is not needed in between, so threads do not wait for it.

exp(-|z|) and log1p(e) are polynomials that are evaluated for eight rows at once (`compiled_parts.py`).
"""

from __future__ import annotations

import numpy as np
from numba import float64, int64, njit, none

from steepest.kernels.compiled_parts import (
    ANY_ORDER,
    ASKED,
    IN1,
    IN2,
    OUT1,
    PARTS,
    THIS_ORDER,
    activations,
    kept,
    rows_of,
    tuple_of,
)

__all__ = ["look", "one_pass"]

WORTH_A_PART = 32  # rows: long runs are summed apart, for their digits; of short ones that would cost a third of a pass


@njit(error_model="numpy", fastmath=THIS_ORDER)
def _add_over_rows(X, dZ, dw):  # type: ignore[no-untyped-def]
    """dw += X'dZ, eight rows at a time so that dw is read and written once for them."""
    m, n = X.shape
    whole = m - m % 8
    for i in range(0, whole, 8):
        d0, d1, d2, d3 = dZ[i], dZ[i + 1], dZ[i + 2], dZ[i + 3]
        d4, d5, d6, d7 = dZ[i + 4], dZ[i + 5], dZ[i + 6], dZ[i + 7]
        for j in range(n):
            first = (d0 * X[i, j] + d1 * X[i + 1, j]) + (d2 * X[i + 2, j] + d3 * X[i + 3, j])
            second = (d4 * X[i + 4, j] + d5 * X[i + 5, j]) + (d6 * X[i + 6, j] + d7 * X[i + 7, j])
            dw[j] += first + second
    for i in range(whole, m):
        for j in range(n):
            dw[j] += dZ[i] * X[i, j]


@njit(error_model="numpy", fastmath=ANY_ORDER)
def _reach(X, centre, inverse, low, high):  # type: ignore[no-untyped-def]
    """The longest row of (x - centre) inverse, squared, and the sum of all, which is NaN if an x is; low and high of
    each column are lowered and raised.
    """
    m, n = X.shape
    whole = m - m % 4
    longest = total = 0.0
    for i in range(0, whole, 4):
        q0 = q1 = q2 = q3 = 0.0
        for j in range(n):
            x0, x1, x2, x3 = X[i, j], X[i + 1, j], X[i + 2, j], X[i + 3, j]
            least, most = x1 if x1 < x0 else x0, x1 if x1 > x0 else x0
            least, most = x2 if x2 < least else least, x2 if x2 > most else most
            least, most = x3 if x3 < least else least, x3 if x3 > most else most
            low[j], high[j] = least if least < low[j] else low[j], most if most > high[j] else high[j]
            c, t = centre[j], inverse[j]
            q0 += ((x0 - c) * t) * ((x0 - c) * t)
            q1 += ((x1 - c) * t) * ((x1 - c) * t)
            q2 += ((x2 - c) * t) * ((x2 - c) * t)
            q3 += ((x3 - c) * t) * ((x3 - c) * t)
        longest = max(longest, q0, q1, q2, q3)
        total += (q0 + q1) + (q2 + q3)
    for i in range(whole, m):
        square = 0.0
        for j in range(n):
            low[j], high[j] = X[i, j] if X[i, j] < low[j] else low[j], X[i, j] if X[i, j] > high[j] else high[j]
            square += ((X[i, j] - centre[j]) * inverse[j]) * ((X[i, j] - centre[j]) * inverse[j])
        longest = max(longest, square)
        total += square
    return longest, total


@kept(none(IN2, PARTS, IN1, float64, ASKED, int64), THIS_ORDER)
def one_pass(X, parts, w, b, asked, run):  # type: ignore[no-untyped-def]
    """Adds to `asked` = (dw, e_kept, inverse, ends, totals) what some rows say, `run` of them at a time.

    `parts` = (y, s, o): s is empty if all weights are 1, o if there is no offset. Loss, errors and db go to `totals`,
    X'dZ to dw, e to `e_kept`, unless dw or `e_kept` is empty. Unless `inverse` is empty the rows are looked at besides:
    least and largest value of each column go to `ends` (2, n), the longest row of x inverse, squared, to totals[3] if
    it is longer, and the sum of all squares is added to totals[4], which is NaN then if an x is.
    """
    (y, s, o), (dw, e_kept, inverse, ends, totals), m = parts, asked, len(X)
    weighted, slopes, keeps, looks = len(s) > 0, len(dw) > 0, len(e_kept) > 0, len(inverse) > 0
    Z, e, a, part = np.empty(run), np.empty(run), np.empty(run), np.empty(len(dw))
    origin = np.zeros(len(inverse))
    for start in range(0, m, run):
        stop = min(start + run, m)
        rows = stop - start
        Xk, Zk, ek, ak = X[start:stop], Z[:rows], e[:rows], a[:rows]
        activations(Xk, w, b, Zk)
        if len(o):
            Zk += o[start:stop]
        rows_of(Zk, y[start:stop], s[start:stop] if weighted else s, ek, ak, slopes, totals)
        if keeps:
            e_kept[start:stop] = ek
        if slopes and run < WORTH_A_PART:
            _add_over_rows(Xk, ak, dw)
        elif slopes:
            part[:] = 0.0
            _add_over_rows(Xk, ak, part)
            dw += part
        if looks:
            longest, total = _reach(Xk, origin, inverse, ends[0], ends[1])
            totals[3] = max(totals[3], longest)
            totals[4] += total


@kept(tuple_of(2)(IN2, IN1, IN1, OUT1, OUT1), ANY_ORDER)
def look(X, centre, inverse, low, high):  # type: ignore[no-untyped-def]
    """The longest row of (x - centre) inverse, squared, and the sum of all, which is NaN if an x is; low and high of
    each column are filled.
    """
    return _reach(X, centre, inverse, low, high)
