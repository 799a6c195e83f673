"""K classes on sparse rows: the dense fit, certificates that hold, no dense table, the same bits."""

import resource
import sys
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse as sp

import steepest
from steepest import optimum
from steepest.engines import MemoryEngine
from steepest.engines.sparse import SparseEngine
from steepest.errors import DataError
from steepest.optimum import softmax, sparse_softmax, sparse_softmax_proof
from steepest.optimum.outcome import Request
from steepest.optimum.sparse_metric import ClassDiagonal
from steepest.optimum.sparse_proof import longest_row
from steepest.optimum.sparse_softmax import minimise
from steepest.optimum.sparse_softmax_proof import prove_classes
from steepest.proof.class_separation import separation
from steepest.softmax_centred import CentredObjective
from steepest.types import Along, Evaluate, HessianTimes, Status


def request(n, l2, tol=1e-9, **more):
    return Request(tol, l2, tuple(f"x{j + 1}" for j in range(n)), **more)


def text(m=1500, n=700, K=5, per=20, seed=0):
    rng = np.random.default_rng(seed)
    cols = np.minimum((rng.pareto(0.8, (m, per)) * 3).astype(int), n - 1)
    X = sp.csr_array((np.ones(m * per), (np.repeat(np.arange(m), per), cols.ravel())), (m, n))
    X.sum_duplicates()
    X = sp.csr_array(X / 4.0)
    y = (X @ rng.standard_normal((n, K)) * 2.0 + rng.gumbel(size=(m, K)) - 0.3 * np.arange(K)).argmax(axis=1)
    y[:K] = np.arange(K)
    return X, y


def small(seed):
    """A random problem with weights, signs, empty rows, repeated columns; sometimes nearly separable."""
    rng = np.random.default_rng(seed)
    m, n, K = int(rng.integers(10, 50)), int(rng.integers(1, 7)), int(rng.integers(3, 6))
    X = np.where(rng.random((m, n)) < 0.4, np.round(4 * rng.standard_normal((m, n))) / 2, 0.0)
    if seed % 3 == 0:
        X = np.abs(X)
    if seed % 4 == 0:
        X[:, -1] = X[:, 0]
    X *= 10.0 ** rng.integers(-2, 3, n)
    strong = 10.0 if seed % 5 == 0 else 1.0
    y = (X @ rng.standard_normal((n, K)) * strong + rng.gumbel(size=(m, K))).argmax(axis=1)
    y[:K] = np.arange(K)
    weight = None if seed % 2 else rng.integers(0, 4, m).astype(float)
    if weight is not None:
        weight[:K] = 1.0
    return X, y, weight, 10.0 ** rng.uniform(-4, 1), bool(seed % 7)


class Exact:
    """Value, gradient and Hessian of the mean in extended precision; theta is (n + 1, K)."""

    def __init__(self, X, y, s, l2, intercept):
        self.X = np.column_stack([X, np.full(len(y), float(intercept))]).astype(np.longdouble)
        self.s = np.ones(len(y), np.longdouble) if s is None else s.astype(np.longdouble)
        self.s = self.s / self.s.sum()
        self.K = int(y.max()) + 1
        self.Y = np.eye(self.K, dtype=np.longdouble)[y]
        self.R = np.append(np.full(X.shape[1], np.longdouble(l2)), 0.0 if intercept else 1.0)[:, None]

    def rows(self, theta):
        z = self.X @ theta
        z = z - z.max(axis=1, keepdims=True)
        e = np.exp(z)
        return e / e.sum(axis=1, keepdims=True), np.log(e.sum(axis=1)) - (z * self.Y).sum(axis=1)

    def value(self, theta):
        return self.s @ self.rows(theta)[1] + (self.R * theta * theta).sum() / 2

    def gradient(self, theta):
        a, _ = self.rows(theta)
        return self.X.T @ (self.s[:, None] * (a - self.Y)) + self.R * theta

    def hessian(self, theta):
        a, _ = self.rows(theta)
        p, K = self.X.shape[1], self.K
        A = a[:, :, None] * (np.eye(K) - a[:, None, :])
        H = np.einsum("i,ij,ik,iab->jakb", *(each.astype(float) for each in (self.s, self.X, self.X, A)))
        return H.reshape(p * K, p * K) + np.diag(np.repeat(self.R[:, 0].astype(float), K))

    def optimum(self, start):
        theta, flat = start.astype(np.longdouble), np.kron(np.eye(self.X.shape[1]), np.ones((self.K, self.K)))
        for _ in range(8):  # from a fit: what is common to the classes is held, the rest is Newton's method
            H = self.hessian(theta) + flat * self.hessian(theta).trace()
            g = self.gradient(theta)
            size = np.abs(g).max()
            if size == 0.0:
                break
            theta = theta - np.linalg.solve(H, (g / size).astype(float).ravel()).reshape(g.shape) * size
        return theta - theta.mean(axis=1, keepdims=True)

    def gap(self, theta, best):
        """(F(theta) - F*) / F* without the subtraction: KL(a* | a) of every row and the penalty of the difference."""
        a, _ = self.rows(best)
        apart = theta.astype(np.longdouble) - best
        t = self.X @ apart
        t = t - (a * t).sum(axis=1, keepdims=True)
        mean = (a * (np.expm1(t) - t)).sum(axis=1)  # log of the mean of e^t, t of mean 0
        series = (a * t * t / 2 * (1 + t / 3 + t * t / 12)).sum(axis=1)
        far = np.abs(t).max(axis=1) > 1e-3
        bent = np.log1p(np.where(far, mean, series))
        return (self.s @ bent + (self.R * apart * apart).sum() / 2) / self.value(best)


def errors(exact, theta, best, used):
    """The largest error of a probability, and of a centred coefficient in standard errors at theta."""
    a, a_best = exact.rows(theta)[0], exact.rows(best)[0]
    p, K = exact.X.shape[1], exact.K
    H = exact.hessian(theta.astype(np.longdouble))
    kept = np.kron(np.eye(p), np.eye(K) - 1.0 / K)
    inverse = np.linalg.pinv(kept @ H @ kept, rcond=1e-13)
    apart = (theta - best) - (theta - best).mean(axis=1, keepdims=True)
    se = np.sqrt(np.maximum(np.diagonal(inverse), 0.0)).reshape(p, K)
    rows = slice(None) if exact.R[-1] == 0.0 else slice(0, -1)
    return np.abs(a - a_best)[used].max(), (np.abs(apart)[rows] / se[rows]).max()


@pytest.mark.parametrize("seeds", [range(k, k + 15) for k in range(0, 90, 15)], ids=lambda r: f"{r[0]}-{r[-1]}")
def test_the_certificate_is_never_below_the_truth(seeds):
    proved = 0
    for seed in seeds:
        X, y, s, l2, intercept = small(seed)
        K = int(y.max()) + 1
        found = softmax.minimise(MemoryEngine(X, y, s), K, request(X.shape[1], l2, 1e-12, intercept=intercept))
        exact = Exact(X, y, s, l2, intercept)
        best = exact.optimum(np.vstack([found.w, found.b]))
        used = np.ones(len(y), bool) if s is None else s > 0
        total = float(len(y) if s is None else s.sum())
        for engine in (SparseEngine(sp.csr_array(X), y, s), MemoryEngine(X, y, s)):
            longest = longest_row(engine, np.full(X.shape[1], l2))
            for away in (0.0, 1e-9, 1e-6, 1e-3, 1e-1, 1.0):
                rng = np.random.default_rng(seed)
                theta = best.astype(float) + away * rng.standard_normal(best.shape) / np.append(
                    1.0 + np.abs(X).max(axis=0), 1.0 if intercept else np.inf)[:, None]  # fmt: skip
                theta -= theta.mean(axis=1, keepdims=True)
                seen = prove_classes(engine, np.full(X.shape[1], l2), (theta[:-1], theta[-1]), longest, intercept)
                assert exact.gap(theta, best) * (1.0 - 1e-8) <= seen.gap, (seed, away)
                probability, coefficient = errors(exact, theta, best, used)
                assert probability <= seen.max_probability_error
                assert coefficient * np.sqrt(total) <= seen.max_coefficient_error * (1.0 + 1e-6) + 1e-9
                assert seen.exists == "proved"
                proved += seen.gap < 1e-6
    assert proved >= 4 * len(seeds)


def test_the_intercepts_are_restored():
    """Away from their equations |dW|² / l2 alone is no bound; with them the gap is nearly the truth."""
    X, y, s = small(6)[0], small(6)[1], small(6)[2]
    K, l2 = int(y.max()) + 1, 0.5
    found = softmax.minimise(MemoryEngine(X, y, s), K, request(X.shape[1], l2, 1e-12))
    exact = Exact(X, y, s, l2, True)
    best = exact.optimum(np.vstack([found.w, found.b]))
    engine = SparseEngine(sp.csr_array(X), y, s)
    for shift in (0.01, 0.1, 0.3):
        b = found.b + shift * np.array([1.0, -1.0, *[0.0] * (K - 2)])
        strength = np.full(X.shape[1], l2)
        seen = prove_classes(engine, strength, (found.w, b), longest_row(engine, strength))
        true = exact.gap(np.vstack([found.w, b]), best)
        assert true <= seen.gap <= 8.0 * true


MUTANTS = [
    ("0.5 * (square + inner.square / left)", "0.5 * square"),
    ("0.5 * (square + inner.square / left)", "0.4 * (square + inner.square / left)"),
    ("    pull += seen.products\n", ""),
    ("    U += D\n", "    U = D\n"),
    ("A * (d[:, None] - d @ A)", "A * d[:, None]"),
    ("square = (left / math.sqrt(least) + math.sqrt(known)) ** 2 * SLACK", "square = 0.0"),
    ("(A * block.weight) @ A.T, D @ block.weight", "(A * block.weight) @ A.T, 0.0 * D @ block.weight"),
    ("math.sqrt(square + inner.square)", "0.5 * math.sqrt(square + inner.square)"),
    ("    U *= s\n", ""),
    ("value_error, seen.least,", "value_error, 64.0 * seen.least,"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new"), MUTANTS)
def test_mutant_is_caught(monkeypatch, old, new):
    source = Path(sparse_softmax_proof.__file__).read_text(encoding="utf-8")
    assert source.count(old) == 1, f"{old!r} stands there {source.count(old)} times: rewrite this mutant"
    module = type(sys)("mutant_of_the_proof")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    exec(compile(source.replace(old, new), module.__name__, "exec"), module.__dict__)
    monkeypatch.setitem(globals(), "prove_classes", module.prove_classes)
    with pytest.raises(AssertionError):
        everything_about_the_proof()


def everything_about_the_proof():
    test_the_intercepts_are_restored()
    test_the_certificate_is_never_below_the_truth(range(24))


def test_it_is_the_dense_fit():
    X, y = text()
    for l2, intercept in ((0.1, True), (0.03, True), (0.03, False)):
        sparse = minimise(SparseEngine(X, y), 5, request(700, l2, 1e-19, intercept=intercept))
        dense = softmax.minimise(MemoryEngine(X.toarray(), y), 5, request(700, l2, 1e-19, intercept=intercept))
        assert max(sparse.certificate.gap, dense.certificate.gap) <= 1e-16
        np.testing.assert_allclose(sparse.w, dense.w, rtol=0, atol=1e-8)
        one, two = (softmax_of(X @ found.w + found.b) for found in (sparse, dense))
        np.testing.assert_allclose(one, two, rtol=0, atol=2e-9)  # each is within 1e-9 of the optimum
        np.testing.assert_allclose(sparse.w.sum(axis=1), 0.0, atol=1e-13)
        assert sparse.value == pytest.approx(dense.value, rel=1e-13)
        assert np.all(np.diff(sparse.trace.value) <= 1e-15 * sparse.trace.value[:-1])
        assert intercept or not sparse.b.any()


@pytest.mark.parametrize("l2", [1e-5, 1e-4, 1e-2])
def test_a_proved_gap_in_few_passes(l2):
    X, y = text(4000, 3000, K=8)
    found = minimise(SparseEngine(X, y), 8, request(3000, l2))
    assert found.status is Status.PROVED
    assert found.certificate.gap <= 1e-9
    assert found.certificate.max_coefficient_error < 1.0
    assert found.passes <= {1e-2: 20, 1e-4: 60, 1e-5: 120}[l2]
    assert len(found.trace.value) + 1 <= found.passes


def test_few_coefficients_and_dense_rows_of_many_columns():
    X, y = text(600, 40, K=3)
    sparse, dense = steepest.fit(X, y, l2=0.01), steepest.fit(X.toarray(), y, l2=0.01)
    np.testing.assert_allclose(sparse.w, dense.w, atol=1e-6)
    np.testing.assert_allclose(sparse.predict_proba(X), dense.predict_proba(X.toarray()), atol=1e-7)
    free = optimum.minimise(SparseEngine(X, y), request(40, 0.0), 3)
    assert free.certificate.exists == "proved"
    assert free.certificate.gap <= 1e-9
    twice = sp.csr_array(sp.hstack([X, 2.0 * X[:, [0]]]))
    named = optimum.minimise(SparseEngine(twice, y), request(41, 0.0), 3)
    assert named.notes[-1].text.startswith("x41 = 2 x1")
    np.testing.assert_allclose(named.w[:40], free.w, atol=1e-4)
    wide, y = text(300, 700, K=5)
    one, two = (minimise(rows(each, y), 5, request(700, 0.01, 1e-15)) for rows, each in
                ((SparseEngine, wide), (MemoryEngine, wide.toarray())))  # fmt: skip
    np.testing.assert_allclose(one.w, two.w, atol=1e-7)


@pytest.mark.parametrize("intercept", [True, False])
def test_same_bits_for_any_threads_and_index_dtype(intercept):
    X, y = text(20_000, 900, K=4)
    wide = sp.csr_array(X)
    wide.indices, wide.indptr = X.indices.astype(np.int64), X.indptr.astype(np.int64)
    results = [
        minimise(SparseEngine(rows, y, threads=threads), 4, request(900, 1e-3, intercept=intercept))
        for rows in (X, wide) for threads in (1, 2, 5)
    ]  # fmt: skip
    assert len(SparseEngine(X, y)._views) > 1
    for each in results:
        assert np.array_equal(each.w, results[0].w)
        assert np.array_equal(each.b, results[0].b)
        assert each.certificate == results[0].certificate


@pytest.mark.parametrize("dtype", [np.float32, np.int8, np.int64, bool])
def test_narrow_values_are_those_of_floats(dtype):
    X, y = text(1200, 800)
    narrow = sp.csr_array((np.ones(X.nnz).astype(dtype), X.indices, X.indptr), X.shape)
    wide = sp.csr_array((np.ones(X.nnz), X.indices, X.indptr), X.shape)
    one, two = (minimise(SparseEngine(rows, y), 5, request(800, 1e-2)) for rows in (narrow, wide))
    np.testing.assert_allclose(one.w, two.w, rtol=0, atol=1e-12)
    assert one.certificate.gap <= 1e-9


def test_no_table_is_made_dense():
    m, n, K = 40_000, 60_000, 3  # dense: 19 GB
    rng = np.random.default_rng(0)
    X = sp.csr_array((rng.random(m * 10), rng.integers(0, n, m * 10), np.arange(0, m * 10 + 1, 10)), (m, n))
    y = rng.integers(0, K, m)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    found = steepest.fit(X, y, l2=0.1, tol=1e-6)
    assert found.status is Status.PROVED
    above = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 - before
    assert above <= 60 * 8 * (m + n) * K, f"{above / 1e6:.0f} MB"
    assert found.decision_function(X).shape == (m, K)
    assert set(found.predict(X)) <= {0, 1, 2}


def test_weights_are_repeated_rows_and_a_start_is_used():
    X, y = text()
    times = np.random.default_rng(3).integers(0, 3, len(y))
    times[:5] = 1
    weighted = minimise(SparseEngine(X, y, times.astype(float)), 5, request(700, 1e-3, 1e-15))
    rows = np.repeat(np.arange(len(y)), times)
    repeated = minimise(SparseEngine(X[rows], y[rows]), 5, request(700, 1e-3, 1e-15))
    np.testing.assert_allclose(weighted.w, repeated.w, atol=1e-6)
    start = (weighted.w, weighted.b)
    again = minimise(SparseEngine(X, y, times.astype(float)), 5, request(700, 1e-3, start=start))
    assert len(again.trace.cost) == 0
    assert again.passes <= 6


def test_standardising_moves_the_penalty():
    X, y = text(900, 400)
    found = minimise(SparseEngine(X, y), 5, request(400, 1e-2, 1e-13, standardize=True))
    dense = softmax.minimise(MemoryEngine(X.toarray(), y), 5, request(400, 1e-2, 1e-13, standardize=True))
    np.testing.assert_allclose(found.w, dense.w, atol=1e-4 * np.abs(dense.w).max())


def test_permuting_classes_permutes_the_answer():
    X, y = text()
    order = np.array([2, 0, 4, 1, 3])
    one, two = (minimise(SparseEngine(X, each), 5, request(700, 1e-3, 1e-15)) for each in (y, order[y]))
    np.testing.assert_allclose(two.w[:, order], one.w, atol=1e-6)
    np.testing.assert_allclose(two.b[order], one.b, atol=1e-6)


def test_complete_separation_is_disproved_with_a_witness():
    X = sp.csr_array(sp.hstack([sp.eye_array(30, 700), sp.csr_array(np.ones((30, 1)))]))
    y = np.arange(30) % 3
    found = minimise(SparseEngine(X, y), 3, request(701, 0.0))
    assert found.status is Status.SEPARATED
    assert found.certificate.exists == "disproved"
    direction = np.array(found.certificate.witness.direction, dtype=float).reshape(702, 3)
    assert np.all((X @ direction[:-1] + direction[-1]).argmax(axis=1) == y)
    assert found.certificate.witness.separated == 30
    assert minimise(SparseEngine(X, y), 3, request(701, 1e-3)).certificate.exists == "proved"
    assert separation(SparseEngine(X, y), np.zeros((701, 3)), np.array([1.0, 0.0, -1.0])) is None


def test_without_a_penalty_nothing_is_claimed_that_is_not_proved():
    X, y = text(3000, 650)
    found = minimise(SparseEngine(X, y), 5, request(650, 0.0, iterations=60))
    assert found.certificate.exists == "unknown"
    assert found.certificate.gap == np.inf
    assert found.status in (Status.ITERATIONS, Status.MINIMUM)
    assert np.all(np.diff(found.trace.value) <= 0.0)


def test_budget_iterations_and_callback_state_what_is_proved():
    X, y = text()
    spent = minimise(SparseEngine(X, y), 5, request(700, 1e-3, budget=1e-9))
    assert spent.status is Status.BUDGET
    assert spent.certificate.exists == "proved"
    few = minimise(SparseEngine(X, y), 5, request(700, 1e-3, iterations=6))
    assert few.status is Status.ITERATIONS
    assert len(few.trace.value) == 6
    assert 1e-9 < few.certificate.gap < 1.0
    seen = []
    stopped = minimise(
        SparseEngine(X, y), 5, request(700, 1e-3, callback=lambda step: seen.append(step.w.shape) or len(seen) == 2)
    )
    assert stopped.status is Status.CALLBACK
    assert seen == [(700, 5), (700, 5)]


def test_a_class_without_rows_is_refused():
    X, y = text()
    with pytest.raises(DataError, match="class 5"):
        minimise(SparseEngine(X, y), 6, request(700, 0.1))
    with pytest.raises(DataError, match="class 2"):
        minimise(SparseEngine(X, y, (y != 2).astype(float)), 5, request(700, 0.1))


def test_the_table_is_only_read():
    X, y = text()
    X.data *= np.where(np.random.default_rng(0).random(X.nnz) < 0.5, -1.0, 1.0)
    turned_rows = X.indices.copy()
    for i, k in zip(X.indptr, X.indptr[1:], strict=False):
        turned_rows[i:k] = turned_rows[i:k][::-1]
    X = sp.csr_array((X.data, turned_rows, X.indptr), X.shape)
    before = [part.copy() for part in (X.data, X.indices, X.indptr)]
    minimise(SparseEngine(X, y), 5, request(700, 1e-2))
    minimise(SparseEngine(X, y), 5, request(700, 0.0, iterations=10))
    assert all(np.array_equal(*pair) for pair in zip(before, (X.data, X.indices, X.indptr), strict=True))


@pytest.mark.parametrize("intercept", [True, False])
def test_the_objective_and_its_metric(intercept):
    X, y = text(400, 60)
    objective = CentredObjective(SparseEngine(X, y), 5, np.linspace(0.1, 1.0, 60), intercept)
    rng = np.random.default_rng(1)
    theta, way = (objective.theta(rng.standard_normal((60, 5)), rng.standard_normal(5)) for _ in range(2))
    point, h = objective.answer(Evaluate(theta, 1)), 1e-5
    ends = [objective.answer(Evaluate(theta + t * way, 1)).value for t in (h, -h)]
    np.testing.assert_allclose((ends[0] - ends[1]) / (2 * h), point.gradient @ way, rtol=1e-7)
    np.testing.assert_allclose(objective.answer(Along(theta, way, (h, -h))), ends, rtol=1e-13)
    assert objective.answer(Evaluate(theta, 0)).value == point.value
    np.testing.assert_allclose(point.gradient.reshape(61, 5).sum(axis=1), 0.0, atol=1e-15 * len(y))
    with pytest.raises(TypeError, match="HessianTimes"):
        objective.answer(HessianTimes(theta, way))
    w, b = objective.weights(theta)
    np.testing.assert_allclose(objective.theta(w, b), theta, atol=1e-15)
    a = softmax_of(X @ w + b)
    D = a * (1.0 - a)
    dense = X.toarray()
    found = ClassDiagonal.at(objective, theta)
    centre = dense.T @ D / D.sum(axis=0) if intercept else np.zeros((60, 5))
    expected = (dense**2).T @ D / 400 - centre**2 * D.mean(axis=0)
    np.testing.assert_allclose(found.centre, centre, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(found.diagonal - objective.l2[:, None], expected, rtol=1e-3, atol=1e-5)
    shares = np.array([0.1, 0.2, 0.3, 0.15, 0.25])
    begin = objective.theta(np.zeros((60, 5)), np.log(shares))
    if intercept:
        one, two = ClassDiagonal.at(objective, begin), ClassDiagonal.at_shares(objective, shares)
        np.testing.assert_allclose(one.diagonal, two.diagonal, rtol=1e-4)
        np.testing.assert_allclose(one.edge, two.edge, rtol=1e-4)
        np.testing.assert_allclose(one.centre, two.centre, rtol=1e-4, atol=1e-7)


def softmax_of(Z):
    e = np.exp(Z - Z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def test_the_metric_is_renewed_while_the_value_falls(monkeypatch):
    X, y = text(3000, 2000)
    formed = []
    at = ClassDiagonal.at.__func__
    monkeypatch.setattr(
        sparse_softmax.ClassDiagonal, "at",
        classmethod(lambda cls, objective, theta: formed.append(1) or at(cls, objective, theta)),
    )  # fmt: skip
    found = minimise(SparseEngine(X, y), 5, request(2000, 1e-5))
    assert found.status is Status.PROVED
    assert 2 <= len(formed) < len(found.trace.value) / 8 + 1


@pytest.mark.parametrize("spread", [3, 60])
def test_units_of_the_columns_do_not_matter(spread):
    X, y = text(900, 600)
    scale = 10.0 ** np.random.default_rng(0).uniform(-spread, spread, 600)
    other = sp.csr_array((X.data * scale[X.indices], X.indices, X.indptr), X.shape)
    one, two = (minimise(SparseEngine(each, y), 5, request(600, 1e-2, standardize=True)) for each in (X, other))
    assert one.status is two.status is Status.PROVED
    assert two.passes <= 1.2 * one.passes + 2
    assert two.value == pytest.approx(one.value, rel=2e-9)
    assert two.certificate.max_coefficient_error <= 3.0 * one.certificate.max_coefficient_error < np.inf


def test_a_strength_for_every_column_is_certified_too():
    """The longest row is measured by the strengths: a bound that forgot them would be far off here."""
    for seed in range(8):
        X, y, s, _, _ = small(seed)
        strength = 10.0 ** np.random.default_rng(seed).uniform(-3, 1, X.shape[1])
        root = np.sqrt(strength)
        K = int(y.max()) + 1
        found = softmax.minimise(MemoryEngine(X / root, y, s), K, request(X.shape[1], 1.0, 1e-12))
        exact = Exact(X / root, y, s, 1.0, True)
        best = exact.optimum(np.vstack([found.w, found.b]))
        used = np.ones(len(y), bool) if s is None else s > 0
        engine = SparseEngine(sp.csr_array(X), y, s)
        longest = longest_row(engine, strength)
        for away in (1e-6, 1e-3, 1e-2):
            rng = np.random.default_rng(seed)
            theta = best.astype(float) + away * rng.standard_normal(best.shape)
            theta -= theta.mean(axis=1, keepdims=True)
            seen = prove_classes(engine, strength, (theta[:-1] / root[:, None], theta[-1]), longest)
            assert exact.gap(theta, best) * (1.0 - 1e-8) <= seen.gap
            probability, coefficient = errors(exact, theta, best, used)
            assert probability <= seen.max_probability_error
            total = float(len(y) if s is None else s.sum())
            assert coefficient * np.sqrt(total) <= seen.max_coefficient_error * (1.0 + 1e-6)


def test_dense_rows_of_too_many_columns_for_blocks(monkeypatch):
    X, y = text(300, 60, K=5)
    monkeypatch.setattr(optimum.regime, "LARGE_BLOCKS", 100)
    monkeypatch.setattr(optimum.regime, "FEW_COEFFICIENTS", 10)
    fit = steepest.fit(X.toarray(), y, l2=0.01)
    monkeypatch.undo()
    np.testing.assert_allclose(fit.w, steepest.fit(X.toarray(), y, l2=0.01).w, atol=1e-4)
    assert fit.certificate.gap <= 1e-9
