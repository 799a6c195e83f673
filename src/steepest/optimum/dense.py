"""The proved optimum of a dense table.

Tall tables (many more rows than a sample needs):
  1. solve the problem on a sample of the rows (`sampling.py`), which costs next to nothing;
  2. from there, L-BFGS over all rows in the metric of the sample's Hessian: one pass per step, unit steps;
  3. stop when the certificate, built from the last gradient and the sample's own Hessian M <= H, proves the gap.
Other tables, and whatever resists: Newton's method over all rows, with the whole Hessian as M.

Columns that say the same as earlier ones are found when a Hessian is singular; they are left out, by name.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from steepest.data.arrays import check_size
from steepest.diagnosis import Note
from steepest.driver import Iterate, Run, StopRules, drive
from steepest.engines import MemoryEngine
from steepest.kernels import suited
from steepest.objective import Objective
from steepest.optimum.first_look import Answered, look_first, survey
from steepest.optimum.frame import frame_of, strengths
from steepest.optimum.judge import Judge, Known
from steepest.optimum.on_sample import FOR_A_START, Prepared, left_of, on_sample, singular
from steepest.optimum.outcome import Outcome, Request, joined, left_out
from steepest.optimum.regime import sample_size
from steepest.penalties import L2
from steepest.proof.apriori import Apriori
from steepest.proof.certificate import certify
from steepest.proof.linear_relations import Dependence, dependent_columns, folded
from steepest.proof.problem import Problem
from steepest.proof.rounding import SLACK
from steepest.sampling import Sample, draw
from steepest.scaling import Moments, Scaling, moments_of
from steepest.solvers.lbfgs import lbfgs
from steepest.solvers.newton import newton
from steepest.types import Floats, Solver, Status

__all__ = ["minimise"]

MOST_MEASURED = 2000  # columns for which rounding is measured where bounding it beforehand does not suffice
FEW = 4_000_000  # operations that exact leverages of all rows may cost
SAMPLED_STEPS = 12  # over all rows in the sample's metric, before Newton's method takes over


def minimise(engine: MemoryEngine, request: Request) -> Outcome:
    """The optimum over the rows of `engine`, proved to `request.tol`, or the proof that there is none."""
    started = time.perf_counter()
    first, runs = _Table.of(engine, request, ()), list[Run]()
    outcome = _solve(first, request, started, runs)
    if outcome is None:
        problem = Problem(engine, np.zeros(engine.n), replace(first.frame, centre=first.moments.mean))
        dropped = dependent_columns(problem)
        if runs:  # where the first attempt has come to
            request = replace(request, start=folded(*first.objective.weights(runs[-1].last.theta), dropped))
        outcome = _solve(_Table.of(engine, request, dropped), request, started, runs, final=True)
    assert outcome is not None  # the final attempt always ends
    return outcome


@dataclass(frozen=True, slots=True)
class _Table:
    """A table in its frame, and the objective over all rows."""

    engine: MemoryEngine
    sample: Sample | None
    moments: Moments
    frame: Scaling
    strength: Floats
    objective: Objective
    notes: tuple[Note, ...]

    @classmethod
    def of(cls, engine: MemoryEngine, request: Request, dropped: tuple[Dependence, ...]) -> _Table:
        """Draw the sample, choose the frame, translate the penalty."""
        size = sample_size(engine.m, engine.n)
        sample = draw(engine, size) if size else None
        whole = sample is None or request.standardize
        seen = engine if whole or sample is None else sample.thinned(FOR_A_START * engine.n)
        moments = seen.sum(moments_of)
        frame = frame_of(moments, dropped)
        deviation = np.sqrt(moments.square / moments.weight) if request.standardize else None
        kernel = suited(engine.m, engine.n)
        if sample is not None and not survey(sample.weighted, frame, kernel).sound:
            check_size(engine.X)  # before anything is made of it
        strength = strengths(request.strengths(engine.n), frame, deviation)
        objective = Objective(engine, kernel, L2(strength), frame)
        return cls(engine, sample, moments, frame, strength, objective, left_out(dropped, request.names))

    def look(self, theta: Floats, order: int) -> _Seen:
        """The first pass over all rows: the point at theta, and how far rows and columns reach; DataError if a value is
        not finite or too large.
        """
        engine, frame = self.engine, self.frame
        point, found = look_first(engine, self.objective, theta, order)
        if not found.sound:
            check_size(engine.X)
        depth = engine.most_rows + 2 * int(engine.m / engine.rows + 2).bit_length()
        few = frame.rows(engine.X[:]) if engine.X.size * engine.n <= FEW else None
        apriori = Apriori(
            frame, found.extent(frame), found.length, self.strength, engine.total_weight, depth, few, engine.farthest,
            engine.lightest,
        )  # fmt: skip
        return _Seen(self, apriori, Answered(self.objective, theta, point))


@dataclass(frozen=True, slots=True)
class _Seen:
    """A table of which every value has been looked at once."""

    table: _Table
    apriori: Apriori
    oracle: Answered


def _solve(table: _Table, request: Request, started: float, runs: list[Run], final: bool = False) -> Outcome | None:
    """One attempt, after `runs`; None if columns seem to depend on each other and nobody has looked for them yet."""
    may_depend = not final and request.l2 == 0.0
    theta, seen = _start(table, request), None
    if table.sample is not None and not runs:
        prepared = on_sample(table.objective, table.strength, table.sample, theta)
        if prepared is None and may_depend:
            return None
        if prepared is not None:
            seen = table.look(prepared.theta, 1)
            judge = _sampled_judge(seen, table.sample, request, prepared)
            descent = lbfgs(prepared.theta, prepared.solve)
            runs.append(_drive(descent, seen, request, judge, started, SAMPLED_STEPS))
            if runs[-1].status not in (Status.ITERATIONS, Status.MINIMUM):
                if runs[-1].status in (Status.BUDGET, Status.CALLBACK):  # what is proved so far?
                    _measure(table, judge, runs[-1].last, table.sample.plain)
                return _outcome(table, judge, runs, started)
            theta = runs[-1].last.theta
    seen = seen or table.look(theta, 2)
    judge = Judge(table.engine, seen.apriori, request.tol, table.objective.weights)
    runs.append(_drive(newton(theta), seen, request, judge, started, request.iterations, runs))
    if runs[-1].status not in (Status.PROVED, Status.INTERRUPTED):
        here = _with_hessian(table, runs[-1].last)
        if may_depend and singular(here.point.hessian):
            return None
        if runs[-1].status is Status.MINIMUM:
            here = judge.balanced(here, lambda theta: table.objective.evaluated(theta, 2))
            runs[-1] = replace(runs[-1], last=here)
        judge.examine(here)
        if judge.certificate.gap > request.tol:
            _measure(table, judge, here)
    return _outcome(table, judge, runs, started)


def _start(table: _Table, request: Request) -> Floats:
    w, b = (np.zeros(table.engine.n), 0.0) if request.start is None else request.start
    return table.objective.theta(w, b)


def _sampled_judge(seen: _Seen, sample: Sample, request: Request, known: Prepared) -> Judge:
    """Judges by the Hessian of the sample's rows at their optimum, with no more weight than they have in the table.

    Between two points each row's curvature falls by a factor of its own, the Hessian by no more than the least of them.
    """
    total = known.hessian * (sample.weighted.total_weight / sample.share)
    table, apriori = seen.table, seen.apriori
    there = apriori.doubt(known.theta)

    def hessian(theta: Floats) -> Known:
        ratio = left_of(table.objective, sample, theta, known.curvature)
        doubt = max(there, apriori.doubt(theta))
        left = min(1.0, ratio) * math.exp(-2.0 * min(doubt, 1.0)) / SLACK
        return Known(total * left, doubt, left)

    return Judge(table.engine, apriori, request.tol, table.objective.weights, hessian=hessian,
                 solve=known.solve, share=1.0 / sample.share)  # fmt: skip


def _drive(
    solver: Solver, seen: _Seen, request: Request, judge: Judge, started: float, steps: int, before: Sequence[Run] = ()
) -> Run:
    """Run over all rows until the judge has a verdict, the steps are made, or the budget ends."""
    budget = request.left(time.perf_counter() - started)
    stop = StopRules(min(steps, request.iterations), tolerance=-1.0, gradient_tolerance=-1.0, budget=budget,
                     enough=judge.enough)  # fmt: skip
    return drive(solver, seen.oracle, stop, request.callback, before=before)


def _measure(table: _Table, judge: Judge, last: Iterate, subset: MemoryEngine | None = None) -> None:
    """The certificate by two passes of its own: it holds farther from the optimum (C1), and rounding is measured on the
    rows instead of bounded beforehand, which matters where J is next to 0.
    """
    if not np.isfinite(table.frame.scale).all() or table.engine.n > MOST_MEASURED:
        return
    w, b = table.objective.weights(last.theta)
    scale = table.frame.scale
    problem = Problem(table.engine, table.strength * scale * scale, table.frame)
    proof = certify(problem, w, b, subset=subset, exact=subset is None)
    if proof.certificate.gap < judge.certificate.gap:
        judge.take(proof.certificate, last.theta)


def _with_hessian(table: _Table, last: Iterate) -> Iterate:
    if last.point.hessian is not None:
        return last
    return replace(last, point=table.objective.evaluated(last.theta, 2))


def _outcome(table: _Table, judge: Judge, runs: list[Run], started: float) -> Outcome:
    """The last iterate in the user's units, with its certificate and the steps of all stages."""
    last, status = runs[-1].last, judge.ending(runs[-1].status)
    w, b = table.objective.weights(last.theta)
    return Outcome(
        w, b, last.point.cost, last.point.value, judge.about(last.theta), status, joined(run.trace for run in runs),
        table.engine.passes, time.perf_counter() - started, table.notes,
    )  # fmt: skip
