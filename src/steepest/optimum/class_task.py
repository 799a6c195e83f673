"""What a fit and a path of K classes share: where they begin, the penalty of every class, what is proved at the end."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from steepest.driver import StopRules
from steepest.engines import MemoryEngine
from steepest.engines.sparse import SparseEngine
from steepest.optimum.class_course import ClassCourse
from steepest.optimum.leg import Goal
from steepest.optimum.task import ROUGH, Task, compact
from steepest.penalties import ElasticNet
from steepest.proof.certificate import Certificate, disproved
from steepest.proof.class_dual_point import ClassRows
from steepest.proof.class_separation import separation
from steepest.proof.face import pinsker
from steepest.types import Floats

__all__ = ["begin", "certificate", "null", "of_classes"]


def begin(
    task: Task, net: ElasticNet, shares: Floats, intercept: bool = True, start: tuple[Floats, Floats] | None = None
) -> ClassCourse:
    """A course from the given (W, b), or from the weights nearest to 0 and the logarithms of the shares.

    `net` is the penalty of every class: where it and the bounds say nothing, classes may be moved together.
    """
    K, table = len(shares), task.table
    rows = ClassRows(task.rows.y.astype(np.intp), task.rows.s, K, intercept)
    together = (net.l1 == 0.0) & (net.l2 == 0.0) & (net.lower == -np.inf) & (net.upper == np.inf)
    if start is not None:
        w, b = (np.asarray(part, dtype=np.float64) for part in start)
        return ClassCourse(table, rows, w * table.frame.scale[:, None], b + table.frame.centre @ w, together)
    rest = np.clip(np.zeros(table.n), task.lower, task.upper)
    b = np.log(shares / shares.sum()) if intercept else np.zeros(K)
    return ClassCourse(table, rows, np.repeat(rest[:, None], K, axis=1), b, together)


def of_classes(net: ElasticNet, K: int) -> ElasticNet:
    """The same for every class, entry j K + k."""
    return ElasticNet(*(np.repeat(part, K) for part in (net.l1, net.l2, net.lower, net.upper)))


def null(task: Task, course: ClassCourse, l2: float, stop: StopRules, tol: float = ROUGH) -> float:
    """Fit what has no penalty; the smallest l1 at which all penalised weights are nearest to 0."""
    net = task.net(0.0, l2)
    rest = np.clip(0.0, net.lower, net.upper)
    lower, upper = np.where(task.shrinks, rest, net.lower), np.where(task.shrinks, rest, net.upper)
    pinned = of_classes(replace(net, lower=lower, upper=upper), course.rows.K)
    course.to(pinned, np.repeat(~task.shrinks[:, None], course.rows.K, axis=1), Goal(tol, stop, rough=tol >= ROUGH))
    assert course.c is not None  # looked at
    free = of_classes(replace(net, l2=np.zeros(len(rest))), course.rows.K)
    off = np.abs(free.violation(course.u.ravel(), (course.c - net.l2[:, None] * course.u).ravel()))
    most = off.reshape(course.u.shape).max(axis=1)[task.shrinks]
    return float((most / task.unit[task.shrinks]).max(initial=0.0))


def certificate(engine: MemoryEngine | SparseEngine, course: ClassCourse, net: ElasticNet) -> Certificate:
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
