"""Rows of numbers and categories in one read, compiled by Numba when this module is first imported.

A row of k categories costs k look-ups for z, k additions for the gradient, and k (k - 1) / 2 for the Hessian: one for
each pair of levels that meet in it, where one-hot rows of n columns would cost n².
"""

from __future__ import annotations

import numpy as np
from numba import float64, int8, int16, int32, int64, njit, types

from steepest.kernels.compiled_parts import (
    IN1,
    IN2,
    OUT1,
    THIS_ORDER,
    errors_of,
    exponentials,
    kept,
    losses_of,
    slopes_of,
    total_of,
    tuple_of,
)

__all__ = ["look", "one_pass", "second", "translated"]

RUN = 128  # rows between two looks at memory
_slots = types.Array(int32, 2, "C", readonly=True)
_out2 = types.Array(float64, 2, "C")
_lut = types.Array(int32, 1, "C", readonly=True)
_rows = types.Array(int64, 1, "C", readonly=True)


@njit(error_model="numpy", fastmath=THIS_ORDER)
def _activations(numbers, slots, w, of_slots, b, Z):  # type: ignore[no-untyped-def]
    """Z = numbers w + b + the sum of the weights of the levels."""
    m, p = numbers.shape
    k = slots.shape[1]
    for i in range(m):
        z = b
        for j in range(p):
            z += numbers[i, j] * w[j]
        even = odd = 0.0
        for c in range(0, k - 1, 2):
            even += of_slots[slots[i, c]]
            odd += of_slots[slots[i, c + 1]]
        if k % 2:
            even += of_slots[slots[i, k - 1]]
        Z[i] = z + (even + odd)


@kept(tuple_of(3)(IN2, _slots, IN1, IN1, IN1, IN1, IN1, float64, OUT1, OUT1, OUT1), THIS_ORDER)
def one_pass(numbers, slots, y, s, o, w, of_slots, b, dw, of_levels, bend):  # type: ignore[no-untyped-def]
    """Loss, errors and db of a piece; dw (p,) and of_levels (N,) are added to unless they are empty, and `bend`
    gets s a(1-a) unless it is empty. s is empty if all weights are 1, o if there is no offset.
    """
    m, p = numbers.shape
    k = slots.shape[1]
    weighted, slopes, bends = len(s) > 0, len(of_levels) > 0, len(bend) > 0
    Z, e, a = np.empty(RUN), np.empty(RUN), np.empty(RUN)
    loss = db = 0.0
    errors = 0
    for start in range(0, m, RUN):
        stop = min(start + RUN, m)
        rows = stop - start
        Xk, at, yk, Zk, ek, ak = numbers[start:stop], slots[start:stop], y[start:stop], Z[:rows], e[:rows], a[:rows]
        sk = s[start:stop] if weighted else s
        _activations(Xk, at, w, of_slots, b, Zk)
        if len(o):
            Zk += o[start:stop]
        exponentials(Zk, ek, ak)
        errors += errors_of(Zk, yk, sk, weighted)
        losses_of(Zk, yk, ek, ak)
        if weighted:
            ak *= sk
        loss += total_of(ak)
        if slopes:
            slopes_of(Zk, yk, ek, ak)
            if weighted:
                ak *= sk
            db += total_of(ak)
            for i in range(rows):
                for j in range(p):
                    dw[j] += ak[i] * Xk[i, j]
                for c in range(k):
                    of_levels[at[i, c]] += ak[i]
        if bends:
            for i in range(rows):
                bend[start + i] = ek[i] / (1.0 + ek[i]) / (1.0 + ek[i])
            if weighted:
                bend[start:stop] *= sk
    return loss, float(errors), db


@njit(error_model="numpy", fastmath=THIS_ORDER)
def _pairs(slots, bend, row_of, pairs):  # type: ignore[no-untyped-def]
    """Four categories at a time against one: the cells that all rows of a piece need then stay in cache, where row by
    row they are all over the tables; each cell is added to in the order of the rows either way.
    """
    m, k = slots.shape
    at, row = np.empty((k, m), np.uint32), np.empty(m, np.uint64)
    for i in range(m):
        for c in range(k):
            at[c, i] = slots[i, c]
    for c in range(1, k):
        own = at[c]
        for i in range(m):
            row[i] = np.uint64(row_of[own[i]])
        for d in range(0, c - 3, 4):
            first, second, third, fourth = at[d], at[d + 1], at[d + 2], at[d + 3]
            for i in range(m):  # the indices before the additions, which might otherwise have changed them
                start, h = row[i], bend[i]
                one, two = start + np.uint64(first[i]), start + np.uint64(second[i])
                three, four = start + np.uint64(third[i]), start + np.uint64(fourth[i])
                pairs[one] += h
                pairs[two] += h
                pairs[three] += h
                pairs[four] += h
        for d in range(c // 4 * 4, c):
            first = at[d]
            for i in range(m):
                pairs[row[i] + np.uint64(first[i])] += bend[i]


@njit(error_model="numpy", fastmath=THIS_ORDER)
def _numbers(numbers, x, inner):  # type: ignore[no-untyped-def]
    """The numbers among themselves; a loop of its own, for beside others it is not made one of vectors."""
    m, p = numbers.shape
    for i in range(m):
        each = x[i]
        for j in range(p):
            into, own = inner[j], numbers[i, j]
            for other in range(p + 1):
                into[other] += own * each[other]
        inner[p, p] += each[p]


@kept(types.void(IN2, _slots, IN1, _rows, _out2, _out2, OUT1), THIS_ORDER)
def second(numbers, slots, bend, row_of, inner, mixed, pairs):  # type: ignore[no-untyped-def]
    """X'diag(bend)X added to the three parts of `kernels.mixed.Second`."""
    m, p = numbers.shape
    k = slots.shape[1]
    _pairs(slots, bend, row_of, pairs)
    x = np.empty((m, p + 1))
    for i in range(m):
        for j in range(p):
            x[i, j] = bend[i] * numbers[i, j]
        x[i, p] = bend[i]
    _numbers(numbers, x, inner)
    for i in range(m):
        each = x[i]
        for c in range(k):
            into = mixed[np.uint64(slots[i, c])]  # unsigned, or each index is first looked at for its sign
            for j in range(p + 1):
                into[j] += each[j]
    for j in range(p):
        inner[p, j] = inner[j, p]


@kept(tuple_of(2)(IN2, _slots, IN1, IN1, IN1, IN1, OUT1, OUT1, _out2), THIS_ORDER)
def look(numbers, slots, y, s, centre, inverse, low, high, counts):  # type: ignore[no-untyped-def]
    """The longest row of (numbers - centre) inverse, squared, and the sum of all, which is NaN if a number is; low and
    high (p,) are updated; to counts (N, 4) are added, per slot, the rows that have a weight, those of them with y = 1
    and with y = 0, and their weights. s is empty if all weights are 1.
    """
    m, p = numbers.shape
    k = slots.shape[1]
    longest = total = 0.0
    for i in range(m):
        square = 0.0
        for j in range(p):
            x = numbers[i, j]
            low[j], high[j] = x if x < low[j] else low[j], x if x > high[j] else high[j]
            away = (x - centre[j]) * inverse[j]
            square += away * away
        longest = max(longest, square)
        total += square
        weight = s[i] if len(s) else 1.0
        if weight > 0.0:
            one, zero = 1.0 if y[i] == 1.0 else 0.0, 1.0 if y[i] == 0.0 else 0.0
            for c in range(k):
                into = counts[np.uint64(slots[i, c])]  # the four lie together: one place in memory per level
                into[0] += 1.0
                into[1] += one
                into[2] += zero
                into[3] += weight
    return longest, total


def _translated(codes, table, out, column):  # type: ignore[no-untyped-def]
    """out[:, column] = table[codes]; the code -1 finds the last entry."""
    last = len(table) - 1
    for i in range(len(codes)):
        code = codes[i]
        out[i, column] = table[code if code >= 0 else last]


_signatures = [
    types.void(types.Array(kind, 1, "A", readonly=True), _lut, types.Array(int32, 2, "C"), int64)
    for kind in (int8, int16, int32, int64)
]
translated = kept(_signatures, THIS_ORDER)(_translated)
