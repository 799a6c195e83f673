"""Standardising as a change of variables: moments that merge, and maps that agree with standardised copies of X."""

import numpy as np
import pytest

import steepest
from steepest.engines import MemoryEngine
from steepest.scaling import Scaling, moments_of
from steepest.types import Block


@pytest.fixture
def weighted(rng):
    X = rng.standard_normal((500, 3)) * [1.0, 1e-3, 100.0] + [0.0, 5.0, 1e6]
    return X, rng.integers(0, 2, 500).astype(float), rng.random(500) + 0.1


def test_moments_are_those_of_the_whole(weighted):
    X, y, s = weighted
    for leaf_bytes in (1, 1 << 20):
        moments = MemoryEngine(X, y, s, leaf_bytes=leaf_bytes).sum(moments_of)
        mean = np.average(X, axis=0, weights=s)
        assert moments.weight == pytest.approx(s.sum(), rel=1e-14)
        np.testing.assert_allclose(moments.mean, mean, rtol=1e-14, atol=1e-15)
        np.testing.assert_allclose(moments.square, s @ (X - mean) ** 2, rtol=1e-9)


def test_large_offsets_do_not_cancel():
    X = np.array([[1e9 + 1.0], [1e9 + 2.0], [1e9 + 3.0], [1e9 + 4.0]] * 50)
    moments = MemoryEngine(X, np.zeros(200), leaf_bytes=1).sum(moments_of)
    assert Scaling.standard(moments).scale[0] == pytest.approx(np.sqrt(1.25), rel=1e-12)


def test_blocks_of_weight_zero_are_neutral(weighted):
    X, y, s = weighted
    nothing = moments_of(Block(X[:5], y[:5], np.zeros(5)))
    something = moments_of(Block(X, y, s))
    for merged in (nothing + something, something + nothing):
        assert merged.mean.tobytes() == something.mean.tobytes()
        assert merged.square.tobytes() == something.square.tobytes()
    assert (nothing + nothing).weight == 0.0


def test_constant_columns_give_what_they_had_to_the_intercept():
    scaling = Scaling.standard(moments_of(Block(np.full((4, 1), 3.0), np.zeros(4))))
    u, c = scaling.from_user(np.array([2.0]), 1.0)
    assert (u.tolist(), c) == ([0.0], 7.0)
    assert [part if isinstance(part, float) else part.tolist() for part in scaling.to_user(u, c)] == [[0.0], 7.0]


def test_maps_keep_z_and_are_inverse(rng):
    scaling = Scaling(np.array([1.0, -2.0]), np.array([4.0, 0.5]))
    u, c, x = rng.standard_normal(2), 0.3, rng.standard_normal(2)
    w, b = scaling.to_user(u, c)
    assert x @ w + b == pytest.approx((x - scaling.centre) / scaling.scale @ u + c, rel=1e-14)
    back, again = scaling.from_user(w, b)
    np.testing.assert_allclose([*back, again], [*u, c], rtol=1e-14)


@pytest.mark.parametrize("method", ["gd", "nesterov", "newton"])
def test_descent_is_that_on_standardised_columns(weighted, method):
    X, y, s = weighted
    mean = np.average(X, axis=0, weights=s)
    deviation = np.sqrt(np.average((X - mean) ** 2, axis=0, weights=s))
    options = {"method": method, "iterations": 2 if method == "newton" else 8, "l2": 0.01, "sample_weight": s}
    scaled = steepest.fit(X, y, standardize=True, **options)
    copied = steepest.fit((X - mean) / deviation, y, **options)
    np.testing.assert_allclose(scaled.history, copied.history, rtol=1e-9)
    np.testing.assert_allclose(scaled.w, copied.w / deviation, rtol=1e-6)
    np.testing.assert_allclose(scaled.predict_proba(X), copied.predict_proba((X - mean) / deviation), rtol=1e-7)


def test_a_start_is_in_the_users_units(weighted):
    X, y, _ = weighted
    fit = steepest.fit(X, y, standardize=True, iterations=0, w=[1.0, 2.0, 3e-6], b=-9.0)
    np.testing.assert_allclose([*fit.w, fit.b], [1.0, 2.0, 3e-6, -9.0], rtol=1e-9)


@pytest.mark.parametrize(("value", "m"), [(0.003, 4), (0.1, 6), (0.1, 100_000), (1e9 / 3, 5000)])
def test_constant_columns_are_recognised_whatever_their_mean_rounds_to(value, m):
    """The mean of four times 0.003 is not 0.003: the column was scaled up by 1e18."""
    engine = MemoryEngine(np.full((m, 1), value), np.zeros(m))
    scaling = Scaling.standard(engine.sum(moments_of))
    assert scaling.scale[0] == np.inf
    assert scaling.centre[0] == pytest.approx(value, rel=1e-15)


def test_constant_columns_do_no_harm(table):
    X, y = table
    clean = steepest.fit(X, y, standardize=True, method="newton")
    rows = np.column_stack([X, np.full(len(y), 0.003)])
    more = steepest.fit(rows, y, standardize=True, method="newton")
    assert more.cost == pytest.approx(clean.cost, rel=1e-12)
    assert more.w[-1] == 0.0
    for method in ("gd", "nesterov"):
        plain, other = (steepest.fit(A, y, standardize=True, method=method, iterations=30) for A in (X, rows))
        np.testing.assert_allclose(other.history, plain.history, rtol=1e-6)


@pytest.mark.parametrize("offset", [0.0, 1.6e9, -1e12])
@pytest.mark.parametrize("l2", [0.0, 0.1])
def test_newton_does_not_mind_an_offset(offset, l2):
    """Columns such as Unix times: by algebra on dw and db everything would cancel."""
    rng = np.random.default_rng(5)
    X = rng.integers(-50, 50, (200, 2)) / 16.0
    y = rng.random(200) < 1.0 / (1.0 + np.exp(-X[:, 0]))
    near = steepest.fit(X, y, method="newton", l2=l2)
    far = steepest.fit(X + offset, y, method="newton", l2=l2)
    np.testing.assert_allclose(far.w, near.w, rtol=1e-9)
    assert far.cost == pytest.approx(near.cost, rel=1e-12)


def test_the_penalty_of_newton_stays_on_the_users_columns():
    rng = np.random.default_rng(6)
    X = rng.standard_normal((100, 2)) * [0.1, 30.0]
    y = rng.random(100) < 0.4
    newton = steepest.fit(X, y, method="newton", l2=0.3)
    descent = steepest.fit(X * 1.0, y, method="gd", l2=0.3, w=newton.w, b=newton.b, iterations=0)
    assert newton.value == pytest.approx(descent.value, rel=1e-14)
    assert descent.value - newton.cost == pytest.approx(0.15 * newton.w @ newton.w, rel=1e-9)
