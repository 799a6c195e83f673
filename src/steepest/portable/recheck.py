"""Objective and certificate at (w, b) from one read of the rows, wherever they are: nothing is fitted.

The frame is given, so that the rows need not be read to find one. One read gives the loss, the gradient and the Hessian
with bounds on their rounding, and the longest row; then theorem C2 of `proof/certificate.py` bounds the gap, with the
leverage B of any row bounded by its length. Of K classes the dual needs some further reads.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from steepest.objective import Engine
from steepest.portable.parts import Minimised, Reach
from steepest.proof.bounds import bounds
from steepest.proof.certificate import relative, with_penalty
from steepest.proof.evidence import examine
from steepest.proof.problem import Problem
from steepest.proof.rounding import SLACK, Metric, gamma
from steepest.proof.softmax_certificate import certify_classes
from steepest.proof.softmax_evidence import examine_classes, framed_classes
from steepest.scaling import Scaling
from steepest.types import Addable, Block, Floats

__all__ = ["Recheck", "recheck"]

A = TypeVar("A", bound=Addable)
MOST_COLUMNS = 1024  # of a Hessian, times classes less one
QUIET = np.errstate(over="ignore", under="ignore", invalid="ignore", divide="ignore")


@dataclass(frozen=True, slots=True)
class Recheck:
    """What the rows say of (w, b).

    value, error    mean loss plus penalty, and how wrong rounding may have made it
    gap             (F - F*) / F* at most, proved; None where nothing could be proved
    reach           how far z of the optimum may be for any row; None likewise
    """

    value: float
    error: float
    gap: float | None
    reach: Reach | None


@QUIET
def recheck(engine: Engine, minimised: Minimised, frame: Scaling, w: Floats, b: Any) -> Recheck | None:
    """The objective at (w, b), and what can be proved of it; None if the strengths of the penalty are not known."""
    ridge = minimised.ridge(len(w))
    penalty = minimised.penalty(w)
    if ridge is None or penalty is None:
        return None
    proves = minimised.smooth and len(w) * max(1, np.size(b) - 1) <= MOST_COLUMNS
    watched = _Lengths(engine, frame)
    problem = Problem(watched, ridge, frame, minimised.intercept)
    if w.ndim == 2:
        return _classes(problem, w, b, penalty, proves and minimised.intercept)
    terms = examine(problem, w, float(b), 2 if proves else 1)
    mean = terms.loss / terms.weight
    error = (terms.loss_error + gamma(len(w) + 8) * terms.loss) / terms.weight + gamma(4 * len(w) + 16) * penalty
    if not proves:
        return Recheck(mean + penalty, error, None, None)
    strengths = problem.ridge(terms.weight)
    theta = problem.framed(w, float(b))
    value, value_error, gradient, doubts = with_penalty(terms, strengths, theta)
    assert terms.hessian is not None  # asked for with order 2
    uncertain = (terms.hessian_error + terms.adding + gamma(8)) * SLACK
    metric = Metric.of(terms.hessian + np.diag(strengths), uncertain)
    if metric is None:
        return Recheck(mean + penalty, error, None, None)
    proved = bounds(metric.norm(gradient, doubts), metric.longest(max(watched.found)))
    gap = relative(value - value_error, proved.gap)
    reach = _reach(metric, proved.radius, frame) if np.isfinite(proved.radius) else None
    return Recheck(mean + penalty, error, gap if np.isfinite(gap) else None, reach)


def _reach(metric: Metric, radius: float, frame: Scaling) -> Reach:
    """|h_j| <= |e_j|_{M^-1} |h|_M for every coefficient of h = theta - theta* in the frame."""
    each = metric.row_norms(np.eye(len(metric.unit)), exact=True) * (radius * SLACK)
    return Reach(each[:-1] / frame.scale * SLACK, float(each[-1]))


def _classes(problem: Problem, w: Floats, b: Floats, penalty: float, proves: bool) -> Recheck:
    terms = examine_classes(problem, framed_classes(problem, w, b), 1)
    value = terms.loss / terms.weight + penalty
    error = (terms.loss_error + gamma(len(w) + 8) * terms.loss) / terms.weight + gamma(4 * w.size + 16) * penalty
    if not proves:
        return Recheck(value, error, None, None)
    gap = certify_classes(problem, w, b, hessian=True).gap
    return Recheck(value, error, gap if np.isfinite(gap) else None, None)


class _Lengths:
    """An engine beside which the longest row (x~, 1) of each block is noted, rounded up."""

    def __init__(self, engine: Engine, frame: Scaling) -> None:
        self.engine, self.frame, self.found = engine, frame, list[float]()
        self.m, self.n = getattr(engine, "m", 0), engine.n

    @property
    def total_weight(self) -> float:
        """That of the engine."""
        return self.engine.total_weight

    def sum(self, of_block: Callable[[Block], A]) -> A:
        """That of the engine."""
        inverse = 1.0 / self.frame.scale

        def watched(block: Block) -> A:
            away = (block.X - self.frame.centre) * inverse
            square = np.einsum("ij,ij->i", away, away).max(initial=0.0)
            self.found.append(float(np.sqrt(square + 1.0)) * SLACK)
            return of_block(block)

        return self.engine.sum(watched)
