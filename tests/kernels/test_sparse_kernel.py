"""The sparse kernel passes the conformance kit of the dense ones, on the same rows made sparse."""

from dataclasses import replace

import numpy as np
import pytest
import scipy.sparse as sp

from steepest.conformance import check_kernel
from steepest.kernels import Kernel, sparse, vectorised
from steepest.types import Block


def made_sparse(question):
    def asked(block, *rest):
        return question(replace(block, X=sp.csr_array(np.asarray(block.X))), *rest)

    return asked


def test_conformance():
    check_kernel(
        Kernel("sparse", made_sparse(sparse.sums), made_sparse(sparse.hessian_times), made_sparse(sparse.along))
    )


@pytest.mark.parametrize("weighted", [False, True])
def test_agrees_with_the_dense_twin(rng, weighted):
    X = np.where(rng.random((500, 30)) < 0.2, rng.standard_normal((500, 30)), 0.0)
    y, s = (rng.random(500) < 0.5).astype(float), rng.random(500) if weighted else None
    w, b, v, c = rng.standard_normal(30), 0.3, rng.standard_normal(30), -0.2
    dense, thin = Block(X, y, s), Block(sp.csr_array(X), y, s)
    for order in (0, 1, 2):
        one, two = vectorised.sums(dense, w, b, order), sparse.sums(thin, w, b, order)
        for name in ("weight", "loss", "errors", "dw", "db", "ddw", "dwdb", "ddb"):
            left, right = getattr(one, name), getattr(two, name)
            if left is None:
                assert right is None
            else:
                np.testing.assert_allclose(right, left, rtol=0, atol=2e-15 * max(1.0, np.abs(left).max()) * 10)
    one, two = vectorised.hessian_times(dense, w, b, v, c), sparse.hessian_times(thin, w, b, v, c)
    np.testing.assert_allclose(two.dw, one.dw, rtol=0, atol=1e-13)
    steps = np.array([0.5, -1.0])
    np.testing.assert_allclose(sparse.along(thin, w, b, v, c, steps), vectorised.along(dense, w, b, v, c, steps),
                               rtol=1e-14)  # fmt: skip
    whole = vectorised.sums(dense, w, b, 2)
    diagonal = sparse.squares(thin, w, b)
    np.testing.assert_allclose(diagonal.dw, np.diagonal(whole.ddw), rtol=1e-13)
    np.testing.assert_allclose(diagonal.dwdb, whole.dwdb, rtol=0, atol=1e-13)
    assert diagonal.ddb == pytest.approx(whole.ddb, rel=1e-14)


def test_entries_stored_twice_count_as_their_sum(rng):
    X = sp.csr_array((np.array([1.0, 2.0, 4.0]), np.array([1, 1, 0]), np.array([0, 2, 3])), (2, 2))
    y, w = np.array([1.0, 0.0]), np.array([0.3, -0.2])
    one, two = (sparse.sums(Block(sp.csr_array(rows), y), w, 0.1, 2) for rows in (X, X.toarray()))
    np.testing.assert_allclose(one.dw, two.dw, rtol=1e-15)
    np.testing.assert_allclose(one.ddw, two.ddw, rtol=1e-15)
