"""True errors never exceed the certificate: random small problems against optima of 50 digits.

`STEEPEST_THOROUGH=1` runs 500 problems instead of 120. Mutations of the formulas that these tests must catch are
listed in docs/decisions/0001-certificates.md.
"""

import math
import os
from dataclasses import replace

import mpmath
import numpy as np
import pytest
from high_precision import Case, Exact, random_case, standard_errors, true_errors
from mpmath import mp, mpf

import steepest
from steepest import formulas
from steepest.driver import StopRules, drive
from steepest.engines import MemoryEngine
from steepest.objective import Objective
from steepest.penalties import L2
from steepest.proof import certificate as certificates_of
from steepest.proof.certificate import (
    Certificate,
    certify,
    compare,
    diagonal_at,
    disproved,
    relative,
)
from steepest.proof.curves import excess, flattening, turn_of
from steepest.proof.evidence import Reach, bend, divergence_of, examine
from steepest.proof.existence import check
from steepest.proof.problem import Problem
from steepest.proof.rounding import Metric, exact_dot, gamma
from steepest.scaling import Scaling
from steepest.solvers.newton import newton

COUNT = 500 if os.environ.get("STEEPEST_THOROUGH") else 120


def points(case, best, exact, seed):
    """The optimum as floats, points near and far from it, and where everybody starts."""
    rng = np.random.default_rng(seed)
    at = np.array([float(t) for t in best])
    se = np.array([float(e) for e in standard_errors(exact, best)])
    yield at
    for size in (3e-9, 1e-7, 1e-3, 0.05, 0.5):
        yield at + size * se * rng.standard_normal(len(at)) / math.sqrt(len(at))
    yield np.zeros(len(at))


def holds(certificate, truth):
    gap, probability, coefficient = truth
    return (
        gap <= certificate.gap
        and probability <= certificate.max_probability_error
        and coefficient <= certificate.max_coefficient_error
    )


@pytest.mark.parametrize("part", range(10))
def test_true_error_is_at_most_the_certificate(part):
    mp.dps = 50 + 50  # decrements of 1e-90, so that optima have more than 40 digits
    checked = 0
    for seed in range(part, COUNT, 10):
        case = random_case(seed)
        exact, problem = Exact(case), Problem.of(case.engine, case.l2)
        best = exact.optimum([0.0] * (case.X.shape[1] + 1))
        if best is None:  # separable or singular: nothing may be called proved
            for scale in (0.0, 1.0, 30.0):
                w = scale * np.ones(case.X.shape[1]) / np.abs(case.X).max(axis=0)
                assert certify(problem, w, 0.0).certificate.exists != "proved", seed
            continue
        mp.dps = 60
        checked += check_all(case, exact, problem, best, seed)
        mp.dps = 100
    assert checked >= 4 * (COUNT // 10) // 2


def check_all(case, exact, problem, best, seed):
    rng = np.random.default_rng(seed + 10**6)
    part = np.sort(rng.permutation(len(case.y))[: max(4, len(case.y) // 2)])
    subset = MemoryEngine(case.X[part], case.y[part], case.s[part], leaf_bytes=1, threads=1)
    raw = Problem(case.engine, case.l2, Scaling(np.zeros(case.X.shape[1]), np.ones(case.X.shape[1])))
    reference = loose = loose_se = None
    checked = 0
    for at in points(case, best, exact, seed):
        theta = [mpf(t) for t in at.tolist()]
        w, b = at[:-1], float(at[-1])
        truth = true_errors(exact, best, theta, standard_errors(exact, theta))
        proof = certify(problem, w, b)
        if reference is None:
            reference, se = proof, standard_errors(exact, theta)
            assert proof.certificate.exists == "proved", (seed, proof)
            if case.kind != "near-separable":
                assert proof.certificate.gap <= 1e-13, (seed, proof.certificate)
        certificates = [
            proof.certificate,
            certify(problem, w, b, exact=False).certificate,
            certify(problem, w, b, subset=subset).certificate,
            certify(problem, w, b, subset=subset, exact=False).certificate,
            certify(raw, w, b).certificate,
        ]
        for i, certificate in enumerate(certificates):
            assert holds(certificate, truth), (seed, case.kind, i, at, certificate, truth)
        other = true_errors(exact, best, theta, se)
        assert holds(compare(reference, w, b), other), (seed, at, compare(reference, w, b), other)
        if loose is not None:
            assert holds(compare(loose, w, b), true_errors(exact, best, theta, loose_se)), (seed, at)
        if np.linalg.norm((at - [float(t) for t in best]) / np.array([float(e) for e in se])) > 0.04 and loose is None:
            loose, loose_se = proof, standard_errors(exact, theta)
        diagonal = diagonal_at(problem, w, b)
        if diagonal is not None:
            certificate = certify(diagonal.problem, w, b, metric=diagonal).certificate
            assert holds(certificate, truth), (seed, at, certificate, truth)
        low, value = exact.value(best), exact.value(theta)
        assert abs(value - mpf(proof.value)) <= proof.value_error
        assert value - low <= proof.bound
        checked += 1
    return checked


def test_gradient_and_hessian_are_within_their_bounds():
    mp.dps = 60
    for seed in range(40):
        case = random_case(seed)
        rng = np.random.default_rng(seed)
        n = case.X.shape[1]
        frame = Scaling(np.zeros(n), np.ones(n))
        problem, exact = Problem(case.engine, np.zeros(n), frame), Exact(case)
        exact.R = [mpf(0)] * (n + 1)
        at = 1e3 * rng.standard_normal(n + 1) / np.append(np.abs(case.X).max(axis=0), 1.0)
        at[-1] = -float(at[:-1] @ case.X[0])  # z of the first row is what is left of large terms
        terms = examine(problem, at[:-1], float(at[-1]), 2)
        g, H = exact.derivatives([mpf(t) for t in at.tolist()])
        for j in range(n + 1):
            off = abs(g[j] - mpf(float(terms.gradient[j])))
            assert off <= terms.gradient_error[j]
            for i in range(n + 1):
                root = math.sqrt(terms.hessian[i, i] * terms.hessian[j, j])
                assert abs(H[i, j] - mpf(float(terms.hessian[i, j]))) <= terms.hessian_error * root


def test_certificate_is_tight_to_first_order():
    rng = np.random.default_rng(3)
    X = rng.standard_normal((400, 3))
    y = (rng.random(400) < formulas.sigmoid(X @ np.array([1.0, -1.0, 0.5]))).astype(float)
    case = Case(X, y, np.ones(400), np.zeros(3), "plain")
    mp.dps = 100
    exact = Exact(case)
    best = exact.optimum([0.0] * 4)
    mp.dps = 40
    at = np.array([float(t) for t in best]) + 1e-4
    theta = [mpf(t) for t in at.tolist()]
    certificate = certify(Problem.of(case.engine), at[:-1], float(at[-1])).certificate
    gap, probability, _ = true_errors(exact, best, theta, standard_errors(exact, theta))
    assert float(gap) <= certificate.gap <= 1.01 * float(gap)
    assert float(probability) <= certificate.max_probability_error <= 20.0 * float(probability)


def check_module_of_certificate(module):
    """One row that weighs as much as all the rest of the gap: KL(a* | a) = 2 (a - a*)² (1 + O(a - a*)²) around ½."""
    for away, lightest in ((1e-1, 0.5), (1e-3, 3.0)):
        kl = -0.5 * math.log(1.0 + 2.0 * away) - 0.5 * math.log(1.0 - 2.0 * away)
        proved = module.Bounds(lightest * kl, 1.0, math.inf, 2.0, True)
        found = module.published(proved, 1.0, lightest).max_probability_error
        assert away <= found <= (1.0 + 2.0 * away**2) * away * 1.00001
    near, far = module.Bounds(1e-4, 1.0, 4e-4, 0.1, True), module.Bounds(1e-4, 1.0, math.inf, 2.0, False)
    assert module.published(near, 1.0, 1.0).max_probability_error == 1e-4  # σ' <= ¼
    assert module.published(far, 1.0, 1.0).max_probability_error == 1.0  # no optimum, no probability of its own
    assert module.published(far, 1.0, 1.0, "proved").max_probability_error < 0.02


def test_the_gap_alone_bounds_every_probability():
    check_module_of_certificate(certificates_of)


def test_correlated_columns_leave_the_bound_of_the_gap():
    rng = np.random.default_rng(8)
    mix = rng.standard_normal((20, 20)) / np.sqrt(20.0) + 0.1 * np.eye(20)
    X = rng.standard_normal((20_000, 20)) @ mix
    y = (X[:, 0] + rng.logistic(size=20_000) > 0.0).astype(float)
    weight = rng.choice([0.0, 0.5, 2.0], 20_000)
    fit = steepest.fit(X, y, sample_weight=weight, l2=1e-4)
    G = fit.certificate.gap * fit.value * weight.sum()
    assert fit.certificate.max_probability_error <= math.sqrt(G / (2.0 * 0.5)) * 1.00001


def test_small_decrement_on_separable_data_proves_nothing():
    X = np.array([[-2.0], [-1.0], [1.0], [2.0]])
    problem = Problem.of(MemoryEngine(X, np.array([0.0, 0.0, 1.0, 1.0])))
    for slope in (1.0, 10.0, 20.0, 35.0, 300.0, 800.0):
        certificate = certify(problem, np.array([slope]), 0.0).certificate
        assert (certificate.exists, certificate.gap) == ("unknown", math.inf)


def test_nothing_is_proved_on_separable_data_anywhere():
    rng = np.random.default_rng(12)
    for _ in range(60):
        X = rng.standard_normal((12, 2))
        y = (X @ np.array([1.0, -0.5]) > 0.2).astype(float)
        problem = Problem.of(MemoryEngine(X, y, leaf_bytes=1, threads=1))
        for size in (0.0, 0.3, 1.0, 3.0, 10.0, 30.0):
            w = size * np.array([1.0, -0.5]) + rng.choice([0.0, 0.1, 1.0]) * rng.standard_normal(2)
            for b in (-0.2 * size, 0.5):
                assert certify(problem, w, b).certificate.exists == "unknown"


def test_blocks_and_engines_do_not_matter():
    one, two = Reach(1.0, 2.0, inside=True), Reach(3.0, 4.0, inside=False)
    assert one + two == two + one == Reach(3.0, 6.0, inside=False)
    rng = np.random.default_rng(13)
    X = rng.standard_normal((5000, 4))
    X[3], X[4000] = 9.0, -7.0
    y = (rng.random(5000) < formulas.sigmoid(X[:, 0])).astype(float)
    w = np.array([1.0, 0.01, 0.0, 0.0])
    large, small = MemoryEngine(X, y, leaf_bytes=1 << 30), MemoryEngine(X, y, leaf_bytes=1)
    proofs = [certify(replace(Problem.of(large), engine=engine), w, 0.0) for engine in (large, small)]
    assert math.isclose(proofs[0].sigma, proofs[1].sigma, rel_tol=1e-5)
    assert math.isclose(proofs[0].bound, proofs[1].bound, rel_tol=1e-5)


def test_rows_of_weight_zero_change_nothing():
    case = random_case(1)
    case.s[:] = np.where(case.s > 0.0, case.s, 1.0)
    problem = Problem.of(case.engine)
    w = 0.1 * np.ones(case.X.shape[1])
    huge = np.full((1, case.X.shape[1]), 1e30)
    engine = MemoryEngine(np.vstack([case.X, huge]), np.append(case.y, 1.0), np.append(case.s, 0.0))
    more = Problem(engine, problem.l2, problem.frame)
    one = Problem(MemoryEngine(case.X, case.y, case.s), problem.l2, problem.frame)
    assert certify(more, w, 0.1).certificate == certify(one, w, 0.1).certificate
    assert np.array_equal(Problem.of(engine).frame.scale, problem.frame.scale)


@pytest.mark.parametrize("factor", [1e-150, 1e150, 2.0**-400, 1e6])
def test_units_of_a_column_do_not_matter(factor):
    case = random_case(0)
    w = 0.3 * np.ones(case.X.shape[1])
    here = certify(Problem.of(case.engine), w, 0.1).certificate
    scaled = MemoryEngine(case.X * factor, case.y, case.s)
    there = certify(Problem.of(scaled), w / factor, 0.1).certificate
    assert there.exists == here.exists
    assert math.isclose(there.gap, here.gap, rel_tol=1e-6)


def test_nothing_optimistic_where_floats_end():
    X = np.array([[1e300], [-1e308], [1e308], [3.0], [1.0]])
    rows = MemoryEngine(X, np.array([0.0, 1.0, 0.0, 1.0, 0.0]))
    for w in (0.0, 1e-308, 1.0, 1e10):
        with np.errstate(all="ignore"):
            certificate = certify(Problem.of(rows), np.array([w]), 0.0).certificate
        assert certificate.gap >= 0.0 or math.isinf(certificate.gap)
        assert not math.isnan(certificate.max_coefficient_error)


def test_singular_hessian_is_unknown():
    X = np.array([[1.0, 2.0], [2.0, 4.0], [3.0, 6.0], [4.0, 8.0]])
    certificate = certify(Problem.of(MemoryEngine(X, np.array([0.0, 1.0, 0.0, 1.0]))), np.zeros(2), 0.0).certificate
    assert certificate == Certificate(math.inf, 1.0, math.inf, "unknown")


def test_wide_tables_by_a_diagonal_metric():
    rng = np.random.default_rng(8)
    X = rng.standard_normal((60, 300)) + 5.0
    y = (rng.random(60) < 0.4).astype(float)
    engine = MemoryEngine(X, y)
    problem = Problem.of(engine, 0.5)
    theta = np.zeros(301)
    run = drive(newton(theta), Objective(engine, penalty=L2(0.5)), StopRules(30))
    w, b = run.last.theta[:-1], float(run.last.theta[-1])
    metric = diagonal_at(problem, w, b)
    certificate = certify(metric.problem, w, b, metric=metric).certificate
    assert certificate.exists == "proved"
    assert certificate.gap < 1e-20
    assert certificate.max_probability_error < 1e-9
    assert diagonal_at(Problem.of(engine), w, b) is None


def test_relative_and_disproved():
    assert relative(2.0, 0.0) == 0.0
    assert math.isinf(relative(1.0, 1.0))
    assert math.isinf(relative(0.0, 0.0))
    witness = check(MemoryEngine(np.array([[1.0], [2.0]]), np.array([0.0, 1.0])), (2, -3))
    assert disproved(witness).exists == "disproved"


def test_formulas_of_the_bounds():
    mp.dps = 60
    for x in (1e-12, 1e-3, 0.0499, 0.0501, 0.3, 0.9, 0.999999):
        t = mpf(x)
        exact = 2 * (t + (1 - t) * mp.log(1 - t)) / t**2
        assert abs(excess(x) / exact - 1) < 1e-11
        assert abs(flattening(x) / ((1 - (1 + t) * mp.exp(-t)) / t**2) - 1) < 1e-11
        for sign in (1, -1):
            assert abs(float(bend(np.array(sign * x))) / ((1 + sign * t) * mp.log(1 + sign * t) - sign * t) - 1) < 1e-11
        for a in (0.5, 1e-3, 1e-9):
            alpha, p = mpf(a) + mpf(a) * (1 - mpf(a)) * t, mpf(a)
            kl = alpha * mp.log(alpha / p) + (1 - alpha) * mp.log((1 - alpha) / (1 - p))
            assert abs(float(divergence_of(np.array(a), np.array(1.0 - a), np.array(x))) / kl - 1) < 1e-9
        turned = turn_of(x)
        assert 1 - (1 + mpf(turned)) * mp.exp(-mpf(turned)) >= t


def test_metric_bounds_both_ways():
    mp.dps = 60
    rng = np.random.default_rng(5)
    for k in (1, 3, 8):
        root = rng.standard_normal((k + 2, k)) * 10.0 ** rng.uniform(-6, 6, k)
        matrix, v = root.T @ root, rng.standard_normal(k)
        metric = Metric.of(matrix, gamma(100))
        exact = mp.matrix(root.tolist()).T * mp.matrix(root.tolist())
        solved = mp.lu_solve(exact, mp.matrix(v.tolist()))
        norm = mp.sqrt(mp.fsum(a * mpf(c) for a, c in zip(solved, v.tolist(), strict=True)))
        assert metric.least_norm(v) <= norm <= metric.norm(v, np.zeros(k)) <= 1.001 * float(norm)
        assert norm <= metric.row_norms(v[None], True)[0] <= metric.row_norms(v[None], False)[0] * 1.001
        assert metric.residual(metric.solve(v), v, np.zeros(k)) < 1e-6 * float(norm)
    assert Metric.of(np.array([[1.0, 1.0], [1.0, 1.0]]), gamma(4)) is None
    assert Metric.of(np.array([[1.0, 2.0], [2.0, 1.0]]), gamma(4)) is None
    assert Metric.of(np.array([[np.nan]]), gamma(4)) is None


def test_exact_dot_and_gamma():
    assert exact_dot(np.array([0.1]), np.array([0.1])) != 0.1 * 0.1
    assert math.isinf(gamma(2.0**53))
    assert mpmath.__version__
