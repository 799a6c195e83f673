"""The proved optimum where a penalty is not smooth or weights are bounded, two classes, rows of any kind.

    J(w, b) + sum of f_j (l1 |w_j| + ½ l2 w_j²)      lower <= w <= upper

Tables of many columns walk down to their l1 from the smallest one at which all penalised weights are 0, without proving
anything on the way: so each problem starts next to its solution, and few columns are looked at. The steps are those of
`course.py`.
"""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from steepest.driver import Run, StopRules
from steepest.engines import MemoryEngine
from steepest.engines.sparse import SparseEngine
from steepest.optimum.course import FAR, MOST_STOOD, Course, worst
from steepest.optimum.leg import Goal
from steepest.optimum.outcome import Outcome, Request, joined
from steepest.optimum.task import ROUGH, Task, certificate, compact, task_of
from steepest.penalties import ElasticNet
from steepest.types import Status

__all__ = ["certified", "minimise"]

DOWN = 0.5  # from one l1 to the next on the way to that of a single fit
ALL = 64  # columns that are held from the start, whatever their correlations
DIRECTLY = 512  # columns up to which nobody walks: a step over all that matter costs less than the way


def minimise(engine: MemoryEngine | SparseEngine, request: Request) -> Outcome:
    """The optimum over the rows of `engine`, proved to `request.tol`, or the proof that there is none.

    >>> from steepest.penalties import Penalties
    >>> rows = MemoryEngine(np.array([[1.0, 0.0], [2.0, 1.0], [3.0, 0.0], [4.0, 1.0]]), np.array([0.0, 1.0, 0.0, 1.0]))
    >>> found = minimise(rows, Request(1e-9, 0.0, ("a", "b"), penalties=Penalties(l1=0.1)))
    >>> found.status.key, found.certificate.gap <= 1e-9, round(float(found.w[1]), 3)
    ('proved', True, 2.773)
    """
    started, passes = time.perf_counter(), engine.passes
    with engine.quiet_blas(), np.errstate(over="ignore", under="ignore", invalid="ignore", divide="ignore"):
        task = task_of(engine, request.l2, request.penalties, request.standardize, request.names)
        runs, course, net = _down(task, request, started)
        proved = certificate(task, course, net, close=True)
    last, status = runs[-1].last, runs[-1].status
    if proved.exists == "disproved":
        status = Status.SEPARATED
    elif status in (Status.PROVED, Status.MINIMUM):
        status = Status.PROVED if proved.gap <= request.tol else Status.MINIMUM
    w, b = task.table.frame.to_user(course.u, course.b)
    return Outcome(
        w, b, last.point.cost, last.point.value, proved, status, joined(run.trace for run in runs),
        engine.passes - passes, time.perf_counter() - started, task.notes,
    )  # fmt: skip


def certified(engine: MemoryEngine | SparseEngine, request: Request, found: Outcome) -> Outcome:
    """What a search without an l1 left when it was ended early, with a proof by duality if its own says little.

    `duality.py` needs no Hessian that hardly changes, as theirs do, and says something at any distance.
    """
    known = found.certificate
    if engine.m * engine.n > MOST_STOOD.get(found.status, 0) or known.gap <= FAR or known.exists == "disproved":
        return found
    with engine.quiet_blas(), np.errstate(over="ignore", under="ignore", invalid="ignore", divide="ignore"):
        passes = engine.passes
        task = task_of(engine, request.l2, request.penalties, request.standardize, request.names)
        net, course = task.net(0.0, request.l2), task.start((found.w, found.b))
        course.stand(net)
        proved = certificate(task, course, net, close=False)
    if task.notes or not proved.gap < known.gap:
        return found
    w, b = task.table.frame.to_user(course.u, course.b)
    return replace(found, w=w, b=b, certificate=proved, passes=found.passes + engine.passes - passes)


def _down(task: Task, request: Request, started: float) -> tuple[list[Run], Course, ElasticNet]:
    """Walk down to the l1 that is asked for; the runs at that one."""

    def stop() -> StopRules:
        return StopRules(request.iterations, budget=request.left(time.perf_counter() - started))

    course, l1, n = task.start(request.start), request.penalties.l1, task.table.n
    net, rough = task.net(l1, request.l2), Goal(ROUGH, stop(), rough=True)
    if request.start is None and n > ALL:
        strength = task.null(course, request.l2, stop())
        while n > DIRECTLY and 0.0 < l1 < DOWN * strength:
            strength *= DOWN
            on_the_way = task.net(strength, request.l2)
            course.to(on_the_way, _candidates(task, course, on_the_way), Goal(ROUGH, stop(), rough=True))
        course.to(net, _candidates(task, course, net), rough)
    course.watches = not compact(net)
    goal = Goal(request.tol, stop(), callback=request.callback, watched=True)
    runs = course.to(net, _candidates(task, course, net), goal)
    if course.stalled and certificate(task, course, net, close=False).exists != "disproved":
        course.watches = False
        runs += course.to(net, _candidates(task, course, net), replace(goal, earlier=tuple(runs)))
    return runs, course, net


def _candidates(task: Task, course: Course, net: ElasticNet) -> NDArray[np.bool_]:
    """The columns to begin with: all of few, else those that violate the conditions of the optimum, worst first."""
    if task.table.n <= ALL or course.c is None:
        return np.ones(task.table.n, dtype=bool)
    return worst(np.abs(net.violation(course.u, course.c)), int(np.count_nonzero(course.u)))
