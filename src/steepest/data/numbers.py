"""Cells of text -> floats, or a refusal that names line, column and text."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from math import isfinite

from steepest.data.arrays import LARGEST
from steepest.data.csv_rows import CsvRows
from steepest.data.quoting import quoted
from steepest.errors import DataError

__all__ = ["MISSING", "Numbers", "is_missing"]

MISSING = frozenset({"", "na", "n/a", "null", "nan", "?", "-"})
EXACT = 2.0**53  # from here on not every integer is a float


def is_missing(text: str) -> bool:
    """Whether a stripped cell says that there is no value."""
    return text.casefold() in MISSING


class Numbers:
    """Reads the cells at `positions` of every row; `remedy` says what to do about a column that holds text."""

    def __init__(self, rows: CsvRows, positions: Sequence[int], remedy: str) -> None:
        self.rows, self.positions, self.remedy = rows, tuple(positions), remedy

    def read(self, line: int, row: list[str]) -> array[float]:
        """The numbers of one row, finite all.

        float() strips, and reads every spelling but the few that `_refuse` is about: those rows are looked at again.
        """
        try:
            values = array("d", [float(row[j]) for j in self.positions])
        except ValueError:
            self._look_closer(line, row)
            raise
        # One sum sees NaN and infinity in any cell; if it overflows, the closer look finds nothing.
        if self.rows.suspect or not isfinite(sum(values)) or max(values) >= EXACT or min(values) <= -EXACT:
            self._look_closer(line, row)
        return values

    def _look_closer(self, line: int, row: list[str]) -> None:
        for j in self.positions:
            what = _wrong(row[j].strip(), self.rows.names[j], self.remedy)
            if what:
                raise DataError(f"{self.rows.shown}, line {line}, column {quoted(self.rows.names[j])}: {what}")


def _wrong(text: str, name: str, remedy: str) -> str:
    """What is wrong with a cell; empty if nothing is."""
    way_out = remedy.format(name=quoted(name))
    if is_missing(text):
        spelled = f"{quoted(text)} means a missing value" if text else "the cell is empty"
        return f"{spelled}; fill it in, delete the row, or {way_out}"
    try:
        value = float(text)
    except ValueError:
        return f"{quoted(text)} is not a number; {way_out}"
    if "_" in text:
        return f"{quoted(text)} is not a number (an underscore); {way_out}"
    if not isfinite(value):
        return f"{quoted(text)} is not finite; every value must be; correct it, delete the row, or {way_out}"
    if abs(value) > LARGEST:
        return f"{quoted(text)} is beyond {LARGEST:.0e}, its square is no float; rescale the column, or {way_out}"
    if abs(value) >= EXACT and text.lstrip("+-").isdigit() and int(text) != int(value):
        return f"{quoted(text)} is an integer that is not exactly representable as a float (an id?); {way_out}"
    return ""
