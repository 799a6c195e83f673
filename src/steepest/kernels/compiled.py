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

from steepest.kernels import vectorised
from steepest.types import Block, Floats, Sums

__all__ = ["along", "hessian_times", "look", "sums"]

NOTHING = np.empty(0)

hessian_times, along = vectorised.hessian_times, vectorised.along


def sums(block: Block, w: Floats, b: float, order: int) -> Sums:
    """As `vectorised.sums`, to rounding; blocks that are not in C order are left to it."""
    X, y, s, o = block.X, block.y, block.weight, block.offset
    if not all(part is None or (part.flags.c_contiguous and part.flags.aligned) for part in (X, y, s, o)):
        return vectorised.sums(block, w, b, order)
    e = np.empty(len(y)) if order == 2 else NOTHING
    dw = np.zeros(X.shape[1]) if order else NOTHING
    loss, errors, db = _fused().one_pass(X, y, _or_nothing(s), _or_nothing(o), np.ascontiguousarray(w), b, dw, e)
    weight = float(len(y) if s is None else s.sum())
    if order == 0:
        return Sums(weight, loss, int(errors))
    if order == 1:
        return Sums(weight, loss, int(errors), dw, db)
    return Sums(weight, loss, int(errors), dw, db, *vectorised.second(X, e, s))


def _or_nothing(values: Floats | None) -> Floats:
    return NOTHING if values is None else values


def look(block: Block, centre: Floats, inverse: Floats) -> tuple[Floats, Floats, float]:
    """Least and largest value of each column, and the longest row of (x - centre) inverse, squared; NaN if an x is."""
    low, high = np.full(block.X.shape[1], np.inf), np.full(block.X.shape[1], -np.inf)
    longest, total = _fused().look(np.require(block.X, requirements=["C", "A"]), centre, inverse, low, high)
    return low, high, math.nan if math.isnan(total) else longest


@functools.cache
def _fused() -> Any:
    return import_module("steepest.kernels.fused")
