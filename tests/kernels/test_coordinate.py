"""Coordinate descent and products with sparse columns: compiled and plain agree, and both are right."""

import numpy as np
import pytest
import scipy.sparse as sp

from steepest.kernels import coordinate, coordinate_plain

BOTH = pytest.mark.parametrize("kernels", [coordinate, coordinate_plain], ids=["compiled", "plain"])


def problem(rng, k, dtype=np.float64):
    A = rng.standard_normal((3 * k, k))
    gram = (A.T @ A).astype(dtype)
    terms = np.stack([
        rng.choice([0.0, 3.0, 30.0], k), rng.choice([0.0, 5.0], k), rng.choice([-np.inf, -0.2, 0.1], k), np.full(k, 0.5)
    ])  # fmt: skip
    return A, gram, A.T @ rng.standard_normal(3 * k) * 10.0, np.clip(np.zeros(k), terms[2], terms[3]), terms


def conditions(slope, v, terms):
    """By how much each condition of the minimum is missed."""
    l1, l2, lower, upper = terms
    c, bent = -slope, l2 * v
    right = np.where(v < upper, bent + np.where(v >= 0.0, l1, -l1), np.inf)
    left = np.where(v > lower, bent + np.where(v > 0.0, l1, -l1), -np.inf)
    return np.maximum(np.maximum(c - right, left - c), 0.0)


@BOTH
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("seed", range(5))
def test_descent_ends_at_the_minimum(kernels, dtype, seed):
    _, gram, slope, at, terms = problem(np.random.default_rng(seed), 12, dtype)
    v, here = at.copy(), slope.copy()
    made, still = kernels.descend(gram, here, v, terms, np.full(12, 1e-9), 5000)
    assert still
    assert made < 5000
    np.testing.assert_allclose(here, slope + gram.astype(float) @ (v - at), atol=1e-7)
    assert conditions(here, v, terms).max() < 1e-7
    assert np.all((v >= terms[2]) & (v <= terms[3]))


@pytest.mark.parametrize("seed", range(5))
def test_twins_take_the_same_way(seed):
    _, gram, slope, at, terms = problem(np.random.default_rng(seed), 9)
    found = []
    for kernels in (coordinate, coordinate_plain):
        v, here = at.copy(), slope.copy()
        found.append((kernels.descend(gram, here, v, terms, np.full(9, 1e-6), 7), v, here))
    assert found[0][0] == found[1][0]
    np.testing.assert_allclose(found[0][1], found[1][1], rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(found[0][2], found[1][2], rtol=1e-11, atol=1e-12)


@BOTH
def test_descent_without_the_matrix_is_descent_with_it(kernels, rng):
    k, m = 8, 40
    X = rng.standard_normal((m, k)) * (rng.random((m, k)) < 0.5)
    D, slope = rng.random(m), 5.0 * rng.standard_normal(k)
    edge, total = X.T @ D, float(D.sum())
    gram = X.T @ (D[:, None] * X) - np.outer(edge, edge / total)
    terms = np.stack([np.full(k, 0.3), np.full(k, 0.1), np.full(k, -1.0), np.full(k, np.inf)])
    v, slack = np.zeros(k), np.full(k, 1e-11)
    coordinate_plain.descend(gram, slope.copy(), v, terms, slack, 5000)
    quadratic = (D, edge, np.diagonal(gram).copy(), total)
    columns = sp.csc_array(X)
    chosen = (columns.indptr, columns.indices, columns.data, np.arange(k))
    for found in (np.zeros(k), np.zeros(k)):
        kernels.descend_sparse(chosen, quadratic, slope, found, terms, slack, 5000)
        np.testing.assert_allclose(found, v, atol=1e-9)
        found[:] = 0.0
        kernels.descend_dense(np.asfortranarray(X), quadratic, slope, found, terms, slack, 5000)
        np.testing.assert_allclose(found, v, atol=1e-9)
    assert np.count_nonzero(v)


@BOTH
@pytest.mark.parametrize("index", [np.int32, np.int64])
def test_products_with_sparse_columns(kernels, index, rng):
    m, n = 700, 11
    X = rng.standard_normal((m, n)) * (rng.random((m, n)) < 0.4)
    X[:, 3] = 0.0
    turned = sp.csc_array(X)
    parts = turned.indptr.astype(index), turned.indices.astype(index), turned.data
    columns, D, r = np.array([7, 0, 3, 10]), rng.random(m), rng.standard_normal(m)
    np.testing.assert_allclose(kernels.correlate(*parts, columns, r), X[:, columns].T @ r, atol=1e-12)
    v = np.array([0.5, 0.0, 2.0, -1.0])
    np.testing.assert_allclose(kernels.forward(*parts, columns, v, r.copy()), r + X[:, columns] @ v, atol=1e-12)
    held = (*kernels.by_rows(*parts, columns, m), len(columns))
    for start in (0, 2, 4):
        products, edges = kernels.cross(held, start, D)
        np.testing.assert_allclose(products, X[:, columns[start:]].T @ (D[:, None] * X[:, columns]), atol=1e-11)
        np.testing.assert_allclose(edges, X[:, columns[start:]].T @ D, atol=1e-12)


@BOTH
def test_columns_that_nothing_bends_stay_where_they_are(kernels):
    v, slope = np.array([0.0, 0.25]), np.array([-5.0, -1.0])
    terms = np.array([[0.0, 0.0], [0.0, 0.0], [-1.0, -1.0], [1.0, 1.0]])
    kernels.descend(np.array([[0.0, 0.0], [0.0, 2.0]]), slope, v, terms, np.full(2, 1e-12), 10)
    assert v.tolist() == [0.0, 0.75]
