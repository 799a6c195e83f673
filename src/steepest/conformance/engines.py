"""`check_engine`: does an engine show every row once, in order, unaltered, and add up to the same bits every time?"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from steepest.conformance.verdict import require, same
from steepest.objective import Engine
from steepest.types import Block, Floats

__all__ = ["MakeEngine", "check_engine"]

MakeEngine = Callable[[NDArray[Any], Floats, Floats | None], Engine]


def check_engine(make_engine: MakeEngine, *twins: MakeEngine, rows: int = 100_000) -> None:
    """Raise AssertionError unless `make_engine(X, y, weight)` holds rows as `steepest.objective.Engine` says.

    `twins` are further makers that must give the same bits: more threads, another place for the same blocks. `rows`
    is the length of the largest table tried, of 3 columns; take it large enough for several blocks.

    >>> from functools import partial
    >>> from steepest.engines import MemoryEngine
    >>> check_engine(partial(MemoryEngine, threads=1), partial(MemoryEngine, threads=2))
    """
    for m in (1, 2, 17, rows):
        _shows_every_row_once(make_engine, m)
        _knows_its_weight(make_engine, m)
    X, y, weight = _table(rows)
    expected = make_engine(X, y, weight).sum(_bits)
    for maker in (make_engine, make_engine, *twins):
        engine = maker(X, y, weight)
        for _ in range(2):
            same("the sums of another run, or of a twin,", engine.sum(_bits), expected)
    _reads_any_layout(make_engine, min(rows, 20_000))
    _lets_errors_through(make_engine, X, y, weight)


@dataclass(frozen=True)
class _Seen:
    """What a block showed; `+` keeps the order of the operands, so the order of the tree is seen as well."""

    pieces: tuple[tuple[int, Floats, Floats, Floats | None], ...]

    def __add__(self, other: _Seen) -> _Seen:
        return _Seen(self.pieces + other.pieces)


def _look(block: Block) -> _Seen:
    weight = None if block.weight is None else np.array(block.weight)
    require(block.X.dtype == np.float64, f"a block must hold float64 rows, not {block.X.dtype}")
    return _Seen(((block.start, np.array(block.X), np.array(block.y), weight),))


def _shows_every_row_once(make_engine: MakeEngine, m: int) -> None:
    """Blocks follow each other without a gap; their rows, targets and weights are those of the table."""
    X, y, weight = _table(m)
    for weights in (weight, None):
        engine = make_engine(X, y, weights)
        require((engine.m, engine.n) == X.shape, f"m, n are {engine.m}, {engine.n} for a table of shape {X.shape}")
        next_row = 0
        for start, rows, targets, seen in engine.sum(_look).pieces:
            where = f"of the block at row {start} of {m}"
            require(start == next_row, f"a block starts at row {start}, expected {next_row}: a gap, or out of order")
            stop = next_row = start + len(targets)
            require(stop <= m, f"the blocks show {stop} rows of a table of {m}")
            same(f"X {where}", rows, X[start:stop])
            same(f"y {where}", targets, y[start:stop])
            require((seen is None) == (weights is None), f"weight {where} must be None if, and only if, there is none")
            if seen is not None and weights is not None:
                same(f"weight {where}", seen, weights[start:stop])
        require(next_row == m, f"the blocks show {next_row} rows of a table of {m}")


def _knows_its_weight(make_engine: MakeEngine, m: int) -> None:
    X, y, weight = _table(m)
    bare = make_engine(X, y, None).total_weight
    require(bare == m, f"total_weight is {bare} without weights, expected the {m} rows")
    seen, expected = make_engine(X, y, weight).total_weight, float(weight.sum())
    require(abs(seen - expected) <= 1e-13 * expected, f"total_weight is {seen}, expected {expected}")


def _reads_any_layout(make_engine: MakeEngine, m: int) -> None:
    """Other dtypes, orders and homes of the same numbers give the same bits; the table is not written to."""
    whole = np.random.default_rng(1).integers(-100, 100, (m, 3)).astype(np.int8)
    y, weight = _table(m)[1:]
    y.flags.writeable = weight.flags.writeable = False
    for dtype in (np.float64, np.float32, np.int8, np.uint8, np.bool_, np.int64):
        X = whole.astype(dtype)
        twice = np.zeros((2 * m, 6), dtype=dtype)
        twice[::2, 1::2] = X
        layouts = {"read-only": X.copy(), "strided": twice[::2, 1::2], "F-ordered": np.asfortranarray(X)}
        layouts["read-only"].flags.writeable = False
        expected = make_engine(X.astype(np.float64), y, weight).sum(_bits)
        same(f"the sums of a table of {X.dtype}", make_engine(X, y, weight).sum(_bits), expected)
        for layout, table in layouts.items():
            same(f"the sums of {layout} rows of {X.dtype}", make_engine(table, y, weight).sum(_bits), expected)
    with tempfile.TemporaryDirectory() as folder:
        np.save(Path(folder) / "rows.npy", whole.astype(np.float64))
        mapped = np.load(Path(folder) / "rows.npy", mmap_mode="r")
        expected = make_engine(whole.astype(np.float64), y, weight).sum(_bits)
        same("the sums of memory-mapped rows", make_engine(mapped, y, weight).sum(_bits), expected)
        del mapped


def _lets_errors_through(make_engine: MakeEngine, X: NDArray[Any], y: Floats, weight: Floats) -> None:
    """An exception inside a block reaches whoever asked, and the engine still works afterwards."""
    engine = make_engine(X, y, weight)

    def fail(block: Block) -> Floats:
        if block.start + len(block.y) == len(y):
            raise ZeroDivisionError("the last block fails")
        return _bits(block)

    try:
        engine.sum(fail)
    except ZeroDivisionError:
        pass
    else:
        raise AssertionError("an exception in the last block did not reach the caller of sum")
    same("the sums after an exception", engine.sum(_bits), make_engine(X, y, weight).sum(_bits))


def _bits(block: Block) -> Floats:
    """Totals whose last bits depend on how rows are grouped, though not on the memory layout of a block."""
    rows = np.ascontiguousarray(block.X)
    s = np.ones(len(block.y)) if block.weight is None else block.weight
    return np.append((rows * (s * (block.y - 0.3))[:, None]).sum(axis=0), float((s * s).sum()))


def _table(m: int) -> tuple[Floats, Floats, Floats]:
    rng = np.random.default_rng(m)
    return rng.standard_normal((m, 3)), rng.random(m), rng.random(m) + 0.25
