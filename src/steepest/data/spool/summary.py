"""What is seen of a column on its way to disk: what a schema wants to know, so that no further read is needed."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from steepest.data.spool.columns import Column

__all__ = ["Summary"]


class Summary:
    """Collects one column chunk by chunk; sums are added up as `data/content.py` adds those of columns in memory."""

    def __init__(self, name: str, is_text: bool) -> None:
        self.name, self.is_text = name, is_text
        self.kinds: list[str] = []
        self.kept = "d"
        self.levels: tuple[str, ...] = ()
        self.counts = np.zeros(0, dtype=np.int64)
        self.low, self.high, self.total, self.there = math.inf, -math.inf, 0.0, 0
        self.missing, self.first_missing, self.whole = 0, -1, True

    def add(self, start: int, values: NDArray[Any], levels: tuple[str, ...] | None) -> None:
        """A chunk whose first row is `start`."""
        absent = values < 0 if self.is_text else np.isnan(values)
        missing = int(np.count_nonzero(absent))
        if missing and self.first_missing < 0:
            self.first_missing = start + int(np.argmax(absent))
        self.missing += missing
        if self.is_text:
            assert levels is not None  # texts come with them
            self.levels = levels
            seen = np.bincount(values[~absent], minlength=len(levels))
            seen[: len(self.counts)] += self.counts
            self.counts = seen
            return
        there = values[~absent] if missing else values
        if len(there):
            self._add_numbers(values, there)

    def _add_numbers(self, values: NDArray[Any], there: NDArray[Any]) -> None:
        self.low, self.high = min(self.low, float(there.min())), max(self.high, float(there.max()))
        self.total += float(there.sum())
        self.there += len(there)
        # NaN is no integer: with a value missing a column is not whole, as in memory
        self.whole = self.whole and len(there) == len(values) and bool((there == np.trunc(there)).all())

    def column(self, file: str) -> Column:
        """What the manifest keeps."""
        if self.is_text:
            counts = tuple(self.counts.tolist())
            return Column(self.name, file, "".join(self.kinds), self.missing, self.first_missing, self.levels, counts,
                          kept=self.kept)  # fmt: skip
        mean = self.total / self.there if self.there else math.nan
        low, high = (self.low, self.high) if self.there else (math.nan, math.nan)
        return Column(self.name, file, "".join(self.kinds), self.missing, self.first_missing, None, (), low, high, mean,
                      self.whole and not self.missing, self.kept)  # fmt: skip
