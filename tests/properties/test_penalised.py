"""Properties of proved fits with every penalty, two classes and three, dense and sparse (hypothesis, derandomised).

What may not matter does not: bit for bit where the arithmetic is the same, elsewhere within what the proofs allow.
`STEEPEST_THOROUGH=1` tries 100 tables instead of 6. Named descents: `test_methods.py`.
"""

import os

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import steepest

THOROUGH = bool(os.environ.get("STEEPEST_THOROUGH"))
budget = settings(derandomize=True, max_examples=100 if THOROUGH else 6, deadline=None, database=None)
TOL = 1e-10
PENALTIES = {
    "ridge": {"l2": 0.05},
    "lasso": {"l1": 0.03},
    "elastic net": {"l1": 0.02, "l2": 0.02},
    "factors": {"l1": 0.02, "penalty_factors": 0.5},
    "factors of a ridge": {"l2": 0.05, "penalty_factors": [0.5, 2.0, 1.0, 4.0]},
    "bounds": {"l2": 0.01, "lower": -0.2, "upper": 0.3},
    "signs": {"l1": 0.01, "lower": 0.0},
}


@st.composite
def tables(draw, classes):
    """X (m, n) to three decimals, y with all classes, integer weights."""
    m, n = draw(st.integers(12, 24)), draw(st.integers(1, 4))
    X = draw(arrays(np.float64, (m, n), elements=st.integers(-3_000, 3_000))) / 1000.0
    more = draw(st.lists(st.integers(0, classes - 1), min_size=m - classes, max_size=m - classes))
    y = np.array(draw(st.permutations([*range(classes), *more])))
    return X, y, draw(arrays(np.float64, m, elements=st.integers(1, 4)))


def options(penalty, n):
    found = dict(PENALTIES[penalty])
    if isinstance(found.get("penalty_factors"), list):
        found["penalty_factors"] = found["penalty_factors"][:n]
    return {"tol": TOL, **found}


def same_bits(one, other):
    assert np.asarray(one.w).tobytes() == np.asarray(other.w).tobytes()
    assert np.asarray(one.b).tobytes() == np.asarray(other.b).tobytes()
    assert one.cost == other.cost
    assert one.certificate == other.certificate


def same_optimum(one, other, X, into=None):
    """Both proved, and as near to each other as the proofs say: values, and probabilities of the rows."""
    assert max(one.certificate.gap, other.certificate.gap) < 1e-8
    assert abs(one.value - other.value) <= 1.01e-8 * one.value + 1e-300
    error = one.certificate.max_probability_error + other.certificate.max_probability_error
    apart = one.predict_proba(X) - other.predict_proba(X if into is None else into)
    assert np.abs(apart).max() <= error + 1e-12


each = pytest.mark.parametrize(("penalty", "classes"), [(p, k) for p in PENALTIES for k in (2, 3)])


@each
def test_order_of_rows(penalty, classes):
    @budget
    @given(tables(classes), st.randoms(use_true_random=False))
    def check(table, random):
        X, y, s = table
        order = random.sample(range(len(y)), len(y))
        asked = options(penalty, X.shape[1])
        one = steepest.fit(X, y, sample_weight=s, **asked)
        same_optimum(one, steepest.fit(X[order], y[order], sample_weight=s[order], **asked), X)

    check()


@each
def test_order_of_columns(penalty, classes):
    @budget
    @given(tables(classes), st.randoms(use_true_random=False))
    def check(table, random):
        X, y, s = table
        order = random.sample(range(X.shape[1]), X.shape[1])
        asked = options(penalty, X.shape[1])
        again = dict(asked)
        if isinstance(again.get("penalty_factors"), list):
            again["penalty_factors"] = [again["penalty_factors"][j] for j in order]
        one = steepest.fit(X, y, sample_weight=s, **asked)
        same_optimum(one, steepest.fit(X[:, order], y, sample_weight=s, **again), X, X[:, order])

    check()


@each
def test_integer_weights_are_repeated_rows(penalty, classes):
    @budget
    @given(tables(classes))
    def check(table):
        X, y, s = table
        often, asked = s.astype(int), options(penalty, X.shape[1])
        one = steepest.fit(X, y, sample_weight=s, **asked)
        same_optimum(one, steepest.fit(np.repeat(X, often, axis=0), np.repeat(y, often), **asked), X)

    check()


@each
def test_weights_times_a_power_of_two_change_no_bit(penalty, classes):
    """Powers of four: Hessians take the square root of the row weights."""

    @budget
    @given(tables(classes), st.integers(-20, 20))
    def check(table, power):
        X, y, s = table
        asked = options(penalty, X.shape[1])
        one, other = (steepest.fit(X, y, sample_weight=each, **asked) for each in (s, 4.0**power * s))
        assert np.asarray(one.w).tobytes() == np.asarray(other.w).tobytes()
        assert np.asarray(one.b).tobytes() == np.asarray(other.b).tobytes()

    check()


@each
def test_a_row_of_weight_zero_changes_no_bit(penalty, classes):
    @budget
    @given(tables(classes), st.integers(0, 11))
    def check(table, at):
        X, y, s = table
        s[at] = 0.0
        assume(len(set(y[s > 0.0])) == classes)
        other, moved = X.copy(), y.copy()
        other[at], moved[at] = X[(at + 1) % len(y)], (y[at] + 1) % classes
        assume(np.array_equal(np.abs(other).max(axis=0), np.abs(X).max(axis=0)))  # units are read off all rows
        assume(np.array_equal(other.max(axis=0), X.max(axis=0)) and np.array_equal(other.min(axis=0), X.min(axis=0)))
        asked = {**options(penalty, X.shape[1]), "sample_weight": s}
        same_bits(steepest.fit(X, y, **asked), steepest.fit(other, moved, **asked))

    check()


@each
def test_sparse_rows_have_the_same_optimum(penalty, classes):
    @budget
    @given(tables(classes))
    def check(table):
        X, y, s = table
        asked = {**options(penalty, X.shape[1]), "sample_weight": s}
        X[np.abs(X) < 1.0] = 0.0
        same_optimum(steepest.fit(X, y, **asked), steepest.fit(sp.csr_array(X), y, **asked), X)

    check()


@each
def test_a_shift_changes_only_the_intercept(penalty, classes):
    @budget
    @given(tables(classes), st.integers(-50, 50))
    def check(table, shift):
        X, y, s = table
        asked = {**options(penalty, X.shape[1]), "sample_weight": s}
        same_optimum(steepest.fit(X, y, **asked), steepest.fit(X + shift, y, **asked), X, X + shift)

    check()


@each
def test_columns_and_penalties_times_powers_of_two(penalty, classes):
    """Columns and l1 times 2^k, an l2 times its square, bounds divided by it: the same problem, bit for bit."""

    @budget
    @given(tables(classes), st.integers(-12, 12))
    def check(table, power):
        X, y, s = table
        assume(np.all(np.abs(X).max(axis=0) > 0.0))
        unit, asked = 2.0**power, options(penalty, X.shape[1])
        again = {k: v / unit if k in ("lower", "upper") else v for k, v in asked.items()}
        again |= {"l1": asked.get("l1", 0.0) * unit, "l2": asked.get("l2", 0.0) * unit * unit}
        one = steepest.fit(X, y, sample_weight=s, **asked)
        other = steepest.fit(X * unit, y, sample_weight=s, **again)
        if asked.get("l1", 0.0) or "lower" in asked:
            assert (np.asarray(other.w) * unit).tobytes() == np.asarray(one.w).tobytes()
            assert np.asarray(one.b).tobytes() == np.asarray(other.b).tobytes()
        else:
            same_optimum(one, other, X, X * unit)

    check()


@pytest.mark.parametrize("penalty", PENALTIES)
def test_labels_the_other_way_round_negate_the_weights(penalty):
    @budget
    @given(tables(2))
    def check(table):
        X, y, s = table
        asked = {**options(penalty, X.shape[1]), "sample_weight": s}
        again = dict(asked)
        if "lower" in asked or "upper" in asked:
            again["lower"], again["upper"] = -asked.get("upper", np.inf), -asked.get("lower", -np.inf)
        one, other = steepest.fit(X, y, **asked), steepest.fit(X, 1 - y, **again)
        assert abs(one.value - other.value) <= 1.01e-8 * one.value
        error = one.certificate.max_probability_error + other.certificate.max_probability_error
        apart = one.predict_proba(X) + other.predict_proba(X) - 1.0
        assert np.abs(apart).max() <= error + 1e-12

    check()


@pytest.mark.parametrize("penalty", PENALTIES)
def test_permuted_classes_permute_the_weights(penalty):
    @budget
    @given(tables(3))
    def check(table):
        X, y, s = table
        asked = {**options(penalty, X.shape[1]), "sample_weight": s}
        one, other = steepest.fit(X, y, **asked), steepest.fit(X, (y + 1) % 3, **asked)
        assert abs(one.value - other.value) <= 1.01e-8 * one.value
        error = one.certificate.max_probability_error + other.certificate.max_probability_error
        apart = one.predict_proba(X) - np.roll(other.predict_proba(X), -1, axis=1)
        assert np.abs(apart).max() <= error + 1e-12

    check()


@each
def test_one_thread_and_many_have_the_same_bits(penalty, classes):
    @settings(budget, max_examples=1)
    @given(tables(classes))
    def check(table):
        X, y, _ = table
        X, y = np.tile(X, (60, 3)) * np.linspace(0.5, 1.5, 60 * len(X))[:, None], np.tile(y, 60)
        wide = np.hstack([X] * 100)
        asked = options(penalty, wide.shape[1])
        if isinstance(PENALTIES[penalty].get("penalty_factors"), list):
            asked["penalty_factors"] = np.linspace(0.5, 2.0, wide.shape[1])
        asked["tol"] = 1e-4
        one, many = (steepest.fit(wide, y, threads=threads, **asked) for threads in (1, 3))
        same_bits(one, many)

    check()


@each
def test_probabilities_are_probabilities(penalty, classes):
    @budget
    @given(tables(classes), st.integers(0, 140))
    def check(table, power):
        X, y, s = table
        fit = steepest.fit(X, y, sample_weight=s, **options(penalty, X.shape[1]))
        far = X * 10.0**power
        p, z = np.asarray(fit.predict_proba(far)), np.asarray(fit.decision_function(far))
        assert np.all((p >= 0.0) & (p <= 1.0))
        if classes > 2:
            np.testing.assert_allclose(p.sum(axis=1), 1.0, atol=1e-14)
            return
        assert np.all(np.diff(p[np.argsort(z, kind="stable")]) >= 0.0)
        estimator = steepest.LogisticRegression().fit(X, y)
        assert np.isfinite(estimator.predict_log_proba(far)).all()

    check()
