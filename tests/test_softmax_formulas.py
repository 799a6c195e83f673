"""The formulas of one example with K classes against 60-digit arithmetic."""

import mpmath
import numpy as np
import pytest

from steepest import formulas
from steepest import softmax_formulas as many

CONTEXT = mpmath.mp.clone()
CONTEXT.dps = 60


def rows(K: int) -> np.ndarray:
    rng = np.random.default_rng(K)
    random = rng.standard_normal((300, K)) * 10.0 ** rng.uniform(-8, 2.8, (300, 1))
    edges = np.array([0.0, 1e-300, 2**-53, 1.0, 36.7, 37.4, 700.3, 708.4, 744.9, 1e3])
    grid = rng.choice(np.concatenate([edges, -edges]), (200, K))
    return np.concatenate([random, grid, random[:50] + 1e6])


def exact(row: np.ndarray, y: int) -> tuple[list[mpmath.mpf], mpmath.mpf]:
    mp = CONTEXT
    z = [mp.mpf(v) for v in row.tolist()]
    e = [mp.exp(v - max(z)) for v in z]
    a = [v / mp.fsum(e) for v in e]
    others = mp.fsum(mp.exp(v - z[y]) for k, v in enumerate(z) if k != y)
    return a, mp.log1p(others)


def ulps(got: float, truth: mpmath.mpf) -> float:
    return float(abs(CONTEXT.mpf(got) - truth) / np.spacing(abs(float(truth))))


@pytest.mark.parametrize("K", [2, 3, 10])
def test_within_ulps_of_the_exact_value(K):
    for i, row in enumerate(rows(K)):
        y = i % K
        a, loss = exact(row, y)
        got = many.softmax(row)
        for k in range(K):
            if a[k] > 1e-290:
                assert ulps(got[k], a[k]) <= K + 5, (row, k)
        assert ulps(many.loss(row, y), loss) <= K + 5 or loss < 1e-290, row
        dz = many.dz(row, y)
        slope = -CONTEXT.fsum(a[k] for k in range(K) if k != y)
        assert abs(slope) < 1e-290 or ulps(dz[y], slope) <= 2 * K + 8, row


def test_nothing_but_finite_numbers_come_out():
    z = np.concatenate([rows(4), [[1e308, -1e308, 0.0, 1.0], [1e308] * 4]])
    for y in range(4):
        with np.errstate(over="ignore"):
            assert np.isfinite(many.softmax(z)).all()
            assert np.isfinite(many.dz(z, np.full(len(z), y))).all()
    np.testing.assert_allclose(many.softmax(z).sum(axis=-1), 1.0, rtol=1e-15)


def test_two_classes_are_the_sigmoid():
    z = np.concatenate([np.linspace(-750, 750, 3001), np.logspace(-300, 2, 200)])
    pair = np.stack([np.zeros_like(z), z], axis=-1)
    np.testing.assert_allclose(many.softmax(pair)[:, 1], formulas.sigmoid(z), rtol=2e-15, atol=1e-320)
    for y in (0, 1):
        np.testing.assert_allclose(many.loss(pair, np.full(len(z), y)), formulas.loss(z, y), rtol=2e-15, atol=1e-320)
    a = many.softmax(pair)
    bend = many.covariance_times(a, np.array([0.0, 1.0]))[:, 1]
    near = np.abs(z) < 30.0  # a (1 - a) from a alone
    np.testing.assert_allclose(bend[near], formulas.curvature(z)[near], rtol=1e-2)


def test_dz_is_the_slope_of_the_loss():
    rng = np.random.default_rng(0)
    z, h = rng.standard_normal(5), 1e-6
    for y in range(5):
        slope = [(many.loss(z + h * e, y) - many.loss(z - h * e, y)) / (2 * h) for e in np.eye(5)]
        np.testing.assert_allclose(many.dz(z, y), slope, atol=1e-9)
    turned = [(many.dz(z + h * e, 2) - many.dz(z - h * e, 2)) / (2 * h) for e in np.eye(5)]
    v = rng.standard_normal(5)
    np.testing.assert_allclose(many.covariance_times(many.softmax(z), v), v @ np.array(turned), atol=1e-9)
