"""K classes with an l1, factors or bounds: the optimum whatever the way, zeros that are zeros, and what cannot be."""

import numpy as np
import pytest
import scipy.sparse as sp

import steepest
from steepest import softmax_formulas
from steepest.engines import MemoryEngine
from steepest.errors import DataError
from steepest.optimum import class_composite, class_model
from steepest.optimum.class_model import Pairs, _balanced
from steepest.optimum.held_dense import DenseTable
from steepest.optimum.outcome import Request
from steepest.penalties import ElasticNet, Penalties


def table(m=300, n=6, K=4, seed=0):
    rng = np.random.default_rng(seed)
    X, W = rng.standard_normal((m, n)), rng.standard_normal((n, K))
    return X, np.argmax(X @ W + rng.gumbel(size=(m, K)), axis=1)


def value(X, y, fit, l1, l2=0.0, factors=1.0):
    loss = softmax_formulas.loss(X @ fit.w + fit.b, y).mean()
    return loss + l1 * (factors * np.abs(fit.w).T).sum() + 0.5 * l2 * (factors * fit.w.T**2).sum()


@pytest.mark.parametrize("asked", [
    {"l1": 0.02}, {"l1": 0.01, "l2": 0.02}, {"l2": 0.01, "lower": 0.0}, {"lower": -0.3, "upper": 0.2}, {"lower": 0.0},
    {"l1": 0.02, "penalty_factors": [0, 1, 1, 2, 3, 0.5]}, {"l2": 0.02, "penalty_factors": [0, 1, 1, 2, 3, 0.5]},
    {"l1": 0.02, "intercept": False}, {"l1": 1e-8}, {"l1": 0.02, "standardize": True}, {"l1": 10.0},
])  # fmt: skip
def test_dense_and_sparse_rows_are_proved_and_agree(asked):
    X, y = table()
    dense, sparse = steepest.fit(X, y, **asked), steepest.fit(sp.csr_array(X), y, **asked)
    for fit in (dense, sparse):
        assert fit.status.name == "PROVED"
        assert fit.certificate.gap <= 1e-9
        assert np.all(fit.w >= asked.get("lower", -np.inf))
        assert np.all(fit.w <= asked.get("upper", np.inf))
    assert abs(dense.value - sparse.value) <= 2e-9 * dense.value
    np.testing.assert_allclose(dense.predict_proba(X), sparse.predict_proba(X), atol=2e-4)
    if "standardize" not in asked:
        expected = value(X, y, dense, asked.get("l1", 0.0), asked.get("l2", 0.0), asked.get("penalty_factors", 1.0))
        assert abs(expected - dense.value) <= 1e-12 * expected


def test_where_the_l1_is_large_all_weights_are_zero_and_b_are_the_shares():
    X, y = table()
    fit = steepest.fit(X, y, l1=10.0)
    assert not fit.w.any()
    np.testing.assert_allclose(softmax_formulas.softmax(fit.b), np.bincount(y) / len(y), rtol=1e-9)


def test_all_at_once_and_class_by_class_agree(monkeypatch):
    X, y = table(400, 40, 3, 1)
    for asked in ({"l1": 0.005}, {"l1": 0.003, "l2": 0.003}, {"l1": 0.005, "intercept": False}):
        at_once = steepest.fit(X, y, **asked)
        monkeypatch.setattr(class_model, "MOST_IN_GRAM", 0)
        in_turn = steepest.fit(X, y, **asked)
        sparse = steepest.fit(sp.csr_array(X), y, **asked)
        monkeypatch.undo()
        assert max(each.certificate.gap for each in (at_once, in_turn, sparse)) <= 1e-9
        np.testing.assert_allclose(in_turn.w, at_once.w, atol=1e-4)
        np.testing.assert_allclose(sparse.w, at_once.w, atol=1e-4)


def test_many_columns_are_walked_down_to():
    rng = np.random.default_rng(2)
    X = sp.random_array((400, 3_000), density=0.01, rng=rng, format="csr")
    y = np.argmax(X[:, :30] @ rng.standard_normal((30, 4)) * 9.0 + rng.gumbel(size=(400, 4)), axis=1)
    for rows in (X, X.toarray()):
        fit = steepest.fit(rows, y, l1=2e-3, tol=1e-7)
        assert fit.certificate.gap <= 1e-7
        assert 0 < np.count_nonzero(fit.w) < 2_000


@pytest.mark.parametrize("asked", [{"l1": 2e-3}, {"l1": 1e-3, "l2": 1e-3}, {"l2": 1e-2, "lower": 0.0}])
@pytest.mark.parametrize("together", [512, 0])
def test_a_long_table_starts_from_every_seventh_row(monkeypatch, asked, together):
    X, y = table(6_000, 20, 3)
    s = np.random.default_rng(1).uniform(0.0, 2.0, 6_000)
    plain = steepest.fit(X, y, sample_weight=s, **asked)
    monkeypatch.setattr(class_composite, "WORTH", 1e6)
    monkeypatch.setattr(class_composite, "TOGETHER", together)
    looked = []
    quick = steepest.fit(X, y, sample_weight=s, callback=lambda step: looked.append(step.w.shape) and None, **asked)
    assert quick.certificate.gap <= 1e-9
    assert quick.iterations <= plain.iterations
    assert len(looked) == quick.iterations
    assert abs(quick.value - plain.value) <= 2e-9 * plain.value
    np.testing.assert_allclose(quick.w, plain.w, atol=1e-3)


def test_a_sample_that_lacks_a_class_or_is_not_held_is_not_used(monkeypatch):
    monkeypatch.setattr(class_composite, "WORTH", 1.0)
    X, y = table(3_000, 4, 3)
    assert class_composite._on_some_rows(MemoryEngine(X, y), 3, Request(1e-9, 0.0, tuple("abcd"))) is None
    y[::7] = 0
    asked = Request(1e-9, 0.0, tuple("abcd"), penalties=Penalties(l1=0.01))
    assert class_composite._on_some_rows(MemoryEngine(X, y), 3, asked) is None
    assert steepest.fit(X, y, l1=0.01).certificate.gap <= 1e-9


def test_columns_far_from_zero_have_the_same_optimum():
    X, y = table()
    near, far = steepest.fit(X, y, l1=0.02), steepest.fit(X + 1e6, y, l1=0.02)
    np.testing.assert_allclose(far.w, near.w, atol=1e-4)
    assert far.certificate.gap <= 1e-9
    assert abs(far.b.sum()) < 1e-6


def test_what_nothing_holds_may_run_away():
    X, _ = table()
    y = np.argmax(X[:, :4], axis=1)
    free = steepest.fit(X, y, l1=0.1, penalty_factors=0.0)
    assert free.certificate.exists == "disproved"
    inside = steepest.fit(X, y, l1=1e-3)
    assert inside.certificate.exists == "proved"


def test_a_budget_and_a_callback_end_it_with_what_is_proved():
    X, y = table()
    seen = []
    short = steepest.fit(X, y, l1=0.01, callback=lambda step: seen.append(step.w.shape) or len(seen) >= 2)
    assert short.status.name == "CALLBACK"
    assert seen == [(6, 4), (6, 4)]
    assert short.certificate.gap > 1e-9
    again = steepest.fit(X, y, l1=0.01, w=short.w, b=short.b)
    assert again.certificate.gap <= 1e-9
    assert steepest.fit(X, y, l1=0.01, budget=1e-9).status.name == "BUDGET"


def test_a_class_without_rows_is_refused():
    X, y = table()
    engine = MemoryEngine(X, y, (y != 2).astype(float))
    with pytest.raises(DataError, match="class 2"):
        class_composite.minimise(engine, 4, Request(1e-9, 0.0, tuple("abcdef"), penalties=Penalties(l1=0.1)))


@pytest.mark.parametrize(("l1", "l2"), [(1.0, 0.0), (0.3, 0.5), (0.0, 2.0)])
def test_classes_are_moved_by_the_number_that_makes_the_penalty_least(l1, l2):
    rng = np.random.default_rng(3)
    held = DenseTable.of(MemoryEngine(rng.standard_normal((9, 5)), np.arange(9) % 4))
    pairs = Pairs.of(held, np.ones((5, 4), dtype=bool), None)
    net = ElasticNet(np.full(20, l1), np.full(20, l2), np.full(20, -np.inf), np.full(20, np.inf))
    v = rng.standard_normal(20)
    moved = _balanced(pairs, v, net)
    apart = (moved - v).reshape(5, 4)
    np.testing.assert_allclose(apart, apart[:, :1] * np.ones(4), atol=1e-12)
    least = net.value(moved)
    for j in range(5):
        for step in np.linspace(-3.0, 3.0, 241):
            other = moved.copy()
            other[4 * j : 4 * j + 4] += step
            assert net.value(other) >= least - 1e-12
