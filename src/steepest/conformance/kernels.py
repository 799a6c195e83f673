"""`check_kernel`: is a kernel right? Against known values, its own derivatives, and the laws of sums.

The measure is never another kernel: the constants come from 60-digit arithmetic (mpmath 1.4.1), and the rest are laws
that hold for whatever is a sum over rows of a function of z = w'x + b.
"""

from __future__ import annotations

from dataclasses import fields, replace
from itertools import pairwise
from typing import Any

import numpy as np

from steepest.conformance.known_rows import ALONG_V, ROWS, SINGLE, STEPS, TIMES_V, TOTALS, B, C, V, W
from steepest.conformance.verdict import near, require
from steepest.kernels import Kernel
from steepest.types import Block, Floats, Sums

__all__ = ["check_kernel"]

ROUGH = 1e-7  # central differences with steps of 1e-5 are right to some 1e-9


def check_kernel(kernel: Kernel, tolerance: float = 2e-15) -> None:
    """Raise AssertionError unless `kernel` computes the sums of `steepest.types.Sums` (and its two other questions).

    `tolerance` is what a total may be off by, relative to its largest entry; a kernel in float32 needs some 1e-6.

    >>> from steepest.kernels import KERNELS, Kernel, vectorised
    >>> check_kernel(KERNELS["loop"])
    >>> def ascending(block, w, b, order):
    ...     total = vectorised.sums(block, w, b, order)
    ...     return total if order == 0 else replace(total, dw=-total.dw)
    >>> wrong = Kernel("ascending", ascending, vectorised.hessian_times, vectorised.along)
    >>> check_kernel(wrong)  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    AssertionError: kernel 'ascending': dw (order 1) of eight known rows is ...
    """
    name = f"kernel {kernel.name!r}"
    _known_rows(kernel, name, tolerance)
    _known_single_rows(kernel, name, tolerance)
    _known_weights(kernel, name, tolerance)
    for seed, rows in ((0, 40), (1, 40), (2, 701)):
        block, w, b, v, c = _random(seed, rows)
        _slopes_are_slopes(kernel, name, block, w, b)
        _asides_follow_from_sums(kernel, name, (block, w, b, v, c), tolerance)
        _sums_add(kernel, name, block, w, b, tolerance)
        _symmetries(kernel, name, block, w, b, tolerance)
        _offsets(kernel, name, (block, w, b, v, c), tolerance)
    _layouts(kernel, name, tolerance)
    _extremes(kernel, name)


def _known_rows(kernel: Kernel, name: str, tolerance: float) -> None:
    """The totals that were written down; orders leave out what was not asked for; nothing given is changed."""
    block = _frozen(ROWS)
    w, v, steps = (_read_only(each) for each in (W, V, STEPS))
    for order, left_out in ((0, ("dw", "ddw", "dwdb")), (1, ("ddw", "dwdb")), (2, ())):
        got = kernel.sums(block, w, B, order)
        require(isinstance(got, Sums), f"{name}: sums must be a Sums, not {type(got).__name__}")
        require(got.errors == TOTALS.errors, f"{name}: {got.errors} errors in eight known rows, expected 4")
        for part in fields(Sums):
            value, truth = getattr(got, part.name), getattr(TOTALS, part.name)
            if part.name in left_out:
                require(value is None, f"{name}: {part.name} must be None at order {order}, it was not asked for")
            elif not (part.name in ("db", "ddb") and order < (1 if part.name == "db" else 2)):
                near(f"{name}: {part.name} (order {order}) of eight known rows", value, truth, tolerance)
        for array in (got.dw, got.ddw, got.dwdb):
            require(array is None or array.dtype == np.float64, f"{name}: sums must be float64 arrays")
    product = kernel.hessian_times(block, w, B, v, C)
    near(f"{name}: hessian_times of eight known rows", [*product.dw, product.db], TIMES_V, tolerance)
    near(f"{name}: along of eight known rows", kernel.along(block, w, B, v, C, steps), ALONG_V, tolerance)


def _known_single_rows(kernel: Kernel, name: str, tolerance: float) -> None:
    """One row at a time, so that nothing large hides an error in something small."""
    for z, y, loss, dz, curvature in SINGLE:
        row = Block(np.array([[0.5]]), np.array([y]), np.array([2.0]))
        w = np.array([2.0 * z - 0.5])
        got, at = kernel.sums(row, w, 0.25, 2), f"of one row at z = {z}, y = {y}"
        wrong = int((2.0 * y - 1.0) * z <= 0.0)
        require(got.errors == wrong, f"{name}: {got.errors} errors {at}, expected {wrong}")
        grid = y if z > 0.0 else 0.0  # 1 - a is below the floats' grid there: what counts is a = dz + y
        near(f"{name}: loss {at}", got.loss, 2.0 * loss, tolerance)
        near(f"{name}: db {at}", 0.5 * got.db + grid, dz + grid, tolerance)
        near(f"{name}: dw {at}", np.asarray(got.dw) + grid, [dz + grid], tolerance)
        near(f"{name}: ddb {at}", got.ddb, 2.0 * curvature, 2.0 * tolerance)
        near(f"{name}: dwdb {at}", got.dwdb, [curvature], 2.0 * tolerance)
        near(f"{name}: ddw {at}", got.ddw, [[0.5 * curvature]], 2.0 * tolerance)
        times = kernel.hessian_times(row, w, 0.25, np.array([2.0]), 1.0)
        near(
            f"{name}: hessian_times {at}", [times.dw[0], times.db], [2.0 * curvature, 4.0 * curvature], 2.0 * tolerance
        )
        along = kernel.along(row, np.zeros(1), 0.25, w, 0.0, np.array([1.0]))
        near(f"{name}: along {at}", along, [2.0 * loss], tolerance)


def _known_weights(kernel: Kernel, name: str, tolerance: float) -> None:
    """Integer weights are repeated rows, no weights are ones, a row of weight 0 changes nothing at all."""
    counts = np.array([1, 2, 3, 0, 1, 1, 2, 0])
    weighted = Block(ROWS.X, ROWS.y, counts.astype(np.float64))
    repeated = Block(np.repeat(ROWS.X, counts, axis=0), np.repeat(ROWS.y, counts))
    everything, often = _everything(kernel, weighted, W, B), _everything(kernel, repeated, W, B)
    often["errors"] = everything["errors"]  # rows are counted, not their weights
    _compare(f"{name}: weights against repeated rows", everything, often, tolerance)
    ones = Block(ROWS.X, ROWS.y, np.ones(8))
    bare = _everything(kernel, Block(ROWS.X, ROWS.y), W, B)
    _compare(f"{name}: weights of 1 against none", _everything(kernel, ones, W, B), bare, tolerance)
    other = ROWS.X.copy()
    other[counts == 0] = 1e6
    moved = _everything(kernel, replace(weighted, X=other, y=np.where(counts == 0, 1.0 - ROWS.y, ROWS.y)), W, B)
    _compare(f"{name}: a row of weight 0 replaced by another", moved, everything, tolerance)


def _slopes_are_slopes(kernel: Kernel, name: str, block: Block, w: Floats, b: float) -> None:
    """dw, db by differences of losses; the Hessian by differences of dw, db."""
    got, n, h = kernel.sums(block, w, b, 2), len(w), 1e-5
    first, second = np.empty(n + 1), np.empty((n + 1, n + 1))
    for j, direction in enumerate(np.eye(n + 1)):
        up, down = (kernel.sums(block, w + t * direction[:n], b + t * direction[n], 1) for t in (h, -h))
        first[j] = (up.loss - down.loss) / (2.0 * h)
        second[j] = (_gradient(up) - _gradient(down)) / (2.0 * h)
    near(f"{name}: (dw, db) against central differences of the loss", _gradient(got), first, ROUGH)
    near(f"{name}: the Hessian against central differences of (dw, db)", _hessian(got), second, ROUGH)


def _asides_follow_from_sums(kernel: Kernel, name: str, case: Any, tolerance: float) -> None:
    """hessian_times is the Hessian times the direction; along are the losses at the moved points; orders agree."""
    block, w, b, v, c = case
    got = kernel.sums(block, w, b, 2)
    product = kernel.hessian_times(block, w, b, v, c)
    expected = _hessian(got) @ np.append(v, c)
    near(f"{name}: hessian_times against Hessian times v", [*product.dw, product.db], expected, 20.0 * tolerance)
    steps = np.array([-0.5, 0.0, 0.25, 2.0])
    losses = [kernel.sums(block, w + t * v, b + t * c, 0).loss for t in steps]
    near(
        f"{name}: along against losses at the moved points",
        kernel.along(block, w, b, v, c, steps),
        losses,
        20.0 * tolerance,
    )
    for order in (0, 1):
        lower = kernel.sums(block, w, b, order)
        near(f"{name}: the loss at order {order} against order 2", lower.loss, got.loss, tolerance)
    near(f"{name}: (dw, db) at order 1 against order 2", _gradient(lower), _gradient(got), tolerance)


def _sums_add(kernel: Kernel, name: str, block: Block, w: Floats, b: float, tolerance: float) -> None:
    """The sums of parts add up to the sums of the whole, whatever the parts; where rows stand does not matter."""
    whole, m = _everything(kernel, block, w, b), len(block.y)
    for cuts in ((*range(0, m, 60), m), (0, 1, m), (0, m - 1, m), (0, m // 3, m // 3, m), (0, 0, m // 2, m, m)):
        parts = [_everything(kernel, _rows(block, i, k), w, b) for i, k in pairwise(cuts)]
        added = {part: sum(each[part] for each in parts[1:]) + parts[0][part] for part in whole}
        _compare(f"{name}: parts of the rows cut at {cuts} added up", added, whole, 4.0 * tolerance)
    elsewhere = _everything(kernel, replace(block, start=10**6), w, b)
    _compare(f"{name}: the same rows elsewhere in the table", elsewhere, whole, 0.0)


def _symmetries(kernel: Kernel, name: str, block: Block, w: Floats, b: float, tolerance: float) -> None:
    """Columns in another order: dw in that order. Labels and weights flipped: slopes flipped, losses as they were."""
    got, order = kernel.sums(block, w, b, 2), np.arange(len(w))[::-1]
    swapped = kernel.sums(replace(block, X=block.X[:, order]), w[order], b, 2)
    dw, ddw, dwdb = np.asarray(got.dw), np.asarray(got.ddw), np.asarray(got.dwdb)
    near(f"{name}: dw of swapped columns", swapped.dw, dw[order], 20.0 * tolerance)
    near(f"{name}: dwdb of swapped columns", swapped.dwdb, dwdb[order], 20.0 * tolerance)
    near(f"{name}: ddw of swapped columns", swapped.ddw, ddw[np.ix_(order, order)], 20.0 * tolerance)
    flipped = kernel.sums(replace(block, y=1.0 - block.y), -w, -b, 2)
    near(f"{name}: the loss with labels and weights flipped", flipped.loss, got.loss, 20.0 * tolerance)
    near(f"{name}: (dw, db) with labels and weights flipped", _gradient(flipped), -_gradient(got), 20.0 * tolerance)
    near(f"{name}: the Hessian with labels and weights flipped", _hessian(flipped), _hessian(got), 20.0 * tolerance)
    require(flipped.errors == got.errors, f"{name}: {flipped.errors} errors with all flipped, {got.errors} before")


def _offsets(kernel: Kernel, name: str, case: Any, tolerance: float) -> None:
    """An offset is a column of weight 1 that directions leave alone."""
    block, w, b, v, c = case
    away = np.linspace(-2.0, 3.0, len(block.y))
    moved, column = replace(block, offset=away), replace(block, X=np.column_stack([block.X, away]))
    seen, twin = kernel.sums(moved, w, b, 2), kernel.sums(column, np.append(w, 1.0), b, 2)
    near(f"{name}: the loss with an offset", seen.loss, twin.loss, 20.0 * tolerance)
    dw, ddw = np.asarray(twin.dw)[:-1], np.asarray(twin.ddw)[:-1, :-1]
    near(f"{name}: (dw, db) with an offset", _gradient(seen), np.append(dw, twin.db), 20.0 * tolerance)
    near(f"{name}: ddw with an offset", seen.ddw, ddw, 20.0 * tolerance)
    held, held_v = np.append(w, 1.0), np.append(v, 0.0)
    times, other = kernel.hessian_times(moved, w, b, v, c), kernel.hessian_times(column, held, b, held_v, c)
    near(f"{name}: hessian_times with an offset", times.dw, other.dw[:-1], 20.0 * tolerance)
    steps = np.array([0.0, 1.0])
    losses = kernel.along(column, held, b, held_v, c, steps)
    near(f"{name}: along with an offset", kernel.along(moved, w, b, v, c, steps), losses, 20.0 * tolerance)


def _layouts(kernel: Kernel, name: str, tolerance: float) -> None:
    """Column-major and strided rows mean the same table."""
    block, w, b, *_ = _random(3)
    plain, m = _everything(kernel, block, w, b), len(block.y)
    wide = np.zeros((2 * m, 2 * len(w)))
    wide[::2, 1::2] = block.X
    for layout, X in (("F-ordered", np.asfortranarray(block.X)), ("strided", wide[::2, 1::2])):
        seen = _everything(kernel, _frozen(replace(block, X=X)), w, b)
        _compare(f"{name}: {layout} rows", seen, plain, 20.0 * tolerance)


def _extremes(kernel: Kernel, name: str) -> None:
    """Finite rows whose z is finite give finite sums, however large z is."""
    block = Block(np.array([[1.0], [-1.0], [0.5]]), np.array([1.0, 0.0, 0.25]), np.array([1.0, 0.5, 2.0]))
    for size in (40.0, 800.0, 1e15, 1e300):
        for w in (np.array([size]), np.array([-size])):
            for part, value in _everything(kernel, block, w, 0.5).items():
                require(bool(np.isfinite(value).all()), f"{name}: {part} is {value} at w = {w[0]}, it must be finite")


def _everything(kernel: Kernel, block: Block, w: Floats, b: float) -> dict[str, Any]:
    """All parts of all three answers by name."""
    total = kernel.sums(block, w, b, 2)
    product = kernel.hessian_times(block, w, b, 0.5 - w, 0.25)
    parts = {part.name: np.asarray(getattr(total, part.name)) for part in fields(Sums)}
    along = kernel.along(block, w, b, np.full(len(w), 0.5), -1.0, np.array([0.5, 1.0]))
    return {**parts, "hessian_times": np.append(product.dw, product.db), "along": along}


def _compare(what: str, seen: dict[str, Any], expected: dict[str, Any], tolerance: float) -> None:
    for part, truth in expected.items():
        near(f"{what}: {part}", seen[part], truth, tolerance)


def _gradient(total: Sums) -> Floats:
    return np.append(np.asarray(total.dw), total.db)


def _hessian(total: Sums) -> Floats:
    dwdb = np.asarray(total.dwdb)[:, None]
    return np.block([[np.asarray(total.ddw), dwdb], [dwdb.T, np.array([[total.ddb]])]])


def _random(seed: int, m: int = 40) -> tuple[Block, Floats, float, Floats, float]:
    """Rows of four columns with weights, a third of the targets fractions; w, b and a direction."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((m, 4)) * [1.0, 3.0, 0.2, 1.0]
    y = np.where(rng.random(m) < 0.3, rng.random(m), rng.integers(0, 2, m).astype(np.float64))
    weight = rng.random(m) + 0.5
    return Block(X, y, weight), rng.standard_normal(4), 0.3, rng.standard_normal(4), -0.7


def _rows(block: Block, i: int, k: int) -> Block:
    weight = None if block.weight is None else block.weight[i:k]
    return Block(block.X[i:k], block.y[i:k], weight, block.start + i)


def _read_only(values: Floats) -> Floats:
    kept = values.copy(order="K")
    kept.flags.writeable = False
    return kept


def _frozen(block: Block) -> Block:
    """The block with arrays that cannot be written to."""
    weight = None if block.weight is None else _read_only(block.weight)
    return replace(block, X=_read_only(block.X), y=_read_only(block.y), weight=weight)
