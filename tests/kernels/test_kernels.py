"""Every registered kernel passes the kit; what the kit does not say is here: exact summation, long runs of rows."""

import math

import mpmath
import numpy as np
import pytest

from steepest.conformance import check_kernel
from steepest.kernels import KERNELS, Kernel, compiled, loop, vectorised
from steepest.kernels.tiles import by_columns
from steepest.types import Block


@pytest.mark.parametrize("kernel", KERNELS.values(), ids=lambda kernel: kernel.name)
def test_conforms(kernel):
    check_kernel(kernel)


def test_registry_names_its_kernels():
    assert list(KERNELS) == ["loop", "vectorised", "compiled"]
    assert all(name == kernel.name for name, kernel in KERNELS.items())


def test_loop_sums_to_the_last_bit(rng):
    terms = rng.standard_normal(2000) * 10.0 ** rng.uniform(-8, 8, 2000)
    total = loop.Accumulator()
    for term in terms:
        total += term
    assert abs(float(total.value) - math.fsum(terms)) <= np.spacing(abs(math.fsum(terms)))
    plain = 0.0
    for term in terms.tolist():  # not sum(): from Python 3.12 on it carries the rounding error along as well
        plain += term
    assert abs(plain - math.fsum(terms)) > np.spacing(abs(math.fsum(terms)))  # where `total += term` alone is not


def test_loop_forward_keeps_what_cancels():
    assert loop.forward(np.array([1e16, 1.0, -1e16]), np.ones(3), 0.0) == 1.0


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("n", [1, 2, 3, 30])
def test_vectorised_totals_do_not_lose_digits_in_long_blocks(n, order):
    """32,768 equal rows were 4e-13 off in one matrix-vector product."""
    m = 32_768 + 57
    block = Block(np.full((m, n), 0.1, order=order), np.zeros(m))
    total = vectorised.sums(block, np.zeros(n), math.log(3.0 / 7.0), 2)
    a = vectorised.sums(Block(np.full((1, 1), 0.1), np.zeros(1)), np.zeros(1), math.log(3.0 / 7.0), 1)
    np.testing.assert_allclose(total.dw, m * a.dw[0], rtol=4e-15)
    np.testing.assert_allclose(total.dwdb, m * 0.1 * total.ddb / m, rtol=4e-15)
    product = vectorised.hessian_times(block, np.zeros(n), math.log(3.0 / 7.0), np.zeros(n), 1.0)
    np.testing.assert_allclose(product.dw, total.dwdb, rtol=4e-15)


@pytest.mark.parametrize("kernel", KERNELS.values(), ids=lambda kernel: kernel.name)
def test_errors_count_weighted_rows_on_the_wrong_side(kernel):
    X = np.array([[1.0], [1.0], [-1.0], [0.0], [1.0]])
    y = np.array([1.0, 0.0, 1.0, 1.0, 0.0])
    weight = np.array([1.0, 1.0, 2.0, 1.0, 0.0])
    assert kernel.sums(Block(X, y, weight), np.ones(1), 0.0, 0).errors == 3  # z = 0 counts, weight 0 does not
    assert kernel.sums(Block(X, y), np.ones(1), 0.0, 0).errors == 4


@pytest.mark.parametrize(
    ("what", "change", "says"),
    [
        ("dw", lambda t: type(t)(t.weight, t.loss, t.errors, -t.dw, t.db, t.ddw, t.dwdb, t.ddb), "dw"),
        ("loss", lambda t: type(t)(t.weight, 2 * t.loss, t.errors, t.dw, t.db, t.ddw, t.dwdb, t.ddb), "loss"),
        ("errors", lambda t: type(t)(t.weight, t.loss, 0, t.dw, t.db, t.ddw, t.dwdb, t.ddb), "errors"),
        ("ddb", lambda t: type(t)(t.weight, t.loss, t.errors, t.dw, t.db, t.ddw, t.dwdb, t.ddb * 1.0000001), "ddb"),
    ],
)
def test_kit_names_what_is_wrong(what, change, says):
    def wrong(block, w, b, order):
        total = vectorised.sums(block, w, b, order)
        return total if total.dw is None and what != "loss" else change(total) if total.ddw is not None else total

    with pytest.raises(AssertionError, match=f"kernel 'wrong': .*{says}"):
        check_kernel(Kernel("wrong", wrong, vectorised.hessian_times, vectorised.along))


def test_kit_catches_a_kernel_that_writes_to_its_rows():
    def scribble(block, w, b, order):
        block.X[0, 0] += 0.0
        return vectorised.sums(block, w, b, order)

    with pytest.raises(ValueError, match="read-only"):
        check_kernel(Kernel("scribbling", scribble, vectorised.hessian_times, vectorised.along))


@pytest.mark.parametrize("order", ["C", "F"])
def test_compiled_is_vectorised_on_every_shape(order):
    """Rows beyond whole runs, columns beyond whole registers, weights of 0, and z from 0 to where e underflows."""
    rng = np.random.default_rng(3)
    for m, n in ((1, 1), (3, 2), (127, 1), (128, 5), (129, 7), (300, 33), (1031, 64)):
        X = np.array(rng.standard_normal((m, n)), order=order)
        y, s = rng.choice([0.0, 0.25, 1.0], m), rng.integers(0, 3, m).astype(float)
        for scale in (0.0, 1.0, 30.0, 800.0):
            w = rng.standard_normal(n) * scale / math.sqrt(n)
            for weight in (None, s):
                seen, twin = (k.sums(Block(X, y, weight), w, 0.3, 2) for k in (compiled, vectorised))
                size = 1.0 + float(np.abs(X).sum())
                assert abs(seen.loss - twin.loss) <= 1e-13 * twin.loss
                assert seen.errors == twin.errors
                np.testing.assert_allclose(seen.dw, twin.dw, atol=1e-14 * size)
                np.testing.assert_allclose(seen.ddw, twin.ddw, atol=1e-14 * size * 4)


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int8, bool])
@pytest.mark.parametrize("change", [np.ascontiguousarray, np.asfortranarray, lambda X: X[:, ::-1], lambda X: X[::2]])
def test_compiled_reads_every_dtype_and_order_as_float64(change, dtype):
    rng = np.random.default_rng(8)
    X = change(np.clip(10.0 * rng.standard_normal((1400, 45)), -100, 100).astype(dtype))
    wide, m = np.ascontiguousarray(X, dtype=float), len(X)
    y, s, o, w = rng.integers(0, 2, m).astype(float), rng.random(m), rng.standard_normal(m), rng.standard_normal(45) / 9
    inverse = rng.random(45) + 0.5
    for order in (0, 1, 2):
        seen, low, high, longest = compiled.sums_and_look(Block(X, y, s, 0, o), w, 0.1, order, inverse)
        twin = vectorised.sums(Block(wide, y, s, 0, o), w, 0.1, order)
        assert (low.tolist(), high.tolist()) == (wide.min(axis=0).tolist(), wide.max(axis=0).tolist())
        assert longest == pytest.approx(float(((wide * inverse) ** 2).sum(axis=1).max()), rel=1e-13)
        assert seen.loss == pytest.approx(twin.loss, rel=1e-13)
        assert seen.errors == twin.errors
        alone = compiled.sums(Block(X, y, s, 0, o), w, 0.1, order)
        assert (alone.loss, alone.db) == (seen.loss, seen.db)
        if order:
            np.testing.assert_allclose(seen.dw, twin.dw, atol=1e-12 * float(np.abs(wide).sum()) / m)
            assert alone.dw.tobytes() == seen.dw.tobytes()
    if not by_columns(X):
        same = compiled.sums(Block(wide, y, s, 0, o), w, 0.1, 1)
        assert (same.loss, same.db, same.dw.tobytes()) == (alone.loss, alone.db, alone.dw.tobytes())


def test_compiled_sees_a_missing_value_while_it_sums():
    for make in (np.ascontiguousarray, np.asfortranarray):
        X = make(np.random.default_rng(0).standard_normal((700, 9)))
        X[699, 8] = np.nan
        assert math.isnan(compiled.sums_and_look(Block(X, np.zeros(700)), np.ones(9), 0.0, 1, np.ones(9))[3])


def test_compiled_exponentials_and_logarithms_within_two_ulps():
    """One row each, z = -x: the loss at y = 0 is log1p(exp(-|z|)) alone."""
    z = -np.concatenate([np.linspace(0.0, 746.0, 4001), np.geomspace(1e-300, 700.0, 2001), [1e3, 1e300]])
    for value in z:
        row = Block(np.array([[value]]), np.zeros(1))
        loss = compiled.sums(row, np.ones(1), 0.0, 0).loss
        truth = float(mpmath.log1p(mpmath.exp(mpmath.mpf(float(value)))))
        assert abs(loss - truth) <= 3.0 * np.spacing(truth), value


def test_compiled_looks_at_every_value():
    X = np.random.default_rng(0).standard_normal((403, 7)) * 10.0 ** np.arange(7)
    centre, inverse = X[0], 10.0 ** -np.arange(7.0)
    low, high, longest = compiled.look(Block(X, np.zeros(403)), centre, inverse)
    assert low.tolist() == X.min(axis=0).tolist()
    assert high.tolist() == X.max(axis=0).tolist()
    assert abs(longest / float((((X - centre) * inverse) ** 2).sum(axis=1).max()) - 1.0) < 1e-14
    for place in ((0, 0), (402, 6), (200, 3)):
        hole = X.copy()
        hole[place] = np.nan
        assert math.isnan(compiled.look(Block(hole, np.zeros(403)), centre, inverse)[2])
