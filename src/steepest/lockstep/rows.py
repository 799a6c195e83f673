"""The rows that many fits share: framed and signed a piece at a time, fold by fold; every question is one pass."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from steepest.engines import MemoryEngine
from steepest.kernels import many, many_compiled
from steepest.kernels.many import ByFold, Fitted, Piece, Second
from steepest.proof.problem import Problem
from steepest.scaling import Scaling
from steepest.types import Addable, Block, Floats

__all__ = ["Rows", "frame_of"]

A = TypeVar("A", bound=Addable)
KEPT = 1 << 20  # elements of X up to which its framed rows are kept (8 MB); larger tables are framed in every pass
BATCH = 1 << 17  # numbers of a piece, its rows and what belongs to its fits together: 1 MB stays in cache
WORTH_COMPILED = 1 << 20  # rows x fits: a pass of NumPy then takes 20 ms longer, and loading the compiled code 300 ms


@dataclass(frozen=True, slots=True)
class _Largest:
    """Numbers that keep the larger where they are added."""

    numbers: Floats

    def __add__(self, other: _Largest) -> _Largest:
        return _Largest(np.maximum(self.numbers, other.numbers))


class Rows:
    """The rows in their frame, a piece at a time and fold by fold; `passes` counts how often they were all read.

    `fits` is how many are asked for at most: from the shape alone follow the size of a piece and whether compiled code
    serves, so that the bits do not depend on what was compiled when.
    """

    def __init__(self, engine: MemoryEngine, frame: Scaling, fold: NDArray[np.intp] | None, fits: int) -> None:
        n = engine.n
        rows = min(4096, max(128, BATCH // (n + 1 + 2 * fits)))
        self.engine = MemoryEngine(
            engine.X, engine.y, engine.weight, threads=engine.threads, leaf_bytes=8 * max(1, n) * rows
        )
        self.m, self.n, self.fold, self.frame = engine.m, n, fold, frame
        self.K = 1 if fold is None else int(fold.max()) + 1
        self.passes = 0
        self.compiled = engine.m * fits >= WORTH_COMPILED
        self._margins = many_compiled.margins if self.compiled else many.margins
        self._kept: dict[int, Piece] = {}
        self._keeps = engine.X.size <= KEPT

    def sum(self, of_piece: Callable[[Piece], A]) -> A:
        """`of_piece` over all rows, in one pass."""
        self.passes += 1
        return self.engine.sum(lambda block: of_piece(self._piece(block)))

    def sums(self, theta: Floats, held: NDArray[np.intp]) -> Fitted:
        """Loss and gradient of every fit, and its held-out loss; theta (F, n + 1), held ascending."""
        columns = np.ascontiguousarray(theta.T)
        return self.sum(lambda piece: many.sums(piece, columns, held, self._margins))

    def second(self, theta: Floats, held: NDArray[np.intp]) -> Second:
        """As `sums`, with the Hessian of every fit."""
        columns = np.ascontiguousarray(theta.T)
        return self.sum(lambda piece: many.second(piece, columns, held, self._margins))

    def by_fold(self, theta: Floats, bent: NDArray[np.intp], T: Floats) -> ByFold:
        """Totals over each fold, the Hessians of the thetas numbered `bent`, and the largest |T x|."""
        columns = np.ascontiguousarray(theta.T)
        return self.sum(lambda piece: many.by_fold(piece, columns, bent, T, self._margins))

    def extent(self, moves: Floats) -> Floats:
        """The largest |x'd| of any row for each of moves (F, n + 1)."""
        columns = np.ascontiguousarray(moves.T)
        found: _Largest = self.sum(lambda piece: _Largest(many.extent(piece, columns)))
        return found.numbers

    def weights(self) -> Floats:
        """Sum of the weights of each fold, (K,)."""
        fold = np.zeros(self.m, dtype=np.intp) if self.fold is None else self.fold
        return np.bincount(fold, weights=self.engine.weight, minlength=self.K).astype(np.float64)

    def _piece(self, block: Block) -> Piece:
        if block.start in self._kept:
            return self._kept[block.start]
        rows = len(block.y)
        s, ends, order = block.weight, (0, rows), np.arange(rows)
        if self.fold is not None:
            fold = self.fold[block.start : block.start + rows]
            order = np.argsort(fold, kind="stable")
            s, ends = (
                None if s is None else s[order],
                tuple(np.searchsorted(fold[order], np.arange(self.K + 1)).tolist()),
            )
        centre, scale = self.frame.centre, self.frame.scale
        if self.compiled:
            out = np.empty((rows, self.n + 1)) if self._keeps else many.own_memory("rows", rows, self.n + 1)
            X = many_compiled.framed(block.X, block.y, order, centre, scale, out)
        else:
            X = _framed(block.X, block.y, order, centre, scale)
        piece = Piece(X, s, ends)
        if self._keeps:
            self._kept[block.start] = piece
        return piece


def _framed(X: Floats, y: Floats, order: NDArray[np.intp], centre: Floats, scale: Floats) -> Floats:
    """(2y - 1) ((x - centre) / scale, 1) of the rows in an order."""
    framed = np.ones((len(order), X.shape[1] + 1))
    np.subtract(X[order], centre, out=framed[:, :-1])
    framed[:, :-1] /= scale
    framed *= (2.0 * y[order] - 1.0)[:, None]
    return framed


def frame_of(engine: MemoryEngine) -> Scaling:
    """Centre and power-of-two scales of the columns; two passes."""
    return Problem.of(engine).frame
