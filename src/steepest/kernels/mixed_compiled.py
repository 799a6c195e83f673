"""The sums of `mixed.py` by compiled code that reads the rows once (`mixed_fused.py`), loaded when first asked."""

from __future__ import annotations

import functools
import math
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray

from steepest.kernels import mixed
from steepest.kernels.mixed import Gradient, Look, Second
from steepest.mixed_rows import MixedBlock, Slots, parts_of
from steepest.types import Block, Floats, Sums

__all__ = ["along", "hessian_times", "look", "products", "summed", "sums", "translated"]

NOTHING = np.empty(0)

hessian_times, along = mixed.hessian_times, mixed.along


def summed(block: Block, w: Floats, b: float, order: int) -> Gradient:
    """As `mixed.summed`, to rounding."""
    X: Any = block.X
    assert isinstance(X, MixedBlock)  # what an engine of such rows hands out
    layout, fused = X.layout, _fused()
    p = layout.p
    of_numbers, of_slots = layout.split(w)
    slots = len(layout.columns) if order else 0
    dw, part = np.zeros(p + slots if order else 0), np.zeros(p + slots if order else 0)
    bend, second = (np.empty(layout.piece), Second.empty(layout)) if order == 2 else (NOTHING, None)
    loss = errors = db = weight = 0.0
    for piece in X.pieces():
        y, s, o = parts_of(block, piece.part)
        part[:] = 0.0
        h = bend[: len(y)]
        seen = fused.one_pass(piece.numbers, piece.slots, y, _or_nothing(s), _or_nothing(o), of_numbers, of_slots,
                              b, part[:p], part[p:], h)  # fmt: skip
        loss, errors, db = loss + seen[0], errors + seen[1], db + seen[2]
        weight += float(len(y)) if s is None else float(s.sum())
        dw += part
        if second is not None:
            fused.second(piece.numbers, piece.slots, h, layout.row_of, second.inner, second.mixed, second.pairs)
    if not order:
        return Gradient(Sums(weight, loss, int(errors)))
    return Gradient(Sums(weight, loss, int(errors), layout.joined(dw[:p], dw[p:]), db), second)


def sums(block: Block, w: Floats, b: float, order: int) -> Sums:
    """As `mixed.sums`, to rounding."""
    return mixed.second(block, w, b, order, summed)


def look(block: Block, centre: Floats, inverse: Floats) -> Look:
    """As `mixed.look`."""
    X: Any = block.X
    layout, fused = X.layout, _fused()
    low, high, longest = np.full(layout.p, np.inf), np.full(layout.p, -np.inf), 0.0
    counts = np.zeros((len(layout.columns), 4))
    for piece in X.pieces():
        y, s, _ = parts_of(block, piece.part)
        far, total = fused.look(piece.numbers, piece.slots, y, _or_nothing(s), centre, inverse, low, high, counts)
        longest = float(np.maximum(longest, math.nan if math.isnan(total) else far))
    return Look(low, high, longest, np.ascontiguousarray(counts.T))


def products(block: Block) -> Second:
    """As `mixed.products`: whole numbers among the levels, so exactly."""
    X: Any = block.X
    total = Second.empty(X.layout)
    for piece in X.pieces():
        _, s, _ = parts_of(block, piece.part)
        used = np.ones(len(piece.numbers)) if s is None else (s > 0.0).astype(np.float64)
        _fused().second(piece.numbers, piece.slots, used, X.layout.row_of, total.inner, total.mixed, total.pairs)
    return total


def translated(codes: NDArray[Any], table: NDArray[np.int32], out: Slots, column: int) -> None:
    """out[:, column] = table[codes], the code -1 being the last entry."""
    _fused().translated(codes, table, out, column)


def _or_nothing(values: Floats | None) -> Floats:
    return NOTHING if values is None else values


@functools.cache
def _fused() -> Any:
    return import_module("steepest.kernels.mixed_fused")
