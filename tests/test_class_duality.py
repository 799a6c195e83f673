"""Proofs by a dual point of K classes: never too small, in 60 digits, with the worst roundings that are allowed for."""

import functools
from dataclasses import replace

import numpy as np
import pytest
from exact_class_penalties import Exact, random_case
from mpmath import mp, mpf
from test_duality import Table

from steepest import softmax_formulas
from steepest.engines import MemoryEngine
from steepest.optimum import class_composite
from steepest.optimum.outcome import Request
from steepest.penalties import ElasticNet
from steepest.proof import class_dual_point, class_duality
from steepest.proof.class_dual_point import ClassRows, Dual, accuracy, inward
from steepest.proof.rounding import gamma


@functools.cache
def setting(seed):
    """A case, its rows, the penalty of the sum, and the problem in 60 digits."""
    case = random_case(seed)
    n, weight, given = case.X.shape[1], float(case.s.sum()), case.penalties
    factors = np.ones(n) if given.factors is None else given.factors
    lower = np.full(n, -np.inf) if given.lower is None else given.lower
    upper = np.full(n, np.inf) if given.upper is None else given.upper
    parts = (given.l1 * factors * weight, case.l2 * factors * weight, lower, upper)
    net = ElasticNet(*(np.repeat(part, case.K) for part in parts))
    return case, ClassRows(case.y, case.s, case.K, case.intercept), net, Exact(case)


@functools.cache
def solved(seed):
    case = setting(seed)[0]
    names = tuple(f"x{j}" for j in range(case.X.shape[1]))
    request = Request(1e-10, case.l2, names, penalties=case.penalties, intercept=case.intercept)
    return class_composite.minimise(MemoryEngine(case.X, case.y, case.s), case.K, request)


@functools.cache
def optimum(seed):
    found = solved(seed)
    return setting(seed)[3].optimum(found.w, np.asarray(found.b))


@functools.cache
def moved(seed, size):
    """A point off the optimum by `size`, relatively; F - F* there, and F*, in 60 digits."""
    (case, _, net, exact), best, rng = setting(seed), optimum(seed), np.random.default_rng(seed)
    low, flat = exact.value(best) * exact.W, np.array([float(v) for v in best])
    w = flat[: exact.size] * (1.0 + size * rng.uniform(-1, 1, exact.size))
    w = np.clip(w, net.lower, net.upper).reshape(-1, case.K)
    b = flat[exact.size :] + (size * rng.uniform(-1, 1, case.K) if case.intercept else 0.0)
    return w, b, (exact.value([mpf(v) for v in (*w.ravel().tolist(), *b.tolist())]) * exact.W - low, low)


def point(rows, X, w, b, shift=0.0, points=class_dual_point):
    z = X @ w + b + shift
    a = softmax_formulas.softmax(z)
    return points.ClassPoint(w, b, a, rows.apart(a)[np.arange(rows.m), rows.y], softmax_formulas.loss(z, rows.y))


def proposals(rng, rows, at, best):
    """Probabilities of all sorts: the optimum's own, the point's, between, pulling too hard, with wrong sums."""
    own = softmax_formulas.softmax(best)
    yield from (own, at.a, 0.5 * own + 0.5 * at.a)
    one = np.eye(rows.K)[rows.y]
    yield np.abs(one + 1.02 * (own - one))
    yield own * (1.0 + 1e-9 * rng.standard_normal(own.shape))
    yield np.abs(at.a * (1.0 + 1e-3 * rng.standard_normal(own.shape)))


def check_modules(duality, points, seeds=range(10)):
    """What `tests/mutation` runs: bounds at points near and far, with the worst roundings that are allowed for."""
    finite = 0
    for seed in seeds:
        case, rows, net, exact = setting(seed)
        if optimum(seed) is None:
            continue
        rng, theta = np.random.default_rng(seed), np.array([float(v) for v in optimum(seed)])
        best = case.X @ theta[: exact.size].reshape(-1, case.K) + theta[exact.size :]
        for size in (0.0, 1e-4, 0.05, 0.7):
            w, b, truth = moved(seed, size)
            tables = [Table(case.X), Table(case.X, 10**9), Table(case.X, loose=1e9)]
            for table in [*tables, *([Table(case.X, -16, loose=1e9)] if size >= 1e-4 else [])]:  # z alone is rounded
                at = point(rows, case.X, w, b)
                for alpha in proposals(rng, rows, at, best):
                    problem = (duality, points, case, rows, net, table)
                    finite += check_bounds(problem, (w, b, alpha / alpha.sum(axis=1, keepdims=True)), truth)
    assert finite > 20 * len(seeds), finite
    check_what_proves_nothing(duality, points)
    check_restoring(points)
    check_intercepts(duality, points)


def check_intercepts(duality, points):
    """All weights 0 under a large l1: what is left is the divergence, which must cover wrong sums and a rounded z."""
    y, K, X = np.arange(14) % 3, 3, np.linspace(-1.0, 1.0, 14)[:, None]
    rows = points.ClassRows(y, np.full(14, 2.0), K)
    net = ElasticNet(np.full(K, 1e3), np.zeros(K), np.full(K, -np.inf), np.full(K, np.inf))
    counts = np.bincount(y)
    shares = counts / 14.0
    for away in (0.05, 1e-9):
        b = 1e3 + np.log(shares) + away * np.array([1.0, 0.0, -0.5])
        exact = [mpf(v) for v in b.tolist()]
        top = mp.log(mp.fsum(mp.exp(v) for v in exact))
        gap = 2 * mp.fsum(int(c) * (top - v - mp.log(mpf(14) / int(c))) for c, v in zip(counts, exact, strict=True))
        doubt = 0.9 * gamma(12) * 1e3
        for start in (softmax_formulas.softmax(np.tile(b, (14, 1))), np.tile(shares, (14, 1))):
            nearer = np.sign(start - softmax_formulas.softmax(b))
            at = point(rows, X, np.zeros((1, K)), b, doubt * nearer, points)
            dual = points.Dual.of(rows, start, lambda R: R @ X)
            np.testing.assert_allclose(rows.residual(dual.apart).T, 2.0 * (np.eye(K)[y] - start), atol=1e-14)
            bound = duality.prove(Table(X), rows, net, at, dual).bound
            assert gap <= mpf(bound) < 50 * gap, (away, float(gap), bound)


def check_bounds(problem, proposal, truth):
    """How many proofs said anything; each of them must hold."""
    duality, points, case, rows, net, table = problem
    (w, b, alpha), (true_gap, least), said = proposal, truth, 0
    rows = points.ClassRows(rows.y, rows.s, rows.K, rows.intercept)
    dual = points.Dual.of(rows, alpha, lambda R: R @ case.X)
    size = rows.s @ dual.apart
    error = gamma(table.terms) * np.outer(table.extent, size)
    doubt = 0.9 * gamma(np.count_nonzero(w, axis=0).max() + 12) * (table.extent @ np.abs(w) + np.abs(b)).max()
    nearer, away = np.sign(alpha - point(rows, case.X, w, b).a), np.sign(dual.c) * error
    for shift, off in (
        (0.0, -away),
        (0.0, away),
        (doubt * nearer, 0.0),
        (doubt * (2.0 * np.eye(rows.K)[rows.y] - 1.0), 0.0),
    ):
        at = point(rows, case.X, w, b, shift, points)
        proof = duality.prove(table, rows, net, at, replace(dual, c=dual.c + off))
        assert true_gap <= mpf(proof.bound) * (1 + mpf(10) ** -12), (case.kind, float(true_gap), proof.bound)
        assert mpf(proof.least) <= (least + true_gap) * (1 + mpf(10) ** -12)
        said += np.isfinite(proof.bound)
    return said


def check_what_proves_nothing(duality, points):
    """Probabilities that are none, and rows that do not add up to 1."""
    case, rows, net, _ = setting(0)
    found = solved(0)
    rows = points.ClassRows(rows.y, rows.s, rows.K, rows.intercept)
    at = point(rows, case.X, found.w, found.b, 0.0, points)
    for spoil in (np.nan, -1e-3, 0.5):
        alpha = at.a.copy()
        other = (rows.y[3] + 1) % rows.K
        alpha[3, rows.y[3]] += alpha[3, other] - spoil if spoil < 0.0 else 0.0  # adds up to 1, and is below 0
        alpha[3, other] = alpha[3, other] + 0.5 if spoil == 0.5 else spoil
        dual = points.Dual.of(rows, alpha, lambda R: R @ case.X)
        assert duality.prove(Table(case.X), rows, net, at, dual).bound == np.inf
    dual = points.Dual.of(rows, at.a, lambda R: R @ case.X)
    assert duality.prove(Table(case.X), rows, net, at, dual).gap < 1e-3


def test_no_proof_is_too_small():
    check_modules(class_duality, class_dual_point)


@pytest.mark.parametrize("seed", range(40))
def test_the_optimum_is_found_and_proved(seed):
    case, _, net, exact = setting(seed)
    found, best = solved(seed), optimum(seed)
    if best is None:
        assert seed % 10 in (1, 6, 8) or found.certificate.gap < 1e-8, case.kind
        return
    low = exact.value(best)
    here = exact.value([mpf(v) for v in (*found.w.ravel().tolist(), *np.asarray(found.b).tolist())])
    gap = (here - low) / low
    assert gap <= mpf(found.certificate.gap) * (1 + mpf(10) ** -12), case.kind
    assert found.certificate.gap < 1e-9, case.kind
    theta = np.array([float(v) for v in best])
    seen = softmax_formulas.softmax(case.X @ found.w + found.b)
    true = softmax_formulas.softmax(case.X @ theta[: exact.size].reshape(-1, case.K) + theta[exact.size :])
    assert np.abs(seen - true)[case.s > 0.0].max() <= found.certificate.max_probability_error
    if case.intercept:
        assert abs(float(np.sum(found.b))) < 1e-12
    w = found.w.ravel()
    assert np.all((w >= net.lower) & (w <= net.upper))
    strict = np.array([float(v) for v in exact.slopes(best, curved=False)[0][: exact.size]])
    inside = (np.abs(strict) * float(exact.W) < net.l1 * (1.0 - 1e-3)) & (net.lower < 0.0) & (net.upper > 0.0)
    assert np.all(w[inside] == 0.0)  # exactly


@pytest.mark.parametrize("seed", [0, 2, 7])
def test_tight_weights_are_drawn_inside(seed):
    case, rows, net, exact = setting(seed)
    best = optimum(seed)
    if best is None:
        return
    theta = np.array([float(v) for v in best])
    w, b = theta[: exact.size].reshape(-1, case.K), theta[exact.size :]
    at, table = point(rows, case.X, w, b), Table(case.X)
    dual = Dual.of(rows, at.a, lambda R: R @ case.X)
    moved_in = inward(table, rows, net, dual)
    assert moved_in is not None
    again = Dual.of(rows, moved_in, lambda R: R @ case.X)
    assert np.all(np.abs(again.c.ravel()) <= net.l1)
    assert class_duality.prove(table, rows, net, at, again).gap < 1e-12


def check_restoring(points):
    """The move that is only thought of, made in floats: the sums and the free weights' c become 0 within its bound."""
    case, rows, _, _ = setting(0)
    rows = points.ClassRows(rows.y, rows.s, rows.K, rows.intercept)
    n, K = case.X.shape[1], case.K
    rng, free = np.random.default_rng(0), np.zeros((n, K), dtype=bool)
    free[0, :2] = True
    net = ElasticNet(np.where(free.ravel(), 0.0, 9.0), np.zeros(n * K), np.full(n * K, -np.inf), np.full(n * K, np.inf))
    alpha = softmax_formulas.softmax(0.3 * rng.standard_normal((rows.m, K)))
    dual = points.Dual.of(rows, alpha, lambda R: R @ case.X)
    move = points.restoring(Table(case.X), rows, net, dual)
    assert np.array_equal(move.free, free)
    place, which = points._coordinates(free, np.array([0]), True)
    one = np.column_stack([case.X[:, :1], np.ones(rows.m)])
    M = points._curvature(one, rows, dual, place, which)
    away = np.vstack([dual.c[:1], rows.residual(dual.apart).sum(axis=1)])
    d = np.zeros((2, K))
    d[place, which] = np.linalg.solve(M, away[place, which])
    pull = one @ d
    t = pull - (alpha * pull).sum(axis=1, keepdims=True)
    assert np.abs(t).max() <= move.reach
    moved_to = alpha * (1.0 + t)
    residual = np.eye(K)[rows.y] - moved_to
    c = case.X.T @ (rows.s[:, None] * residual)
    assert np.all(np.abs(c - dual.c) <= move.error)
    np.testing.assert_allclose(c[free], 0.0, atol=1e-12)
    np.testing.assert_allclose(rows.s @ residual, 0.0, atol=1e-12)
    assert accuracy(K) < 1e-13


def test_what_is_restored_is_restored():
    check_restoring(class_dual_point)
