"""The proved optimum of a sparse table.

Every weight penalised: L-BFGS over all rows until the certificate of `sparse_proof.py` holds, which needs no matrix.
  few columns    from the optimum of a sample of the rows, in the metric of the sample's Hessian; where that resists,
                 in the metric of the whole Hessian, formed again every few steps
  many columns   in the metric of the Hessian's diagonal in a frame whose centre is the D-weighted mean, rescaled to the
                 last pair; the diagonal is formed again every few steps for as long as the value falls
No penalty: with few columns Newton's method and the dense machinery on one block at a time; with many, descent as
above, of which nothing is proved.

Centring is algebra: b~ = b + c'w makes the gradient g_w - c g_b and the diagonal D x² - S c², and no row changes.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from steepest.data.arrays import check_size
from steepest.driver import Iterate, Run, StopRules, drive
from steepest.engines import MemoryEngine
from steepest.engines.sparse import SparseEngine
from steepest.kernels import Kernel, sparse, suited
from steepest.objective import Objective
from steepest.optimum import dense
from steepest.optimum.bent import bends_at, is_bent, known_point, prove_bent
from steepest.optimum.dual_start import dual_start
from steepest.optimum.first_look import Answered
from steepest.optimum.outcome import Outcome, Request, after, following, joined
from steepest.optimum.regime import FEW_COLUMNS
from steepest.optimum.sparse_metric import Diagonal, Metric, Renewal, inverse, on_sample
from steepest.optimum.sparse_proof import longest_row, prove
from steepest.optimum.sparse_rows import densely
from steepest.optimum.sparse_scaling import penalties
from steepest.optimum.sparse_separation import separates
from steepest.penalties import L2
from steepest.proof.certificate import Certificate, disproved
from steepest.solvers.lbfgs import lbfgs
from steepest.types import Evaluate, Floats, Point, Status

__all__ = ["KERNEL", "minimise"]

KERNEL = Kernel("sparse", sparse.sums, sparse.hessian_times, sparse.along)
MEMORY = 6  # pairs: on text at C = 100, 6, 12 and 30 all took 48 passes to 1e-9; each is 8 n bytes
SHORTER = (0.5, 0.25, 0.0625, 2.0**-8, 2.0**-16, 2.0**-30)
IN_ITS_METRIC, IN_ONE_METRIC = 16, 12  # steps in the metric of the sample, and of all rows
SURE = 0.8  # of the gap asked for: the estimate leaves out rounding and what the centre moved


def minimise(engine: SparseEngine | MemoryEngine, request: Request) -> Outcome:
    """The optimum over the rows of `engine`, proved to `request.tol` where every weight has a penalty.

    Dense rows may come here too, if they have more than FEW_COLUMNS columns: nothing below asks how they are stored.

    F(w, b) = J(w, b) + ½ l2 |w|², or with `standardize` ½ l2 sum of (deviation_j w_j)².

    >>> import scipy.sparse as sp
    >>> engine = SparseEngine(sp.csr_array([[0.0], [1.0], [1.0], [2.0]]), np.array([0, 0, 1, 1]))
    >>> found = minimise(engine, Request(1e-9, 0.5, ("x1",)))
    >>> found.status.key, found.certificate.gap <= 1e-9
    ('proved', True)
    """
    if isinstance(engine, MemoryEngine) and not is_bent(engine):
        check_size(engine.X)  # where compiled passes look at the rows, they say whether that is needed
    with engine.quiet_blas(), np.errstate(over="ignore", under="ignore", invalid="ignore"):
        few = engine if engine.n <= FEW_COLUMNS and isinstance(engine, SparseEngine) else None
        if few and request.l2 == 0.0:
            return dense.minimise(densely(few), request)
        table = _Table.of(engine, request)
        judge = _Judge(table, request.tol)
        outcome = _outcome(table, judge, _few(table, judge) if few else _many(table, judge))
        resists = outcome.status in (Status.ITERATIONS, Status.MINIMUM)
        if few and resists and len(outcome.trace.cost) < request.iterations:
            return _by_hessian(few, request, outcome)
        return outcome


@dataclass(frozen=True, slots=True)
class _Table:
    engine: SparseEngine | MemoryEngine
    request: Request
    objective: Objective
    oracle: Objective | Answered
    strength: Floats
    started: float
    passes: int

    @classmethod
    def of(cls, engine: SparseEngine | MemoryEngine, request: Request) -> _Table:
        """The objective; `strength` (n,) is the penalty of each weight."""
        started, passes = time.perf_counter(), engine.passes
        strength = penalties(engine, request.strengths(engine.n), request.standardize)
        kernel = KERNEL if isinstance(engine, SparseEngine) else suited(engine.m, engine.n)
        objective = Objective(engine, kernel, L2(strength))
        return cls(engine, request, objective, objective, strength, started, passes)

    def start(self) -> Floats:
        """Where the request says, or where dual ascent comes to, or w = 0 with the best intercept there."""
        if self.request.start is not None:
            return self.objective.theta(*self.request.start)
        engine = self.engine
        ascended = dual_start(engine, self.strength) if isinstance(engine, MemoryEngine) else None
        if ascended is not None:
            return self.objective.theta(*ascended)
        positive = engine.sum(lambda block: float(block.y.sum() if block.weight is None else block.y @ block.weight))
        share = min(max(positive / engine.total_weight, 1e-12), 1.0 - 1e-12)
        return self.objective.theta(np.zeros(engine.n), math.log(share / (1.0 - share)))

    def drive(self, judge: _Judge, theta: Floats, metric: Metric, steps: int, runs: list[Run]) -> Run:
        """At most `steps` of L-BFGS over all rows."""
        made = sum(len(run.trace.cost) for run in runs)
        budget = self.request.left(time.perf_counter() - self.started)
        allowed = min(steps, max(0, self.request.iterations - made))
        stop = StopRules(allowed, tolerance=-1.0, gradient_tolerance=-1.0, budget=budget, enough=judge.enough)
        few = self.engine.n <= FEW_COLUMNS
        # Columns overlap, the diagonal is off by a factor: 2,000 x 10,000 dense 72 steps, rescaled 39; text 50 and 40
        solver = (
            lbfgs(theta, metric, MEMORY)
            if few or judge.metric is None
            else lbfgs(theta, metric, MEMORY, SHORTER, unit=judge.metric.unit)
        )
        return drive(solver, self.oracle, stop, self.request.callback, judge.see, runs)


class _Judge:
    """Says when to look for a proof, and keeps the last one; the estimate ½ |g_w - c g_b|²/l2 + … costs nothing."""

    def __init__(self, table: _Table, tol: float) -> None:
        self.table, self.tol, self.ask_at = table, tol, SURE * tol
        self.certificate: Certificate | None = None
        self.at: Floats | None = None
        self.longest: float | None = None
        self.metric: Diagonal | None = None
        self.see: Callable[[Iterate], None] | None = None

    def enough(self, iterate: Iterate) -> bool:
        """Whether the iterate is proved to be good enough; a proof is looked for where one is likely."""
        if self.table.request.l2 == 0.0:
            return iterate.point.errors == 0 and self.examine(iterate.theta).exists == "disproved"
        estimate = self._estimate(iterate.point.gradient)
        if not estimate <= self.ask_at * iterate.point.value:
            return False
        self.examine(iterate.theta)
        assert self.certificate is not None
        if self.certificate.gap <= self.tol:
            return True
        self.ask_at = 0.25 * estimate / iterate.point.value
        return False

    def _estimate(self, gradient: Floats) -> float:
        """½ lambda² of `sparse_proof.py`, with the centre of the metric."""
        inner, edge = gradient[:-1], 0.0
        if self.metric is not None:
            inner, edge = inner - gradient[-1] * self.metric.centre, float(gradient[-1] ** 2) / self.metric.edge
        return 0.5 * (float(inner @ (inner / self.table.strength)) + edge)

    def examine(self, theta: Floats) -> Certificate:
        """The certificate at theta."""
        if self.certificate is None or self.at is None or not np.array_equal(self.at, theta):
            table = self.table
            w, b = table.objective.weights(theta)
            self.at = theta
            if table.request.l2 == 0.0:
                assert isinstance(table.engine, SparseEngine)  # dense rows come here with a penalty only
                found = separates(table.engine, w, b)
                nothing = Certificate(math.inf, 1.0, math.inf, "unknown")
                self.certificate = nothing if found is None else disproved(found)
                return self.certificate
            if is_bent(table.engine):
                bends = bends_at(table.engine, table.strength, w, b)
                self.certificate = prove_bent(bends, table.strength, w, b, table.engine.lightest)
                return self.certificate
            if self.longest is None:
                self.longest = longest_row(table.engine, table.strength)
            self.certificate = prove(table.engine, table.strength, w, b, self.longest)
        return self.certificate


def _many(table: _Table, judge: _Judge) -> list[Run]:
    """L-BFGS in the metric of the diagonal, formed at the start and again for as long as the value falls."""
    theta = table.start()
    renewal = Renewal()
    judge.metric, table = _diagonal(table, theta)

    def metric(v: Floats) -> Floats:
        assert judge.metric is not None
        return judge.metric(v)

    def see(iterate: Iterate) -> None:
        if renewal.due(iterate.point.value):
            judge.metric, _ = _diagonal(table, iterate.theta)

    judge.see = see
    return [table.drive(judge, theta, metric, table.request.iterations, [])]


def _diagonal(table: _Table, theta: Floats) -> tuple[Diagonal, _Table]:
    """The metric at theta; where the pass for it says what the value there is, the table knows that afterwards."""
    if not is_bent(table.engine):
        return Diagonal.at(table.engine, table.strength, theta), table
    found = bends_at(table.engine, table.strength, *table.objective.weights(theta))
    made = Diagonal.of(found.square, found.first, found.edge, table.strength, table.engine.total_weight)
    return made, replace(table, oracle=known_point(table.objective, theta, found))


def _few(table: _Table, judge: _Judge) -> list[Run]:
    """L-BFGS in the metric of a sample's Hessian, then of the whole one, formed again every few steps."""
    assert isinstance(table.engine, SparseEngine)  # dense rows of few columns have their own regime
    theta = table.start()
    runs: list[Run] = []
    prepared = on_sample(table.engine, table.objective, table.strength, theta)
    if prepared is not None:
        theta, metric, judge.metric = prepared
        runs.append(table.drive(judge, theta, metric, IN_ITS_METRIC, runs))
    while not runs or (runs[-1].status in (Status.ITERATIONS, Status.MINIMUM) and _lowered(runs, table.request)):
        theta = runs[-1].last.theta if runs else theta
        point = table.objective.answer(Evaluate(theta, 2))
        assert isinstance(point, Point)
        made = inverse(point.hessian)
        runs.append(table.drive(judge, theta, made, IN_ONE_METRIC, runs))
    return runs


def _lowered(runs: list[Run], request: Request) -> bool:
    """Whether going on makes sense: updates are left, and the last metric still lowered the value."""
    last = runs[-1]
    if sum(len(run.trace.cost) for run in runs) >= request.iterations:
        return False
    return len(runs) == 1 or (len(last.trace.value) > 1 and last.last.point.value < last.trace.value[0])


def _outcome(table: _Table, judge: _Judge, runs: list[Run]) -> Outcome:
    last = runs[-1]
    certificate = judge.examine(last.last.theta)
    status = Status.PROVED if certificate.gap <= table.request.tol else last.status
    if certificate.exists == "disproved":
        status = Status.SEPARATED
    w, b = table.objective.weights(last.last.theta)
    point = last.last.point
    return Outcome(
        w, b, point.cost, point.value, certificate, status, joined(run.trace for run in runs),
        table.engine.passes - table.passes, time.perf_counter() - table.started,
    )  # fmt: skip


def _by_hessian(engine: SparseEngine, request: Request, so_far: Outcome) -> Outcome:
    """Few columns and a penalty next to nothing: its diagonal proves too little, the whole Hessian does more."""
    more = dense.minimise(densely(engine), replace(following(request, so_far), start=(so_far.w, so_far.b)))
    both = after(so_far, more)
    if more.certificate.gap < so_far.certificate.gap:
        return both
    return replace(so_far, trace=both.trace, passes=both.passes, seconds=both.seconds)
