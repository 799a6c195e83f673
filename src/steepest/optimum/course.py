"""Proximal Newton over the columns that matter, from penalty to penalty, each point with its proof.

At one penalty: hold the columns that may have a weight, take Newton steps on them until the dual point of the last step
promises the gap (`leg.py`), look at all columns once, and prove the gap; columns that violate the conditions of the
optimum join. From one penalty to the next everything is kept: weights, the correlations of all columns with the
residuals, the columns held and the Hessian, which serves until its steps no longer shrink the gap tenfold.
"""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from steepest.driver import Run, StopRules, drive
from steepest.optimum.held import Table
from steepest.optimum.leg import Goal, Leg
from steepest.optimum.quadratic import Model
from steepest.penalties import ElasticNet
from steepest.proof.dual_point import Point, Rows, inward
from steepest.proof.duality import Proof, prove
from steepest.proof.levelling import MOST_LEVELLED, levelled
from steepest.proof.rounding import exact_dot
from steepest.softmax_formulas import softmax
from steepest.solvers.proximal_newton import proximal_newton
from steepest.types import Floats, Status

__all__ = ["DRAWN", "FAR", "MOST_FREE", "MOST_STOOD", "Course", "loose", "worst"]

FEW = 64  # columns whose Hessian is formed again at every new penalty: it costs no more than a step
SPARE = 1.3  # times the columns that matter: with more than that, the others are let go
ROUNDS = 60  # of adding columns
MOST_FREE = 1 << 24  # numbers of columns that nothing holds, whose c is made 0 at an early end
# Numbers of a table for which a fit that ended so is proved by duality: seconds, and where none are left some tenths.
MOST_STOOD = {Status.CALLBACK: MOST_FREE, Status.ITERATIONS: MOST_FREE, Status.BUDGET: 1 << 20}
DRAWN = (
    1.0,
    0.3,
    0.1,
    0.03,
    0.01,
    1e-3,
    1e-4,
    1e-5,
    1e-6,
)  # shares of such a dual point: the farther from the optimum, the less is best
FAR = 1.0  # a relative gap beyond which another dual point may say more
JOINING = 256  # columns that may join at a time, or as many as there are


class Course:
    """Where the solver has come to: u (n,) and b in the frame.

    c (n,)    X~'s(y - alpha) at the last look at all columns     at, proof  that point and what was proved there
    watches   whether to stop where weights that nothing holds may be running away; `stalled`: it did
    """

    def __init__(self, table: Table, rows: Rows, u: Floats, b: float) -> None:
        self.table, self.rows, self.u, self.b = table, rows, u, b
        self.c: Floats | None = None
        self.at: Point | None = None
        self.proof: Proof | None = None
        self.held = table.hold(np.zeros(0, np.intp), None)
        self.model: Model | None = None
        self.before: tuple[Floats, float] | None = None
        self.watches, self.stalled, self.first = False, False, math.inf

    def to(self, net: ElasticNet, candidates: NDArray[np.bool_], goal: Goal) -> list[Run]:
        """Minimise loss + net to the goal; `candidates` are the columns to begin with."""
        self._ahead(net, goal.ahead)
        self._hold(candidates | (self.u != 0.0))
        runs: list[Run] = []
        tol, exact, gap, expected = goal.tol, False, math.inf, self.first
        for _ in range(ROUNDS):
            leg = Leg(self.table, self.rows, self.held, net.take(self.held.columns), goal)
            leg.tol, leg.exact, leg.watches, leg.expected = tol, exact, self.watches, expected
            leg.model, leg.fresh = self.model, self.model is None or len(self.held.columns) <= FEW
            start = np.append(self.u[self.held.columns], self.b)
            before = (*goal.earlier, *runs)
            stop = goal.stop.after(before, leg.enough)
            runs.append(drive(proximal_newton(start, leg.nearest), leg, stop, goal.callback, before=before))
            self.model, self.stalled, status = leg.model, leg.stalled, runs[-1].status
            self.first = math.inf if goal.rough else leg.first
            joining, proof = self._look(leg, runs[-1].last.theta, net, goal)
            if status not in (Status.PROVED, Status.MINIMUM) and not math.isfinite(proof.gap):
                proof = self._levelled(net)
            if status not in (Status.PROVED, Status.MINIMUM) or self.stalled or proof.gap <= goal.tol:
                break
            if np.any(joining):
                self._hold(joining)
            elif goal.rough or (status is Status.MINIMUM and exact and not proof.gap < 0.5 * gap):
                break
            else:
                tol, exact, self.model = 0.1 * tol, True, None
            gap, expected = proof.gap, math.inf
        return runs

    def stand(self, net: ElasticNet) -> None:
        """Prove what can be proved of where the course is, without a step."""
        self._hold(self.u != 0.0)
        goal = Goal(1.0, StopRules(0), rough=True)
        leg = Leg(self.table, self.rows, self.held, net.take(self.held.columns), goal)
        _, proof = self._look(leg, np.append(self.u[self.held.columns], self.b), net, goal)
        if not proof.gap <= FAR:
            proof = self._levelled(net)
        if not proof.gap <= FAR:  # penalties hold weights, but hardly
            self._levelled(net, np.ones(self.table.n, dtype=bool))

    def _ahead(self, net: ElasticNet, share: float) -> None:
        """Go on in the direction of the last penalties; weights that would change their sign stop at 0."""
        before, self.before = self.before, (self.u, self.b)
        if before is not None and share:
            u = self.u + share * (self.u - before[0])
            self.u, self.b = np.where(u * self.u > 0.0, u, 0.0), self.b + share * (self.b - before[1])
        self.u = np.clip(self.u, net.lower, net.upper)

    def _hold(self, wanted: NDArray[np.bool_]) -> None:
        """Add these columns to those held; if most of them no longer matter, keep these alone."""
        held = self.held.columns
        has = np.zeros(self.table.n, dtype=bool)
        has[held] = True
        new, matter = np.flatnonzero(wanted & ~has), wanted | (self.u != 0.0)
        if len(held) + len(new) > SPARE * np.count_nonzero(matter) + FEW and np.any(has & ~matter):
            self.held, self.model = self.table.hold(np.concatenate([held[matter[held]], new]), self.held), None
        elif len(new):
            self.held = self.table.hold(np.concatenate([held, new]), self.held)
            self.model = None if self.model is None else self.model.grown(self.held)

    def _look(self, leg: Leg, theta: Floats, net: ElasticNet, goal: Goal) -> tuple[NDArray[np.bool_], Proof]:
        """Look at all columns and form the proof; which columns not held violate the conditions of the optimum."""
        theta = self._settled(leg, theta)
        here, (rho, _) = leg.state(theta), leg.dual(theta)
        self.at = Point(self.u, self.b, here.q, here.p, here.losses)
        self.c = self.table.correlate(self.rows.residual(rho))
        self.proof = prove(self.table, self.rows, net, self.at, (rho, self.c), goal.tol)
        off = np.abs(net.violation(self.u, self.c))
        off[self.held.columns] = 0.0
        if not (np.any(off) or goal.rough or self.proof.gap <= goal.tol):
            moved = inward(self.table, self.rows, net, rho, self.c)  # only rounding may stand in the way
            if moved is not None:
                c = self.table.correlate(self.rows.residual(moved))
                again = prove(self.table, self.rows, net, self.at, (moved, c))
                self.proof = min(self.proof, again, key=lambda proof: proof.bound)
        return worst(off, len(self.held.columns)), self.proof

    def _levelled(self, net: ElasticNet, columns: NDArray[np.bool_] | None = None) -> Proof:
        """The proof from probabilities that were made a dual point: near those of an early end, or the shares.

        c is made 0 at `columns`, by default those that nothing holds.
        """
        assert self.at is not None  # looked at
        assert self.proof is not None
        rows, free = self.rows, np.flatnonzero(loose(net) if columns is None else columns)
        if len(free) * rows.y.size > MOST_FREE or 2 * len(free) + 2 > MOST_LEVELLED:
            return self.proof
        one = np.column_stack([self.table.dense(free), np.ones(len(rows.y))])
        zeta = np.log(self.at.q) - np.log(self.at.p)
        Y = np.column_stack([1.0 - rows.rest, rows.rest])
        for start in (zeta, np.zeros_like(zeta)):
            z = levelled(np.column_stack([np.zeros_like(start), start]), Y, rows.s, one * rows.sign[:, None])
            if z is not None:
                rho = softmax(z)[:, 1]
                c = self.table.correlate(rows.residual(rho))
                for share in DRAWN:
                    dual = rows.rest + share * (rho - rows.rest), share * c
                    again = prove(self.table, rows, net, self.at, dual)
                    self.proof = min(self.proof, again, key=lambda each: each.bound)
        return self.proof

    def _settled(self, leg: Leg, theta: Floats) -> Floats:
        """Theta with the b that belongs to the user's (w, b), rounding included; the course stands there then."""
        self.u, self.b = leg.whole(theta)
        frame = self.table.frame
        if not np.any(frame.centre):
            return theta
        w, b = frame.to_user(self.u, self.b)
        self.b = float(exact_dot(frame.centre, w) + Fraction(b))
        return theta if self.b == theta[-1] else np.append(theta[:-1], self.b)


def loose(net: ElasticNet) -> NDArray[np.bool_]:
    """The columns whose weight no penalty and at most one bound holds."""
    found: NDArray[np.bool_] = (net.l1 == 0.0) & (net.l2 == 0.0) & ((net.lower == -np.inf) | (net.upper == np.inf))
    return found


def worst(off: Floats, held: int) -> NDArray[np.bool_]:
    """The columns that are off, or the worst of them: at most as many as are held, and some.

    >>> worst(np.array([0.0, 3.0, 1.0]), 2)
    array([False,  True,  True])
    """
    found = off > 0.0
    most = max(JOINING, held)
    if np.count_nonzero(found) > most:
        found &= off >= np.partition(off, -most)[-most]
    return found
