"""One set of columns at one penalty: what a proximal Newton solver asks, its model, and who says when it is over.

The dual point of a step from a to a target with z moved by e is alpha = a + D e / s, the activations as the model sees
them: X's(y - alpha) is then the model's own gradient at the target, which satisfies the conditions of the optimum as
exactly as the model was solved, and KL(alpha | a at the target) falls with the fourth power of the step. The gradient
at the target itself would miss the conditions by the second power.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from steepest.driver import Iterate, Run, StopRules
from steepest.optimum.held import Held, Table, kernels
from steepest.optimum.quadratic import Model, minimum
from steepest.penalties import ElasticNet
from steepest.proof.dual_point import Rows
from steepest.proof.evidence import halves
from steepest.types import Answer, Evaluate, Floats, Point

__all__ = ["FLAT", "LOOSE", "PATIENCE", "SHARE", "SLOW", "SURE", "Goal", "Leg", "State", "slack"]

SURE = 0.3  # of the gap asked for may be KL of the dual point when all columns are looked at
SHARE = 0.1  # of the gap asked for may come from the model not being solved exactly
LOOSE = 1e-2  # relative gap that a model is solved to at least, while its steps are long
COARSE = 0.01  # of l1 at most may a column's gradient be off, whatever the gap asked for
SLOW = 0.1  # of the gap before a step: a model that leaves more is formed again
PATIENCE = 30  # steps after which weights that nothing holds may be running away
FLAT = 1e-300


@dataclass(frozen=True, slots=True)
class Goal:
    """What is asked of one penalty.

    tol        the proved relative gap; `rough`: an estimate of it will do
    stop       iterations and seconds     callback  called with every step
    watched    whether anyone looks at the steps: their gradients are then those of the penalty too
    ahead      how far to go on, before the first step, in the direction that led here from the penalty before
    earlier    runs of this fit so far: their steps and seconds count, and what `stop` allows is for all together
    """

    tol: float
    stop: StopRules
    rough: bool = False
    callback: Any = None
    watched: bool = False
    ahead: float = 0.0
    earlier: tuple[Run, ...] = ()


@dataclass(frozen=True, slots=True)
class State:
    """What the rows say at one theta: zeta = sign z, q = sigma(zeta) the probability of the less likely side by y,
    p = 1 - q, losses, their sum, the value with the penalty. slope (k + 1,) is the gradient of the sum of losses by
    (weights held, b).
    """

    theta: Floats
    zeta: Floats
    q: Floats
    p: Floats
    losses: Floats
    loss: float
    value: float
    errors: int
    slope: Floats


@dataclass(frozen=True, slots=True)
class Step:
    """A proposal of the model: from `state` to `target`, and the a(1 - a) with which it saw the rows."""

    state: State
    target: Floats
    bend: Floats


class Leg:
    """Theta = (weights of the columns held, b). `model` may come from a leg before, and serve the next.

    expected  about what the first step will leave of the gap; infinite if nothing is known
    stalled   whether weights that nothing holds may be running away (asked for by `watches`)
    """

    def __init__(self, table: Table, rows: Rows, held: Held, net: ElasticNet, goal: Goal) -> None:
        self.table, self.rows, self.held, self.net, self.goal = table, rows, held, net, goal
        self.kernels = kernels(table.n)
        self.model: Model | None = None
        self.exact, self.fresh, self.watches, self.stalled = False, True, False, False
        self.states: list[State] = []
        self.step: Step | None = None
        self.tol = self.aim = goal.tol
        self.expected, self.estimate, self.first, self.seen = math.inf, math.inf, math.inf, 0

    def whole(self, theta: Floats) -> tuple[Floats, float]:
        """(u, b) of all columns."""
        u = np.zeros(self.table.n)
        u[self.held.columns] = theta[:-1]
        return u, float(theta[-1])

    def weights(self, theta: Floats) -> tuple[Floats, float]:
        """The user's (w, b)."""
        return self.table.frame.to_user(*self.whole(theta))

    def norm(self, vector: Floats) -> float:
        """Euclidean."""
        return math.sqrt(float(vector @ vector))

    def answer(self, question: Any) -> Answer:
        """Value and gradient per unit of weight; where somebody looks, the subgradient nearest to 0."""
        assert isinstance(question, Evaluate)  # the only question of the solver
        state, weight = self.state(question.theta), self.rows.weight
        gradient = state.slope / weight
        if self.goal.watched:
            gradient[:-1] = -self.net.violation(state.theta[:-1], -state.slope[:-1]) / weight
        return Point(state.value / weight, state.loss / weight, state.errors, gradient)

    def state(self, theta: Floats) -> State:
        """What the rows say at theta; the last few are remembered."""
        for known in self.states:
            if known.theta is theta:
                return known
        rows = self.rows
        zeta = self.held.forward(theta[:-1])
        zeta += theta[-1] if rows.offset is None else theta[-1] + rows.offset
        zeta *= rows.sign
        q, p, losses = halves(zeta, rows.rest)
        loss = float(rows.s @ losses)
        r = rows.residual(q)
        slope = np.append(-self.held.correlate(r), -r.sum())
        errors = int(np.count_nonzero((zeta >= 0.0) & (rows.s > 0.0)))
        found = State(theta, zeta, q, p, losses, loss, loss + self.net.value(theta[:-1]), errors, slope)
        self.states = [found, *self.states[:3]]
        return found

    def nearest(self, theta: Floats) -> tuple[Floats, float]:
        """The target of the model at theta, and the change of the mean that it promises."""
        state, net = self.state(theta), self.net
        if self.fresh or self.model is None:
            self.model = Model.at(self.held, state.p * state.q, self.rows.s, self.exact)
            self.fresh = False
        model, slope, at = self.model, state.slope, theta[:-1]
        inner = slope[:-1] - model.edge * (slope[-1] / model.total)
        hoped = min(1.0, self.expected / max(state.value, FLAT)) if math.isfinite(self.expected) else 1.0
        self.aim = max(self.tol, min(LOOSE, SHARE * hoped))
        v = minimum(self.kernels, model, inner, at, net, slack(net, at, self.aim, state.value, model.diagonal))
        move = v - at
        target = np.append(v, theta[-1] - (slope[-1] + model.edge @ move) / model.total)
        promised = float(slope[:-1] @ move) + float(slope[-1] * (target[-1] - theta[-1]))
        promised += net.value(v) - net.value(at)
        self.step = Step(state, target, model.bend)
        return target, promised / self.rows.weight

    def dual(self, theta: Floats) -> tuple[Floats, bool]:
        """The dual point at theta (`dual_point.Rows`), and whether it is that of the last step.

        Where a long step sees probabilities beyond 0 and 1, and after a shortened one, it is that of the gradient.
        """
        here, step = self.state(theta), self.step
        if step is None:
            return here.q, False
        if step.state.theta is theta:  # from where no step was better
            rho = here.q + step.bend * (self.state(step.target).zeta - here.zeta)
        elif np.array_equal(step.target[:-1], theta[:-1]):
            rho = step.state.q + step.bend * (here.zeta - step.state.zeta)
        else:
            return here.q, False
        sound = float(rho.min()) >= 0.0 and float(rho.max()) <= 1.0
        return (rho, True) if sound else (here.q, False)

    def enough(self, iterate: Iterate) -> bool:
        """Whether to look at all columns now: the dual point of the last step promises the gap."""
        self.seen += 1
        if self.watches and (iterate.point.errors == 0 or self.seen > PATIENCE):
            self.stalled = True
            return True
        if self.step is None:
            return False
        here, (rho, stepped) = self.state(iterate.theta), self.dual(iterate.theta)
        away = rho - here.q
        estimate = 0.5 * float(self.rows.s @ (away * away / np.maximum(here.p * here.q, FLAT))) if stepped else math.inf
        self.first = estimate if self.seen == 2 else self.first
        self.fresh = not stepped or estimate > SLOW * self.estimate
        self.estimate, self.expected = estimate, SLOW * estimate
        return self.aim <= self.tol and estimate <= SURE * self.tol * here.value


def slack(net: ElasticNet, at: Floats, aim: float, value: float, diagonal: Floats) -> Floats:
    """How far each weight's gradient may be off at the model's target from `at`, for the relative gap `aim`."""
    allowed = SHARE * aim * value
    size = max(float(net.l1 @ np.abs(at)), allowed / (SHARE * COARSE), FLAT)
    curved = diagonal + net.l2
    ridge = np.sqrt(np.maximum(0.2 * allowed * curved / max(1, len(curved)), 0.0))
    return np.where(net.l1 > 0.0, net.l1 * min(COARSE, allowed / size), ridge)
