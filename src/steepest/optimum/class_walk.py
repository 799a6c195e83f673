"""The regularisation path of K classes: from one strength to the next everything is kept, as in `regularisation.py`."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from steepest.driver import StopRules
from steepest.optimum.class_course import ClassCourse
from steepest.optimum.class_task import begin, certificate, null, of_classes
from steepest.optimum.leg import Goal
from steepest.optimum.softmax import class_weights
from steepest.optimum.task import Task
from steepest.penalties import ElasticNet
from steepest.proof.certificate import Certificate
from steepest.types import Floats

__all__ = ["MARGIN", "Entry", "Walk", "begin_walk", "likely"]

MARGIN = 0.02  # of l1, by which a correlation may miss it and its weight be looked at before the proof

Entry = tuple[Floats, Floats, float, Certificate]


def likely(net: ElasticNet, u: Floats, c: tuple[Floats, Floats | None], fall: float, ahead: float) -> NDArray[np.bool_]:
    """The weights that may not be 0 at the next strength, by their correlations now and where those are heading.

    c are the correlations now and at the strength before, if any. Of the first point nothing is known of the direction:
    there, whatever could reach l1 if no correlation changed faster than l1 itself, which falls by the factor `fall`
    (R. Tibshirani et al., Strong rules for discarding predictors in lasso-type problems, Journal of the Royal
    Statistical Society B 74 (2012)). What is missed is found when the point is proved.
    """
    now, before = c
    share = 1.0 - MARGIN if before is not None and ahead else max(0.0, 2.0 - fall)
    near = ElasticNet(share * net.l1, net.l2, net.lower, net.upper)
    heading = now if before is None else now + ahead * (now - before)
    found: NDArray[np.bool_] = (near.violation(u, now) != 0.0) | (near.violation(u, heading) != 0.0)
    return found


class Walk:
    """A course that goes from strength to strength."""

    def __init__(self, task: Task, course: ClassCourse, tol: float, iterations: int) -> None:
        self.task, self.course, self.tol, self.iterations = task, course, tol, iterations
        self.before: Floats | None = course.c
        self.behind = [1.0, 1.0]

    def null(self) -> float:
        """Fit what has no penalty; the smallest l1 at which all penalised weights are 0."""
        most = null(self.task, self.course, 0.0, StopRules(self.iterations), self.tol)
        self.before = self.course.c
        return most

    def points(self, strengths: Floats, l1_ratio: float, most: float) -> list[Entry]:
        """The fits for l1 = l1_ratio λ, l2 = (1 - l1_ratio) λ, for every λ of `strengths`, the strongest first."""
        self.behind = [most, most]
        return [self._point(strength, l1_ratio) for strength in strengths.tolist()]

    def _point(self, strength: float, l1_ratio: float) -> Entry:
        course, behind = self.course, self.behind
        net = of_classes(self.task.net(l1_ratio * strength, (1.0 - l1_ratio) * strength), course.rows.K)
        step = behind[0] - behind[1]
        ahead = (strength - behind[1]) / -step if step > 0.0 else 0.0
        assert course.c is not None  # the null model was looked at
        c = course.c.ravel(), None if self.before is None else self.before.ravel()
        candidates = likely(net, course.u.ravel(), c, behind[1] / strength, ahead).reshape(course.u.shape)
        self.before, self.behind = course.c, [behind[1], strength]
        runs = course.to(net, candidates, Goal(self.tol, StopRules(self.iterations), ahead=ahead))
        value = runs[-1].last.point.value
        return course.w, course.shift, value, certificate(self.task.engine, course, net)


def begin_walk(task: Task, K: int, tol: float, iterations: int) -> Walk:
    """A walk from the shares of the classes; DataError if a class has no row of positive weight."""
    course = begin(task, task.net(1.0, 0.0), class_weights(task.engine, K))
    return Walk(task, course, tol, iterations)
