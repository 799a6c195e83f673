"""The objective: means, penalty and scaling, against formulas written out on whole arrays."""

import numpy as np
import pytest

from steepest import formulas
from steepest.engines import MemoryEngine
from steepest.kernels import KERNELS, Kernel, vectorised
from steepest.objective import Objective
from steepest.penalties import L2
from steepest.scaling import Scaling, moments_of
from steepest.types import Along, Evaluate, HessianTimes


def value(X, y, s, l2, theta):
    return float(s @ formulas.loss(X @ theta[:-1] + theta[-1], y) / s.sum() + 0.5 * l2 * theta[:-1] @ theta[:-1])


@pytest.fixture(params=[False, True], ids=["as is", "standardised"])
def case(request, rng):
    X = rng.standard_normal((50, 3)) * [1.0, 5.0, 0.2] + [0.0, 3.0, -1.0]
    y, s = rng.integers(0, 2, 50).astype(float), rng.random(50) + 0.1
    engine = MemoryEngine(X, y, s)
    scaling = Scaling.standard(engine.sum(moments_of)) if request.param else None
    seen = (X - scaling.centre) / scaling.scale if scaling else X
    return Objective(engine, penalty=L2(0.3), scaling=scaling), seen, y, s, rng.standard_normal(4)


def test_value_and_cost(case):
    objective, X, y, s, theta = case
    for order in (0, 1, 2):
        point = objective.answer(Evaluate(theta, order))
        assert point.value == pytest.approx(value(X, y, s, 0.3, theta), rel=1e-13)
        assert point.cost == pytest.approx(value(X, y, s, 0.0, theta), rel=1e-13)
    assert objective.answer(Evaluate(theta, 0)).gradient is None
    assert objective.answer(Evaluate(theta, 1)).hessian is None


def test_gradient_and_hessian(case):
    objective, X, y, s, theta = case
    rows, z = np.column_stack([X, np.ones(50)]), X @ theta[:-1] + theta[-1]
    penalised = 0.3 * np.array([1.0, 1.0, 1.0, 0.0])
    point = objective.answer(Evaluate(theta, 2))
    gradient = rows.T @ (s * (formulas.sigmoid(z) - y)) / s.sum() + penalised * theta
    np.testing.assert_allclose(point.gradient, gradient, rtol=1e-12, atol=1e-13)
    hessian = (rows.T * (s * formulas.curvature(z))) @ rows / s.sum() + np.diag(penalised)
    np.testing.assert_allclose(point.hessian, hessian, rtol=1e-11, atol=1e-12)
    direction = np.array([0.3, -1.0, 2.0, 0.5])
    product = objective.answer(HessianTimes(theta, direction))
    np.testing.assert_allclose(product, hessian @ direction, rtol=1e-11, atol=1e-12)


def test_gradient_by_differences(case):
    objective, *_, theta = case
    gradient, h = objective.answer(Evaluate(theta, 1)).gradient, 1e-5
    for j, unit in enumerate(np.eye(4)):
        up, down = (objective.answer(Evaluate(theta + t * unit, 0)).value for t in (h, -h))
        assert gradient[j] == pytest.approx((up - down) / (2 * h), abs=1e-8)


def test_along(case):
    objective, X, y, s, theta = case
    direction, steps = np.array([1.0, 0.5, -2.0, 0.3]), (0.0, 0.5, -1.0, 2.0)
    expected = [value(X, y, s, 0.3, theta + t * direction) for t in steps]
    np.testing.assert_allclose(objective.answer(Along(theta, direction, steps)), expected, rtol=1e-12)


def test_theta_and_weights_are_inverse(case):
    objective, *_, theta = case
    np.testing.assert_allclose(objective.theta(*objective.weights(theta)), theta, rtol=1e-13, atol=1e-14)


def test_intercept_is_last_and_never_penalised(table):
    objective = Objective(MemoryEngine(*table), penalty=L2(7.0))
    assert objective.theta(np.array([1.0, 2.0, 3.0]), 4.0).tolist() == [1.0, 2.0, 3.0, 4.0]
    only_b = np.array([0.0, 0.0, 0.0, 5.0])
    point = objective.answer(Evaluate(only_b, 1))
    assert point.value == point.cost
    bare = Objective(MemoryEngine(*table)).answer(Evaluate(only_b, 1))
    assert np.array_equal(point.gradient, bare.gradient)


def test_penalty_functions():
    w = np.array([1.0, -2.0])
    assert L2(0.5).value(w) == 1.25
    assert L2(0.5).gradient(w).tolist() == [0.5, -1.0]
    assert L2().value(w) == 0.0


def test_norm_is_euclidean(table):
    assert Objective(MemoryEngine(*table)).norm(np.array([3.0, 4.0])) == 5.0


def test_every_kernel_gives_the_same_answers(table):
    theta, engine = np.array([0.5, -1.0, 2.0, 0.1]), MemoryEngine(*table)
    answers = [Objective(engine, kernel).answer(Evaluate(theta, 2)) for kernel in KERNELS.values()]
    for answer in answers[1:]:
        np.testing.assert_allclose(answer.gradient, answers[0].gradient, rtol=1e-13, atol=1e-15)
        np.testing.assert_allclose(answer.hessian, answers[0].hessian, rtol=1e-13, atol=1e-15)


@pytest.mark.parametrize(("order", "left_out"), [(1, "dw"), (2, "ddw")])
def test_a_lazy_kernel_is_named(table, order, left_out):
    def lazy(block, w, b, asked):
        return vectorised.sums(block, w, b, order - 1)

    kernel = Kernel("lazy", lazy, vectorised.hessian_times, vectorised.along)
    with pytest.raises(TypeError, match=f"'lazy' left out {left_out}"):
        Objective(MemoryEngine(*table), kernel).answer(Evaluate(np.zeros(4), order))
