"""Rows counted instead of repeated: the same problem, to the last digits; refused where it would not pay."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from steepest import compression
from steepest.compression import compress
from steepest.driver import StopRules, drive
from steepest.engines import MemoryEngine
from steepest.objective import Objective
from steepest.penalties import L2
from steepest.proof.certificate import certify
from steepest.proof.problem import Problem
from steepest.solvers.newton import newton


def repeated(seed=0, m=4000, n=3, levels=3, dtype=np.float64):
    rng = np.random.default_rng(seed)
    X = rng.integers(0, levels, (m, n)).astype(dtype)
    y = (X.astype(float) @ np.arange(1.0, n + 1.0) - 6.0 + 3.0 * rng.logistic(size=m) > 0).astype(np.uint8)
    return X, y, rng.integers(1, 5, m).astype(float)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 4), st.integers(1, 4), st.booleans())
def test_is_group_by(seed, n, levels, weighted):
    rng = np.random.default_rng(seed)
    m = int(rng.integers(40, 300))
    X, y = rng.integers(0, levels, (m, n)) * 0.1 - 0.1, rng.integers(0, 2, m)
    weight = rng.integers(0, 5, m).astype(float) if weighted else None
    expected: dict[tuple[float, ...], float] = {}
    for i in range(m):
        key = (*(X[i] + 0.0).tolist(), int(y[i]))
        expected[key] = expected.get(key, 0.0) + (1.0 if weight is None else weight[i])
    found = compress(X, y, weight)
    if len(expected) > m // 2:
        assert found is None
        return
    assert [(*(x + 0.0).tolist(), int(label)) for x, label in zip(found.X, found.y, strict=True)] == list(expected)
    assert found.weight.tolist() == list(expected.values())  # in order of first appearance
    assert found.rows == m


@pytest.mark.parametrize("weighted", [False, True])
def test_same_optimum_and_same_certificate(weighted):
    X, y, weight = repeated()
    s = weight if weighted else None
    small = compress(X, y, s)
    assert len(small.y) <= 54
    runs, proofs = [], []
    full = MemoryEngine(X, y, s, threads=1)
    for engine in (full, MemoryEngine(small.X, small.y, small.weight, threads=1)):
        runs.append(drive(newton(np.zeros(4)), Objective(engine, penalty=L2(0.01)), StopRules(iterations=40)))
        theta = runs[0].last.theta
        proofs.append(certify(Problem.of(engine, 0.01), theta[:-1] + 1e-3, float(theta[-1])).certificate)
    a, b = (run.last for run in runs)
    assert a.point.value == pytest.approx(b.point.value, rel=1e-13)
    np.testing.assert_allclose(a.theta, b.theta, rtol=1e-10)
    gradient = Objective(full, penalty=L2(0.01)).answer(compression_question(b.theta)).gradient
    assert np.abs(gradient).max() < 1e-12
    assert proofs[0].gap == pytest.approx(proofs[1].gap, rel=1e-6)
    assert proofs[0].max_probability_error == pytest.approx(proofs[1].max_probability_error, rel=1e-6)


def compression_question(theta):
    from steepest.types import Evaluate

    return Evaluate(theta, order=1)


def test_minus_zero_is_zero():
    X = np.array([[0.0], [-0.0], [0.0], [-0.0], [1.0], [1.0]])
    found = compress(X, np.array([0, 0, 0, 0, 1, 1]))
    assert found.weight.tolist() == [4.0, 2.0]


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int8, np.bool_])
@pytest.mark.parametrize("order", ["C", "F"])
def test_dtypes_and_orders(dtype, order):
    X, y, _ = repeated(1, levels=2, dtype=dtype)
    found, plain = compress(np.asarray(X, order=order), y), compress(X.astype(float), y)
    assert found.X.dtype == dtype
    assert np.array_equal(found.X, plain.X)
    assert np.array_equal(found.weight, plain.weight)


def test_different_labels_stay_apart():
    X = np.ones((10, 2))
    found = compress(X, np.arange(10) % 2)
    assert found.y.tolist() == [0, 1]
    assert str(found) == "10 rows, of which 2 are distinct"


@pytest.mark.parametrize("m", [50, 5000, 100_000])
def test_rows_that_do_not_repeat_are_left_alone(m):
    assert compress(np.random.default_rng(0).standard_normal((m, 3)), np.zeros(m)) is None


def test_no_full_pass_where_a_sample_says_no(monkeypatch):
    X = np.random.default_rng(0).standard_normal((200_000, 4))
    seen = []
    values = compression._values
    monkeypatch.setattr(compression, "_values", lambda X, y: seen.append(len(y)) or values(X, y))
    assert compress(X, np.zeros(len(X))) is None
    assert sum(seen) <= compression.SAMPLE


def test_a_table_that_starts_with_repeats_is_given_up_midway():
    X = np.random.default_rng(0).standard_normal((100_000, 2))
    X[:60_000] = 1.0
    assert compress(X, np.zeros(len(X))) is None


def test_rows_that_share_a_hash_are_never_merged(monkeypatch):
    monkeypatch.setattr(compression, "_hashes", lambda rows: np.zeros(len(rows), dtype=np.uint64))
    assert compress(np.array([[1.0], [2.0], [1.0], [2.0]]), np.zeros(4)) is None
    assert compress(np.ones((4, 1)), np.zeros(4)).weight.tolist() == [4.0]


@pytest.mark.parametrize("n", [4, 40])
def test_memory_stays_within_five_percent(n):
    rng = np.random.default_rng(0)
    X = rng.integers(0, 3, (1_600_000 // n, 4)).astype(float) @ rng.integers(0, 2, (4, n))
    X = np.repeat(X, 10, axis=0)
    y = np.zeros(len(X))
    tracemalloc.start()
    found = compress(X, y)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(found.y) <= 81
    assert peak <= 0.05 * X.nbytes
