"""Proved bounds on how far a point of K classes is from the optimum. Proofs: docs/decisions/0003-softmax.md.

F(Theta) = sum of s_i [log-sum-exp(z_i) - z_i[y_i]] + ½ sum of R_j |W_j|², R = l2 W; g its gradient (n + 1, K).

    D1   every R_j > 0: alpha_i = a_i + (diag(a_i) - a_i a_i') d in the simplex, with sum of s_i (alpha_i - y_i) = 0:
         F - F* <= sum of s_i KL(alpha_i | a_i) + ½ sum of |rho_j|² / R_j,   rho = g + sum of s x (alpha - a)'
    C2   lambda = |g|, B = largest |x~_i (e_k - e_l)'|, both over H^-1 in K - 1 coordinates; sigma = lambda B < 1:
         F - F* <= ½ lambda² k(sigma),  |Theta - Theta*|_H <= -log(1 - sigma) / B,  a finite optimum exists
    E2   F - F* = sum of s_i KL(a*_i | a_i) + ½ |W - W*|²_R,  hence |a_ik - a*_ik| <= sqrt((F - F*) / (2 s_i))

D1 costs two passes whatever n and K; C2 needs the Hessian, and works without a penalty. Coefficients are those with
classes adding up to 0.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from steepest.proof.certificate import Certificate, relative
from steepest.proof.curves import excess, flattening, turn_of
from steepest.proof.problem import Problem
from steepest.proof.rounding import SLACK, Metric, gamma
from steepest.proof.softmax_evidence import ClassTerms, dual, examine_classes, framed_classes, leverage
from steepest.softmax_objective import assembled, contrasts
from steepest.types import Floats

__all__ = ["Bound", "certify_classes", "together"]

QUIET = np.errstate(over="ignore", under="ignore", invalid="ignore", divide="ignore")


@dataclass(frozen=True, slots=True)
class _Seen:
    """F and its gradient at theta, with the penalty, each with a bound on its error."""

    theta: Floats
    ridge: Floats  # (n + 1,)
    value: float
    value_error: float
    gradient: Floats
    doubts: Floats


@dataclass(frozen=True, slots=True)
class Bound:
    """What the theorems give on the sum F, as in `certificate.Bounds`."""

    gap: float = math.inf
    radius: float = math.inf
    reach: float = math.inf
    exists: bool = False


@QUIET
def certify_classes(problem: Problem, w: Floats, b: Floats, *, hessian: bool) -> Certificate:
    """The certificate at W (n, K), b (K,) of a problem whose y are 0 … K-1, every class with rows of positive weight.

    `hessian` allows C2, which forms ((n + 1)(K - 1))² numbers; without it coefficients get no bound. D1 takes two
    passes, C2 one or two.

    >>> from steepest.engines import MemoryEngine
    >>> rows = MemoryEngine(np.arange(9.0)[:, None], np.arange(9.0) % 3)
    >>> proof = certify_classes(Problem.of(rows, 10.0), np.zeros((1, 3)), np.zeros(3), hessian=True)
    >>> proof.exists, round(proof.gap, 5)
    ('proved', 0.00975)
    """
    theta = framed_classes(problem, w, b)
    terms = examine_classes(problem, theta, 2 if hessian else 1)
    seen = _with_penalty(terms, problem.ridge(terms.weight), theta)
    coercive = bool(np.all(seen.ridge[:-1] > 0.0))
    dual_gap = _d1(problem, terms, seen) if coercive else math.inf
    bound = _c2(problem, terms, seen, dual_gap) if hessian else Bound(dual_gap)
    gap = relative(seen.value - seen.value_error, bound.gap)
    probability = min(1.0, 0.25 * bound.reach, math.sqrt(bound.gap / (2.0 * terms.least)) * SLACK)
    exists = coercive or bound.exists
    return Certificate(gap, probability, bound.radius, "proved" if exists else "unknown")


def _with_penalty(terms: ClassTerms, ridge: Floats, theta: Floats) -> _Seen:
    pull = ridge[:, None] * theta
    off = terms.adding + gamma(8)
    value = terms.loss + 0.5 * float(np.sum(pull * theta))
    error = (terms.loss_error + (off + gamma(theta.size + 8)) * value) * SLACK
    doubts = (terms.gradient_error + off * (np.abs(pull) + np.abs(terms.gradient))) * SLACK
    return _Seen(theta, ridge, value, error, terms.gradient + pull, doubts)


def _d1(problem: Problem, terms: ClassTerms, seen: _Seen) -> float:
    """D1: d restores the equations of the intercepts; what rounding leaves of them is covered by a bound on d."""
    Q = contrasts(len(terms.spread))
    curved = -terms.spread
    np.fill_diagonal(curved, 0.0)
    np.fill_diagonal(curved, -curved.sum(axis=1))
    S = Q.T @ curved @ Q
    if not np.isfinite(S).all():
        return math.inf
    bends, axes = np.linalg.eigh(S)
    least = float(bends[0]) - (terms.curvature_error + gamma(64 * len(Q) ** 2)) * float(np.trace(S)) * SLACK
    if not least > 0.0:
        return math.inf
    d = -(Q @ (axes @ ((axes.T @ (Q.T @ seen.gradient[-1])) / bends)))
    expected = seen.doubts[-1] + terms.adding * np.abs(seen.gradient[-1])
    allowed = 16.0 * math.sqrt(2.0) * float(np.linalg.norm(expected)) / least  # usually enough: then one pass serves
    seek = dual(problem, seen.theta, d, allowed)
    left = _residual(terms, seen, seek.moved, seek.doubts, seek.size)
    off = math.sqrt(2.0) * float(np.linalg.norm(left[-1])) / least * SLACK
    divergence = seek.divergence if off <= allowed else dual(problem, seen.theta, d, off).divergence
    rho = left[:-1] + off * seek.pull[:-1]
    return (divergence + 0.5 * float(np.sum(rho * rho / seen.ridge[:-1, None]))) * SLACK * (1.0 + terms.adding)


def _residual(terms: ClassTerms, seen: _Seen, moved: Floats, doubts: Floats, size: Floats) -> Floats:
    """Upper bounds on |g + sum of s x~ (alpha - a)'|, (n + 1, K)."""
    left = np.abs(seen.gradient + moved) + seen.doubts + doubts + terms.adding * size
    return np.asarray((left + gamma(4) * (np.abs(seen.gradient) + np.abs(moved))) * SLACK)


def _c2(problem: Problem, terms: ClassTerms, seen: _Seen, dual_gap: float) -> Bound:
    """C2 on what is left when a constant added to all classes is taken out; that part of the penalty is added."""
    assert terms.pairs is not None  # asked for with order 2
    K = len(terms.spread)
    Q = contrasts(K)
    ridge = np.repeat(seen.ridge, K - 1)
    uncertain = (terms.curvature_error + terms.adding + gamma(4 * K + 8)) * SLACK
    metric = Metric.of(assembled(terms.pairs, Q) + np.diag(ridge), uncertain)
    if metric is None or not np.isfinite(seen.gradient).all() or not np.isfinite(seen.doubts).all():
        return Bound(dual_gap)
    common = np.abs(seen.theta.sum(axis=1)) + gamma(K) * np.abs(seen.theta).sum(axis=1)
    beside = 0.5 * float(seen.ridge @ (common * common)) / K
    # Q'(g - R mean): Q adds up to 0 only to rounding, so the mean is taken out before, and bounded
    off = seen.doubts + 4.0 * gamma(K + 8) * np.abs(seen.gradient).sum(axis=1, keepdims=True)
    centred = seen.gradient - seen.gradient.mean(axis=1, keepdims=True)
    doubts = (off + off.mean(axis=1, keepdims=True)) @ np.abs(Q) + gamma(2 * K + 8) * np.abs(centred) @ np.abs(Q)
    norm = metric.norm((centred @ Q).ravel(), (doubts * SLACK).ravel())
    B = leverage(problem, metric, Q)
    return together(norm, B, dual_gap, beside)


def together(norm: float, B: float, dual_gap: float, beside: float) -> Bound:
    """C2 for |g| = `norm` and B over M^-1, and C3: a gap, from wherever it is known, bounds the distance."""
    sigma = norm * B * SLACK
    near = sigma < 1.0
    gap = min(dual_gap, (0.5 * norm * norm * excess(sigma) + beside) * SLACK if near else math.inf)
    turn = -math.log1p(-sigma) * SLACK if near else math.inf
    turn = min(turn, turn_of(gap * B * B * SLACK))
    if not math.isfinite(turn):
        return Bound(gap, exists=near)
    radius = math.sqrt(gap / flattening(turn)) * SLACK
    if near:
        radius = min(radius, turn / B * SLACK) if B > 0.0 else radius  # rows of zeros, no intercept: z is 0
    return Bound(gap, radius, min(turn, B * radius * SLACK), near)
