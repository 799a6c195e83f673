"""Tables large enough for the compiled kernel: optimum and proof as by NumPy, and the same bits by threads."""

import numpy as np
import pytest

import steepest
from steepest import kernels

ROWS, COLUMNS = 30_000, 12


@pytest.fixture
def large(monkeypatch):
    """Every table counts as large."""
    monkeypatch.setattr(kernels, "WORTH_COMPILED", 1)


def table(seed=0, rows=ROWS, columns=COLUMNS):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((rows, columns)) @ (rng.standard_normal((columns, columns)) / 3.0 + np.eye(columns))
    w = rng.standard_normal(columns)
    return X, (rng.random(rows) < 1.0 / (1.0 + np.exp(-(X @ w) / 2.0))).astype(int)


@pytest.mark.parametrize("l2", [0.0, 1e-4])
@pytest.mark.parametrize("scales", [1.0, 10.0 ** np.arange(-5.0, 7.0)])
@pytest.mark.parametrize("weighted", [False, True])
def test_the_optimum_is_that_of_numpys_calls(monkeypatch, l2, scales, weighted):
    X, y = table()
    X = X * scales + np.where(scales == 1e6, 1.6e9, 0.0)
    s = np.random.default_rng(1).integers(0, 4, ROWS).astype(float) if weighted else None
    by_calls = steepest.fit(X, y, l2=l2, sample_weight=s, tol=1e-12)
    monkeypatch.setattr(kernels, "WORTH_COMPILED", 1)
    fit = steepest.fit(X, y, l2=l2, sample_weight=s)
    assert fit.status is steepest.Status.PROVED
    assert fit.certificate.gap <= 1e-9
    assert fit.value <= by_calls.value * (1.0 + fit.certificate.gap) + 1e-15
    off = np.max(np.abs(fit.predict_proba(X) - by_calls.predict_proba(X)))
    assert off <= fit.certificate.max_probability_error + by_calls.certificate.max_probability_error
    assert off < 1e-4


def test_threads_do_not_change_the_bits(large):
    X, y = table(1)
    fits = [steepest.fit(X, y, threads=threads) for threads in (1, 2, 5)]
    for fit in fits[1:]:
        assert fit.w.tobytes() == fits[0].w.tobytes()
        assert (fit.b, fit.cost, fit.certificate) == (fits[0].b, fits[0].cost, fits[0].certificate)


def test_narrow_rows_have_the_bits_of_wide_ones_and_every_layout_its_own_by_threads(large):
    X, y = table(6)
    narrow = X.astype(np.float32)
    wide, seen = steepest.fit(narrow.astype(float), y), steepest.fit(narrow, y)
    assert (seen.w.tobytes(), seen.b, seen.certificate) == (wide.w.tobytes(), wide.b, wide.certificate)
    for rows in (np.asfortranarray(X), np.asfortranarray(narrow), np.rint(10.0 * np.clip(X, -9, 9)).astype(np.int8)):
        one, two = (steepest.fit(rows, y, threads=threads) for threads in (1, 2))
        assert one.certificate.gap <= 1e-9
        assert (one.w.tobytes(), one.b, one.certificate) == (two.w.tobytes(), two.b, two.certificate)
        assert one.passes == two.passes <= 7


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e200])
def test_a_bad_value_is_named(large, value):
    X, y = table(2)
    X[17_000, 7] = value
    with pytest.raises(steepest.DataError, match=r"row 17001|x8|17,?00"):
        steepest.fit(X, y)


@pytest.mark.parametrize("change", [np.asfortranarray, lambda X: X.astype(np.float32), lambda X: X[:, ::-1]])
def test_orders_and_dtypes(large, change):
    X, y = table(3)
    X = X.astype(np.float32).astype(float)
    seen = change(X)
    fit, plain = steepest.fit(seen, y, tol=1e-12), steepest.fit(np.ascontiguousarray(seen, dtype=float), y, tol=1e-12)
    np.testing.assert_allclose(fit.w, plain.w, rtol=1e-8)


def test_separable_classes_and_dependent_columns(large):
    X, y = table(4)
    apart = steepest.fit(X, X[:, 0] > 0.1)
    assert apart.certificate.exists == "disproved"
    twice = steepest.fit(np.column_stack([X, X[:, 1] - 2.0 * X[:, 3]]), y)
    assert [note.kind for note in twice.notes] == ["dependent-column"]
    assert twice.certificate.gap <= 1e-9


def test_certificates_hold_where_the_sample_says_little():
    """Rows of very different weight: the bound by the sample's curvatures must hold, however poor."""
    rng = np.random.default_rng(5)
    for trial in range(6):
        X = rng.standard_t(2, (40_000, 6)) if trial % 2 else rng.standard_normal((40_000, 6)) ** 3
        y = rng.random(40_000) < 1.0 / (1.0 + np.exp(3.0 - np.clip(X @ rng.standard_normal(6), -30, 30)))
        rough, fine = steepest.fit(X, y, tol=1e-4), steepest.fit(X, y, tol=1e-13)
        assert rough.value - fine.value <= rough.certificate.gap * fine.value
        assert np.max(np.abs(rough.predict_proba(X) - fine.predict_proba(X))) <= (
            rough.certificate.max_probability_error + fine.certificate.max_probability_error
        )
