"""partial_fit: batches seen once, remembered as quadratics; and how far that is from the fit to all rows."""

import math
import pickle

import numpy as np
import pytest
import scipy.optimize
import scipy.sparse as sp
from sklearn.linear_model import SGDClassifier

import steepest
from steepest import LogisticRegression
from steepest.estimator import streaming
from steepest.formulas import loss, sigmoid


@pytest.fixture(scope="module")
def stream():
    """20,000 rows of six columns in units from 0.01 to 100, two classes."""
    rng = np.random.default_rng(20260101)
    scales = np.logspace(-2, 2, 6)
    X = rng.standard_normal((20_000, 6)) * scales + 3.0 * scales
    y = ((X / scales - 3.0) @ [1.0, -1.0, 0.5, 0.0, 2.0, -0.5] + rng.logistic(size=20_000) > 0.0).astype(int)
    return X, y


def taught(X, y, size, **parameters):
    model = LogisticRegression(**parameters)
    for i in range(0, len(y), size):
        model.partial_fit(X[i : i + size], y[i : i + size], classes=np.unique(y))
    return model


@pytest.mark.parametrize("size", [50, 1000])
def test_one_round_comes_near_the_fit_to_all_rows(stream, size):
    X, y = stream
    model = taught(X, y, size)
    proof = model.gap(X, y)
    assert 0.0 < proof.gap < 2e-3
    assert proof.max_probability_error < 0.1
    assert model.history_.shape == model.n_iter_ == len(y) // size
    assert model.history_[0] == pytest.approx(math.log(2.0), rel=1e-14)
    assert math.isinf(model.gap_)
    optimum = LogisticRegression().fit(X, y)
    assert optimum.gap(X, y).gap < 1e-9
    assert np.abs(model.predict_proba(X) - optimum.predict_proba(X)).max() <= proof.max_probability_error


def test_it_comes_nearer_than_averaged_descent_with_standardised_columns(stream):
    X, y = stream
    Z = (X - X.mean(axis=0)) / X.std(axis=0)
    peer = SGDClassifier(loss="log_loss", average=True, alpha=1.0 / len(y), random_state=0)
    for i in range(0, len(y), 200):
        peer.partial_fit(Z[i : i + 200], y[i : i + 200], classes=[0, 1])
    peer_z, ours = peer.decision_function(Z), taught(X, y, 200)
    theirs = loss(peer_z, y).mean()
    assert loss(ours.decision_function(X), y).mean() < theirs


def test_a_batch_is_fitted_on_top_of_what_is_remembered(rng):
    X, y = rng.standard_normal((40, 3)), rng.integers(0, 2, 40)
    model = LogisticRegression(C=2.0).partial_fit(X[:20], y[:20], classes=[0, 1])
    first = np.append(model.coef_[0], model.intercept_)
    A = model._stream.curvature
    z = np.column_stack([X[:20], np.ones(20)])
    c = sigmoid(z @ first) * sigmoid(-(z @ first))
    np.testing.assert_allclose(A, np.diag([0.5, 0.5, 0.5, 5e-4]) + (z * c[:, None]).T @ z, rtol=1e-6)
    model.partial_fit(X[20:], y[20:])
    z = np.column_stack([X[20:], np.ones(20)])
    best = scipy.optimize.minimize(
        lambda theta: loss(z @ theta, y[20:]).sum() + 0.5 * (theta - first) @ A @ (theta - first), first, tol=1e-12
    )
    np.testing.assert_allclose(np.append(model.coef_[0], model.intercept_), best.x, atol=1e-5)


def test_the_first_batch_alone_is_a_fit(rng):
    X, y = rng.standard_normal((500, 3)), rng.integers(0, 2, 500)
    model = LogisticRegression().partial_fit(X, y, classes=[0, 1])
    assert model.gap(X, y).gap < 1e-6


@pytest.mark.parametrize("form", [np.asarray, sp.csr_array])
@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("dense", [1000, 1])
def test_sparse_rows_no_intercept_and_the_diagonal(stream, monkeypatch, form, fit_intercept, dense):
    monkeypatch.setattr(streaming, "DENSE", dense)
    X, y = stream
    X = (X / X.std(axis=0))[:4000]
    model = LogisticRegression(fit_intercept=fit_intercept)
    for i in range(0, 4000, 500):
        model.partial_fit(form(X[i : i + 500]), y[i : i + 500], classes=[0, 1])
    assert model._stream.curvature.ndim == (2 if dense == 1000 else 1)
    assert model.gap(form(X), y[:4000]).gap < (5e-3 if dense == 1000 else 0.5)
    assert fit_intercept or model.intercept_[0] == 0.0


@pytest.mark.parametrize("dense", [1000, 1])
def test_classes_arrive_one_after_the_other(rng, monkeypatch, dense):
    monkeypatch.setattr(streaming, "DENSE", dense)
    X = rng.standard_normal((6000, 4))
    y = np.array(["a", "b", "c"])[(X[:, :3] + rng.gumbel(size=(6000, 3))).argmax(axis=1)]
    X, y = np.concatenate([X[y == "a"][:300], X]), np.concatenate([y[y == "a"][:300], y])
    model = taught(X, y, 100)
    assert model.classes_.tolist() == ["a", "b", "c"]
    assert model.gap(X, y).gap < (0.01 if dense == 1000 else 0.2)
    np.testing.assert_allclose(model.coef_.sum(axis=0), 0.0, atol=1e-12)


def test_it_goes_on_after_a_fit_and_after_pickling(stream):
    X, y = stream
    model = LogisticRegression().fit(X[:10_000], y[:10_000])
    before = model.gap(X, y).gap
    again = pickle.loads(pickle.dumps(model))
    for each in (model, again):
        for i in range(10_000, 20_000, 500):
            each.partial_fit(X[i : i + 500], y[i : i + 500])
    assert model.gap(X, y).gap < 0.5 * before
    np.testing.assert_array_equal(model.coef_, again.coef_)
    assert math.isinf(model.gap_)
    assert model.fit(X, y).gap_ <= 1e-9
    assert model.partial_fit(X[:10], y[:10])._stream.batches == 1


def test_without_a_penalty_separable_batches_stay_finite():
    model = LogisticRegression(C=np.inf)
    for _ in range(3):
        model.partial_fit([[0.0], [1.0]], [0, 1], classes=[0, 1])
    assert 5.0 < model.coef_[0, 0] < 1000.0
    assert model.gap([[0.0], [1.0]], [0, 1]).exists == "disproved"


def test_weights_count_as_rows(stream):
    X, y = stream
    twice = LogisticRegression().partial_fit(X[:100], y[:100], classes=[0, 1], sample_weight=np.full(100, 2.0))
    rows = LogisticRegression().partial_fit(np.repeat(X[:100], 2, axis=0), np.repeat(y[:100], 2), classes=[0, 1])
    np.testing.assert_allclose(twice.coef_, rows.coef_, rtol=1e-6)


def test_the_gap_of_three_classes_holds(rng):
    X = rng.standard_normal((300, 4))
    y = (X[:, :3] + rng.gumbel(size=(300, 3))).argmax(axis=1)
    model = LogisticRegression().fit(X, y)
    value = steepest.fit(X, y, l2=1.0 / 300.0, tol=1e-13).value
    model.coef_ = model.coef_ + 0.1
    model.coef_[0] += 0.2
    Z = model.decision_function(X)
    losses = np.log(np.exp(Z).sum(axis=1)) - Z[np.arange(300), y]
    above = losses.mean() + 0.5 / 300.0 * np.sum(model.coef_**2) - value
    assert above / value <= model.gap(X, y).gap <= 1.001 * above / value + 1e-8


def test_what_a_stream_refuses(stream):
    X, y = stream
    with pytest.raises(ValueError, match="classes must be passed on the first call"):
        LogisticRegression().partial_fit(X[:10], y[:10])
    model = LogisticRegression().partial_fit(X[:10], y[:10], classes=[0, 1])
    with pytest.raises(ValueError, match=r"y holds np.int64\(7\), which is none of the classes \[0, 1\]"):
        model.partial_fit(X[:2], [0, 7])
    with pytest.raises(ValueError, match="expecting 6 features"):
        model.partial_fit(X[:2, :3], [0, 1])
    with pytest.raises(ValueError, match="not the same as on last call"):
        model.partial_fit(X[:2], [0, 1], classes=[0, 1, 2])
    with pytest.raises(ValueError, match="Input X contains NaN"):
        model.partial_fit(np.full((2, 6), np.nan), [0, 1])
    with pytest.raises(ValueError, match="partial_fit takes one penalty on the squares"):
        LogisticRegression(class_weight="balanced").partial_fit(X[:10], y[:10], classes=[0, 1])
    with pytest.raises(ValueError, match="gap compares fits of the same classes"):
        model.gap(X[:10], np.arange(10) % 3)
