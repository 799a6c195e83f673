"""Many fits together are the fits one by one: same optima, proved gaps, fewer passes; folds; the one-SE rule."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import steepest
from steepest.driver import StopRules, drive
from steepest.engines import MemoryEngine
from steepest.errors import DataError
from steepest.kernels import KERNELS
from steepest.lockstep import metrics, near, paths
from steepest.lockstep.advance import Walk
from steepest.lockstep.folds import assign_folds
from steepest.lockstep.metrics import Metrics
from steepest.lockstep.paths import Path, path
from steepest.lockstep.rows import Rows
from steepest.lockstep.together import Fits
from steepest.objective import Objective
from steepest.penalties import L2
from steepest.proof.certificate import certify
from steepest.proof.problem import Problem
from steepest.scaling import Scaling
from steepest.solvers.lbfgs import lbfgs
from steepest.solvers.newton import newton

L2S = np.logspace(0, -5, 6)


def table(seed=0, m=400, n=6, rho=0.6):
    rng = np.random.default_rng(seed)
    mix = np.linalg.cholesky(rho ** np.abs(np.subtract.outer(np.arange(n), np.arange(n))))
    X = rng.standard_normal((m, n)) @ mix.T
    y = (X @ rng.standard_normal(n) + 0.4 + rng.logistic(size=m) > 0.0).astype(int)
    return X, y


def optimum(X, y, l2, weight=None):
    """One fit by Newton's method to the end of floating point, on its own."""
    engine = MemoryEngine(X, y.astype(np.uint8), weight, threads=1)
    objective = Objective(engine, KERNELS["vectorised"], L2(l2))
    run = drive(newton(np.zeros(X.shape[1] + 1)), objective, StopRules(iterations=60))
    return run.last.theta, run.last.point.value


def value(X, y, l2, w, b, weight=None):
    s = np.ones(len(y)) if weight is None else weight
    z = X @ w + b
    return float(s @ (np.logaddexp(0.0, z) - y * z) / s.sum()) + 0.5 * l2 * float(w @ w)


def parts(X, y, fold=None, fits=1):
    engine = MemoryEngine(X, y.astype(np.uint8), threads=1)
    return Rows(engine, Scaling(np.zeros(X.shape[1]), np.ones(X.shape[1])), fold, fits)


@settings(max_examples=12, deadline=None)
@given(st.integers(0, 1000), st.booleans())
def test_path_is_the_fits_one_by_one(seed, weighted):
    X, y = table(seed, m=150, n=3)
    weight = np.random.default_rng(seed).integers(1, 4, len(y)).astype(float) if weighted else None
    found = path(X, y, L2S, folds=3, tol=1e-12, sample_weight=weight)
    assert found.gap.max() <= 1e-12
    assert found.held_out_gap.max() <= 1e-12
    for p, l2 in enumerate(L2S):
        theta, best = optimum(X, y, l2, weight)
        assert value(X, y, l2, found.w[p], found.b[p], weight) == pytest.approx(best, rel=2e-12)
        np.testing.assert_allclose(found.w[p], theta[:-1], atol=2e-5 * math.sqrt(best / l2 + 1.0) * 1e-1)
        for k in range(3):
            seen, out = found.folds != k, found.folds == k
            theta, _ = optimum(X[seen], y[seen], l2, None if weight is None else weight[seen])
            loss = value(X[out], y[out], 0.0, theta[:-1], theta[-1], None if weight is None else weight[out])
            assert found.held_out_loss[p, k] == pytest.approx(loss, rel=1e-4)


@pytest.mark.parametrize("tol", [1e-3, 1e-6, 1e-10])
@pytest.mark.parametrize(("m", "n"), [(300, 4), (6000, 5), (900, 140)])
def test_gap_is_proved(m, n, tol):
    """The certificate's own proof at the returned weights confirms the bound; the truth lies below it."""
    X, y = table(1, m, n)
    X *= 10.0 ** np.linspace(-2, 3, n)
    X += 5.0
    found = path(X, y, [1e-2, 1e-4], folds=3, tol=tol)
    assert max(found.gap.max(), found.held_out_gap.max()) <= tol
    for p, l2 in enumerate(found.l2):
        proof = certify(Problem.of(MemoryEngine(X, y, threads=1), l2), found.w[p], float(found.b[p]))
        assert proof.certificate.exists == "proved"
        assert proof.certificate.gap <= found.gap[p] * 1.01 + 1e-15


def test_true_gap_never_exceeds_the_proved_one():
    for seed in range(12):
        X, y = table(seed, m=60 + 10 * seed, n=1 + seed % 5)
        found = path(X, y, L2S, tol=1e-2)
        for p, l2 in enumerate(L2S):
            _, best = optimum(X, y, l2)
            true = (value(X, y, l2, found.w[p], found.b[p]) - best) / best
            assert true <= found.gap[p] + 1e-14


def test_separable_rows_are_fitted_too():
    X = np.concatenate([np.linspace(-3, -1, 30), np.linspace(1, 3, 30)])[:, None]
    y = (X[:, 0] > 0).astype(int)
    found = path(X, y, [1.0, 1e-3, 1e-6], folds=5, tol=1e-8)
    assert found.gap.max() <= 1e-8
    assert found.held_out_accuracy.min() == 1.0


def test_nearly_separable_folds_are_proved_as_well():
    """Rounding of p counts by its size, not by 1: else the folds of this table at C = 10,000 are proved to 3e-9."""
    datasets = pytest.importorskip("sklearn.datasets")
    X, y = datasets.load_breast_cancer(return_X_y=True)
    X = (X - X.mean(axis=0)) / X.std(axis=0)
    found = path(X, y, 1.0 / (np.array([1e2, 1e4]) * len(y)), folds=5, tol=1e-10, same_sum=True)
    assert max(found.gap.max(), found.held_out_gap.max()) <= 1e-10


def test_passes_are_counted_and_fewer_than_of_separate_fits(monkeypatch):
    X, y = table(3, m=8000, n=5)
    reads = []
    monkeypatch.setattr(Rows, "sum", _counting(Rows.sum, reads))
    together = path(X, y, L2S, folds=5, tol=1e-8)
    full = [m for m in reads if m == len(y)]
    assert together.passes == len(full) + 2  # the columns are looked at in two
    assert together.passes <= 12
    assert sum(path(X, y, [l2], folds=5, tol=1e-8).passes for l2 in L2S) > 3 * together.passes


def _counting(method, reads):
    def counted(self, of_piece):
        reads.append(self.m)
        return method(self, of_piece)

    return counted


def walked(seed=4, F=3, k=4):
    X, y = table(seed, m=200, n=k - 1)
    rows = parts(X, y, fits=F)
    fits = Fits.of(rows, np.logspace(0, -3, F), np.full(F, -1))
    return X, y, rows, fits, Walk.from_here(rows, fits, np.full((F, k), 0.1))


def test_steps_are_those_of_the_solver_run_alone():
    """`solvers.lbfgs` in the same metric, one fit at a time: the same iterates to rounding, in as many passes."""
    X, y, rows, fits, walk = walked()
    everyone, start, passes = np.arange(3), walk.theta.copy(), rows.passes
    seen = []
    for _ in range(5):
        walk.step(everyone)
        seen.append(walk.theta.copy())
    assert rows.passes - passes == 5
    for f in everyone:
        objective = Objective(MemoryEngine(X, y, threads=1), KERNELS["vectorised"], L2(float(fits.l2[f])))
        inverse = np.linalg.inv(walk.metrics.matrix[f] / len(y))
        solver = lbfgs(start[f], lambda v, inverse=inverse: inverse @ v)
        question, thetas = next(solver), []
        while len(thetas) < 5:
            at = objective.answer(question)
            question = solver.send(at)
            if not question.trial:
                thetas.append(question.theta)
        for ours, theirs in zip(seen, thetas, strict=True):
            np.testing.assert_allclose(ours[f], theirs, rtol=1e-8, atol=1e-10)


def test_newton_steps_are_those_of_newton_s_method():
    X, y, rows, fits, walk = walked()
    passes = rows.passes
    for _ in range(8):
        walk.newton(np.arange(3))
    assert rows.passes - passes == 8
    for f in range(3):
        theta, best = optimum(X, y, float(fits.l2[f]))
        np.testing.assert_allclose(walk.theta[f], theta, rtol=1e-7, atol=1e-9)
        assert walk.value[f] / len(y) == pytest.approx(best, rel=1e-13)


def test_a_step_that_raises_the_value_is_not_made():
    """From far away the plain Newton step overshoots: values never rise, and shorter steps are tried."""
    X, y = table(3, m=80, n=2)
    rows = parts(3.0 * X, y, fits=2)
    fits = Fits.of(rows, np.array([1e-3, 1e-6]), np.full(2, -1))
    walk = Walk.from_here(rows, fits, np.array([[6.0, -6.0, 3.0], [-9.0, 9.0, 2.0]]))
    stayed = 0
    for number in range(40):
        before, theta = walk.value.copy(), walk.theta.copy()
        (walk.newton if number % 2 else walk.step)(np.arange(2))
        stayed += int(np.all(walk.theta == theta, axis=1).sum())
        assert np.all(walk.value <= before * (1.0 + 1e-12))
    assert stayed > 0


def check_module_of_metrics(module):
    """Norms, distances and lengths of rows are never below those computed from inverses; little above."""
    rng = np.random.default_rng(0)
    F, k = 4, 5
    roots = rng.standard_normal((F, 3 * k, k)) * 10.0 ** rng.uniform(-2, 2, k)
    matrices = np.einsum("fij,fil->fjl", roots, roots)
    found, which = module.Metrics.of(matrices.copy()), np.array([3, 0, 2])
    found.verify(np.arange(F), 1e-12)
    assert np.all(found.sound)
    rows = rng.standard_normal((200, k))
    T = np.linalg.cholesky(np.linalg.inv(matrices[0])).T
    lengths = module.Lengths(
        T[None],
        np.linalg.inv(T)[None],
        np.linalg.norm(rows, axis=1).max(),
        np.linalg.norm(rows @ T.T, axis=1).max()[None],
    )
    assert np.all(found.loss >= 1e-12)  # what is not known of a matrix is in its loss
    off = 1e-3 * np.ones((3, k))
    vectors, ends, starts = (rng.standard_normal((3, k)) for _ in range(3))
    norms = found.norms(which, vectors, np.zeros((3, k)))
    distances, leverages = found.distances(which, ends, starts), found.leverages(which, lengths)
    for i, f in enumerate(which):
        inverse = np.linalg.inv(matrices[f])
        true = math.sqrt(vectors[i] @ inverse @ vectors[i])
        assert true <= norms[i] <= 1.001 * true
        blurred = found.norms(which, vectors, off)[i]
        assert blurred >= np.sqrt(((vectors[i] + off[i]) @ inverse) @ (vectors[i] + off[i]))
        assert blurred > norms[i]
        true = math.sqrt((ends[i] - starts[i]) @ matrices[f] @ (ends[i] - starts[i]))
        assert true * (1 - 1e-12) <= distances[i] <= 1.001 * true
        assert np.sqrt(np.einsum("ij,jl,il->i", rows, inverse, rows)).max() <= leverages[i]
        np.testing.assert_allclose(found.solve(which, vectors)[i], inverse @ vectors[i], rtol=1e-8)
    own = found.leverages(np.array([0]), lengths)[0]
    assert own <= 1.3 * np.sqrt(np.einsum("ij,jl,il->i", rows, np.linalg.inv(matrices[0]), rows)).max()


def test_metrics_bound_what_they_say():
    check_module_of_metrics(metrics)


def test_a_matrix_that_is_not_positive_definite_proves_nothing():
    metrics = Metrics.of(np.array([np.diag([1.0, -1.0]), np.eye(2), np.diag([1.0, np.nan])]))
    metrics.verify(np.arange(3), 0.0)
    assert metrics.sound.tolist() == [False, True, False]


def test_penalties_that_say_nothing_share_a_fit_and_each_is_proved():
    """On 4,000 rows l2 of 1e-9 and 1e-10 have one optimum to 1e-12; the strong ones keep their own."""
    X, y = table(2, m=4000, n=4)
    l2s = np.array([1e-10, 1e-1, 1e-9, 1e-2])
    found = path(X, y, l2s, folds=3, tol=1e-6)
    assert np.array_equal(found.w[0], found.w[2])
    assert len(np.unique(found.w[:, 0])) == 3
    for p, l2 in enumerate(l2s):
        true = value(X, y, l2, found.w[p], found.b[p]) / optimum(X, y, l2)[1] - 1.0
        assert true <= found.gap[p] + 1e-14 <= 1e-6 + 1e-14


def test_what_one_fit_cannot_serve_is_fitted_for_itself(monkeypatch):
    """A wrong guess about what penalties have in common costs time, not the proof."""
    monkeypatch.setattr(near, "SHARED", 1e6)
    X, y = table(2, m=900, n=3)
    found = path(X, y, L2S, folds=3, tol=1e-8)
    assert found.gap.max() <= 1e-8
    assert found.held_out_gap.max() <= 1e-8
    for p, l2 in enumerate(L2S):
        assert value(X, y, l2, found.w[p], found.b[p]) == pytest.approx(optimum(X, y, l2)[1], rel=1e-8)


@pytest.mark.parametrize("m", [20_000, 36_000])  # by NumPy, and by compiled code
def test_threads_give_the_same_bits(m):
    X, y = table(5, m=m, n=5)
    assert Rows(MemoryEngine(X, y), Scaling(np.zeros(5), np.ones(5)), None, 30).compiled == (m > 30_000)
    one, two = (path(X, y, L2S, folds=4, threads=threads) for threads in (1, 2))
    for name in ("w", "b", "gap", "held_out_loss", "held_out_accuracy", "held_out_gap"):
        assert getattr(one, name).tobytes() == getattr(two, name).tobytes()


@pytest.mark.parametrize("m", [300, 40_000])
def test_numbers_that_are_not_finite_are_refused(m):
    X, y = table(6, m=m, n=2)
    X[m // 3, 1] = np.nan
    with pytest.raises(DataError, match=r"(?i)nan|finite"):
        path(X, y, [0.1], folds=3)


def test_shapes_without_folds():
    X, y = table(6)
    found = path(X, y, [0.1, 0.01])
    assert found.w.shape == (2, 6)
    assert found.held_out_loss.shape == found.held_out_accuracy.shape == (2, 0)
    assert found.folds is None
    with pytest.raises(ValueError, match="folds=5"):
        _ = found.best


def test_same_sum_keeps_the_penalty_of_a_fold_relative_to_the_sum():
    X, y = table(7, m=100, n=2)
    found = path(X, y, [0.05], folds=4, tol=1e-12, same_sum=True)
    seen = found.folds != 1
    theta, _ = optimum(X[seen], y[seen], 0.05 * 100 / seen.sum())
    loss = value(X[~seen], y[~seen], 0.0, theta[:-1], theta[-1])
    assert found.held_out_loss[0, 1] == pytest.approx(loss, rel=1e-5)


def made(l2, losses):
    losses = np.asarray(losses, dtype=float)
    P = len(losses)
    return Path(
        np.asarray(l2, float), np.zeros((P, 1)), np.zeros(P), np.zeros(P), losses, losses, losses, None, (0, 1), 1
    )


def test_one_standard_error_rule():
    """Means 1.0, 0.52, 0.50, 0.51; the best one's standard error is 0.1 / sqrt(2) / sqrt(2) = 0.05."""
    found = made([8.0, 4.0, 2.0, 1.0], [[1.0, 1.0], [0.5, 0.54], [0.45, 0.55], [0.5, 0.52]])
    np.testing.assert_allclose(found.mean_loss, [1.0, 0.52, 0.5, 0.51])
    assert found.standard_error[2] == pytest.approx(0.05)
    assert (found.best, found.one_standard_error) == (2, 1)
    flipped = made([1.0, 2.0, 4.0, 8.0], found.held_out_loss[::-1])
    assert (flipped.best, flipped.one_standard_error) == (1, 2)
    assert made([1.0, 2.0], [[0.5, 0.5], [0.5, 0.5]]).best == 1  # of equal ones the strongest


def test_folds_are_stratified_and_the_same_every_time():
    y = np.array([1, 0, 0, 1, 0, 0, 1, 0, 0, 1, 0])
    fold, names = assign_folds(3, y)
    assert names == (0, 1, 2)
    assert np.bincount(fold).max() - np.bincount(fold).min() <= 1
    for label in (0, 1):
        counts = np.bincount(fold[y == label], minlength=3)
        assert counts.max() - counts.min() <= 1
        assert np.all(np.diff(fold[y == label]) >= 0)
    assert np.array_equal(fold, assign_folds(3, y)[0])


def test_folds_are_those_of_scikit_learn():
    model_selection = pytest.importorskip("sklearn.model_selection")
    rng = np.random.default_rng(0)
    for K in (2, 5, 7):
        y = rng.integers(0, 2, 101)
        fold = assign_folds(K, y)[0]
        for k, (_, out) in enumerate(model_selection.StratifiedKFold(K).split(y, y)):
            assert np.array_equal(np.flatnonzero(fold == k), out)


@pytest.mark.parametrize(
    ("folds", "message"),
    [
        (1, "between 2 and"),
        (99, "between 2 and"),
        (np.zeros(6), "one fold only"),
        (np.zeros(5), "one fold per row"),
        (np.array(["a", "a", "a", "b", "b", "b"]), "fold b has no row of the negative class"),
    ],
)
def test_folds_without_a_class_are_refused(folds, message):
    y = np.array([0, 0, 1, 1, 1, 1])
    with pytest.raises(DataError, match=message):
        path(np.arange(6.0)[:, None], y, [1.0], folds=folds)


def test_weights_of_zero_do_not_count_for_a_fold():
    y = np.array([0, 1, 0, 1])
    with pytest.raises(DataError, match="fold 1 has no row of the positive class"):
        path(np.arange(4.0)[:, None], y, [1.0], folds=[0, 0, 1, 1], sample_weight=[1.0, 1.0, 1.0, 0.0])


@pytest.mark.parametrize("options", [{"l2s": [0.0]}, {"l2s": []}, {"l2s": [np.inf]}, {"l2s": [1.0], "tol": 0.0}])
def test_options_out_of_range(options):
    X, y = table(8, m=20, n=1)
    with pytest.raises(ValueError, match=r"l2s|tol"):
        steepest.path(X, y, **options)


def test_labels_may_be_text_and_offsets_large():
    X, y = table(9, m=300, n=2)
    words = np.where(y == 1, "yes", "no")
    plain, moved = path(X, words, [0.01], tol=1e-9), path(X + 1e6, words, [0.01], tol=1e-9)
    assert plain.classes == ("no", "yes")
    assert moved.gap[0] <= 1e-9
    np.testing.assert_allclose(plain.w, moved.w, rtol=1e-4)


@pytest.mark.parametrize("same_sum", [False, True])
@pytest.mark.parametrize("folds", [None, 4])
def test_more_columns_than_rows_are_fitted_one_by_one(monkeypatch, folds, same_sum):
    """The same numbers as in lockstep, which such tables do not take any more."""
    X = np.random.default_rng(0).standard_normal((40, 90))
    y, s = np.arange(40) % 2, np.random.default_rng(1).uniform(0.5, 2.0, 40)
    given = {"folds": folds, "tol": 1e-9, "sample_weight": s, "same_sum": same_sum}
    found = path(X, y, [0.01, 1.0, 0.1], **given)
    assert found.passes > 0
    for p, l2 in enumerate(found.l2):
        assert value(X, y, l2, found.w[p], found.b[p], s) == pytest.approx(optimum(X, y, l2, s)[1], rel=1e-8)
    monkeypatch.setattr(paths, "one_by_one", paths._solve)
    together = path(X, y, [0.01, 1.0, 0.1], **given)
    assert max(together.gap.max(), found.gap.max()) <= 1e-9
    for name in ("held_out_loss", "held_out_accuracy", "w", "fold_w"):
        np.testing.assert_allclose(getattr(found, name), getattr(together, name), atol=2e-4)


def test_where_matrices_would_not_fit_in_memory_fits_go_one_by_one(monkeypatch):
    X, y = table(5, m=120, n=4)
    together = path(X, y, [0.1, 0.01], folds=3, tol=1e-10)
    monkeypatch.setattr(paths, "MOST_MATRICES", 100)
    singly = path(X, y, [0.1, 0.01], folds=3, tol=1e-10)
    np.testing.assert_allclose(singly.held_out_loss, together.held_out_loss, rtol=1e-5)
    assert max(singly.gap.max(), singly.held_out_gap.max()) <= 1e-10
