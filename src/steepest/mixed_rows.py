"""Rows of numbers and categories, in which a category stays what it is: the number of a level, never a row of zeros.

    numbers (rows, p)   the columns of X that are numbers
    slots (rows, k)     per category the place of the row's level among the levels of all categories

So z = numbers w[of the numbers] + the sum of the weights of k slots, p + k terms per row whatever the number of levels.
Every category has one slot more than columns of X, its last: for the reference level, which has no column, weight 0.
A block hands its rows out in pieces that stay in cache; whoever holds the rows fills them in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from steepest.types import Floats

__all__ = ["HeldRows", "Layout", "MixedBlock", "Piece", "Rows", "Slots", "parts_of"]

Slots = NDArray[np.int32]
PIECE_BYTES, MOST_ROWS, LEAST_ROWS = (
    1 << 20,
    4096,
    128,
)  # of a piece: calls cost little beside it, and it stays in cache


@dataclass(frozen=True, slots=True, eq=False)
class Layout:
    """Which of the n columns of X are numbers (p,), and which column each slot (N,) is, n for a reference level.

    Categories are sorted by size, small ones first: `base` (k + 1,) are their first slots, and the end. The pairs of
    levels that meet in a row are counted in one table per category, its levels by all slots of smaller categories: the
    row of a slot begins at cell `row_of`. So a row's cells of one category lie together: with the full matrix of levels
    each was on a page of its own, and three times as dear.
    """

    n: int
    numbers: NDArray[np.intp]
    base: NDArray[np.int64]
    columns: NDArray[np.intp]
    row_of: NDArray[np.int64]
    cells: int

    @classmethod
    def of(cls, n: int, numbers: Sequence[int], categories: Sequence[tuple[int, int]]) -> Layout:
        """From the columns of the numbers, and the first column and number of columns of each category in slot order.

        >>> layout = Layout.of(4, [1], [(0, 1), (2, 2)])
        >>> layout.base.tolist(), layout.columns.tolist(), layout.cells
        ([0, 2, 5], [0, 4, 2, 3, 4], 6)
        """
        sizes = np.array([width + 1 for _, width in categories], dtype=np.int64)
        base = np.append(0, np.cumsum(sizes)).astype(np.int64)
        columns = [np.append(np.arange(start, start + width), n) for start, width in categories]
        before = np.repeat(base[:-1], sizes)
        ends = np.cumsum(before)
        return cls(
            n, np.asarray(numbers, dtype=np.intp), base,
            np.concatenate([*columns, np.empty(0, dtype=np.intp)]).astype(np.intp),
            np.append(0, ends[:-1]).astype(np.int64) if len(ends) else np.empty(0, dtype=np.int64),
            int(ends[-1]) if len(ends) else 0,
        )  # fmt: skip

    @property
    def p(self) -> int:
        """Columns of numbers."""
        return len(self.numbers)

    @property
    def k(self) -> int:
        """Categories."""
        return len(self.base) - 1

    @property
    def terms(self) -> int:
        """Numbers that are added up for z, the intercept apart."""
        return self.p + self.k

    @property
    def piece(self) -> int:
        """Rows of a piece: by the shape alone, so that sums are grouped alike wherever the rows lie."""
        rows = PIECE_BYTES // max(1, 8 * self.p + 4 * self.k + 40)
        return max(LEAST_ROWS, min(MOST_ROWS, rows // 128 * 128))

    def split(self, w: Floats) -> tuple[Floats, Floats]:
        """w (n,) as weights of the numbers (p,), and of the slots (N,)."""
        return w[self.numbers], np.append(w, 0.0)[self.columns]

    def joined(self, of_numbers: Floats, of_slots: Floats) -> Floats:
        """(n,) from what belongs to the numbers and to the slots."""
        whole = np.zeros(self.n + 1)
        whole[self.columns] = of_slots
        whole[self.numbers] = of_numbers
        return whole[:-1]


class Rows(Protocol):
    """Whoever holds m rows of that layout."""

    @property
    def layout(self) -> Layout:
        """What the columns are."""

    def __len__(self) -> int: ...

    def read(self, start: int, stop: int, numbers: Floats, slots: Slots) -> None:
        """Fill numbers (rows, p) and slots (rows, k) with rows start … stop."""

    def take(self, index: NDArray[np.intp]) -> HeldRows:
        """Some rows, copied; `index` ascends."""


@dataclass(frozen=True, slots=True, eq=False)
class HeldRows:
    """Rows as they are wanted: a sample.

    >>> rows = HeldRows(Layout.of(3, [0], [(1, 2)]), np.array([[0.5], [1.5]]), np.array([[1], [2]], dtype=np.int32))
    >>> rows.dense().tolist()
    [[0.5, 0.0, 1.0], [1.5, 0.0, 0.0]]
    """

    layout: Layout
    numbers: Floats
    slots: Slots

    def __len__(self) -> int:
        return len(self.numbers)

    def read(self, start: int, stop: int, numbers: Floats, slots: Slots) -> None:
        """Fill in rows start … stop."""
        numbers[:], slots[:] = self.numbers[start:stop], self.slots[start:stop]

    def take(self, index: NDArray[np.intp]) -> HeldRows:
        """Some rows, copied."""
        return HeldRows(self.layout, self.numbers[index], self.slots[index])

    def dense(self) -> Floats:
        """(rows, n) as one matrix, for what is small."""
        layout, m = self.layout, len(self.numbers)
        whole = np.zeros((m, layout.n + 1))
        whole[:, layout.numbers] = self.numbers
        whole[np.arange(m)[:, None], layout.columns[self.slots]] = 1.0
        return whole[:, :-1]


@dataclass(frozen=True, slots=True, eq=False)
class Piece:
    """Some rows of a block, `part` of it; the arrays belong to the next piece as soon as that is asked for."""

    part: slice
    rows: HeldRows

    @property
    def numbers(self) -> Floats:
        """(rows, p)."""
        return self.rows.numbers

    @property
    def slots(self) -> Slots:
        """(rows, k)."""
        return self.rows.slots


@dataclass(frozen=True, slots=True, eq=False)
class MixedBlock:
    """Rows start … stop of `rows`, in place of the X of a block; `centre` (p,) is taken off the numbers.

    Once `given_up` says so, nobody waits for the block any more: reading it ends with an error that nobody sees.
    """

    rows: Rows
    start: int
    stop: int
    centre: Floats | None = None
    given_up: Callable[[], bool] | None = None

    @property
    def layout(self) -> Layout:
        """That of the rows."""
        return self.rows.layout

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, n)."""
        return self.stop - self.start, self.layout.n

    def __len__(self) -> int:
        return self.stop - self.start

    def __sub__(self, centre: Floats) -> Self:
        """X - centre, for a centre (n,) that is 0 on the levels."""
        return replace(self, centre=centre[self.layout.numbers])

    def pieces(self) -> Iterator[Piece]:
        """The rows, some at a time."""
        layout, step = self.layout, self.layout.piece
        numbers, slots = np.empty((step, layout.p)), np.empty((step, layout.k), dtype=np.int32)
        for i in range(self.start, self.stop, step):
            if self.given_up is not None and self.given_up():
                raise RuntimeError("the sum of which this block is a part was interrupted")
            stop = min(i + step, self.stop)
            some, where = numbers[: stop - i], slots[: stop - i]
            self.rows.read(i, stop, some, where)
            if self.centre is not None:
                some -= self.centre
            yield Piece(slice(i - self.start, stop - self.start), HeldRows(layout, some, where))


def parts_of(block: Any, part: slice) -> tuple[Floats, Floats | None, Floats | None]:
    """y, weight and offset of a piece of a block."""
    weight, offset = (None if of is None else of[part] for of in (block.weight, block.offset))
    return block.y[part], weight, offset
