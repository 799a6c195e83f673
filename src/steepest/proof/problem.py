"""The sum that is minimised, and the frame in which its rows are looked at.

    F(theta) = sum of s_i [softplus(z_i) - y_i z_i] + ½ sum of R_j w_j²,   z_i = x_i'w + b,   R = l2 W,   W = sum of s_i

F is W times the objective's `value`. Rows are looked at in a frame, x~ = ((x - centre) / scale, 1): F is the same
function of w~ = scale w, b~ = b + centre'w, but nothing cancels, whatever the units of the columns. b~ is formed
exactly and rounded once. Rows of weight 0 are left out before anything is computed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from steepest.engines.reduction import tree_sum
from steepest.objective import Engine
from steepest.proof.rounding import LEAST, exact_dot
from steepest.scaling import Scaling
from steepest.types import Addable, Block, Floats

__all__ = ["Problem"]

A = TypeVar("A", bound=Addable)
PIECE_BYTES = 1 << 18
LEAST_ROWS = 64


@dataclass(frozen=True, slots=True)
class Problem:
    """Rows, penalty and the frame in which they are looked at.

    l2         on the weights of the user's columns and on the mean loss, as in `Objective`: one, or one per column
    frame      any centre, any scale > 0; a good one (`Problem.of`) makes the bounds sharp, a bad one only large
    intercept  False: x~ = (x / scale, 0), the centre is 0, and b, which then changes no z, is held at 0 by R_b = W
    """

    engine: Engine
    l2: Floats
    frame: Scaling
    intercept: bool = True

    @classmethod
    def of(cls, engine: Engine, l2: float | Floats = 0.0, intercept: bool = True) -> Problem:
        """The problem in the frame of the columns' means and powers of two; two passes over the rows."""
        low, high = engine.sum(_extent).ends
        middle, half = 0.5 * low + 0.5 * high, 0.5 * high - 0.5 * low
        usable = np.isfinite(half) & (half > 0.0)
        scale = np.ldexp(1.0, np.frexp(np.where(usable, half, 1.0))[1])
        middle = np.where(np.isfinite(middle), middle, 0.0)
        mean: _Mean = engine.sum(lambda block: _mean(block, Scaling(middle, scale)))
        deviation = np.sqrt(mean.square / max(mean.weight, LEAST))
        centre = middle + mean.total / max(mean.weight, LEAST) * scale
        scale = scale * np.ldexp(1.0, np.frexp(np.where(deviation > 0.0, deviation, 1.0))[1])
        penalty = np.broadcast_to(np.asarray(l2, dtype=np.float64), (engine.n,))
        if not intercept:  # a shift of the columns would be one
            largest = np.maximum(np.abs(low), np.abs(high))
            size = np.where(np.isfinite(largest) & (largest > 0.0), largest, 1.0)
            return cls(engine, penalty, Scaling(np.zeros(engine.n), np.ldexp(1.0, np.frexp(size)[1])), intercept)
        return cls(engine, penalty, Scaling(np.where(np.isfinite(centre), centre, middle), scale))

    def framed(self, w: Floats, b: float) -> Floats:
        """(w~, b~), shape (n + 1,); each entry is within a relative 2u of the exact one."""
        return np.append(w * self.frame.scale, float(exact_dot(self.frame.centre, w) + exact_dot(_one(b), _one(1.0))))

    def ridge(self, weight: float) -> Floats:
        """R in the frame, shape (n + 1,), 0 for the intercept, W where there is none."""
        return np.append(self.l2 * weight / self.frame.scale / self.frame.scale, 0.0 if self.intercept else weight)

    def sum(self, of_block: Callable[[Block], A], engine: Engine | None = None) -> A:
        """`of_block` over all rows, or those of `engine`, in pieces so small that copies of them stay in cache."""
        rows = max(LEAST_ROWS, PIECE_BYTES // (8 * (self.engine.n + 1)))

        def of_pieces(block: Block) -> A:
            return tree_sum(of_block(piece) for piece in _pieces(block, rows))

        return (self.engine if engine is None else engine).sum(of_pieces)

    def rows(self, block: Block) -> tuple[Floats, Floats, Floats]:
        """x~ (rows, n + 1), y and s of the rows that have a weight; x~ is within a relative 3u of the exact one."""
        X, y = block.X, block.y
        s = np.ones(len(y)) if block.weight is None else block.weight
        if block.weight is not None and not np.all(s > 0.0):
            X, y, s = X[s > 0.0], y[s > 0.0], s[s > 0.0]
        framed = np.full((len(y), X.shape[1] + 1), float(self.intercept))
        np.subtract(X, self.frame.centre, out=framed[:, :-1])
        framed[:, :-1] *= 1.0 / self.frame.scale
        return framed, y, s

    def offset(self, block: Block) -> Floats | float:
        """The offsets of the rows that have a weight, 0 if there are none."""
        if block.offset is None:
            return 0.0
        return block.offset if block.weight is None else block.offset[block.weight > 0.0]


def _pieces(block: Block, rows: int) -> Iterator[Block]:
    for i in range(0, max(1, len(block.y)), rows):
        part = slice(i, i + rows)
        weight, offset = (None if of is None else of[part] for of in (block.weight, block.offset))
        yield Block(block.X[part], block.y[part], weight, block.start + i, offset)


@dataclass(frozen=True, slots=True)
class _Extent:
    ends: tuple[Floats, Floats]

    def __add__(self, other: _Extent) -> _Extent:
        return _Extent((np.minimum(self.ends[0], other.ends[0]), np.maximum(self.ends[1], other.ends[1])))


@dataclass(frozen=True, slots=True)
class _Mean:
    weight: float
    total: Floats
    square: Floats

    def __add__(self, other: _Mean) -> _Mean:
        return _Mean(self.weight + other.weight, self.total + other.total, self.square + other.square)


def _extent(block: Block) -> _Extent:
    X = block.X if block.weight is None else block.X[block.weight > 0.0]
    n = X.shape[1]
    return _Extent((X.min(axis=0, initial=np.inf), X.max(axis=0, initial=-np.inf)) if n else (np.empty(0),) * 2)


def _mean(block: Block, frame: Scaling) -> _Mean:
    s = np.ones(len(block.y)) if block.weight is None else block.weight
    away = (block.X - frame.centre) / frame.scale
    return _Mean(float(s.sum()), s @ away, s @ (away * away))


def _one(value: float) -> Floats:
    return np.array([value])
