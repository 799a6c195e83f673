"""The regularisation path: every point is a fit, proved; where it begins; what it costs."""

import numpy as np
import pytest
import scipy.sparse as sp

import steepest


@pytest.fixture
def wide(rng):
    X = rng.standard_normal((120, 40))
    return X, X[:, 0] - X[:, 1] + 0.5 * X[:, 2] + rng.logistic(size=120) > 0.0


@pytest.mark.parametrize("l1_ratio", [1.0, 0.4])
def test_every_point_is_the_fit_of_its_strength(wide, l1_ratio):
    X, y = wide
    found = steepest.regularisation_path(X, y, l1_ratio=l1_ratio, count=12, tol=1e-10)
    assert found.gaps.max() <= 1e-10
    assert found.ws.shape == (12, 40)
    np.testing.assert_allclose(found.l1s / (found.l1s + found.l2s), l1_ratio)
    np.testing.assert_allclose(found.l1s / found.l1s[0], 0.01 ** (np.arange(12) / 11))
    for k in (0, 3, 7, 11):
        alone = steepest.fit(X, y, l1=found.l1s[k], l2=found.l2s[k], tol=1e-11)
        np.testing.assert_allclose(found.ws[k], alone.w, atol=2e-5)
        assert found.values[k] == pytest.approx(alone.value, rel=1e-9)
        assert found.nonzeros[k] == np.count_nonzero(alone.w)


def test_it_begins_where_the_first_weight_leaves_zero(wide):
    X, y = wide
    found = steepest.regularisation_path(X, y, count=3)
    assert found.nonzeros[0] == 0
    most = found.l1s[0]
    assert most == pytest.approx(np.abs(X.T @ (y - y.mean())).max() / len(y), rel=1e-6)
    near = steepest.regularisation_path(X, y, [0.999 * most, 1.001 * most])
    assert near.nonzeros.tolist() == [0, 1]
    assert near.l1s.tolist() == sorted(near.l1s.tolist(), reverse=True)
    share = float(y.mean())
    assert found.bs[0] == pytest.approx(np.log(share / (1.0 - share)), abs=1e-5)


def test_columns_without_a_penalty_are_there_from_the_start(wide):
    X, y = wide
    factors = np.ones(40)
    factors[0] = 0.0
    found = steepest.regularisation_path(X, y, penalty_factors=factors, count=5, tol=1e-9)
    assert np.flatnonzero(found.ws[0]).tolist() == [0]
    alone = steepest.fit(X[:, :1], y, tol=1e-12)
    assert found.ws[0, 0] == pytest.approx(alone.w[0], abs=1e-4)
    assert found.gaps.max() <= 1e-9


def test_bounds_hold_exactly_all_the_way(wide):
    X, y = wide
    found = steepest.regularisation_path(X, y, lower=0.0, upper=0.4, count=20, ratio=1e-3, tol=1e-8)
    assert found.ws.min() == 0.0
    assert found.ws.max() == 0.4
    assert found.gaps.max() <= 1e-8
    positive = (X.T @ (y - y.mean())).max() / len(y)
    assert found.l1s[0] == pytest.approx(positive, rel=1e-5)


@pytest.mark.parametrize("n", [20, 40, 700])
def test_sparse_is_dense(rng, n):
    X = rng.standard_normal((150, n)) * (rng.random((150, n)) < 0.2)
    y = X[:, 0] - X[:, 1] + 0.3 * rng.logistic(size=150) > 0.0
    dense, thin = (steepest.regularisation_path(rows, y, count=10, tol=1e-11) for rows in (X, sp.csr_array(X)))
    np.testing.assert_allclose(dense.ws, thin.ws, atol=2e-5)
    np.testing.assert_allclose(dense.values, thin.values, rtol=1e-10)
    assert dense.passes <= 40 or n <= 512


def test_a_point_costs_one_look_at_all_columns(rng):
    X = rng.standard_normal((200, 1000))
    y = X[:, :10].sum(axis=1) + rng.logistic(size=200) > 0.0
    found = steepest.regularisation_path(X, y, count=50)
    assert found.gaps.max() <= 1e-6
    assert found.passes <= 60


def test_text(shared_data):
    from optimum.test_sparse import sms

    X, y = sms(shared_data)
    found = steepest.regularisation_path(X, y)
    assert found.gaps.max() <= 1e-6
    assert found.passes <= 60
    assert found.nonzeros[-1] > 80
    assert all(each.exists == "proved" for each in found.certificates)
    assert max(each.max_probability_error for each in found.certificates) < 0.05
    w, b, l1 = found.ws[-1], found.bs[-1], found.l1s[-1]
    a = 1.0 / (1.0 + np.exp(-(X @ w + b)))
    slope = X.T @ (a - y) / len(y)
    assert np.abs(slope[w == 0.0]).max() <= l1 * (1.0 + 1e-4)
    np.testing.assert_allclose(slope[w != 0.0], -l1 * np.sign(w[w != 0.0]), rtol=2e-2)


def test_weights_and_repeated_rows_are_the_same(wide):
    X, y = wide
    once = steepest.regularisation_path(X, y, count=6, tol=1e-11, sample_weight=np.where(np.arange(120) < 30, 3.0, 1.0))
    rows = np.concatenate([np.arange(120), np.arange(30), np.arange(30)])
    thrice = steepest.regularisation_path(X[rows], y[rows], count=6, tol=1e-11)
    np.testing.assert_allclose(once.ws, thrice.ws, atol=2e-5)
    np.testing.assert_allclose(once.l1s, thrice.l1s, rtol=1e-9)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"l1_ratio": 0.0}, "l1_ratio=0.0 must be above 0"),
        ({"count": 0}, "count=0"),
        ({"ratio": 1.0}, "ratio=1.0"),
        ({"tol": 0.0}, "tol=0.0"),
        ({"penalties": [0.1, -1.0]}, "penalties="),
        ({"penalties": []}, "penalties="),
        ({"lower": 0.1}, "must leave the weight 0 possible"),
        ({"penalty_factors": -1.0}, "penalty_factors"),
    ],
)
def test_options_that_make_no_sense_are_refused(wide, options, message):
    with pytest.raises(ValueError, match=message):
        steepest.regularisation_path(*wide, **options)


def test_bad_values_are_refused(wide):
    X, y = wide
    with pytest.raises(steepest.DataError):
        steepest.regularisation_path(X, np.zeros(120))
    for bad in (np.where(X > 2.0, np.nan, X), sp.csr_array(np.where(X > 2.0, np.inf, X))):
        with pytest.raises(steepest.DataError, match="finite"):
            steepest.regularisation_path(bad, y)


@pytest.fixture
def classes(rng):
    X = rng.standard_normal((200, 60))
    return X, np.argmax(X[:, :4] @ rng.standard_normal((4, 3)) + rng.gumbel(size=(200, 3)), axis=1)


@pytest.mark.parametrize("l1_ratio", [1.0, 0.4])
@pytest.mark.parametrize("form", [np.asarray, sp.csr_array])
def test_every_point_of_three_classes_is_the_fit_of_its_strength(classes, l1_ratio, form):
    X, y = classes
    found = steepest.regularisation_path(form(X), y, l1_ratio=l1_ratio, count=10, tol=1e-9)
    assert found.gaps.max() <= 1e-9
    assert found.ws.shape == (10, 60, 3)
    assert found.bs.shape == (10, 3)
    assert found.nonzeros[0] == 0
    assert found.nonzeros.tolist() == [np.count_nonzero(each) for each in found.ws]
    assert all(each.exists == "proved" for each in found.certificates)
    for k in (0, 3, 9):
        alone = steepest.fit(X, y, l1=found.l1s[k], l2=found.l2s[k], tol=1e-10)
        assert found.values[k] == pytest.approx(alone.value, rel=2e-9)
        np.testing.assert_allclose(found.ws[k], alone.w, atol=2e-3)


def test_the_path_of_three_classes_begins_where_the_first_weight_leaves_zero(classes):
    X, y = classes
    found = steepest.regularisation_path(X, y, count=3, tol=1e-9)
    shares = np.bincount(y) / len(y)
    most = np.abs(X.T @ (np.eye(3)[y] - shares)).max() / len(y)
    assert found.l1s[0] == pytest.approx(most, rel=1e-6)
    near = steepest.regularisation_path(X, y, [0.999 * most, 1.001 * most])
    assert near.nonzeros.tolist() == [0, 1]
    np.testing.assert_allclose(found.bs[0], np.log(shares) - np.log(shares).mean(), atol=1e-6)


def test_factors_bounds_and_weights_of_three_classes(classes):
    X, y = classes
    factors = np.ones(60)
    factors[0] = 0.0
    found = steepest.regularisation_path(X, y, penalty_factors=factors, count=5, tol=1e-9)
    assert set(np.flatnonzero(found.ws[0])) == {0, 1, 2}
    held = steepest.regularisation_path(X, y, lower=-0.1, upper=0.2, count=5, tol=1e-8)
    assert held.ws.min() == -0.1
    assert held.ws.max() == 0.2
    assert max(found.gaps.max(), held.gaps.max()) <= 1e-8
    times = np.where(np.arange(200) < 50, 3.0, 1.0)
    once = steepest.regularisation_path(X, y, count=4, tol=1e-10, sample_weight=times)
    thrice = steepest.regularisation_path(*(np.repeat(each, times.astype(int), axis=0) for each in (X, y)), count=4,
                                          tol=1e-10)  # fmt: skip
    np.testing.assert_allclose(once.values, thrice.values, rtol=1e-9)


def test_a_point_of_four_classes_costs_one_look_at_all_columns(rng):
    X = rng.standard_normal((200, 1000))
    y = np.argmax(X[:, :5] @ rng.standard_normal((5, 4)) + rng.gumbel(size=(200, 4)), axis=1)
    found = steepest.regularisation_path(X, y, count=30)
    assert found.gaps.max() <= 1e-6
    assert found.passes <= 70
