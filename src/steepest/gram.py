"""Plain descent on wide tables (n > m) in the space of the rows: the same iterates at a fraction of the cost.

From w0 on, descent (with or without momentum) only ever adds multiples of rows, because dw = X'dZ / W + l2 w. So
every iterate is  w = B'c  with the basis B = (w0; x(1); …; x(m)), and all that is needed is kept in m + 1 numbers:

    Z = X w + b = (X B') c + b        dw = B'g  with  g = (0, dZ / W) + l2 c        |w|² = c'(B B')c

X B' is computed once, then a step costs m² instead of 2 m n operations. No matrix is inverted or factorised, so
nothing is lost: w is the one that the plain steps give, up to rounding.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from steepest.engines import MemoryEngine
from steepest.kernels import vectorised
from steepest.objective import Objective
from steepest.types import Block, Evaluate, Floats, Point, Question, Sums

__all__ = ["GramObjective", "pays"]

MOST_ROWS = 4096  # XB' and BB' then take 256 MB at most


@dataclass(frozen=True, slots=True)
class GramObjective:
    """The objective `base` seen by a method that only adds multiples of gradients; theta = (c, b), shape (m + 2,)."""

    base: Objective
    start: Floats  # w0
    engine: MemoryEngine  # holds the rows of X B'
    inner: Floats  # B B'

    @classmethod
    def of(cls, base: Objective, w0: Floats) -> GramObjective:
        """Form X B' and B B' for descent that starts at w0."""
        rows = base.engine
        if not isinstance(rows, MemoryEngine) or base.scaling is not None:
            raise TypeError("descent in the space of the rows needs unscaled rows in memory")
        X = np.asarray(rows.X, dtype=np.float64)
        inner = np.empty((rows.m + 1, rows.m + 1))
        with rows.quiet_blas():
            inner[0, 0] = w0 @ w0
            inner[0, 1:] = inner[1:, 0] = np.matmul(X, w0)
            inner[1:, 1:] = np.matmul(X, X.T)
        engine = MemoryEngine(inner[1:], rows.y, rows.weight, threads=1)
        return cls(base, w0, engine, inner)

    def theta(self, w: Floats, b: float) -> Floats:
        """The start: w must be the w0 of `of`."""
        if not np.array_equal(w, self.start):
            raise ValueError("descent in the space of the rows starts at the w0 that it was made for")
        theta = np.zeros(self.engine.m + 2)
        theta[0], theta[-1] = 1.0, b
        return theta

    def weights(self, theta: Floats) -> tuple[Floats, float]:
        """(w, b) with w = c0 w0 + X'c."""
        c = theta[1:-1]

        def part(block: Block) -> Floats:
            share: Floats = np.matmul(c[block.start : block.start + len(block.y)], block.X)
            return share

        w: Floats = self.base.engine.sum(part)
        return theta[0] * self.start + w, float(theta[-1])

    @property
    def _l2(self) -> float:
        strength = self.base.penalty.strength
        if not isinstance(strength, float):
            raise TypeError("descent in the space of the rows has one strength of penalty for all columns")
        return strength

    def norm(self, vector: Floats) -> float:
        """Euclidean norm, in the space of (w, b), of a step or gradient given by its coefficients."""
        c = vector[:-1]
        return math.sqrt(max(0.0, float(c @ (self.inner @ c))) + float(vector[-1]) ** 2)

    def answer(self, question: Question) -> Point:
        """Value and gradient (order <= 1), the gradient as coefficients of the basis."""
        if not isinstance(question, Evaluate) or question.order > 1:
            raise TypeError(f"descent in the space of the rows asks for gradients only, not for {question}")
        c, b = question.theta[:-1], float(question.theta[-1])
        total: Sums = self.engine.sum(lambda block: _sums(block, c, b))
        l2 = self._l2
        cost = total.loss / total.weight
        value = cost + (0.5 * l2 * float(c @ (self.inner @ c)) if l2 else 0.0)
        gradient = np.empty_like(question.theta)
        gradient[:-1], gradient[-1] = total.dw, total.db
        gradient /= total.weight
        if l2:
            gradient[:-1] += l2 * c
        return Point(value, cost, total.errors, gradient)


def pays(m: int, n: int, iterations: int) -> bool:
    """Whether forming X B' costs less than it saves: m² n multiplications once (a matrix product runs some eight
    times nearer to the machine's peak than the matrix-vector products of a step) against 2 m n in every step.
    """
    return 2 * m <= n and m <= MOST_ROWS and 16 * iterations >= m


def _sums(block: Block, c: Floats, b: float) -> Sums:
    """Sums of a block of X B'; in place of dw stand the block's own s dZ at the places of its rows in c."""
    Z = np.matmul(block.X, c)
    Z += b
    total, e = vectorised.totals(Z, block.y, block.weight)
    dZ = vectorised.slopes(Z, e, block.y, block.weight)
    dc = np.zeros(len(c))
    dc[1 + block.start : 1 + block.start + len(dZ)] = dZ
    return Sums(total.weight, total.loss, total.errors, dc, float(dZ.sum()))
