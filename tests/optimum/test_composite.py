"""Penalties beyond L2: against optima in 50 digits, against other solvers, and against themselves."""

import numpy as np
import pytest
import scipy.sparse as sp
from exact_penalties import KINDS, Exact, random_case
from mpmath import mpf

import steepest
from steepest.engines import MemoryEngine
from steepest.engines.sparse import SparseEngine
from steepest.optimum import composite
from steepest.optimum.outcome import Request
from steepest.penalties import Penalties
from steepest.types import Status


def outcome(case, tol=1e-9, sparse=False):
    names = tuple(f"x{j + 1}" for j in range(case.X.shape[1]))
    make = SparseEngine if sparse else MemoryEngine
    engine = make(sp.csr_array(case.X) if sparse else case.X, case.y, case.s, case.offset)
    return composite.minimise(engine, Request(tol, case.l2, names, penalties=case.penalties))


@pytest.mark.parametrize("seed", range(150))
def test_true_errors_are_within_the_certificate(seed):
    case = random_case(seed)
    found = outcome(case, float(10.0 ** -np.random.default_rng(seed).integers(3, 12)))
    exact = Exact(case)
    best = exact.optimum(found.w, found.b)
    if best is None:
        assert case.kind in ("duplicates", "ties", "constant"), "only equal columns leave the optimum undetermined"
        return
    here = [mpf(v) for v in found.w.tolist()] + [mpf(float(found.b))]
    low = exact.value(best)
    gap = (exact.value(here) - low) / low
    proof = found.certificate
    assert gap >= -(mpf(10) ** -45)
    assert gap <= mpf(proof.gap), (case.kind, float(gap), proof.gap)
    assert proof.exists == "proved"
    pairs = zip(exact.probabilities(here), exact.probabilities(best), strict=True)
    assert max(abs(a - c) for a, c in pairs) <= mpf(proof.max_probability_error), case.kind
    assert found.status in (Status.PROVED, Status.MINIMUM)
    assert found.status is Status.PROVED or proof.gap < 1e-9, (case.kind, proof.gap)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_proved_to_the_default(kind):
    for turn in range(3):
        found = outcome(random_case(KINDS.index(kind) + len(KINDS) * (turn + 40)))
        assert found.status is Status.PROVED, (turn, found.certificate)


@pytest.mark.parametrize("seed", range(30))
def test_coefficients_are_within_the_certificate(seed):
    """In standard errors on the columns that are not known to be 0: the exact optimum's own at least."""
    case = random_case(seed)
    found = outcome(case, 1e-5)
    exact = Exact(case)
    best = exact.optimum(found.w, found.b)
    bound = found.certificate.max_coefficient_error
    if best is None or not np.isfinite(bound):
        return
    here = [mpf(v) for v in found.w.tolist()] + [mpf(float(found.b))]
    _, H = exact.slopes(here)
    moved = [j for j in range(exact.n + 1) if here[j] != best[j]]
    part = np.array([[float(H[i, j] * exact.W) for j in moved] for i in moved])
    part += np.diag([float(exact.l2[j] * exact.W) if j < exact.n else 0.0 for j in moved])
    errors = np.sqrt(np.diag(np.linalg.inv(part)))
    for j, error in zip(moved, errors, strict=True):
        assert abs(float(here[j] - best[j])) <= bound * error * (1.0 + 1e-6), case.kind


def test_what_is_zero_is_exactly_zero_and_bounds_hold_exactly(rng):
    X = rng.standard_normal((300, 20))
    y = X[:, 0] - X[:, 1] + rng.logistic(size=300) > 0.0
    found = steepest.fit(X, y, l1=0.05, lower=-0.3, upper=np.linspace(0.1, 0.5, 20))
    assert np.count_nonzero(found.w) < 10
    assert np.all((found.w == 0.0) | (np.abs(found.w) > 1e-6))
    assert found.w[1] == -0.3
    assert found.w[0] == 0.1


def conditions(X, y, fit, l1, l2=0.0, factors=1.0):
    """Largest miss of the conditions of the optimum, in NumPy alone."""
    a = 1.0 / (1.0 + np.exp(-(X @ fit.w + fit.b)))
    g = X.T @ (a - y) / len(y) + l2 * factors * fit.w
    p = l1 * factors
    off = np.where(fit.w == 0.0, np.maximum(np.abs(g) - p, 0.0), np.abs(g + p * np.sign(fit.w)))
    return max(float(off.max()), abs(float((a - y).mean())))


@pytest.mark.parametrize("sparse", [False, True])
def test_real_text_and_census_rows_meet_the_conditions(shared_data, sparse):
    load = pytest.importorskip("sklearn.datasets").load_svmlight_file
    X, y = load(str(shared_data.folder / "a9a" / "a9a"), n_features=123)
    y = (y > 0).astype(float)
    for l1, l2 in ((1e-3, 0.0), (5e-3, 5e-3)):
        found = steepest.fit(X if sparse else X.toarray(), y, l1=l1, l2=l2, tol=1e-11)
        assert found.certificate.gap <= 1e-11
        assert conditions(X, y, found, l1, l2) < 2e-7


def test_against_saga_and_liblinear(shared_data):
    linear = pytest.importorskip("sklearn.linear_model")
    load = pytest.importorskip("sklearn.datasets").load_svmlight_file
    X, y = load(str(shared_data.folder / "a9a" / "a9a"), n_features=123)
    X, y = sp.csr_matrix(X[:4000]), (y[:4000] > 0).astype(int)
    X = sp.csr_matrix((X.data, X.indices.astype(np.int32), X.indptr.astype(np.int32)), X.shape)
    m, l1, l2 = len(y), 2e-3, 1e-3

    def value(w, b, l1, l2):
        z = X @ w + b
        return np.mean(np.logaddexp(0.0, np.where(y == 1, -z, z))) + l1 * np.abs(w).sum() + 0.5 * l2 * w @ w

    saga = linear.LogisticRegression(
        solver="saga", C=1.0 / ((l1 + l2) * m), l1_ratio=l1 / (l1 + l2), tol=1e-5, max_iter=5000
    ).fit(X, y)
    ours = steepest.fit(X, y, l1=l1, l2=l2, tol=1e-10)
    best, other = value(ours.w, ours.b, l1, l2), value(saga.coef_[0], saga.intercept_[0], l1, l2)
    assert ours.value == pytest.approx(best, rel=1e-12)
    assert best <= other * (1.0 + 1e-10)
    assert other <= best * (1.0 + 1e-5)
    np.testing.assert_allclose(ours.w, saga.coef_[0], atol=2e-2)
    liblinear = linear.LogisticRegression(
        solver="liblinear", C=1.0 / (l1 * m), l1_ratio=1.0, tol=1e-9, max_iter=5000, intercept_scaling=1e4
    ).fit(X, y)
    ours = steepest.fit(X, y, l1=l1, tol=1e-10)
    best, other = value(ours.w, ours.b, l1, 0.0), value(liblinear.coef_[0], liblinear.intercept_[0], l1, 0.0)
    assert best <= other * (1.0 + 1e-10)
    assert other <= best * (1.0 + 1e-4)  # its intercept is penalised, a little


@pytest.mark.parametrize("kind", ["lasso", "elastic net", "bounds", "factors", "weights"])
def test_dense_is_sparse(kind):
    case = random_case(KINDS.index(kind) + len(KINDS) * 7)
    left, right = outcome(case, 1e-12), outcome(case, 1e-12, sparse=True)
    np.testing.assert_allclose(left.w, right.w, atol=1e-9, rtol=1e-9)
    assert left.value == pytest.approx(right.value, rel=1e-11)


@pytest.mark.parametrize("n", [40, 700])
def test_dense_is_sparse_on_compiled_and_gathered_columns(rng, n):
    X = rng.standard_normal((150, n)) * (rng.random((150, n)) < 0.3)
    y = X[:, 0] - X[:, 1] + 0.5 * rng.logistic(size=150) > 0.0
    left, right = (
        steepest.fit(X, y, l1=0.02, l2=0.01, tol=1e-12),
        steepest.fit(sp.csr_array(X), y, l1=0.02, l2=0.01, tol=1e-12),
    )
    np.testing.assert_allclose(left.w, right.w, atol=1e-9)
    assert left.certificate.gap <= 1e-9
    assert right.certificate.gap <= 1e-9


def test_rows_twice_are_weights_twice_and_order_does_not_matter(rng):
    X = rng.standard_normal((120, 8))
    y = X[:, 0] + rng.logistic(size=120) > 0.0
    options = {"l1": 0.02, "l2": 0.01, "lower": -0.2, "tol": 1e-12}
    once = steepest.fit(X, y, sample_weight=np.where(np.arange(120) < 50, 2.0, 1.0), **options)
    twice = steepest.fit(np.vstack([X, X[:50]]), np.append(y, y[:50]), **options)
    np.testing.assert_allclose(once.w, twice.w, atol=1e-9)
    plain, order, columns = steepest.fit(X, y, **options), rng.permutation(120), rng.permutation(8)
    np.testing.assert_allclose(steepest.fit(X[order], y[order], **options).w, plain.w, atol=1e-9)
    np.testing.assert_allclose(steepest.fit(X[:, columns], y, **options).w, plain.w[columns], atol=1e-9)
    flipped = steepest.fit(X, ~y, l1=0.02, l2=0.01, upper=0.2, tol=1e-12)
    np.testing.assert_allclose(flipped.w, -plain.w, atol=1e-9)


def test_shift_changes_only_b_and_scale_only_its_own_penalty(rng):
    X = rng.standard_normal((200, 4))
    y = X[:, 0] - X[:, 2] + rng.logistic(size=200) > 0.0
    plain = steepest.fit(X, y, l1=0.02, tol=1e-11)
    shifted = steepest.fit(X + np.array([1e6, 0.0, -3.0, 1e9]), y, l1=0.02, tol=1e-8)
    np.testing.assert_allclose(shifted.w, plain.w, atol=1e-4)
    assert shifted.certificate.gap <= 1e-7
    scaled = steepest.fit(X * [1e-3, 1.0, 1e3, 1e5], y, l1=0.02, penalty_factors=[1e-3, 1.0, 1e3, 1e5], tol=1e-11)
    np.testing.assert_allclose(scaled.w * [1e-3, 1.0, 1e3, 1e5], plain.w, atol=1e-6)


def test_standardize_refers_the_penalty_to_the_deviations(rng):
    X = rng.standard_normal((200, 4)) * [1.0, 10.0, 0.1, 3.0] + [0.0, 5.0, 0.0, 1.0]
    y = X[:, 0] - X[:, 1] / 10.0 + rng.logistic(size=200) > 0.0
    found = steepest.fit(X, y, l1=0.02, l2=0.01, standardize=True, tol=1e-11)
    direct = steepest.fit((X - X.mean(axis=0)) / X.std(axis=0), y, l1=0.02, l2=0.01, tol=1e-11)
    np.testing.assert_allclose(found.w * X.std(axis=0), direct.w, atol=1e-6)
    thin = steepest.fit(sp.csr_array(X), y, l1=0.02, l2=0.01, standardize=True, tol=1e-11)
    np.testing.assert_allclose(thin.w, found.w, atol=1e-6)


def test_factors_alone_take_the_ways_of_l2(rng):
    X = rng.standard_normal((400, 5))
    y = X[:, 0] - X[:, 1] + rng.logistic(size=400) > 0.0
    factors = np.array([1.0, 2.0, 0.5, 4.0, 3.0])
    fast = steepest.fit(X, y, l2=0.02, penalty_factors=factors, tol=1e-12)
    direct = steepest.fit(X / np.sqrt(factors), y, l2=0.02, tol=1e-12)
    np.testing.assert_allclose(fast.w * np.sqrt(factors), direct.w, atol=2e-6)
    thin = steepest.fit(sp.csr_array(X), y, l2=0.02, penalty_factors=factors, tol=1e-12)
    np.testing.assert_allclose(thin.w, fast.w, atol=2e-6)
    same = steepest.fit(X, y, l2=0.02, penalty_factors=np.full(5, 3.0), tol=1e-12)
    np.testing.assert_allclose(same.w, steepest.fit(X, y, l2=0.06, tol=1e-12).w, atol=2e-6)
    none = steepest.fit(X, y, l2=0.02, penalty_factors=[0.0, 1.0, 1.0, 1.0, 1.0], tol=1e-11)
    assert none.certificate.gap <= 1e-11
    z = X @ none.w + none.b
    a = 1.0 / (1.0 + np.exp(-z))
    np.testing.assert_allclose(X.T @ (a - y) / 400 + 0.02 * none.w * [0, 1, 1, 1, 1], 0.0, atol=1e-6)


def test_no_optimum_is_proved_where_bounds_let_weights_run_away(rng):
    X = rng.standard_normal((60, 2))
    y = X[:, 0] > 0.0
    free = steepest.fit(X, y, lower=[0.0, -1.0], upper=[np.inf, 1.0])
    assert free.status is Status.SEPARATED
    assert free.certificate.exists == "disproved"
    held = steepest.fit(X, y, upper=[3.0, np.inf], lower=[-np.inf, -1.0])
    assert held.certificate.exists != "disproved"
    assert held.w[0] <= 3.0
    loose = steepest.fit(X, y, l1=0.01, penalty_factors=[0.0, 1.0])
    assert loose.status is Status.SEPARATED
    tight = steepest.fit(X, y, l1=0.01)
    assert tight.certificate.exists == "proved"
    assert tight.certificate.gap <= 1e-9


def test_columns_without_a_penalty_that_repeat_others_are_left_out_by_name(rng):
    X = rng.standard_normal((100, 4))
    X[:, 2] = 2.0 * X[:, 0] - 1.0
    y = X[:, 0] + X[:, 1] + rng.logistic(size=100) > 0.0
    found = steepest.fit(X, y, l1=0.01, penalty_factors=[0.0, 1.0, 0.0, 1.0], feature_names=list("abcd"))
    assert found.w[2] == 0.0
    assert found.certificate.gap <= 1e-9
    assert [note.text for note in found.notes] == [
        "c = -1 + 2 a: the column says nothing that earlier ones without a penalty do not say, so it is left out (its "
        "weight is 0); predictions are the same"
    ]


def test_wide_tables_with_many_weights(rng):
    X = rng.standard_normal((80, 2000))
    y = X[:, :5].sum(axis=1) + rng.logistic(size=80) > 0.0
    for options in ({"l1": 0.02}, {"l1": 1e-3, "l2": 0.1}, {"l2": 0.5, "lower": 0.0}):
        found = steepest.fit(X, y, tol=1e-8, **options)
        assert found.certificate.gap <= 1e-8, options
    assert found.w.min() == 0.0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"l1": -1.0}, "l1=-1.0 must be"),
        ({"l1": np.inf}, "l1=inf must be"),
        ({"l1": 0.1, "penalty_factors": [1.0]}, "penalty_factors has shape"),
        ({"l1": 0.1, "penalty_factors": [1.0, -1.0]}, "penalty_factors must be finite numbers >= 0"),
        ({"lower": 1.0, "upper": 0.0}, "lower <= upper"),
        ({"lower": np.nan}, "lower <= upper"),
        ({"lower": np.inf}, "lower <= upper"),
        ({"l1": 0.1, "learning_rate": 0.1}, "are for method='auto', not for 'gd'"),
    ],
)
def test_options_that_make_no_sense_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        steepest.fit([[0.0, 1.0], [1.0, 2.0], [1.0, 1.0]], [0, 1, 0], **options)


def test_budget_callback_and_iterations_end_a_fit(rng):
    X = rng.standard_normal((300, 30))
    y = X[:, 0] + rng.logistic(size=300) > 0.0
    seen = []
    found = steepest.fit(X, y, l1=1e-3, callback=lambda step: seen.append(step.value) or len(seen) == 2)
    assert found.status is Status.CALLBACK
    assert len(seen) == 2
    assert np.isfinite(found.certificate.gap)
    assert seen == sorted(seen, reverse=True)
    tiny = steepest.fit(X, y, l1=1e-3, budget=1e-9)
    assert tiny.status is Status.BUDGET
    plain = composite.minimise(
        MemoryEngine(X, y.astype(float)), Request(1e-9, 0.0, ("x",) * 30, iterations=1, penalties=Penalties(l1=1e-3))
    )
    assert plain.status is Status.ITERATIONS


def test_threads_do_not_change_a_bit(rng):
    X = rng.standard_normal((3000, 60))
    y = X[:, 0] + rng.logistic(size=3000) > 0.0
    one, two = (steepest.fit(X, y, l1=5e-3, threads=k) for k in (1, 2))
    assert one.w.tolist() == two.w.tolist()
    assert one.certificate == two.certificate
