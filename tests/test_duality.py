"""Proofs by a dual point: never too small, in 60 digits, also where every rounding is as bad as it may be."""

import functools
from dataclasses import dataclass

import numpy as np
import pytest
from exact_penalties import Exact, random_case
from mpmath import mp, mpf

from steepest.engines import MemoryEngine
from steepest.optimum import composite
from steepest.optimum.outcome import Request
from steepest.penalties import ElasticNet
from steepest.proof import duality
from steepest.proof.dual_point import Point, Rows, inward, restoring, sure
from steepest.proof.evidence import halves
from steepest.proof.face import pinsker
from steepest.proof.rounding import gamma


@dataclass(frozen=True)
class Table:
    """Dense rows whose sums are claimed to be rounded `terms` times, of columns claimed to be `loose` times as large as
    they are: claims that tests may exhaust.
    """

    X: np.ndarray
    terms: int = 64
    loose: float = 1.0

    @property
    def extent(self):
        return np.abs(self.X).max(axis=0) * self.loose

    def dense(self, columns):
        return self.X[:, columns]


@functools.cache
def setting(seed):
    """A case with its optimum in 60 digits, and everything that a proof is made from."""
    case = random_case(seed)
    rows, n = Rows.of(case.y, case.s, case.offset), case.X.shape[1]
    given = case.penalties
    factors = np.ones(n) if given.factors is None else given.factors
    lower = np.full(n, -np.inf) if given.lower is None else given.lower
    upper = np.full(n, np.inf) if given.upper is None else given.upper
    net = ElasticNet(given.l1 * factors * rows.weight, case.l2 * factors * rows.weight, lower, upper)
    return case, rows, net, Exact(case)


def point(case, rows, w, b, shift=0.0):
    z = case.X @ w + b + (0.0 if case.offset is None else case.offset)
    return Point(w, b, *halves((z + shift) * rows.sign, rows.rest))


@functools.cache
def own(seed):
    """The optimum's dual point."""
    _, rows, _, exact = setting(seed)
    alpha = np.full(len(rows.y), 0.25)
    alpha[rows.s > 0.0] = [float(p) for p in exact.probabilities(optimum(seed))]
    return np.where(rows.sign > 0.0, alpha, 1.0 - alpha)


@functools.cache
def moved(seed, size):
    """A point off the optimum by `size`, relatively; F - F* there, and F*, in 60 digits."""
    (_, _, net, exact), best, rng = setting(seed), optimum(seed), np.random.default_rng(seed)
    low = exact.value(best) * exact.W
    w = np.array([float(v) for v in best[:-1]]) * (1.0 + size * rng.uniform(-1, 1, exact.n))
    w, b = np.clip(w, net.lower, net.upper), float(best[-1]) + size * rng.uniform(-1, 1)
    return w, b, (exact.value([mpf(v) for v in (*w.tolist(), b)]) * exact.W - low, low)


def proposals(rng, own, rows, at):
    """Dual points of all sorts: the optimum's own, the gradient's, moved, with a wrong sum, too large."""
    yield from (own, at.q, 0.5 * own + 0.5 * at.q, rows.rest + 1.02 * (own - rows.rest))
    yield np.clip(at.q + 1e-3 * rng.standard_normal(len(at.q)) * at.q * at.p, 0.0, 1.0)
    yield np.clip(own + 1e-9 * rng.standard_normal(len(at.q)), 0.0, 1.0)
    yield at.q * (1.0 - 1e-4)


def check_module_of_duality(module, seeds=(0, 1, 4, 5, 10, 11, 13, 19, 29, 36)):
    """What `tests/mutation` runs: bounds at points near and far, with the worst roundings that are allowed for."""
    finite = 0
    for seed in seeds:
        case, rows, net, exact = setting(seed)
        best = optimum(seed)
        if best is None:
            continue
        rng = np.random.default_rng(seed)
        for size in (0.0, 1e-4, 0.05, 0.7):
            w, b, truth = moved(seed, size)
            tables = [Table(case.X), Table(case.X, 10**9), Table(case.X, loose=1e9)]
            tables += [Table(case.X, -16, loose=1e9)] if size >= 1e-4 else []  # z alone is rounded
            for table in tables:
                for rho in proposals(rng, own(seed), rows, point(case, rows, w, b)):
                    finite += check_bounds(module, (case, rows, net, table), (w, b, rho), truth)
        if case.kind in ("lasso", "elastic net"):
            check_sharpness(module, (case, rows, net, exact), best)
    assert finite > 200, finite
    check_what_proves_nothing(module)


def check_sharpness(module, problem, best):
    """At the optimum, a dual point that pulls 5 % too hard is drawn back to the optimum's own."""
    case, rows, net, _exact = problem
    w, b = np.array([float(v) for v in best[:-1]]), float(best[-1])
    at = point(case, rows, w, b)
    rho = at.q * 1.05
    if rho.max() <= 1.0 and case.l2 == 0.0 and np.any(w):
        proof = module.prove(Table(case.X), rows, net, at, (rho, case.X.T @ rows.residual(rho)))
        assert proof.gap < 1e-6, case.kind


def check_what_proves_nothing(module):
    case, rows, net, _ = setting(0)
    at = point(case, rows, *solved(case))
    assert module.prove(Table(case.X), rows, net, at, (at.q, case.X.T @ rows.residual(at.q))).gap < 1e-3
    under = at.q.copy()
    first = int(np.argmin(at.q))
    other = next(i for i in np.argsort(at.q)[10:] if rows.sign[i] == rows.sign[first])
    under[other] += under[first] + 1e-9  # the sum stays what it was: only one probability below 0 is at fault
    under[first] = -1e-9
    for rho in (under, -at.q, np.full(len(at.q), np.nan), np.zeros(len(at.q))):
        proof = module.prove(Table(case.X), rows, net, at, (rho, case.X.T @ rows.residual(rho)))
        assert proof.bound == np.inf


def check_bounds(module, problem, proposal, truth):
    """How many proofs said anything; each of them must hold."""
    case, rows, net, table = problem
    w, b, rho = proposal
    true_gap, least = truth
    residual = rows.residual(rho)
    error = gamma(table.terms) * (table.extent * float(np.abs(residual).sum()))
    c = case.X.T @ residual
    doubt = 0.9 * gamma(np.count_nonzero(w) + 12) * (float(table.extent @ np.abs(w)) + abs(b) + rows.away)
    said = 0
    nearer = rows.sign * np.sign(rho - point(case, rows, w, b).q)
    for shift in (0.0, doubt * nearer, -doubt * rows.sign):
        for off in (0.0, -np.sign(c) * error, np.sign(c) * error):
            proof = module.prove(table, rows, net, point(case, rows, w, b, shift), (rho, c + off))
            assert true_gap <= mpf(proof.bound) * (1 + mpf(10) ** -12), (case.kind, float(true_gap), proof.bound)
            assert mpf(proof.least) <= (least + true_gap) * (1 + mpf(10) ** -12)
            said += np.isfinite(proof.bound)
    return said


@functools.cache
def optimum(seed):
    case, _, _, exact = setting(seed)
    return exact.optimum(*solved(case))


def solved(case):
    names = tuple(f"x{j}" for j in range(case.X.shape[1]))
    engine = MemoryEngine(case.X, case.y, case.s, case.offset)
    found = composite.minimise(engine, Request(1e-9, case.l2, names, penalties=case.penalties))
    return found.w, found.b


def test_no_proof_is_too_small():
    check_module_of_duality(duality)


@pytest.mark.parametrize("seed", range(0, 60, 3))
def test_at_the_optimum_the_proof_is_sharp(seed):
    case, rows, net, exact = setting(seed)
    best = optimum(seed)
    if best is None:
        return
    w, b = np.array([float(v) for v in best[:-1]]), float(best[-1])
    table, at = Table(case.X), point(case, rows, w, b)
    rho = at.q
    c = case.X.T @ rows.residual(rho)
    proof = duality.prove(table, rows, net, at, (rho, c))
    moved = inward(table, rows, net, rho, c)
    if moved is not None:
        again = duality.prove(table, rows, net, at, (moved, case.X.T @ rows.residual(moved)))
        proof = min(proof, again, key=lambda each: each.bound)
    assert proof.gap < 1e-9, case.kind
    value = exact.value([mpf(v) for v in (*w.tolist(), b)]) * exact.W
    assert mpf(proof.least) > value * (1 - mpf(10) ** -5)


@pytest.mark.parametrize("seed", range(12))
def test_what_must_hold_exactly_can_be_restored(seed):
    """The move that is only thought of, made in 60 digits: the sum and the free columns' c become 0
    within its bound.
    """
    case, rows, net, _ = setting(seed)
    rng = np.random.default_rng(seed)
    net = ElasticNet(np.where(np.arange(len(net.l1)) == 0, 0.0, net.l1 + 1.0), 0.0 * net.l2, net.lower, net.upper)
    w, b = 0.1 * rng.standard_normal(case.X.shape[1]), 0.1
    rho = point(case, rows, w, b).q
    c = case.X.T @ rows.residual(rho)
    table = Table(case.X)
    move = restoring(table, rows, sure(len(rows.y), net), rho, c)
    columns = np.flatnonzero(move.free)
    one = mp.matrix(np.column_stack([case.X[:, columns], np.ones(len(rho))]).tolist())
    omega = [mpf(s) * mpf(r) * (1 - mpf(r)) for s, r in zip(rows.s.tolist(), rho.tolist(), strict=True)]
    k = one.cols
    M = mp.matrix(k, k)
    for a in range(k):
        for d in range(k):
            M[a, d] = mp.fsum(o * one[i, a] * one[i, d] for i, o in enumerate(omega))
    exact = [mpf(s) * mpf(g) * (mpf(e) - mpf(r))
             for s, g, e, r in zip(rows.s.tolist(), rows.sign.tolist(), rows.rest.tolist(), rho.tolist(), strict=True)]  # fmt: skip  # noqa: E501
    off = mp.matrix([mp.fsum(e * one[i, a] for i, e in enumerate(exact)) for a in range(k)])
    multiplier = mp.lu_solve(M, off)
    moves = [mp.fsum(one[i, a] * multiplier[a] for a in range(k)) for i in range(len(rho))]
    seen = [abs(v) for v, s in zip(moves, rows.s, strict=True) if s > 0.0]
    assert max(seen) <= mpf(move.reach)
    for j in range(len(c)):
        after = mp.fsum((e - o * v) * mpf(x)
                        for e, o, v, x in zip(exact, omega, moves, case.X[:, j].tolist(), strict=True))  # fmt: skip
        if move.free[j]:
            assert abs(after) < mpf(10) ** -40
        else:
            assert abs(after - mpf(c[j])) <= mpf(move.error[j])


def test_pinsker_is_pinsker():
    rng = np.random.default_rng(0)
    for _ in range(200):
        a, c, s = rng.random(), rng.random(), rng.uniform(0.1, 3.0)
        divergence = s * (c * np.log(c / a) + (1.0 - c) * np.log((1.0 - c) / (1.0 - a)))
        assert abs(a - c) <= pinsker(Rows.of(np.array([0.0]), np.array([s])), divergence)
