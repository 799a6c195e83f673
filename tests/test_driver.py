"""The driver: every rule that ends a run, what is recorded when, and what is asked of the oracle, counted exactly."""

import math

import numpy as np
import pytest

from steepest import driver
from steepest.driver import StopRules, ask, drive
from steepest.errors import DataError
from steepest.solvers import METHODS
from steepest.types import Along, Evaluate, HessianTimes, Point, Status


class Bowl:
    """value = ½ |theta|²; counts what it is asked, and can misbehave at a given question."""

    def __init__(self, at=None, does=None):
        self.asked, self.at, self.does = [], at, does

    def answer(self, question):
        self.asked.append(question)
        if self.at == len(self.asked):
            outcome = self.does()
            if outcome is not None:
                return outcome
        theta = question.theta
        if isinstance(question, Along):
            moved = theta + np.array(question.steps)[:, None] * question.direction
            return 0.5 * (moved**2).sum(axis=1)
        if isinstance(question, HessianTimes):
            return question.direction
        value = 0.5 * float(theta @ theta)
        hessian = np.eye(len(theta)) if question.order == 2 else None
        return Point(value, value, 1, theta.copy() if question.order else None, hessian)

    def weights(self, theta):
        return theta[:-1], float(theta[-1])

    def norm(self, vector):
        return math.sqrt(vector @ vector)


START = np.array([3.0, 4.0])


def halving(theta):
    return METHODS["gd"].start(theta, 0.5)


def test_iterations_and_the_history_before_the_update():
    oracle = Bowl()
    run = drive(halving(START), oracle, StopRules(3))
    assert run.status is Status.ITERATIONS
    assert run.trace.cost.tolist() == [12.5, 3.125, 0.78125]  # the first is J at the start, the last is not the end's
    assert run.last.point.cost == 0.1953125
    assert run.trace.gradient_norm.tolist() == [5.0, 2.5, 1.25]
    assert run.trace.change.tolist() == [2.5, 1.25, 0.625]
    assert run.passes == len(oracle.asked) == 4
    assert (np.diff(run.trace.seconds) >= 0).all()


def test_no_iterations_evaluates_the_start_once():
    oracle = Bowl()
    run = drive(halving(START), oracle, StopRules(0))
    assert (run.status, run.passes, len(run.trace.cost)) == (Status.ITERATIONS, 1, 0)
    assert run.last.theta.tolist() == START.tolist()


def test_tolerance_on_the_change_of_the_weights():
    run = drive(halving(START), Bowl(), StopRules(100, tolerance=0.7))
    assert run.status is Status.UNCHANGED
    assert len(run.trace.cost) == 3
    assert run.trace.change[-1] == 0.625


def test_tolerance_zero_stops_only_when_nothing_moves():
    run = drive(METHODS["gd"].start(START, 1e-300), Bowl(), StopRules(100))
    assert run.status is Status.UNCHANGED
    assert run.trace.change.tolist() == [0.0]


def test_gradient_tolerance():
    run = drive(halving(START), Bowl(), StopRules(100, gradient_tolerance=1.25))
    assert run.status is Status.GRADIENT
    assert len(run.trace.cost) == 2
    assert run.last.gradient_norm == 1.25


def test_gradient_tolerance_holds_at_the_start():
    run = drive(halving(START), Bowl(), StopRules(100, gradient_tolerance=5.0))
    assert (run.status, run.passes) == (Status.GRADIENT, 1)


def test_budget(monkeypatch):
    clock = iter(float(t) for t in range(100))
    monkeypatch.setattr(driver.time, "perf_counter", lambda: next(clock))
    run = drive(halving(START), Bowl(), StopRules(100, budget=3.0))
    assert run.status is Status.BUDGET
    assert run.trace.seconds.tolist() == [1.0, 2.0]
    assert run.last.seconds == 3.0


def test_callback_sees_the_state_before_each_update_and_can_stop():
    seen = []

    def callback(step):
        seen.append((step.iteration, step.cost, step.w.tolist(), step.b))
        return len(seen) == 2

    run = drive(halving(START), Bowl(), StopRules(100), callback)
    assert run.status is Status.CALLBACK
    assert seen == [(0, 12.5, [3.0], 4.0), (1, 3.125, [1.5], 2.0)]
    assert len(run.trace.cost) == 2
    assert run.last.theta.tolist() == [0.75, 1.0]


def test_only_true_itself_stops():
    run = drive(halving(START), Bowl(), StopRules(5), lambda step: 1)
    assert run.status is Status.ITERATIONS


def test_watch_sees_every_iterate():
    seen = []
    drive(halving(START), Bowl(), StopRules(3), watch=lambda iterate: seen.append(iterate.point.cost))
    assert seen == [12.5, 3.125, 0.78125, 0.1953125]


def interrupt():
    raise KeyboardInterrupt


def test_ctrl_c_keeps_the_last_finished_step():
    run = drive(halving(START), Bowl(3, interrupt), StopRules(100))
    assert run.status is Status.INTERRUPTED
    assert run.last.theta.tolist() == [1.5, 2.0]
    assert run.trace.cost.tolist() == [12.5]


def test_ctrl_c_before_the_first_answer_is_an_interrupt():
    with pytest.raises(KeyboardInterrupt):
        drive(halving(START), Bowl(1, interrupt), StopRules(100))


def test_ctrl_c_in_a_callback():
    """The callback comes with an update that is already made: history and weights agree."""
    run = drive(halving(START), Bowl(), StopRules(100), lambda step: interrupt())
    assert run.status is Status.INTERRUPTED
    assert run.last.theta.tolist() == [1.5, 2.0]
    assert run.trace.cost.tolist() == [12.5]


@pytest.mark.parametrize("value", [math.inf, math.nan])
def test_overflow_keeps_the_last_sound_iterate(value):
    run = drive(halving(START), Bowl(3, lambda: Point(value, value, 1, START)), StopRules(100))
    assert run.status is Status.OVERFLOW
    assert run.last.theta.tolist() == [1.5, 2.0]
    assert math.isfinite(run.last.point.value)


def test_overflow_at_the_start_is_an_error():
    with pytest.raises(DataError, match="not finite at the starting weights"):
        drive(halving(START), Bowl(1, lambda: Point(math.inf, math.inf, 1, START)), StopRules(100))


def test_a_trial_that_becomes_the_iterate_is_not_computed_again():
    def solver(theta):
        yield Evaluate(theta, 2)
        tried = yield Evaluate(theta / 2, 2, trial=True)
        again = yield Evaluate(theta / 2, 2)
        assert again is tried
        yield Evaluate(theta / 2, 2, trial=True)
        other = yield Evaluate(theta / 4, 2)
        assert other is not tried
        return Status.MINIMUM

    oracle = Bowl()
    run = drive(solver(START), oracle, StopRules(100))
    assert run.passes == len(oracle.asked) == 4
    assert run.trace.cost.tolist() == [12.5, 3.125]
    assert run.status is Status.MINIMUM


def test_asides_are_answered_but_are_no_iterates():
    def solver(theta):
        yield Evaluate(theta, 1)
        assert (yield HessianTimes(theta, np.ones(2))).tolist() == [1.0, 1.0]
        assert (yield Along(theta, -theta, (1.0,))).tolist() == [0.0]
        yield Evaluate(0 * theta, 1)
        return Status.MINIMUM

    run = drive(solver(START), Bowl(), StopRules(100))
    assert (run.passes, len(run.trace.cost)) == (4, 1)


def test_the_last_iterate_needs_no_hessian():
    def solver(theta):
        while True:
            yield Evaluate(theta, 2)
            theta = theta / 2

    oracle = Bowl()
    drive(solver(START), oracle, StopRules(2))
    assert [question.order for question in oracle.asked] == [2, 2, 1]


def test_a_solver_that_asks_nothing_is_an_error():
    def solver():
        return Status.MINIMUM
        yield

    with pytest.raises(RuntimeError, match="at least one"):
        drive(solver(), Bowl(), StopRules(1))


def test_an_oracle_that_answers_nonsense_is_an_error():
    with pytest.raises(TypeError, match="not with str"):
        drive(halving(START), Bowl(1, lambda: "nonsense"), StopRules(1))


def test_ask_returns_what_the_generator_returns():
    def asking():
        point = yield Evaluate(START, 0)
        return point.value

    assert ask(asking(), Bowl()) == 12.5
