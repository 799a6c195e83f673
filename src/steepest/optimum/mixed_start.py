"""Where a fit of numbers and categories begins: the optimum of a sample, and the metric that the sample gives.

    1. a fourth of the sample, by L-BFGS in the metric of its Hessian at 0;
    2. the sample, by L-BFGS in the metric of its Hessian there;
    3. one step over all rows in that metric, on the way of the first look at them.

Step 3 takes a gradient, a tenth of a Hessian, and leaves about a hundredth of the gap: so the one Hessian over all rows
is formed where it serves to the end.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from steepest.driver import Iterate, Step, StopRules, rehearse
from steepest.engines.mixed import MixedEngine
from steepest.kernels.mixed import Look
from steepest.mixed_rows import Layout
from steepest.optimum.mixed_objective import MixedObjective
from steepest.optimum.outcome import Request
from steepest.penalties import L2
from steepest.solvers.kept_newton import inverse_of
from steepest.solvers.lbfgs import lbfgs
from steepest.solvers.newton import SHORTER, TINY
from steepest.types import Floats, Sampling

__all__ = ["Start", "begin"]

FIRST_PART = 4  # one in so many rows of the sample is solved before all of it
STEPS_ON_SAMPLE = 60
STEPS_TRIED = 8  # halvings looked at together, where a unit step raises J on the sample
SETTLED = 0.02  # of the sample's own uncertainty: its optimum need not be known better
RIDGE = 0.1  # rows' worth of penalty on the sample: levels that it does not have stay where they are
UNSEEN = 0.5  # of the rows of a level that the sample should have: with fewer, its curvature is taken from all rows


@dataclass(frozen=True, slots=True)
class Start:
    """Theta and, where a sample was solved, its Hessian there, whose penalty is that of the sample."""

    theta: Floats
    hessian: Floats | None = None

    def metric(self, look: Look, layout: Layout) -> Callable[[Floats], Floats] | None:
        """v -> about H^-1 v over all rows; None without a sample.

        Levels that the sample (nearly) missed get the curvature of as many rows as there are: mean a(1 - a) of each.
        """
        if self.hessian is None:
            return None
        rows = look.counts[3]
        share = layout.joined(np.zeros(layout.p), rows * (layout.k / max(TINY, float(rows.sum()))))
        hessian = self.hessian.copy()
        expected = float(hessian[-1, -1]) * share
        own = np.diagonal(hessian)[:-1]
        missing = np.where(own < UNSEEN * expected, expected - own, 0.0)
        hessian[np.arange(len(own)), np.arange(len(own))] += missing
        return inverse_of(hessian)


def begin(objective: MixedObjective, sample: MixedEngine, request: Request) -> Start:
    """As `_solved`; where answers are kept, that of a run that was ended early."""
    engine, frame = objective.engine, objective.scaling
    assert isinstance(engine, MixedEngine)  # of such rows
    assert frame is not None  # they are solved in one
    kept = engine.checkpoint
    if kept is None or request.start is not None or sample is engine:
        return _solved(objective, sample, request)
    strength = np.asarray(objective.penalty.strength)
    question = [frame.centre, frame.scale, strength, np.array([float(sample.m)])]

    def solve() -> list[Floats]:
        found = _solved(objective, sample, request)
        return [found.theta] if found.hessian is None else [found.theta, found.hessian]

    return Start(*kept.answer(question, solve, "start"))


def _solved(objective: MixedObjective, sample: MixedEngine, request: Request) -> Start:
    """The optimum of the sample, or where the user wants to start."""
    if request.start is not None:
        return Start(objective.theta(*request.start))
    zero = np.zeros(sample.n + 1)
    if sample is objective.engine:
        return Start(zero)
    penalty = L2(objective.penalty.strength + RIDGE / sample.m)
    theta, hessian = zero, None
    for rows in (sample.some(np.arange(0, sample.m, FIRST_PART)), sample):
        part = replace(objective, engine=rows, penalty=penalty)
        hessian = part.evaluated(theta, 2).hessian
        solve = None if hessian is None else inverse_of(hessian)
        if solve is None:
            return Start(theta)  # the look at all rows says which column it is
        theta = _settled(part, theta, solve, request.callback)
    return Start(theta, hessian)


def _settled(
    objective: MixedObjective, theta: Floats, solve: Callable[[Floats], Floats], callback: Callable[[Step], Any] | None
) -> Floats:
    """The optimum of those rows, as well as they know it; whoever wants to hears of every step."""
    rows, steps = objective.engine, itertools.count(1)
    enough = SETTLED * rows.n / rows.m

    def settled(at: Iterate) -> bool:
        if isinstance(callback, Sampling):
            callback.sampled(rows.m, next(steps), at.point.cost)
        return bool(0.5 * float(at.point.gradient @ solve(at.point.gradient)) <= enough)

    descent = lbfgs(theta, solve, shorter=SHORTER[:STEPS_TRIED])
    return rehearse(descent, objective, StopRules(STEPS_ON_SAMPLE, enough=settled)).last.theta
