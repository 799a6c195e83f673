"""What one pass over the rows proves: totals together with a bound on what rounding did to them.

Everything is in the frame of a `Problem`. A sum of many numbers >= 0 is relatively accurate; so each total that may
cancel travels with the sum of its magnitudes, and the bound on its error is computed from that.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from steepest.formulas import sigmoid
from steepest.objective import Engine
from steepest.proof.problem import Problem
from steepest.proof.rounding import FEW, SLACK, Metric, gamma
from steepest.types import Block, Floats, plus

__all__ = ["Apart", "Move", "Reach", "Terms", "Totals", "distance", "examine", "reach"]

TINY = 2.0**-1000  # an absolute error per row that covers underflow


@dataclass(frozen=True, slots=True)
class Totals:
    """What two classes and K have in common of their totals at one theta, without the penalty, in the frame.

    `gradient` has the shape of theta. `size` and `loss` collect the magnitudes that were added, from which the error of
    adding follows, `doubts` and `loss_doubt` bound the errors of the terms. `doubt` is the largest error of any z,
    `least` the smallest s.
    """

    weight: float
    loss: float
    loss_doubt: float
    gradient: Floats
    doubts: Floats
    size: Floats
    doubt: float
    rows: int
    depth: int
    least: float

    def added(self, other: Totals) -> tuple[float, float, float, Floats, Floats, Floats, float, int, int, float]:
        """The fields of both sets of rows, in order; one level further up the tree of sums."""
        return (
            self.weight + other.weight,
            self.loss + other.loss,
            self.loss_doubt + other.loss_doubt,
            self.gradient + other.gradient,
            self.doubts + other.doubts,
            self.size + other.size,
            max(self.doubt, other.doubt),
            max(self.rows, other.rows),
            max(self.depth, other.depth) + 1,
            min(self.least, other.least),
        )

    @property
    def adding(self) -> float:
        """Relative error of a sum over all rows: within a block in any order, then along the tree."""
        return gamma(self.rows + self.depth + 8)

    @property
    def loss_error(self) -> float:
        """Bound on the error of `loss`."""
        return (self.loss_doubt + self.adding * self.loss) * SLACK

    @property
    def gradient_error(self) -> Floats:
        """Componentwise bound on the error of `gradient`."""
        return (self.doubts + self.adding * self.size) * SLACK


@dataclass(frozen=True, slots=True)
class Terms(Totals):
    """The totals of two classes, each with a bound on its error. Can be added.

    `gradient` and `gradient_error` (n + 1,), `hessian` (n + 1, n + 1) or None. `edge` (n + 1,) is the last row of the
    Hessian, `edge_size` the magnitudes added for it; or None.
    """

    hessian: Floats | None = None
    edge: Floats | None = None
    edge_size: Floats | None = None

    def __add__(self, other: Terms) -> Terms:
        return Terms(
            *self.added(other),
            plus(self.hessian, other.hessian),
            plus(self.edge, other.edge),
            plus(self.edge_size, other.edge_size),
        )

    @property
    def hessian_error(self) -> float:
        """e with |true - computed|_jl <= e sqrt(H_jj H_ll): Cauchy's inequality on the products of each entry."""
        return (self.adding + 2.0 * FEW + float(np.expm1(min(self.doubt, 1.0)))) * (1.0 + 2.0**-6)


def examine(
    problem: Problem, w: Floats, b: float, order: int = 1, engine: Engine | None = None, edge: bool = False
) -> Terms:
    """The terms at (w, b) over the rows of the problem, or of an `engine` that holds a subset of them; one pass.

    order 1 gives loss and gradient, order 2 the Hessian too; `edge` adds its last row only.
    """
    theta = problem.framed(w, b)
    return problem.sum(lambda block: _terms(problem, block, theta, order, edge), engine)


def _terms(problem: Problem, block: Block, theta: Floats, order: int, edge: bool) -> Terms:
    X, y, s = problem.rows(block)
    size = np.abs(X)
    z, doubt = _activations(X, size, theta, problem.offset(block))
    p, q, losses = halves(z, y)
    slope = (1.0 - y) * p - y * q  # a - y without cancellation for labels
    total = (1.0 - y) * p + y * q
    change = activation_change(doubt, p * q)
    loss_doubt = FEW * losses + np.where(doubt < 1.0, doubt * np.exp(np.minimum(doubt, 1.0)) * total, doubt) + TINY
    hessian = None
    if order == 2:
        rooted = X * np.sqrt(p * q * s)[:, None]
        hessian = rooted.T @ rooted
    return Terms(
        float(s.sum()),
        float(s @ losses),
        float(s @ loss_doubt),
        (s * slope) @ X,
        (s * (change + FEW * total + TINY)) @ size,
        (s * total) @ size,
        float(doubt.max(initial=0.0)),
        len(y),
        0,
        float(s.min(initial=np.inf)),
        hessian,
        (s * p * q) @ X if edge else None,
        (s * p * q) @ size if edge else None,
    )


def _activations(X: Floats, size: Floats, theta: Floats, offset: Floats | float = 0.0) -> tuple[Floats, Floats]:
    """z = X theta + offset, and a bound on its error."""
    return X @ theta + offset, gamma(X.shape[1] + 10) * SLACK * (size @ np.abs(theta) + np.abs(offset)) + TINY


def halves(z: Floats, y: Floats) -> tuple[Floats, Floats, Floats]:
    """a, 1 - a and the loss, from one exponential: the formulas of `formulas.py`, as accurate."""
    size = np.abs(z)
    e = np.exp(-size)
    one, other = 1.0 / (1.0 + e), e / (1.0 + e)
    up = z >= 0.0
    return np.where(up, one, other), np.where(up, other, one), size * np.where(up, 1.0 - y, y) + np.log1p(e)


def activation_change(doubt: Floats, curvature: Floats) -> Floats:
    """The most that a = sigmoid(z) changes when z changes by `doubt`: its slope changes by a factor e^doubt at most."""
    small = np.minimum(doubt, 1.0)
    return np.where(doubt < 1.0, np.minimum(curvature * small * np.exp(small) * SLACK, 1.0), 1.0)


@dataclass(frozen=True, slots=True)
class Reach:
    """How far rows can move. Can be added.

    leverage    the largest |x_i|_{M^-1}, an upper bound
    divergence  sum of s_i KL(alpha_i | a_i), an upper bound; infinite if some alpha_i may leave [0, 1]
    inside      whether every alpha_i lies strictly inside (0, 1)
    """

    leverage: float
    divergence: float
    inside: bool

    def __add__(self, other: Reach) -> Reach:
        return Reach(
            max(self.leverage, other.leverage), self.divergence + other.divergence, self.inside and other.inside
        )


@dataclass(frozen=True, slots=True)
class Move:
    """A step d from (w, b) in the frame; the exact M^-1 gradient is within `off` of -d in the norm of M."""

    theta: Floats
    step: Floats
    off: float


@dataclass(frozen=True, slots=True)
class Diagonal:
    """A diagonal M <= H, `diagonal` (n + 1,) in the frame of `problem`; norms as in `rounding.Metric`."""

    diagonal: Floats
    problem: Problem

    def norm(self, vector: Floats, error: Floats) -> float:
        """An upper bound on |v|_{M^-1} for every v with |v - vector| <= error."""
        return float(np.linalg.norm((np.abs(vector) + error) / np.sqrt(self.diagonal))) * SLACK

    def row_norms(self, rows: Floats, exact: bool) -> Floats:
        """Upper bounds on |x|_{M^-1} for each row; `exact` makes no difference."""
        return np.asarray(np.sqrt((rows * rows) @ (1.0 / self.diagonal)) * SLACK)


def reach(
    problem: Problem, metric: Metric | Diagonal, move: Move, engine: Engine | None = None, exact: bool = True
) -> Reach:
    """Leverages of all rows in `metric`, and the duality gap of alpha = a + a (1 - a) x'd; one pass.

    `exact` costs n² per row, otherwise leverages are bounded by the rows' lengths.
    """
    return problem.sum(lambda block: _reach(problem, block, metric, move, exact), engine)


def _reach(problem: Problem, block: Block, metric: Metric | Diagonal, move: Move, exact: bool) -> Reach:
    X, _, s = problem.rows(block)
    size = np.abs(X)
    z, doubt = _activations(X, size, move.theta, problem.offset(block))
    v, blur = _activations(X, size, move.step)
    leverage = metric.row_norms(X, exact)
    blur = (blur + leverage * move.off) * SLACK
    up = (1.0 + 2.0 * np.expm1(np.minimum(doubt, 1.0))) * (1.0 + FEW) * SLACK
    p, q, _ = halves(z, z)
    p *= up
    q *= up
    low, high = v - blur, v + blur
    inside = bool(np.all(q * low > -1.0) and np.all(p * high < 1.0) and np.all(doubt < 1.0))
    divergence = np.inf
    if inside:
        divergence = float(s @ np.maximum(divergence_of(p, q, low), divergence_of(p, q, high)) + TINY) * SLACK
    return Reach(float(leverage.max(initial=0.0)), divergence, inside)


def divergence_of(p: Floats, q: Floats, v: Floats) -> Floats:
    """KL(a + a(1-a) v | a) = a f((1-a) v) + (1-a) f(-a v), with f(t) = (1 + t) log(1 + t) - t, for a = p, 1 - a = q.

    All terms are >= 0. It grows with p and with q when they are taken apart, so upper bounds of both give one.
    """
    return np.asarray(p * bend(q * v) + q * bend(-p * v))


def bend(t: Floats) -> Floats:
    """f(t) = (1 + t) log(1 + t) - t for t > -1, to a relative 1e-11; near 0 by its series, where the line cancels.

    >>> [f"{value:.9g}" for value in bend(np.array([1e-9, 1.0]))]
    ['5e-19', '0.386294361']
    """
    series = np.zeros_like(t)
    for k in range(10, 1, -1):
        series = 1.0 / (k * (k - 1)) - t * series
    closed = np.where(np.abs(t) < 0.05, 1.0, t)
    return np.where(np.abs(t) < 0.05, t * t * series, (1.0 + closed) * np.log1p(closed) - closed)


@dataclass(frozen=True, slots=True)
class Apart:
    """Largest difference of a row's probabilities at two thetas, an upper bound. Can be added: the larger counts."""

    probability: float

    def __add__(self, other: Apart) -> Apart:
        return Apart(max(self.probability, other.probability))


def distance(problem: Problem, one: tuple[Floats, float], two: tuple[Floats, float]) -> Apart:
    """max over rows of |a_i(one) - a_i(two)|, rounding included; one pass."""
    left, right = problem.framed(*one), problem.framed(*two)

    def of_block(block: Block) -> Apart:
        X, _, _ = problem.rows(block)
        size = np.abs(X)
        away = problem.offset(block)
        (z1, doubt1), (z2, doubt2) = (_activations(X, size, theta, away) for theta in (left, right))
        a1, a2, c1, c2 = sigmoid(z1), sigmoid(z2), sigmoid(-z1), sigmoid(-z2)
        # a = 1 - (1 - a): the difference of the smaller ones is the more accurate
        apart = np.where(z1 + z2 < 0.0, np.abs(a1 - a2), np.abs(c1 - c2))
        apart += (
            activation_change(doubt1, a1 * c1) + activation_change(doubt2, a2 * c2) + FEW * np.minimum(a1 + a2, c1 + c2)
        )
        return Apart(float(apart.max(initial=0.0)) * SLACK)

    return problem.sum(of_block)
