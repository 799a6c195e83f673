"""What passes over the rows of K classes prove: totals with a bound on what rounding did to them (see `evidence.py`).

Only differences of z count. If all z_ik - z_il are within eps_i, every a_ik and 1 - a_ik is within a factor
e^{±eps_i} of the computed one: a_k = 1 / sum of exp(z_l - z_k). Everything is in the frame of a `Problem`; theta is
(n + 1, K), rows of x~ = (x, 1).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from steepest.kernels.softmax import pair_sums, slopes
from steepest.proof.evidence import TINY, Totals, bend
from steepest.proof.problem import Problem
from steepest.proof.rounding import FEW, SLACK, Metric, gamma
from steepest.types import Block, Floats

__all__ = ["ClassTerms", "Dual", "Leverage", "dual", "examine_classes", "framed_classes", "leverage"]


@dataclass(frozen=True, slots=True)
class ClassTerms(Totals):
    """The totals of K classes, each with a bound on its error; gradient, doubts and size are (n + 1, K). Can be added.

    spread  (K, K) sum of s a a', off its diagonal the curvature of the intercepts
    pairs   as in `ClassSums`, or None                     `doubt` is the largest eps of any row
    """

    spread: Floats
    pairs: Floats | None = None

    def __add__(self, other: ClassTerms) -> ClassTerms:
        return ClassTerms(
            *self.added(other),
            self.spread + other.spread,
            None if self.pairs is None or other.pairs is None else self.pairs + other.pairs,
        )

    @property
    def curvature_error(self) -> float:
        """e with |true - computed|_jl <= e sqrt(H_jj H_ll), for `pairs`, what is assembled of them, and `spread`."""
        K = self.spread.shape[0]
        eps = float(np.expm1(min(2.0 * self.doubt, 1.0)))
        return (self.adding + 2.0 * _few(K) + gamma(K * K + 16) + eps) * (1.0 + 2.0**-6)


@dataclass(frozen=True, slots=True)
class Dual:
    """Of alpha_i = a_i + (diag(a_i) - a_i a_i') d, d the same for all rows. Can be added.

    moved, doubts, size  (n + 1, K): sum of s x~ (alpha - a)', bounds on the errors of the terms, magnitudes
    pull  (n + 1, K): sum of s |x~| a', an upper bound       divergence  sum of s KL(alpha | a), an upper bound
    """

    moved: Floats
    doubts: Floats
    size: Floats
    pull: Floats
    divergence: float

    def __add__(self, other: Dual) -> Dual:
        return Dual(
            self.moved + other.moved,
            self.doubts + other.doubts,
            self.size + other.size,
            self.pull + other.pull,
            self.divergence + other.divergence,
        )


@dataclass(frozen=True, slots=True)
class Leverage:
    """Largest |x~_i (e_k - e_l)'| over M^-1 of any row and pair of classes, an upper bound. Can be added."""

    largest: float

    def __add__(self, other: Leverage) -> Leverage:
        return Leverage(max(self.largest, other.largest))


def framed_classes(problem: Problem, w: Floats, b: Floats) -> Floats:
    """(W~; b~), shape (n + 1, K), each entry within a relative 2u; no common centre, no fractions to add."""
    if not problem.frame.centre.any():
        return np.vstack([w * problem.frame.scale[:, None], b])
    return np.column_stack([problem.framed(w[:, k], float(b[k])) for k in range(len(b))])


def examine_classes(problem: Problem, theta: Floats, order: int = 1) -> ClassTerms:
    """The terms at theta, in one pass; order 2 with `pairs`."""
    return problem.sum(lambda block: _terms(problem, block, theta, order))


def _terms(problem: Problem, block: Block, theta: Floats, order: int) -> ClassTerms:
    X, y, s = problem.rows(block)
    which, rows, few = y.astype(np.intp), np.arange(len(y)), _few(theta.shape[1])
    size = np.abs(X)
    losses, D, own, eps = _slopes(X, size, theta, which)
    rest = -D[which, rows]
    small = np.minimum(eps, 1.0)
    magnitude = np.abs(D)
    change = np.where(eps < 1.0, magnitude * (np.expm1(small) + few), 1.0) + TINY
    loss_doubt = few * losses + np.where(eps < 1.0, small * np.exp(small) * rest, eps) + TINY
    gradient = np.matmul(D * s, X).T
    D[which, rows] = own
    return ClassTerms(
        float(s.sum()),
        float(s @ losses),
        float(s @ loss_doubt),
        gradient,
        np.matmul(change * s, size).T,
        np.matmul(magnitude * s, size).T,
        float(eps.max(initial=0.0)),
        len(y),
        0,
        float(s.min(initial=np.inf)),
        (D * s) @ D.T,
        pair_sums(X, D, s) if order == 2 else None,
    )


def dual(problem: Problem, theta: Floats, d: Floats, off: float) -> Dual:
    """The terms of D1 for d (K,); the exact one differs by no more than `off` in any difference of two entries."""
    return problem.sum(lambda block: _dual(problem, block, theta, d, off))


def _dual(problem: Problem, block: Block, theta: Floats, d: Floats, off: float) -> Dual:
    X, y, s = problem.rows(block)
    which, K = y.astype(np.intp), theta.shape[1]
    size = np.abs(X)
    _, A, own, eps = _slopes(X, size, theta, which)
    A[which, np.arange(len(y))] = own
    grow = np.where(eps < 1.0, np.expm1(np.minimum(eps, 1.0)) + _few(K), np.inf)
    t = d[:, None] - d @ A
    blur = np.ptp(d) * grow * SLACK + gamma(2 * K + 8) * 2.0 * np.abs(d).max() * SLACK
    low, high = t - (blur + off), t + (blur + off)
    upper = A * (1.0 + grow) * SLACK + TINY
    divergence = np.inf
    if np.all(low > -1.0) and np.isfinite(high).all():
        divergence = float(s @ (upper * np.maximum(bend(low), bend(high))).sum(axis=0)) * SLACK + TINY
    U = A * t
    return Dual(
        np.matmul(U * s, X).T,
        np.matmul((np.abs(U) * grow + upper * blur) * s, size).T,
        np.matmul(np.abs(U) * s, size).T,
        np.matmul(upper * s, size).T * SLACK,
        divergence,
    )


def leverage(problem: Problem, metric: Metric, Q: Floats) -> float:
    """B: |x~_i h (e_k - e_l)| <= B |h|_M for all rows, all pairs and all h in the coordinates Q; N² a row."""
    first, second = np.triu_indices(len(Q), 1)
    u = Q[first] - Q[second]
    N, p = len(metric.unit), Q.shape[1]
    root = (metric.inverse / metric.unit).reshape(N, -1, p)
    spread = float(np.linalg.norm(root))
    columns = root.transpose(1, 0, 2).reshape(root.shape[1], N * p)
    squares = (u[:, :, None] * u[:, None, :]).reshape(len(u), -1)

    def of_block(block: Block) -> Leverage:
        X, _, _ = problem.rows(block)
        T = np.matmul(X, columns).reshape(len(X), N, p)
        gram = np.matmul(T.transpose(0, 2, 1), T)
        longest = (gram.reshape(len(X), -1) @ squares.T).max(axis=1, initial=0.0)
        trace = np.trace(gram, axis1=1, axis2=2)
        # |u|² = 2, so what rounding of u'T'Tu can add is at most gamma times 2 (sum of |T_p|)² <= 2 p trace
        longest = np.sqrt(np.maximum(longest, 0.0) + gamma(N + 4 * p + 20) * 2.0 * p * trace * SLACK)
        longest += gamma(X.shape[1] + 10) * 2.0 * spread * np.sqrt(np.einsum("ij,ij->i", X, X)) * SLACK
        return Leverage(float(longest.max(initial=0.0)))

    return problem.sum(of_block).largest * SLACK * SLACK / float(np.sqrt(1.0 - metric.loss))


def _slopes(X: Floats, size: Floats, theta: Floats, which: np.ndarray) -> tuple[Floats, Floats, Floats, Floats]:
    """Losses, dZ, the true class's a, and eps: z and its differences are each off by a share of max |x~|'|theta|."""
    largest = np.matmul(np.abs(theta).T, size.T).max(axis=0)
    eps = 2.0 * gamma(X.shape[1] + 20) * SLACK * largest + TINY
    losses, D, own, _ = slopes(np.matmul(theta.T, X.T), which)
    return losses, D, own, eps


def _few(K: int) -> float:
    """Relative error of a, 1 - a and the loss of a row whose differences of z are given."""
    return FEW + gamma(K + 8)
