"""The vectorised kernel's sums, by compiled code that reads the rows once (`fused.py`).

On 1,000,000 x 50 a pass takes half the time of the calls to NumPy. The price is Numba: 0.3 s to load what was compiled
before, some seconds the first time on a machine. So it is loaded by the first block it is asked to sum, and
`kernels.suited` asks it for large tables only.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Iterator
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray

from steepest.kernels import vectorised
from steepest.types import Block, Floats, Sums

__all__ = ["NOTHING", "along", "hessian_times", "look", "plain", "sums", "sums_and_look", "tiles"]

NOTHING = np.empty(0)
RUN, IN_CACHE = 128, 1 << 15  # rows between two looks at memory: 128, or as many as hold 256 KB, but 8 at least

hessian_times, along = vectorised.hessian_times, vectorised.along


def sums(block: Block, w: Floats, b: float, order: int) -> Sums:
    """As `vectorised.sums`, to rounding."""
    return _sums(block, w, b, order, NOTHING)[0]


def sums_and_look(
    block: Block, w: Floats, b: float, order: int, inverse: Floats
) -> tuple[Sums, Floats, Floats, float]:
    """`sums`, and what `look` says of the rows as they are, in one read."""
    found, ends, totals = _sums(block, w, b, order, inverse)
    return found, ends[0], ends[1], math.nan if math.isnan(totals[4]) else float(totals[3])


def look(block: Block, centre: Floats, inverse: Floats) -> tuple[Floats, Floats, float]:
    """Least and largest value of each column, and the longest row of (x - centre) inverse, squared; NaN if an x is."""
    ends = _no_ends(block.X.shape[1])
    longest, total = 0.0, 0.0
    for start, X in tiles(block.X):
        del start
        here, added = _fused().look(X, centre, inverse, ends[0], ends[1])
        longest, total = max(longest, here), total + added
    return ends[0], ends[1], math.nan if math.isnan(total) else longest


def _sums(block: Block, w: Floats, b: float, order: int, inverse: Floats) -> tuple[Sums, Floats, Floats]:
    """The sums, the ends of the columns, and the kernel's totals."""
    m, n = block.X.shape
    y, s, o = (NOTHING if part is None else plain(part) for part in (block.y, block.weight, block.offset))
    e = np.empty(m) if order == 2 else NOTHING
    dw, totals, ends, w = np.zeros(n if order else 0), np.zeros(5), _no_ends(n), np.ascontiguousarray(w)
    for start, X in tiles(block.X):
        part = slice(start, start + len(X))
        _fused().one_pass(X, y[part], s[part], o[part], w, b, dw, e[part], inverse, ends, totals, _run(n))
    weight = float(m if block.weight is None else block.weight.sum())
    loss, errors, db = float(totals[0]), int(totals[1]), float(totals[2])
    if order == 0:
        return Sums(weight, loss, errors), ends, totals
    if order == 1:
        return Sums(weight, loss, errors, dw, db), ends, totals
    return Sums(weight, loss, errors, dw, db, *vectorised.second(block.X, e, block.weight)), ends, totals


def _no_ends(n: int) -> Floats:
    ends = np.empty((2, n))
    ends[0], ends[1] = np.inf, -np.inf
    return ends


def tiles(X: NDArray[Any]) -> Iterator[tuple[int, Floats]]:
    """(first row, float64 rows in C order): the rows themselves, or as many copies at a time as stay in cache.

    Tiles are whole runs of `fused.one_pass`, so narrow rows give the bits of the same rows as float64.
    """
    if X.dtype == np.float64 and X.flags.c_contiguous and X.flags.aligned:
        yield 0, X
        return
    run = _run(X.shape[1])
    rows = max(1, IN_CACHE // max(1, X.shape[1]) // run) * run
    tile = np.empty((min(rows, len(X)), X.shape[1]))
    for start in range(0, len(X), rows):
        part = X[start : start + rows]
        np.copyto(tile[: len(part)], part)
        yield start, tile[: len(part)]


def _run(n: int) -> int:
    """Rows of n columns that are summed together."""
    return min(RUN, max(8, IN_CACHE // max(1, n) // 8 * 8))


def plain(values: Floats) -> Floats:
    """Float64 in one piece, as the compiled code reads it."""
    return np.require(values, np.float64, ["C", "A"])


@functools.cache
def _fused() -> Any:
    return import_module("steepest.kernels.fused")
