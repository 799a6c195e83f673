"""What descent in a diagonal metric and its proof ask of dense rows, in one read of them.

Of rows (x, y, s) at (w, b), with D = s a(1 - a): loss, gradient, X'D, (X∘X)'D, sum of D, and the longest row; beside
them the sum of s ((1 - y) a + y (1 - a)), by which the rounding of a gradient is bounded (`optimum/bent.py`).
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np

from steepest import formulas
from steepest.kernels.tiles import plain, row_tiles
from steepest.types import Block, Floats

__all__ = ["Bends", "bends", "plain_bends"]

NOTHING = np.empty(0)


@dataclass(frozen=True, slots=True)
class Bends:
    """Totals over rows; can be added.

    weight   sum of s_i                    ones    sum of s_i y_i          rows    most rows of one block
    loss     sum of s_i L_i                off     sum of s_i ((1 - y_i) a_i + y_i (1 - a_i))
    dw (n,)  sum of s_i (a_i - y_i) x_i    db      the same with 1
    first (n,), square (n,)  sum of D_i x_i and D_i x_i²   edge    sum of D_i
    longest  the largest sum of x_ij² inverse_j of any row; NaN if an x is      far   the largest |offset|
    """

    weight: float
    ones: float
    rows: int
    loss: float
    off: float
    dw: Floats
    db: float
    first: Floats
    square: Floats
    edge: float
    longest: float
    far: float

    def __add__(self, other: Bends) -> Bends:
        return Bends(
            self.weight + other.weight, self.ones + other.ones, max(self.rows, other.rows), self.loss + other.loss,
            self.off + other.off, self.dw + other.dw, self.db + other.db, self.first + other.first,
            self.square + other.square, self.edge + other.edge, float(np.maximum(self.longest, other.longest)),
            max(self.far, other.far),
        )  # fmt: skip


def bends(block: Block, w: Floats, b: float, inverse: Floats) -> Bends:
    """The totals of a block, compiled."""
    y, s, o = (NOTHING if part is None else plain(part) for part in (block.y, block.weight, block.offset))
    sums, totals = np.zeros((3, block.X.shape[1])), np.zeros(6)
    for start, X in row_tiles(block.X):
        part = slice(start, start + len(X))
        _fused().one_pass(X, (y[part], s[part], o[part]), plain(w), b, inverse, sums, totals)
    loss, db, edge, off, longest, total = totals.tolist()
    longest = math.nan if math.isnan(total) else longest
    return Bends(*_weights(block), loss, off, sums[0], db, sums[1], sums[2], edge, longest, _far(block))


def plain_bends(block: Block, w: Floats, b: float, inverse: Floats) -> Bends:
    """The same by NumPy: the twin."""
    X, y = block.X, block.y
    s = np.ones(len(y)) if block.weight is None else block.weight
    Z = np.matmul(X, w) + b + (0.0 if block.offset is None else block.offset)
    a, rest = formulas.sigmoid(Z), formulas.sigmoid(-Z)
    D, dZ = s * formulas.curvature(Z), s * ((1.0 - y) * a - y * rest)
    loss, off = float(s @ formulas.loss(Z, y)), float(s @ ((1.0 - y) * a + y * rest))
    squares = np.square(X)
    longest = float((squares @ inverse).max(initial=0.0))
    return Bends(
        *_weights(block), loss, off, np.matmul(dZ, X), float(dZ.sum()), np.matmul(D, X), np.matmul(D, squares),
        float(D.sum()), longest, _far(block),
    )  # fmt: skip


def _weights(block: Block) -> tuple[float, float, int]:
    if block.weight is None:
        return float(len(block.y)), float(block.y.sum()), len(block.y)
    return float(block.weight.sum()), float(block.weight @ block.y), len(block.y)


def _far(block: Block) -> float:
    return 0.0 if block.offset is None else float(np.max(np.abs(block.offset), initial=0.0))


@functools.cache
def _fused() -> Any:
    return import_module("steepest.kernels.fused_bends")
