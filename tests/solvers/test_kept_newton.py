"""Newton's method with a Hessian that is kept: how often one is asked for, and that it ends where Newton's does."""

import itertools

import numpy as np
import pytest

from steepest.driver import StopRules, drive
from steepest.engines import MemoryEngine
from steepest.objective import Objective
from steepest.penalties import L2
from steepest.solvers.kept_newton import kept_newton, opening
from steepest.solvers.newton import newton
from steepest.types import Evaluate, Status


class Counting:
    """An objective that writes down what it is asked."""

    def __init__(self, objective):
        self.objective, self.asked = objective, []

    def answer(self, question):
        if isinstance(question, Evaluate):
            self.asked.append(question.order)
        else:
            self.asked.append("along")
        return self.objective.answer(question)

    def weights(self, theta):
        return self.objective.weights(theta)

    def norm(self, vector):
        return self.objective.norm(vector)


def problem(m=3000, n=6, seed=0, size=1.0, l2=1e-3):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((m, n))
    y = (rng.random(m) < 1.0 / (1.0 + np.exp(-size * X[:, 0] - 0.3))).astype(float)
    return Counting(Objective(MemoryEngine(X, y), penalty=L2(np.full(n, l2))))


def to_the_end(solver, oracle):
    return drive(solver, oracle, StopRules(100, -1.0, -1.0))


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("size", [0.5, 5.0])
def test_it_ends_where_newtons_method_does(seed, size):
    oracle = problem(seed=seed, size=size)
    start = np.zeros(7)
    kept, plain = to_the_end(kept_newton(start), oracle), to_the_end(newton(start), problem(seed=seed, size=size))
    assert kept.status is plain.status is Status.MINIMUM
    np.testing.assert_allclose(kept.last.theta, plain.last.theta, atol=1e-7)


def test_a_hessian_serves_while_steps_come_far():
    oracle = problem()
    best = to_the_end(newton(np.zeros(7)), problem()).last.theta
    oracle.asked.clear()
    near = best + 0.02
    run = to_the_end(kept_newton(near, before=1e9), oracle)
    assert np.linalg.norm(run.last.theta - best) < 1e-7
    assert oracle.asked[0] == 2
    assert oracle.asked.count(2) == 1 or oracle.asked.index(2, 1) > 3  # rounding alone may ask for another
    oracle.asked.clear()
    to_the_end(kept_newton(near), oracle)
    assert oracle.asked[:2] == [2, 2]  # nothing was known of how far a step comes


def test_far_out_every_step_has_a_hessian_of_its_own():
    oracle = problem(size=8.0, l2=1e-6)
    to_the_end(kept_newton(np.zeros(7)), oracle)
    assert oracle.asked[:4] == [2, 2, 2, 2]


def test_a_step_that_would_raise_J_is_left_to_newtons_method():
    oracle = problem(size=3.0)
    start = np.full(7, 4.0)
    run = to_the_end(kept_newton(start), oracle)
    assert "along" in oracle.asked
    np.testing.assert_allclose(run.last.theta, to_the_end(newton(np.zeros(7)), oracle).last.theta, atol=1e-6)
    values = [*run.trace.value, run.last.point.value]
    assert all(after <= before for before, after in itertools.pairwise(values))


def test_the_opening_makes_one_step_or_none():
    oracle = problem()
    theta = np.zeros(7)
    run = drive(opening(theta, lambda v: 4.0 * v), oracle, StopRules(1, -1.0, -1.0))
    assert run.status is Status.ITERATIONS
    assert run.last.point.hessian is not None
    assert oracle.asked == [1, 2]
    run = drive(opening(theta, lambda v: -4.0 * v), oracle, StopRules(1, -1.0, -1.0))
    assert run.status is Status.MINIMUM
    assert run.last.theta is theta
