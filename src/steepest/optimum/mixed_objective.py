"""The objective over rows of numbers and categories: second derivatives are tables until they are put together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from steepest.kernels import Kernel, mixed_compiled
from steepest.kernels.mixed import Gradient, Look
from steepest.mixed_rows import Layout, parts_of
from steepest.objective import Objective
from steepest.optimum.checkpoint import Checkpoint
from steepest.scaling import Moments, moments_of
from steepest.types import Block, Floats, Point, Sums

__all__ = ["KERNEL", "First", "MixedObjective", "moments"]

FIRST_LOOK = 3  # beyond the orders of a question
KERNEL = Kernel("mixed_compiled", mixed_compiled.sums, mixed_compiled.hessian_times, mixed_compiled.along)


@dataclass(frozen=True, slots=True)
class First:
    """What the first read brings: what is in the columns, and the sums at the start. Can be added."""

    look: Look
    gradient: Gradient

    def __add__(self, other: First) -> First:
        return First(self.look + other.look, self.gradient + other.gradient)


@dataclass(frozen=True, slots=True)
class MixedObjective(Objective):
    """An `Objective` whose engine holds such rows."""

    def evaluated(self, theta: Floats, order: int) -> Point:
        """The answer to `Evaluate(theta, order)`."""
        w, b = self.seen(theta)

        def read() -> list[Floats]:
            found: Gradient = self._sum(lambda block: mixed_compiled.summed(block, w, b, order))
            return found.parts()

        return self.point_of(Gradient.of(self._kept(read, theta, order)), theta, order)

    def _kept(self, read: Callable[[], list[Floats]], theta: Floats, order: int) -> list[Floats]:
        """What a read of all rows brings, or what it brought before it was interrupted; a read either way."""
        engine: Any = self.engine
        frame = self.scaling
        kept: Checkpoint | None = getattr(engine, "checkpoint", None)
        if kept is None or order < 1 or frame is None:
            return read()
        before = engine.passes
        found = kept.answer([theta, frame.centre, frame.scale, np.array(float(order))], read)
        engine.passes = before + 1
        return found

    def point_of(self, found: Gradient, theta: Floats, order: int) -> Point:
        """What the totals say, the second derivatives put together."""
        total = found.sums
        if found.second is not None:
            engine: Any = self.engine
            ddw, dwdb, ddb = found.second.whole(engine.X.layout)
            total = Sums(total.weight, total.loss, total.errors, total.dw, total.db, ddw, dwdb, ddb)
        return self.point(theta, order, total)

    def first(self, theta: Floats, order: int) -> tuple[Look, Point]:
        """The first read of all rows: a look at them and, on the way, what is asked at theta."""
        engine: Any = self.engine
        numbers = engine.X.layout.numbers
        frame = self.scaling
        assert frame is not None  # such rows are solved in one
        w, b = self.seen(theta)
        centre, inverse = frame.centre[numbers], 1.0 / frame.scale[numbers]
        centred = frame.centred if np.any(frame.centre) else None

        def of_block(block: Block) -> First:
            seen = mixed_compiled.look(block, centre, inverse)
            return First(seen, mixed_compiled.summed(block if centred is None else centred(block), w, b, order))

        def read() -> list[Floats]:
            found: First = engine.sum(of_block)
            return [*found.look.parts(), *found.gradient.parts()]

        found = self._kept(read, theta, FIRST_LOOK + order)
        with np.errstate(all="ignore"):
            return Look.of(found[:4]), self.point_of(Gradient.of(found[4:]), theta, order)


def moments(block: Block) -> Moments:
    """Of all columns; those of a level that has a share p of the weight are p and p (1 - p)."""
    X: Any = block.X
    layout: Layout = X.layout
    total = Moments(0.0, np.zeros(layout.n), np.zeros(layout.n))
    for piece in X.pieces():
        y, s, _ = parts_of(block, piece.part)
        numbers = moments_of(Block(piece.numbers, y, s))
        if numbers.weight > 0.0:
            each = np.repeat(np.ones(len(y)) if s is None else s, layout.k)
            share = np.bincount(piece.slots.ravel(), each, minlength=len(layout.columns)) / numbers.weight
            mean = layout.joined(numbers.mean, share)
            square = layout.joined(numbers.square, numbers.weight * share * (1.0 - share))
            total = total + Moments(numbers.weight, mean, square)
    return total
