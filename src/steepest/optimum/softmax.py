"""K >= 3 classes on dense rows: J(W, b) + ½ l2 |W|², the classes of every feature and the intercepts adding up to 0.

Few coefficients: Newton's method in K - 1 coordinates, proved by C2 and D1. Many: L-BFGS with one block per class as
its metric, taken from a part of the rows and renewed on the way, proved by D1 alone, which needs no matrix, and then by
C2 over the diagonal for the distance. Without a penalty a row of every class on its own side at once is complete
separation: the iterate is the witness.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np

from steepest.diagnosis import Note
from steepest.driver import Iterate, Run, StopRules, drive, rehearse
from steepest.engines import MemoryEngine
from steepest.errors import DataError
from steepest.objective import Engine
from steepest.optimum.outcome import Outcome, Request, after, following, joined
from steepest.optimum.regime import FEW_COEFFICIENTS
from steepest.optimum.sparse_proof import longest_row
from steepest.optimum.sparse_softmax_proof import prove_classes
from steepest.proof.certificate import Certificate, disproved
from steepest.proof.class_separation import separation
from steepest.proof.linear_relations import dependent_columns, folded
from steepest.proof.problem import Problem
from steepest.proof.softmax_certificate import certify_classes
from steepest.scaling import Scaling, moments_of
from steepest.softmax_metric import draw_rows, first_metric, metric_of_classes
from steepest.softmax_objective import SoftmaxObjective
from steepest.solvers.lbfgs import lbfgs
from steepest.solvers.newton import newton
from steepest.types import Block, Floats, Solver, Status

__all__ = ["MATRIX", "class_weights", "minimise"]

MATRIX = 1200  # up to which a last proof may form the Hessian
STAGES = (10, 12, 16)  # steps between renewals of the metric
ENOUGH_OF_PART = 1e-3  # relative gap at which a part of the rows has said what it can
PER_COEFFICIENT = 10  # rows that a part needs to be solved by itself; with fewer it is fitted too well, and misleads
SHORTER = (0.5, 0.25, 0.125, 0.03125, 2.0**-8, 2.0**-14, 2.0**-24)  # every one costs m K exponentials
ENDED = (Status.MINIMUM, Status.UNCHANGED, Status.ITERATIONS)
FAR = 16.0  # deviations from 0 beyond which columns are centred, block by block


def minimise(engine: MemoryEngine, classes_count: int, request: Request) -> Outcome:
    """The proved optimum over the rows of `engine`, whose y are the classes 0 … K-1; w (n, K), b (K,).

    Raises DataError if a class has no row of positive weight: its intercept would run away.

    >>> rng = np.random.default_rng(0)
    >>> rows = MemoryEngine(rng.standard_normal((60, 2)), np.arange(60) % 3)
    >>> found = minimise(rows, 3, Request(1e-9, 0.1, ("x1", "x2")))
    >>> found.status.name, found.certificate.exists, found.certificate.gap < 1e-9, found.w.shape
    ('PROVED', 'proved', True, (2, 3))
    """
    with engine.quiet_blas(), np.errstate(over="ignore", under="ignore", invalid="ignore"):
        class_weights(engine, classes_count)
        outcome = _solved(engine, classes_count, request)
        if outcome.certificate.exists != "unknown" or request.l2 > 0.0:
            return outcome
        return _without_dependent(outcome, engine, classes_count, request)


def _solved(engine: MemoryEngine, K: int, request: Request) -> Outcome:
    fit = _Fit(engine, K, request)
    fit.run()
    return fit.outcome()


def _without_dependent(outcome: Outcome, engine: MemoryEngine, K: int, request: Request) -> Outcome:
    """Again without the columns that depend on earlier ones, whose weights are then 0; J is the same function."""
    dropped = dependent_columns(Problem.of(engine, 0.0, request.intercept))
    if not dropped:
        return outcome
    kept = np.setdiff1d(np.arange(engine.n), [each.column for each in dropped])
    notes = tuple(
        Note(
            "dependent-column",
            f"{each.sentence(request.names)}: left out (its weights are 0); predictions are the same",
        )
        for each in dropped
    )
    for note in notes:
        if request.on_note is not None:
            request.on_note(note)
    start, shift = folded(outcome.w, outcome.b, dropped)
    names = tuple(request.names[j] for j in kept)
    request = replace(following(request, outcome), names=names, start=(start[kept], shift))
    rows = MemoryEngine(engine.X[:, kept], engine.y, engine.weight, threads=engine.threads)
    again = after(outcome, _solved(rows, K, request))
    w = np.zeros((engine.n, K))
    w[kept] = again.w
    certificate = again.certificate
    if certificate.witness is not None:
        direction = np.zeros((engine.n + 1, K), dtype=object)
        direction[[*kept, engine.n]] = np.array(certificate.witness.direction, dtype=object).reshape(-1, K)
        columns = tuple(int(kept[j]) for j in certificate.witness.columns)
        certificate = disproved(replace(certificate.witness, direction=tuple(direction.ravel()), columns=columns))
    return replace(again, w=w, certificate=certificate, passes=again.passes + 3, notes=notes)


def class_weights(engine: Engine, K: int) -> Floats:
    """(K,) the total weight of each class; raises DataError if one has none."""

    def of_block(block: Block) -> Floats:
        return np.bincount(block.y.astype(np.intp), block.weight, minlength=K).astype(np.float64)

    weights: Floats = engine.sum(of_block)
    if len(weights) != K or not np.all(weights > 0.0):
        missing = ", ".join(str(k) for k in np.flatnonzero(weights[:K] == 0.0))
        raise DataError(f"of {K} classes, no row of positive weight has class {missing}: leave that class out")
    return weights


def _penalty(engine: MemoryEngine, request: Request) -> float | Floats:
    if not request.standardize:
        return request.l2
    scale = Scaling.standard(engine.sum(moments_of)).scale
    return np.asarray(request.l2 * np.where(np.isfinite(scale), scale, 1.0) ** 2)


@dataclass
class _Fit:
    """One fit under way: the runs made over all rows, and the newest certificate."""

    engine: MemoryEngine
    K: int
    request: Request
    runs: list[Run] = field(default_factory=list)
    certificate: Certificate | None = None
    proofs: int = 0
    best: float = np.inf  # estimate at the last failed proof

    def __post_init__(self) -> None:
        self.started = time.perf_counter()
        self.problem = Problem.of(self.engine, _penalty(self.engine, self.request), self.request.intercept)
        frame = self.problem.frame
        far = bool(np.any(np.abs(frame.centre) > FAR * frame.scale))
        scaling = Scaling(frame.centre if far else np.zeros(self.engine.n), frame.scale)
        if not far:
            self.problem = replace(self.problem, frame=scaling)
        strengths = self.problem.l2 / frame.scale / frame.scale
        self.objective = SoftmaxObjective(self.engine, self.K, strengths, scaling, intercept=self.request.intercept)
        self.theta = np.zeros((self.engine.n + 1) * (self.K - 1))
        if self.request.start is not None:
            w, b = self.request.start
            self.theta = self.objective.theta(np.asarray(w, dtype=np.float64), np.asarray(b, dtype=np.float64))
        self.free = not np.any(self.problem.l2 > 0.0)
        self.size = len(self.theta)

    def run(self) -> None:
        """Newton's method, or L-BFGS in stages."""
        if self.size <= FEW_COEFFICIENTS:
            self._drive(newton(self.theta), self._newton_enough())
            return
        part = self._part()
        theta = self.theta
        stages: tuple[int, ...] = STAGES
        if part.engine.m < self.engine.m and part.engine.m >= PER_COEFFICIENT * self.size:
            theta, stages = self._on_part(part), ()
        metric = metric_of_classes(part, theta) if theta.any() else first_metric(part)
        for steps in (*stages, None):
            if not self._drive(lbfgs(theta, metric, shorter=SHORTER), self._lbfgs_enough(metric), steps):
                return
            theta = self.runs[-1].last.theta
            metric = metric_of_classes(part, theta)

    def outcome(self) -> Outcome:
        """The answer at the last iterate, certified if it is not yet."""
        last, status = self.runs[-1].last, self.runs[-1].status
        w, b = self.objective.weights(last.theta)
        if self.free and last.point.errors == 0:
            certificate = separation(self.engine, w, b)
            if certificate is not None:
                self.certificate, status = certificate, Status.SEPARATED
            elif status is Status.PROVED:  # stopped for a separation that cannot be shown
                status = Status.MINIMUM
        if status is not Status.PROVED and status is not Status.SEPARATED:
            self._prove(last, matrix=self.size <= MATRIX)
            status = Status.PROVED if self._proved() and status in ENDED else status
        assert self.certificate is not None
        if math.isinf(self.certificate.max_coefficient_error) and np.all(self.problem.l2 > 0.0):
            self.certificate = self._with_distance(self.certificate, w, b)
        point = last.point
        passes = sum(run.passes for run in self.runs) + 3 * self.proofs + 3
        seconds, trace = time.perf_counter() - self.started, joined(run.trace for run in self.runs)
        return Outcome(w, b, point.cost, point.value, self.certificate, status, trace, passes, seconds)

    def _with_distance(self, known: Certificate, w: Floats, b: Floats) -> Certificate:
        """D1 bounds no coefficient; C2 over the diagonal does, in two passes and a half, where the penalty is large."""
        l2 = self.problem.l2
        found = prove_classes(self.engine, l2, (w, b), longest_row(self.engine, l2), self.request.intercept)
        self.proofs += 1
        return Certificate(
            min(known.gap, found.gap), min(known.max_probability_error, found.max_probability_error),
            found.max_coefficient_error, known.exists,
        )  # fmt: skip

    def _part(self) -> SoftmaxObjective:
        """The rows that the metric is made of: all of them if there are not many."""
        size = 8 * (self.engine.n + 1) + 1000
        if self.engine.m >= 3 * PER_COEFFICIENT * self.size:
            size = max(size, PER_COEFFICIENT * self.size)
        if self.engine.m <= 2 * size:
            return self.objective
        return replace(self.objective, engine=draw_rows(self.engine, self.K, size))

    def _on_part(self, part: SoftmaxObjective) -> Floats:
        """The optimum of a part of the rows, roughly: a start that is worth dozens of passes over all of them."""
        theta, metric = self.theta, first_metric(part)
        for steps in STAGES:
            ends = _settled(metric)
            run = rehearse(lbfgs(theta, metric, shorter=SHORTER), part, StopRules(steps, enough=ends))
            theta = run.last.theta
            if run.status is not Status.ITERATIONS:
                break
            metric = metric_of_classes(part, theta)
        return theta

    def _drive(self, solver: Solver, enough: Callable[[Iterate], bool], steps: int | None = None) -> bool:
        """One run over all rows; whether it ended only because its steps were made."""
        request, made = self.request, sum(len(run.trace.cost) for run in self.runs)
        left = request.iterations - made
        budget = request.left(time.perf_counter() - self.started)
        stop = StopRules(left if steps is None else min(left, steps), budget=budget, enough=enough)
        run = drive(solver, self.objective, stop, self.request.callback, before=self.runs)
        self.runs.append(run)
        return steps is not None and steps < left and run.status is Status.ITERATIONS

    def _newton_enough(self) -> Callable[[Iterate], bool]:
        """Newton squares the distance at every step: a decrease of sqrt(tol) is worth a proof."""
        values: list[float] = []

        def enough(iterate: Iterate) -> bool:
            value = iterate.point.value
            values.append(value)
            if self.free and iterate.point.errors == 0:
                return True
            if len(values) < 2 or values[-2] - value > np.sqrt(self.request.tol) * value:
                return False
            self._prove(iterate, matrix=True)
            return self._proved()

        return enough

    def _lbfgs_enough(self, metric: Callable[[Floats], Floats]) -> Callable[[Iterate], bool]:
        """D1 is about ½ |dW|² / l2 where the intercepts are settled, so it is tried only when that is small."""
        strengths = self.objective.strengths()
        coercive = bool(np.all(self.objective.l2 > 0.0))

        def enough(iterate: Iterate) -> bool:
            gradient, value = iterate.point.gradient, iterate.point.value
            if self.free and iterate.point.errors == 0:
                return True
            if coercive:
                weights = gradient[: -(self.K - 1)]
                estimate = 0.5 * float(np.sum(weights * weights / strengths[: len(weights)])) / value
            else:
                estimate = 0.5 * float(gradient @ metric(gradient)) / value
            if not (estimate <= self.request.tol and estimate <= 0.3 * self.best):
                return False
            if not coercive and self.size > MATRIX:
                return False
            self.best = estimate
            self._prove(iterate, matrix=not coercive)
            return self._proved()

        return enough

    def _prove(self, iterate: Iterate, matrix: bool) -> None:
        w, b = self.objective.weights(iterate.theta)
        self.certificate = certify_classes(self.problem, w, b, hessian=matrix)
        self.proofs += 1

    def _proved(self) -> bool:
        return self.certificate is not None and self.certificate.gap <= self.request.tol


def _settled(metric: Callable[[Floats], Floats]) -> Callable[[Iterate], bool]:
    def enough(iterate: Iterate) -> bool:
        gradient = iterate.point.gradient
        return 0.5 * float(gradient @ metric(gradient)) <= ENOUGH_OF_PART * iterate.point.value

    return enough
