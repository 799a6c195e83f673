"""The proved optimum of K classes where a penalty is not smooth, or weights have factors or bounds, rows of any kind.

    J(W, b) + sum over j, k of f_j (l1 |W_jk| + ½ l2 W_jk²)      lower_j <= W_jk <= upper_j

Every class has weights of its own, as in scikit-learn: the classes of a feature do not add up to 0, because 0 is where
the l1 wants them; what no penalty and no bound holds is centred, and so are the intercepts. The walk down to the l1 is
that of `composite.py`, the steps are those of `class_course.py`.
"""

from __future__ import annotations

import math
import time
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from steepest.driver import Run, StopRules
from steepest.engines import MemoryEngine
from steepest.engines.sparse import SparseEngine
from steepest.optimum.class_course import ClassCourse
from steepest.optimum.course import MOST_FREE, worst
from steepest.optimum.leg import Goal
from steepest.optimum.outcome import Outcome, Request, joined
from steepest.optimum.softmax import class_weights
from steepest.optimum.task import ROUGH, Task, compact, task_of
from steepest.penalties import ElasticNet
from steepest.proof.certificate import Certificate, disproved
from steepest.proof.class_dual_point import ClassRows
from steepest.proof.class_separation import separation
from steepest.proof.face import pinsker
from steepest.types import Floats, Status

__all__ = ["certified", "minimise"]

DOWN = 0.5  # from one l1 to the next on the way to that of the fit
ALL = 64  # weights that are held from the start, whatever their correlations
DIRECTLY = 1024  # weights up to which nobody walks


def minimise(engine: MemoryEngine | SparseEngine, K: int, request: Request) -> Outcome:
    """The optimum over the rows of `engine`, whose y are the classes 0 … K-1; W (n, K), b (K,).

    Raises DataError if a class has no row of positive weight: its intercept would run away.

    >>> from steepest.penalties import Penalties
    >>> rng = np.random.default_rng(0)
    >>> rows = MemoryEngine(rng.standard_normal((60, 2)), np.arange(60) % 3)
    >>> found = minimise(rows, 3, Request(1e-9, 0.0, ("x1", "x2"), penalties=Penalties(l1=0.03)))
    >>> found.status.key, found.certificate.gap <= 1e-9, found.w.shape, bool(np.any(found.w == 0.0))
    ('proved', True, (2, 3), True)
    """
    started, passes = time.perf_counter(), engine.passes
    with engine.quiet_blas(), np.errstate(over="ignore", under="ignore", invalid="ignore", divide="ignore"):
        shares = class_weights(engine, K)
        task = task_of(engine, request.l2, request.penalties, request.standardize, request.names)
        course = _start(task, request, shares)
        runs, net = _down(task, course, request, started)
        proved = _certificate(engine, course, net)
    last, status = runs[-1].last, runs[-1].status
    if proved.exists == "disproved":
        status = Status.SEPARATED
    elif status in (Status.PROVED, Status.MINIMUM):
        status = Status.PROVED if proved.gap <= request.tol else Status.MINIMUM
    return Outcome(
        course.w, course.shift, last.point.cost, last.point.value, proved, status, joined(run.trace for run in runs),
        engine.passes - passes, time.perf_counter() - started, task.notes,
    )  # fmt: skip


def certified(engine: MemoryEngine | SparseEngine, K: int, request: Request, found: Outcome) -> Outcome:
    """What a search without an l1 left when it was ended early, with a proof by duality if its own says nothing.

    `class_duality.py` needs no Hessian that hardly changes, as theirs do, and says something at any distance.
    """
    known = found.certificate
    ended = found.status in (Status.CALLBACK, Status.BUDGET, Status.ITERATIONS)
    if not ended or math.isfinite(known.gap) or known.exists == "disproved" or engine.m * engine.n > MOST_FREE:
        return found
    with engine.quiet_blas(), np.errstate(over="ignore", under="ignore", invalid="ignore", divide="ignore"):
        passes = engine.passes
        task = task_of(engine, request.l2, request.penalties, request.standardize, request.names)
        course = _start(task, replace(request, start=(found.w, found.b)), class_weights(engine, K))
        net = _of_classes(task.net(0.0, request.l2), K)
        course.stand(net)
        proved = _certificate(engine, course, net)
    if task.notes or not math.isfinite(proved.gap):
        return found
    made = found.passes + engine.passes - passes
    return replace(found, w=course.w, b=course.shift, certificate=proved, passes=made)


def _start(task: Task, request: Request, shares: Floats) -> ClassCourse:
    """A course from the given (W, b), or from the weights nearest to 0 and the logarithms of the shares."""
    K, table = len(shares), task.table
    rows = ClassRows(task.rows.y.astype(np.intp), task.rows.s, K, request.intercept)
    net = task.net(request.penalties.l1, request.l2)
    together = (net.l1 == 0.0) & (net.l2 == 0.0) & (net.lower == -np.inf) & (net.upper == np.inf)
    if request.start is not None:
        w, b = (np.asarray(part, dtype=np.float64) for part in request.start)
        return ClassCourse(table, rows, w * table.frame.scale[:, None], b + table.frame.centre @ w, together)
    rest = np.clip(np.zeros(table.n), task.lower, task.upper)
    b = np.log(shares / shares.sum()) if request.intercept else np.zeros(K)
    return ClassCourse(table, rows, np.repeat(rest[:, None], K, axis=1), b, together)


def _of_classes(net: ElasticNet, K: int) -> ElasticNet:
    """The same for every class, entry j K + k."""
    return ElasticNet(*(np.repeat(part, K) for part in (net.l1, net.l2, net.lower, net.upper)))


def _down(task: Task, course: ClassCourse, request: Request, started: float) -> tuple[list[Run], ElasticNet]:
    """Walk down to the l1 that is asked for; the runs at that one."""

    def stop() -> StopRules:
        spent = time.perf_counter() - started
        budget = None if request.budget is None else max(1e-9, request.budget - spent)
        return StopRules(request.iterations, budget=budget)

    engine, K, l1, size = task.engine, course.rows.K, request.penalties.l1, course.u.size
    net = _of_classes(task.net(l1, request.l2), K)
    if request.start is None and size > ALL:
        strength = _null(task, course, request.l2, stop())
        while size > DIRECTLY and 0.0 < l1 < DOWN * strength:
            strength *= DOWN
            on_the_way = _of_classes(task.net(strength, request.l2), K)
            course.to(on_the_way, _candidates(course, on_the_way), Goal(ROUGH, stop(), rough=True))
    course.watches = not compact(net)
    runs = course.to(net, _candidates(course, net), Goal(request.tol, stop(), callback=request.callback, watched=True))
    if course.stalled and _certificate(engine, course, net).exists != "disproved":
        course.watches = False
        goal = Goal(request.tol, stop(), callback=request.callback, watched=True)
        runs += course.to(net, _candidates(course, net), goal)
    return runs, net


def _null(task: Task, course: ClassCourse, l2: float, stop: StopRules) -> float:
    """Fit what has no penalty; the smallest l1 at which all penalised weights are nearest to 0."""
    net = task.net(0.0, l2)
    rest = np.clip(0.0, net.lower, net.upper)
    lower, upper = np.where(task.shrinks, rest, net.lower), np.where(task.shrinks, rest, net.upper)
    pinned = _of_classes(replace(net, lower=lower, upper=upper), course.rows.K)
    course.to(pinned, np.repeat(~task.shrinks[:, None], course.rows.K, axis=1), Goal(ROUGH, stop, rough=True))
    assert course.c is not None  # looked at
    free = _of_classes(replace(net, l2=np.zeros(len(rest))), course.rows.K)
    off = np.abs(free.violation(course.u.ravel(), (course.c - net.l2[:, None] * course.u).ravel()))
    most = off.reshape(course.u.shape).max(axis=1)[task.shrinks]
    return float((most / task.unit[task.shrinks]).max(initial=0.0))


def _candidates(course: ClassCourse, net: ElasticNet) -> NDArray[np.bool_]:
    """The weights to begin with: all of few, else those that violate the conditions of the optimum, worst first."""
    if course.u.size <= ALL or course.c is None:
        return np.ones(course.u.shape, dtype=bool)
    off = np.abs(net.violation(course.u.ravel(), course.c.ravel()))
    return worst(off, int(np.count_nonzero(course.u))).reshape(course.u.shape)


def _certificate(engine: MemoryEngine | SparseEngine, course: ClassCourse, net: ElasticNet) -> Certificate:
    """What the last proof says, or that there is no optimum; coefficients are not bounded."""
    proof = course.proof
    assert proof is not None  # every course ends with a look
    if compact(net) or (math.isfinite(proof.bound) and proof.inside):
        return Certificate(proof.gap, pinsker(course.rows, proof.bound), math.inf, "proved")
    loose = ((net.l1 == 0.0) & (net.l2 == 0.0)).reshape(course.u.shape)
    w = np.where(loose, course.w, 0.0)
    low, high = (part.reshape(w.shape) for part in (net.lower, net.upper))
    found = None
    if np.all((w >= 0.0) | (low == -np.inf)) and np.all((w <= 0.0) | (high == np.inf)):
        found = separation(engine, w, course.shift)
    if found is not None and found.witness is not None:
        return disproved(found.witness)
    return Certificate(proof.gap, 1.0, math.inf, "unknown")
