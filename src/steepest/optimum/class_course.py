"""Proximal Newton of K classes over the weights that matter, each point with its proof: `course.py` for the softmax.

What is held are single weights (feature and class), not columns: at an optimum with an l1 most classes of a feature
have none.
"""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from steepest.driver import Run, StopRules, drive
from steepest.optimum.class_leg import ClassLeg, to_user
from steepest.optimum.class_model import ClassModel, Pairs
from steepest.optimum.course import DRAWN, MOST_FREE, loose, worst
from steepest.optimum.held import Table
from steepest.optimum.leg import Goal
from steepest.penalties import ElasticNet
from steepest.proof.class_dual_point import ClassPoint, ClassRows, Dual, inward
from steepest.proof.class_duality import prove
from steepest.proof.duality import Proof
from steepest.proof.levelling import MOST_LEVELLED, levelled
from steepest.proof.rounding import exact_dot
from steepest.softmax_formulas import softmax
from steepest.solvers.proximal_newton import proximal_newton
from steepest.types import Floats, Status

__all__ = ["ClassCourse"]

SPARE, FEW = 1.3, 64  # as in `course.py`
ROUNDS = 60  # of adding weights


class ClassCourse:
    """Where the solver has come to: u (n, K) and b (K,) in the frame, w and shift the user's.

    c (n, K)  X~'s(Y - alpha) at the last look     at, proof  that point and what was proved there
    watches    whether to stop where weights that nothing holds may be running away; `stalled`: it did
    together (n,)  columns whose classes may be moved by one number without any change of F
    """

    def __init__(self, table: Table, rows: ClassRows, u: Floats, b: Floats, together: NDArray[np.bool_]) -> None:
        self.table, self.rows, self.u, self.b, self.together = table, rows, u, b, together
        self.w, self.shift = to_user(table.frame, u, b)
        self.c: Floats | None = None
        self.at: ClassPoint | None = None
        self.proof: Proof | None = None
        self.held = np.zeros(u.shape, dtype=bool)
        self.pairs: Pairs | None = None
        self.model: ClassModel | None = None
        self.before: tuple[Floats, Floats] | None = None
        self.watches, self.stalled = False, False

    def to(self, net: ElasticNet, candidates: NDArray[np.bool_], goal: Goal) -> list[Run]:
        """Minimise loss + net to the goal; `candidates` (n, K) are the weights to begin with."""
        self._ahead(net, goal.ahead)
        self._hold(candidates | (self.u != 0.0))
        runs: list[Run] = []
        tol, gap = goal.tol, math.inf
        for _ in range(ROUNDS):
            assert self.pairs is not None  # held
            leg = ClassLeg(self.table, self.rows, self.pairs, net.take(self.pairs.flat), goal)
            leg.tol, leg.model, leg.fresh, leg.watches = tol, self.model, self.model is None, self.watches
            start = np.append(self.u.ravel()[self.pairs.flat], self.b)
            before = (*goal.earlier, *runs)
            stop = goal.stop.after(before, leg.enough)
            runs.append(drive(proximal_newton(start, leg.nearest), leg, stop, goal.callback, before=before))
            self.model, self.stalled, status = leg.model, leg.stalled, runs[-1].status
            off, proof = self._look(leg, runs[-1].last.theta, net)
            if status not in (Status.PROVED, Status.MINIMUM) and not math.isfinite(proof.gap):
                proof = self._levelled(leg, runs[-1].last.theta, net)
            joining = worst(off.ravel(), len(self.pairs.place)).reshape(off.shape)
            if status not in (Status.PROVED, Status.MINIMUM) or self.stalled or proof.gap <= goal.tol:
                break
            if np.any(joining):
                self._hold(joining)
            elif goal.rough or (status is Status.MINIMUM and not proof.gap < 0.5 * gap):
                break
            else:
                tol, self.model = 0.1 * tol, None
            gap = proof.gap
        return runs

    def _ahead(self, net: ElasticNet, share: float) -> None:
        """Go on in the direction of the last penalties; weights that would change their sign stop at 0."""
        before, self.before = self.before, (self.u, self.b)
        if before is not None and share:
            u = self.u + share * (self.u - before[0])
            self.u, self.b = np.where(u * self.u > 0.0, u, 0.0), self.b + share * (self.b - before[1])
        self.u = np.clip(self.u.ravel(), net.lower, net.upper).reshape(self.u.shape)

    def stand(self, net: ElasticNet) -> None:
        """Prove what can be proved of where the course is, without a step."""
        self._hold(np.ones(self.u.shape, dtype=bool))
        assert self.pairs is not None  # held
        goal = Goal(1.0, StopRules(0), rough=True)
        leg = ClassLeg(self.table, self.rows, self.pairs, net.take(self.pairs.flat), goal)
        theta = np.append(self.u.ravel()[self.pairs.flat], self.b)
        self._look(leg, theta, net)
        self._levelled(leg, np.append(self.u.ravel()[self.pairs.flat], self.b), net)

    def _hold(self, wanted: NDArray[np.bool_]) -> None:
        """Add these weights to those held; if most of them no longer matter, keep these alone."""
        wanted = wanted | self.together[:, None]
        matter = wanted | (self.u != 0.0)
        both = self.held | wanted
        if np.count_nonzero(both) > SPARE * np.count_nonzero(matter) + FEW:
            both = matter
        if self.pairs is None or np.any(both != self.held):
            self.held, self.pairs, self.model = both, Pairs.of(self.table, both, self.pairs), None

    def _look(self, leg: ClassLeg, theta: Floats, net: ElasticNet) -> tuple[Floats, Proof]:
        """Look at all columns and form the proof; by how much weights not held violate the optimum's conditions."""
        alpha, _ = leg.dual(theta)
        theta = self._settled(leg, theta)
        here = leg.state(theta)
        self.at = ClassPoint(self.u, self.b, here.a, here.apart[np.arange(self.rows.m), self.rows.y], here.losses)
        dual = Dual.of(self.rows, alpha, self.table.correlate)
        self.c = dual.c
        self.proof = prove(self.table, self.rows, net, self.at, dual, leg.goal.tol)
        off = np.abs(net.violation(self.u.ravel(), self.c.ravel())).reshape(self.u.shape)
        off[self.held] = 0.0
        if not (np.any(off) or leg.goal.rough or self.proof.gap <= leg.goal.tol):
            moved = inward(self.table, self.rows, net, dual)  # only rounding may stand in the way
            if moved is not None:
                again = prove(self.table, self.rows, net, self.at, Dual.of(self.rows, moved, self.table.correlate))
                self.proof = min(self.proof, again, key=lambda proof: proof.bound)
        return off, self.proof

    def _levelled(self, leg: ClassLeg, theta: Floats, net: ElasticNet) -> Proof:
        """The proof from probabilities that were made a dual point: near those of an early end, or the shares."""
        assert self.at is not None  # looked at
        assert self.proof is not None
        rows, K = self.rows, self.rows.K
        free = np.flatnonzero(loose(net).reshape(self.u.shape).any(axis=1))
        if len(free) * rows.m > MOST_FREE or (len(free) + 1) * K > MOST_LEVELLED:
            return self.proof
        one = np.column_stack([self.table.dense(free), np.full((rows.m, int(rows.intercept)), 1.0)])
        z, Y = leg.state(theta).z, np.eye(K)[rows.y]
        for start in (z, np.zeros_like(z)):
            moved = levelled(start, Y, rows.s, one) if one.shape[1] else start
            if moved is not None:
                dual = Dual.of(rows, softmax(moved), self.table.correlate)
                for share in DRAWN:
                    again = prove(self.table, rows, net, self.at, dual if share == 1.0 else dual.drawn(rows, share))
                    self.proof = min(self.proof, again, key=lambda each: each.bound)
        return self.proof

    def _settled(self, leg: ClassLeg, theta: Floats) -> Floats:
        """Theta of the user's (W, b): classes add up to 0 where that changes nothing, b is rounded as it will be."""
        assert self.pairs is not None
        u, b = leg.whole(theta)
        if np.any(self.together):
            u[self.together] -= u[self.together].mean(axis=1, keepdims=True)
        if self.rows.intercept:
            b = b - b.mean()
        frame = self.table.frame
        self.w, self.shift = to_user(frame, u, b)
        self.shift = self.shift - self.shift.mean() if self.rows.intercept else self.shift
        if np.any(frame.centre):
            b = np.array([float(exact_dot(frame.centre, w) + Fraction(float(c)))
                          for w, c in zip(self.w.T, self.shift, strict=True)])  # fmt: skip
        else:
            b = self.shift
        self.u, self.b = u, b
        return np.append(u.ravel()[self.pairs.flat], b)
