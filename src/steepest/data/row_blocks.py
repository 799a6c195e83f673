"""Rows on their way to a model, some thousand at a time: `RowBlock`, wherever they come from.

Whatever can be cut into such blocks can be predicted and verified in constant memory, whoever reads it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from steepest.types import Floats

__all__ = ["Coded", "Found", "RowBlock", "block_of_array", "rows_together"]

MOST_ROWS, MOST_CELLS = 4096, 1 << 19  # of a block: cells of text are some 60 bytes each while they are read


@dataclass(frozen=True, slots=True, eq=False)
class Coded:
    """Texts by their places in `levels`; codes (rows,), -1 for missing."""

    codes: NDArray[Any]
    levels: tuple[str, ...]


Found: TypeAlias = Floats | Coded


@dataclass(frozen=True, slots=True, eq=False)
class RowBlock:
    """m consecutive rows, the first of which is number `start` (from 0): columns by name.

    A column is numbers, NaN where one is missing, or `Coded` texts. `place(i)` says in words where row i was read.
    """

    start: int
    m: int
    columns: Mapping[str, Found]
    place: Callable[[int], str]


def rows_together(columns: int) -> int:
    """Rows of a block of that many columns."""
    return max(1, min(MOST_ROWS, MOST_CELLS // max(1, columns)))


def block_of_array(X: NDArray[Any], names: Sequence[str]) -> RowBlock:
    """The rows of X (m, n), whose columns are called `names`, as one block.

    >>> block_of_array(np.array([[1.0, 2.0]]), ["a", "b"]).columns["b"]
    array([2.])
    """
    columns = {name: np.asarray(X[:, j], dtype=np.float64) for j, name in enumerate(names)}
    return RowBlock(0, len(X), columns, lambda i: f"row {i}")
