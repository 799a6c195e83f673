"""The proved optimum of rows of numbers and categories.

  1. the optimum of a sample of the rows, and its Hessian there (`mixed_start.py`);
  2. a read for the gradient there, and a step in that metric. It also looks at the columns: extents, and rows per level
     and class;
  3. a read for the Hessian, which serves to the end: steps, corrected as in L-BFGS, and the proof;
  4. reads for gradients, one or two.

A Hessian takes one addition for each pair of levels that meet in a row, some ten times a gradient. In the sample's
metric alone six or seven reads would be needed, because it knows rare levels badly, and with a Hessian each (Newton's
method) three: with one Hessian it is four, of which three cost little.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from steepest.data.arrays import LARGEST
from steepest.diagnosis import Note
from steepest.driver import Iterate, Run, StopRules, Watching, drive
from steepest.engines.deadline import within
from steepest.engines.mixed import MixedEngine
from steepest.errors import DataError
from steepest.kernels.mixed import Look
from steepest.optimum.first_look import Answered
from steepest.optimum.frame import frame_of, strengths
from steepest.optimum.mixed_judge import MixedJudge
from steepest.optimum.mixed_objective import KERNEL, MixedObjective, moments
from steepest.optimum.mixed_start import begin
from steepest.optimum.on_sample import singular
from steepest.optimum.outcome import Outcome, Request, joined, left_out
from steepest.optimum.regime import sample_of_codes
from steepest.penalties import L2
from steepest.proof.certificate import disproved
from steepest.proof.existence import Witness
from steepest.proof.level_relations import dependent_levels
from steepest.proof.level_separation import separated_levels
from steepest.proof.linear_relations import Dependence
from steepest.proof.mixed_apriori import MixedApriori
from steepest.sampling import lowest
from steepest.scaling import Moments, Scaling
from steepest.solvers.kept_newton import kept_newton, opening
from steepest.solvers.newton import newton
from steepest.types import Floats, Point, Solver, Status

__all__ = ["minimise"]


def minimise(engine: MixedEngine, request: Request) -> Outcome:
    """The optimum over the rows of `engine`, proved to `request.tol`, or the proof that there is none."""
    started = time.perf_counter()
    table = _Table.of(engine, request)
    start = begin(table.objective, table.sample, request)
    look, first = table.objective.first(start.theta, 2 if start.hessian is None else 1)
    _check(table, look, request)
    free = request.strengths(engine.n) == 0.0
    witness = separated_levels(engine, look.counts, free) if free.any() else None
    if witness is not None:
        return _separated(table, start.theta, first, witness, started)
    theta, point, metric = start.theta, first, start.metric(look, engine.X.layout)
    course = _Course(table, look, request, started)
    if metric is not None:
        theta, point = course.drive(opening(theta, metric), theta, point, 1)
    if course.goes_on:
        promised = float(first.gradient @ (start.theta - theta))
        point = point if point.hessian is not None else table.objective.evaluated(theta, 2)
        dropped = dependent_levels(engine, table.frame) if free.any() and singular(point.hessian) else ()
        if dropped:
            course = _Course(table.without(dropped, request), look, request, started, course.runs)
            theta = np.where(np.append(np.isfinite(course.table.frame.scale), True), theta, 0.0)
            point, promised = course.table.objective.evaluated(theta, 2), 0.0
        course.drive(kept_newton(theta, promised), theta, point, request.iterations)
    return course.outcome()


class _Course:
    """The runs over all rows, one after the other, and what is proved of where they come to."""

    def __init__(self, table: _Table, look: Look, request: Request, started: float, runs: Sequence[Run] = ()) -> None:
        self.table, self.request, self.started, self.runs = table, request, started, list(runs)
        self.judge = MixedJudge(table.engine, table.apriori(look), request.tol, table.objective.weights)

    @property
    def goes_on(self) -> bool:
        """Whether nothing has ended the fit yet."""
        made = sum(len(run.trace.cost) for run in self.runs)
        open_ended = not self.runs or self.runs[-1].status in (Status.ITERATIONS, Status.MINIMUM)
        return open_ended and (not self.runs or made < self.request.iterations)

    def drive(self, solver: Solver, theta: Floats, point: Point, steps: int) -> tuple[Floats, Point]:
        """Run from a theta whose point is known; where that led. A budget ends it in the middle of a read."""
        engine, request = self.table.engine, self.request
        made = sum(len(run.trace.cost) for run in self.runs)
        budget = request.left(time.perf_counter() - self.started)
        stop = StopRules(min(steps, request.iterations - made), tolerance=-1.0, gradient_tolerance=-1.0, budget=budget,
                         enough=self.judge.enough)  # fmt: skip
        watch = self.judge.watched(request.callback) if isinstance(request.callback, Watching) else None
        told = engine.on_rows
        if budget is not None:
            engine.on_rows = within(budget, told)
        try:
            oracle = Answered(self.table.objective, theta, point)
            self.runs.append(drive(solver, oracle, stop, request.callback, watch, self.runs))
        finally:
            engine.on_rows = told
        return self.runs[-1].last.theta, self.runs[-1].last.point

    def outcome(self) -> Outcome:
        """The last iterate in the user's units, with its certificate; where the run ended too early, with one more
        read for its Hessian if there is none yet, and one for the theorem that holds farther out.
        """
        table, judge, run = self.table, self.judge, self.runs[-1]
        last, status = run.last, run.status
        if status not in (Status.PROVED, Status.INTERRUPTED) and judge.witness is None:
            late = status is Status.BUDGET and judge.formed is not None
            last = last if late else _with_hessian(table, last)
            if status is Status.MINIMUM:
                last = judge.balanced(last, lambda theta: table.objective.evaluated(theta, 2))
            judge.examine(last)
            if not (late and math.isfinite(judge.certificate.gap)):
                judge.examine_farther(last)
        w, b = table.objective.weights(last.theta)
        return Outcome(
            w, b, last.point.cost, last.point.value, judge.about(last.theta), judge.ending(status),
            joined(each.trace for each in self.runs), table.engine.passes, time.perf_counter() - self.started,
            table.notes,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Table:
    """Rows in their frame: the objective over all of them, and over the sample."""

    engine: MixedEngine
    sample: MixedEngine
    frame: Scaling
    strength: Floats
    objective: MixedObjective
    notes: tuple[Note, ...] = ()

    @classmethod
    def of(cls, engine: MixedEngine, request: Request) -> _Table:
        """Draw the sample, choose the frame from it, translate the penalty."""
        size = sample_of_codes(engine.m, engine.n)
        rows: Any = lowest(engine, size) if size else engine
        frame = _frame(rows)
        deviation = None
        if request.standardize:
            whole: Moments = engine.sum(moments)
            deviation = np.sqrt(whole.square / whole.weight)
        strength = strengths(request.strengths(engine.n), frame, deviation)
        return cls(engine, rows, frame, strength, MixedObjective(engine, KERNEL, L2(strength), frame))

    def without(self, dropped: tuple[Dependence, ...], request: Request) -> _Table:
        """Left out: columns of an infinite scale, as in every other regime."""
        scale, strength = self.frame.scale.copy(), self.strength.copy()
        for found in dropped:
            scale[found.column], strength[found.column] = math.inf, 1.0
        frame = Scaling(self.frame.centre, scale)
        objective = replace(self.objective, penalty=L2(strength), scaling=frame)
        return replace(
            self, frame=frame, strength=strength, objective=objective, notes=left_out(dropped, request.names)
        )

    def apriori(self, look: Look) -> MixedApriori:
        """What bounds rounding before any sum is formed."""
        engine, layout, frame = self.engine, self.engine.X.layout, self.frame
        numbers = layout.numbers
        far = np.maximum(np.abs(look.low - frame.centre[numbers]), np.abs(look.high - frame.centre[numbers]))
        extent = np.ones(engine.n)
        extent[numbers] = far * (1.0 + 2.0**-40)
        extent = extent / frame.scale
        length = math.sqrt(look.longest + 1.0) * (1.0 + 2.0**-20)
        tree = 2 * int(engine.m / engine.rows + 2).bit_length()
        depth = layout.piece + engine.rows // layout.piece + 1 + tree
        return MixedApriori(
            frame, extent, length, self.strength, engine.total_weight, depth, None, engine.farthest,
            engine.lightest, layout, look.counts[3], engine.rows + tree,
        )  # fmt: skip


def _frame(rows: MixedEngine) -> Scaling:
    """Of numbers as in the dense regime; levels stay as they are."""
    seen: Moments = rows.sum(moments)
    numbers = rows.X.layout.numbers
    of_numbers = frame_of(Moments(seen.weight, seen.mean[numbers], seen.square[numbers]), ())
    centre, scale = np.zeros(rows.n), np.ones(rows.n)
    centre[numbers], scale[numbers] = of_numbers.centre, of_numbers.scale
    return Scaling(centre, scale)


def _check(table: _Table, look: Look, request: Request) -> None:
    """DataError for numbers that cannot be squared or are none, by the name of their column."""
    numbers = table.engine.X.layout.numbers
    bad = ~((look.low >= -LARGEST) & (look.high <= LARGEST))
    if bad.any() or math.isnan(look.longest):
        named = ", ".join(request.names[j] for j in numbers[bad][:5].tolist()) or "a column"
        raise DataError(
            f"{named} holds NaN, or numbers beyond {LARGEST:.0e}, which cannot be squared: drop such rows, fill them "
            "in, or divide the column by a power of ten"
        )


def _with_hessian(table: _Table, last: Iterate) -> Iterate:
    return last if last.point.hessian is not None else replace(last, point=table.objective.evaluated(last.theta, 2))


def _separated(table: _Table, theta: Floats, point: Point, witness: Witness, started: float) -> Outcome:
    """The outcome of rows whose levels are separated: found before a step was made."""
    oracle = Answered(table.objective, theta, point)
    run = drive(newton(theta), oracle, StopRules(0))
    w, b = table.objective.weights(theta)
    return Outcome(
        w, b, point.cost, point.value, disproved(witness), Status.SEPARATED, run.trace, table.engine.passes,
        time.perf_counter() - started,
    )  # fmt: skip
