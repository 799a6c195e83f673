"""Successes out of trials, class weights and offsets: each is the same fit written in another way."""

import numpy as np
import pytest
import scipy.sparse as sp

import steepest
from steepest import formulas


def table(seed=0, m=400, n=4):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((m, n))
    return X, (rng.random(m) < formulas.sigmoid(X[:, 0] - 0.5)).astype(int), rng


def slopes(fit, X, y, weight, away):
    """The gradient of J + ½ l2 |w|² at the fit, relative to the size of its terms."""
    dz = weight * (formulas.sigmoid(X @ fit.w + fit.b + away) - y) / weight.sum()
    return np.append(X.T @ dz + fit.l2 * fit.w, dz.sum())


@pytest.mark.parametrize("shape", [(60, 3), (3000, 5), (60_000, 9), (80, 300), (700, 900)])
@pytest.mark.parametrize("method", ["auto", "newton", "nesterov"])
@pytest.mark.parametrize("form", [np.asarray, sp.csr_array])
def test_with_an_offset_the_gradient_is_zero(shape, method, form):
    m, n = shape
    if method != "auto" and (m > 5000 or n > 100):
        pytest.skip("named methods: small tables say the same")
    X, y, rng = table(1, m, n)
    away, weight = 2.0 * rng.standard_normal(m), rng.random(m) + 0.1
    extra = {} if method == "auto" else {"iterations": 20_000}
    fit = steepest.fit(form(X), y, method=method, l2=0.05, offset=away, sample_weight=weight, **extra)
    assert np.max(np.abs(slopes(fit, X, y, weight, away))) < 1e-4
    tight = steepest.fit(form(X), y, l2=0.05, offset=away, sample_weight=weight, tol=1e-13)
    near = n > 500 and form is sp.csr_array  # there descent ends where J moves by its last digits
    assert np.max(np.abs(slopes(tight, X, y, weight, away))) < (1e-5 if near else 1e-6)
    assert tight.certificate.gap <= (1e-7 if near else 1e-11)
    assert fit.value - tight.value <= max(fit.certificate.gap, 1e-13) * tight.value
    off = np.abs(fit.predict_proba(form(X), away) - tight.predict_proba(form(X), away))
    assert off.max() <= fit.certificate.max_probability_error + tight.certificate.max_probability_error


def test_an_offset_is_a_column_whose_weight_is_known():
    """A start at the optimum: with z of the optimum as offset nothing is left to fit."""
    X, y, _ = table(2)
    fit = steepest.fit(X, y, tol=1e-13)
    left = steepest.fit(X, y, offset=fit.decision_function(X), tol=1e-13)
    assert np.max(np.abs(np.append(left.w, left.b))) < 1e-6
    through = steepest.fit(X, y, offset=np.full(len(y), fit.b), intercept=False, tol=1e-13)
    np.testing.assert_allclose(through.w, fit.w, rtol=1e-5)


def test_repeated_rows_with_different_offsets_are_not_merged():
    rng = np.random.default_rng(3)
    X = rng.integers(0, 2, (30_000, 2)).astype(float)
    away = rng.standard_normal(30_000)
    y = rng.random(30_000) < formulas.sigmoid(X[:, 0] + away)
    fit = steepest.fit(X, y, offset=away)
    assert np.max(np.abs(slopes(fit, X, y, np.ones(30_000), away))) < 1e-5


def test_separated_rows_are_separated_whatever_the_offset():
    X, _, rng = table(4)
    fit = steepest.fit(X, X[:, 1] > 0.2, offset=rng.standard_normal(400) * 5)
    assert fit.certificate.exists == "disproved"


@pytest.mark.parametrize("l2", [0.0, 0.1])
def test_trials_are_rows_of_their_own(l2):
    X, _, rng = table(5)
    trials = rng.integers(0, 5, 400)
    hits = rng.binomial(trials, formulas.sigmoid(X[:, 0]))
    weight = rng.random(400) + 0.5
    fit = steepest.fit(X, hits, trials=trials, l2=l2, sample_weight=weight, tol=1e-13)
    rows = np.repeat(np.arange(400), trials)
    each = np.concatenate([[1] * k + [0] * (t - k) for k, t in zip(hits, trials, strict=True)]).astype(int)
    plain = steepest.fit(X[rows], each, l2=l2, sample_weight=weight[rows], tol=1e-13)
    assert fit.classes == (0, 1)
    np.testing.assert_allclose([*fit.w, fit.b], [*plain.w, plain.b], rtol=1e-6, atol=1e-9)
    assert abs(fit.value / plain.value - 1.0) < 1e-10


def test_shares_are_fitted_as_they_are():
    X, _, _ = table(6)
    truth = formulas.sigmoid(X @ [1.0, -2.0, 0.5, 0.0] + 0.3)
    fit = steepest.fit(X, truth, trials=1, tol=1e-14)
    np.testing.assert_allclose([*fit.w, fit.b], [1.0, -2.0, 0.5, 0.0, 0.3], atol=1e-6)
    assert fit.certificate.exists == "proved"


@pytest.mark.parametrize(
    ("y", "trials", "says"),
    [
        ([1.0, 5.0], [4, 4], "row 1 has 5 successes of 4 trials"),
        ([1.0, -1.0], [4, 4], "row 1 has -1 successes"),
        ([1.0, np.nan], [4, 4], "row 1 has nan"),
        ([0.0, 0.0], [4, 4], "at least one success and one failure"),
        ([1.0, 2.0], [4, 4, 4], "trials must be 2 numbers"),
        (["a", "b"], [4, 4], "numbers of successes"),
    ],
)
def test_what_are_no_successes_is_named(y, trials, says):
    with pytest.raises(steepest.DataError, match=says):
        steepest.fit([[1.0], [2.0]], y, trials=trials)


def test_class_weights_are_row_weights_and_calibrating_undoes_them():
    X, y, _ = table(7, 40_000)
    rare = np.flatnonzero((y == 0) | (np.arange(40_000) % 20 == 0))
    X, labels = X[rare], np.array(["no", "yes"])[y[rare]]
    for asked in ("balanced", {"yes": 7.5}):
        fit = steepest.fit(X, labels, class_weight=asked, l2=1e-6)
        factors = np.asarray(fit.class_weights)
        rows = steepest.fit(X, labels, sample_weight=factors[(labels == "yes").astype(int)], l2=1e-6)
        np.testing.assert_allclose(fit.w, rows.w, rtol=1e-12)
        balanced, calibrated = fit.predict_proba(X).mean(), fit.calibrated().predict_proba(X).mean()
        share = (labels == "yes").mean()
        assert abs(calibrated / share - 1.0) < 0.02 < abs(balanced / share - 1.0)
        assert abs(fit.calibrated().b - (fit.b - np.log(factors[1] / factors[0]))) < 1e-12
    assert rows.calibrated() is rows


def test_class_weights_of_three_classes():
    X, _, rng = table(8, 3000)
    y = np.argmax(X[:, :3] + rng.gumbel(size=(3000, 3)) + [0.0, 1.0, 2.0], axis=1)
    fit = steepest.fit(X, y, class_weight="balanced")
    each = np.asarray(fit.class_weights)[y]
    np.testing.assert_allclose(each @ fit.predict_proba(X) / each.sum(), 1.0 / 3.0, atol=1e-4)
    shares = np.bincount(y) / 3000
    np.testing.assert_allclose(fit.calibrated().predict_proba(X).mean(axis=0), shares, atol=0.02)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"class_weight": "even"}, "must be 'balanced'"),
        ({"class_weight": {5: 1.0}}, "class_weight names 5"),
        ({"class_weight": {1: 0.0}}, "numbers > 0"),
        ({"class_weight": "balanced", "trials": 1}, "class_weight is for labels"),
        ({"offset": [1.0, np.inf]}, "offset of row 1 is inf"),
        ({"offset": [1.0]}, "offset must be 2 numbers"),
        ({"offset": [1.0, 2.0], "kernel": "gram"}, "not there for kernel='gram'"),
    ],
)
def test_options_at_odds_are_refused(options, says):
    with pytest.raises(ValueError, match=says):
        steepest.fit([[1.0], [2.0]], [0, 1], **options)
