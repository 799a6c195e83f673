"""Rows that repeat, counted: GROUP BY (x, y) with the weights added up is the same objective on fewer rows.

    sum over rows of s_i L(x_i, y_i) = sum over distinct rows of (sum of their s_i) L(x, y)

so optimum, value and certificate are those of the full table. Rows are compared as float64 (-0.0 is 0.0): hashed first,
then each is compared with the first row of its hash, so that no coincidence of hashes can merge rows.
Where rows do not repeat, a sample says so for next to nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from steepest.mixing import STEP, mix
from steepest.types import Floats

__all__ = ["Compressed", "compress"]

SAMPLE = 4096  # rows, fewer of wide tables
PIECE = 1 << 15  # numbers looked at together: about a megabyte with all temporaries
SHARE = 0.04  # of the table that distinct rows may take, with BOOK bytes each: memory above the input stays within 5 %
BOOK = 64  # hash, place, count and their sorted copies
SMALL_BYTES = 1 << 20  # tables under a megabyte may shrink to half of it


@dataclass(frozen=True, slots=True)
class Compressed:
    """The distinct rows in order of first appearance: X (d, n) of the same dtype, y (d,), weight (d,) the counts or
    sums of weights; `rows` is how many there were.
    """

    X: NDArray[Any]
    y: NDArray[Any]
    weight: Floats
    rows: int

    def __str__(self) -> str:
        return f"{self.rows:,} rows, of which {len(self.y):,} are distinct"


def compress(X: NDArray[Any], y: NDArray[Any], weight: Floats | None = None) -> Compressed | None:
    """The distinct rows of (X, y) with their weights, or None where too few rows repeat for it to pay.

    X (m, n) finite real numbers, y (m,), weight (m,) or None for ones. Memory above the input: the distinct rows, at
    most 5 % of X (half of it for tables under a megabyte), and about a megabyte.

    >>> small = compress(np.array([[1.0], [2.0], [1.0], [1.0]]), np.array([0, 1, 0, 1]))
    >>> print(small)
    4 rows, of which 3 are distinct
    >>> small.X[:, 0].tolist(), small.y.tolist(), small.weight.tolist()
    ([1.0, 2.0, 1.0], [0, 1, 1], [2.0, 1.0, 1.0])
    """
    m, n = X.shape
    most = int(SHARE * X.nbytes / (X.nbytes / m + BOOK)) if X.nbytes >= SMALL_BYTES else max(m // 2, min(m - 1, 8))
    if not most or not _repeats(X, y, most):
        return None
    table = _Table(X, y, most)
    rows = max(1, PIECE // (n + 1))
    for start in range(0, m, rows):
        if not table.add(slice(start, start + rows), weight):
            return None
    order = np.argsort(table.first, kind="stable")
    first = table.first[order]
    return Compressed(X[first], y[first], table.weight[order], m)


class _Table:
    """Hashes seen so far, sorted, with the first row and the weight of each."""

    def __init__(self, X: NDArray[Any], y: NDArray[Any], most: int) -> None:
        self.X, self.y, self.most = X, y, most
        self.hash = np.empty(0, dtype=np.uint64)
        self.first = np.empty(0, dtype=np.intp)
        self.weight: Floats = np.empty(0)

    def add(self, part: slice, weight: Floats | None) -> bool:
        """Count the rows of a slice; False if there are too many distinct ones, or if two share a hash."""
        rows = _values(self.X[part], self.y[part])
        distinct, at, inverse = np.unique(_hashes(rows), return_index=True, return_inverse=True)
        known = np.searchsorted(self.hash, distinct)
        new = known == len(self.hash)
        new[~new] = self.hash[known[~new]] != distinct[~new]
        if len(self.hash) + int(new.sum()) > self.most:
            return False
        if new.any():
            self.hash = np.insert(self.hash, known[new], distinct[new])
            self.first = np.insert(self.first, known[new], part.start + at[new])
            self.weight = np.insert(self.weight, known[new], 0.0)
        place = np.searchsorted(self.hash, distinct)
        first = self.first[place[inverse]]
        if not np.array_equal(rows, _values(self.X[first], self.y[first])):
            return False
        counts = None if weight is None else weight[part]
        self.weight[place] += np.bincount(inverse, weights=counts, minlength=len(distinct))
        return True


def _repeats(X: NDArray[Any], y: NDArray[Any], most: int) -> bool:
    """Whether a sample lets expect at most twice `most` distinct rows.

    s rows drawn from d equally frequent ones coincide in about s²/(2d) pairs; unequal frequencies coincide more often.
    The sample is spread over the table by a fixed random draw, without regard to its order.
    """
    m, size = len(y), max(256, min(SAMPLE, 2 * PIECE // (X.shape[1] + 1)))
    if m <= size:
        return True
    drawn = np.sort(np.random.default_rng(1847).choice(m, size, replace=False, shuffle=False))
    pairs = size - len(np.unique(_hashes(_values(X[drawn], y[drawn]))))
    return bool(pairs >= max(1, size * size // (4 * most)))


def _values(X: NDArray[Any], y: NDArray[Any]) -> Floats:
    """(rows, n + 1) float64; adding 0.0 turns -0.0 into 0.0."""
    rows = np.empty((len(y), X.shape[1] + 1))
    rows[:, :-1], rows[:, -1] = X, y
    rows += 0.0
    return rows


def _hashes(rows: Floats) -> NDArray[np.uint64]:
    """64 bits per row: each number is mixed with the place of its column, then they are added."""
    bits = np.array(rows.view(np.uint64), dtype=np.uint64)
    bits += STEP * np.arange(1, rows.shape[1] + 1, dtype=np.uint64)  # modulo 2^64
    return np.asarray(mix(bits).sum(axis=1, dtype=np.uint64))
