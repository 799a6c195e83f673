"""`fit` hands every kind of table to its regime: sparse, wide, K classes, repeated rows."""

import numpy as np
import pytest
import scipy.sparse as sp

import steepest
from steepest.types import Status


@pytest.fixture
def rows():
    rng = np.random.default_rng(0)
    X = np.where(rng.random((400, 30)) < 0.1, rng.standard_normal((400, 30)), 0.0)
    return X, (X @ rng.standard_normal(30) + rng.standard_normal(400) > 0.0).astype(int)


@pytest.mark.parametrize("form", [sp.csr_matrix, sp.csr_array, sp.csc_array, sp.coo_matrix])
def test_sparse_is_dense(rows, form):
    X, y = rows
    dense, sparse = steepest.fit(X, y, l2=0.01), steepest.fit(form(X), y, l2=0.01)
    assert sparse.status is dense.status is Status.PROVED
    assert sparse.certificate.gap <= 1e-9
    np.testing.assert_allclose(sparse.w, dense.w, atol=1e-4)
    np.testing.assert_allclose(sparse.predict_proba(form(X)), sparse.predict_proba(X), rtol=1e-12)
    assert (sparse.predict(form(X)) == sparse.predict(X)).all()


@pytest.mark.parametrize("form", [sp.csr_matrix, sp.csr_array, sp.csc_matrix, sp.coo_matrix])
@pytest.mark.parametrize("how", [{}, {"method": "newton"}, {"intercept": False}, {"learning_rate": 0.5}], ids=str)
def test_small_sparse_rows_without_a_penalty(form, how):
    rng = np.random.default_rng(4)
    X = np.where(rng.random((80, 4)) < 0.5, rng.standard_normal((80, 4)), 0.0)
    y = (X[:, 0] + rng.logistic(size=80) > 0.0).astype(int)
    dense, sparse = steepest.fit(X, y, **how), steepest.fit(form(X), y, **how)
    assert sparse.value == pytest.approx(dense.value, rel=1e-8)
    assert sparse.certificate.gap == pytest.approx(dense.certificate.gap, abs=1e-8)


def test_sparse_rows_are_checked(rows):
    X, y = rows
    bad = X.copy()
    bad[7, 3] = np.nan
    for method in ("auto", "gd"):
        with pytest.raises(steepest.DataError, match="7, 3"):
            steepest.fit(sp.csr_array(bad), y, method=method)
    with pytest.raises(steepest.DataError, match="exactly two are needed"):
        steepest.fit(sp.csr_array(X), np.arange(400) % 3, method="gd")


@pytest.mark.parametrize("l2", [0.0, 0.01])
def test_k_classes_of_sparse_rows(rows, l2):
    X = np.hstack([rows[0], np.eye(400, 700)])
    rng = np.random.default_rng(1)
    y = np.array(["a", "b", "c"])[np.argmax(X[:, :3] + rng.gumbel(size=(400, 3)), axis=1)]
    fit = steepest.fit(sp.csr_array(X), y, l2=l2)
    assert fit.classes == ("a", "b", "c")
    assert fit.w.shape == (730, 3)
    z = fit.decision_function(sp.csr_array(X))
    np.testing.assert_allclose(z, X @ fit.w + fit.b, atol=1e-12)
    np.testing.assert_allclose(fit.decision_function(X), z, atol=1e-12)
    np.testing.assert_allclose(fit.predict_proba(sp.csr_array(X)).sum(axis=1), 1.0, rtol=1e-14)
    assert (fit.predict(sp.csr_array(X)) == np.array(fit.classes)[z.argmax(axis=1)]).all()
    if l2:
        assert fit.status is Status.PROVED
        np.testing.assert_allclose(fit.w, steepest.fit(X, y, l2=l2).w, atol=1e-4)
    else:
        assert fit.status is Status.SEPARATED  # every row has a column of its own
        assert fit.certificate.witness.separated == 400
    with pytest.raises(steepest.DataError, match="700 columns"):
        fit.predict(sp.csr_array(X[:, :700]))


@pytest.mark.parametrize("l2", [0.0, 0.01])
def test_k_classes(rows, l2):
    X = rows[0]
    rng = np.random.default_rng(1)
    y = np.array(["a", "b", "c"])[np.argmax(X[:, :3] + rng.gumbel(size=(400, 3)), axis=1)]
    fit = steepest.fit(X[:, :4], y, l2=l2)
    assert fit.classes == ("a", "b", "c")
    assert fit.w.shape == (4, 3)
    assert fit.b.shape == (3,)
    assert fit.certificate.gap <= 1e-9
    np.testing.assert_allclose(fit.w.sum(axis=1), 0.0, atol=1e-12)
    probabilities = fit.predict_proba(X[:, :4])
    np.testing.assert_allclose(probabilities.sum(axis=1), 1.0, rtol=1e-14)
    if not l2:
        counts = [np.sum(y == label) for label in fit.classes]
        np.testing.assert_allclose(probabilities.sum(axis=0), counts, rtol=1e-4)
    assert set(fit.predict(X[:, :4])) <= {"a", "b", "c"}


def test_a_quantity_is_no_class(rows):
    X, _ = rows
    with pytest.raises(steepest.DataError, match="400 distinct labels"):
        steepest.fit(X, np.linspace(0.0, 1.0, 400))
    with pytest.raises(steepest.DataError, match="exactly two"):
        steepest.fit(X, np.arange(400) % 3, method="gd")


def test_repeated_rows_are_counted():
    rng = np.random.default_rng(2)
    X = rng.integers(0, 3, (60_000, 4)).astype(float)
    y = rng.random(60_000) < 1.0 / (1.0 + np.exp(1.0 - X[:, 0] + 0.5 * X[:, 1]))
    counted = steepest.fit(X, y)
    order = rng.permutation(60_000)
    jittered = steepest.fit(X[order] + 1e-13 * rng.standard_normal((60_000, 4)), y[order])
    assert counted.status is Status.PROVED
    np.testing.assert_allclose(counted.w, jittered.w, atol=1e-4)
    assert counted.cost == pytest.approx(jittered.cost, rel=1e-9)


def test_witness_rows_are_the_users():
    rng = np.random.default_rng(3)
    X = rng.integers(0, 3, (60_000, 3)).astype(float)
    y = rng.random(60_000) < 0.4
    X[:, 2] = 0.0
    chosen = np.flatnonzero(y)[[10, 500, 2000]]
    X[chosen, 2] = 1.0
    witness = steepest.fit(X, y).certificate.witness
    assert witness.rows == tuple(chosen.tolist())
    assert witness.separated == 3


def test_wide_tables_of_many_rows():
    rng = np.random.default_rng(4)
    X = rng.standard_normal((700, 900))
    y = X[:, 0] + rng.standard_normal(700) > 0.0
    fit = steepest.fit(X, y, l2=1.0 / 700)
    assert fit.status is Status.PROVED
    z = (2.0 * y - 1.0) * (X @ fit.w + fit.b)
    slope = -(2.0 * y - 1.0) / (1.0 + np.exp(z))
    assert np.abs(slope @ X / 700 + fit.w / 700).max() < 1e-4


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("kind", ["classes", "wide", "repeated"])
def test_bad_values_are_named_on_every_way(bad, kind):
    rng = np.random.default_rng(5)
    shape = {"classes": (90, 3), "wide": (700, 900), "repeated": (60_000, 3)}[kind]
    X = rng.integers(0, 3, shape).astype(float)
    y = np.arange(shape[0]) % (3 if kind == "classes" else 2)
    X[shape[0] - 7, 1] = bad
    with pytest.raises(steepest.DataError, match=rf"X\[{shape[0] - 7}, 1\] is"):
        steepest.fit(X, y, l2=0.01)


def test_wide_without_a_penalty_is_proved_on_its_own_rows():
    """Two equal rows of both classes: no plane separates, and what the space of the rows says is not enough."""
    X = np.array([[1.0, 2.0, 3.0, 4.0], [1.0, 2.0, 3.0, 4.0], [0.0, 1.0, 1.0, 0.0]])
    fit = steepest.fit(X, [0, 1, 0])
    assert fit.certificate.exists == "disproved"  # the third row can still be pushed away
    assert fit.certificate.witness.kind == "quasi-complete"
    fit = steepest.fit(np.vstack([X[:2], X[2:], X[2:]])[:, :3].repeat(2, axis=1), [0, 1, 0, 1])
    assert fit.status is Status.PROVED
    assert fit.certificate.gap <= 1e-9
    assert any(note.kind == "dependent-column" for note in fit.notes)
