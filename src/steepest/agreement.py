"""Do all ways to compute agree on this very table? One line per pair, with the distance measured and what is allowed.

The textbook loop (`kernels/loop.py`) is the referee of the kernels; the graph of one example is read beside it. A
term of one example is compared at the same z: to that end z is handed to both as a column of its own with weight 1,
since a last-bit difference of a large z is a large one of exp(z). How far the sums w'x + b themselves may differ has
its own line, and totals at (w, b) are measured by the sum of the absolute values of everything that was added up,
products w x inside z included.

Parameters are drawn at four sizes: 0, weights of the order that gives |z| near 1, near 30, and near 700.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from steepest import formulas
from steepest.data import as_rows, encode_labels
from steepest.driver import StopRules, drive
from steepest.engines import MemoryEngine
from steepest.gram import GramObjective
from steepest.kernels import KERNELS, loop, mixed, mixed_compiled
from steepest.mixed_rows import HeldRows, Layout, MixedBlock
from steepest.objective import Objective
from steepest.penalties import L2
from steepest.solvers import METHODS
from steepest.teach.graph import graph
from steepest.types import Block, Floats, Sums

__all__ = ["Agreement", "agreement_table"]

Parameters: TypeAlias = tuple[Floats, float]

PER_TERM = 4.0  # ulps
TOTALS = 1e-15  # of the sum of absolute values
CODES = 1e-14  # likewise, of levels: rows are added to them one by one, and equal rows all round the same way
DESCENT = 1e-12  # of the largest weight, after STEPS steps
STEPS = 50
SIZES = (0.0, 1.0, 30.0, 700.0)  # the order of |z|
LOOP_ELEMENTS = 20_000  # the loop takes some ten microseconds for each number
GRAPH_ROWS, GRAPH_COLUMNS = 20, 200
GRAM_ROWS = 200
LEVELS = 4  # that a column is cut into
ALL_ELEMENTS = 2_000_000  # of rows that the fast kernel reads


@dataclass(frozen=True, slots=True)
class Agreement:
    """One comparison: what was compared, how far apart (in `unit`), how far is allowed, whether that holds."""

    what: str
    value: float
    unit: str
    bound: float
    holds: bool


def agreement_table(X: ArrayLike, y: ArrayLike, *, seed: int = 0) -> tuple[Agreement, ...]:
    """Compare all kernels, the graph, row space, threads, block sizes and memory orders on the rows of X (m, n).

    Of a large table a sample of rows is read, drawn by `seed`, so that it takes seconds. Raises DataError for data
    that cannot be fitted.

    >>> rng = np.random.default_rng(0)
    >>> table = agreement_table(rng.standard_normal((30, 3)), rng.integers(0, 2, 30))
    >>> all(line.holds for line in table)
    True
    """
    rows = as_rows(X)
    target, _ = encode_labels(y, len(rows))
    rng = np.random.default_rng(seed)
    many = _sample(rows, target.astype(np.float64), ALL_ELEMENTS // rows.shape[1], rng)
    few = _sample(many.X, many.y, min(200, LOOP_ELEMENTS // rows.shape[1]), rng)
    thetas = [_parameters(many.X, size, rng) for size in SIZES]
    with np.errstate(over="ignore", invalid="ignore", under="ignore"):
        lines = [*_terms(few, thetas), *_graphs(few, thetas), *_totals(few, thetas)]
        lines += [*_codes(_sample(few.X, few.y, LOOP_ELEMENTS // (few.X.shape[1] * LEVELS), rng), thetas)]
        lines += [*_row_space(_sample(many.X, many.y, GRAM_ROWS, rng)), *_engines(many, thetas)]
    return tuple(lines)


def _terms(block: Block, thetas: list[Parameters]) -> Iterator[Agreement]:
    """Loss, dz and x dz of each example, loop against every other kernel, at the same z; and z itself."""
    m, n = block.X.shape
    for name, kernel in KERNELS.items():
        if name == "loop":
            continue
        worst, apart = dict.fromkeys(("loss", "dz", "dz·x_j"), 0.0), 0.0
        for w, b in thetas:
            Z = np.matmul(block.X, w) + b
            for i in range(m):
                row = Block(np.append(block.X[i], Z[i])[None, :], block.y[i : i + 1])
                alone = np.append(np.zeros(n), 1.0)
                seen, referee = kernel.sums(row, alone, 0.0, 1), loop.sums(row, alone, 0.0, 1)
                for what, ulps in zip(worst, _term_ulps(seen, referee, row), strict=True):
                    worst[what] = max(worst[what], ulps)
                size = float(np.abs(block.X[i]) @ np.abs(w)) + abs(b)
                apart = max(apart, abs(Z[i] - loop.forward(block.X[i], w, b)) / size if size else 0.0)
        for what, ulps in worst.items():
            yield _line(f"loop and {name}: {what} of each example", ulps, "ulp", PER_TERM)
        unit = "of |w₁x₁| + … + |b|"
        yield _line(f"loop and {name}: z of each example", apart, unit, max(TOTALS, np.finfo(float).eps * np.sqrt(n)))


def _term_ulps(seen: Sums, referee: Sums, row: Block) -> tuple[float, float, float]:
    """Of loss, dz and x dz of one row; dz = a - y lies on the grid of the floats near y, or on a finer one if y = 0."""
    y = float(row.y[0])
    return (
        _ulps(seen.loss, referee.loss),
        _ulps(seen.db, referee.db, y),
        _ulps(np.asarray(seen.dw), np.asarray(referee.dw), y * np.abs(row.X[0])),
    )


def _graphs(block: Block, thetas: list[Parameters]) -> Iterator[Agreement]:
    """Loss, dz and dw of each example, the chain of the graph against the loop, at the same z."""
    n = min(block.X.shape[1], GRAPH_COLUMNS)
    worst = dict.fromkeys(("loss", "dz", "dz·x_j"), 0.0)
    for w, b in thetas:
        Z = np.matmul(block.X, w) + b
        for i in range(min(len(block.y), GRAPH_ROWS)):
            x, alone = np.append(block.X[i, :n], Z[i]), np.append(np.zeros(n), 1.0)
            values = graph(x, float(block.y[i]), alone, 0.0).values
            dw = np.array([values[f"dw{j + 1}"] for j in range(n + 1)])
            seen = Sums(1.0, values["L"], 0, dw, values["dz"])
            row = Block(x[None, :], block.y[i : i + 1])
            referee = loop.sums(row, alone, 0.0, 1)
            for what, ulps in zip(worst, _term_ulps(seen, referee, row), strict=True):
                worst[what] = max(worst[what], ulps)
    for what, ulps in worst.items():
        yield _line(f"loop and graph: {what} of each example", ulps, "ulp", PER_TERM)


def _totals(block: Block, thetas: list[Parameters]) -> Iterator[Agreement]:
    for name, kernel in KERNELS.items():
        if name != "loop":
            apart = [_apart(kernel.sums(block, *at, 1), loop.sums(block, *at, 1), block, at) for at in thetas]
            yield _line(f"loop and {name}: J, dw, db over {len(block.y)} rows", max(apart), "of Σ|terms|", TOTALS)


def _codes(block: Block, thetas: list[Parameters]) -> Iterator[Agreement]:
    """Each column cut into levels: kernels of codes against the loop on the same rows written out."""
    m, n = block.X.shape
    edges = np.quantile(block.X, np.arange(1, LEVELS) / LEVELS, axis=0)
    layout = Layout.of(n * LEVELS, range(n), [(n + j * (LEVELS - 1), LEVELS - 1) for j in range(n)])
    slots = np.stack([layout.base[j] + np.searchsorted(edges[:, j], block.X[:, j]) for j in range(n)], axis=1)
    rows = HeldRows(layout, block.X, slots.astype(np.int32))
    coded: Any = MixedBlock(rows, 0, m)
    written = Block(rows.dense(), block.y)
    rng = np.random.default_rng(m)
    for kernel in (mixed, mixed_compiled):
        apart = 0.0
        for w, b in thetas:
            at = np.append(w, rng.standard_normal(layout.n - n)), b
            seen, referee = kernel.sums(Block(coded, block.y), *at, 1), loop.sums(written, *at, 1)
            apart = max(apart, _apart(seen, referee, written, at))
        name = kernel.__name__.rpartition(".")[2]
        yield _line(f"loop and {name}: J, dw, db over {m} rows with categories", apart, "of Σ|terms|", CODES)


def _row_space(block: Block) -> Iterator[Agreement]:
    """The iterates of descent in the space of the rows against those of plain descent."""
    n = block.X.shape[1]
    base = Objective(MemoryEngine(block.X, block.y, threads=1), penalty=L2(0.01))
    largest = float(np.linalg.norm(np.column_stack([block.X, np.ones(len(block.y))]), 2)) ** 2 / 4.0 / len(block.y)
    weights = []
    for oracle in (base, GramObjective.of(base, np.zeros(n))):
        start = oracle.theta(np.zeros(n), 0.0)
        run = drive(METHODS["gd"].start(start, 1.0 / (largest + 0.01)), oracle, StopRules(STEPS))
        weights.append(np.append(*oracle.weights(run.last.theta)))
    plain, spanned = weights
    size = float(np.max(np.abs(plain))) or 1.0
    what = f"vectorised and gram: w, b after {STEPS} steps of descent, {len(block.y)} rows"
    yield _line(what, float(np.max(np.abs(plain - spanned))) / size, "of the largest", DESCENT)


def _engines(block: Block, thetas: list[Parameters]) -> Iterator[Agreement]:
    """Threads and block sizes: the same bits. Leaves and memory orders: the same up to the grouping of the sums."""
    m = len(block.y)

    def totals(X: Floats, threads: int, leaf_bytes: int, leaves: int = 1) -> list[Sums]:
        blocks = leaves * leaf_bytes
        engine = MemoryEngine(X, block.y, threads=threads, block_bytes=blocks, leaf_bytes=leaf_bytes)
        with engine.quiet_blas():
            return [engine.sum(functools.partial(_at, at)) for at in thetas]

    small = max(1, block.X.size // 32) * 8
    one = totals(block.X, 1, small)
    others = [totals(block.X, 2, small, leaves) for leaves in (1, 2, 8)]
    bits = sum(_different_bits(left, right) for two in others for left, right in zip(one, two, strict=True))
    yield _line(f"1 and 2 threads, three block sizes: J, dw, db over {m} rows", float(bits), "different numbers", 0.0)
    sizes = [totals(block.X, 1, leaf_bytes) for leaf_bytes in (small // 4, 4 * small, 64 * small)]
    apart = max(_apart(*four) for other in sizes for four in zip(one, other, [block] * len(one), thetas, strict=True))
    yield _line(f"four leaf sizes: J, dw, db over {m} rows", apart, "of Σ|terms|", TOTALS)
    columns = totals(np.asfortranarray(block.X), 1, small)
    apart = max(_apart(*four) for four in zip(one, columns, [block] * len(one), thetas, strict=True))
    yield _line(f"C and F order: J, dw, db over {m} rows", apart, "of Σ|terms|", TOTALS)


def _at(at: Parameters, block: Block) -> Sums:
    return KERNELS["vectorised"].sums(block, *at, 1)


def _apart(seen: Sums, referee: Sums, block: Block, at: Parameters) -> float:
    """How far two totals differ, in units of the sum of absolute values of all that they were made of."""
    w, b = at
    Z = np.matmul(block.X, w) + b
    inner = np.matmul(np.abs(block.X), np.abs(w)) + abs(b)  # what was added up for z
    # |a - y| of labels without its cancellation: of rows that are far on their side it is e^-|z|, not 0
    slope = block.y * formulas.sigmoid(-Z) + (1.0 - block.y) * formulas.sigmoid(Z)
    losses = formulas.loss(Z, block.y) + slope * inner
    slopes = slope + formulas.curvature(Z) * inner
    sizes = np.array([losses.sum(), slopes.sum(), *np.matmul(slopes, np.abs(block.X))])
    apart = np.abs(_numbers(seen) - _numbers(referee))
    return float(np.max(apart / np.where(sizes > 0.0, sizes, 1.0)))


def _numbers(total: Sums) -> Floats:
    return np.array([total.loss, total.db, *np.asarray(total.dw)])


def _different_bits(left: Sums, right: Sums) -> int:
    return int(np.count_nonzero(_numbers(left).view(np.int64) != _numbers(right).view(np.int64)))


def _ulps(seen: float | Floats, referee: float | Floats, size: float | Floats = 0.0) -> float:
    """The largest distance in units in the last place of the referee, or of `size` where that is larger; inf where one
    is not finite and they differ.
    """
    apart = np.abs(np.asarray(seen) - referee)
    same = np.asarray(seen) == referee
    return float(
        np.max(np.where(same, 0.0, np.nan_to_num(apart / np.spacing(np.maximum(np.abs(referee), size)), nan=np.inf)))
    )


def _line(what: str, value: float, unit: str, bound: float) -> Agreement:
    return Agreement(what, float(value), unit, float(bound), bool(value <= bound))


def _sample(X: Floats, y: Floats, most: int, rng: np.random.Generator) -> Block:
    """At most `most` rows (two at least), drawn without repetition, in their order, as float64."""
    most = max(2, most)
    if len(y) <= most:
        return Block(np.ascontiguousarray(X, dtype=np.float64), y)
    chosen = np.sort(rng.choice(len(y), most, replace=False))
    return Block(np.ascontiguousarray(X[chosen], dtype=np.float64), y[chosen])


def _parameters(X: Floats, size: float, rng: np.random.Generator) -> Parameters:
    """Random w, b with |z| of the order of `size` on these rows."""
    w = rng.standard_normal(X.shape[1]) / np.maximum(np.abs(X).max(axis=0), np.finfo(float).tiny)
    b = float(rng.standard_normal())
    typical = float(np.median(np.abs(np.matmul(X, w) + b))) or 1.0
    return w * (size / typical), b * (size / typical)
