"""What a solver minimises, and the only place that knows how theta is laid out: weights first, intercept last.

    value(theta) = J(w, b) + ½ l2 w'w,     J = (sum of s_i L_i) / (sum of s_i)
    gradient     = ((sum of s_i x_i dz_i) / W + l2 w,  (sum of s_i dz_i) / W)
    Hessian      = mean of s a(1-a) x~ x~' with x~ = (x, 1), plus l2 on the weights

The engine adds up what the kernel says of each block; here the totals are divided by the total weight W once, and
the penalty is added once. With a `scaling`, theta and the strengths of the penalty belong to the standardised columns.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

import numpy as np

from steepest.engines import MemoryEngine
from steepest.kernels import KERNELS, Kernel
from steepest.penalties import L2
from steepest.scaling import Scaling
from steepest.types import Addable, Along, Answer, Block, Evaluate, Floats, HessianTimes, Point, Product, Question, Sums

__all__ = ["Engine", "Objective"]

A = TypeVar("A", bound=Addable)


class Engine(Protocol):
    """Whoever holds the rows: m of them with n features, and a sum over their blocks along a fixed tree."""

    m: int
    n: int

    @property
    def total_weight(self) -> float:
        """Sum of the row weights."""
        ...

    def sum(self, of_block: Callable[[Block], A]) -> A:
        """`of_block(block)` added over all blocks."""
        ...


@dataclass(frozen=True, slots=True)
class Objective:
    """Mean cost plus penalty over the rows of an engine; answers a solver's questions."""

    engine: Engine
    kernel: Kernel = field(default_factory=lambda: KERNELS["vectorised"])
    penalty: L2 = field(default_factory=L2)
    scaling: Scaling | None = None

    def theta(self, w: Floats, b: float) -> Floats:
        """The user's (w, b) as theta, shape (n + 1,)."""
        if self.scaling is not None:
            w, b = self.scaling.from_user(w, b)
        return np.append(w, b)

    def weights(self, theta: Floats) -> tuple[Floats, float]:
        """Theta as the user's (w, b)."""
        w, b = theta[:-1], float(theta[-1])
        return (w, b) if self.scaling is None else self.scaling.to_user(w, b)

    def norm(self, vector: Floats) -> float:
        """Euclidean norm of a step or a gradient; scaled where the squares would underflow or overflow."""
        square = float(vector @ vector)
        if 1e-200 < square < 1e200:
            return math.sqrt(square)
        largest = float(np.max(np.abs(vector), initial=0.0))
        if not 0.0 < largest < math.inf:
            return largest
        return largest * float(np.linalg.norm(vector / largest))

    def answer(self, question: Question) -> Answer:
        """The answer to any question of `types`, in one pass over the rows."""
        if isinstance(question, Evaluate):
            return self.evaluated(question.theta, question.order)
        if isinstance(question, HessianTimes):
            return self._hessian_times(question.theta, question.direction)
        return self._along(question)

    def seen(self, theta: Floats) -> tuple[Floats, float]:
        """Theta as weights of the rows that the kernel sees."""
        w, b = theta[:-1], float(theta[-1])
        return (w, b) if self.scaling is None else self.scaling.seen(w, b)

    def _sum(self, of_block: Callable[[Block], A]) -> A:
        scaling = self.scaling
        if scaling is not None and np.any(scaling.centre):
            return self.engine.sum(lambda block: of_block(scaling.centred(block)))
        if self.kernel is KERNELS["compiled"] and isinstance(self.engine, MemoryEngine):
            return self.engine.sum(of_block, widen=False)  # which it does itself, in cache
        return self.engine.sum(of_block)

    def evaluated(self, theta: Floats, order: int) -> Point:
        """The answer to `Evaluate(theta, order)`."""
        w, b = self.seen(theta)
        kernel = self.kernel.sums
        return self.point(theta, order, self._sum(lambda block: kernel(block, w, b, order)))

    def point(self, theta: Floats, order: int, total: Sums) -> Point:
        """What the sums over all rows, as the kernel sees them, mean at theta."""
        cost = total.loss / total.weight
        value = cost + self.penalty.value(theta[:-1])
        if order == 0:
            return Point(value, cost, total.errors)
        gradient = self._gradient(total, total.weight)
        gradient[:-1] += self.penalty.gradient(theta[:-1])
        hessian = self._hessian(total) if order == 2 else None
        return Point(value, cost, total.errors, gradient, hessian)

    def _gradient(self, total: Sums | Product, weight: float) -> Floats:
        dw, db = total.dw, total.db
        if dw is None:
            raise TypeError(f"the kernel {self.kernel.name!r} left out dw although it was asked for it")
        if self.scaling is not None:
            dw = self.scaling.gradient(dw)
        gradient = np.append(dw, db)
        gradient /= weight
        return gradient

    def _hessian(self, total: Sums) -> Floats:
        ddw, dwdb = total.ddw, total.dwdb
        if ddw is None or dwdb is None:
            raise TypeError(f"the kernel {self.kernel.name!r} left out ddw although it was asked for it")
        if self.scaling is not None:
            ddw, dwdb = self.scaling.hessian(ddw, dwdb)
        n = len(dwdb)
        hessian = np.empty((n + 1, n + 1))
        hessian[:n, :n] = ddw
        hessian[n, :n] = hessian[:n, n] = dwdb
        hessian[n, n] = total.ddb
        hessian /= total.weight
        hessian[range(n), range(n)] += self.penalty.strength
        return hessian

    def _hessian_times(self, theta: Floats, direction: Floats) -> Floats:
        w, b = self.seen(theta)
        v, c = self.seen(direction)
        kernel = self.kernel.hessian_times
        total: Product = self._sum(lambda block: kernel(block, w, b, v, c))
        product = self._gradient(total, self.engine.total_weight)
        product[:-1] += self.penalty.gradient(direction[:-1])
        return product

    def _along(self, question: Along) -> Floats:
        w, b = self.seen(question.theta)
        v, c = self.seen(question.direction)
        steps = np.asarray(question.steps)
        kernel = self.kernel.along
        losses: Floats = self._sum(lambda block: kernel(block, w, b, v, c, steps))
        at = question.theta[:-1] + steps[:, None] * question.direction[:-1]
        values: Floats = losses / self.engine.total_weight
        values += [self.penalty.value(u) for u in at]
        return values
