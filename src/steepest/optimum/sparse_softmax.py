"""K >= 3 classes on sparse rows: J(W, b) + ½ l2 |W|², the classes of every feature and the intercepts adding up to 0.

L-BFGS over the stored numbers in the metric of the Hessian's diagonal, one per class, rescaled to the last pair, for
what classes do to each other makes it wrong by a factor; it is formed again every few steps for as long as the value
falls. On text of 20 classes (10,000 x 20,000) that took 16 passes to 1e-9 at C = 1 and 50 at C = 100; not rescaled 23
and 125. (Few coefficients: the dense machinery of `softmax.py` on one block at a time.)

With a penalty on every weight the gap is proved by `sparse_softmax_proof.py`. Without one only complete separation is.
No table is made dense and no matrix formed: beside the rows stand some 20 arrays of n K numbers, and a few of a block's
rows times K. Dense rows of so many columns that one block per class is too large may come here too.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

import numpy as np

from steepest.driver import Iterate, Run, StopRules, drive
from steepest.engines import MemoryEngine
from steepest.engines.sparse import SparseEngine
from steepest.optimum.outcome import Outcome, Request
from steepest.optimum.softmax import class_weights
from steepest.optimum.sparse_metric import ClassDiagonal, Renewal
from steepest.optimum.sparse_proof import longest_row
from steepest.optimum.sparse_scaling import penalties
from steepest.optimum.sparse_softmax_proof import prove_classes
from steepest.proof.certificate import Certificate
from steepest.proof.class_separation import separation
from steepest.softmax_centred import CentredObjective
from steepest.solvers.lbfgs import lbfgs
from steepest.types import Floats, Status

__all__ = ["minimise"]

MEMORY = 6  # pairs: 4, 6, 8 and 20 took 49, 53, 50 and 46 passes on text at C = 100; each is 8 n K bytes
SHORTER = (0.5, 0.25, 0.0625, 2.0**-8, 2.0**-16, 2.0**-30)
SURE = 0.8  # of the gap asked for: the estimate leaves out rounding and what the centre moved


def minimise(engine: SparseEngine | MemoryEngine, classes: int, request: Request) -> Outcome:
    """The optimum over rows whose y are 0 … K-1, proved to `request.tol` where every weight has a penalty.

    Raises DataError if a class has no row of positive weight: its intercept would run away.

    >>> import scipy.sparse as sp
    >>> rows = SparseEngine(sp.csr_array(np.eye(600)), np.arange(600) % 3)
    >>> found = minimise(rows, 3, Request(1e-9, 0.01, tuple(map(str, range(600)))))
    >>> found.status.key, found.w.shape
    ('proved', (600, 3))
    """
    with engine.quiet_blas(), np.errstate(over="ignore", under="ignore", invalid="ignore"):
        weights = class_weights(engine, classes)
        started, passes = time.perf_counter(), engine.passes
        strength = penalties(engine, request.l2, request.standardize)
        objective = CentredObjective(engine, classes, strength, request.intercept)
        judge = _Judge(objective, request)
        theta, metric = _start(objective, judge, weights)
        solver = lbfgs(theta, metric, MEMORY, SHORTER, unit=metric.diagonal.unit)
        stop = StopRules(request.iterations, -1.0, -1.0, request.budget, judge.enough)
        run = drive(solver, objective, stop, request.callback, judge.see)
        w, b = objective.weights(run.last.theta)
        certificate, point = judge.examine(run.last), run.last.point
        return Outcome(
            w, b, point.cost, point.value, certificate, _status(run, certificate, request), run.trace,
            engine.passes - passes, time.perf_counter() - started,
        )  # fmt: skip


def _status(run: Run, certificate: Certificate, request: Request) -> Status:
    if certificate.exists == "disproved":
        return Status.SEPARATED
    if certificate.gap <= request.tol:
        return Status.PROVED
    return Status.MINIMUM if run.status is Status.PROVED else run.status


def _start(objective: CentredObjective, judge: _Judge, weights: Floats) -> tuple[Floats, _Metric]:
    """Where the request says, or W = 0 with the best intercepts there; and the metric."""
    start, shares = judge.request.start, weights / weights.sum()
    if start is not None:
        theta = objective.theta(np.asarray(start[0], dtype=np.float64), np.asarray(start[1], dtype=np.float64))
        judge.metric.diagonal = ClassDiagonal.at(objective, theta)
        return theta, judge.metric
    if not objective.intercept:
        shares = np.full(objective.K, 1.0 / objective.K)
    judge.metric.diagonal = ClassDiagonal.at_shares(objective, shares)
    return objective.theta(np.zeros((objective.engine.n, objective.K)), np.log(shares)), judge.metric


class _Metric:
    """v -> M^-1 v with the newest diagonal."""

    diagonal: ClassDiagonal

    def __call__(self, v: Floats) -> Floats:
        return self.diagonal(v)


@dataclass
class _Judge:
    """Renews the metric, says when to look for a proof, and keeps the last one."""

    objective: CentredObjective
    request: Request

    def __post_init__(self) -> None:
        self.metric = _Metric()
        self.ask_at = SURE * self.request.tol
        self.renewal, self.look_at = Renewal(), 1
        self.known: tuple[Floats, Certificate] | None = None
        self.longest: float | None = None

    def see(self, iterate: Iterate) -> None:
        """Every iterate, before it is judged."""
        if self.renewal.due(iterate.point.value):
            self.metric.diagonal = ClassDiagonal.at(self.objective, iterate.theta)

    def enough(self, iterate: Iterate) -> bool:
        """Whether the iterate is proved to be good enough, or no optimum exists; looked for where it is likely."""
        if self.request.l2 == 0.0:
            if iterate.point.errors or self.renewal.steps < self.look_at:
                return False
            self.look_at = 2 * self.renewal.steps  # a plane that cannot be shown to separate may be shown to later on
            return self.examine(iterate).exists == "disproved"
        estimate = self._estimate(iterate.point.gradient) / iterate.point.value
        if not estimate <= self.ask_at:
            return False
        if self.examine(iterate).gap <= self.request.tol:
            return True
        self.ask_at = 0.25 * estimate
        return False

    def _estimate(self, gradient: Floats) -> float:
        """½ |g|² over M^-1 of `sparse_softmax_proof.py`, with the centres and edges of the metric."""
        diagonal = self.metric.diagonal
        inner, edge = self.objective.split(gradient)
        inner = inner - diagonal.centre * edge
        square = float((1.0 / self.objective.l2) @ np.einsum("jk,jk->j", inner, inner))
        return 0.5 * (square + (float(edge * edge @ (1.0 / diagonal.edge)) if self.objective.intercept else 0.0))

    def examine(self, iterate: Iterate) -> Certificate:
        """The certificate at the iterate."""
        if self.known is None or not np.array_equal(self.known[0], iterate.theta):
            self.known = iterate.theta, self._certificate(iterate)
        return self.known[1]

    def _certificate(self, iterate: Iterate) -> Certificate:
        engine, at = self.objective.engine, self.objective.weights(iterate.theta)
        if self.request.l2 == 0.0:
            found = None if iterate.point.errors else separation(engine, *at)
            return Certificate(math.inf, 1.0, math.inf, "unknown") if found is None else found
        if self.longest is None:
            self.longest = longest_row(engine, self.objective.l2)
        return prove_classes(engine, self.objective.l2, at, self.longest, self.objective.intercept)
