"""One set of weights of K classes at one penalty: what a proximal Newton solver asks, as `leg.py` for two classes.

The dual point of a step from a to a target with z moved by U is alpha_ik = a_ik (1 + u_ik - a_i'u_i), the activations
as the model sees them: X's(Y - alpha) is the model's own gradient at the target.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from steepest import softmax_formulas
from steepest.driver import Iterate
from steepest.optimum.class_model import ClassModel, Pairs
from steepest.optimum.held import Table, kernels
from steepest.optimum.leg import FLAT, LOOSE, PATIENCE, SHARE, SLOW, SURE, Goal, slack
from steepest.penalties import ElasticNet
from steepest.proof.class_dual_point import ClassRows
from steepest.scaling import Scaling
from steepest.types import Answer, Evaluate, Floats, Point

__all__ = ["ClassLeg", "ClassState", "to_user"]


@dataclass(frozen=True, slots=True)
class ClassState:
    """What the rows say at one theta: z and a = softmax(z) (m, K), |Y - a|, losses, their sum, the value with the
    penalty; by_w (p,) and by_b (K,) are the gradient of the sum of losses.
    """

    theta: Floats
    z: Floats
    a: Floats
    apart: Floats
    losses: Floats
    loss: float
    value: float
    errors: int
    by_w: Floats
    by_b: Floats


@dataclass(frozen=True, slots=True)
class Step:
    """A proposal of the model: from `state` to `target`, and the probabilities with which it saw the rows."""

    state: ClassState
    target: Floats
    a: Floats


class ClassLeg:
    """Theta = (weights held, K intercepts). `model` may come from a leg before, and serve the next.

    stalled   whether weights that nothing holds may be running away (asked for by `watches`)
    """

    def __init__(self, table: Table, rows: ClassRows, pairs: Pairs, net: ElasticNet, goal: Goal) -> None:
        self.table, self.rows, self.pairs, self.net, self.goal = table, rows, pairs, net, goal
        self.kernels, self.weight = kernels(table.n * rows.K), float(rows.s.sum())
        self.model: ClassModel | None = None
        self.states: list[ClassState] = []
        self.step: Step | None = None
        self.tol = self.aim = goal.tol
        self.fresh, self.expected, self.estimate = True, math.inf, math.inf
        self.watches, self.stalled, self.seen = False, False, 0

    def whole(self, theta: Floats) -> tuple[Floats, Floats]:
        """(U, b) of all columns, (n, K) and (K,)."""
        K = self.rows.K
        u = np.zeros((self.table.n, K))
        u[self.pairs.held.columns] = self.pairs.spread(theta[:-K])
        return u, theta[-K:]

    def weights(self, theta: Floats) -> tuple[Floats, Any]:
        """The user's (W, b)."""
        return to_user(self.table.frame, *self.whole(theta))

    def norm(self, vector: Floats) -> float:
        """Euclidean."""
        return math.sqrt(float(vector @ vector))

    def answer(self, question: Any) -> Answer:
        """Value and gradient per unit of weight; where somebody looks, the subgradient nearest to 0."""
        assert isinstance(question, Evaluate)  # the only question of the solver
        state = self.state(question.theta)
        by_w = state.by_w
        if self.goal.watched:
            by_w = -self.net.violation(state.theta[: len(by_w)], -by_w)
        gradient = np.append(by_w, state.by_b) / self.weight
        return Point(state.value / self.weight, state.loss / self.weight, state.errors, gradient)

    def state(self, theta: Floats) -> ClassState:
        """What the rows say at theta; the last few are remembered."""
        for known in self.states:
            if known.theta is theta:
                return known
        rows, v, b = self.rows, theta[: -self.rows.K], theta[-self.rows.K :]
        z = self.pairs.forward(v) + b
        a = softmax_formulas.softmax(z)
        apart, losses = rows.apart(a), softmax_formulas.loss(z, rows.y)
        R, loss = rows.residual(apart), float(rows.s @ losses)
        by_b = -R.sum(axis=1) if rows.intercept else np.zeros(rows.K)
        own = z[np.arange(rows.m), rows.y]
        beaten = np.where(np.arange(rows.K) == rows.y[:, None], -np.inf, z).max(axis=1) >= own
        errors = int(np.count_nonzero(beaten & (rows.s > 0.0)))
        value = loss + self.net.value(v)
        found = ClassState(theta, z, a, apart, losses, loss, value, errors, -self.pairs.correlate(R), by_b)
        self.states = [found, *self.states[:3]]
        return found

    def nearest(self, theta: Floats) -> tuple[Floats, float]:
        """The target of the model at theta, and the change of the mean that it promises."""
        state, net, K = self.state(theta), self.net, self.rows.K
        if self.fresh or self.model is None:
            self.model = ClassModel.at(self.table, self.pairs, state.a, self.rows.s, self.rows.intercept)
            self.fresh = False
        hoped = min(1.0, self.expected / max(state.value, FLAT)) if math.isfinite(self.expected) else 1.0
        self.aim = max(self.tol, min(LOOSE, SHARE * hoped))
        at, b = theta[:-K], theta[-K:]
        allowed = slack(net, at, self.aim, state.value, self.model.diagonal)
        v, shift = self.model.target(self.kernels, (state.by_w, state.by_b), (at, b), net, allowed)
        target = np.append(v, shift)
        promised = float(state.by_w @ (v - at)) + float(state.by_b @ (shift - b)) + net.value(v) - net.value(at)
        self.step = Step(state, target, self.model.a)
        return target, promised / self.weight

    def dual(self, theta: Floats) -> tuple[Floats, bool]:
        """The dual point alpha (m, K) at theta, and whether it is that of the last step.

        Where a long step sees probabilities beyond 0 and 1, and after a shortened one, it is that of the gradient.
        """
        here, step = self.state(theta), self.step
        if step is None:
            return here.a, False
        if step.state.theta is theta:  # from where no step was better
            start, moved = here, self.state(step.target).z - here.z
        elif np.array_equal(step.target, theta):
            start, moved = step.state, here.z - step.state.z
        else:
            return here.a, False
        alpha = start.a + softmax_formulas.covariance_times(step.a, moved)
        return (alpha, True) if float(alpha.min()) >= 0.0 else (here.a, False)

    def enough(self, iterate: Iterate) -> bool:
        """Whether to look at all columns now: the dual point of the last step promises the gap."""
        self.seen += 1
        if self.watches and (iterate.point.errors == 0 or self.seen > PATIENCE):
            self.stalled = True
            return True
        if self.step is None:
            return False
        here, (alpha, stepped) = self.state(iterate.theta), self.dual(iterate.theta)
        estimate = math.inf
        if stepped:
            away = alpha - here.a
            estimate = 0.5 * float(self.rows.s @ (away * away / np.maximum(here.a, FLAT)).sum(axis=1))
        self.fresh = not stepped or estimate > SLOW * self.estimate
        self.estimate, self.expected = estimate, SLOW * estimate
        return self.aim <= self.tol and estimate <= SURE * self.tol * here.value


def to_user(frame: Scaling, u: Floats, b: Floats) -> tuple[Floats, Floats]:
    """(U, b) of the frame as the user's W (n, K) and b (K,)."""
    w = (u.T / frame.scale).T
    return w, b - frame.centre @ w
