"""The vectorised kernel's sums, by compiled code that reads the rows once (`fused.py`).

On 1,000,000 x 50 a pass takes half the time of the calls to NumPy. The price is Numba: 0.3 s to load what was compiled
before, some seconds the first time on a machine. So it is loaded by the first block it is asked to sum, and
`kernels.suited` asks it for large tables only.
"""

from __future__ import annotations

import functools
import math
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray

from steepest.kernels import vectorised
from steepest.kernels.tiles import by_columns, column_run, column_tiles, plain, row_run, row_tiles
from steepest.types import Block, Floats, Sums

__all__ = ["along", "hessian_times", "look", "sums", "sums_and_look"]

NOTHING = np.empty(0)

hessian_times, along = vectorised.hessian_times, vectorised.along


def sums(block: Block, w: Floats, b: float, order: int) -> Sums:
    """As `vectorised.sums`, to rounding."""
    return _sums(block, w, b, order, NOTHING)[0]


def sums_and_look(block: Block, w: Floats, b: float, order: int, inverse: Floats) -> tuple[Sums, Floats, Floats, float]:
    """`sums`, and what `look` says of the rows as they are, in one read."""
    found, ends, totals = _sums(block, w, b, order, inverse)
    return found, ends[0], ends[1], math.nan if math.isnan(totals[4]) else float(totals[3])


def look(block: Block, centre: Floats, inverse: Floats) -> tuple[Floats, Floats, float]:
    """Least and largest value of each column, and the longest row of (x - centre) inverse, squared; NaN if an x is."""
    ends = _no_ends(block.X.shape[1])
    longest, total = 0.0, 0.0
    for _, X in row_tiles(block.X):
        here, added = _fused().look(X, centre, inverse, ends[0], ends[1])
        longest, total = max(longest, here), total + added
    return ends[0], ends[1], math.nan if math.isnan(total) else longest


def _sums(block: Block, w: Floats, b: float, order: int, inverse: Floats) -> tuple[Sums, Floats, Floats]:
    """The sums, the ends of the columns, and the kernel's totals."""
    m, n = block.X.shape
    parts = tuple(NOTHING if part is None else plain(part) for part in (block.y, block.weight, block.offset))
    e = np.empty(m) if order == 2 else NOTHING
    dw, totals = np.zeros(n if order else 0), np.zeros(5)
    ends = _no_ends(n if len(inverse) else 0)
    _read(block.X, parts, np.ascontiguousarray(w), b, (dw, e, inverse, ends, totals))
    weight = float(m if block.weight is None else block.weight.sum())
    loss, errors, db = float(totals[0]), int(totals[1]), float(totals[2])
    if order == 0:
        return Sums(weight, loss, errors), ends, totals
    if order == 1:
        return Sums(weight, loss, errors, dw, db), ends, totals
    return Sums(weight, loss, errors, dw, db, *vectorised.second(block.X, e, block.weight)), ends, totals


def _read(X: NDArray[Any], parts: tuple[Floats, ...], w: Floats, b: float, asked: tuple[Floats, ...]) -> None:
    """One read of the rows as they lie, adding to the arrays `asked` for, of which the second has a place per row."""
    n, (dw, e, *looks) = X.shape[1], asked
    if by_columns(X):
        for start, numbers, step, rows in column_tiles(X):
            at = slice(start, start + rows)
            here = tuple(part[at] for part in parts)
            _columns().one_pass(numbers, step, here, w, b, (dw, e[at], *looks), column_run(n))
        return
    for start, tile in row_tiles(X):
        at = slice(start, start + len(tile))
        _fused().one_pass(tile, tuple(part[at] for part in parts), w, b, (dw, e[at], *looks), row_run(n))


def _no_ends(n: int) -> Floats:
    ends = np.empty((2, n))
    ends[0], ends[1] = np.inf, -np.inf
    return ends


@functools.cache
def _columns() -> Any:
    return import_module("steepest.kernels.fused_columns")


@functools.cache
def _fused() -> Any:
    return import_module("steepest.kernels.fused")
