"""The sparse regime: published optima to a proved 1e-9, certificates never below the true gap, the same bits."""

import csv
import re

import numpy as np
import pytest
import scipy.sparse as sp

from steepest.engines.sparse import SparseEngine, as_csr
from steepest.kernels.sparse import sums
from steepest.optimum.outcome import Request
from steepest.optimum.sparse import minimise
from steepest.optimum.sparse_proof import longest_row, prove
from steepest.optimum.sparse_scaling import standard
from steepest.optimum.sparse_separation import separates
from steepest.proof.certificate import Certificate
from steepest.types import Status


def request(n, l2, tol=1e-9, **more):
    return Request(tol, l2, tuple(f"x{j + 1}" for j in range(n)), **more)


@pytest.fixture(scope="module")
def a9a(shared_data):
    rows, cols, y = [], [], []
    with (shared_data.folder / "a9a" / "a9a").open() as lines:
        for i, line in enumerate(lines):
            label, *entries = line.split()
            y.append(int(label) > 0)
            cols += [int(entry.split(":")[0]) - 1 for entry in entries]
            rows += [i] * len(entries)
    return sp.csr_array((np.ones(len(rows)), (rows, cols)), (len(y), 123)), np.array(y, dtype=np.uint8)


@pytest.mark.parametrize("C", [0.01, 1.0, 100.0])
def test_a9a(shared_data, a9a, C):
    X, y = a9a
    expected = shared_data.expected("a9a")["optima"][f"a9a|C={C}|ic=1"]
    found = minimise(SparseEngine(X, y), request(123, 1.0 / (C * len(y))))
    assert found.status is Status.PROVED
    assert found.certificate.exists == "proved"
    assert found.certificate.gap <= 1e-9
    assert found.value * len(y) * C == pytest.approx(expected["opt"], rel=1e-9)
    assert found.b == pytest.approx(expected["intercept"], abs=2e-3)
    assert found.passes <= (20 if C < 100.0 else 60)
    assert found.certificate.max_probability_error < 0.1


def sms(shared_data):
    with (shared_data.folder / "sms_spam" / "sms_spam.csv").open(newline="", encoding="utf-8", errors="replace") as f:
        kind, text = zip(*((row["type"], row["text"]) for row in csv.DictReader(f)), strict=True)
    words = [set(re.findall("[a-z0-9]{2,}", each.lower())) for each in text[:4459]]
    place = {word: j for j, word in enumerate(sorted(set().union(*words)))}
    rows = np.repeat(np.arange(4459), [len(each) for each in words])
    cols = [place[word] for each in words for word in each]
    X = sp.coo_array((np.ones(len(cols), dtype=np.int8), (rows, cols)), (4459, len(place)))
    return X, np.array([each == "spam" for each in kind[:4459]], dtype=np.uint8)


def test_sms_text(shared_data):
    expected = shared_data.expected("sms_spam")["optima"]["sms_binary_bow|C=1.0|ic=1"]
    X, y = sms(shared_data)
    assert X.shape == (expected["n"], expected["d"])
    found = minimise(SparseEngine(as_csr(X), y), request(X.shape[1], 1.0 / len(y)))
    assert found.certificate.gap <= 1e-9
    assert found.value * len(y) == pytest.approx(expected["opt"], rel=1e-9)
    assert found.b == pytest.approx(expected["intercept"], abs=1e-3)
    assert np.linalg.norm(found.w) == pytest.approx(expected["w_norm2"], rel=1e-4)  # the file's name for |w|
    assert found.certificate.max_probability_error < 1e-2
    assert found.passes <= 60


def small(seed):
    """A random problem with weights, signs, empty rows, repeated columns; sometimes nearly separable."""
    rng = np.random.default_rng(seed)
    m, n = int(rng.integers(8, 60)), int(rng.integers(1, 12))
    X = np.where(rng.random((m, n)) < 0.3, np.round(4 * rng.standard_normal((m, n))) / 2, 0.0)
    if seed % 3 == 0:
        X = np.abs(X)
    if seed % 4 == 0:
        X[:, -1] = X[:, 0]
    X *= 10.0 ** rng.integers(-2, 3, n)
    z = X @ rng.standard_normal(n) * (10.0 if seed % 5 == 0 else 1.0)
    y = (z - np.median(z) + rng.logistic(size=m) > 0.0).astype(float)
    y[:2] = 0.0, 1.0
    weight = None if seed % 2 else rng.integers(0, 4, m).astype(float)
    if weight is not None:
        weight[:2] = 1.0
    return X, y, weight, 10.0 ** rng.uniform(-4, 1)


def exact(X, y, s, l2, theta):
    """Value, gradient and Hessian of the mean in extended precision."""
    X, theta = np.column_stack([X, np.ones(len(y))]).astype(np.longdouble), theta.astype(np.longdouble)
    s = np.ones(len(y), np.longdouble) if s is None else s.astype(np.longdouble)
    z = X @ theta
    e = np.exp(-np.abs(z))
    a = np.where(z >= 0, 1, e) / (1 + e)
    R = np.append(np.full(X.shape[1] - 1, np.longdouble(l2)), 0)
    W = s.sum()
    value = (s * (np.where(y > 0.5, np.maximum(-z, 0), np.maximum(z, 0)) + np.log1p(e))).sum() / W
    H = (X * (s * e / (1 + e) ** 2)[:, None]).T @ X / W + np.diag(R)
    return value + (R * theta * theta).sum() / 2, X.T @ (s * (a - y)) / W + R * theta, H, a


def optimum(X, y, s, l2):
    """Newton's method in extended precision; the last steps in full, because values no longer tell them apart."""
    theta = np.zeros(X.shape[1] + 1, np.longdouble)
    near = 0
    for _ in range(200):
        value, g, H, _ = exact(X, y, s, l2, theta)
        H = H.astype(float)
        unit = np.sqrt(np.diagonal(H))
        largest = max(np.abs(g / unit).max(), np.finfo(np.longdouble).tiny)
        step = np.linalg.solve(H / np.outer(unit, unit), (g / unit / largest).astype(float)) / unit * largest
        near += bool(near or np.abs(step * unit).max() <= 1e-5)
        size = np.longdouble(1.0)
        while not near and exact(X, y, s, l2, theta - size * step)[0] > value and size > 1e-12:
            size /= 2
        theta = theta - size * step
        if near == 6:
            break
    return theta


def true_gap(X, y, s, l2, theta, best):
    """(F(theta) - F*) / F* without the subtraction: the divergence of F, in which every term is >= 0.

    With t = z - z*, a = a*: softplus(z) - softplus(z*) - a t = a (1 - a) t²/2 (1 + (1 - 2a) t/3 + …), by its series
    to t³ for small t.
    """
    apart = theta.astype(np.longdouble) - best
    wide = np.column_stack([X, np.ones(len(y))]).astype(np.longdouble)
    s = np.ones(len(y), np.longdouble) if s is None else s.astype(np.longdouble)
    least, _, _, a = exact(X, y, s, l2, best)
    t = wide @ apart
    with np.errstate(all="ignore"):
        ahead = np.where(t > 0, np.log1p(-(1 - a) * -np.expm1(-t)), np.log1p(a * np.expm1(t)))
        closed = np.where(t > 0, t + ahead, ahead) - a * t
    both = np.isfinite(closed)
    c = a * (1 - a)
    series = c * t**2 / 2 * (1 + (1 - 2 * a) * t / 3 + (1 - 6 * c) * t**2 / 12)
    bent = np.where((np.abs(t) < 1e-4) | ~both, series * (1 - 1e-9), closed)
    return ((s * bent).sum() / s.sum() + l2 * (apart[:-1] ** 2).sum() / 2) / least


@pytest.mark.parametrize("seeds", [range(k, k + 20) for k in range(0, 120, 20)], ids=lambda r: f"{r[0]}-{r[-1]}")
def test_the_certificate_is_never_below_the_truth(seeds):
    proved = 0
    for seed in seeds:
        X, y, s, l2 = small(seed)
        best = optimum(X, y, s, l2)
        _, _, H, a_best = exact(X, y, s, l2, best)
        inverse = np.diagonal(np.linalg.inv(H.astype(float)))
        engine = SparseEngine(sp.csr_array(X), y, s)
        longest = longest_row(engine, np.full(X.shape[1], l2))
        for away in (0.0, 1e-9, 1e-6, 1e-3, 1e-1, 1.0):
            rng = np.random.default_rng(seed)
            theta = best.astype(float) + away * rng.standard_normal(len(best)) * np.sqrt(inverse)
            seen = prove(engine, np.full(X.shape[1], l2), theta[:-1], float(theta[-1]), longest)
            _, _, H_here, a = exact(X, y, s, l2, theta)
            W = len(y) if s is None else s.sum()
            assert true_gap(X, y, s, l2, theta, best) * (1.0 - 1e-8) <= seen.gap
            counted = np.ones(len(y), bool) if s is None else s > 0
            assert np.abs(a - a_best)[counted].max() <= seen.max_probability_error
            unit = np.sqrt(np.diagonal(np.linalg.inv(H_here.astype(float))) / float(W))
            assert (np.abs(theta - best) / unit).max() <= seen.max_coefficient_error * (1.0 + 1e-9)
            assert seen.exists == "proved"
            proved += seen.gap < 1e-6
    assert proved >= 2 * len(seeds)


@pytest.mark.parametrize("seed", range(30))
def test_random_problems_reach_a_proved_gap(seed):
    X, y, s, l2 = small(seed)
    found = minimise(SparseEngine(sp.csr_array(X), y, s), request(X.shape[1], l2))
    assert found.status is Status.PROVED
    gap = true_gap(X, y, s, l2, np.append(found.w, found.b), optimum(X, y, s, l2))
    assert gap * (1.0 - 1e-8) <= found.certificate.gap <= 1e-9
    assert len(found.trace.value) + 1 <= found.passes
    assert np.all(np.diff(found.trace.value) <= 1e-15 * found.trace.value[:-1])


def text(rng, m=4000, n=3000, C=1.0):
    cols = np.minimum((rng.pareto(0.8, (m, 25)) * 3).astype(int), n - 1)
    X = sp.csr_array((np.ones(m * 25), (np.repeat(np.arange(m), 25), cols.ravel())), (m, n))
    X.sum_duplicates()
    X = sp.csr_array(X / 5.0)
    z = X @ (rng.standard_normal(n) * 3)
    return X, (z - np.median(z) + rng.logistic(size=m) > 0).astype(np.uint8), 1.0 / (C * m)


@pytest.mark.parametrize("C", [0.1, 1.0, 100.0])
def test_many_columns(rng, C):
    X, y, l2 = text(rng, C=C)
    found = minimise(SparseEngine(X, y), request(3000, l2))
    assert found.status is Status.PROVED
    assert found.passes < 120


@pytest.mark.parametrize("n", [60, 3000])
def test_same_bits_for_any_threads_and_index_dtype(rng, n):
    X, y, l2 = text(rng, m=20_000, n=n)
    wide = sp.csr_array(X)
    wide.indices, wide.indptr = X.indices.astype(np.int64), X.indptr.astype(np.int64)
    results = [
        minimise(SparseEngine(rows, y, threads=threads), request(n, l2))
        for rows in (X, wide) for threads in (1, 2, 5)
    ]  # fmt: skip
    assert all(np.array_equal(each.w, results[0].w) and each.b == results[0].b for each in results)
    assert all(each.certificate == results[0].certificate for each in results)


def test_weights_are_repeated_rows_and_a_start_is_used(rng):
    X, y, l2 = text(rng, m=2000, n=700)
    times = rng.integers(0, 3, 2000)
    weighted = minimise(SparseEngine(X, y, times.astype(float)), request(700, l2, 1e-12))
    repeated = minimise(
        SparseEngine(X[np.repeat(np.arange(2000), times)], np.repeat(y, times)), request(700, l2, 1e-12)
    )
    np.testing.assert_allclose(weighted.w, repeated.w, atol=1e-5)
    again = minimise(SparseEngine(X, y, times.astype(float)), request(700, l2, start=(weighted.w, weighted.b)))
    assert again.passes <= 4


def test_standardising_moves_the_penalty(rng):
    X, y, _ = text(rng, m=2000, n=50)
    deviation = X.toarray().std(axis=0)
    found = standard(SparseEngine(X, y))
    np.testing.assert_allclose(found.centre, X.toarray().mean(axis=0), rtol=1e-13, atol=1e-16)
    scale = np.where(deviation > 0.0, deviation, np.inf)
    np.testing.assert_allclose(found.scale, scale, rtol=1e-10)
    found = minimise(SparseEngine(X, y), request(50, 1e-3, standardize=True))
    total = sums_at(X, y, found)
    np.testing.assert_allclose(total.dw / 2000 + 1e-3 * deviation**2 * found.w, 0.0, atol=1e-5)


def sums_at(X, y, found):
    return SparseEngine(X, y).sum(lambda block: sums(block, found.w, found.b, 1))


def test_without_a_penalty(rng):
    X, y, _ = text(rng, m=3000, n=30)
    found = minimise(SparseEngine(X, y), request(30, 0.0))
    assert found.certificate.exists == "proved"
    assert found.certificate.gap <= 1e-9
    wide, y, _ = text(rng, m=500, n=3000)
    separated = minimise(SparseEngine(wide, y), request(3000, 0.0))
    assert separated.certificate.exists in ("disproved", "unknown")


def test_complete_separation_of_many_columns_has_a_witness():
    X = sp.csr_array(sp.hstack([sp.csr_array(np.arange(1, 7.0)[:, None]), sp.eye_array(6, 600)]))
    y = np.array([0, 0, 0, 1, 1, 1], dtype=np.uint8)
    found = minimise(SparseEngine(X, y), request(601, 0.0))
    assert found.status is Status.SEPARATED
    assert found.certificate.witness.kind == "complete"
    direction = np.append(found.certificate.witness.w, found.certificate.witness.b)
    assert np.all((2.0 * y - 1) * (X @ direction[:-1] + direction[-1]) > 0)
    assert separates(SparseEngine(X, y), np.zeros(601), 1.0) is None


def test_a_budget_ends_with_what_is_proved(rng):
    X, y, l2 = text(rng)
    found = minimise(SparseEngine(X, y), request(3000, l2, 1e-15, budget=1e-9))
    assert found.status is Status.BUDGET
    assert isinstance(found.certificate, Certificate)
    few = minimise(SparseEngine(X, y), request(3000, l2, iterations=3))
    assert few.status is Status.ITERATIONS
    assert len(few.trace.value) == 3
    seen = []
    stopped = minimise(SparseEngine(X, y), request(3000, l2, callback=lambda step: seen.append(step) or len(seen) == 2))
    assert stopped.status is Status.CALLBACK


@pytest.mark.parametrize("n", [60, 3000])
@pytest.mark.parametrize("l2", [0.0, 1e-3])
def test_the_table_is_only_read(rng, n, l2):
    """SciPy's abs() sorts and sums entries in place, of views too; unsorted signed rows would show it."""
    X, y, _ = text(rng, m=2000, n=n)
    X.data *= np.where(rng.random(X.nnz) < 0.5, -1.0, 1.0)
    turned_rows = X.indices.copy()
    for i, k in zip(X.indptr, X.indptr[1:], strict=False):
        turned_rows[i:k] = turned_rows[i:k][::-1]
    X = sp.csr_array((X.data, turned_rows, X.indptr), X.shape)
    before = [part.copy() for part in (X.data, X.indices, X.indptr)]
    minimise(SparseEngine(as_csr(X), y), request(n, l2, iterations=30))
    assert all(np.array_equal(*pair) for pair in zip(before, (X.data, X.indices, X.indptr), strict=True))


def test_duplicates_are_sums(rng):
    X, y, l2 = text(rng, m=1000, n=600)
    twice = sp.csr_array(X)
    twice = sp.csr_array((np.repeat(X.data / 2, 2), np.repeat(X.indices, 2), X.indptr * 2), X.shape)
    one, two = (minimise(SparseEngine(as_csr(rows), y), request(600, l2, 1e-10)) for rows in (X, twice))
    assert one.value == pytest.approx(two.value, rel=2e-10)
    assert two.certificate.gap <= 1e-10
