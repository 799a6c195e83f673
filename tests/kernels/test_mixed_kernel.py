"""Rows as codes say what the same rows say when they are written out: both twins, every order, weights and offsets."""

import numpy as np
import pytest
from mixed_tables import mixed_rows

from steepest.kernels import mixed, mixed_compiled, vectorised
from steepest.mixed_rows import MixedBlock
from steepest.types import Block

M = 3000


def blocks(weighted, offset, seed=0):
    rows, written, y = mixed_rows(M, seed=seed)
    rng = np.random.default_rng(seed + 1)
    s = rng.integers(0, 3, M) * rng.random(M) if weighted else None
    o = rng.standard_normal(M) if offset else None
    y = np.where(rng.random(M) < 0.1, 0.5, y.astype(float)) if weighted else y.astype(float)
    return rows, Block(MixedBlock(rows, 0, M), y, s, 0, o), Block(written, y, s, 0, o)


@pytest.mark.parametrize("kernel", [mixed, mixed_compiled])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("offset", [False, True])
def test_sums_are_those_of_the_rows_written_out(kernel, weighted, offset):
    rows, codes, dense = blocks(weighted, offset)
    rng = np.random.default_rng(3)
    for size in (0.0, 1.0, 30.0):
        w, b = size * rng.standard_normal(rows.layout.n), size * 0.3
        for order in (0, 1, 2):
            seen, expected = kernel.sums(codes, w, b, order), vectorised.sums(dense, w, b, order)
            assert (seen.weight, seen.errors) == (pytest.approx(expected.weight, rel=1e-14), expected.errors)
            for name in ("loss", "dw", "db", "ddw", "dwdb", "ddb"):
                one, other = getattr(seen, name), getattr(expected, name)
                assert (one is None) == (other is None)
                if one is not None:
                    np.testing.assert_allclose(one, other, rtol=1e-11, atol=1e-11 * M, err_msg=name)
        v, steps = rng.standard_normal(rows.layout.n), np.array([0.5, -1.0])
        product, other = kernel.hessian_times(codes, w, b, v, 0.2), vectorised.hessian_times(dense, w, b, v, 0.2)
        np.testing.assert_allclose(product.dw, other.dw, rtol=1e-10, atol=1e-9)
        along = kernel.along(codes, w, b, v, 0.2, steps), vectorised.along(dense, w, b, v, 0.2, steps)
        np.testing.assert_allclose(along[0], along[1], rtol=1e-11)


@pytest.mark.parametrize("kernel", [mixed, mixed_compiled])
def test_a_look_counts_levels_by_class(kernel):
    rows, codes, dense = blocks(True, False)
    layout = rows.layout
    centre, inverse = np.arange(layout.p) * 0.5, np.full(layout.p, 0.5)
    look = kernel.look(codes, centre, inverse)
    used = dense.weight > 0.0
    for row, chosen in enumerate((used, used & (dense.y == 1.0), used & (dense.y == 0.0))):
        own = layout.columns < layout.n
        expected = dense.X[chosen].sum(axis=0)[layout.columns[own]]
        np.testing.assert_array_equal(look.counts[row][own], expected)
        for start, stop in zip(layout.base[:-1], layout.base[1:], strict=True):  # each row has a slot per category
            assert look.counts[row][start:stop].sum() == chosen.sum()
    numbers = dense.X[:, layout.numbers]
    np.testing.assert_array_equal([look.low, look.high], [numbers.min(axis=0), numbers.max(axis=0)])
    assert look.longest == pytest.approx((((numbers - centre) * inverse) ** 2).sum(axis=1).max(), rel=1e-12)
    np.testing.assert_allclose(look.counts[3].sum(), dense.weight.sum() * layout.k)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("kernel", [mixed, mixed_compiled])
def test_a_look_sees_what_is_no_number(kernel, bad):
    rows, codes, _ = blocks(False, False)
    held = rows.take(np.arange(M))
    held.numbers[M - 1, 1] = bad
    with np.errstate(all="ignore"):
        look = kernel.look(Block(MixedBlock(held, 0, M), codes.y), np.zeros(held.layout.p), np.ones(held.layout.p))
    assert not np.isfinite(look.longest)


@pytest.mark.parametrize("kernel", [mixed, mixed_compiled])
def test_products_count_every_used_row_once(kernel):
    rows, codes, dense = blocks(True, False)
    ddw, dwdb, ddb = kernel.products(codes).whole(rows.layout)
    X = dense.X[dense.weight > 0.0]
    np.testing.assert_allclose(ddw, X.T @ X, rtol=1e-12, atol=1e-9)
    np.testing.assert_allclose(dwdb, X.sum(axis=0), rtol=1e-12, atol=1e-9)
    assert ddb == len(X)


def test_a_centre_is_taken_off_the_numbers_alone():
    rows, codes, dense = blocks(False, False)
    centre = np.zeros(rows.layout.n)
    centre[rows.layout.numbers] = 7.0
    moved = Block(codes.X - centre, codes.y)
    w = np.linspace(-1.0, 1.0, rows.layout.n)
    expected = vectorised.sums(Block(dense.X - centre, dense.y), w, 0.1, 2)
    seen = mixed_compiled.sums(moved, w, 0.1, 2)
    np.testing.assert_allclose(seen.ddw, expected.ddw, rtol=1e-11, atol=1e-9)
    np.testing.assert_allclose(seen.dw, expected.dw, rtol=1e-11, atol=1e-9)
