"""A rank for every row, by its place alone: the rows of lowest rank are a random part of the table that anybody finds.

Whoever reads the rows, once and in order, can keep those of lowest rank on the way, without knowing how many rows will
come or how many will be asked for; the fit later draws the same ones. So a sample costs no read of its own.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from steepest.mixing import STEP, mix

__all__ = ["Lowest", "ranks"]

Ranks = NDArray[np.uint64]


def ranks(start: int, stop: int) -> Ranks:
    """Of rows start … stop: splitmix64 of their numbers, which no two rows share.

    >>> [hex(int(rank)) for rank in ranks(0, 2)]
    ['0xe220a8397b1dcdaf', '0x6e789e6aa1b965f4']
    """
    return mix(STEP * np.arange(start + 1, stop + 1, dtype=np.uint64))  # modulo 2^64


class Lowest:
    """The `most` rows of lowest rank among all that are offered, with what belongs to them.

    >>> lowest = Lowest(2)
    >>> lowest.offer(np.array([5, 1, 9], dtype=np.uint64), np.array([0, 1, 2]))
    >>> lowest.offer(np.array([7, 3], dtype=np.uint64), np.array([3, 4]))
    >>> lowest.taken(2)[0].tolist(), lowest.taken(1)[0].tolist()
    ([1, 4], [1])
    """

    def __init__(self, most: int) -> None:
        self.most, self.held = most, 0
        self.parts: list[list[NDArray[Any]]] = []
        self.below: np.uint64 | None = None

    def wanted(self, given: Ranks) -> Any:
        """Which of these ranks are low enough, as an index."""
        return slice(None) if self.below is None else np.flatnonzero(given < self.below)

    def offer(self, given: Ranks, *columns: NDArray[Any]) -> None:
        """Some more rows: their ranks, their numbers, and whatever is to be kept of them; copied."""
        chosen = self.wanted(given)
        some = [np.array(each[chosen]) for each in (given, *columns)]
        if len(some[0]) and self.most:
            self.parts.append(some)
            self.held += len(some[0])
        if self.held > 2 * self.most:
            self.parts = [self._lowest(self.most)]
            self.held = len(self.parts[0][0])
            self.below = self.parts[0][0].max()

    def taken(self, many: int) -> list[NDArray[Any]]:
        """Numbers, and the rest, of the `many` rows of lowest rank (at most `most`), in the order of their numbers."""
        if not self.parts:
            return []
        found = self._lowest(min(many, self.most))
        order = np.argsort(found[1], kind="stable")
        return [each[order] for each in found[1:]]

    def _lowest(self, many: int) -> list[NDArray[Any]]:
        whole = [np.concatenate(each) for each in zip(*self.parts, strict=True)]
        if len(whole[0]) <= many:
            return whole
        kept = np.argpartition(whole[0], many - 1)[:many] if many else np.empty(0, dtype=np.intp)
        return [each[kept] for each in whole]
