"""The course's own numbers: cat images, unit values, the admission exercise, as printed in its notebooks."""

import numpy as np
import pytest

import steepest


@pytest.fixture(scope="module")
def cat(shared_data):
    X, y, *_test = shared_data.cat()
    return steepest.fit(X, y, learning_rate=0.005, iterations=2000), shared_data


def test_cat_twenty_costs_to_six_decimals(cat):
    fit, shared = cat
    published = shared.expected("cat")["learning_rate_0_005"]["costs_every_100"]
    assert len(published) == 20
    assert [round(float(cost), 6) for cost in fit.history[::100]] == published


def test_cat_accuracies_and_weights(cat):
    fit, shared = cat
    X, y, test_X, test_y = shared.cat()
    expected = shared.expected("cat")["learning_rate_0_005"]
    train, test = (100.0 * np.mean(fit.predict(A) == t) for A, t in ((X, y), (test_X, test_y)))
    assert train == pytest.approx(expected["train_accuracy_percent"], abs=1e-9)
    assert round(train, 3) == 99.043
    assert test == pytest.approx(expected["test_accuracy_percent"], abs=1e-9)
    assert fit.b == pytest.approx(expected["b_final_ours"], rel=1e-10)
    assert np.linalg.norm(fit.w) == pytest.approx(expected["w_norm_ours"], rel=1e-10)


def test_cat_by_rows_and_by_columns(cat):
    """The row space is the default here; the plain steps give the same."""
    fit, shared = cat
    X, y, *_ = shared.cat()
    plain = steepest.fit(X, y, learning_rate=0.005, iterations=100, kernel="vectorised")
    np.testing.assert_allclose(plain.history, fit.history[:100], rtol=1e-12)


def test_unit_values_propagate(shared_data):
    unit = shared_data.expected("coursera_units")["propagate"]
    X, y = np.array(unit["X"]).T, np.array(unit["Y"])
    seen = []
    fit = steepest.fit(X, y, w=unit["w"], b=unit["b"], learning_rate=1.0, iterations=1, callback=seen.append)
    assert fit.history[0] == pytest.approx(unit["cost"], abs=1e-12)
    np.testing.assert_allclose(unit["w"] - fit.w, unit["dw"], atol=1e-12)
    assert unit["b"] - fit.b == pytest.approx(unit["db"], abs=1e-12)
    assert seen[0].gradient_norm == pytest.approx(np.hypot(np.linalg.norm(unit["dw"]), unit["db"]), abs=1e-12)


@pytest.mark.parametrize("kernel", ["loop", "vectorised", "gram"])
def test_unit_values_optimize(shared_data, kernel):
    given, unit = (shared_data.expected("coursera_units")[part] for part in ("propagate", "optimize"))
    X, y = np.array(given["X"]).T, np.array(given["Y"])
    start = {"w": given["w"], "b": given["b"], "learning_rate": unit["lr"], "kernel": kernel}
    fit = steepest.fit(X, y, iterations=unit["iterations"], **start)
    np.testing.assert_allclose(fit.w, unit["w"], atol=1e-12)
    assert fit.b == pytest.approx(unit["b"], abs=1e-12)
    # The notebook prints the gradient of the last update, the one taken before it.
    before = steepest.fit(X, y, iterations=unit["iterations"] - 1, **start)
    np.testing.assert_allclose((before.w - fit.w) / unit["lr"], unit["dw"], atol=1e-12)
    assert (before.b - fit.b) / unit["lr"] == pytest.approx(unit["db"], abs=1e-12)


def test_unit_values_sigmoid_and_predict(shared_data):
    units = shared_data.expected("coursera_units")
    for z, a in units["sigmoid"].items():
        assert steepest.formulas.sigmoid(float(z)) == pytest.approx(a, abs=1e-15)
    unit = units["predict"]
    X = np.array(unit["X"]).T
    fit = steepest.fit(X, [0, 1, 1], w=unit["w"], b=unit["b"], iterations=0)
    assert fit.predict(X).tolist() == unit["predictions"]


@pytest.fixture
def exams(shared_data):
    table = shared_data.columns("ng_ex2data1/ex2data1.txt", "exam1_score", "exam2_score", "decision")
    return table[:, :2], table[:, 2].astype(int), shared_data.expected("ng_ex2data1")


def gradient(X, y, w, b):
    """(db, dw1, dw2) at w, b, the exercise's order: what one step with rate 1 takes off."""
    fit = steepest.fit(X, y, w=w, b=b, learning_rate=1.0, iterations=1)
    return np.array([b - fit.b, *(np.asarray(w) - fit.w)])


def test_exams_cost_and_gradient(exams):
    X, y, expected = exams
    assert len(X) == expected["m"]
    assert steepest.fit(X, y, iterations=0).cost == pytest.approx(expected["cost_at_zero"], abs=1e-12)
    np.testing.assert_allclose(gradient(X, y, [0.0, 0.0], 0.0), expected["grad_at_zero"], atol=5.1e-5)
    np.testing.assert_allclose(gradient(X, y, [0.0, 0.0], 0.0), expected["ours"]["grad_at_zero"], atol=5.1e-9)
    b, *w = expected["test_theta"]
    at = steepest.fit(X, y, w=w, b=b, iterations=0)
    assert round(at.cost, 3) == expected["cost_at_test_theta"]
    assert at.cost == pytest.approx(expected["ours"]["cost_at_test_theta"], abs=1e-14)
    assert np.round(gradient(X, y, w, b), 3).tolist() == expected["grad_at_test_theta"]


def test_exams_optimum(exams):
    X, y, expected = exams
    for fit in (
        steepest.fit(X, y, method="newton"),
        steepest.fit(X, y, method="nesterov", standardize=True, iterations=5000, gradient_tolerance=1e-10),
    ):
        assert fit.cost == pytest.approx(expected["ours"]["cost"], rel=1e-14)
        np.testing.assert_allclose([fit.b, *fit.w], expected["ours"]["theta"], rtol=1e-7)
        assert np.round([fit.b, *fit.w], 3).tolist() == expected["optimum"]["theta"]
        assert fit.predict_proba([[45.0, 85.0]])[0] == pytest.approx(expected["ours"]["p_45_85"], abs=1e-7)
        assert np.mean(fit.predict(X) == y) == expected["train_accuracy"]
