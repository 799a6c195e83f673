"""The optimum of K classes: published optima, 60-digit optima, the binary fit, and laws that hold for every answer."""

import math

import mpmath
import numpy as np
import pytest
from mpmath import mp, mpf

import steepest
from steepest.driver import StopRules, drive
from steepest.engines import MemoryEngine
from steepest.errors import DataError
from steepest.objective import Objective
from steepest.optimum.outcome import Request
from steepest.optimum.softmax import minimise
from steepest.penalties import L2
from steepest.proof import bounds, softmax_certificate
from steepest.proof.certificate import certify
from steepest.proof.problem import Problem
from steepest.proof.softmax_certificate import certify_classes
from steepest.softmax_objective import assembled
from steepest.solvers.newton import newton
from steepest.types import Status


def table(m=90, n=3, K=4, seed=0, scale=1.0, noise=1.0):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((m, n)) * scale
    Z = X / scale @ rng.standard_normal((n, K)) + noise * rng.gumbel(size=(m, K))
    y = Z.argmax(axis=1)
    y[:K] = np.arange(K)
    return X, y


def solve(X, y, l2, weight=None, K=None, **options):
    engine = MemoryEngine(X, y, weight, **{k: options.pop(k) for k in ("threads", "leaf_bytes") if k in options})
    K = int(y.max()) + 1 if K is None else K
    return minimise(engine, K, Request(options.pop("tol", 1e-9), l2, tuple(map(str, range(X.shape[1]))), **options))


def vowel(shared_data):
    path = "vowel/Vowel.txt"
    X = shared_data.columns(path, *(f"x.{j}" for j in range(1, 11)))
    y = shared_data.columns(path, "y")[:, 0].astype(int) - 1
    train = shared_data.columns(path, "is_train")[:, 0] == 1.0
    return X[train], y[train], X[~train], y[~train]


@pytest.mark.parametrize("C", [1.0, 11.0, 1e6])
def test_vowel(shared_data, C):
    X, y, X_test, y_test = vowel(shared_data)
    expected = shared_data.expected("vowel")["optima"][f"vowel|multi|C={C}"]
    found = solve(X, y, 1.0 / (C * len(y)))
    assert found.status is Status.PROVED
    assert found.certificate.exists == "proved"
    assert found.certificate.gap <= 1e-9
    assert found.value * len(y) == pytest.approx(expected["opt"], rel=1e-9)
    assert found.cost == pytest.approx(expected["train_logloss"], rel=1e-4)
    right = [np.mean((A @ found.w + found.b).argmax(axis=1) == t) for A, t in ((X, y), (X_test, y_test))]
    assert right == pytest.approx([expected["train_acc"], expected["test_acc"]], abs=1e-12)
    assert np.all(np.diff(found.trace.value) <= 0.0)


def test_vowel_without_a_penalty_reproduces_the_published_errors(shared_data):
    X, y, X_test, y_test = vowel(shared_data)
    found = solve(X, y, 0.0)
    assert found.status is Status.PROVED
    assert found.certificate.exists == "proved"
    assert found.certificate.max_coefficient_error < 1e-2
    published = shared_data.expected("vowel")["published"]
    for which, A, t in (("train_error", X, y), ("test_error", X_test, y_test)):
        wrong = np.mean((A @ found.w + found.b).argmax(axis=1) != t)
        assert f"{wrong:.2f}"[1:] == published[which]


@pytest.mark.parametrize("l2", [0.0, 0.03])
def test_two_classes_are_the_binary_fit(l2):
    X, y = table(K=2, m=60)
    found = solve(X, y, l2)
    assert found.status is Status.PROVED
    objective = Objective(MemoryEngine(X, y), penalty=L2(l2 / 2.0))  # ½ l2 (2 (w/2)²) = ½ (l2/2) w²
    binary = drive(newton(np.zeros(4)), objective, StopRules(50)).last
    theta = np.append(found.w[:, 1] - found.w[:, 0], found.b[1] - found.b[0])
    np.testing.assert_allclose(theta, binary.theta, rtol=1e-5, atol=1e-6)
    assert found.value == pytest.approx(binary.point.value, rel=1e-9)
    at = objective.weights(theta)
    ours = certify_classes(Problem.of(MemoryEngine(X, y), l2), found.w, found.b, hessian=True)
    theirs = certify(Problem.of(MemoryEngine(X, y), l2 / 2.0), *at).certificate
    assert ours.gap == pytest.approx(theirs.gap, rel=0.01, abs=1e-20)  # both are tight


def test_permuting_classes_permutes_the_answer():
    X, y = table()
    order = np.array([2, 0, 3, 1])
    for l2 in (0.0, 0.1):
        one, two = solve(X, y, l2), solve(X, order[y], l2)
        np.testing.assert_allclose(two.w[:, order], one.w, atol=1e-6)
        np.testing.assert_allclose(two.b[order], one.b, atol=1e-6)
        np.testing.assert_allclose(one.w.sum(axis=1), 0.0, atol=1e-14)
        assert abs(one.b.sum()) <= 1e-14


@pytest.mark.parametrize("n", [3, 90])
def test_same_bits_for_any_number_of_threads(n):
    X, y = table(m=600, n=n)
    seen = set()
    for threads in (1, 2, 3, 2):
        found = solve(X, y, 0.01, threads=threads, leaf_bytes=1 << 13)
        assert found.status is Status.PROVED
        seen.add((found.w.tobytes(), found.b.tobytes(), found.certificate.gap))
    assert len(seen) == 1


def test_many_coefficients_by_lbfgs_are_those_of_newton():
    X, y = table(m=3000, n=80, K=5, noise=8.0)
    found = solve(X, y, 0.01)
    assert found.w.size > 250
    assert found.status is Status.PROVED
    assert np.all(np.diff(found.trace.value) <= 0.0)
    again = certify_classes(Problem.of(MemoryEngine(X, y), 0.01), found.w, found.b, hessian=True)
    assert again.gap <= found.certificate.gap  # C2 is sharper than D1
    free = solve(X, y, 0.0)
    assert free.status is Status.PROVED
    assert free.certificate.exists == "proved"


def test_weights_repeat_rows_and_shifts_change_nothing_but_the_intercepts():
    X, y = table()
    times = np.random.default_rng(3).integers(0, 3, len(y)).astype(float)
    times[:4] = 1.0
    weighted = solve(X, y, 0.02, weight=times)
    repeated = solve(np.repeat(X, times.astype(int), axis=0), np.repeat(y, times.astype(int)), 0.02)
    np.testing.assert_allclose(weighted.w, repeated.w, atol=1e-7)
    moved = solve(X + 1e6, y, 0.02)
    plain = solve(X, y, 0.02)
    assert moved.status is Status.PROVED
    np.testing.assert_allclose(moved.w, plain.w, atol=1e-5)
    np.testing.assert_allclose(moved.b + 1e6 * moved.w.sum(axis=0), plain.b, atol=1e-4)


@pytest.mark.parametrize("scale", [1e-8, 1e8])
def test_raw_units(scale):
    X, y = table()
    found, plain = solve(X * scale, y, 0.0), solve(X, y, 0.0)
    assert found.status is Status.PROVED
    np.testing.assert_allclose(found.w * scale, plain.w, atol=1e-5)
    standard = solve(X * scale, y, 0.1, standardize=True)
    np.testing.assert_allclose(standard.w * scale, solve(X, y, 0.1, standardize=True).w, atol=1e-5)


def test_complete_separation_is_disproved_with_a_witness_in_whole_numbers():
    rng = np.random.default_rng(0)
    centres = np.array([[9.0, 0.0], [-9.0, 0.0], [0.0, 9.0]])
    y = np.arange(60) % 3
    X = centres[y] + rng.standard_normal((60, 2))
    found = solve(X, y, 0.0)
    assert found.status is Status.SEPARATED
    assert found.certificate.exists == "disproved"
    direction = np.array(found.certificate.witness.direction, dtype=float).reshape(3, 3)
    Z = X @ direction[:-1] + direction[-1]
    assert np.all(Z.argmax(axis=1) == y)
    assert found.certificate.witness.separated == 60
    assert solve(X, y, 1e-3).certificate.exists == "proved"


def test_columns_that_depend_on_others_are_named_and_get_no_weight():
    X, y = table(m=200, noise=2.0)
    wider = np.column_stack([X, np.full(len(y), 7.0), 2.0 * X[:, 0] - 1.0])
    said = []
    found, plain = solve(wider, y, 0.0, on_note=said.append), solve(X, y, 0.0)
    assert found.status is Status.PROVED
    assert found.certificate.exists == "proved"
    np.testing.assert_allclose(found.w[:3], plain.w, atol=1e-6)
    assert not found.w[3:].any()
    assert [note.text.partition(":")[0] for note in said] == ["3 = 7", "4 = -1 + 2 0"]
    assert found.notes == tuple(said)


def test_a_class_without_rows_is_refused():
    X, y = table()
    with pytest.raises(DataError, match="class 4"):
        solve(X, y, 0.1, K=5)
    weight = (y != 2).astype(float)
    with pytest.raises(DataError, match="class 2"):
        solve(X, y, 0.1, weight=weight)


def test_budget_and_iterations_state_what_is_proved():
    X, y = table(m=900, n=80, K=5)
    spent = solve(X, y, 0.01, budget=0.0)
    assert spent.status is Status.BUDGET
    assert spent.certificate.gap > 1e-9
    seen = []
    few = solve(X, y, 0.01, iterations=13, callback=lambda step: seen.append(step.iteration))
    assert few.status is Status.ITERATIONS
    assert seen == list(range(13)) == list(range(len(few.trace.cost)))
    assert 1e-9 < few.certificate.gap < math.inf


class Exact:
    """Small problems of K classes in 60 digits, in coordinates of K - 1 classes against the last."""

    def __init__(self, X, y, s, l2):
        used = np.flatnonzero(s)
        self.rows = [[mpf(v) for v in X[i].tolist()] + [mpf(1)] for i in used]
        self.y, self.s = y[used].tolist(), [mpf(v) for v in s[used].tolist()]
        self.K, self.n = int(y.max()) + 1, X.shape[1]
        self.R = [mpf(l2) * mp.fsum(self.s)] * self.n + [mpf(0)]

    def probabilities(self, theta):
        for row in self.rows:
            z = [mp.fsum(x * t for x, t in zip(row, column, strict=True)) for column in theta]
            top = max(z)
            e = [mp.exp(v - top) for v in z]
            total = mp.fsum(e)
            yield [v / total for v in e]

    def value(self, theta):  # theta: K columns of n + 1
        theta = [[mpf(t) for t in column] for column in theta]
        losses = [-s * mp.log(a[y]) for s, a, y in zip(self.s, self.probabilities(theta), self.y, strict=True)]
        return mp.fsum(losses) + mp.fsum(self.R[j] * t[j] ** 2 for t in theta for j in range(self.n)) / 2

    def optimum(self, start):
        """Newton from a float optimum: nine steps double its digits past 60. Columns are centred at the end."""
        theta, k, p = [[mpf(v) for v in column] for column in start], self.K, self.n + 1
        for _ in range(9):
            H, g = mp.zeros(k * p), mp.zeros(k * p, 1)
            for row, s, y, a in zip(self.rows, self.s, self.y, self.probabilities(theta), strict=True):
                for c in range(k):
                    slope = s * (a[c] - (c == y))
                    for j in range(p):
                        g[c * p + j] += slope * row[j]
                    for d in range(k):
                        bend = s * a[c] * ((c == d) - a[d])
                        for j in range(p):
                            for i in range(p):
                                H[c * p + j, d * p + i] += bend * row[j] * row[i]
            for c in range(k):
                for j in range(p):
                    g[c * p + j] += self.R[j] * theta[c][j]
                    H[c * p + j, c * p + j] += self.R[j]
                    for d in range(k):
                        H[c * p + j, d * p + j] += mpf(1)  # what is common to all classes is held fixed
            step = mp.lu_solve(H, -g)
            theta = [[theta[c][j] + step[c * p + j] for j in range(p)] for c in range(k)]
            if mp.norm(step) < mpf(10) ** -30:
                break
        return theta


def truth(exact, best, theta):
    low = exact.value(best)
    gap = (exact.value(theta) - low) / low
    pairs = zip(exact.probabilities(theta), exact.probabilities(best), strict=True)
    return gap, max(abs(a - b) for one, two in pairs for a, b in zip(one, two, strict=True))


def small(seed):
    rng = np.random.default_rng(seed)
    K, n, m = int(rng.integers(2, 4)), int(rng.integers(1, 3)), int(rng.integers(15, 30))
    X, y = table(m, n, K, seed)
    s = rng.choice([0.5, 1.0, 3.0], m) if seed % 2 else np.ones(m)
    X = X * 10.0 ** rng.uniform(-6, 6) if seed % 5 == 4 else X + (1e4 if seed % 5 == 3 else 0.0)
    return X, y, s, (0.0, 1e-6, 0.03, 1.0)[seed % 4], rng


@pytest.mark.parametrize("seed", range(24))
def test_true_error_is_at_most_the_certificate(seed):
    with mpmath.workdps(60):
        X, y, s, l2, rng = small(seed)
        found = solve(X, y, l2, weight=s)
        if found.certificate.exists != "proved":
            assert l2 == 0.0
            return
        exact = Exact(X, y, s, l2)
        best = exact.optimum(np.vstack([found.w, found.b]).T.tolist())
        problem = Problem.of(MemoryEngine(X, y, s), l2)
        unit = np.abs(found.w) + 0.1 / np.abs(X).max()
        for size in (0.0, 1e-9, 1e-5, 1e-2, 0.3):
            w = found.w + size * unit * rng.standard_normal(found.w.shape)
            b = found.b + size * rng.standard_normal(found.b.shape) if size < 1e-3 else found.b
            true_gap, true_probability = truth(exact, best, np.vstack([w, b]).T.tolist())
            for hessian in (True, False):
                proof = certify_classes(problem, w, b, hessian=hessian)
                assert true_gap <= proof.gap, (size, hessian)
                assert true_probability <= proof.max_probability_error, (size, hessian)
                if size == 0.0 and hessian:
                    assert proof.gap <= 1e-8


def far_from_the_optimum():
    """A point of an unpenalised problem at which C2 still holds, with its true errors."""
    X, y, s, _, rng = small(0)
    found = solve(X, y, 0.0, weight=s)
    exact = Exact(X, y, s, 0.0)
    best = exact.optimum(np.vstack([found.w, found.b]).T.tolist())
    w = found.w + 0.1 * rng.standard_normal(found.w.shape)
    return Problem.of(MemoryEngine(X, y, s), 0.0), w, found.b, truth(exact, best, np.vstack([w, found.b]).T.tolist())


def raised(*given):
    return 1.5 * assembled(*given)


def test_certificate_mutants_are_caught(monkeypatch):
    with mpmath.workdps(60):
        problem, w, b, (gap, probability) = far_from_the_optimum()
        proof = certify_classes(problem, w, b, hessian=True)
        assert gap <= proof.gap < 1.5 * gap
        assert probability <= proof.max_probability_error
        mutants = (bounds, "excess", lambda _: 0.8), (softmax_certificate, "assembled", raised)
        for module, name, other in mutants:
            with monkeypatch.context() as patched:
                patched.setattr(module, name, other)
                assert certify_classes(problem, w, b, hessian=True).gap < gap, name


def test_d1_restores_the_intercepts():
    """Away from their equations |dW|² / l2 alone is no bound: D1 must not be below the truth there."""
    X, y = table(m=40, n=2, K=3)
    found = solve(X, y, 0.5)
    problem = Problem.of(MemoryEngine(X, y), 0.5)
    for shift in (0.01, 0.1, 0.5):
        b = found.b + shift * np.array([1.0, -1.0, 0.0])
        proof = certify_classes(problem, found.w, b, hessian=False)
        z = X @ found.w + b
        value = np.mean(np.logaddexp.reduce(z, axis=1) - z[np.arange(40), y]) + 0.25 * np.sum(found.w**2)
        true = value / found.value - 1.0
        assert true <= proof.gap <= 3.0 * true + 1e-12


def test_rows_of_zeros_without_an_intercept_say_nothing():
    fit = steepest.fit(np.zeros((14, 3)), np.arange(14) % 3, l2=0.1, intercept=False)
    np.testing.assert_array_equal(fit.w, 0.0)
    assert fit.certificate.gap <= 1e-12
