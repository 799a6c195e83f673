"""The objective of K classes, and the only place that knows how its theta is laid out.

    value(theta) = J(W, b) + ½ sum of l2_j |W_j|²,   J the weighted mean of log-sum-exp(z_i) - z_i[y_i],  z = W'x + b

Adding a constant to all K columns of (W, b) changes no probability, so only K - 1 directions count. theta is Phi,
(n + 1, K - 1) row by row, the intercepts last, with (W; b) = Phi Q': Q (K, K-1) has orthonormal columns that add up to
0. So the classes of every feature and the intercepts add up to 0 at every theta, the Hessian is not singular for that
reason, lengths are those of (W; b), and the penalty is ½ l2 |Phi|². A penalised optimum has those sums anyway (the
gradient of J adds up to 0 over classes, so does l2 W_j); an unpenalised one has the smallest norm.

Without an intercept the last row of Phi changes no z: its gradient is 0, and a strength of 1 holds it at 0.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Any, TypeVar

import numpy as np

from steepest.kernels import softmax
from steepest.kernels.softmax_sums import ClassProduct, ClassSums
from steepest.objective import Engine
from steepest.scaling import Scaling
from steepest.types import Addable, Along, Answer, Block, Evaluate, Floats, HessianTimes, Point, Question

__all__ = ["SoftmaxObjective", "assembled", "contrasts"]

A = TypeVar("A", bound=Addable)


def contrasts(K: int) -> Floats:
    """Q (K, K-1): orthonormal columns that add up to 0 (Helmert's): class p + 1 against the mean of those before it.

    >>> contrasts(2).round(3).tolist()
    [[0.707], [-0.707]]
    """
    Q = np.zeros((K, K - 1))
    for p in range(K - 1):
        Q[: p + 1, p] = 1.0
        Q[p + 1, p] = -(p + 1.0)
        Q[:, p] /= math.sqrt((p + 1.0) * (p + 2.0))
    return Q


def assembled(pairs: Floats, Q: Floats) -> Floats:
    """The Hessian by Phi, (n+1)(K-1) squared: sum over k < l of pairs_kl times u u', u = Q_k - Q_l."""
    first, second = np.triu_indices(len(Q), 1)
    u = Q[first] - Q[second]
    squares = (u[:, :, None] * u[:, None, :]).reshape(len(u), -1)
    columns, p = pairs.shape[1], Q.shape[1]
    full = np.matmul(pairs.reshape(len(u), -1).T, squares).reshape(columns, columns, p, p)
    H = full.transpose(0, 2, 1, 3).reshape(columns * p, columns * p)
    return np.asarray(0.5 * (H + H.T))


@dataclass(frozen=True, slots=True)
class SoftmaxObjective:
    """Mean cost of K classes plus penalty over the rows of an engine; answers a solver's questions.

    l2       (n,) strengths on the weights of the scaled columns; an intercept has none
    scaling  the columns in which theta lives; centres of 0 are not subtracted
    kernel   `kernels.softmax` or its plain twin
    intercept  False: none; the centres are then 0
    """

    engine: Engine
    K: int
    l2: Floats
    scaling: Scaling
    kernel: ModuleType = softmax
    intercept: bool = True

    def theta(self, w: Floats, b: Floats) -> Floats:
        """The user's W (n, K), b (K,) as theta; what all classes have in common is dropped."""
        u = w * self.scaling.scale[:, None]
        shift = b + self.scaling.centre @ w if self.intercept else np.zeros(self.K)
        return np.asarray((np.vstack([u, shift]) @ contrasts(self.K)).ravel())

    def weights(self, theta: Floats) -> tuple[Floats, Any]:
        """Theta as the user's W (n, K), b (K,); each row of W and b add up to 0, to rounding."""
        u, c = self._split(theta)
        w = u / self.scaling.scale[:, None]
        b = c - self.scaling.centre @ w
        return w - w.mean(axis=1, keepdims=True), b - b.mean()

    def norm(self, vector: Floats) -> float:
        """Euclidean norm of a step or a gradient."""
        return float(np.linalg.norm(vector))

    def answer(self, question: Question) -> Answer:
        """The answer to any question of `types`, in one pass over the rows."""
        if isinstance(question, Evaluate):
            return self._evaluate(question.theta, question.order)
        if isinstance(question, HessianTimes):
            return self._hessian_times(question.theta, question.direction)
        return self._along(question)

    def gradient(self, dw: Floats, db: Floats, weight: float) -> Floats:
        """dJ/dtheta from the totals of the rows that the kernel sees."""
        full = np.vstack([dw / self.scaling.scale[:, None], db if self.intercept else 0.0 * db])
        return np.asarray((full @ contrasts(self.K)).ravel() / weight)

    def matrix(self, theta: Floats) -> Floats:
        """Theta as (n + 1, K - 1)."""
        return theta.reshape(-1, self.K - 1)

    def strengths(self) -> Floats:
        """l2 of each entry of theta."""
        return np.repeat(np.append(self.l2, 0.0 if self.intercept else 1.0), self.K - 1)

    def sum(self, of_block: Callable[[Block], A]) -> A:
        """`of_block` over all rows, centred where there is a centre."""
        if not self.scaling.centre.any():
            return self.engine.sum(of_block)
        return self.engine.sum(lambda block: of_block(self.scaling.centred(block)))

    def seen(self, theta: Floats) -> tuple[Floats, Floats]:
        """Theta as weights (n, K) and intercepts (K,) of the rows that the kernel sees."""
        u, c = self._split(theta)
        return np.ascontiguousarray(u / self.scaling.scale[:, None]), c

    def _split(self, theta: Floats) -> tuple[Floats, Floats]:
        full = self.matrix(theta) @ contrasts(self.K).T
        return full[:-1], full[-1]

    def _evaluate(self, theta: Floats, order: int) -> Point:
        w, b = self.seen(theta)
        total: ClassSums = self.sum(lambda block: self.kernel.sums(block, w, b, order))
        strengths = self.strengths()
        cost = total.loss / total.weight
        value = cost + 0.5 * float((strengths * theta) @ theta)
        if total.dw is None or total.db is None:
            return Point(value, cost, total.errors)
        gradient = self.gradient(total.dw, total.db, total.weight) + strengths * theta
        if total.pairs is None:
            return Point(value, cost, total.errors, gradient)
        scale = np.append(self.scaling.scale, 1.0 if self.intercept else np.inf)
        hessian = assembled(total.pairs / scale / scale[:, None], contrasts(self.K)) / total.weight
        hessian[range(len(theta)), range(len(theta))] += strengths
        return Point(value, cost, total.errors, gradient, hessian)

    def _hessian_times(self, theta: Floats, direction: Floats) -> Floats:
        (w, b), (v, c) = self.seen(theta), self.seen(direction)
        total: ClassProduct = self.sum(lambda block: self.kernel.hessian_times(block, w, b, v, c))
        product = self.gradient(total.dw, total.db, self.engine.total_weight)
        return product + self.strengths() * direction

    def _along(self, question: Along) -> Floats:
        (w, b), (v, c) = self.seen(question.theta), self.seen(question.direction)
        steps = np.asarray(question.steps)
        losses: Floats = self.sum(lambda block: self.kernel.along(block, w, b, v, c, steps))
        at = question.theta + steps[:, None] * question.direction
        penalties = 0.5 * np.square(at) @ self.strengths()
        return losses / self.engine.total_weight + penalties
