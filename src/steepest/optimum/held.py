"""A table looked at by columns: all of them now and then, and the few that are held between those looks.

Where weights may be exactly 0, most are. What a step needs of X is then its product with the columns that matter:
    whole        z = Xv and X'r block by block, as `engines` do; nothing is copied (dense tables of few columns)
    gathered     the columns that are held are copied side by side (dense tables of many columns)
    by columns   the table turned to CSC once, a copy of the stored numbers (sparse tables)

All is in a frame: columns are divided by powers of two near their largest value, which is exact; columns of dense
tables whose values are far from 0 beside their spread are centred.
"""

from __future__ import annotations

import functools
from importlib import import_module
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from steepest.kernels import coordinate_plain
from steepest.proof import face
from steepest.scaling import Scaling
from steepest.types import Floats

__all__ = ["EPOCHS", "PLAIN", "Columns", "Held", "Table", "kernels", "near"]

Columns: TypeAlias = NDArray[np.intp]

EPOCHS = 2000  # of coordinate descent without G
PLAIN = 32  # columns up to which nothing is compiled: Numba takes longer to load than such a fit takes


class Held(Protocol):
    """Some columns X~_A (m, k) of a table in its frame."""

    @property
    def columns(self) -> Columns:
        """(k,) which columns."""
        ...

    def forward(self, v: Floats) -> Floats:
        """X~_A v, (m,), or (m, K) for v (k, K)."""
        ...

    def correlate(self, r: Floats) -> Floats:
        """X~_A'r, (k,), or (K, k) for r (K, m)."""
        ...

    def products(self, start: int, D: Floats, exact: bool = True) -> tuple[Floats, Floats]:
        """X~_B'DX~_A (k - start, k) and X~_B'D1, B the columns from `start` on; float32 may do if not `exact`."""
        ...

    def diagonal(self, D: Floats) -> tuple[Floats, Floats]:
        """Sums of D x~² and of D x~ of each column."""
        ...

    def descend(self, quadratic: Any, slope: Floats, at: Floats, terms: Floats, slack: Floats) -> None:
        """Coordinate descent without G, `at` in place (`kernels.coordinate.descend_sparse`)."""
        ...


class Table(face.Table, Protocol):
    """All n columns, in the frame."""

    @property
    def n(self) -> int:
        """Columns of the table."""
        ...

    @property
    def frame(self) -> Scaling:
        """X~ = (x - centre) / scale."""
        ...

    def correlate(self, r: Floats) -> Floats:
        """X~'r, (n,), or (K, n) for r (K, m); reads all rows once."""
        ...


@functools.cache
def kernels(n: int) -> Any:
    """Coordinate descent and its company for n columns: compiled, or plain for few."""
    return coordinate_plain if n <= PLAIN else import_module("steepest.kernels.coordinate")


def near(size: Floats) -> Floats:
    """Powers of two above `size`, at most twice as large; 2 for 0.

    >>> near(np.array([0.0, 3.0, 4.5])).tolist()
    [2.0, 4.0, 8.0]
    """
    return np.ldexp(1.0, np.frexp(np.where(size > 0.0, size, 1.0))[1])
