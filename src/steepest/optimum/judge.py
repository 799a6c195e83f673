"""Is an iterate good enough, by proof? Asked by the driver at every iterate of the dense regime.

An estimate comes first (half the squared Newton decrement, from a factor that is at hand); only when it promises the
gap is a rigorous certificate formed. Without a penalty the question may have no answer: then a plane that separates
the classes is looked for, and a proof that there is one ends the run as well.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from steepest.driver import Iterate
from steepest.engines import MemoryEngine
from steepest.proof.apriori import Apriori
from steepest.proof.certificate import Certificate, disproved
from steepest.proof.existence import Witness, find_witness
from steepest.solvers.newton import newton_step
from steepest.types import Floats, Point, Status

__all__ = ["Judge", "Known"]

SEARCH_AT = (6, 12, 24, 48)  # Newton steps that still creep when a separating plane is looked for
ROUNDED = 1.0 + 4.0 * np.finfo(float).eps  # as much J may seem to rise by rounding
TINY = np.finfo(float).tiny
J_ROUNDS = 2.0**-40  # of J may be hidden in its rounding
TOO_FAR = 16.0  # of the estimate: the certificate says nothing yet, a step or two on it will
CREEPS = 0.05  # of the decrement before: Newton's method, once it converges, leaves far less of it
RARE = 0.05  # share of the rarer class below which expected and observed counts must agree as well
BALANCE = 1e-9  # relative difference of expected and observed positives that is then asked for


@dataclass(frozen=True, slots=True)
class Known:
    """A sum of Hessians that is no more than the table's, as computed.

    doubt  how wrong z may be in it
    left   what it lost on the way from where it was formed: estimates made there are divided by it
    """

    hessian: Floats
    doubt: float
    left: float = 1.0


class Judge:
    """Judges iterates over `engine`; `certificate` is the newest verdict, and `at` the theta that it is about.

    hessian  theta -> what is known of the Hessian there; by default that of all rows, which the iterates carry
    solve    v -> about H^-1 v, for estimates; by default from the iterate's own Hessian
    share    the share of the table's Hessian that `hessian` has: estimates are divided by it
    """

    def __init__(
        self,
        engine: MemoryEngine,
        apriori: Apriori,
        tol: float,
        user: Callable[[Floats], tuple[Floats, float]],
        *,
        hessian: Callable[[Floats], Known] | None = None,
        solve: Callable[[Floats], Floats] | None = None,
        share: float = 1.0,
    ) -> None:
        self.engine, self.apriori, self.tol, self.user = engine, apriori, tol, user
        self.hessian, self.solve, self.margin = hessian, solve, 1.0 / share
        self.kept = np.isfinite(apriori.frame.scale)
        penalised = apriori.strength[self.kept] > 0.0
        self.coercive, self.free = bool(np.all(penalised)), not np.all(penalised)
        self.certificate = Certificate(math.inf, 1.0, math.inf, "proved" if self.coercive else "unknown")
        self.at: Floats | None = None
        self.seen, self.estimate = 0, math.inf
        positive_share = engine.positive / engine.total_weight
        rarer = min(positive_share, 1.0 - positive_share)
        self.imbalance = BALANCE * rarer if rarer < RARE else math.inf

    @property
    def witness(self) -> Witness | None:
        """The proof that no finite optimum exists, if one was found."""
        return self.certificate.witness

    def take(self, certificate: Certificate, theta: Floats) -> None:
        """What is known from now on, and of which theta."""
        self.certificate, self.at = certificate, theta

    def about(self, theta: Floats) -> Certificate:
        """What is known of the last iterate: of an earlier one that was judged only the gap goes along, as J falls."""
        known = self.certificate
        if known.witness is not None or (self.at is not None and np.array_equal(self.at, theta)):
            return known
        return Certificate(known.gap + J_ROUNDS, 1.0, math.inf, known.exists)

    def enough(self, iterate: Iterate) -> bool:
        """Whether the run may end here: the gap is proved, or no optimum exists."""
        self.seen += 1
        before, self.estimate = self.estimate, self._estimate(iterate)
        creeps = self.solve is None and self.seen in SEARCH_AT and self.estimate > CREEPS * before
        if self.free and (iterate.point.errors == 0 or creeps):
            witness = self._search(iterate)
            if witness is not None:
                self.take(disproved(witness), iterate.theta)
                return True
        near = self.estimate * self.margin <= self.tol * iterate.point.value
        if not near or abs(float(iterate.point.gradient[-1])) > self.imbalance:
            return False
        known = self._known(iterate)
        if known is None or self.estimate * self.margin > known.left * self.tol * iterate.point.value:
            return False
        self._certify(iterate, known)
        gap = self.certificate.gap
        if gap > self.tol:  # the estimate was too hopeful: ask for more before the next examination
            self.margin *= 2.0 * min(gap / self.tol, 1e6) if math.isfinite(gap) else TOO_FAR
        return gap <= self.tol

    def ending(self, status: Status) -> Status:
        """How a run that ended with `status` ended, by what is known of where it came to."""
        if self.witness is not None:
            return Status.SEPARATED
        return Status.PROVED if status is Status.MINIMUM and self.certificate.gap <= self.tol else status

    def balanced(self, last: Iterate, evaluate: Callable[[Floats], Point]) -> Iterate:
        """`last`, where no step lowers J in floating point; one more of Newton if rare events ask for it.

        J of 200,000 rows with 20 positives cannot tell steps apart that change the expected number by 1e-8 of it; the
        gradient can. The step counts if it brings the intercept's gradient nearer to 0 and J rises by its rounding at
        most. `evaluate(theta)` answers with the Hessian.
        """
        if abs(float(last.point.gradient[-1])) <= self.imbalance:
            return last
        theta = last.theta + newton_step(last.point)
        point = evaluate(theta)
        better = abs(float(point.gradient[-1])) < abs(float(last.point.gradient[-1]))
        return replace(last, theta=theta, point=point) if better and point.value <= last.point.value * ROUNDED else last

    def examine(self, iterate: Iterate) -> None:
        """Form the certificate at this iterate."""
        known = self._known(iterate)
        if known is not None:
            self._certify(iterate, known)

    def _known(self, iterate: Iterate) -> Known | None:
        if self.hessian is not None:
            return self.hessian(iterate.theta)
        if iterate.point.hessian is None:
            return None
        ridge = np.append(self.apriori.strength, 0.0)
        total = (iterate.point.hessian - np.diag(ridge)) * self.apriori.weight
        return Known(total, self.apriori.doubt(iterate.theta))

    def _certify(self, iterate: Iterate, known: Known) -> None:
        metric = self.apriori.metric(known.hessian, known.doubt)
        if metric is None:
            return
        found = self.apriori.certificate(iterate.theta, iterate.point, metric)
        self.take(replace(found, exists="proved") if self.coercive else found, iterate.theta)

    def _estimate(self, iterate: Iterate) -> float:
        point = iterate.point
        if self.solve is not None:
            return 0.5 * float(point.gradient @ self.solve(point.gradient))
        if point.hessian is None:
            return math.inf
        least = 0.5 * float(np.max(point.gradient**2 / np.maximum(np.diagonal(point.hessian), TINY)))
        if least > self.tol * point.value:  # one coordinate alone shows that it is too early to solve for all
            return least
        return -0.5 * float(point.gradient @ newton_step(point))

    def _search(self, iterate: Iterate) -> Witness | None:
        """A separating plane, looked for among the columns that were kept and have no penalty."""
        w, b = self.user(iterate.theta)
        held = np.where(self.kept, self.apriori.strength, 1.0)
        return find_witness(self.engine, penalised=held, w=w, b=b)
