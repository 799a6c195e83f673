"""Any CSV file as rows of text for the plain reader: plain and gzip by Python, zstd by DuckDB, line by line.

Python reads zstd from 3.14 on only. Line ends within quotes come as one character each, which no message shows.
"""

from __future__ import annotations

import io
from collections.abc import Generator, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from typing import Any

from steepest.data.csv_rows import CsvRows, open_csv
from steepest.data.files.engine import connected
from steepest.data.files.inputs import Input
from steepest.data.files.statements import lines_of

__all__ = ["open_rows"]

TOGETHER = 1 << 12  # lines


def open_rows(one: Input) -> AbstractContextManager[CsvRows]:
    """The rows of a CSV file, whatever packs it; DataError as `open_csv`."""
    return _zstd(one) if one.compression == "zstd" else open_csv(one.path, one.shown)


@contextmanager
def _zstd(one: Input) -> Iterator[CsvRows]:
    with closing(_lines(one)) as lines:
        yield CsvRows(io.BufferedReader(_Unpacked(lines)), one.shown)


def _lines(one: Input) -> Generator[bytes]:
    asked = lines_of(one.path, "zstd")
    with connected(one) as connection:
        found = connection.execute(f"SELECT line FROM {asked.sql}", asked.parameters)  # noqa: S608  (constants)
        while some := found.fetchmany(TOGETHER):
            yield b"".join((line or "").encode() + b"\n" for (line,) in some)


class _Unpacked(io.RawIOBase):
    """Bytes as they come, as a file."""

    def __init__(self, parts: Iterator[bytes]) -> None:
        self.parts, self.left = parts, b""

    def readable(self) -> bool:
        return True

    def readinto(self, room: Any) -> int:
        while not self.left:
            part = next(self.parts, None)
            if part is None:
                return 0
            self.left = part
        size = min(len(room), len(self.left))
        room[:size], self.left = self.left[:size], self.left[size:]
        return size
