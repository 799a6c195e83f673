"""Properties of every named descent, two classes and a ridge (hypothesis, derandomised): equal problems, equal steps.

Bit for bit: `test_invariances.py` (weights times powers, a row of weight zero, threads). Here what rounding may touch.
"""

import os

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st

import steepest
from steepest.solvers import METHODS

THOROUGH = bool(os.environ.get("STEEPEST_THOROUGH"))
budget = settings(derandomize=True, max_examples=200 if THOROUGH else 5, deadline=None, database=None)
every = pytest.mark.parametrize("method", list(METHODS))
STEPS = {"newton": 3}  # at its end a step of Newton's is rounding


@st.composite
def tables(draw):
    """X (m, n) to three decimals, y with both classes, integer weights; drawn by a seed, which is quicker."""
    m, n, rng = draw(st.integers(12, 24)), draw(st.integers(1, 4)), np.random.default_rng(draw(st.integers(0, 2**32)))
    y = rng.permutation(np.append([0, 1], rng.integers(0, 2, m - 2)))
    return rng.integers(-3_000, 3_000, (m, n)) / 1000.0, y, rng.integers(1, 5, m).astype(float)


def run(X, y, s, method, **options):
    rate = {} if method == "newton" else {"learning_rate": 0.2}
    return steepest.fit(
        X, y, sample_weight=s, method=method, iterations=STEPS.get(method, 8), l2=0.05, **{**rate, **options}
    )


def alike(one, w, b, history):
    np.testing.assert_allclose(one.w, w, rtol=1e-8, atol=1e-10)
    np.testing.assert_allclose(one.b, b, rtol=1e-8, atol=1e-10)
    shared = min(len(one.history), len(history))
    assert shared
    np.testing.assert_allclose(one.history[:shared], history[:shared], rtol=1e-9)


@every
def test_order_of_rows_and_columns(method):
    @budget
    @given(tables(), st.randoms(use_true_random=False))
    def check(table, random):
        X, y, s = table
        rows, columns = (random.sample(range(k), k) for k in X.shape)
        one, other = run(X, y, s, method), run(X[np.ix_(rows, columns)], y[rows], s[rows], method)
        alike(other, one.w[columns], one.b, one.history)

    check()


@every
def test_labels_the_other_way_round(method):
    @budget
    @given(tables())
    def check(table):
        X, y, s = table
        one, other = run(X, y, s, method), run(X, 1 - y, s, method)
        alike(other, -one.w, -one.b, one.history)

    check()


@every
def test_integer_weights_are_repeated_rows(method):
    @budget
    @given(tables())
    def check(table):
        X, y, s = table
        often, one = s.astype(int), run(X, y, s, method)
        other = run(np.repeat(X, often, axis=0), np.repeat(y, often), None, method)
        alike(other, one.w, one.b, one.history)

    check()


@every
def test_sparse_rows_have_the_same_iterates(method):
    @budget
    @given(tables())
    def check(table):
        X, y, s = table
        X = np.where(np.abs(X) < 1.0, 0.0, X)
        one, other = run(X, y, s, method), run(sp.csr_array(X), y, s, method)
        alike(other, one.w, one.b, one.history)

    check()


@every
def test_a_shift_or_a_scale_of_standardised_columns(method):
    @budget
    @given(tables(), st.integers(-5, 5), st.sampled_from([0.1, 3.0, 1e3]))
    def check(table, shift, factor):
        X, y, s = table
        one = run(X, y, s, method, standardize=True)
        other = run(X * factor + shift, y, s, method, standardize=True)
        alike(other, one.w / factor, one.b - shift * one.w.sum() / factor, one.history)

    check()


@every
def test_the_certificate_speaks_of_any_of_them(method):
    @budget
    @given(tables())
    def check(table):
        X, y, s = table
        stopped, best = run(X, y, s, method), steepest.fit(X, y, sample_weight=s, l2=0.05, tol=1e-12)
        assert stopped.certificate.gap >= (stopped.value - best.value) / best.value - 1e-11

    check()
