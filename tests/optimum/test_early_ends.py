"""A fit that a callback, the budget or the number of updates ends is certified as well: the gap is finite, and true."""

import math

import numpy as np
import pytest
import scipy.sparse as sp

import steepest
from steepest.proof.levelling import levelled
from steepest.softmax_formulas import softmax

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
@pytest.mark.parametrize(("form", "K"), [(np.asarray, 2), (sp.csr_array, 3), (np.asarray, 4)])
def test_the_gap_is_finite_and_not_too_small(asked, form, K):
    if K == 2 and set(asked) <= {"l2", "standardize"}:
        pytest.skip("two classes and squares have a proof of their own, which needs a point near the optimum")
    X, y = table(K, K)
    best = steepest.fit(form(X), y, tol=1e-10, **asked)
    for most in (1, 2, 4):
        seen = []
        short = steepest.fit(form(X), y, callback=lambda step, s=seen, k=most: s.append(0) or len(s) >= k, **asked)
        assert math.isfinite(short.certificate.gap), most
        assert short.certificate.gap >= (short.value - best.value) / best.value - 2e-10


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
