"""The sparse engine: views of a CSR table, the same sums as the dense one, the same bits for any number of threads."""

import tracemalloc

import numpy as np
import pytest
import scipy.sparse as sp

from steepest.conformance import check_engine
from steepest.engines.sparse import SparseEngine, as_csr
from steepest.errors import DataError
from steepest.kernels.sparse import sums


def table(rng, m=3000, n=400, density=0.05, dtype=np.float64):
    X = sp.random_array((m, n), density=density, rng=rng, format="csr")
    X.data = np.round(X.data * 50 - 20).astype(dtype)
    return X, (rng.random(m) < 0.4).astype(np.uint8), rng.random(m)


class Dense:
    """The engine as the conformance kit for dense ones expects it: blocks made dense on the way."""

    def __init__(self, X, y, weight, threads):
        self.engine = SparseEngine(as_csr(sp.csr_array(np.asarray(X))), y, weight, threads=threads)
        self.m, self.n, self.total_weight = self.engine.m, self.engine.n, self.engine.total_weight

    def sum(self, of_block):
        from steepest.types import Block

        return self.engine.sum(
            lambda block: of_block(Block(block.X.toarray().astype(np.float64), block.y, block.weight, block.start))
        )


def test_conformance():
    def make(threads):
        return lambda X, y, weight: Dense(X, y, weight, threads)

    check_engine(make(1), make(2), make(3), rows=50_000)


def test_blocks_are_views_of_about_equal_size(rng):
    X, y, weight = table(rng, 20_000, 800)
    engine = SparseEngine(X, y, weight)
    sizes = []

    def look(block):
        assert np.shares_memory(block.X.data, X.data)
        assert np.shares_memory(block.X.indices, X.indices)
        sizes.append(block.X.nnz + block.X.shape[0])
        return 0.0

    SparseEngine(X, y, weight, threads=1).sum(look)
    assert len(sizes) > 1
    assert max(sizes) <= 1.1 * min(sizes)
    assert engine.total_weight == pytest.approx(weight.sum(), rel=1e-14)


@pytest.mark.parametrize("index", [np.int32, np.int64])
@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int8, np.int64, bool])
def test_index_and_value_dtypes_are_read_in_place(rng, index, dtype):
    X, y, _ = table(rng, dtype=np.int8)
    X = sp.csr_array((X.data.astype(dtype), X.indices, X.indptr), X.shape)
    X.indices, X.indptr = X.indices.astype(index), X.indptr.astype(index)
    engine = SparseEngine(as_csr(X), y)
    assert engine.X is X
    expected = X.astype(np.float64).toarray().T @ y
    np.testing.assert_allclose(engine.sum(lambda block: block.X.T @ block.y), expected, rtol=1e-14, atol=1e-12)


@pytest.mark.parametrize("form", ["csc", "coo", "lil", "dok", "bsr"])
def test_other_formats_are_converted(rng, form):
    X, _, _ = table(rng, 60, 20)
    rows = as_csr(X.asformat(form))
    assert rows.format == "csr"
    np.testing.assert_array_equal(rows.toarray(), X.toarray())
    assert as_csr(sp.csc_matrix(X)).format == "csr"


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 1e200])
def test_refusals_name_row_and_column(rng, bad):
    X, _, _ = table(rng)
    X.data[777] = bad
    row = int(np.searchsorted(X.indptr, 777, side="right")) - 1
    with pytest.raises(DataError, match=rf"X\[{row}, {X.indices[777]}\]"):
        as_csr(X)


def test_refuses_complex_and_empty():
    with pytest.raises(DataError, match="complex"):
        as_csr(sp.csr_array(np.eye(2) * 1j))
    with pytest.raises(DataError, match="at least one"):
        as_csr(sp.csr_array((0, 3)))


def test_empty_rows_and_an_empty_table():
    X = sp.csr_array((5, 3))
    engine = SparseEngine(as_csr(X), np.array([0, 1, 0, 1, 1]))
    np.testing.assert_array_equal(engine.sum(lambda block: block.X.T @ block.y), np.zeros(3))


def test_memory_beside_the_table(rng):
    X, y, _ = table(rng, 60_000, 1000, 0.05)
    size = X.data.nbytes + X.indices.nbytes + X.indptr.nbytes
    tracemalloc.start()
    engine = SparseEngine(as_csr(X), y)
    engine.sum(lambda block: sums(block, np.ones(1000), 0.1, 1).db)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak <= 0.05 * size
