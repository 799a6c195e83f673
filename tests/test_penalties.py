"""The elastic net within bounds: every function of it against a search over a fine grid."""

import numpy as np
import pytest

from steepest.penalties import L2, ElasticNet, Penalties

GRID = np.linspace(-6.0, 6.0, 240_001)  # contains 0 and the bounds used below


def check_module_of_penalties(module):
    """What `tests/mutation` runs on every mutant of the module."""
    rng = np.random.default_rng(3)
    for l1, l2, lower, upper in (
        (0.0, 1.0, -6.0, 6.0), (1.5, 0.5, -6.0, 6.0), (1.5, 0.0, -6.0, 6.0), (0.5, 1.0, 0.0, 6.0),
        (0.5, 1.0, -2.0, 0.5), (0.7, 0.3, 0.25, 2.0), (0.7, 0.3, -2.0, -0.25), (0.0, 0.0, -1.0, 1.0),
    ):  # fmt: skip
        net = module.ElasticNet(*(np.array([value]) for value in (l1, l2, lower, upper)))
        inside = GRID[(lower <= GRID) & (upper >= GRID)]
        g = l1 * np.abs(inside) + 0.5 * l2 * inside**2
        for c in (*rng.uniform(-4.0, 4.0, 12), 0.0, l1, -l1):
            at = np.array([float(rng.choice(inside))])
            dual = (c * inside - g).max()
            np.testing.assert_allclose(net.conjugate(np.array([c])), dual, atol=1e-7)
            best = net.nearest(np.array([c]))
            np.testing.assert_allclose(c * best - l1 * np.abs(best) - 0.5 * l2 * best**2, dual, atol=1e-7)
            young = l1 * np.abs(at) + 0.5 * l2 * at**2 + dual - c * at
            np.testing.assert_allclose(net.excess(at, np.array([c])), young, atol=1e-7)
            assert net.value(at) == pytest.approx(float((l1 * np.abs(at) + 0.5 * l2 * at**2)[0]), rel=1e-12, abs=1e-300)
        for w in (lower, upper, 0.0, 0.1, -0.1, 1.0, -1.0):
            if lower <= w <= upper:
                check_violation(net, w, (l1, l2, lower, upper))


def check_violation(net, w, terms):
    l1, l2, lower, upper = terms
    slopes = [l2 * w + l1 * sign for sign in ((1.0,) if w > 0.0 else (-1.0,) if w < 0.0 else (-1.0, 1.0))]
    left, right = (-np.inf if w == lower else min(slopes)), (np.inf if w == upper else max(slopes))
    for c in (-5.0, -1.5, -0.3, 0.0, 0.3, 1.5, 5.0, min(slopes), max(slopes)):
        expected = c - right if c > right else c - left if c < left else 0.0
        assert net.violation(np.array([w]), np.array([c]))[0] == pytest.approx(expected, abs=1e-15)


def test_elastic_net_is_what_a_search_finds():
    import steepest.penalties

    check_module_of_penalties(steepest.penalties)


def test_what_nothing_holds_runs_away():
    net = ElasticNet(np.array([1.0, 1.0]), np.zeros(2), np.array([-np.inf, -1.0]), np.array([np.inf, np.inf]))
    assert net.nearest(np.array([2.0, -2.0])).tolist() == [np.inf, -1.0]
    assert net.conjugate(np.array([2.0, -2.0])).tolist() == [np.inf, 1.0]
    assert net.excess(np.array([3.0, 0.0]), np.array([2.0, 0.0])).tolist() == [np.inf, 0.0]
    assert net.nearest(np.array([1.0, -1.0])).tolist() == [0.0, 0.0]


def test_excess_next_to_the_optimum_does_not_cancel():
    net = ElasticNet(np.array([1.0]), np.array([2.0]), np.array([-np.inf]), np.array([np.inf]))
    w = np.array([3.0])
    np.testing.assert_allclose(net.excess(w, np.array([7.0 + 1e-9])), 0.25e-18, rtol=1e-6)


def test_part_of_the_columns():
    net = ElasticNet(*(np.arange(3.0) + k for k in range(4)))
    assert net.take(np.array([2, 0])).upper.tolist() == [5.0, 3.0]


def test_what_is_smooth_and_what_is_plain():
    assert Penalties().plain
    assert Penalties(factors=np.ones(2)).smooth
    assert not Penalties(factors=np.ones(2)).plain
    assert not Penalties(l1=1.0).smooth
    assert not Penalties(lower=np.zeros(1)).smooth
    assert L2(np.array([1.0, 2.0])).value(np.array([1.0, 3.0])) == 9.5
