"""Named methods on sparse rows are those on dense ones, and both say how far they are from the optimum."""

import numpy as np
import pytest
import scipy.sparse as sp

import steepest
from steepest.kernels import vectorised
from steepest.kernels.sparse_centred import Centred
from steepest.types import Block, Status

METHODS = ["gd", "momentum", "nesterov", "newton"]


def table(m=400, n=30, seed=0):
    rng = np.random.default_rng(seed)
    X = np.where(rng.random((m, n)) < 0.1, rng.standard_normal((m, n)), 0.0)
    return X, (X @ rng.standard_normal(n) + rng.standard_normal(m) > 0.0).astype(int)


def iterates(X, y, **options):
    seen = []
    made = steepest.fit(X, y, callback=lambda step: seen.append(np.append(step.w, step.b)) and None, **options)
    return np.array([*seen, np.append(made.w, made.b)]), made


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("l2", [0.0, 0.02])
@pytest.mark.parametrize("standardize", [False, True])
@pytest.mark.parametrize("weighted", [False, True])
def test_sparse_iterates_are_the_dense_ones(method, l2, standardize, weighted):
    X, y = table()
    weight = np.random.default_rng(1).integers(0, 4, 400) if weighted else None
    options = {
        "method": method, "l2": l2, "standardize": standardize, "iterations": 30 if method != "newton" else 5,
        "sample_weight": weight, "w": np.full(30, 0.01), "b": 0.1,
    }  # fmt: skip
    dense, one = iterates(X, y, **options)
    sparse, two = iterates(sp.csr_array(X), y, **options)
    assert dense.shape == sparse.shape
    np.testing.assert_allclose(sparse, dense, rtol=0, atol=1e-12)
    np.testing.assert_allclose(two.history, one.history, rtol=1e-13)
    assert two.status is one.status
    assert [note.kind for note in two.notes] == [note.kind for note in one.notes]
    if method != "newton":
        assert two.learning_rate == pytest.approx(one.learning_rate, rel=1e-12)


def test_a_step_too_large_is_explained_on_sparse_rows_too():
    X, y = table()
    dense, sparse = (steepest.fit(rows, y, learning_rate=60.0, iterations=50, l2=0.01) for rows in (X, sp.csr_array(X)))
    assert dense.notes
    assert [note.kind for note in sparse.notes] == [note.kind for note in dense.notes]
    assert sparse.notes[0].text[:40] == dense.notes[0].text[:40]


def true_gap(X, y, l2, fit, best):
    """The relative distance in value; `best` is known to 1e-13."""
    values = []
    for each in (fit, best):
        z = X @ each.w + each.b
        values.append(np.mean(np.logaddexp(0.0, z) - y * z) + 0.5 * l2 * each.w @ each.w)
    return values[0] / values[1] - 1.0


@pytest.mark.parametrize("iterations", [1, 10, 100, 1000])
@pytest.mark.parametrize("form", [np.asarray, sp.csr_array])
@pytest.mark.parametrize("shape", [(400, 30), (60, 300), (700, 900)])
def test_the_certificate_beside_a_method_holds(iterations, form, shape):
    X, y = table(*shape)
    l2 = 0.02
    best = steepest.fit(X, y, l2=l2, tol=1e-13)
    for method in ("gd", "newton") if iterations > 1 and shape[1] <= 300 else ("gd",):
        fit = steepest.fit(form(X), y, method=method, iterations=iterations, l2=l2)
        proved = fit.certificate
        true = true_gap(X, y, l2, fit, best)
        assert proved.exists == "proved"
        assert true - 1e-12 <= proved.gap <= 1.01 * true + 2e-9
        off = np.abs(fit.predict_proba(X) - best.predict_proba(X)).max()
        assert off <= proved.max_probability_error + 1e-7
        assert proved.max_probability_error < 1.0
        s = best.predict_proba(X)
        s = s * (1.0 - s)
        wide = np.column_stack([X, np.ones(len(y))])
        H = (wide * s[:, None]).T @ wide + len(y) * l2 * np.diag(np.append(np.ones(shape[1]), 0.0))
        errors = np.abs(np.append(fit.w - best.w, fit.b - best.b)) / np.sqrt(np.diagonal(np.linalg.inv(H)))
        if np.isfinite(proved.max_coefficient_error):
            assert errors.max() <= 1.01 * proved.max_coefficient_error + 1e-5


def test_wide_tables_of_every_kind_get_a_certificate():
    X, y = table(80, 200)
    for standardize in (False, True):
        for rows in (X, np.asfortranarray(X), X.astype(np.float32), sp.csc_array(X)):
            fit = steepest.fit(rows, y, method="gd", iterations=50, l2=0.05, standardize=standardize)
            assert fit.certificate.exists == "proved"
            assert fit.certificate.gap < 1.0
    separated = steepest.fit(X, y, method="gd", iterations=50)
    assert separated.certificate.exists == "disproved"


def test_without_a_penalty_sparse_rows_of_few_columns_are_proved_too():
    X, y = table()
    for standardize in (False, True):
        dense, sparse = (
            steepest.fit(rows, y, method="gd", iterations=200, standardize=standardize) for rows in (X, sp.csr_array(X))
        )
        assert sparse.certificate.exists == dense.certificate.exists == "proved"
        assert sparse.certificate.gap == pytest.approx(dense.certificate.gap, rel=1e-3)
    easy = (X[:, 0] > 0.0).astype(int)
    assert steepest.fit(sp.csr_array(X), easy, method="gd", iterations=5).certificate.exists == "disproved"


def test_newton_says_when_there_are_too_many_columns():
    X = sp.eye_array(50, 2001).tocsr()
    y = np.arange(50) % 2
    with pytest.raises(steepest.DataError, match=r"2,001 columns .* 2,000 columns at most: method='auto'"):
        steepest.fit(X, y, method="newton", l2=0.1)
    assert steepest.fit(X[:, :2000], y, method="newton", l2=0.1).status is Status.MINIMUM


@pytest.mark.parametrize("kernel", ["loop", "gram"])
def test_dense_twins_say_that_they_are_for_dense_rows(kernel):
    X, y = table()
    with pytest.raises(steepest.DataError, match=f"kernel='{kernel}' reads dense rows only"):
        steepest.fit(sp.csr_array(X), y, method="gd", kernel=kernel)
    named = steepest.fit(sp.csr_array(X), y, method="gd", kernel="vectorised", iterations=3)
    assert named.iterations == 3


def test_no_table_is_made_dense():
    """900,000 x 20,000: a dense copy would take 144 GB."""
    m, n = 900_000, 20_000
    rng = np.random.default_rng(0)
    X = sp.csr_array((np.ones(2 * m), rng.integers(0, n, 2 * m), np.arange(0, 2 * m + 1, 2)), (m, n))
    fit = steepest.fit(X, rng.integers(0, 2, m), method="gd", iterations=2, learning_rate=1.0, l2=0.1)
    assert fit.certificate.gap < 0.1


def test_same_bits_for_any_number_of_threads():
    rng = np.random.default_rng(0)
    X = sp.csr_array((rng.random(600_000), rng.integers(0, 500, 600_000), np.arange(0, 600_001, 10)), (60_000, 500))
    y = rng.integers(0, 2, 60_000)
    fits = [steepest.fit(X, y, method="nesterov", iterations=5, l2=0.01, threads=k) for k in (1, 2)]
    assert np.array_equal(fits[0].w, fits[1].w)
    assert fits[0].certificate == fits[1].certificate


def centred(question):
    """A question about dense rows, answered from rows that are sparse and off by a centre that the kernel knows."""

    def asked(block, *rest):
        n = np.asarray(block.X).shape[1]
        centre = np.linspace(-1.0, 2.0, n)
        shifted = sp.csr_array(np.asarray(block.X, dtype=np.float64) + centre)
        others = (block.y, block.weight, block.start, block.offset)
        return getattr(Centred(centre), question)(Block(shifted, *others), *rest)

    return asked


def test_rows_about_a_centre_are_those_rows(rng):
    X, y, s = rng.standard_normal((50, 4)), rng.integers(0, 2, 50).astype(float), rng.random(50)
    w, v = rng.standard_normal(4), rng.standard_normal(4)
    block = Block(X, y, s)
    for order in (0, 1, 2):
        one, two = vectorised.sums(block, w, 0.3, order), centred("sums")(block, w, 0.3, order)
        for name in type(one).__slots__:
            if getattr(one, name) is None:
                assert getattr(two, name) is None
            else:
                np.testing.assert_allclose(getattr(two, name), getattr(one, name), rtol=1e-12, atol=1e-12)
    one = vectorised.hessian_times(block, w, 0.3, v, -0.2)
    two = centred("hessian_times")(block, w, 0.3, v, -0.2)
    np.testing.assert_allclose(np.append(two.dw, two.db), np.append(one.dw, one.db), atol=1e-12)
    steps = np.array([0.5, -1.0])
    one, two = vectorised.along(block, w, 0.3, v, -0.2, steps), centred("along")(block, w, 0.3, v, -0.2, steps)
    np.testing.assert_allclose(two, one, rtol=1e-13)
