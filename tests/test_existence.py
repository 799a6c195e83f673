"""The verdict on small whole-number data equals that of an exact rational linear programme; witnesses are exact.

`STEEPEST_THOROUGH=1` runs 10,000 random data sets instead of 1,000.
"""

import os
from fractions import Fraction

import numpy as np
import pytest
from exact_separation import exact_verdict, random_integers

from steepest import formulas
from steepest.driver import StopRules, drive
from steepest.engines import MemoryEngine
from steepest.objective import Objective
from steepest.penalties import L2
from steepest.proof.certificate import certify
from steepest.proof.existence import Witness, check, find_witness
from steepest.proof.linear_relations import Dependence, dependent_columns, nullspace_near
from steepest.proof.problem import Problem
from steepest.solvers.newton import newton

COUNT = 10_000 if os.environ.get("STEEPEST_THOROUGH") else 1_000


def verdict(X, y, s):
    """What the package says: drop dependent columns, look for a witness, else prove that an optimum exists."""
    engine = MemoryEngine(X, y, s, threads=1)
    dropped = {found.column for found in dependent_columns(Problem.of(engine))}
    engine = MemoryEngine(X[:, [j for j in range(X.shape[1]) if j not in dropped]], y, s, threads=1)
    found = find_witness(engine)
    if found is not None:
        return found.kind
    theta = np.zeros(engine.n + 1)
    run = drive(newton(theta), Objective(engine, penalty=L2(0.0)), StopRules(60))
    w, b = run.last.theta[:-1], float(run.last.theta[-1])
    proof = certify(Problem.of(engine), w, b)
    return {"proved": "none", "unknown": "unknown"}[proof.certificate.exists]


@pytest.mark.parametrize("part", range(8))
def test_verdict_equals_the_exact_programme(part):
    counts = {}
    with np.errstate(all="ignore"):
        for seed in range(part, COUNT, 8):
            X, y, s = random_integers(seed)
            expected = exact_verdict(X, y, s > 0.0)
            assert verdict(X, y, s) == expected, (seed, X.tolist(), y.tolist(), s.tolist())
            counts[expected] = counts.get(expected, 0) + 1
    assert min(counts.get(kind, 0) for kind in ("complete", "quasi-complete", "none")) > COUNT // 160


def test_witness_names_rows_and_columns():
    rng = np.random.default_rng(0)
    X = np.column_stack([rng.standard_normal((500, 3)), np.zeros(500)])
    y = (rng.random(500) < 0.5).astype(float)
    X[:7, 3], y[:7] = 1.0, 1.0  # a dummy set in seven rows, all of one class
    found = find_witness(MemoryEngine(X, y))
    assert isinstance(found, Witness)
    assert (found.kind, found.separated, found.columns) == ("quasi-complete", 7, (3,))
    assert found.rows == (0, 1, 2, 3, 4)
    assert found.direction == (0, 0, 0, 1, 0)
    assert found.w.tolist() == [0.0, 0.0, 0.0, 1.0]


def test_many_rows_by_rounds_of_violated_ones():
    rng = np.random.default_rng(1)
    X = rng.standard_normal((20_000, 3))
    y = (X @ np.array([1.0, -2.0, 0.5]) > 0.3).astype(float)
    found = find_witness(MemoryEngine(X, y))
    assert found is not None
    assert found.kind == "complete"
    y[7] = 1.0 - y[7]
    assert find_witness(MemoryEngine(X, y)) is None


@pytest.mark.parametrize(("offset", "scale"), [(0.0, 1e-150), (0.0, 1e150), (1.5e9, 1e4), (1e6, 1.0)])
def test_units_do_not_matter(offset, scale):
    X = offset + scale * np.array([[1.0], [2.0], [3.0], [3.0], [4.0], [5.0]])
    separable = find_witness(MemoryEngine(X, np.array([0.0, 0.0, 0.0, 1.0, 1.0, 1.0])))
    assert separable is not None
    assert separable.kind == "quasi-complete"
    assert separable.separated == 4
    assert find_witness(MemoryEngine(X, np.array([0.0, 0.0, 1.0, 0.0, 1.0, 0.0]))) is None


def test_decimals_on_a_plane_are_decided_exactly():
    X = np.array([[0.1, 0.2], [0.3, 0.6], [0.2, 0.4], [0.7, 0.1], [0.1, 0.9], [0.3, 0.6]])
    y = np.array([0.0, 1.0, 0.0, 1.0, 0.0, 0.0])
    found = find_witness(MemoryEngine(X, y))
    if found is not None:
        for x, t in zip(X.tolist(), y.tolist(), strict=True):
            z = sum((Fraction(v) * d for v, d in zip([*x, 1.0], found.direction, strict=True)), Fraction(0))
            assert (2 * Fraction(t) - 1) * z >= 0


def test_penalised_columns_cannot_run_away():
    X, y = np.array([[1.0, 0.0], [2.0, 1.0], [3.0, 0.0], [4.0, 1.0]]), np.array([0.0, 0.0, 1.0, 1.0])
    engine = MemoryEngine(X, y)
    assert find_witness(engine).kind == "complete"
    assert find_witness(engine, penalised=np.array([1.0, 0.0])) is None
    assert find_witness(engine, penalised=np.array([0.0, 1.0])).columns == (0,)
    assert check(engine, (2, 0, -5), np.array([1.0, 0.0])) is None
    assert find_witness(MemoryEngine(X, np.ones(4)), penalised=np.ones(2)).direction == (0, 0, 1)


def test_check_refuses_what_is_no_witness():
    X = np.array([[1.0], [2.0], [2.0], [3.0]])
    engine = MemoryEngine(X, np.array([0.0, 0.0, 1.0, 1.0]))
    assert check(engine, (1, -2)).kind == "quasi-complete"
    assert check(engine, (-1, 2)) is None  # all rows on the wrong side
    assert check(engine, (2, -5)) is None  # one row on the wrong side
    assert check(engine, (0, 0)) is None  # nothing is separated
    fractional = np.array([0.0, 0.5, 1.0, 1.0])
    assert check(MemoryEngine(X, fractional), (1, -2)).separated == 2
    assert check(MemoryEngine(X, fractional), (2, -3)) is None  # the fractional row is off the plane
    X = X * 0.1 + 1e9  # 0.1 is no float: rows that look equal to 2 lie beside the plane by an ulp of 1e9
    exact = Fraction(float(X[1, 0]))
    on = (exact.denominator, -exact.numerator)
    assert check(MemoryEngine(X, np.array([0.0, 0.0, 1.0, 1.0])), on).separated == 2
    beside = (exact.denominator * 2**60, -exact.numerator * 2**60 - 1)
    assert check(MemoryEngine(X, np.array([0.0, 0.0, 1.0, 1.0])), beside) is None


def test_fractional_rows_can_forbid_a_direction():
    X = np.array([[1.0], [2.0], [3.0], [4.0]])
    assert find_witness(MemoryEngine(X, np.array([0.0, 0.0, 1.0, 1.0]))).kind == "complete"
    assert find_witness(MemoryEngine(X, np.array([0.2, 0.0, 1.0, 1.0]))) is None
    assert find_witness(MemoryEngine(X, np.array([0.0, 0.7, 1.0, 1.0]))).kind == "quasi-complete"


def test_iterate_as_witness_needs_no_programme():
    engine = MemoryEngine(np.array([[1.0], [2.0], [3.0]]), np.array([0.0, 1.0, 1.0]))
    found = find_witness(engine, w=np.array([2.5]), b=-4.0)
    assert found is not None
    assert found.direction == (5, -8)


def test_dependent_columns_by_one_rule():
    rng = np.random.default_rng(2)
    a, c = rng.standard_normal(300), rng.integers(0, 3, 300).astype(float)
    one, two, three = (c == 0.0) * 1.0, (c == 1.0) * 1.0, (c == 2.0) * 1.0
    X = np.column_stack([a, np.zeros(300), np.full(300, 7.0), one, two, three, a, 3.0 * a - 2.0 * one + 1.0])
    found = dependent_columns(Problem.of(MemoryEngine(X, np.zeros(300), leaf_bytes=1000)))
    names = tuple("abcdefgh")
    assert [each.sentence(names) for each in found] == [
        "b = 0", "c = 7", "f = 1 - d - e", "g = a", "h = 1 + 3 a - 2 d",
    ]  # fmt: skip


@pytest.mark.parametrize("factor", [1e-150, 1e-6, 1.0, 1e150])
def test_relations_survive_units_and_offsets(factor):
    rng = np.random.default_rng(4)
    a, b = 1e6 + rng.standard_normal(200), rng.standard_normal(200)
    X = np.column_stack([a * factor, b, (a + b) * factor])
    found = dependent_columns(Problem.of(MemoryEngine(X, np.zeros(200))))
    assert [each.column for each in found] == [2]


def test_all_suspicious_columns_are_looked_at_together():
    a = np.random.default_rng(5).normal(size=(400, 2))
    X = np.repeat(a, 10, axis=1) * 2.0 ** np.arange(20)
    engine = MemoryEngine(X, np.zeros(400))
    problem, before = Problem.of(engine), engine.passes
    assert [found.column for found in dependent_columns(problem)] == [*range(1, 10), *range(11, 20)]
    assert engine.passes - before == 4  # the Gram matrix, and three for all of them


def test_a_suspicious_column_that_is_kept_explains_later_ones():
    a, b = np.random.default_rng(6).normal(size=(2, 400))
    near = a + 3e-5 * b
    X = np.column_stack([a, near, a, 3.0 * near, 1.0 - near])
    found = dependent_columns(Problem.of(MemoryEngine(X, np.zeros(400))))
    assert found == (Dependence(2, 0.0, ((0, 1.0),)), Dependence(3, 0.0, ((1, 3.0),)), Dependence(4, 1.0, ((1, -1.0),)))


def test_nearly_dependent_columns_are_kept():
    rng = np.random.default_rng(5)
    a, b = rng.standard_normal(400), rng.standard_normal(400)
    for size in (1e-2, 1e-4, 1e-6, 1e-8):
        X = np.column_stack([a, b, a - b + size * rng.standard_normal(400)])
        assert dependent_columns(Problem.of(MemoryEngine(X, np.zeros(400)))) == ()
    X = np.column_stack([a, b, a - b + 1e-12 * rng.standard_normal(400)])
    assert [found.column for found in dependent_columns(Problem.of(MemoryEngine(X, np.zeros(400))))] == [2]


def test_relation_is_refined_where_the_gram_matrix_is_inaccurate():
    rng = np.random.default_rng(6)
    a, b = rng.standard_normal(400), rng.standard_normal(400)
    near = a + 1e-3 * b
    found = dependent_columns(Problem.of(MemoryEngine(np.column_stack([a, near, b]), np.zeros(400))))
    assert [each.column for each in found] == [2]
    assert np.allclose(dict(found[0].terms)[1], 1000.0, rtol=1e-9)


def test_rows_of_weight_zero_do_not_hide_a_dependence():
    X = np.array([[1.0, 1.0], [2.0, 2.0], [3.0, 3.0], [4.0, 9.0]])
    rows = MemoryEngine(X, np.zeros(4), np.array([1.0, 2.0, 1.0, 0.0]))
    assert dependent_columns(Problem.of(rows)) == (Dependence(1, 0.0, ((0, 1.0),)),)


def test_nullspace_is_exact():
    rows = np.array([[0.1, 0.2, 1.0], [0.3, 0.5, 1.0]])
    near = nullspace_near(rows, np.array([-30.0, 20.0, -1.0]), 10)
    for row in rows.tolist():
        assert sum(Fraction(v) * d for v, d in zip(row, near, strict=True)) == 0
    assert nullspace_near(np.eye(2), np.ones(2), 4) is None
    assert formulas.sigmoid(0.0) == 0.5
