"""Is an iterate over rows of numbers and categories good enough? By the newest Hessian, wherever that was formed.

From theta_H to theta every row's z moves by V at most, so its a(1 - a) falls by e^-V at most (S of decision 1):
H(theta) >= e^-V H(theta_H) + R >= e^-V (H(theta_H) + R). So one factor serves all iterates that follow.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from steepest.driver import Iterate, Watching
from steepest.engines.mixed import MixedEngine
from steepest.optimum.judge import TINY, Judge, Known
from steepest.proof.certificate import Certificate
from steepest.proof.existence import Witness
from steepest.proof.mixed_apriori import MixedApriori
from steepest.proof.mixed_reach import farther
from steepest.proof.rounding import SLACK, Metric
from steepest.solvers.kept_newton import inverse_of
from steepest.types import Floats, Point

__all__ = ["MixedJudge"]

FAR = 30.0  # z moved by so much: nothing is left of a Hessian


class MixedJudge(Judge):
    """Looks for a separating plane on the rows written out, a block at a time: only where there may well be one."""

    def __init__(
        self, engine: MixedEngine, apriori: MixedApriori, tol: float, user: Callable[[Floats], tuple[Floats, float]]
    ) -> None:
        super().__init__(engine, apriori, tol, user)
        self.rows, self.bounds = engine, apriori
        self.formed: _Formed | None = None

    def watched(self, callback: Watching) -> Callable[[Iterate], None]:
        """Tells what is proved of each iterate; nothing that the run goes by is touched."""

        def tell(iterate: Iterate) -> None:
            known = self._known(iterate)
            found = None if known is None else self._found(iterate, known)
            callback.proved(math.inf if found is None else found.gap)

        return tell

    def examine_farther(self, last: Iterate) -> None:
        """What is proved where the run ended too early: a pass for the theorem that holds farther out."""
        if self.certificate.gap <= self.tol or last.point.hessian is None:
            return
        formed = self._newest(last.theta, last.point)
        metric = None if formed is None else formed.metric
        if metric is not None:
            self._enter(farther(self.rows, self.bounds, last.theta, last.point, metric), last.theta)

    def _search(self, iterate: Iterate) -> Witness | None:
        given, self.engine = self.engine, self.rows.densely()
        try:
            return super()._search(iterate)
        finally:
            self.engine = given

    def _known(self, iterate: Iterate) -> Known | None:
        formed = self._newest(iterate.theta, iterate.point)
        if formed is None:
            return None
        moved = self.bounds.reach(iterate.theta - formed.theta)
        return Known(formed.hessian, formed.doubt, math.exp(-moved) / SLACK if moved else 1.0) if moved < FAR else None

    def _newest(self, theta: Floats, point: Point) -> _Formed | None:
        """What is known of the newest Hessian, that of this point if it has one."""
        if point.hessian is not None and (self.formed is None or self.formed.hessian is not point.hessian):
            self.formed = _Formed(self.bounds, theta, point.hessian)
        return self.formed

    def _certify(self, iterate: Iterate, known: Known) -> None:
        found = self._found(iterate, known)
        if found is not None:
            self._enter(found, iterate.theta)

    def _found(self, iterate: Iterate, known: Known) -> Certificate | None:
        metric = None if self.formed is None else self.formed.metric
        if metric is None:
            return None
        here = metric if known.left == 1.0 else metric.lessened(known.left)
        return self.bounds.certificate(iterate.theta, iterate.point, here)

    def _enter(self, found: Certificate, theta: Floats) -> None:
        self.take(replace(found, exists="proved") if self.coercive else found, theta)

    def _estimate(self, iterate: Iterate) -> float:
        point, formed = iterate.point, self._newest(iterate.theta, iterate.point)
        if formed is None:
            return math.inf
        least = 0.5 * float(np.max(point.gradient**2 / np.maximum(np.diagonal(formed.hessian), TINY)))
        if least > self.tol * point.value:  # one coordinate alone shows that it is too early to solve for all
            return least
        solve = formed.solve
        return super()._estimate(iterate) if solve is None else 0.5 * float(point.gradient @ solve(point.gradient))


class _Formed:
    """A Hessian of all rows and where it was formed; what is made of it is made once."""

    def __init__(self, bounds: MixedApriori, theta: Floats, hessian: Floats) -> None:
        self.bounds, self.theta, self.hessian = bounds, theta, hessian
        self.doubt = bounds.doubt(theta)

    @property
    def total(self) -> Floats:
        """The sum over the rows, without the penalty."""
        ridge = np.append(self.bounds.strength, 0.0)
        return (self.hessian - np.diag(ridge)) * self.bounds.weight

    @functools.cached_property
    def metric(self) -> Metric | None:
        """With the penalty, and with a bound on all rounding."""
        return self.bounds.metric(self.total, self.doubt)

    @functools.cached_property
    def solve(self) -> Callable[[Floats], Floats] | None:
        """v -> H^-1 v."""
        return inverse_of(self.hessian)
