"""Proved bounds on how far a point is from the optimum: in value, in every probability, in every coefficient.

With g the gradient of the sum F, H its Hessian, 0 < M <= H, lambda = |g|_{M^-1}, B >= |x~_i|_{M^-1} for all rows, and
sigma = lambda B:

    C2   sigma < 1:  a minimiser exists, it is the only one,
         F - F* <= ½ lambda² k(sigma),   |theta - theta*|_M <= -log(1 - sigma) / B
    C1   d = -M^-1 g, alpha_i = a_i + a_i (1 - a_i) x~_i'd on the rows of M, all in [0, 1]:
         F - F* <= sum of s_i KL(alpha_i | a_i) + ½ d'Rd;   strictly inside: a minimiser exists

k(sigma) = 2 [sigma + (1 - sigma) log(1 - sigma)] / sigma² = 1 + sigma/3 + sigma²/6 + … Neither cancels, so a relative
gap of 1e-25 can be certified. Rounding is part of every bound. Proofs: docs/decisions/0001-certificates.md.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from steepest.objective import Engine
from steepest.proof.bounds import Bounds, bounds
from steepest.proof.evidence import Diagonal, Move, Reach, Terms, distance, examine, reach
from steepest.proof.existence import Witness
from steepest.proof.problem import Problem
from steepest.proof.rounding import SLACK, Metric, gamma
from steepest.scaling import Scaling
from steepest.types import Floats

__all__ = [
    "Certificate",
    "Proof",
    "certify",
    "compare",
    "diagonal_at",
    "disproved",
    "published",
    "relative",
    "with_penalty",
]

Existence = Literal["proved", "disproved", "unknown"]
QUIET = np.errstate(over="ignore", under="ignore", invalid="ignore")  # what overflows makes a bound infinite


@dataclass(frozen=True, slots=True)
class Certificate:
    """What is proved about a fit; infinite (1 for probabilities) where nothing is.

    gap                    (F - F*) / F* at most: the relative distance of the objective from its optimum
    max_probability_error  largest |a_i - a_i*| of any training row of positive weight, at most
    max_coefficient_error  largest |theta_j - theta*_j| of any coefficient, intercept included, in units of its
                           standard error sqrt((H^-1)_jj) at this point, at most
    exists                 whether a finite optimum exists: "proved", "disproved" (then see `witness`) or "unknown"
    witness                the direction along which F falls for ever, or None
    """

    gap: float
    max_probability_error: float
    max_coefficient_error: float
    exists: Existence
    witness: Witness | None = None

    @property
    def sentence(self) -> str:
        """What is proved, in words.

        >>> Certificate(1e-9, 1e-6, 1e-5, "proved").sentence
        'at most 1e-07 % above the optimum, no probability off by more than 1e-06, no coefficient by 1e-05 SE'
        """
        if self.exists == "disproved":
            return "no finite optimum exists"
        if not math.isfinite(self.gap):
            return "nothing is proved about the distance from the optimum"
        parts = [f"at most {100.0 * self.gap:.2g} % above the optimum"]
        if self.max_probability_error < 1.0:
            parts.append(f"no probability off by more than {self.max_probability_error:.2g}")
        if math.isfinite(self.max_coefficient_error):
            parts.append(f"no coefficient by {self.max_coefficient_error:.2g} SE")
        return ", ".join(parts)


@dataclass(frozen=True, slots=True)
class Proof:
    """A certificate with what is needed to certify other points of the same problem by it (`compare`).

    bound     F - F* at most, on the sum F           radius  |theta - theta*|_H at most
    sigma     lambda B of C2                         value, value_error  F here, and how wrong it may be
    whole     whether `metric` is the Hessian of all rows, so that it bounds standard errors from both sides
    """

    certificate: Certificate
    problem: Problem
    w: Floats
    b: float
    metric: Metric | Diagonal | None
    whole: bool
    value: float
    value_error: float
    bound: float
    radius: float
    sigma: float


@QUIET
def certify(
    problem: Problem,
    w: Floats,
    b: float,
    *,
    metric: Metric | Diagonal | None = None,
    subset: Engine | None = None,
    exact: bool = True,
) -> Proof:
    """The proof at (w, b), in two passes over the rows (one of them with the Hessian, unless `metric` or `subset`).

    metric  M from `diagonal_at` (problem, w, b), if it is already known; by default it is formed here
    subset  an engine that holds some of the rows, with weights no larger: M is formed from them alone, which is
            cheaper, and weaker by about their share
    exact   leverages by n² operations per row; False: by the rows' lengths, n operations, weaker by about sqrt(n)

    >>> from steepest.engines import MemoryEngine
    >>> rows = MemoryEngine(np.array([[1.0], [2.0], [3.0], [4.0]]), np.array([0.0, 1.0, 0.0, 1.0]))
    >>> proof = certify(Problem.of(rows), np.array([0.8165]), -2.04)
    >>> proof.certificate.exists, proof.certificate.gap < 0.002
    ('proved', True)
    """
    whole = subset is None
    terms = examine(problem, w, b, 2 if whole and metric is None else 1)
    ridge = problem.ridge(terms.weight)
    theta = problem.framed(w, b)
    value, value_error, gradient, doubts = with_penalty(terms, ridge, theta)
    if metric is None:
        seen = terms if whole else examine(problem, w, b, 2, subset)
        metric = _metric(seen, ridge, terms.adding)
    if metric is None or not np.isfinite(gradient).all() or not np.isfinite(doubts).all():
        return _nothing(problem, w, b, value, value_error)
    move = Move(theta, np.zeros_like(theta), math.inf)
    if isinstance(metric, Metric):
        step = -metric.solve(gradient)
        move = Move(theta, step, metric.residual(step, -gradient, doubts))
    moved = reach(problem, metric, move, exact=exact)
    dual = moved if whole or isinstance(metric, Diagonal) else reach(problem, metric, move, subset, exact)
    proved = bounds(metric.norm(gradient, doubts), moved.leverage, _dual_gap(dual, ridge, move), dual.inside)
    certificate = published(proved, value - value_error, terms.least)
    return Proof(certificate, problem, w, b, metric, whole, value, value_error, proved.gap, proved.radius, proved.sigma)


@QUIET
def diagonal_at(problem: Problem, w: Floats, b: float) -> Diagonal | None:
    """M = (1 - tau) diag(R, sum of s a(1-a)) for wide tables whose weights are all penalised: no matrix is formed.

    In a frame with centre c, q = sum of s a(1-a) (x - c): M <= H if |R^-½ q|² <= tau² sum of s a(1-a). One pass moves
    the centre to where q is small, another bounds q. None if a weight has no penalty.

    The metric belongs to the frame of its `problem`: certify `metric.problem`.
    """
    if not np.all(problem.l2 > 0.0):
        return None
    edge = examine(problem, w, b, 1, edge=True).edge
    assert edge is not None  # asked for
    frame = problem.frame
    moved = replace(problem, frame=Scaling(frame.centre + frame.scale * edge[:-1] / edge[-1], frame.scale))
    terms = examine(moved, w, b, 1, edge=True)
    assert terms.edge is not None
    assert terms.edge_size is not None
    ridge = moved.ridge(terms.weight)[:-1] * (1.0 - terms.adding - gamma(8))
    least = float(terms.edge[-1]) * (1.0 - terms.hessian_error)
    crossed = np.abs(terms.edge[:-1]) + terms.hessian_error * terms.edge_size[:-1]
    tau = float(np.linalg.norm(crossed / np.sqrt(ridge))) / math.sqrt(least) * SLACK if least > 0.0 else math.inf
    return Diagonal(np.append(ridge, least) * ((1.0 - tau) / SLACK), moved) if tau < 0.5 else None


@QUIET
def compare(proof: Proof, w: Floats, b: float) -> Certificate:
    """The certificate of another point (w, b) of the problem of `proof`; two passes.

        F - F* <= F(w, b) - (F(reference) - bound),   |a_i - a*_i| <= |a_i - a_i(reference)| + reference's,
        |theta_j - theta*_j| / SE_j <= |theta_j - reference_j| / SE_j + reference's,  SE_j at the reference

    Needs no step of its own and holds at any distance; next to the optimum `certify` is sharper, because a difference
    of two values of F cannot be known to better than their rounding.
    """
    known, problem = proof.certificate, proof.problem
    terms = examine(problem, w, b)
    theta = problem.framed(w, b)
    value, error, _, _ = with_penalty(terms, problem.ridge(terms.weight), theta)
    lower = proof.value - proof.value_error - proof.bound
    above = (value - lower + error + gamma(8) * (abs(value) + abs(proof.value))) * SLACK
    gap = max(0.0, above) / lower * SLACK if lower > 0.0 and math.isfinite(above) else math.inf
    probability = distance(problem, (w, b), (proof.w, proof.b)).probability + known.max_probability_error
    return Certificate(gap, min(1.0, probability), _coefficient_distance(proof, w, b), known.exists, known.witness)


def disproved(witness: Witness) -> Certificate:
    """The certificate of a problem without a finite optimum."""
    return Certificate(math.inf, 1.0, math.inf, "disproved", witness)


def relative(value: float, bound: float) -> float:
    """(F - F*) / F* <= bound / (F - bound) for F >= `value`; infinite where F* could be 0.

    >>> relative(2.0, 1.0), relative(1.0, 1.0), relative(0.0, 0.0)
    (1.0000009536743164, inf, inf)
    """
    least = value - bound
    return bound / least * SLACK if least > 0.0 and math.isfinite(bound) else math.inf


def published(proved: Bounds, value: float, lightest: float, exists: Existence | None = None) -> Certificate:
    """The certificate that says what is `proved` of F >= `value`, where no row of positive weight weighs less.

    Around an optimum the gap alone bounds every probability, whatever the columns: F - F* is at least the sum of
    s_i KL(a*_i | a_i), and 2 (a - a*)² <= KL(a* | a) (Pinsker). `exists` says more than `proved` knows, if given.
    """
    exists, probability = exists or ("proved" if proved.exists else "unknown"), min(1.0, 0.25 * proved.reach)
    if exists == "proved":
        probability = min(probability, math.sqrt(0.5 * proved.gap / lightest) * SLACK)
    return Certificate(relative(value, proved.gap), probability, proved.radius, exists)


def _metric(terms: Terms, ridge: Floats, adding: float) -> Metric | None:
    """H + R; R = l2 W / scale² is as uncertain as W, which was added up."""
    assert terms.hessian is not None  # asked for with order 2
    return Metric.of(terms.hessian + np.diag(ridge), (terms.hessian_error + adding + gamma(8)) * SLACK)


def with_penalty(terms: Terms, ridge: Floats, theta: Floats) -> tuple[float, float, Floats, Floats]:
    """F and its error, gradient and its errors, with the penalty."""
    pull = ridge * theta
    off = terms.adding + gamma(8)
    penalty = 0.5 * float(pull @ theta)
    value = terms.loss + penalty
    error = (terms.loss_error + (off + gamma(len(theta) + 8)) * value) * SLACK
    gradient = terms.gradient + pull
    doubts = (terms.gradient_error + off * (np.abs(pull) + np.abs(terms.gradient))) * SLACK
    return value, error, gradient, doubts


def _dual_gap(dual: Reach, ridge: Floats, move: Move) -> float:
    """C1. The exact d is within `move.off` of the step in the norm of M >= R."""
    length = math.sqrt(float(np.abs(ridge) @ (move.step * move.step))) * SLACK + move.off
    return (dual.divergence + 0.5 * length * length) * SLACK


def _coefficient_distance(proof: Proof, w: Floats, b: float) -> float:
    """max over coefficients of |theta_j - reference_j| / SE_j, plus what the reference itself may be off."""
    metric, frame = proof.metric, proof.problem.frame
    if not isinstance(metric, Metric) or not proof.whole:
        return math.inf
    worst = 0.0
    functional = np.zeros(len(w) + 1)
    for j, moved in enumerate(np.append(np.abs(w - proof.w), abs(b - proof.b)).tolist()):
        if moved == 0.0:
            continue
        functional[:] = 0.0
        if j < len(w):
            functional[j] = 1.0 / frame.scale[j]
        else:
            functional[:-1], functional[-1] = -frame.centre / frame.scale, 1.0
        least = metric.least_norm(functional)
        worst = max(worst, moved / least * SLACK if least > 0.0 else math.inf)
    return worst + proof.radius


def _nothing(problem: Problem, w: Floats, b: float, value: float, value_error: float) -> Proof:
    nothing = Certificate(math.inf, 1.0, math.inf, "unknown")
    unknown = math.inf
    return Proof(nothing, problem, w, b, None, False, value, value_error, unknown, unknown, unknown)
