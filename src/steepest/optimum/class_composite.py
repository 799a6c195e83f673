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
from steepest.optimum.class_task import begin, certificate, null, of_classes
from steepest.optimum.class_walk import likely
from steepest.optimum.course import MOST_STOOD, worst
from steepest.optimum.leg import Goal
from steepest.optimum.outcome import Outcome, Request, joined
from steepest.optimum.softmax import class_weights
from steepest.optimum.task import ROUGH, Task, compact, task_of
from steepest.penalties import ElasticNet
from steepest.types import Floats, Status

__all__ = ["certified", "minimise"]

DOWN = 0.5  # from one l1 to the next on the way to that of the fit
ALL = 64  # weights that are held from the start, whatever their correlations
DIRECTLY = 1024  # weights up to which nobody walks
EACH = 7  # rows of a long table are one of the sample: a prime, so that few periods of the rows agree with it
ENOUGH = 10  # rows of the sample per weight
WORTH = 1e8  # products of a Hessian from which a sample pays
TOGETHER = 512  # weights that are then held at once: each round of joining is a Hessian more
LIKELY = 0.4  # of l1: a correlation in the sample above which the weight may not be 0 in the table


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
        net = task.net(request.penalties.l1, request.l2)
        seen = _on_some_rows(engine, K, request)
        start = request.start if seen is None else seen[0]
        course = begin(task, net, shares, request.intercept, start)
        runs, net = _down(task, course, request, started, None if seen is None else seen[1])
        proved = certificate(engine, course, net)
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
    if engine.m * engine.n > MOST_STOOD.get(found.status, 0) or math.isfinite(known.gap) or known.exists == "disproved":
        return found
    with engine.quiet_blas(), np.errstate(over="ignore", under="ignore", invalid="ignore", divide="ignore"):
        passes = engine.passes
        task = task_of(engine, request.l2, request.penalties, request.standardize, request.names)
        net = task.net(0.0, request.l2)
        course = begin(task, net, class_weights(engine, K), request.intercept, (found.w, found.b))
        net = of_classes(net, K)
        course.stand(net)
        proved = certificate(engine, course, net)
    if task.notes or not math.isfinite(proved.gap):
        return found
    made = found.passes + engine.passes - passes
    return replace(found, w=course.w, b=course.shift, certificate=proved, passes=made)


def _on_some_rows(
    engine: MemoryEngine | SparseEngine, K: int, request: Request
) -> tuple[tuple[Floats, Floats], NDArray[np.bool_]] | None:
    """The optimum of every seventh row of a long dense table, and which weights may not be 0; None if it does not pay.

    From there two Hessians of all rows are enough instead of seven, and they are what a long table costs.
    """
    m, n = engine.m, engine.n
    plain = isinstance(engine, MemoryEngine) and isinstance(engine.X, np.ndarray) and request.start is None
    if not plain or m < EACH * ENOUGH * n * K or m * (n * K) ** 2 < WORTH:
        return None
    weight = None if engine.weight is None else engine.weight[::EACH]
    rows = MemoryEngine(engine.X[::EACH], engine.y[::EACH], weight, threads=engine.threads)
    if np.count_nonzero(np.bincount(rows.y.astype(np.intp), weight, minlength=K)) < K:
        return None
    task = task_of(rows, request.l2, request.penalties, request.standardize, request.names)
    net = task.net(request.penalties.l1, request.l2)
    if task.notes or not compact(net):
        return None
    course = begin(task, net, class_weights(rows, K), request.intercept)
    rough = replace(request, tol=ROUGH, callback=None, on_note=None)
    _, whole = _down(task, course, rough, time.perf_counter())
    assert course.c is not None  # looked at
    if course.u.size <= TOGETHER:
        return (course.w, course.shift), np.ones(course.u.shape, dtype=bool)
    near = likely(whole, course.u.ravel(), (course.c.ravel(), None), 2.0 - LIKELY, 0.0).reshape(course.u.shape)
    return (course.w, course.shift), near | (course.u != 0.0)


def _down(
    task: Task, course: ClassCourse, request: Request, started: float, known: NDArray[np.bool_] | None = None
) -> tuple[list[Run], ElasticNet]:
    """Walk down to the l1 that is asked for, unless it is `known` what to begin with; the runs at that one."""

    def stop() -> StopRules:
        return StopRules(request.iterations, budget=request.left(time.perf_counter() - started))

    engine, K, l1, size = task.engine, course.rows.K, request.penalties.l1, course.u.size
    net = of_classes(task.net(l1, request.l2), K)
    if request.start is None and known is None and size > ALL:
        strength = null(task, course, request.l2, stop())
        while size > DIRECTLY and 0.0 < l1 < DOWN * strength:
            strength *= DOWN
            on_the_way = of_classes(task.net(strength, request.l2), K)
            course.to(on_the_way, _candidates(course, on_the_way), Goal(ROUGH, stop(), rough=True))
    course.watches = not compact(net)
    first = _candidates(course, net) if known is None else known
    goal = Goal(request.tol, stop(), callback=request.callback, watched=True)
    runs = course.to(net, first, goal)
    if course.stalled and certificate(engine, course, net).exists != "disproved":
        course.watches = False
        runs += course.to(net, _candidates(course, net), replace(goal, earlier=tuple(runs)))
    return runs, net


def _candidates(course: ClassCourse, net: ElasticNet) -> NDArray[np.bool_]:
    """The weights to begin with: all of few, else those that violate the conditions of the optimum, worst first."""
    if course.u.size <= ALL or course.c is None:
        return np.ones(course.u.shape, dtype=bool)
    off = np.abs(net.violation(course.u.ravel(), course.c.ravel()))
    return worst(off, int(np.count_nonzero(course.u))).reshape(course.u.shape)
