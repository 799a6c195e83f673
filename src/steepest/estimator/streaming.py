"""Learning from mini-batches that are seen once: every batch is fitted as it is, and remembered as a quadratic.

After t batches F_t is approximated by Q_t(theta) = ½ (theta - theta_t)'A_t (theta - theta_t), and batch t + 1 gives

    theta_{t+1} = argmin of (sum of s_i L_i over the batch) + Q_t(theta)          by Newton's method
    A_{t+1}     = A_t + (Hessian of the batch at theta_{t+1})                     A_0 = the penalty, 1/C on weights

So steps shrink as 1/t by themselves, in the units of every column: there is no learning rate to choose. What is lost
is that a batch's curvature is kept where it was seen; the error left is O(1/t) of what one batch says. Up to `DENSE`
coefficients A is a matrix, beyond its diagonal. (D. J. Spiegelhalter, S. L. Lauritzen, Sequential updating of
conditional probabilities on directed graphical structures, Networks 20 (1990), section 5; with the diagonal
O. Chapelle, L. Li, An empirical evaluation of Thompson sampling, NIPS 24 (2011), algorithm 3.)

Every row counts as a new one: a second round over the same rows is twice as much data, not a better fit to them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from steepest.data.arrays import is_sparse
from steepest.driver import Iterate, StopRules, drive
from steepest.engines import MemoryEngine
from steepest.engines.sparse import SparseEngine
from steepest.estimator.arrival import Arrived
from steepest.estimator.solving import as_coef
from steepest.formulas import curvature
from steepest.kernels import KERNELS
from steepest.objective import Objective
from steepest.optimum.sparse import KERNEL
from steepest.penalties import L2
from steepest.scaling import Scaling
from steepest.softmax_formulas import softmax
from steepest.softmax_objective import SoftmaxObjective, contrasts
from steepest.solvers.lbfgs import lbfgs
from steepest.solvers.newton import newton
from steepest.types import Along, Answer, Block, Evaluate, Floats, Point, Question

__all__ = ["Stream", "Taught", "begin", "learn"]

DENSE = 1000  # coefficients up to which their curvature is kept as a matrix, 8 MB
HELD = 1e-3  # rows' worth of curvature that holds what no penalty holds, while all rows seen are of one class
STEPS = 30  # for one batch
SETTLED = 1e-9  # relative decrease of a batch's objective at which it is learnt


@dataclass(frozen=True, slots=True)
class Stream:
    """What is remembered: theta (k,), A as (k, k) or its diagonal (k,), sum of weights and number of batches."""

    theta: Floats
    curvature: Floats
    weight: float
    batches: int


@dataclass(frozen=True, slots=True)
class Taught:
    """After a batch: what is remembered now, coef and intercept, the mean loss of the batch before it was learnt."""

    stream: Stream
    coef: Floats
    intercept: Floats
    loss: float


def begin(batch: Arrived, C: float, intercept: bool, known: tuple[Floats, Floats, float] | None = None) -> Stream:
    """The stream before `batch`: nothing but the penalty.

    `known` is (coef, intercept, sum of weights) of a fit that it goes on from: rows like those of the batch, as many
    as were fitted, are taken to have been seen there.
    """
    K, n = len(batch.classes), batch.X.shape[1]
    oracle, each = _oracle(batch, intercept), 1 if K == 2 else K - 1
    strength = np.append(np.full(n, 0.0 if math.isinf(C) else 1.0 / C), 0.0)
    squares: Floats = oracle.engine.sum(_squares) / batch.total_weight
    prior = np.repeat(np.maximum(strength, HELD / K * squares), each)
    theta, dense = np.zeros(len(prior)), len(prior) <= DENSE
    prior = np.diag(prior) if dense else prior
    if known is None:
        return Stream(theta, prior, 0.0, 0)
    coef, shift, weight = known
    at: tuple[Floats, Any] = (coef[0], float(shift[0])) if K == 2 else (coef.T, shift)
    theta = oracle.theta(*at)
    seen = _bend(oracle, theta, _free(oracle, intercept), dense) * (weight / batch.total_weight)
    return Stream(theta, prior + seen, weight, 0)


def learn(stream: Stream, batch: Arrived, intercept: bool) -> Taught:
    """The stream after `batch`; raises DataError for values that are not finite."""
    oracle = _oracle(batch, intercept)
    weight, dense = batch.total_weight, stream.curvature.ndim == 2
    free = _free(oracle, intercept)
    stop = StopRules(STEPS, tolerance=-1.0, gradient_tolerance=-1.0, enough=_Settled())
    engine: Any = oracle.engine
    with engine.quiet_blas(), np.errstate(over="ignore", under="ignore", invalid="ignore"):
        solver = newton(stream.theta)
        if not dense:
            metric = weight / (stream.curvature + _bend(oracle, stream.theta, free, dense))
            solver = lbfgs(stream.theta, lambda v: v * metric)
        run = drive(solver, _Remembering(oracle, stream, weight, free), stop)
        theta = run.last.theta
        bent = stream.curvature + _bend(oracle, theta, free, dense)
    first = run.trace.cost[0] if len(run.trace.cost) else run.last.point.cost
    coef, shift = as_coef(*oracle.weights(theta))
    after = Stream(theta, bent, stream.weight + weight, stream.batches + 1)
    return Taught(after, coef, shift if intercept else np.zeros_like(shift), float(first))


Oracle = Objective | SoftmaxObjective


def _oracle(batch: Arrived, intercept: bool) -> Oracle:
    """The mean loss of the batch, without a penalty."""
    K, n = len(batch.classes), batch.X.shape[1]
    make = SparseEngine if is_sparse(batch.X) else MemoryEngine
    engine: Any = make(batch.X, batch.codes, batch.weight, threads=1)
    if K == 2:
        return Objective(engine, KERNEL if is_sparse(batch.X) else KERNELS["vectorised"], L2(0.0))
    return SoftmaxObjective(engine, K, np.zeros(n), Scaling(np.zeros(n), np.ones(n)), intercept=intercept)


@dataclass(frozen=True, slots=True)
class _Remembering:
    """The mean loss of a batch plus Q / W, with the gradient of the coordinates that are not `free` taken out."""

    oracle: Oracle
    stream: Stream
    weight: float
    free: Floats

    def answer(self, question: Question) -> Answer:
        """The answer to any question."""
        if isinstance(question, Evaluate):
            return self._evaluate(question)
        if isinstance(question, Along):
            plain = self.oracle.answer(question)
            moved = [self._pull(question.theta + step * question.direction)[0] for step in question.steps]
            return np.asarray(plain + np.array(moved))
        raise TypeError(f"{type(question).__name__} is not asked by the solvers used here")

    def weights(self, theta: Floats) -> tuple[Floats, Any]:
        """Theta as the user's (w, b)."""
        return self.oracle.weights(theta)

    def norm(self, vector: Floats) -> float:
        """Euclidean norm."""
        return self.oracle.norm(vector)

    def _pull(self, theta: Floats) -> tuple[float, Floats]:
        """Q / W and its gradient."""
        away, A = theta - self.stream.theta, self.stream.curvature
        pull = (A @ away if A.ndim == 2 else A * away) / self.weight
        return 0.5 * float(away @ pull), pull

    def _evaluate(self, question: Evaluate) -> Point:
        plain = self.oracle.answer(question)
        assert isinstance(plain, Point)  # what Evaluate is answered with
        value, pull = self._pull(question.theta)
        gradient = None if plain.gradient is None else (plain.gradient + pull) * self.free
        hessian = plain.hessian
        if hessian is not None:
            hessian = hessian * self.free * self.free[:, None] + self.stream.curvature / self.weight
        return Point(plain.value + value, plain.cost, plain.errors, gradient, hessian)


class _Settled:
    """Whether the last update lowered the value by next to nothing."""

    def __init__(self) -> None:
        self.before = math.inf

    def __call__(self, iterate: Iterate) -> bool:
        before, self.before = self.before, iterate.point.value
        return before - self.before <= SETTLED * self.before


def _free(oracle: Oracle, intercept: bool) -> Floats:
    """1 for every coordinate of theta that is learnt; without an intercept 0 for those at its end."""
    columns, each = oracle.engine.n, 1 if isinstance(oracle, Objective) else oracle.K - 1
    return np.repeat(np.append(np.ones(columns), float(intercept)), each)


def _bend(oracle: Oracle, theta: Floats, free: Floats, dense: bool) -> Floats:
    """The Hessian of the sum of losses at theta, or its diagonal alone, where theta is free."""
    if not dense:
        return _diagonal(oracle, theta) * free
    point = oracle.answer(Evaluate(theta, 2))
    assert isinstance(point, Point)  # what Evaluate is answered with
    return np.asarray(point.hessian * free * free[:, None] * oracle.engine.total_weight)


def _diagonal(oracle: Oracle, theta: Floats) -> Floats:
    if isinstance(oracle, Objective):
        w, b = oracle.weights(theta)
        return np.asarray(oracle.engine.sum(lambda block: _squares(block, curvature(block.X @ w + b))))
    W, shift, Q = *oracle.weights(theta), contrasts(oracle.K)

    def of_block(block: Block) -> Floats:
        A = softmax(block.X @ W + shift)
        spread = A @ (Q * Q) - (A @ Q) ** 2  # q'(diag(a) - a a')q for every column q of Q
        return np.column_stack([_squares(block, each) for each in spread.T]).ravel()

    return np.asarray(oracle.engine.sum(of_block))


def _squares(block: Block, factor: Floats | None = None) -> Floats:
    """Sum of s_i factor_i x_ij² for every column, and for 1: (n + 1,)."""
    X: Any = block.X
    s = np.ones(len(block.y)) if block.weight is None else block.weight
    s = s if factor is None else s * factor
    squared: Any = np.square(X) if isinstance(X, np.ndarray) else X.multiply(X)
    return np.append(np.asarray(squared.T @ s, dtype=np.float64), s.sum())
