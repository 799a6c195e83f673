"""Every registered solver passes the kit; each does exactly the steps of its formula; Newton never raises J."""

import math

import numpy as np
import pytest

from steepest import formulas
from steepest.conformance import check_solver
from steepest.driver import StopRules, drive
from steepest.engines import MemoryEngine
from steepest.objective import Objective
from steepest.penalties import L2
from steepest.solvers import METHODS, Method, largest_curvature
from steepest.solvers.lbfgs import lbfgs
from steepest.solvers.momentum import MOMENTUM, momentum
from steepest.solvers.newton import newton, newton_step
from steepest.types import Along, Evaluate, HessianTimes, Point, Status

# Plain Newton from 0 goes .693 .474 .421 .396 .390 .378 .748 17.5 864 on these eight rows, whose optimum is finite.
RUNS_AWAY_X = np.array([[-1, 1], [-11, -3], [2, -17], [1, 5], [4, 0], [-1, -1], [-7, -2], [-546, 5]], dtype=float)
RUNS_AWAY_Y = np.array([1, 1, 1, 0, 0, 0, 1, 1], dtype=float)


@pytest.mark.parametrize("method", METHODS.values(), ids=lambda method: method.name)
def test_conforms(method):
    check_solver(method)


def test_registry():
    assert list(METHODS) == ["gd", "momentum", "nesterov", "newton"]
    assert [method.limit for method in METHODS.values()] == pytest.approx([2.0, 3.8, 4 / 3, 0.0])


def gradients(count):
    return [np.array([1.0, -2.0]) * 0.7**k for k in range(count)]


def thetas(solver, answers, value=1.0):
    """The iterates a solver asks for when it is told these gradients."""
    seen, question = [], next(solver)
    for gradient in answers:
        assert isinstance(question, Evaluate)
        assert (question.order, question.trial) == (1, False)
        seen.append(question.theta)
        question = solver.send(Point(value, value, 1, gradient))
    return np.array([*seen, question.theta])


def test_gradient_descent_is_the_seeds_step_bit_for_bit():
    theta, rate, expected = np.array([0.1, 0.2]), 0.03, []
    for gradient in gradients(5):
        expected.append(theta)
        theta = theta - rate * gradient
    assert np.array_equal(thetas(METHODS["gd"].start(expected[0], rate), gradients(5)), [*expected, theta])


def test_momentum_keeps_a_share_of_the_last_step():
    seen = thetas(momentum(np.zeros(2), 0.1), gradients(3))
    steps, expected = np.diff(seen, axis=0), np.zeros(2)
    for step, gradient in zip(steps, gradients(3), strict=True):
        expected = MOMENTUM * expected - 0.1 * gradient
        np.testing.assert_allclose(step, expected, rtol=1e-14)


def test_momentum_zero_is_descent():
    descent = thetas(METHODS["gd"].start(np.ones(2), 0.1), gradients(4))
    assert np.array_equal(thetas(momentum(np.ones(2), 0.1, keep=0.0), gradients(4)), descent)


def test_nesterov_follows_its_formula_and_restarts_when_j_rises():
    solver, rate = METHODS["nesterov"].start(np.zeros(2), 0.1), 0.1
    theta, landed, t, value = np.zeros(2), np.zeros(2), 1.0, math.inf
    question = next(solver)
    for k, (gradient, told) in enumerate(zip(gradients(6), [5.0, 4.0, 3.0, 3.5, 3.0, 2.0], strict=True)):
        np.testing.assert_allclose(question.theta, theta, rtol=1e-14)
        t = 1.0 if told > value else t
        before, landed, value = landed, theta - rate * gradient, told
        longer = (1 + math.sqrt(1 + 4 * t * t)) / 2
        theta, t = landed + (t - 1) / longer * (landed - before), longer
        if k == 3:
            assert np.array_equal(theta, landed)  # the step after the restart has no momentum
        question = solver.send(Point(told, told, 1, gradient))
    np.testing.assert_allclose(question.theta, theta, rtol=1e-14)


def test_nesterov_beats_descent_and_newton_beats_both(table):
    X, y = table
    objective = Objective(MemoryEngine(X * [1.0, 10.0, 0.1], y))
    steps = {}
    for name in ("gd", "nesterov", "newton"):
        rate = 1.0 / 14.0
        run = drive(METHODS[name].start(np.zeros(4), rate), objective, StopRules(100_000, gradient_tolerance=1e-6))
        assert run.status is Status.GRADIENT
        steps[name] = len(run.trace.cost)
    assert steps["newton"] < 10 < steps["nesterov"] * 5 < steps["gd"]


def newton_run(X, y, l2=0.0, theta=None, iterations=200):
    objective = Objective(MemoryEngine(X, y), penalty=L2(l2))
    return drive(newton(np.zeros(X.shape[1] + 1) if theta is None else theta), objective, StopRules(iterations))


def test_plain_newton_runs_away_on_eight_rows_where_ours_does_not():
    rows = np.column_stack([RUNS_AWAY_X, np.ones(8)])
    theta, costs = np.zeros(3), []
    while not costs or costs[-1] < 10.0:
        assert len(costs) < 12
        z = rows @ theta
        costs.append(float(np.mean(formulas.loss(z, RUNS_AWAY_Y))))
        hessian = (rows.T * formulas.curvature(z)) @ rows
        theta = theta - np.linalg.solve(hessian, rows.T @ (formulas.sigmoid(z) - RUNS_AWAY_Y))
    assert costs[-1] > 3.0 * costs[-2] > 3.0 * min(costs)
    run = newton_run(RUNS_AWAY_X, RUNS_AWAY_Y)
    assert run.status is Status.MINIMUM
    assert (np.diff(run.trace.value) <= 0.0).all()
    assert run.last.point.cost == pytest.approx(0.22990646606966308, rel=1e-12)
    assert run.last.gradient_norm < 1e-8  # J, known to 16 digits, shows no smaller gradient than its root


@pytest.mark.parametrize("seed", range(40))
def test_newton_never_raises_j_from_anywhere(seed):
    rng = np.random.default_rng(seed)
    X = np.round(rng.standard_cauchy((8, 2)) * 2.0)
    y = rng.integers(0, 2, 8).astype(float)
    run = newton_run(X, y, theta=rng.standard_normal(3) * 3.0, iterations=60)
    values = np.append(run.trace.value, run.last.point.value)
    assert (np.diff(values) <= 0.0).all()
    assert np.isfinite(run.last.theta).all()


def test_newton_with_duplicate_and_constant_columns(table):
    X, y = table
    clean = newton_run(X, y)
    doubled = newton_run(np.column_stack([X, X[:, 0], np.ones(len(y)), np.zeros(len(y))]), y)
    assert doubled.last.point.cost == pytest.approx(clean.last.point.cost, rel=1e-12)
    assert np.isfinite(doubled.last.theta).all()
    assert np.abs(doubled.last.theta).max() < 10.0


def test_newton_step_does_not_depend_on_units():
    hessian = np.array([[2.0, 0.5], [0.5, 1.0]])
    gradient, units = np.array([1.0, -1.0]), np.array([1e150, 1e-150])
    step = newton_step(Point(0.0, 0.0, 1, gradient, hessian))
    np.testing.assert_allclose(step, -np.linalg.solve(hessian, gradient), rtol=1e-14)
    scaled = newton_step(Point(0.0, 0.0, 1, gradient * units, hessian * units[:, None] * units))
    np.testing.assert_allclose(scaled * units, step, rtol=1e-14)


class Counting:
    """An objective that keeps the questions."""

    def __init__(self, X, y):
        self.objective, self.asked = Objective(MemoryEngine(X, y)), []

    def answer(self, question):
        self.asked.append(question)
        return self.objective.answer(question)

    def weights(self, theta):
        return self.objective.weights(theta)

    def norm(self, vector):
        return self.objective.norm(vector)


@pytest.mark.parametrize("name", ["gd", "momentum", "nesterov"])
def test_first_order_methods_read_the_rows_once_per_step(table, name):
    oracle = Counting(*table)
    run = drive(METHODS[name].start(np.zeros(4), 0.5), oracle, StopRules(25))
    assert run.passes == len(oracle.asked) == 26
    assert {type(question) for question in oracle.asked} == {Evaluate}
    assert {question.order for question in oracle.asked} == {1}


def test_newton_reads_the_rows_once_per_full_step(table):
    oracle = Counting(*table)
    run = drive(newton(np.zeros(4)), oracle, StopRules(4))
    assert len(run.trace.cost) == 4
    assert run.passes == len(oracle.asked) == 5
    assert all(isinstance(question, Evaluate) for question in oracle.asked)


def test_newton_needs_two_passes_more_for_a_shortened_step():
    oracle = Counting(RUNS_AWAY_X, RUNS_AWAY_Y)
    run = drive(newton(np.zeros(3)), oracle, StopRules(100))
    shortened = sum(isinstance(question, Along) for question in oracle.asked)
    assert shortened > 0
    assert run.passes == 1 + len(run.trace.cost) + 2 * shortened


def power(matrix):
    asking, count = largest_curvature(np.zeros(len(matrix))), 0
    question = next(asking)
    while True:
        assert isinstance(question, HessianTimes)
        count += 1
        try:
            question = asking.send(matrix @ question.direction)
        except StopIteration as end:
            return end.value, count


def test_largest_curvature_is_the_largest_eigenvalue(rng):
    basis = np.linalg.qr(rng.standard_normal((6, 6)))[0]
    matrix = (basis * [9.0, 4.0, 3.0, 1.0, 0.5, 0.0]) @ basis.T
    found, count = power(matrix)
    assert found.value == pytest.approx(9.0, rel=1e-7)
    assert abs(found.direction @ basis[:, 0]) == pytest.approx(1.0, abs=1e-4)
    assert count <= 200


def test_largest_curvature_names_its_column():
    found, _ = power(np.diag([1.0, 50.0, 2.0]))
    assert (found.column, round(found.share, 6)) == (1, 1.0)


def test_largest_curvature_of_nothing_is_zero():
    found, count = power(np.zeros((3, 3)))
    assert (found.value, count) == (0.0, 1)


def misbehaving(kind):
    def solver(theta, rate):
        while True:
            at = yield Evaluate(theta, order=1)
            if kind == "writes to theta":
                theta -= rate * at.gradient
            elif kind == "writes to answers":
                at.gradient[:] *= rate
                theta = theta - at.gradient
            elif kind == "asks nonsense":
                yield "what now?"
            elif kind == "climbs":
                theta = theta + rate * at.gradient
            elif kind == "returns nothing":
                return
            elif kind == "throws dice":
                theta = theta - rate * at.gradient * np.random.default_rng().random()
            elif kind == "forgets b":
                theta = theta - rate * np.append(at.gradient[:-1], 0.0)

    return Method(kind, solver, 2.0, spans=True)


@pytest.mark.parametrize(
    "kind",
    ["writes to theta", "writes to answers", "asks nonsense", "climbs", "returns nothing", "throws dice", "forgets b"],
)
def test_kit_catches(kind):
    with pytest.raises((AssertionError, ValueError), match=r"solver|read-only"):
        check_solver(misbehaving(kind))


def test_newton_ends_where_the_hessian_overflows():
    solver = newton(np.zeros(2))
    next(solver)
    with pytest.raises(StopIteration) as end:
        solver.send(Point(0.7, 0.7, 1, np.ones(2), np.array([[np.inf, 0.0], [0.0, 1.0]])))
    assert end.value.value is Status.OVERFLOW


def problem_of_units(spread, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((300, 12)) @ (np.eye(12) + 0.3 * rng.standard_normal((12, 12)))
    y = (X @ rng.standard_normal(12) + rng.logistic(size=300) > 0.0).astype(float)
    scale = 10.0 ** rng.uniform(-spread, spread, 12)
    return Objective(MemoryEngine(X * scale, y), penalty=L2(1e-3 * scale**2))


def lbfgs_run(objective, single):
    diagonal = np.diagonal(objective.answer(Evaluate(np.zeros(13), 2)).hessian)
    solver = lbfgs(np.zeros(13), lambda v: v / diagonal, 6, unit=np.sqrt(diagonal) if single else None)
    return drive(solver, objective, StopRules(200, gradient_tolerance=-1.0, tolerance=-1.0))


def test_pairs_in_single_precision_take_no_more_steps_whatever_the_units():
    optimum = drive(newton(np.zeros(13)), problem_of_units(0.0), StopRules(100)).last.point.value
    steps = {}
    for spread, single in ((0.0, False), (0.0, True), (3.0, True), (60.0, True)):
        run = lbfgs_run(problem_of_units(spread), single)
        assert np.all(np.diff(run.trace.value) <= 0.0)
        near = np.flatnonzero(run.trace.value <= optimum * (1.0 + 1e-12))
        steps[spread, single] = near[0] if len(near) else np.inf
    assert steps[0.0, True] <= 45 < steps[0.0, False]  # which is not rescaled
    assert max(steps[3.0, True], steps[60.0, True]) <= steps[0.0, True] + 2
