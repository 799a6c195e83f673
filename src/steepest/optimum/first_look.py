"""One look at every value of a dense table: is it sound, how far do its columns and rows reach?

The a-priori proof needs that (`proof/apriori.py`), and it costs nothing where the first evaluation reads all rows
anyway: `look_first` makes both of one pass.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from steepest.data.arrays import LARGEST
from steepest.data.columns import ends
from steepest.engines import MemoryEngine
from steepest.kernels import KERNELS, Kernel, compiled, suited
from steepest.objective import Objective
from steepest.scaling import Scaling
from steepest.types import Answer, Block, Evaluate, Floats, Point, Question, Sums

__all__ = ["Answered", "Survey", "look_first", "survey"]


@dataclass(frozen=True, slots=True)
class Survey:
    """Least and largest value of every column, and the longest row in the frame, squared; NaN if a value is NaN."""

    low: Floats
    high: Floats
    square: float

    def __add__(self, other: Survey) -> Survey:
        low, high = np.minimum(self.low, other.low), np.maximum(self.high, other.high)
        return Survey(low, high, float(np.maximum(self.square, other.square)))

    @property
    def sound(self) -> bool:
        """Whether all values are finite, and small enough to be squared; NaN fails every comparison."""
        small = np.all(self.low >= -LARGEST) and np.all(self.high <= LARGEST)
        return bool(small and not math.isnan(self.square))

    def extent(self, frame: Scaling) -> Floats:
        """(n,) the largest |x - centre| / scale of each column, rounded up."""
        far = np.maximum(np.abs(self.low - frame.centre), np.abs(self.high - frame.centre))
        return far / frame.scale * (1.0 + 2.0**-40)

    @property
    def length(self) -> float:
        """The longest (x~, 1) of any row, rounded up."""
        return math.sqrt(self.square + 1.0) * (1.0 + 2.0**-20)


@dataclass(frozen=True, slots=True)
class _Both:
    """What one read of some rows says of them at theta, and of the rows themselves."""

    sums: Sums
    survey: Survey

    def __add__(self, other: _Both) -> _Both:
        return _Both(self.sums + other.sums, self.survey + other.survey)


@dataclass(frozen=True, slots=True)
class Answered:
    """An oracle that knows one answer already, so that nobody reads the rows for it again."""

    oracle: Objective
    theta: Floats
    point: Point

    def answer(self, question: Question) -> Answer:
        """The known point where it is asked for, to no higher order; else what the oracle says."""
        order = 1 if self.point.hessian is None else 2
        asked = (
            isinstance(question, Evaluate) and question.order <= order and np.array_equal(question.theta, self.theta)
        )
        return self.point if asked else self.oracle.answer(question)

    def weights(self, theta: Floats) -> tuple[Floats, float]:
        """Theta as the user's (w, b)."""
        return self.oracle.weights(theta)

    def norm(self, vector: Floats) -> float:
        """Euclidean norm of a step or gradient."""
        return self.oracle.norm(vector)


def look_first(engine: MemoryEngine, objective: Objective, theta: Floats, order: int) -> tuple[Point, Survey]:
    """The point at theta and the survey of the rows of `engine`, in one pass."""
    frame = objective.scaling
    assert frame is not None  # whoever surveys has a frame
    w, b = objective.seen(theta)
    inverse = 1.0 / frame.scale
    kernel = objective.kernel.sums
    plain = objective.kernel is KERNELS["compiled"] and not np.any(frame.centre)
    if not plain:
        look = _looking(frame, objective.kernel is KERNELS["compiled"])
        moved = frame.centred if np.any(frame.centre) else _as_it_is

        def of_block(block: Block) -> _Both:
            return _Both(kernel(moved(block), w, b, order), look(block))
    else:

        def of_block(block: Block) -> _Both:
            sums, low, high, longest = compiled.sums_and_look(block, w, b, order, inverse)
            return _Both(sums, Survey(low, high, longest))

    both = engine.sum(of_block, widen=not plain)
    return objective.point(theta, order, both.sums), both.survey


def survey(engine: MemoryEngine, frame: Scaling, kernel: Kernel | None = None) -> Survey:
    """Look at every value once, in one pass, by what suits the shape or the `kernel` named."""
    by_compiled = (kernel or suited(engine.m, engine.n)) is KERNELS["compiled"]
    return engine.sum(_looking(frame, by_compiled), widen=not by_compiled)


def _as_it_is(block: Block) -> Block:
    return block


def _looking(frame: Scaling, by_compiled: bool) -> Callable[[Block], Survey]:
    """What looks at a block."""
    inverse = 1.0 / frame.scale
    if by_compiled:
        return lambda block: Survey(*compiled.look(block, frame.centre, inverse))
    shifted, alike = bool(np.any(frame.centre)), bool(np.all(inverse == inverse[0]))
    alike = alike and 2.0**-200 < inverse[0] < 2.0**200  # or squares of the columns as they are may underflow

    def of_block(block: Block) -> Survey:
        X = block.X - frame.centre if shifted else block.X
        if not alike:
            X = X * inverse
        square = float(np.einsum("ij,ij->i", X, X).max())
        return Survey(*ends(block.X), square * float(inverse[0]) ** 2 if alike else square)

    return of_block
