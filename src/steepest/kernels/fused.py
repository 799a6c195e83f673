"""What a block has to say in one read of its rows, compiled by Numba when this module is first imported.

Z = Xw + b, e = exp(-|Z|), the losses, dZ = A - Y and dw += X'dZ are made for a run of rows before the next is touched:
no array as long as the table exists, and the interpreter is not needed in between, so threads do not wait for it.

exp(-|z|) and log1p(e) are the polynomials of `_exponentials` and `_losses`, because the processor evaluates them for
eight rows at once: e to 1.1 ulp by reduction to |r| <= log(2)/2 (W. J. Cody, W. Waite, Software Manual for the
Elementary Functions, 1980, chapter 6) and Taylor's series to degree 13; log(1 + e) = 2 artanh(q), q = e/(2 + e) <= 1/3,
by its own series, in which nothing cancels.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
from numba import float64, int64, njit, none, types

__all__ = ["look", "one_pass"]

WORTH_A_PART = 32  # rows: long runs are summed apart, for their digits; of short ones that would cost a third of a pass
FAR = 746.0  # exp(-746) is 0
LOW, LIFT = 1000.0, 128  # from k = -1000 on, 2^k is made as 2^(k + 128) 2^-128: the last factor may be subnormal
TO_BITS = 1.5 * 2.0**52  # adding it rounds a number below 2^51 to a whole one, which then stands in the lowest bits
LOG2E, LN2_HIGH, LN2_LOW = 1.4426950408889634, 0.693147180369123816490, 1.90821492927058770002e-10

_in1 = types.Array(float64, 1, "C", readonly=True)
_in2 = types.Array(float64, 2, "C", readonly=True)
_out1, _out2 = types.Array(float64, 1, "C"), types.Array(float64, 2, "C")
_types: Any = types  # whose tuples have no annotations
_parts, _asked = _types.UniTuple(_in1, 3), _types.Tuple((_out1, _out1, _in1, _out2, _out1))
_tuple = functools.partial(_types.UniTuple, float64)
_ANY_ORDER = {"reassoc", "contract", "nsz"}  # sums in the order that is fastest here; every bound holds for any order
_THIS_ORDER = {"contract", "nsz"}


def _kept(signature: Any, fastmath: set[str]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Compile now, or load what was compiled before; without a folder to keep it in, compile anyway."""

    def compile_it(function: Callable[..., Any]) -> Callable[..., Any]:
        options: dict[str, Any] = {"nogil": True, "error_model": "numpy", "fastmath": fastmath}
        try:
            compiled: Callable[..., Any] = njit(signature, cache=True, **options)(function)
        except (RuntimeError, OSError):
            compiled = njit(signature, **options)(function)
        return compiled

    return compile_it


@njit(error_model="numpy", fastmath=_ANY_ORDER)
def _activations(X, w, b, Z):  # type: ignore[no-untyped-def]
    """Z = Xw + b, four rows at a time so that w is read once for them."""
    m, n = X.shape
    whole = m - m % 4
    for i in range(0, whole, 4):
        z0 = z1 = z2 = z3 = 0.0
        for j in range(n):
            z0 += X[i, j] * w[j]
            z1 += X[i + 1, j] * w[j]
            z2 += X[i + 2, j] * w[j]
            z3 += X[i + 3, j] * w[j]
        Z[i], Z[i + 1], Z[i + 2], Z[i + 3] = z0 + b, z1 + b, z2 + b, z3 + b
    for i in range(whole, m):
        z = 0.0
        for j in range(n):
            z += X[i, j] * w[j]
        Z[i] = z + b


@njit(error_model="numpy", fastmath=_THIS_ORDER)
def _exponentials(Z, e, scratch):  # type: ignore[no-untyped-def]
    """e = exp(-|Z|): -|z| = k log 2 + r, exp(r) by its series, 2^k by adding k to the exponent's bits."""
    for i in range(len(Z)):
        x = min(abs(Z[i]), FAR)
        t = x * -LOG2E + TO_BITS
        k = t - TO_BITS
        r = (-x - k * LN2_HIGH) - k * LN2_LOW
        p = 1.0 / 6227020800.0
        p = p * r + 1.0 / 479001600.0
        p = p * r + 1.0 / 39916800.0
        p = p * r + 1.0 / 3628800.0
        p = p * r + 1.0 / 362880.0
        p = p * r + 1.0 / 40320.0
        p = p * r + 1.0 / 5040.0
        p = p * r + 1.0 / 720.0
        p = p * r + 1.0 / 120.0
        p = p * r + 1.0 / 24.0
        p = p * r + 1.0 / 6.0
        p = p * r + 0.5
        p = p * r + 1.0
        e[i] = p * r + 1.0
        scratch[i] = t
    exponent, shift = e.view(np.int64), scratch.view(np.int64)
    for i in range(len(Z)):
        exponent[i] += (shift[i] + (LIFT if scratch[i] < TO_BITS - LOW else 0)) << 52
    for i in range(len(Z)):
        e[i] *= 2.0**-LIFT if scratch[i] < TO_BITS - LOW else 1.0


@njit(error_model="numpy", fastmath=_THIS_ORDER)
def _losses(Z, y, e, losses):  # type: ignore[no-untyped-def]
    """|z| (1 - y or y) + log(1 + e), by the sign of z."""
    for i in range(len(Z)):
        q = e[i] / (2.0 + e[i])
        h = q * q
        p = 1.0 / 33.0
        p = p * h + 1.0 / 31.0
        p = p * h + 1.0 / 29.0
        p = p * h + 1.0 / 27.0
        p = p * h + 1.0 / 25.0
        p = p * h + 1.0 / 23.0
        p = p * h + 1.0 / 21.0
        p = p * h + 1.0 / 19.0
        p = p * h + 1.0 / 17.0
        p = p * h + 1.0 / 15.0
        p = p * h + 1.0 / 13.0
        p = p * h + 1.0 / 11.0
        p = p * h + 1.0 / 9.0
        p = p * h + 1.0 / 7.0
        p = p * h + 1.0 / 5.0
        p = p * h + 1.0 / 3.0
        losses[i] = abs(Z[i]) * (1.0 - y[i] if Z[i] >= 0.0 else y[i]) + (2.0 * q + 2.0 * q * (h * p))


@njit(error_model="numpy", fastmath=_THIS_ORDER)
def _slopes(Z, y, e, dZ):  # type: ignore[no-untyped-def]
    """dZ = A - Y."""
    for i in range(len(Z)):
        dZ[i] = (1.0 if Z[i] >= 0.0 else e[i]) / (1.0 + e[i]) - y[i]


@njit(error_model="numpy", fastmath=_ANY_ORDER)
def _total(values):  # type: ignore[no-untyped-def]
    total = 0.0
    for i in range(len(values)):
        total += values[i]
    return total


@njit(error_model="numpy", fastmath=_THIS_ORDER)
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


@njit(error_model="numpy", fastmath=_THIS_ORDER)
def _errors(Z, y, s, weighted):  # type: ignore[no-untyped-def]
    """Rows of weight > 0 on the wrong side of the plane, or on it."""
    errors = 0
    for i in range(len(Z)):
        errors += (2.0 * y[i] - 1.0) * Z[i] <= 0.0 and not (weighted and s[i] <= 0.0)
    return errors


@njit(error_model="numpy", fastmath=_ANY_ORDER)
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


@njit(error_model="numpy", fastmath=_THIS_ORDER)
def _rows(Z, y, s, e, a, slopes, totals):  # type: ignore[no-untyped-def]
    """What Z of some rows adds to `totals`: loss, errors, and db if `slopes` are asked for; leaves e, and dZ in a."""
    weighted = len(s) > 0
    _exponentials(Z, e, a)
    totals[1] += _errors(Z, y, s, weighted)
    _losses(Z, y, e, a)
    if weighted:
        a *= s
    totals[0] += _total(a)
    if slopes:
        _slopes(Z, y, e, a)
        if weighted:
            a *= s
        totals[2] += _total(a)


@_kept(none(_in2, _parts, _in1, float64, _asked, int64), _THIS_ORDER)
def one_pass(X, parts, w, b, asked, run):  # type: ignore[no-untyped-def]
    """Adds to `asked` = (dw, kept, inverse, ends, totals) what some rows say, `run` of them at a time.

    `parts` = (y, s, o): s is empty if all weights are 1, o if there is no offset. Loss, errors and db go to `totals`,
    X'dZ to dw, e to `kept`, unless dw or `kept` is empty. Unless `inverse` is empty the rows are looked at besides:
    least and largest value of each column go to `ends` (2, n), the longest row of x inverse, squared, to totals[3] if
    it is longer, and the sum of all squares is added to totals[4], which is NaN then if an x is.
    """
    (y, s, o), (dw, kept, inverse, ends, totals), m = parts, asked, len(X)
    weighted, slopes, keeps, looks = len(s) > 0, len(dw) > 0, len(kept) > 0, len(inverse) > 0
    Z, e, a, part = np.empty(run), np.empty(run), np.empty(run), np.empty(len(dw))
    origin = np.zeros(len(inverse))
    for start in range(0, m, run):
        stop = min(start + run, m)
        rows = stop - start
        Xk, Zk, ek, ak = X[start:stop], Z[:rows], e[:rows], a[:rows]
        _activations(Xk, w, b, Zk)
        if len(o):
            Zk += o[start:stop]
        _rows(Zk, y[start:stop], s[start:stop] if weighted else s, ek, ak, slopes, totals)
        if keeps:
            kept[start:stop] = ek
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


@_kept(_tuple(2)(_in2, _in1, _in1, _out1, _out1), _ANY_ORDER)
def look(X, centre, inverse, low, high):  # type: ignore[no-untyped-def]
    """The longest row of (x - centre) inverse, squared, and the sum of all, which is NaN if an x is; low and high of
    each column are filled.
    """
    return _reach(X, centre, inverse, low, high)
