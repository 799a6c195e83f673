"""The proved optimum of rows of numbers and categories.

  1. the optimum of a sample of the rows: L-BFGS in the metric of some of their Hessian;
  2. from there Newton's method over all rows: a read brings value, gradient and Hessian, and the last one's Hessian is
     the metric of the proof. The first read also looks at the columns: extents, and rows per level and class.

A Hessian takes one addition for each pair of levels that meet in a row, some ten times a gradient, and a step of
Newton's squares what is left: two or three steps from the optimum of the sample, against five or six of L-BFGS in the
sample's metric, which knows rare levels badly. So the rows, which may lie in files, are read three or four times.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from steepest.data.arrays import LARGEST
from steepest.diagnosis import Note
from steepest.driver import Iterate, Run, StopRules, Watching, drive, rehearse
from steepest.engines.mixed import MixedEngine
from steepest.errors import DataError
from steepest.kernels.mixed import Look
from steepest.lapack import cholesky, solved
from steepest.optimum.first_look import Answered
from steepest.optimum.frame import frame_of, strengths
from steepest.optimum.judge import Judge
from steepest.optimum.mixed_objective import KERNEL, MixedObjective, moments
from steepest.optimum.on_sample import singular
from steepest.optimum.outcome import Outcome, Request, left_out
from steepest.optimum.regime import sample_of_codes
from steepest.penalties import L2
from steepest.proof.certificate import disproved
from steepest.proof.existence import Witness
from steepest.proof.level_relations import dependent_levels
from steepest.proof.level_separation import separated_levels
from steepest.proof.linear_relations import Dependence
from steepest.proof.mixed_apriori import MixedApriori
from steepest.proof.mixed_reach import farther
from steepest.sampling import lowest
from steepest.scaling import Moments, Scaling
from steepest.solvers.lbfgs import lbfgs
from steepest.solvers.newton import SHORTER, newton
from steepest.types import Evaluate, Floats, Point, Status

__all__ = ["minimise"]

FOR_A_START = 8  # rows per column that give a metric on the sample
STEPS_ON_SAMPLE = 60
STEPS_TRIED = 8  # halvings looked at together, where a unit step raises J on the sample
SETTLED = 0.02  # of the sample's own uncertainty: its optimum need not be known better
RIDGE = 0.1  # rows' worth of penalty on the sample: levels that it does not have stay where they are


def minimise(engine: MixedEngine, request: Request) -> Outcome:
    """The optimum over the rows of `engine`, proved to `request.tol`, or the proof that there is none."""
    started = time.perf_counter()
    table = _Table.of(engine, request)
    theta = _kept_start(table, request)
    asked = time.perf_counter()
    look, point = table.objective.first(theta)
    read = time.perf_counter() - asked  # a step takes as long: none is begun that would not end within the budget
    _check(table, look, request)
    free = request.strengths(engine.n) == 0.0
    witness = separated_levels(engine, look.counts, free) if free.any() else None
    if witness is not None:
        return _separated(table, theta, point, witness, started)
    if free.any() and singular(point.hessian):
        dropped = dependent_levels(engine, table.frame)
        if dropped:
            table = table.without(dropped, request)
            theta = np.where(np.append(np.isfinite(table.frame.scale), True), theta, 0.0)
            _, point = table.objective.first(theta)
    judge = _Judge(table, table.apriori(look), request.tol)
    budget = request.left(time.perf_counter() - started + read)
    stop = StopRules(request.iterations, tolerance=-1.0, gradient_tolerance=-1.0, budget=budget, enough=judge.enough)
    watch = judge.watched(request.callback) if isinstance(request.callback, Watching) else None
    run = drive(newton(theta), Answered(table.objective, theta, point), stop, request.callback, watch)
    if run.status not in (Status.PROVED, Status.INTERRUPTED) and judge.witness is None:
        here = _with_hessian(table, run.last)
        if run.status is Status.MINIMUM:
            here = judge.balanced(here, lambda theta: _point(table.objective, theta, 2))
        run = replace(run, last=here)
        _examine(table, judge, here)
    return _outcome(table, judge, run, started)


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


class _Judge(Judge):
    """Looks for a separating plane on the rows written out, a block at a time: only where there may well be one."""

    def __init__(self, table: _Table, apriori: MixedApriori, tol: float) -> None:
        super().__init__(table.engine, apriori, tol, table.objective.weights)
        self.table, self.bounds = table, apriori

    def watched(self, callback: Watching) -> Callable[[Iterate], None]:
        """Tells what is proved of each iterate; nothing that the run goes by is touched."""

        def tell(iterate: Iterate) -> None:
            known = self._known(iterate)
            metric = None if known is None else self.bounds.metric(known.hessian, known.doubt)
            found = None if metric is None else self.bounds.certificate(iterate.theta, iterate.point, metric)
            callback.proved(math.inf if found is None else found.gap)

        return tell

    def _search(self, iterate: Iterate) -> Witness | None:
        given, self.engine = self.engine, self.table.engine.densely()
        try:
            return super()._search(iterate)
        finally:
            self.engine = given


def _examine(table: _Table, judge: _Judge, last: Iterate) -> None:
    """What is proved where the run ended too early: a pass for the theorem that holds farther out."""
    judge.examine(last)
    hessian = last.point.hessian
    if judge.certificate.gap <= judge.tol or hessian is None:
        return
    total = (hessian - np.diag(np.append(table.strength, 0.0))) * judge.bounds.weight
    metric = judge.bounds.metric(total, judge.bounds.doubt(last.theta))
    if metric is not None:
        found = farther(table.engine, judge.bounds, last.theta, last.point, metric)
        judge.take(replace(found, exists="proved") if judge.coercive else found, last.theta)


def _kept_start(table: _Table, request: Request) -> Floats:
    """As `_start`; where answers are kept, that of a run that was ended early."""
    kept, frame = table.engine.checkpoint, table.frame
    if kept is None or request.start is not None or table.sample is table.engine:
        return _start(table, request)
    question = [frame.centre, frame.scale, table.strength, np.array([float(table.sample.m)])]
    found: Floats = kept.answer(question, lambda: [_start(table, request)], "start")[0]
    return found


def _start(table: _Table, request: Request) -> Floats:
    """The optimum of the sample, or where the user wants to start."""
    if request.start is not None:
        return table.objective.theta(*request.start)
    zero = np.zeros(table.engine.n + 1)
    if table.sample is table.engine:
        return zero
    rows = table.sample
    penalised = replace(table.objective, engine=rows, penalty=L2(table.strength + RIDGE / rows.m))
    step = max(1, rows.m // (FOR_A_START * table.engine.n))
    few = replace(penalised, engine=rows.some(np.arange(0, rows.m, step)))
    first = _point(few, zero, 2).hessian
    assert first is not None  # it was asked for
    if not np.isfinite(first).all():
        return zero  # the look at all rows says which column it is
    factor = cholesky(first)
    if factor is None:
        return zero
    enough = SETTLED * table.engine.n / rows.m

    def metric(v: Floats) -> Floats:
        return solved(factor, v)

    def settled(at: Iterate) -> bool:
        return bool(0.5 * float(at.point.gradient @ metric(at.point.gradient)) <= enough)

    descent = lbfgs(zero, metric, shorter=SHORTER[:STEPS_TRIED])
    return rehearse(descent, penalised, StopRules(STEPS_ON_SAMPLE, enough=settled)).last.theta


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


def _point(objective: MixedObjective, theta: Floats, order: int) -> Point:
    point = objective.answer(Evaluate(theta, order))
    assert isinstance(point, Point)  # what Evaluate is answered with
    return point


def _with_hessian(table: _Table, last: Iterate) -> Iterate:
    return last if last.point.hessian is not None else replace(last, point=_point(table.objective, last.theta, 2))


def _separated(table: _Table, theta: Floats, point: Point, witness: Witness, started: float) -> Outcome:
    """The outcome of rows whose levels are separated: found before a step was made."""
    oracle = Answered(table.objective, theta, point)
    run = drive(newton(theta), oracle, StopRules(0))
    w, b = table.objective.weights(theta)
    return Outcome(
        w, b, point.cost, point.value, disproved(witness), Status.SEPARATED, run.trace, table.engine.passes,
        time.perf_counter() - started,
    )  # fmt: skip


def _outcome(table: _Table, judge: Judge, run: Run, started: float) -> Outcome:
    """The last iterate in the user's units, with its certificate."""
    status = run.status
    if judge.witness is not None:
        status = Status.SEPARATED
    elif status is Status.MINIMUM and judge.certificate.gap <= judge.tol:
        status = Status.PROVED
    w, b = table.objective.weights(run.last.theta)
    return Outcome(
        w, b, run.last.point.cost, run.last.point.value, judge.about(run.last.theta), status, run.trace,
        table.engine.passes, time.perf_counter() - started, table.notes,
    )  # fmt: skip
