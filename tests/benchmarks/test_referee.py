"""The referee of the benchmarks against 50 digits, against SciPy, and against its own bracket."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import mpmath as mp
import numpy as np
import pytest
import scipy.sparse as sp
from scipy.optimize import minimize

sys.path.insert(0, str(Path(__file__).parents[2]))

from benchmarks.cells import CELLS
from benchmarks.peers import PEERS, candidates
from benchmarks.problem import Candidate, Problem, load, save
from benchmarks.referee import bracket, lower_bound, objective, optimum, parts, relative_error


def small(seed: int, classes: int = 2, m: int = 60, n: int = 4, sparse: bool = False, C: float = 0.7) -> Problem:
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((m, n)) * (rng.random((m, n)) < (0.4 if sparse else 2.0))
    y = np.concatenate([np.arange(classes), rng.integers(0, classes, m - classes)])
    return Problem(sp.csr_matrix(X) if sparse else X, y, C, classes)


def exact(problem: Problem, w: np.ndarray, b: np.ndarray) -> mp.mpf:
    """F in 50 digits, from the definition."""
    with mp.workdps(50):
        X = problem.X.toarray() if problem.sparse else problem.X
        total = sum((mp.mpf(v) ** 2 for v in np.ravel(w).tolist()), mp.mpf(0)) / (2 * mp.mpf(problem.C))
        columns = np.atleast_2d(w.T).tolist() if w.ndim == 2 else [[0.0] * len(w), w.tolist()]
        intercepts = b.tolist() if w.ndim == 2 else [0.0, float(b)]
        for row, label in zip(X.tolist(), problem.y.tolist(), strict=True):
            z = [
                mp.fsum(mp.mpf(x) * mp.mpf(v) for x, v in zip(row, column, strict=True)) + mp.mpf(shift)
                for column, shift in zip(columns, intercepts, strict=True)
            ]
            total += mp.log(mp.fsum(mp.exp(value) for value in z)) - z[label]
        return total


@pytest.mark.parametrize("scale", [1e-8, 1.0, 50.0])
@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("sparse", [False, True])
def test_objective_equals_fifty_digits(classes: int, sparse: bool, scale: float) -> None:
    problem = small(3, classes, sparse=sparse)
    rng = np.random.default_rng(1)
    shape = (4,) if classes == 2 else (4, classes)
    w, b = scale * rng.standard_normal(shape), scale * rng.standard_normal(shape[1:])
    assert abs(objective(problem, w, b) / exact(problem, w, np.asarray(b)) - 1) < 1e-13


def test_objective_where_exp_overflows_and_where_it_is_not_finite() -> None:
    problem = Problem(np.array([[1.0], [-1.0]]), np.array([1, 0]), C=1e30)
    assert objective(problem, np.array([800.0]), np.array(0.0)) == pytest.approx(3.2e-25, rel=1e-12)
    assert objective(problem, np.array([-800.0]), np.array(0.0)) == pytest.approx(1600.0)
    assert objective(problem, np.array([np.nan]), np.array(0.0)) == np.inf


@pytest.mark.parametrize("classes", [2, 4])
@pytest.mark.parametrize("sparse", [False, True])
def test_optimum_equals_scipy(classes: int, sparse: bool) -> None:
    problem = small(5, classes, sparse=sparse)
    shape = (4,) if classes == 2 else (4, classes)
    size = int(np.prod(shape))

    def value(theta: np.ndarray) -> float:
        return objective(problem, theta[:size].reshape(shape), theta[size:].reshape(shape[1:]))

    start = np.zeros(size + (1 if classes == 2 else classes))
    theirs = minimize(value, start, method="BFGS", options={"gtol": 1e-6}).fun
    ours = objective(problem, *optimum(problem))
    assert ours <= theirs * (1 + 1e-14)
    assert ours == pytest.approx(theirs, rel=1e-8)


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("sparse", [False, True])
def test_lower_bound_holds_everywhere_and_is_tight_at_the_optimum(classes: int, sparse: bool) -> None:
    problem = small(7, classes, sparse=sparse)
    (found,) = bracket(problem)
    assert abs(found.width) < 1e-12
    rng = np.random.default_rng(0)
    shape = (4,) if classes == 2 else (4, classes)
    for scale in (0.0, 0.01, 1.0, 30.0):
        w, b = scale * rng.standard_normal(shape), scale * rng.standard_normal(shape[1:])
        assert lower_bound(problem, w, b) <= found.best * (1 + 1e-14)


def test_wide_and_separable_problems_are_bracketed() -> None:
    rng = np.random.default_rng(2)
    X = rng.standard_normal((30, 900))
    (found,) = bracket(Problem(X, (X[:, 0] > 0).astype(np.int64), C=10.0))
    assert abs(found.width) < 1e-10


def test_relative_error_is_that_of_the_worst_part() -> None:
    assert relative_error([1.0, 2.2], [1.0, 2.0]) == pytest.approx(0.1)


def test_parts_of_a_cross_validation() -> None:
    whole = small(1)
    problem = Problem(whole.X, whole.y, 1.0, 2, (0.1, 1.0), 3)
    made = parts(problem)
    assert [part.C for part in made] == [0.1, 1.0] * 3
    assert sorted(len(part.y) for part in made[::2]) == [40, 40, 40]
    np.testing.assert_array_equal(made[0].X, whole.X[np.arange(60) % 3 != 0])


@pytest.mark.parametrize("sparse", [False, True])
def test_a_problem_survives_the_disk(tmp_path: Path, sparse: bool) -> None:
    problem = small(4, 3, sparse=sparse)
    save(problem, tmp_path)
    again = load(tmp_path)
    dense = [p.X.toarray() if sparse else p.X for p in (problem, again)]
    np.testing.assert_array_equal(*dense)
    assert (again.C, again.classes, again.folds) == (problem.C, 3, 0)


@pytest.mark.parametrize("name", ["correlated", "raw", "wide", "text-1", "rare", "cv"])
def test_cells_are_the_same_at_every_call(name: str) -> None:
    one, two = CELLS[name].problem(quick=True), CELLS[name].problem(quick=True)
    np.testing.assert_array_equal(one.y, two.y)
    assert abs(one.X - two.X).max() == 0.0
    assert set(np.unique(one.y)) == {0, 1}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", [name for name in PEERS if name.startswith("sklearn")])
@pytest.mark.parametrize("classes", [2, 3])
def test_scikit_learn_adapters_minimise_the_same_objective(name: str, classes: int) -> None:
    if importlib.util.find_spec("sklearn") is None:
        pytest.skip("scikit-learn is not installed")
    if classes == 3 and name == "sklearn liblinear":
        pytest.skip("one against the rest")
    problem = small(9, classes)
    (found,) = bracket(problem)
    settings: list[Candidate] = [c for c in candidates(name, problem, 1) if c.setting != "default"]
    best = min(objective(problem, answer.w, answer.b) for answer in (setting.run() for setting in settings))
    # liblinear penalises the intercept, by ½ (b/1000)² at best
    assert best == pytest.approx(found.best, rel=1e-6 if name == "sklearn liblinear" else 1e-9)
