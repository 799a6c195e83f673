"""Compiled parts that the kernels share: exp, losses, slopes, sums over a run of rows. Nothing is compiled on import.

exp(-|z|) and log1p(e) are the polynomials of `exponentials` and `losses_of`, because the processor evaluates them for
eight rows at once: e to 1.1 ulp by reduction to |r| <= log(2)/2 (W. J. Cody, W. Waite, Software Manual for the
Elementary Functions, 1980, chapter 6) and Taylor's series to degree 13; log(1 + e) = 2 artanh(q), q = e/(2 + e) <= 1/3,
by its own series, in which nothing cancels.

Numba keeps compiled code by the file that it stands in: whoever changes a part here touches the modules that use it.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
from numba import float64, njit, types

__all__ = [
    "ANY_ORDER",
    "ASKED",
    "IN1",
    "IN2",
    "OUT1",
    "OUT2",
    "PARTS",
    "THIS_ORDER",
    "activations",
    "errors_of",
    "exponentials",
    "kept",
    "losses_of",
    "rows_of",
    "slopes_of",
    "total_of",
    "tuple_of",
]

FAR = 746.0  # exp(-746) is 0
LOW, LIFT = 1000.0, 128  # from k = -1000 on, 2^k is made as 2^(k + 128) 2^-128: the last factor may be subnormal
TO_BITS = 1.5 * 2.0**52  # adding it rounds a number below 2^51 to a whole one, which then stands in the lowest bits
LOG2E, LN2_HIGH, LN2_LOW = 1.4426950408889634, 0.693147180369123816490, 1.90821492927058770002e-10

IN1 = types.Array(float64, 1, "C", readonly=True)
IN2 = types.Array(float64, 2, "C", readonly=True)
OUT1, OUT2 = types.Array(float64, 1, "C"), types.Array(float64, 2, "C")
_types: Any = types  # whose tuples have no annotations
PARTS = _types.UniTuple(IN1, 3)  # y, s, o
ASKED = _types.Tuple((OUT1, OUT1, IN1, OUT2, OUT1))  # dw, e, inverse, ends, totals
tuple_of: Any = functools.partial(_types.UniTuple, float64)
ANY_ORDER = {"reassoc", "contract", "nsz"}  # sums in the order that is fastest here; every bound holds for any order
THIS_ORDER = {"contract", "nsz"}


def kept(signature: Any, fastmath: set[str]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Compile for a signature now, for None at the first call, or load what was compiled before; without a folder to
    keep it in, compile anyway.
    """

    def compile_it(function: Callable[..., Any]) -> Callable[..., Any]:
        options: dict[str, Any] = {"nogil": True, "error_model": "numpy", "fastmath": fastmath}
        try:
            compiled: Callable[..., Any] = njit(signature, cache=True, **options)(function)
        except (RuntimeError, OSError):
            compiled = njit(signature, **options)(function)
        return compiled

    return compile_it


@njit(error_model="numpy", fastmath=ANY_ORDER)
def activations(X, w, b, Z):  # type: ignore[no-untyped-def]
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


@njit(error_model="numpy", fastmath=THIS_ORDER)
def exponentials(Z, e, scratch):  # type: ignore[no-untyped-def]
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


@njit(error_model="numpy", fastmath=THIS_ORDER)
def losses_of(Z, y, e, losses):  # type: ignore[no-untyped-def]
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


@njit(error_model="numpy", fastmath=THIS_ORDER)
def slopes_of(Z, y, e, dZ):  # type: ignore[no-untyped-def]
    """dZ = A - Y."""
    for i in range(len(Z)):
        dZ[i] = (1.0 if Z[i] >= 0.0 else e[i]) / (1.0 + e[i]) - y[i]


@njit(error_model="numpy", fastmath=ANY_ORDER)
def total_of(values):  # type: ignore[no-untyped-def]
    """Their sum."""
    total = 0.0
    for i in range(len(values)):
        total += values[i]
    return total


@njit(error_model="numpy", fastmath=THIS_ORDER)
def errors_of(Z, y, s, weighted):  # type: ignore[no-untyped-def]
    """Rows of weight > 0 on the wrong side of the plane, or on it."""
    errors = 0
    for i in range(len(Z)):
        errors += (2.0 * y[i] - 1.0) * Z[i] <= 0.0 and not (weighted and s[i] <= 0.0)
    return errors


@njit(error_model="numpy", fastmath=THIS_ORDER)
def rows_of(Z, y, s, e, a, slopes, totals):  # type: ignore[no-untyped-def]
    """What Z of some rows adds to `totals`: loss, errors, and db if `slopes` are asked for; leaves e, and dZ in a."""
    weighted = len(s) > 0
    exponentials(Z, e, a)
    totals[1] += errors_of(Z, y, s, weighted)
    losses_of(Z, y, e, a)
    if weighted:
        a *= s
    totals[0] += total_of(a)
    if slopes:
        slopes_of(Z, y, e, a)
        if weighted:
            a *= s
        totals[2] += total_of(a)
