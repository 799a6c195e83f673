"""Two classes without an intercept: rows and their mirror images are the same problem; K classes: none at all."""

import numpy as np
import pytest
import scipy.optimize
import scipy.sparse as sp

import steepest
from steepest.formulas import loss
from steepest.origin import mirrored


def objective(X, y, s, l2):
    def value(w):
        z = X @ w
        slope = s * (1.0 / (1.0 + np.exp(-z)) - y)
        return s @ loss(z, y) / s.sum() + 0.5 * l2 * w @ w, X.T @ slope / s.sum() + l2 * w

    return value


@pytest.fixture
def rows(rng):
    X = rng.standard_normal((150, 4)) + 0.5
    y = (X @ [1.0, -1.0, 0.5, 0.0] + rng.logistic(size=150) > 0.0).astype(np.float64)
    return X, y, rng.uniform(0.5, 2.0, 150)


@pytest.mark.parametrize("l2", [0.0, 0.01])
@pytest.mark.parametrize("form", [np.asarray, sp.csr_array])
def test_the_optimum_without_an_intercept(rows, l2, form):
    X, y, s = rows
    fit = steepest.fit(form(X), y, intercept=False, l2=l2, sample_weight=s, tol=1e-11)
    best = scipy.optimize.minimize(objective(X, y, s, l2), np.zeros(4), jac=True, method="BFGS", options={"gtol": 1e-9})
    np.testing.assert_allclose(fit.w, best.x, atol=2e-5)
    assert fit.b == 0.0
    assert fit.value == pytest.approx(best.fun, rel=1e-10)
    assert fit.certificate.gap <= 1e-11


@pytest.mark.parametrize("method", ["gd", "momentum", "nesterov", "newton"])
def test_named_methods_stay_on_planes_through_the_origin(rows, method):
    X, y, s = rows
    fit = steepest.fit(X, y, intercept=False, method=method, sample_weight=s, l2=0.1)
    best = steepest.fit(X, y, intercept=False, sample_weight=s, l2=0.1)
    np.testing.assert_allclose(fit.w, best.w, atol=1e-4)
    assert fit.b == 0.0


def test_one_step_of_descent_is_that_without_an_intercept(rows):
    X, y, s = rows
    fit = steepest.fit(X, y, intercept=False, learning_rate=0.5, iterations=1, sample_weight=s)
    _, gradient = objective(X, y, s, 0.0)(np.zeros(4))
    np.testing.assert_allclose(fit.w, -0.5 * gradient, rtol=1e-13)
    assert fit.cost == pytest.approx(objective(X, y, s, 0.0)(fit.w)[0], rel=1e-13)


def test_a_plane_through_the_origin_is_a_witness_on_the_rows_themselves():
    X = np.array([[1.0, 0.0], [2.0, 1.0], [-1.0, 0.5], [-3.0, 0.0]])
    fit = steepest.fit(X, [1, 1, 0, 0], intercept=False)
    witness = fit.certificate.witness
    assert (witness.kind, witness.separated, witness.direction[-1]) == ("complete", 4, 0)
    sparse = steepest.fit(sp.csr_array([[1.0], [2.0], [-1.0], [0.0], [0.0]]), [1, 1, 0, 1, 0], intercept=False)
    witness = sparse.certificate.witness
    assert (witness.kind, witness.separated) == ("quasi-complete", 3)


def test_a_plane_that_needs_an_intercept_is_none():
    X = np.array([[1.0], [2.0], [3.0], [4.0]])
    assert steepest.fit(X, [0, 0, 1, 1]).certificate.exists == "disproved"
    assert steepest.fit(X, [0, 0, 1, 1], intercept=False).certificate.exists == "proved"


def test_whole_numbers_are_mirrored_as_floats():
    rows, label, weight, offset = np.array([[-128, 3]], dtype=np.int8), np.array([0], np.uint8), [2.0], [0.5]
    X, y, s, away = mirrored(rows, label, np.array(weight), np.array(offset))
    np.testing.assert_array_equal(X, [[-128.0, 3.0], [128.0, -3.0]])
    np.testing.assert_array_equal(y, [0, 1])
    np.testing.assert_array_equal(s, [2.0, 2.0])
    np.testing.assert_array_equal(away, [0.5, -0.5])


@pytest.mark.parametrize("l2", [0.0, 1e-3])
@pytest.mark.parametrize("shape", [(150, 4), (400, 90)])
def test_three_classes_without_intercepts(rng, l2, shape):
    X = rng.standard_normal(shape) + 0.5
    y = (0.5 * X[:, :3] + rng.gumbel(size=(len(X), 3))).argmax(axis=1)
    fit = steepest.fit(X, y, intercept=False, l2=l2, tol=1e-11)
    assert np.all(fit.b == 0.0)
    assert fit.certificate.gap <= 1e-11
    Z = X @ fit.w
    A = np.exp(Z - Z.max(axis=1, keepdims=True))
    A /= A.sum(axis=1, keepdims=True)
    gradient = X.T @ (A - np.eye(3)[y]) / len(X) + l2 * fit.w
    assert np.abs(gradient).max() < 1e-5


def test_a_constant_column_is_worth_something_without_an_intercept(rng):
    X = np.column_stack([rng.standard_normal(90), np.ones(90), np.zeros(90)])
    y = np.arange(90) % 3
    fit = steepest.fit(X, y, intercept=False)
    assert [note.text.split(":")[0] for note in fit.notes] == ["x3 = 0"]
    with_intercept = steepest.fit(X[:, :1], y)
    np.testing.assert_allclose(fit.w[1], with_intercept.b, atol=1e-4)
