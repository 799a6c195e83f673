"""Tiny tables: true errors below the certificate, the same optimum and the same verdicts as `dense` finds."""

import os

import numpy as np
import pytest
from high_precision import Case, Exact, random_case, standard_errors, true_errors
from mpmath import mp
from scipy.linalg.lapack import dpotrf, dtrtri

import steepest
from steepest import formulas
from steepest.engines import MemoryEngine
from steepest.optimum import Request, dense, minimise, tiny, tiny_proof
from steepest.optimum.regime import TINY_COLUMNS, TINY_ROWS, Regime, choose
from steepest.optimum.tiny_proof import _leverage, _loss, left, prove
from steepest.optimum.tiny_table import ahead, factorised, look, table_of
from steepest.penalties import Penalties
from steepest.proof.bounds import bounds
from steepest.proof.rounding import gamma
from steepest.types import Status

COUNT = 800 if os.environ.get("STEEPEST_THOROUGH") else 160
QUIET = np.errstate(over="ignore", invalid="ignore", under="ignore", divide="ignore")


def tiny_case(seed):
    """A random problem of labels and one penalty, and an engine of it; every other one as `high_precision` makes them.

    The rest has up to seven columns in units of 2^±12, correlated, with weights in every third.
    """
    if seed % 2:
        case = random_case(seed)
        case = Case(case.X, np.round(case.y), case.s, np.full_like(case.l2, case.l2.max(initial=0.0)), case.kind)
    else:
        rng = np.random.default_rng(seed)
        n = int(rng.integers(2, 8))
        m = int(rng.integers(6 * n, 60))
        X = rng.standard_normal((m, n)) @ (0.4 * rng.standard_normal((n, n)) + np.eye(n))
        X = X * 2.0 ** rng.integers(-12, 13, n) + rng.choice([0.0, 1.0, 100.0], n)
        away = (X - X.mean(axis=0)) / X.std(axis=0)
        y = (rng.random(m) < formulas.sigmoid(away @ rng.standard_normal(n) - rng.choice([0.0, 2.0]))).astype(float)
        s = rng.choice([0.0, 0.25, 1.0, 3.0], m) if seed % 3 == 0 else np.ones(m)
        case = Case(X, y, s, np.full(n, rng.choice([0.0, 1e-6, 1e-3, 0.1])), "wider")
    weight = None if np.all(case.s == 1.0) else case.s
    return case, MemoryEngine(case.X, case.y.astype(np.uint8), weight)


def both_classes(case):
    return len(np.unique(case.y[case.s > 0.0])) == 2


def request(case, tol=1e-9):
    return Request(tol, float(case.l2[0]), tuple(f"x{j}" for j in range(case.X.shape[1])))


def precisely(case, theta):
    """The problem and its optimum in 100 digits, found from theta."""
    mp.dps = 100
    exact = Exact(case)
    return exact, exact.optimum([mp.mpf(v) for v in theta])


def assert_true(exact, best, theta, certificate):
    """Every claim of the certificate, against the optimum; returns claimed gap / true gap."""
    theta = [mp.mpf(v) for v in theta]
    gap, probability, coefficient = true_errors(exact, best, theta, standard_errors(exact, theta))
    assert gap <= certificate.gap
    assert probability <= certificate.max_probability_error
    assert coefficient <= certificate.max_coefficient_error
    return float(certificate.gap / gap) if gap > 0 else np.inf


@pytest.mark.parametrize("part", range(8))
def test_true_error_is_at_most_the_certificate(part):
    answered, kinds = 0, set()
    for seed in range(part * COUNT // 8, (part + 1) * COUNT // 8):
        case, engine = tiny_case(seed)
        if not both_classes(case):
            continue
        outcome = tiny.minimise(engine, request(case))
        if outcome is None:
            continue
        theta = [*outcome.w.tolist(), outcome.b]
        assert outcome.status is Status.PROVED
        assert outcome.certificate.exists == "proved"
        assert outcome.certificate.gap <= 1e-9
        exact, best = precisely(case, theta)
        if best is None:
            assert max(map(abs, exact.z([mp.mpf(v) for v in theta]))) > 200.0, seed  # where the reference gives up
            continue
        assert_true(exact, best, theta, outcome.certificate)
        answered += 1
        kinds.add(case.kind)
    assert answered >= 0.6 * COUNT / 8  # the rest is separable, or in units that `dense` scales
    assert len(kinds) >= 3


@QUIET
@pytest.mark.parametrize("part", range(4))
def test_a_factor_from_elsewhere_proves_what_is_true(part):
    """The point and the point of the factor at any distance from the optimum and from each other."""
    ratios, shares = [], []
    for seed in range(part * COUNT // 8, (part + 1) * COUNT // 8):
        case, engine = tiny_case(seed)
        outcome = tiny.minimise(engine, request(case)) if both_classes(case) else None
        if outcome is None:
            continue
        table = table_of(engine, float(case.l2[0]))
        rng = np.random.default_rng(seed)
        exact, best = precisely(case, [*outcome.w.tolist(), outcome.b])
        if best is None:
            continue
        optimum = np.append(outcome.w, outcome.b + table.centre @ outcome.w)
        root = np.linalg.inv(np.linalg.cholesky(factorised(table, look(table, optimum), 1.0, True).hessian)).T
        for near, far in ((0.0, 0.0), (1e-6, 0.3), (0.02, 0.5), (0.3, 0.5), (0.3, 0.0)):
            here, there = (optimum + size * root @ rng.standard_normal(len(optimum)) for size in (near, far))
            factor, at = factorised(table, look(table, there), 1.0, True), look(table, here)
            share = left(factor, at)
            if share == 0.0:
                continue
            certificate = prove(table, factor, at, share)
            b = float(here[-1]) - float(table.centre.dot(here[:-1]))
            assert 0.25 <= share <= 1.0
            ratio = assert_true(exact, best, [*here[:-1].tolist(), b], certificate)
            if near == 0.02 and np.isfinite(certificate.gap):
                ratios.append(ratio)
                shares.append(share)
    assert len(ratios) >= COUNT // 20
    assert max(ratio * share for ratio, share in zip(ratios, shares, strict=True)) < 4.0  # and it is no fig leaf
    assert min(shares) < 0.8


@pytest.mark.parametrize("l2", [0.0, 0.02])
def test_claims_are_those_of_the_theorem(l2):
    """C2 with M = share x Hessian, written out; rounding adds next to nothing here."""
    shares = []
    for seed in range(20):
        X, y, s = problem(seed=seed, weighted=seed % 2 == 0)
        table, rng = table_of(MemoryEngine(X, y, s), l2), np.random.default_rng(seed)
        there = np.append(0.2 * rng.standard_normal(5) / X.std(axis=0), 0.1)
        factor = factorised(table, look(table, there), l2, True)
        for _ in range(5):
            there = there - ahead(factor, look(table, there)).step
        factor = factorised(table, look(table, there), l2, True)
        offset = np.linalg.solve(factor.lower.T, rng.standard_normal(6))
        here = look(table, there + 0.1 * offset / np.abs(offset @ table.signed).max())
        share = left(factor, here)
        certificate, inverse = prove(table, factor, here, share), np.linalg.inv(share * factor.hessian)
        norm = np.sqrt(here.gradient @ inverse @ here.gradient)
        expected = bounds(norm, np.sqrt(np.einsum("ji,jk,ki->i", table.signed, inverse, table.signed).max()))
        if not np.isfinite(expected.gap):
            assert certificate.gap == np.inf
            continue
        shares.append(share)
        assert certificate.gap == pytest.approx(expected.gap / (here.value - expected.gap), rel=1e-4)
        pinsker = np.sqrt(0.5 * expected.gap / (1.0 if s is None else s[s > 0.0].min()))
        assert certificate.max_probability_error == pytest.approx(min(0.25 * expected.reach, pinsker), rel=1e-4)
        assert certificate.max_coefficient_error == pytest.approx(expected.radius, rel=1e-4)
        assert certificate.exists == "proved"
    assert len(shares) >= 8
    assert min(shares) < 0.93


def test_what_is_lost_in_the_metric_is_bounded():
    """|Y N Y' - 1|_F in 50 digits, for the Hessian as computed and for the worst that is as near to it as is said."""
    mp.dps = 50
    for seed, error in [(seed, error) for seed in range(6) for error in (0.0, 1e-9, 1e-4)]:
        rng = np.random.default_rng(seed)
        rows = rng.standard_normal((30, 5))
        rows[:, 4] = rows[:, 0] + 10.0 ** -rng.integers(0, 6) * rows[:, 4]
        hessian = rows.T @ rows * np.outer(*[2.0 ** rng.integers(-9, 9, 5)] * 2)
        hessian = np.tril(hessian) + np.tril(hessian, -1).T
        inverse = dtrtri(dpotrf(hessian, lower=1)[0], lower=1)[0]
        claimed = _loss(hessian, inverse, np.abs(inverse), error)
        root = np.sqrt(np.diagonal(hessian))
        for row in inverse:
            worst = hessian + error * np.outer(root * np.sign(row), root * np.sign(row))
            off = mp.matrix(inverse.tolist()) * mp.matrix(worst.tolist()) * mp.matrix(inverse.T.tolist()) - mp.eye(5)
            lost = mp.sqrt(mp.fsum(each * each for each in off))
            assert lost <= claimed
        assert claimed < 1e6 * lost


@QUIET
def test_the_metric_is_as_doubtful_as_z_was_where_it_was_formed(monkeypatch):
    X, y, _ = problem()
    table = table_of(MemoryEngine(X + 1e7, y), 0.1)
    there = np.array([3.0, 1.0, -40.0, 2.0, 0.1, 0.0])
    doubt = gamma(15) * ((np.abs(table.signed).max(axis=1) + np.append(table.centre, 0.0)) @ np.abs(there))
    least = gamma(120) + 32.0 * 2.0**-53 + np.expm1(doubt)
    errors = []
    monkeypatch.setattr(tiny_proof, "_loss", lambda hessian, inverse, spread, error: errors.append(error) or 0.9)
    before = look(table, there)
    for at in (before, look(table, 1e-3 * there)):
        assert prove(table, factorised(table, before, 0.1, True), at, 1.0).gap == np.inf
    assert doubt > 1e-7
    assert all(least <= error <= 1.1 * least for error in errors)
    assert len(errors) == 2


@pytest.mark.parametrize("shape", [(60, 4), (569, 30), (1000, 20)])
def test_no_leverage_is_missed(shape):
    for seed in range(12):
        rng = np.random.default_rng(seed)
        X = rng.standard_normal(shape) * 10.0 ** rng.uniform(-3, 3, shape[1])
        X[:, 2:] = X[:, 1:2] + 2e-3 * X[:, 1].std() * rng.standard_normal((shape[0], shape[1] - 2))
        X[rng.integers(shape[0])] *= 5.0
        table = table_of(MemoryEngine(X, (X[:, 0] > 0.0).astype(np.uint8)), 0.0)
        lower = factorised(table, look(table, np.zeros(shape[1] + 1)), 0.0, True).lower
        inverse = dtrtri(lower, lower=1)[0]
        exact = np.linalg.norm(inverse.astype(np.longdouble) @ table.signed, axis=0).max()
        assert (table.thin is None) == (shape == (60, 4))
        assert exact <= _leverage(table, inverse, np.abs(inverse)) <= 1.01 * exact
        for factor in (2.0**-70, 2.0**70):  # single precision would underflow, or overflow
            assert _leverage(table, factor * inverse, factor * np.abs(inverse)) >= factor * exact


@QUIET
def test_rounding_is_in_the_certificate():
    """As near to the optimum as floats come, what is left is rounding alone: in z, in the gradient, in b."""
    seen = []
    for seed in range(COUNT // 2):
        case, engine = tiny_case(seed)
        outcome = tiny.minimise(engine, request(case)) if both_classes(case) else None
        if outcome is None:
            continue
        table = table_of(engine, float(case.l2[0]))
        at = look(table, np.append(outcome.w, outcome.b + table.centre @ outcome.w))
        for _ in range(3):
            factor = factorised(table, at, 1.0, True)
            at = look(table, at.theta - ahead(factor, at).step)
        certificate = prove(table, factor, at, left(factor, at))
        theta = [*at.theta[:-1].tolist(), float(at.theta[-1]) - float(table.centre.dot(at.theta[:-1]))]
        exact, best = precisely(case, theta)
        if best is not None:
            assert_true(exact, best, theta, certificate)
            seen.append(certificate.gap)
    assert len(seen) > COUNT // 4
    assert np.median(seen) < 1e-22


def problem(m=120, n=5, seed=0, weighted=False):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((m, n)) * [1.0, 3.0, 0.2, 1.0, 10.0][:n] + [0.0, 5.0, 0.0, -1.0, 100.0][:n]
    z = (X - X.mean(axis=0)) @ rng.standard_normal(n) / 3.0
    y = (rng.random(m) < formulas.sigmoid(z)).astype(np.uint8)
    return X, y, rng.choice([0.5, 1.0, 2.5], m) if weighted else None


@pytest.mark.parametrize("l2", [0.0, 1e-3, 0.1])
@pytest.mark.parametrize("weighted", [False, True])
def test_the_optimum_is_that_of_dense(l2, weighted):
    for seed in range(12):
        X, y, s = problem(seed=seed, weighted=weighted)
        asked = Request(1e-18, l2, tuple("abcde"))
        few, many = tiny.minimise(MemoryEngine(X, y, s), asked), dense.minimise(MemoryEngine(X, y, s), asked)
        assert few.certificate.gap <= 1e-18
        here, there = (formulas.sigmoid(X @ found.w + found.b) for found in (few, many))
        claimed = few.certificate.max_probability_error + many.certificate.max_probability_error
        assert np.abs(here - there).max() <= claimed < 1e-6
        np.testing.assert_allclose(few.w, many.w, rtol=1e-7)
        assert few.cost == pytest.approx(many.cost, rel=1e-7)
        assert few.value == pytest.approx(many.value, rel=1e-13)
        plain = tiny.minimise(MemoryEngine(X, y, s), Request(1e-9, l2, tuple("abcde")))
        assert few.value <= plain.value * (1.0 + 1e-14) <= few.value * (1.0 + 1e-9)
        assert few.trace.value[0] == pytest.approx(many.trace.value[0], rel=1e-14)


def test_single_precision_is_on_the_way_only(monkeypatch):
    """Breast cancer's shape: Hessians far from the optimum are in single precision, and nothing else shows it."""
    rng = np.random.default_rng(1)
    X = rng.standard_normal((569, 30)) @ (np.eye(30) + 0.5 * rng.standard_normal((30, 30)))
    y = (X[:, :4].sum(axis=1) + 2.0 * rng.standard_normal(569) > 0.0).astype(np.uint8)
    asked = Request(1e-12, 1.0 / 569, tuple(map(str, range(30))))
    engine = MemoryEngine(X, y)
    table = table_of(engine, asked.l2)
    assert table.thin is not None
    start = look(table, np.zeros(31))
    single, double = factorised(table, start, asked.l2, False), factorised(table, start, asked.l2, True)
    assert (single.exact, double.exact) == (False, True)
    assert left(single, start) == 0.0
    assert 1e-9 < np.abs(single.hessian - double.hessian).max() / np.abs(double.hessian).max() < 1e-5
    step = look(table, start.theta - 0.1 * ahead(double, start).step)
    thin = prove(table, double, step, left(double, step))
    found, known = tiny.minimise(engine, asked), dense.minimise(engine, asked)
    np.testing.assert_allclose(found.w, known.w, rtol=1e-4, atol=1e-6)
    assert found.value == pytest.approx(known.value, rel=1e-12)
    monkeypatch.setattr("steepest.optimum.tiny_table.WORTH_SINGLE", np.inf)
    wide = prove(table_of(engine, asked.l2), double, step, left(double, step))
    for claim in ("max_probability_error", "max_coefficient_error"):
        assert getattr(wide, claim) <= getattr(thin, claim) <= 1.01 * getattr(wide, claim)


def test_a_hessian_that_single_precision_cannot_hold_is_formed_in_double():
    rng = np.random.default_rng(2)
    X = rng.standard_normal((900, 20))
    X[:, 19] = X[:, :5].sum(axis=1) + 1e-3 * rng.standard_normal(900)
    y = (X[:, 0] + rng.standard_normal(900) > 0.0).astype(np.uint8)
    table = table_of(MemoryEngine(X, y), 0.0)
    assert table.thin is not None
    factor = factorised(table, look(table, np.zeros(21)), 0.0, False)
    assert factor.exact
    assert choose(900, 20).regime is Regime.TINY
    assert steepest.fit(X, y).certificate.gap <= 1e-9


@pytest.mark.parametrize("weighted", [False, True])
def test_sums_are_what_the_formulas_say(weighted):
    X, y, s = problem(40, 3, weighted=weighted)
    weight, l2, rng = np.ones(40) if s is None else s, 0.3, np.random.default_rng(3)
    table = table_of(MemoryEngine(X, y, s), l2)
    rows = np.column_stack([X - X.mean(axis=0), np.ones(40)])
    ridge = np.array([l2, l2, l2, 0.0]) * weight.sum()
    assert table.weight == pytest.approx(weight.sum())
    assert np.all(table.extent >= np.abs(rows).max(axis=0))
    np.testing.assert_allclose(table.extent, np.abs(rows).max(axis=0))
    np.testing.assert_allclose(table.offset, np.append(np.abs(X.mean(axis=0)), 0.0) + table.extent)
    for theta in (np.zeros(4), rng.standard_normal(4), 40.0 * rng.standard_normal(4)):
        at, z = look(table, theta), rows @ theta
        np.testing.assert_allclose(at.loss, weight @ formulas.loss(z, y), rtol=1e-12)
        np.testing.assert_allclose(at.value, at.loss + 0.5 * ridge @ theta**2, rtol=1e-12)
        gradient = rows.T @ (weight * (formulas.sigmoid(z) - y)) + ridge * theta
        np.testing.assert_allclose(at.gradient, gradient, rtol=1e-11, atol=1e-9)
        hessian = (rows.T * (weight * formulas.curvature(z))) @ rows + np.diag(ridge)
        factor = factorised(table, at, l2, True)
        np.testing.assert_allclose(factor.hessian, hessian, rtol=1e-11, atol=1e-11)
        np.testing.assert_allclose(factor.lower @ factor.lower.T, hessian, rtol=1e-9, atol=1e-9)
        np.testing.assert_allclose(ahead(factor, at).step, np.linalg.solve(hessian, gradient), rtol=1e-7)
        assert ahead(factor, at).promise == pytest.approx(0.5 * gradient @ np.linalg.solve(hessian, gradient))


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("l2", [0.0, 0.05])
def test_the_first_step_ends_near_the_lowest_point_of_its_line(weighted, l2):
    X, y, s = problem(seed=4, weighted=weighted)
    table = table_of(MemoryEngine(X, y, s), l2)
    start = look(table, np.zeros(6))
    step = ahead(factorised(table, start, l2, True), start).step
    longer = tiny._lengthened(table, step)
    share = longer[0] / step[0]
    assert share > 1.2
    np.testing.assert_allclose(longer, share * step, rtol=1e-12)
    slopes = [look(table, -f * step).gradient @ -step for f in (1.0, 0.9 * share, share, 1.1 * share)]
    assert slopes[0] < slopes[1] < 0.0 < slopes[3]
    assert abs(slopes[2]) < 0.1 * abs(slopes[0])


def test_every_step_lowers_the_value_and_is_entered():
    X, y, _ = problem()
    X = 30.0 * X
    engine = MemoryEngine(X, y)
    outcome = tiny.minimise(engine, Request(1e-9, 1e-5, tuple("abcde")))
    trace, steps = outcome.trace, len(outcome.trace.cost)
    assert [len(each) for each in (trace.value, trace.gradient_norm, trace.change, trace.seconds)] == [steps] * 4
    assert np.all(np.diff(np.append(trace.value, outcome.value)) < 0.0)
    assert np.all(np.diff(trace.seconds) > 0.0)
    assert trace.seconds[0] > 0.0
    assert outcome.seconds > trace.seconds[-1]
    assert trace.cost[0] == trace.value[0] == pytest.approx(np.log(2.0), rel=1e-15)
    rows = np.column_stack([X - X.mean(axis=0), np.ones(len(X))])
    assert trace.gradient_norm[0] == pytest.approx(np.linalg.norm(rows.T @ (0.5 - y)) / len(X))
    assert outcome.passes == engine.passes == steps + 3  # the copy, the start, the first direction, each step
    assert outcome.value == pytest.approx(outcome.cost + 0.5e-5 * outcome.w @ outcome.w, rel=1e-12)
    a = formulas.sigmoid(X @ outcome.w + outcome.b)
    assert outcome.cost == pytest.approx(np.mean(formulas.loss(X @ outcome.w + outcome.b, y)), rel=1e-9)
    assert np.sum(a) == pytest.approx(np.sum(y), rel=1e-6)


@pytest.mark.parametrize("seed", [84, 271, 693, 919, 1253, 1421])
def test_a_step_that_is_too_long_is_halved(seed, monkeypatch):
    """Cubes of ten deviations and some wrong labels: the plain step raises the value at least once."""
    rng = np.random.default_rng(seed)
    m, n = int(rng.integers(8, 40)), int(rng.integers(1, 4))
    X = rng.standard_normal((m, n)) * 10.0
    y = ((X[:, 0] > 0.0) ^ (rng.random(m) < 0.1)).astype(np.uint8)
    asked = Request(1e-9, float(10.0 ** rng.integers(-9, -1)), tuple("abc"[:n]))
    engine = MemoryEngine(X**3, y)
    outcome = tiny.minimise(engine, asked)
    assert outcome.passes > len(outcome.trace.cost) + 3
    assert np.all(np.diff(np.append(outcome.trace.value, outcome.value)) <= 0.0)
    assert outcome.value == pytest.approx(dense.minimise(engine, asked).value, rel=1.1e-9)
    monkeypatch.setattr(tiny, "HALVINGS", 0)
    assert tiny.minimise(engine, asked) is None


def test_how_a_step_is_halved():
    X, y, s = problem(weighted=True)
    table = table_of(MemoryEngine(X, y, s), 0.01)
    start = look(table, np.zeros(6))
    step = ahead(factorised(table, start, 0.01, True), start).step
    here, moved = tiny._moved(table, start, 16.0 * step)
    share = moved[0] / step[0]
    assert share in (8.0, 4.0, 2.0)
    np.testing.assert_array_equal(here.theta, -moved)
    assert here.value <= start.value < look(table, -2.0 * moved).value
    uphill, _ = tiny._moved(table, start, -step)
    assert uphill.value > start.value  # and whoever asked sees it


@pytest.mark.parametrize("part", range(4))
def test_verdicts_and_witnesses_are_those_of_dense(part):
    """Small whole numbers: many separable, quasi-separable and dependent tables."""
    seen = set()
    for seed in range(part, 240, 4):
        rng = np.random.default_rng(seed)
        m, n = int(rng.integers(6, 14)), int(rng.integers(1, 4))
        X, y = rng.integers(-2, 3, (m, n)).astype(float), rng.integers(0, 2, m).astype(np.uint8)
        if seed % 3 == 0:
            y = (X[:, 0] > 0.0).astype(np.uint8)
        if len(np.unique(y)) < 2:
            continue
        asked = Request(1e-9, 0.0, tuple("abc"[:n]))
        one, other = (way(MemoryEngine(X, y), asked) for way in (minimise, dense.minimise))
        assert one.status is other.status
        assert one.certificate.exists == other.certificate.exists
        assert [note.text for note in one.notes] == [note.text for note in other.notes]
        if one.certificate.witness is not None:
            assert one.certificate.witness == other.certificate.witness
            seen.add(one.certificate.witness.kind)
        else:
            np.testing.assert_allclose(one.w, other.w, rtol=1e-3, atol=1e-4)
            seen.add("proved")
    assert seen == {"complete", "quasi-complete", "proved"}


def test_a_plane_that_separates_is_soon_suspected():
    X, _, _ = problem()
    complete = MemoryEngine(X, (X[:, 0] > 0.0).astype(np.uint8))
    assert tiny.minimise(complete, Request(1e-9, 0.0, tuple("abcde"))) is None
    assert complete.passes <= 6
    quasi = np.column_stack([X, np.arange(len(X)) < 3])
    y = np.where(np.arange(len(X)) < 3, 1, problem()[1]).astype(np.uint8)
    engine = MemoryEngine(quasi, y)
    assert tiny.minimise(engine, Request(1e-9, 0.0, tuple("abcdef"))) is None
    assert engine.passes <= 12
    assert steepest.fit(quasi, y).certificate.witness.columns == (5,)


def test_columns_that_say_what_others_say_are_named():
    X, y, _ = problem()
    X = np.column_stack([X, np.full(len(X), 0.1), X[:, 0] - 2.0 * X[:, 1]])
    fit = steepest.fit(X, y)
    assert [note.text.split(":")[0] for note in fit.notes] == ["x6 = 0.1", "x7 = x1 - 2 x2"]
    assert fit.status is Status.PROVED
    penalised = steepest.fit(X, y, l2=0.01)
    assert penalised.certificate.gap <= 1e-9
    assert abs(penalised.w[5]) < 1e-9


def test_columns_that_nearly_depend_are_left_to_dense():
    X, y, _ = problem()
    X = np.column_stack([X, X[:, 0] + X[:, 2] + 1e-6 * np.random.default_rng(5).standard_normal(len(X))])
    engine = MemoryEngine(X, y)
    assert tiny.minimise(engine, Request(1e-9, 0.0, tuple("abcdef"))) is None
    assert engine.passes == 2  # the copy and the start: the first Hessian shows it
    assert tiny.minimise(engine, Request(1e-9, 0.1, tuple("abcdef"))).certificate.gap <= 1e-9


@pytest.mark.parametrize(
    "change",
    [
        {"budget": 10.0},
        {"callback": lambda step: None},
        {"standardize": True},
        {"start": (np.zeros(5), 0.0)},
        {"iterations": 3},
        {"penalties": Penalties(l1=0.1)},
        {"penalties": Penalties(factors=np.ones(5))},
    ],
    ids=lambda change: next(iter(change)),
)
def test_what_asks_for_more_is_left_to_dense(change):
    X, y, _ = problem()
    assert tiny.minimise(MemoryEngine(X, y), Request(1e-9, 0.01, tuple("abcde"))) is not None
    assert tiny.minimise(MemoryEngine(X, y), Request(1e-9, 0.01, tuple("abcde"), **change)) is None


def test_offsets_of_z_are_left_to_dense():
    X, y, _ = problem()
    engine = MemoryEngine(X, y, None, np.full(len(y), 0.5))
    assert tiny.minimise(engine, Request(1e-9, 0.01, tuple("abcde"))) is None


@pytest.mark.parametrize("factor", [2.0**-80, 2.0**80, 1e-140])
def test_other_units_are_left_to_dense(factor):
    X, y, _ = problem()
    X[:, 1] *= factor
    assert tiny.minimise(MemoryEngine(X, y), Request(1e-9, 0.0, tuple("abcde"))) is None
    assert steepest.fit(X, y).status is Status.PROVED


def test_targets_that_are_no_labels_are_left_to_dense():
    X, y, _ = problem()
    asked = Request(1e-9, 0.01, tuple("abcde"))
    assert tiny.minimise(MemoryEngine(X, 0.25 + 0.5 * y), asked) is None
    whole = tiny.minimise(MemoryEngine(X, y.astype(float)), asked)
    assert whole.w.tobytes() == tiny.minimise(MemoryEngine(X, y), asked).w.tobytes()


def test_nothing_is_proved_where_rounding_forbids():
    """A value near 0: rounding, bounded beforehand, is more than the gap that was asked for; `dense` measures it."""
    X = np.array([[-1.0], [1.0]]).repeat(20, axis=0)
    y = (X[:, 0] > 0.0).astype(np.uint8)
    asked = Request(1e-9, 1e-17, ("a",))
    assert tiny.minimise(MemoryEngine(X, y), asked) is None
    assert dense.minimise(MemoryEngine(X, y), asked).certificate.exists == "proved"


@QUIET
def test_weights_of_the_hessian_that_underflow_prove_nothing():
    X, y, _ = problem(40, 2)
    table = table_of(MemoryEngine(X, y), 0.1)
    far = look(table, np.array([300.0, 300.0, 0.0]))
    here = look(table, np.array([300.0, 299.9, 0.0]))
    factor = factorised(table, far, 0.1, True)
    assert left(factor, here) == 0.0
    one = table_of(MemoryEngine(np.array([[-1.0], [0.0], [1.0], [720.0]]), np.array([0, 1, 0, 1], np.uint8)), 0.1)
    edge = look(one, np.array([1.0, one.centre[0]]))
    assert 0.0 < edge.bend.min() < 1e-300
    assert left(factorised(one, edge, 0.1, True), edge) == 0.0
    near = look(table, np.zeros(3))
    assert left(factorised(table, near, 0.1, True), near) == 1.0
    assert left(factorised(table, near, 0.1, True), far) == 0.0


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 1e200])
@pytest.mark.parametrize("weighted", [False, True])
def test_bad_values_are_named_whatever_they_weigh(bad, weighted):
    X, y, _ = problem()
    X[17, 3] = bad
    weight = np.where(np.arange(len(y)) == 17, 0.0, 1.0) if weighted else None
    with pytest.raises(steepest.DataError, match=r"X\[17, 3\] is"):
        steepest.fit(X, y, sample_weight=weight, l2=0.1)


def test_weights_are_repeated_rows():
    X, y, _ = problem()
    times = np.random.default_rng(6).integers(0, 4, len(y))
    asked = Request(1e-13, 0.01, tuple("abcde"))
    weighted = tiny.minimise(MemoryEngine(X, y, times.astype(float)), asked)
    repeated = tiny.minimise(MemoryEngine(X.repeat(times, axis=0), y.repeat(times)), asked)
    np.testing.assert_allclose(weighted.w, repeated.w, rtol=1e-9)
    assert weighted.value == pytest.approx(repeated.value, rel=1e-12)
    assert len(weighted.trace.cost) == len(repeated.trace.cost)


@pytest.mark.parametrize("share", [0.01, 0.04])
@pytest.mark.parametrize("weighted", [False, True])
def test_rare_positives_are_counted_right(share, weighted):
    rng = np.random.default_rng(7)
    X = rng.standard_normal((1000, 3))
    y = (rng.random(1000) < share * np.exp(0.3 * X[:, 0])).astype(np.uint8)
    s = rng.choice([0.5, 2.0], 1000) if weighted else np.ones(1000)
    for flip in (y, 1 - y):
        outcome = tiny.minimise(MemoryEngine(X, flip, s if weighted else None), Request(1e-4, 1e-3, tuple("abc")))
        a = formulas.sigmoid(X @ outcome.w + outcome.b)
        rarer = min(s @ flip, s.sum() - s @ flip)
        assert abs(s @ (a - flip)) <= 1.001e-9 * rarer


@pytest.mark.parametrize("dtype", [np.float32, np.int8, np.float64])
@pytest.mark.parametrize("order", ["C", "F"])
def test_any_array_is_read_in_place(dtype, order):
    rng = np.random.default_rng(8)
    X = np.asarray(rng.integers(-9, 9, (80, 3)), dtype=dtype, order=order)
    X.flags.writeable = False
    y = rng.random(80) < 0.5
    fit, plain = steepest.fit(X, y, l2=0.1), steepest.fit(X.astype(float).copy(), y.astype(int), l2=0.1)
    assert fit.w.tobytes() == plain.w.tobytes()
    assert fit.classes == (False, True)
    strided = np.zeros((160, 6))
    strided[::2, ::2] = X
    np.testing.assert_allclose(steepest.fit(strided[::2, ::2], y, l2=0.1).w, plain.w, rtol=1e-9)


def test_the_regime_follows_from_the_shape():
    assert choose(TINY_ROWS, TINY_COLUMNS).regime is Regime.TINY
    assert choose(TINY_ROWS + 1, TINY_COLUMNS).regime is Regime.NEWTON
    assert choose(TINY_ROWS, TINY_COLUMNS + 1).regime is Regime.NEWTON
    assert choose(20, 30, l2=1.0).regime is Regime.ROWS
    assert choose(100, 4, classes=3).regime is Regime.CLASSES_NEWTON
    assert choose(100, 4, nnz=50).regime is Regime.SPARSE_FEW


def test_threads_and_blas_threads_change_no_bit():
    threadpoolctl = pytest.importorskip("threadpoolctl")
    rng = np.random.default_rng(9)
    X = rng.standard_normal((1000, 40))
    y = X[:, 0] + rng.standard_normal(1000) > 0.0
    fits = [steepest.fit(X, y, l2=0.01, threads=threads) for threads in (1, 2, None)]
    with threadpoolctl.threadpool_limits(2, "blas"):
        fits.append(steepest.fit(X, y, l2=0.01))
        inside = threadpoolctl.threadpool_info()
    assert {library["num_threads"] for library in inside if library["user_api"] == "blas"} == {2}  # given back
    assert len({(fit.w.tobytes(), fit.b, fit.cost, fit.certificate) for fit in fits}) == 1


def test_fits_side_by_side_give_blas_its_threads_back():
    threadpoolctl = pytest.importorskip("threadpoolctl")

    def threads():
        return {each["num_threads"] for each in threadpoolctl.threadpool_info() if each["user_api"] == "blas"}

    with threadpoolctl.threadpool_limits(2, "blas"):
        first, second = (MemoryEngine(np.zeros((4, 1)), np.zeros(4)).quiet_blas() for _ in range(2))
        first.__enter__()
        second.__enter__()
        assert threads() == {1}
        first.__exit__(None, None, None)  # it does not leave first in, last out
        assert threads() == {1}
        second.__exit__(None, None, None)
        assert threads() == {2}
