"""A fit that a callback, the budget or the number of updates ends is certified as well: the gap is finite, and true."""

import math
import time

import numpy as np
import pytest
import scipy.sparse as sp

import steepest
from steepest.proof.levelling import levelled
from steepest.softmax_formulas import softmax
from steepest.types import Status

ASKED = [
    {"l1": 0.01},
    {"l1": 1e-3},
    {"l1": 0.01, "l2": 0.01},
    {"l1": 0.01, "intercept": False},
    {"l1": 0.01, "penalty_factors": [0, 0, 1, 1, 1, 1]},
    {"l2": 0.01, "lower": 0.0},
    {"lower": 0.0},
    {"lower": -0.3, "upper": 0.2},
    {"l2": 0.01},
    {"l2": 1e-6},
    {"l2": 0.01, "standardize": True},
]


def table(K, seed):
    rng = np.random.default_rng(seed)
    X, W = 3.0 * rng.standard_normal((150, 6)), rng.standard_normal((6, K))
    return X, np.argmax(X @ W + rng.gumbel(size=(150, K)), axis=1)


@pytest.mark.parametrize("asked", ASKED)
@pytest.mark.parametrize(("form", "K"), [(np.asarray, 2), (sp.csr_array, 2), (sp.csr_array, 3), (np.asarray, 4)])
def test_the_gap_is_finite_and_not_too_small(asked, form, K):
    X, y = table(K, K)
    best = steepest.fit(form(X), y, tol=1e-10, **asked)
    for most in (1, 2, 4):
        seen = []
        short = steepest.fit(form(X), y, callback=lambda step, s=seen, k=most: s.append(0) or len(s) >= k, **asked)
        assert math.isfinite(short.certificate.gap), most
        assert short.certificate.gap >= (short.value - best.value) / best.value - 2e-10


@pytest.mark.parametrize("form", [np.asarray, sp.csr_array])
@pytest.mark.parametrize(("m", "n"), [(150, 6), (80, 120), (9000, 8)])
@pytest.mark.parametrize(
    "asked",
    [
        {"l2": 0.01},
        {"l2": 1e-6},
        {"l2": 0.01, "standardize": True},
        {"l2": 0.02, "intercept": False},
        {"l2": 0.01, "factors": 1},
    ],
)
def test_two_classes_and_squares_in_every_regime(form, m, n, asked):
    rng = np.random.default_rng(m + n)
    X, away = 3.0 * rng.standard_normal((m, n)) + 1.0, rng.uniform(-1.0, 1.0, m)
    y = (X @ rng.standard_normal(n) + rng.logistic(size=m) > 0.0).astype(int)
    asked = {"penalty_factors": np.linspace(0.1, 2.0, n), "offset": away, "l2": 0.01} if "factors" in asked else asked
    best = steepest.fit(form(X), y, tol=1e-10, **asked)
    most = 10.0 if n < m else 1e6  # separable rows that hardly anything holds: nearly all of J may still go
    for ended in (0, 1, 3):
        seen, stop = [], {"budget": 1e-9} if ended == 0 else {}
        if ended:
            stop["callback"] = lambda step, s=seen, k=ended: s.append(0) or len(s) >= k
        short = steepest.fit(form(X), y, **stop, **asked)
        assert (short.value - best.value) / best.value - 2e-10 <= short.certificate.gap < most, ended
        assert short.certificate.exists == "proved"


def test_without_a_penalty_the_shares_of_the_classes_are_a_dual_point():
    X, y = table(2, 7)
    best = steepest.fit(X, y, tol=1e-10)
    short = steepest.fit(X, y, callback=lambda step: True)
    assert (short.value - best.value) / best.value <= short.certificate.gap < 100.0
    assert short.certificate.exists == "proved"


def test_probabilities_are_levelled_over_the_columns_that_nothing_holds(rng):
    z, s = 5.0 * rng.standard_normal((80, 3)), rng.uniform(0.0, 2.0, 80)
    Y, one = np.eye(3)[rng.integers(0, 3, 80)], np.column_stack([rng.standard_normal((80, 2)), np.ones(80)])
    found = levelled(z, Y, s, one)
    assert found is not None
    assert np.abs(one.T @ ((softmax(found) - Y) * s[:, None])).max() <= 1e-9
    d = np.linalg.lstsq(one, found - z, rcond=None)[0]
    np.testing.assert_allclose(one @ d, found - z, atol=1e-9)


def test_what_has_no_minimum_or_is_too_large_is_not_levelled():
    separated = np.eye(2)[[0, 0, 1, 1]]
    one = np.column_stack([[-2.0, -1.0, 1.0, 2.0], np.ones(4)])
    found = levelled(np.zeros((4, 2)), separated, np.ones(4), one)
    assert found is None or np.abs(one.T @ (softmax(found) - separated)).max() <= 1e-6 * 8.0
    assert levelled(np.zeros((4, 2)), separated, np.ones(4), np.ones((4, 300))) is None


def test_a_budget_that_is_spent_is_not_exceeded_by_a_long_proof():
    rng = np.random.default_rng(6)
    X = rng.standard_normal((60_000, 40))
    y = X[:, 0] + rng.logistic(size=60_000) > 0.0
    steepest.fit(X[:5_000], y[:5_000], l2=1e-3)  # what is loaded is loaded
    started = time.perf_counter()
    assert steepest.fit(X, y, l2=1e-3, budget=1e-9).status is Status.BUDGET
    assert time.perf_counter() - started < 5.0  # 34 s once


def test_levelling_ends_where_values_are_lost_in_rounding():
    rng = np.random.default_rng(7)
    one = np.column_stack([rng.standard_normal((20_000, 20)), np.ones(20_000)])
    y = (one[:, 0] + rng.logistic(size=20_000) > 0.0).astype(np.intp)
    started = time.perf_counter()
    z = levelled(np.zeros((20_000, 2)), np.eye(2)[y], np.ones(20_000), one)
    assert time.perf_counter() - started < 3.0
    assert np.abs(one.T @ (softmax(z) - np.eye(2)[y])).max() <= 1e-9 * 20_000
