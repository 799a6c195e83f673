"""Numbers of a column wherever they lie, and columns that are a matrix without knowing it."""

import gc

import numpy as np
import pytest

from steepest.data.column_table import ColumnTable, Filled, Levels, Number
from steepest.data.columns import Converted, Held, Pieces, as_matrix, ends


@pytest.mark.parametrize("seed", range(20))
def test_pieces_are_one_after_the_other(seed):
    rng = np.random.default_rng(seed)
    parts = [rng.random(rng.integers(1, 6)) for _ in range(rng.integers(1, 9))]
    whole, pieces = np.concatenate(parts), Pieces.of(parts)
    for _ in range(30):
        start, stop = np.sort(rng.integers(0, len(whole) + 3, 2)).tolist()
        assert np.array_equal(pieces.take(slice(start, stop)), whole[start:stop])
        index = rng.integers(0, len(whole), 5)
        assert np.array_equal(pieces.take(index), whole[index])
    assert np.shares_memory(pieces.take(slice(0, 1)), parts[0])


@pytest.mark.parametrize("rows", [1, 31, 32, 33, 64, 100])
@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int8, np.bool_])
def test_ends_of_every_column(rows, order, dtype):
    X = np.asarray(np.random.default_rng(rows).integers(-3, 4, (rows, 5)), dtype=dtype, order=order)
    low, high = ends(X)
    assert np.array_equal(low, X.min(axis=0))
    assert np.array_equal(high, X.max(axis=0))
    if dtype == np.float64:
        for i in (0, rows // 2, rows - 1):
            broken = X.copy(order)
            broken[i, 2] = np.nan
            assert np.array_equal(np.isnan(ends(broken)[0]), [False, False, True, False, False])


@pytest.mark.parametrize("order", ["C", "F"])
def test_a_matrix_is_found_in_its_columns(order):
    X = np.asarray(np.arange(60.0).reshape(12, 5), order=order)
    for part in (X, X[:, 1:4], X[2:9], X[:, :1]):
        found = as_matrix([part[:, j] for j in range(part.shape[1])])
        assert np.array_equal(found, part)
        assert np.shares_memory(found, X)
        assert not found.flags.writeable


def test_what_is_no_matrix_is_not_taken_for_one():
    X, line = np.arange(60.0).reshape(12, 5), np.arange(100.0)
    halves = np.zeros(12, dtype=[("a", "f4"), ("b", "f8")])  # packed: b begins 4 bytes after a
    for columns in (
        [X[:, 0], X[:, 1].astype(np.float32)],  # two dtypes
        [X[:, 1], X[:, 0]],  # backwards
        [X[:, 0], X[:, 2], X[:, 3]],  # a gap
        [X[:, 0], X[:, 2], X[:, 4]],  # every other column: no BLAS reads that
        [X[:6, 0], X[:5, 1]],  # two lengths
        [line[0:50], line[1:51]],  # windows that overlap
        [line[0:10], line[80:90]],  # far apart
        [line[0:20:2], line[1:21]],  # two strides
        [line[0:10], line[0:10]],  # twice the same
        [halves["b"]],  # at odd addresses
    ):
        assert as_matrix(columns) is None


def test_the_matrix_keeps_its_columns_alive():
    columns = [np.arange(1000.0) + j for j in range(1)]
    found = as_matrix(columns)
    expected = found.copy()
    del columns
    gc.collect()
    [np.full(1000, 7.0) for _ in range(50)]
    assert np.array_equal(found, expected)


def test_a_table_takes_rows_as_an_array_does():
    X = np.arange(4000.0).reshape(1000, 4)
    X[::3, 3] = np.nan
    table = ColumnTable.of(
        1000,
        [
            Number(Held(X[:, 0])),
            Number(Pieces.of([X[:300, 1], X[300:, 1]])),
            Number(Converted(lambda rows: X[rows, 2])),
            Filled(Held(X[:, 3]), 5.0, indicated=True),
        ],
    )
    expected = np.column_stack([X[:, :3], np.where(np.isnan(X[:, 3]), 5.0, X[:, 3]), np.isnan(X[:, 3])])
    assert (table.shape, table.size, len(table), table.ndim) == ((1000, 5), 5000, 1000, 2)
    index, mask = np.array([999, 0, 300, 299]), np.arange(1000) % 7 == 0
    for key in (slice(None), slice(290, 310), slice(-5, None), slice(3, 3), slice(0, 900, 100), index, mask):
        assert np.array_equal(table[key], expected[key])
        if isinstance(key, slice):
            assert np.array_equal(table[key, [4, 0]], expected[key][:, [4, 0]])
        assert table[key].flags.c_contiguous
    some = table[:, np.array([True, False, True, False, True])]
    assert some.shape == (1000, 3)
    assert np.array_equal(some[:, [2]][290:310], expected[290:310, 4:])
    assert np.array_equal(np.asarray(some), expected[:, [0, 2, 4]])
    assert np.asarray(table, dtype=np.float32).dtype == np.float32
    with pytest.raises(TypeError, match="one after the other"):
        table[index, [0, 1]]
    with pytest.raises(ValueError, match="they are a copy"):
        np.asarray(table, copy=False)


def test_the_narrowest_dtype_that_holds_all():
    columns = [np.zeros(3, dtype=dtype) for dtype in (np.int8, np.float32, np.bool_)]
    table = ColumnTable.of(3, [Number(Held(column)) for column in columns])
    assert table.dtype == np.float32
    assert table.nbytes == 36
    assert table[np.array([0])].dtype == np.float32
    assert table[0:1].dtype == np.float64
    assert ColumnTable.of(3, [Number(Held(columns[2]))]).dtype == np.int8


def test_some_rows_of_a_table_keep_the_dtype_of_each_column():
    rng = np.random.default_rng(5)
    numbers = rng.standard_normal(50)
    numbers[::7] = np.nan
    codes = rng.integers(-1, 3, 50).astype(np.int8)
    sources = [
        Number(Held(rng.integers(-9, 9, 50).astype(np.int8))),
        Filled(Held(numbers), 2.5, True),
        Levels(codes, np.array([0, -1, 1, -1]), 2),
        Number(Pieces.of([rng.standard_normal(20).astype(np.float32), rng.standard_normal(30).astype(np.float32)])),
    ]
    table = ColumnTable.of(50, sources)
    index = np.sort(rng.choice(50, 17, replace=False))
    some = table.taken(index)
    assert [source.dtype for source in some.sources] == [source.dtype for source in sources]
    assert np.array_equal(some[:], table[index])
    assert np.array_equal(some[:, [0, 4]][3:9], table[index][3:9][:, [0, 4]])
