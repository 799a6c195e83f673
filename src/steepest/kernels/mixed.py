"""Sums over rows of numbers and categories (`mixed_rows.py`) by calls to NumPy: the plain twin of `mixed_compiled.py`.

    z = numbers w + sum of w[slot]        dw[slot] += dz        Hessian: the numbers among themselves by a product,
    numbers by levels as weighted sums per level, levels by levels as contingency tables of the weights a(1 - a)

A level is there or not, so the table of two categories says all of their block; within a category it is diagonal.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from steepest import formulas
from steepest.kernels import vectorised
from steepest.mixed_rows import HeldRows, Layout, MixedBlock, parts_of
from steepest.types import Block, Floats, Product, Sums

__all__ = [
    "Gradient",
    "Look",
    "Second",
    "along",
    "forward",
    "hessian_times",
    "look",
    "products",
    "second",
    "summed",
    "sums",
]


@dataclass(frozen=True, slots=True, eq=False)
class Second:
    """Second derivatives of some rows as they are added up; `+` uses the left one up.

    inner (p + 1, p + 1)   numbers and the intercept among themselves
    mixed (N, p + 1)       slots by numbers and the intercept
    pairs (cells,)         slots of each category by those of smaller ones, as `Layout` says
    """

    inner: Floats
    mixed: Floats
    pairs: Floats

    @classmethod
    def empty(cls, layout: Layout) -> Second:
        """Nothing added yet."""
        p = layout.p
        return cls(np.zeros((p + 1, p + 1)), np.zeros((len(layout.columns), p + 1)), np.zeros(layout.cells))

    def __add__(self, other: Second) -> Second:
        for mine, theirs in ((self.inner, other.inner), (self.mixed, other.mixed), (self.pairs, other.pairs)):
            np.add(mine, theirs, out=mine)
        return self

    def whole(self, layout: Layout) -> tuple[Floats, Floats, float]:
        """ddw (n, n), dwdb (n,) and ddb, as in `Sums`."""
        n, numbers, columns, base = layout.n, layout.numbers, layout.columns, layout.base
        ddw = np.zeros((n + 1, n + 1))  # the last row and column are those of reference levels: dropped below
        for c in range(1, layout.k):
            start, stop = int(base[c]), int(base[c + 1])
            first = int(layout.row_of[start])
            table = self.pairs[first : first + (stop - start) * start].reshape(stop - start, start)
            ddw[columns[start:stop, None], columns[:start]] = table
            ddw[columns[:start, None], columns[start:stop]] = table.T
        ddw[columns, columns] = self.mixed[:, -1]
        ddw[columns[:, None], numbers] = self.mixed[:, :-1]
        ddw[numbers[:, None], columns] = self.mixed[:, :-1].T
        ddw[numbers[:, None], numbers] = self.inner[:-1, :-1]
        dwdb = layout.joined(self.inner[-1, :-1], self.mixed[:, -1])
        return ddw[:n, :n], dwdb, float(self.inner[-1, -1])


@dataclass(frozen=True, slots=True, eq=False)
class Gradient:
    """Sums of order 1 and, if they were asked for, second derivatives. Can be added."""

    sums: Sums
    second: Second | None = None

    def __add__(self, other: Gradient) -> Gradient:
        second = None if self.second is None or other.second is None else self.second + other.second
        return Gradient(self.sums + other.sums, second)

    def parts(self) -> list[Floats]:
        """Everything as arrays of floats, for whoever keeps it."""
        sums, second = self.sums, self.second
        numbers = np.array([sums.weight, sums.loss, float(sums.errors), sums.db])
        dw = [] if sums.dw is None else [sums.dw]
        return [numbers, *dw, *([] if second is None else [second.inner, second.mixed, second.pairs])]

    @classmethod
    def of(cls, parts: list[Floats]) -> Gradient:
        """What `parts` gave."""
        weight, loss, errors, db = parts[0].tolist()
        dw = parts[1] if len(parts) > 1 else None
        return cls(Sums(weight, loss, int(errors), dw, db), Second(*parts[2:5]) if len(parts) > 2 else None)


def summed(block: Block, w: Floats, b: float, order: int) -> Gradient:
    """Losses (order 0), with dw, db (1), with the second derivatives (2)."""
    X = _mixed(block)
    second_ = Second.empty(X.layout) if order == 2 else None
    total = Sums(0.0, 0.0, 0, np.zeros(X.layout.n) if order else None)
    for piece in X.pieces():
        y, s, o = parts_of(block, piece.part)
        Z = forward(piece.rows, w, b, o)
        seen, e = vectorised.totals(Z, y, s)
        if order:
            dZ = vectorised.slopes(Z, e, y, s)
            seen = Sums(seen.weight, seen.loss, seen.errors, _over_rows(piece.rows, dZ), float(dZ.sum()))
        if second_ is not None:
            h = e / (1.0 + e) / (1.0 + e)
            _add_second(piece.rows, h if s is None else h * s, second_)
        total = total + seen
    return Gradient(total, second_)


@dataclass(frozen=True, slots=True, eq=False)
class Look:
    """What is to be known of rows before anything is summed. Can be added.

    low, high (p,)   least and largest number of each column
    longest          row of (numbers - centre) / scale, squared; NaN if a number is
    counts (4, N)    per slot: rows that have a weight, those of them with y = 1, with y = 0, and their weights
    """

    low: Floats
    high: Floats
    longest: float
    counts: Floats

    def __add__(self, other: Look) -> Look:
        low, high = np.minimum(self.low, other.low), np.maximum(self.high, other.high)
        longest = float(np.maximum(self.longest, other.longest))  # not max(), which may lose a NaN
        return Look(low, high, longest, self.counts + other.counts)

    def parts(self) -> list[Floats]:
        """Everything as arrays of floats, for whoever keeps it."""
        return [self.low, self.high, np.array(self.longest), self.counts]

    @classmethod
    def of(cls, parts: list[Floats]) -> Look:
        """What `parts` gave."""
        low, high, longest, counts = parts
        return cls(low, high, float(longest), counts)


def look(block: Block, centre: Floats, inverse: Floats) -> Look:
    """Look at every row once; centre and 1 / scale (p,) are those of the numbers."""
    X = _mixed(block)
    low, high, longest = np.full(X.layout.p, np.inf), np.full(X.layout.p, -np.inf), 0.0
    counts = np.zeros((4, len(X.layout.columns)))
    for piece in X.pieces():
        y, s, _ = parts_of(block, piece.part)
        away = (piece.numbers - centre) * inverse
        longest = float(np.maximum(longest, np.einsum("ij,ij->i", away, away).max()))
        low, high = np.minimum(low, piece.numbers.min(axis=0)), np.maximum(high, piece.numbers.max(axis=0))
        weight = np.ones(len(y)) if s is None else s
        used = weight > 0.0
        for row, values in enumerate((used, used & (y == 1.0), used & (y == 0.0), weight)):
            counts[row] += _over_slots(piece.rows, values.astype(np.float64))
    return Look(low, high, longest, counts)


def products(block: Block) -> Second:
    """X'X of the rows that have a weight, each counted once."""
    X = _mixed(block)
    total = Second.empty(X.layout)
    for piece in X.pieces():
        _, s, _ = parts_of(block, piece.part)
        _add_second(piece.rows, np.ones(len(piece.numbers)) if s is None else (s > 0.0).astype(np.float64), total)
    return total


def second(block: Block, w: Floats, b: float, order: int, make: Callable[..., Gradient] = summed) -> Sums:
    """`Sums` with the second derivatives in full, for small tables and checks."""
    found = make(block, w, b, order)
    if found.second is None:
        return found.sums
    ddw, dwdb, ddb = found.second.whole(_mixed(block).layout)
    seen = found.sums
    return Sums(seen.weight, seen.loss, seen.errors, seen.dw, seen.db, ddw, dwdb, ddb)


def sums(block: Block, w: Floats, b: float, order: int) -> Sums:
    """As `types.Sums` says."""
    return second(block, w, b, order)


def hessian_times(block: Block, w: Floats, b: float, v: Floats, c: float) -> Product:
    """Sum of s a(1-a) x (x'v + c), and of s a(1-a) (x'v + c)."""
    X = _mixed(block)
    total = Product(np.zeros(X.layout.n), 0.0)
    for piece in X.pieces():
        _, s, o = parts_of(block, piece.part)
        moved = formulas.curvature(forward(piece.rows, w, b, o)) * forward(piece.rows, v, c, None)
        if s is not None:
            moved = moved * s
        total = total + Product(_over_rows(piece.rows, moved), float(moved.sum()))
    return total


def along(block: Block, w: Floats, b: float, v: Floats, c: float, steps: Floats) -> Floats:
    """Total loss at (w + t v, b + t c) for each t of `steps`."""
    total = np.zeros(len(steps))
    for piece in _mixed(block).pieces():
        y, s, o = parts_of(block, piece.part)
        Z, D = forward(piece.rows, w, b, o), forward(piece.rows, v, c, None)
        total += [vectorised.totals(Z + step * D, y, s)[0].loss for step in steps]
    return total


def _mixed(block: Block) -> MixedBlock:
    X: Any = block.X
    if not isinstance(X, MixedBlock):
        raise TypeError(f"this kernel sums rows of numbers and categories, not a {type(X).__name__}")
    return X


def forward(rows: HeldRows, w: Floats, b: float, offset: Floats | None) -> Floats:
    """Z of some rows."""
    of_numbers, of_slots = rows.layout.split(w)
    Z: Floats = rows.numbers @ of_numbers
    Z += b
    Z += of_slots[rows.slots].sum(axis=1)
    if offset is not None:
        Z += offset
    return Z


def _over_rows(rows: HeldRows, d: Floats) -> Floats:
    """X'd."""
    return rows.layout.joined(d @ rows.numbers, _over_slots(rows, d))


def _over_slots(rows: HeldRows, d: Floats) -> Floats:
    """(N,) the sums of d over the rows of each slot."""
    each = np.repeat(d, rows.layout.k)
    return np.bincount(rows.slots.ravel(), each, minlength=len(rows.layout.columns)).astype(np.float64, copy=False)


def _add_second(rows: HeldRows, h: Floats, into: Second) -> None:
    """X'diag(h)X, in the three parts of `Second`."""
    layout, slots = rows.layout, rows.slots
    framed = np.column_stack([rows.numbers, np.ones(len(h))])
    weighted = framed * h[:, None]
    np.add(into.inner, framed.T @ weighted, out=into.inner)
    for c in range(layout.k):
        np.add.at(into.mixed, slots[:, c], weighted)
        for d in range(c):
            np.add.at(into.pairs, layout.row_of[slots[:, c]] + slots[:, d], h)
