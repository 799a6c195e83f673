"""Properties of `LogisticRegression` with every method and kind of penalty (hypothesis, derandomised).

What is checked of `steepest.fit` in the files beside this one holds through the estimator as well: what may not matter
does not. `STEEPEST_THOROUGH=1` tries 60 tables instead of 3.
"""

import os
import warnings

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from steepest import LogisticRegression

THOROUGH = bool(os.environ.get("STEEPEST_THOROUGH"))
budget = settings(derandomize=True, max_examples=60 if THOROUGH else 3, deadline=None, database=None)
TWO = {
    "squares": {},
    "none, gd": {"C": np.inf, "method": "gd", "max_iter": 30},
    "gd": {"method": "gd", "max_iter": 30},
    "momentum": {"method": "momentum", "max_iter": 30, "learning_rate": 0.1},
    "nesterov": {"method": "nesterov", "max_iter": 30},
    "newton": {"method": "newton", "max_iter": 30},
    "lasso": {"l1_ratio": 1.0},
    "elastic net": {"l1_ratio": 0.5, "C": 0.3},
    "factors": {"l1_ratio": 0.5, "penalty_factors": 0.5},
    "a column without penalty": {"penalty_factors": [0.0, 1.0, 2.0]},
    "bounds": {"lower": -0.3, "upper": 0.4},
    "signs": {"monotonic_cst": [1, 0, -1]},
    "signs and an elastic net": {"monotonic_cst": [1, 0, -1], "l1_ratio": 0.5},
    "no intercept": {"fit_intercept": False},
    "balanced": {"class_weight": "balanced"},
    "importance": {"weights": "importance"},
}
MORE = {
    "squares": {},
    "lasso": {"l1_ratio": 1.0},
    "elastic net": {"l1_ratio": 0.5, "C": 0.3},
    "factors": {"l1_ratio": 0.5, "penalty_factors": [0.5, 1.0, 2.0]},
    "bounds": {"lower": -0.3, "upper": 0.4},
    "each against all others": {"multi_class": "ovr"},
    "no intercept": {"fit_intercept": False},
}
NAMED = ("gd", "momentum", "nesterov", "newton")
each = pytest.mark.parametrize(("kind", "K"), [(kind, 2) for kind in TWO] + [(kind, 3) for kind in MORE])


@st.composite
def tables(draw, K):
    """X (m, 3) to three decimals, y with all classes, integer weights."""
    m = draw(st.integers(12, 24))
    X = draw(arrays(np.float64, (m, 3), elements=st.integers(-3_000, 3_000))) / 1000.0
    more = draw(st.lists(st.integers(0, K - 1), min_size=m - K, max_size=m - K))
    y = np.array(draw(st.permutations([*range(K), *more])))
    return X, y, draw(arrays(np.float64, m, elements=st.integers(1, 4)))


def fitted(kind, K, X, y, s=None, **more):
    model = LogisticRegression(tol=3e-5, **{**(TWO if K == 2 else MORE)[kind], **more})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # thirty steps of a descent prove little
        return model.fit(X, y, sample_weight=s)


def alike(kind, one, other, X, into=None, atol=1e-12):
    """The same steps of a descent; of proved optima probabilities as near as the proofs say."""
    P, Q = one.predict_proba(X), other.predict_proba(X if into is None else into)
    if kind.split()[-1] in NAMED:
        np.testing.assert_allclose(P, Q, atol=1e-9)
        return
    if not np.isfinite(one.gap_):  # a column without penalty may separate the classes
        assert one.certificate_.exists == other.certificate_.exists == "disproved"
        return
    assert max(one.gap_, other.gap_) <= 1e-9
    error = one.certificate_.max_probability_error + other.certificate_.max_probability_error
    loose = 3.0 if kind == "each against all others" else 1.0  # probabilities are divided by their sum
    assert np.abs(P - Q).max() <= loose * min(error, 2e-4) + atol


@each
def test_order_of_rows(kind, K):
    @budget
    @given(tables(K), st.randoms(use_true_random=False))
    def check(table, random):
        X, y, s = table
        order = random.sample(range(len(y)), len(y))
        alike(kind, fitted(kind, K, X, y, s), fitted(kind, K, X[order], y[order], s[order]), X)

    check()


@each
def test_integer_weights_are_repeated_rows(kind, K):
    if kind == "importance":
        pytest.skip("there weights do not count rows")

    @budget
    @given(tables(K))
    def check(table):
        X, y, s = table
        times = s.astype(int)
        alike(kind, fitted(kind, K, X, y, s), fitted(kind, K, X.repeat(times, axis=0), y.repeat(times)), X)

    check()


@each
def test_a_row_of_weight_zero_changes_nothing(kind, K):
    @budget
    @given(tables(K), st.integers(0, 11))
    def check(table, at):
        X, y, s = table
        s[at] = 0.0
        if len(set(y[s > 0.0].tolist())) < K:
            return
        changed, label = X.copy(), y.copy()
        changed[at], label[at] = -2.0 * X[at] + 1.0, y[(at + 1) % len(y)]
        one, other = fitted(kind, K, X, y, s), fitted(kind, K, changed, label, s)
        alike(kind, one, other, X)
        if kind.split()[-1] not in NAMED and K == 2 and kind != "balanced":
            alike(kind, one, fitted(kind, K, np.delete(X, at, 0), np.delete(y, at), np.delete(s, at)), X)

    check()


@each
def test_sparse_rows_are_dense_rows(kind, K):
    @budget
    @given(tables(K))
    def check(table):
        X, y, s = table
        one, other = fitted(kind, K, X, y, s), fitted(kind, K, sp.csr_array(X), y, s)
        np.testing.assert_array_equal(one.coef_, other.coef_)  # of tables this small the same bits
        np.testing.assert_array_equal(one.intercept_, other.intercept_)

    check()


@each
def test_a_shift_of_columns_changes_only_the_intercept(kind, K):
    if kind.split()[-1] in NAMED[:3] or kind == "no intercept":
        pytest.skip("a descent, or a plane through the origin, depends on where the origin is")

    @budget
    @given(tables(K), st.integers(-5, 5))
    def check(table, shift):
        X, y, s = table
        one, other = fitted(kind, K, X, y, s), fitted(kind, K, X + shift, y, s)
        alike(kind, one, other, X, X + shift, atol=1e-9)

    check()


@pytest.mark.parametrize("kind", list(TWO))
def test_labels_the_other_way_round_negate_the_weights(kind):
    @budget
    @given(tables(2))
    def check(table):
        X, y, s = table
        given = TWO[kind]
        turned = {}
        if "monotonic_cst" in given:
            turned["monotonic_cst"] = [-each for each in given["monotonic_cst"]]
        if "lower" in given:
            turned |= {"lower": -given["upper"], "upper": -given["lower"]}
        one, other = fitted(kind, 2, X, y, s), fitted(kind, 2, X, 1 - y, s, **turned)
        if one.certificate_.exists == "disproved":
            return
        P, Q = one.predict_proba(X)[:, 1], other.predict_proba(X)[:, 0]
        error = one.certificate_.max_probability_error + other.certificate_.max_probability_error
        named = kind.split()[-1] in NAMED
        assert np.abs(P - Q).max() <= (1e-9 if named else min(error, 2e-4) + 1e-12)

    check()


@each
def test_weights_twice_and_half_the_c_are_the_same(kind, K):
    if "C" in (TWO if K == 2 else MORE)[kind] or kind in ("importance",):
        pytest.skip("another C, or weights that do not count")

    @budget
    @given(tables(K))
    def check(table):
        X, y, s = table
        one, other = fitted(kind, K, X, y, s), fitted(kind, K, X, y, 2.0 * s, C=0.5)
        alike(kind, one, other, X)

    check()


@pytest.mark.parametrize("K", [2, 3])
def test_columns_times_powers_of_two_scale_the_weights_bit_for_bit_without_a_penalty(K):
    @budget
    @given(tables(K), st.integers(-8, 8))
    def check(table, power):
        X, y, s = table
        y = np.arange(len(y)) % K  # such rows are hardly ever separable
        X = np.round(X) + np.random.default_rng(len(y)).integers(-1, 2, X.shape)
        one, other = (fitted("squares", K, X * scale, y, s, C=np.inf) for scale in (1.0, 2.0**power))
        if one.certificate_.exists == "proved":
            assert max(one.gap_, other.gap_) <= 1e-9
            np.testing.assert_allclose(one.predict_proba(X), other.predict_proba(X * 2.0**power), atol=2e-4)

    check()
