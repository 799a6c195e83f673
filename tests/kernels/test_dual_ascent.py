"""Dual ascent: its fixed point is the optimum, the compiled round is the plain one, and wide fits start from it."""

import numpy as np
import pytest

import steepest
from steepest.kernels import dual_ascent
from steepest.kernels.dual_ascent import ascend, one_round


def wide(seed=0, m=60, n=300, positives=0.5):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((m, n))
    z = X[:, :10].sum(axis=1)
    return X, (z > np.quantile(z, 1.0 - positives)).astype(float)


def test_a_compiled_round_is_a_plain_one(rng):
    X, y = wide(1)
    order, c = rng.permutation(60), rng.random(60) + 0.1
    lengths = [np.full(60, -1.0) for _ in range(2)]
    starts = [(np.zeros(300), y.copy()) for _ in range(2)]
    seen = dual_ascent._round()(X, lengths[0], c, order, 2.0, starts[0][0], 0.25, starts[0][1])
    plain = one_round(X, lengths[1], c, order, 2.0, starts[1][0], 0.25, starts[1][1])
    np.testing.assert_allclose(seen, plain, rtol=1e-10)
    for measured in lengths:
        np.testing.assert_allclose(measured, (X * X).sum(axis=1), rtol=1e-14)
    for left, right in zip(*starts, strict=True):
        np.testing.assert_allclose(left, right, rtol=1e-9, atol=1e-12)


def test_rounds_keep_w_in_step_with_a_and_end_at_the_optimum_of_the_penalised_intercept(rng):
    X, y = wide(2)
    y[:5] = 0.3  # fractions as well
    c, constant = rng.random(60) + 0.5, 3.0
    w, b, a = np.zeros(300), 0.0, y.copy()
    lengths = (X * X).sum(axis=1)
    for _ in range(200):
        change, b = one_round(X, lengths, c, np.arange(60), constant, w, b, a)
    np.testing.assert_allclose(w, X.T @ (c * (y - a)), rtol=1e-9, atol=1e-12)
    assert abs(b - constant * float(np.sum(c * (y - a)))) < 1e-9
    np.testing.assert_allclose(1.0 / (1.0 + np.exp(-(X @ w + b))), a, rtol=1e-6)
    assert change < 1e-12


@pytest.mark.parametrize("positives", [0.5, 0.1])
def test_it_comes_near(positives):
    X, y = wide(3, 200, 2000, positives)
    fit = steepest.fit(X, y, l2=1.0 / 200, tol=1e-12)
    w, b, rounds = ascend(X, y, np.ones(200))
    near = steepest.fit(X, y, l2=1.0 / 200, w=w, b=b, method="gd", iterations=1, learning_rate=1e-12)
    assert rounds <= dual_ascent.ROUNDS
    assert near.trace.value[0] <= fit.value * 1.05


def test_large_wide_tables_start_from_it():
    X, y = wide(4, 700, 6100)
    fit = steepest.fit(X, y, l2=1.0 / 700)
    other = steepest.fit(np.asfortranarray(X), y, l2=1.0 / 700)  # not as the compiled code reads it
    assert fit.certificate.gap <= 1e-9
    assert abs(fit.value - other.value) <= 2e-9 * other.value
    assert fit.trace.value[0] < 1.01 * fit.value < 0.1 * other.trace.value[0]
    weighted = steepest.fit(X, y, l2=1.0 / 700, sample_weight=np.arange(700) % 3)
    assert weighted.certificate.gap <= 1e-9
