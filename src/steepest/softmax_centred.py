"""The objective of K classes for solvers that take no Hessian: theta is (W; b) itself, row by row, (n + 1, K).

    value(theta) = J(W, b) + ½ sum of l2_j |W_j|²,   J the weighted mean of log-sum-exp(z_i) - z_i[y_i],  z = W'x + b

The classes of every feature and the intercepts add up to 0, as in `softmax_objective.py`, but no basis of such vectors
is needed: gradients have that property by themselves (dz adds up to 0 over the classes), and sums of them keep it. On
20,000 columns and 20 classes the two changes of basis took as long as reading the sparse rows.

Nothing here asks how the rows are stored.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from steepest.kernels import softmax
from steepest.kernels.softmax_sums import ClassSums
from steepest.objective import Engine
from steepest.types import Along, Answer, Evaluate, Floats, Point, Question

__all__ = ["CentredObjective", "centred"]


@dataclass(frozen=True, slots=True)
class CentredObjective:
    """Mean cost of K classes plus penalty over the rows of an engine; answers all questions but those of Hessians.

    l2         (n,) strengths on the weights; an intercept has none
    intercept  False: there is none, b stays 0
    """

    engine: Engine
    K: int
    l2: Floats
    intercept: bool = True

    def theta(self, w: Floats, b: Floats) -> Floats:
        """The user's W (n, K), b (K,) as theta; what all classes have in common is dropped."""
        theta = np.empty((self.engine.n + 1, self.K))
        theta[:-1], theta[-1] = w, b if self.intercept else 0.0
        return centred(theta).ravel()

    def weights(self, theta: Floats) -> tuple[Floats, Any]:
        """Theta as the user's W (n, K), b (K,); each row of W and b add up to 0, to rounding."""
        full = centred(theta.reshape(-1, self.K).copy())
        return full[:-1], full[-1]

    def norm(self, vector: Floats) -> float:
        """Euclidean norm of a step or a gradient."""
        return float(np.linalg.norm(vector))

    def answer(self, question: Question) -> Answer:
        """The answer to `Evaluate` up to order 1, and to `Along`, in one pass over the rows."""
        if isinstance(question, Evaluate) and question.order <= 1:
            return self._evaluate(question.theta, question.order)
        if isinstance(question, Along):
            return self._along(question)
        raise TypeError(f"K classes of many columns have no Hessian to answer {type(question).__name__}")

    def split(self, theta: Floats) -> tuple[Floats, Floats]:
        """W (n, K) and b (K,) as views of theta."""
        full = theta.reshape(-1, self.K)
        return full[:-1], full[-1]

    def _evaluate(self, theta: Floats, order: int) -> Point:
        w, b = self.split(theta)
        total: ClassSums = self.engine.sum(lambda block: softmax.sums(block, w, b, order))
        cost = total.loss / total.weight
        value = cost + self._penalty(w)
        if total.dw is None or total.db is None:
            return Point(value, cost, total.errors)
        gradient = np.empty((self.engine.n + 1, self.K))
        np.multiply(w, self.l2[:, None] * total.weight, out=gradient[:-1])
        gradient[:-1] += total.dw
        gradient[-1] = total.db if self.intercept else 0.0
        gradient /= total.weight
        return Point(value, cost, total.errors, gradient.ravel())

    def _along(self, question: Along) -> Floats:
        (w, b), (v, c) = self.split(question.theta), self.split(question.direction)
        steps = np.asarray(question.steps)
        losses: Floats = self.engine.sum(lambda block: softmax.along(block, w, b, v, c, steps))
        values: Floats = losses / self.engine.total_weight
        values += [self._penalty(w + step * v) for step in steps]
        return values

    def _penalty(self, w: Floats) -> float:
        return 0.5 * float(self.l2 @ np.einsum("jk,jk->j", w, w))


def centred(full: Floats) -> Floats:
    """Each row minus its mean, in place.

    >>> centred(np.array([[1.0, 2.0, 6.0]]))
    array([[-2., -1.,  3.]])
    """
    full -= full.mean(axis=1, keepdims=True)
    return full
