"""Many fits in one read: the same totals as one fit at a time, whatever is held out, however the rows are cut."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from steepest.engines import MemoryEngine
from steepest.kernels import loop, many, many_compiled, vectorised
from steepest.lockstep.rows import Rows
from steepest.scaling import Scaling
from steepest.types import Block


def plain(X, y, s, keep, theta):
    block = Block(X[keep], y[keep], None if s is None else s[keep])
    return vectorised.sums(block, theta[:-1], float(theta[-1]), 2)


def problem(seed, m=90, n=4, F=6, K=3, weighted=True):
    rng = np.random.default_rng(seed)
    X, y = rng.standard_normal((m, n)) * 2.0, (rng.random(m) < 0.4).astype(float)
    s = rng.integers(0, 4, m).astype(float) if weighted else None
    return X, y, s, rng.integers(0, K, m), np.sort(rng.integers(-1, K, F)), rng.standard_normal((F, n + 1))


def rows_of(X, y, s, fold, F, threads=1, frame=None, compiled=False):
    n = X.shape[1]
    rows = Rows(MemoryEngine(X, y, s, threads=threads), frame or Scaling(np.zeros(n), np.ones(n)), fold, F)
    if compiled:
        rows.compiled, rows._margins = True, many_compiled.margins
    return rows


def check_module_of_many(module):
    """Totals against formulas on whole arrays: with weights and without, some fits without a fold, rows by fold."""
    rng = np.random.default_rng(0)
    X, T = rng.standard_normal((70, 3)) * 2.0, rng.standard_normal((2, 2, 3))
    theta, held, fold = rng.standard_normal((3, 4)), np.array([-1, 0, 1, 1]), np.repeat([0, 1], [30, 40])
    u = X @ theta
    p, each = 1.0 / (1.0 + np.exp(u)), np.logaddexp(0.0, -u)
    for s in (None, rng.uniform(0.5, 2.0, 70)):
        piece, weight = module.Piece(X, s, (0, 30, 70)), np.ones(70) if s is None else s
        seen = (fold[:, None] != held) * weight[:, None]
        out = (fold[:, None] == held) * weight[:, None]
        got, more = module.sums(piece, theta, held), module.second(piece, theta, held)
        for fitted in (got, more.fitted, (got + got).take(np.arange(4))):
            times = 2.0 if fitted.loss[0] > 1.5 * got.loss[0] else 1.0
            np.testing.assert_allclose(fitted.loss, times * (seen * each).sum(axis=0), rtol=1e-12)
            np.testing.assert_allclose(fitted.gradient, -times * (X.T @ (seen * p)), rtol=1e-10, atol=1e-11)
            np.testing.assert_allclose(fitted.held_loss, times * (out * each).sum(axis=0), rtol=1e-12)
            np.testing.assert_allclose(fitted.held_right, times * (out * (u > 0)).sum(axis=0), rtol=1e-12)
        for f in range(4):
            bent = (X.T * (seen * p * (1.0 - p))[:, f]) @ X
            np.testing.assert_allclose(more.hessian[f], bent, rtol=1e-10, atol=1e-11)
        parts = module.by_fold(piece, theta, np.array([2]), T)
        parts = parts + module.by_fold(
            module.Piece(X[:0], s if s is None else s[:0], (0, 0, 0)), theta, np.array([2]), T
        )
        for k in (0, 1):
            rows = (fold == k) * weight
            np.testing.assert_allclose(parts.loss[k], rows @ each, rtol=1e-12)
            np.testing.assert_allclose(parts.right[k], rows @ (u > 0), rtol=1e-12)
            np.testing.assert_allclose(parts.gradient[k], -((rows[:, None] * p).T @ X), rtol=1e-10, atol=1e-11)
            bent = (X.T * (rows * (p * (1.0 - p))[:, 2])) @ X
            np.testing.assert_allclose(parts.hessian[k][0], bent, rtol=1e-10, atol=1e-11)
        np.testing.assert_allclose(parts.longest, np.linalg.norm(X, axis=1).max(), rtol=1e-13)
        np.testing.assert_allclose(parts.length, [np.linalg.norm(X @ each.T, axis=1).max() for each in T], rtol=1e-13)
        np.testing.assert_allclose(module.extent(piece, theta), np.abs(u).max(axis=0), rtol=1e-13)
    sure = module.Piece(np.array([[40.0], [41.0]]), None, (0, 2))
    np.testing.assert_allclose(module.sums(sure, np.ones((1, 1)), np.array([-1])).loss, np.exp([-40.0]) + np.exp(-41.0))


def test_totals_are_those_of_formulas_on_whole_arrays():
    check_module_of_many(many)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.booleans())
def test_every_fit_gets_the_totals_of_its_own_rows(seed, weighted):
    X, y, s, fold, held, theta = problem(seed, weighted=weighted)
    got = rows_of(X, y, s, fold, len(held)).sums(theta, held)
    for f, k in enumerate(held):
        seen = plain(X, y, s, fold != k, theta[f])
        np.testing.assert_allclose(got.loss[f], seen.loss, rtol=1e-13)
        np.testing.assert_allclose(got.gradient[:, f], np.append(seen.dw, seen.db), rtol=1e-11, atol=1e-12)
        if k >= 0:
            out = plain(X, y, s, fold == k, theta[f])
            np.testing.assert_allclose(got.held_loss[f], out.loss, rtol=1e-13, atol=1e-300)
            z = X[fold == k] @ theta[f, :-1] + theta[f, -1]
            right = ((2 * y[fold == k] - 1) * z > 0) * (1.0 if s is None else s[fold == k])
            assert got.held_right[f] == right.sum()


def test_the_seed_s_own_loop_agrees():
    X, y, s, fold, held, theta = problem(5, m=20)
    got = rows_of(X, y, s, fold, len(held)).sums(theta, held)
    keep = fold != held[0]
    seen = loop.sums(Block(X[keep], y[keep], s[keep]), theta[0, :-1], float(theta[0, -1]), 1)
    np.testing.assert_allclose(got.gradient[:, 0], np.append(seen.dw, seen.db), rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("compiled", [False, True])
def test_by_fold_adds_up_to_the_hessian_of_what_is_seen(compiled):
    X, y, s, fold, _, theta = problem(3)
    rows = rows_of(X, y, s, fold, len(theta), compiled=compiled)
    got = rows.by_fold(theta, np.array([1, 4]), np.eye(5)[None, :3])
    framed = np.column_stack([X, np.ones(len(X))])
    for k in range(3):
        seen = plain(X, y, s, fold == k, theta[4])
        np.testing.assert_allclose(got.loss[k, 4], seen.loss, rtol=1e-13)
        np.testing.assert_allclose(got.gradient[k, 4], np.append(seen.dw, seen.db), rtol=1e-11, atol=1e-12)
        np.testing.assert_allclose(got.hessian[k][1, :-1, :-1], seen.ddw, rtol=1e-12, atol=1e-13)
        np.testing.assert_allclose(got.hessian[k][1, -1, :-1], seen.dwdb, rtol=1e-11, atol=1e-13)
        right = (2 * y[fold == k] - 1) * (framed[fold == k] @ theta[4]) > 0
        assert got.right[k, 4] == s[fold == k] @ right
    assert got.longest == pytest.approx(np.linalg.norm(framed, axis=1).max(), rel=1e-14)
    assert got.length[0] == pytest.approx(np.linalg.norm(framed[:, :3], axis=1).max(), rel=1e-14)


def test_second_is_the_hessian_of_the_rows_that_count():
    X, y, s, fold, held, theta = problem(4)
    got = rows_of(X, y, s, fold, len(held)).second(theta, held)
    for f, k in enumerate(held):
        seen = plain(X, y, s, fold != k, theta[f])
        np.testing.assert_allclose(got.hessian[f, :-1, :-1], seen.ddw, rtol=1e-12, atol=1e-13)
        np.testing.assert_allclose(got.hessian[f, -1], np.append(seen.dwdb, seen.ddb), rtol=1e-11, atol=1e-13)
        np.testing.assert_allclose(got.fitted.gradient[:, f], np.append(seen.dw, seen.db), rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("scale", [1.0, 30.0, 1e-3])
def test_compiled_margins_are_the_plain_ones(weighted, scale):
    X, y, s, fold, held, theta = problem(6, m=1700, n=3, F=9, weighted=weighted)
    plainly, quickly = (rows_of(X, y, s, fold, len(held), compiled=each).sums(scale * theta, held) for each in (0, 1))
    for name in ("loss", "gradient", "held_loss", "held_right"):
        np.testing.assert_allclose(getattr(quickly, name), getattr(plainly, name), rtol=1e-12, atol=1e-12)


def test_compiled_margins_refuse_fits_out_of_order():
    piece = many.Piece(np.ones((4, 1)), None, (0, 2, 4))
    with pytest.raises(ValueError, match="ascend"):
        many_compiled.margins(np.zeros((4, 2)), piece, np.array([1, 0]))


def test_confident_rows_keep_their_digits():
    """At |u| = 800 neither exponential may overflow, and a loss of e^-40 is not rounded to 0."""
    piece = many.Piece(np.array([[800.0, 1.0], [-800.0, 1.0], [40.0, 0.0]]), None, (0, 3))
    one = many.sums(piece, np.array([[1.0], [0.0]]), np.array([-1]))
    assert one.loss[0] == pytest.approx(800.0, rel=1e-15)
    tiny = many.Piece(np.array([[40.0, 0.0]]), None, (0, 1))
    assert many.sums(tiny, np.array([[1.0], [0.0]]), np.array([-1])).loss[0] == pytest.approx(np.exp(-40.0), rel=1e-14)
    quick = many.sums(tiny, np.array([[1.0], [0.0]]), np.array([-1]), many_compiled.margins)
    assert quick.loss[0] == pytest.approx(np.exp(-40.0), rel=1e-14)
    curved = many.by_fold(tiny, np.array([[-1.0], [0.0]]), np.array([0]), np.eye(2)[None]).hessian[0][0, 0, 0]
    assert curved == pytest.approx(1600.0 * np.exp(-40.0), rel=1e-13)  # p (1 - p) with p = 1 to the last bit


def test_threads_and_repeats_give_the_same_bits():
    X, y, s, fold, held, theta = problem(1, m=9000, n=5)
    one, two = (rows_of(X, y, s, fold, len(held), threads) for threads in (1, 2))
    a, b, again = one.sums(theta, held), two.sums(theta, held), two.sums(theta, held)
    for left, right in ((a, b), (b, again)):
        assert left.gradient.tobytes() == right.gradient.tobytes()
        assert left.loss.tobytes() == right.loss.tobytes()
        assert left.held_loss.tobytes() == right.held_loss.tobytes()
    assert (one.passes, two.passes) == (1, 2)


def test_extent_is_the_largest_move_of_any_row():
    X, y, s, fold, held, theta = problem(2)
    rows = rows_of(X, y, s, fold, len(held))
    got = rows.extent(theta)
    framed = np.column_stack([X, np.ones(len(X))])
    np.testing.assert_allclose(got, np.abs(framed @ theta.T).max(axis=0), rtol=1e-13)


@pytest.mark.parametrize("compiled", [False, True])
def test_framed_rows_are_signed_centred_and_scaled(compiled):
    X, y, s, fold, held, theta = problem(7)
    frame = Scaling(np.array([1.0, -2.0, 0.5, 3.0]), np.array([2.0, 0.5, 1.0, 4.0]))
    got = rows_of(X, y, s, fold, len(held), frame=frame, compiled=compiled).sums(theta, held)
    w, b = frame.to_user(theta[0, :-1], float(theta[0, -1]))
    seen = plain(X, y, s, fold != held[0], np.append(w, b))
    assert got.loss[0] == pytest.approx(seen.loss, rel=1e-12)
