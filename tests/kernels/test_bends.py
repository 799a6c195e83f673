"""The totals for a diagonal metric and its proof: compiled as by NumPy, and by NumPy as row by row."""

import math

import numpy as np
import pytest

from steepest import formulas
from steepest.kernels import bends as bends_module
from steepest.types import Block


def problem(seed, m, n, order="C", dtype=float):
    rng = np.random.default_rng(seed)
    X = np.array(rng.standard_normal((m, n)).astype(dtype), order=order)
    y = rng.choice([0.0, 1.0, 0.25], m, p=[0.45, 0.45, 0.1])
    return (
        X,
        y,
        rng.integers(0, 3, m).astype(float),
        rng.standard_normal(m),
        rng.standard_normal(n) * 3.0,
        rng.random(n),
    )


def check_module_of_bends(module):
    """`plain_bends` against sums written out row by row."""
    X, y, s, o, w, inverse = problem(0, 23, 4)
    seen = module.plain_bends(Block(X, y, s, 0, o), w, 0.3, inverse)
    z = [math.fsum(x * w) + 0.3 + t for x, t in zip(X, o, strict=True)]
    a = [float(formulas.sigmoid(v)) for v in z]
    D = [t * p * (1.0 - p) for t, p in zip(s, a, strict=True)]
    off = [t * ((1.0 - v) * p + v * (1.0 - p)) for t, v, p in zip(s, y, a, strict=True)]
    slopes = [t * (p - v) for t, v, p in zip(s, y, a, strict=True)]
    close = {"rtol": 1e-12, "atol": 1e-13}
    np.testing.assert_allclose(seen.dw, sum(d * x for d, x in zip(slopes, X, strict=True)), **close)
    np.testing.assert_allclose(seen.first, sum(d * x for d, x in zip(D, X, strict=True)), **close)
    np.testing.assert_allclose(seen.square, sum(d * x * x for d, x in zip(D, X, strict=True)), **close)
    loss = math.fsum(t * float(formulas.loss(v, target)) for t, v, target in zip(s, z, y, strict=True))
    wanted = [s.sum(), s @ y, loss, sum(off), sum(slopes), sum(D), max((x * x) @ inverse for x in X), np.abs(o).max()]
    found = [seen.weight, seen.ones, seen.loss, seen.off, seen.db, seen.edge, seen.longest, seen.far]
    np.testing.assert_allclose(found, wanted, **close)
    halves = [module.plain_bends(Block(X[k], y[k], s[k], 0, o[k]), w, 0.3, inverse) for k in (slice(9), slice(9, None))]
    for name in ("weight", "ones", "loss", "off", "db", "edge", "longest", "far", "dw", "first", "square"):
        np.testing.assert_allclose(getattr(halves[0] + halves[1], name), getattr(seen, name), **close)
    assert (halves[0] + halves[1]).rows == 14


def test_the_twin_is_right():
    check_module_of_bends(bends_module)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("shape", [(1, 3), (7, 1), (8, 40), (37, 900), (300, 33)])
def test_compiled_is_plain(shape, order, dtype):
    for scale in (0.0, 1.0, 100.0):
        X, y, s, o, w, inverse = problem(shape[0], *shape, order, dtype)
        for weight, offset in ((None, None), (s, o)):
            seen = bends_module.bends(Block(X, y, weight, 0, offset), w * scale, -0.2, inverse)
            twin = bends_module.plain_bends(Block(X.astype(float), y, weight, 0, offset), w * scale, -0.2, inverse)
            for name in ("weight", "ones", "loss", "off", "db", "edge", "longest", "far", "dw", "first", "square"):
                np.testing.assert_allclose(
                    getattr(seen, name), getattr(twin, name), rtol=1e-11, atol=1e-12 * shape[0], err_msg=name
                )


def test_confident_rows_keep_their_digits():
    """A = 1 - e of a right row: A - Y is -e, to its last digits, not the rounding of 1 - e."""
    X, y = np.array([[1.0], [-1.0]]), np.array([1.0, 0.0])
    seen = bends_module.bends(Block(X, y), np.array([30.0]), 0.0, np.ones(1))
    assert seen.dw[0] == pytest.approx(-2.0 * math.exp(-30.0), rel=1e-12)
    assert seen.edge == pytest.approx(2.0 * math.exp(-30.0), rel=1e-12)


def test_a_missing_value_is_seen():
    X, y, *_, w, inverse = problem(3, 50, 9)
    X[31, 4] = np.nan
    assert math.isnan(bends_module.bends(Block(X, y), w, 0.0, inverse).longest)
    assert math.isnan(
        (
            bends_module.bends(Block(X, y), w, 0.0, inverse) + bends_module.bends(Block(X[:9], y[:9]), w, 0.0, inverse)
        ).longest
    )
