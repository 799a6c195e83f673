"""A CSV file as a header and rows of text, strictly: what is not a table of equal rows is refused, with its line.

No sniffing: a sniffer turns a file with one ragged line into a single text column, and nobody notices.
"""

from __future__ import annotations

import csv
import gzip
import io
import os
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, cast

from steepest.data.quoting import all_numbers, quoted, safe
from steepest.errors import DataError

__all__ = ["FOREIGN", "STANDARD_INPUT", "CsvRows", "open_csv", "refusal"]

LONGEST_LINE = 1 << 24  # characters; a file without line ends would fill the memory
STANDARD_INPUT = "-"
GZIP = b"\x1f\x8b"
FOREIGN = {  # first bytes of what people pass for CSV
    b"PK\x03\x04": "a zip archive or an Excel workbook",
    b"PAR1": "a Parquet file",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook",
    b"\xff\xfe": "UTF-16 text",
    b"\xfe\xff": "UTF-16 text",
}


@contextmanager
def open_csv(path: str | os.PathLike[str], shown: str | None = None) -> Iterator[CsvRows]:
    """The rows of the CSV file at `path`; "-" reads standard input. Messages call it `shown`.

    Raises DataError if there is no such file, it cannot be read, or its header is no header.
    """
    name = os.fspath(path)
    shown = shown or ("standard input" if name == STANDARD_INPUT else safe(name))
    try:
        file = sys.stdin.buffer if name == STANDARD_INPUT else _opened(Path(name))
    except (OSError, ValueError) as error:
        raise DataError(f"{shown}: {refusal(error)}") from None
    rows = None
    try:
        rows = CsvRows(file, shown)
        yield rows
    except (OSError, EOFError, zlib.error) as error:
        if getattr(error, "filename", None) is not None or isinstance(error, BrokenPipeError):
            raise  # not from reading this file
        raise DataError(f"{shown}: {refusal(error)}") from None
    finally:
        if name != STANDARD_INPUT:
            file.close()
        elif rows is not None:
            rows.detach()


class CsvRows:
    """Header (`names`) and rows of one CSV file: iterating yields (line number, cells), each row as long as the header.

    `blank` lines stood before the header.
    """

    def __init__(self, file: IO[bytes], shown: str) -> None:
        self.shown = shown
        self.blank = 0
        buffered = file if isinstance(file, io.BufferedReader) else io.BufferedReader(io.BytesIO(file.read()))
        self._start = buffered.peek(8)[:8]
        # Undecodable bytes become lone surrogates, so that the line they are in is known when they are refused.
        self._text = io.TextIOWrapper(buffered, encoding="utf-8-sig", errors="surrogateescape", newline="")
        if csv.field_size_limit() < LONGEST_LINE:  # one for the process; DuckDB reads such cells as well
            csv.field_size_limit(LONGEST_LINE)
        self._reader = csv.reader(self._lines(), strict=True)
        self.names = self._header()

    @property
    def notes(self) -> tuple[str, ...]:
        """What is odd about the header, though it can be used."""
        if not all_numbers(self.names):
            return ()
        return (
            f"{self.shown}: the header {quoted(','.join(self.names))} is all numbers; if the file has no header, "
            "its first row is lost: write the names of the columns in a first line",
        )

    def __iter__(self) -> Iterator[tuple[int, list[str]]]:
        blank = 0
        while True:
            line, row = self._next()
            if row is None:
                return
            if not row:
                blank = line
                continue
            if len(row) != len(self.names):
                raise self._ragged(line, len(row))
            if blank and len(row) == 1:  # a row of one empty cell looks just like this
                raise self.error(blank, "the line is empty: fill in the value, or delete the line")
            yield line, row

    def error(self, line: int, what: str) -> DataError:
        """The error that says `what`, with file and line."""
        return DataError(f"{self.shown}, line {line}: {what}")

    def detach(self) -> None:
        """Let go of the underlying file without closing it: standard input is not ours."""
        self._text.detach()

    def _next(self) -> tuple[int, list[str] | None]:
        """The next row with the number of its first line; None at the end."""
        line = self._reader.line_num + 1
        try:
            return line, next(self._reader, None)
        except csv.Error as error:
            raise self.error(line, _explained(str(error))) from None

    def _lines(self) -> Iterator[str]:
        number = 0
        while line := self._text.readline(LONGEST_LINE):
            number += 1
            if not line.isascii():
                self._check_text(line, number)
            if "\0" in line:
                raise self.error(number, f"a NUL character: {self._looks_like() or 'the file is damaged or binary'}")
            if len(line) == LONGEST_LINE and not line.endswith(("\n", "\r")):
                raise self.error(
                    number,
                    f"no end within {LONGEST_LINE:,} characters: this is no table, or a "
                    "cell of it is far too long: cut it short",
                )
            yield line

    def _check_text(self, line: str, number: int) -> None:
        try:
            line.encode()
        except UnicodeEncodeError as error:
            byte = ord(line[error.start]) - 0xDC00
            hint = self._looks_like() or "save the file as UTF-8"
            raise self.error(number, f"the byte 0x{byte:02x} is no UTF-8 text: {hint}") from None

    def _looks_like(self) -> str:
        for start, kind in FOREIGN.items():
            if self._start.startswith(start):
                return f"the file is {kind}; export it as CSV in UTF-8"
        return ""

    def _header(self) -> tuple[str, ...]:
        line, row = self._next()
        while row is not None and not row:
            self.blank += 1
            line, row = self._next()
        if row is None:
            raise DataError(f"{self.shown} is empty: a header with the names of the columns, and rows, are needed")
        names = tuple(name.strip() for name in row)
        if len(names) == 1 and (other := next((each for each in ";\t|" if each in names[0]), None)):
            raise self.error(line, f"the columns are separated by {other!r}, not by commas: export it with commas")
        self._check_names(names, line)
        return names

    def _check_names(self, names: tuple[str, ...], line: int) -> None:
        seen: dict[str, int] = {}
        for place, name in enumerate(names, start=1):
            if not name:
                raise self.error(line, f"column {place} of {len(names)} has no name: name it (or is a comma too many?)")
            first = seen.setdefault(name, place)
            if first != place:
                raise self.error(line, f"columns {first} and {place} are both named {quoted(name)}: rename one of them")

    def _ragged(self, line: int, count: int) -> DataError:
        hint = (
            "a comma too many, or text with a comma that is not in quotes?" if count > len(self.names) else "cut off?"
        )
        cells = "cell" if count == 1 else "cells"
        return self.error(line, f"{count} {cells}, but the header has {len(self.names)} columns: {hint}")


def _opened(path: Path) -> IO[bytes]:
    """The file, unpacked if it is gzip."""
    file = path.open("rb")
    if file.peek(2)[:2] != GZIP:
        return file
    file.close()
    return io.BufferedReader(cast("io.RawIOBase", gzip.open(path)))


def refusal(error: Exception) -> str:
    """Why a file cannot be read, in words."""
    if isinstance(error, FileNotFoundError):
        return "no such file"
    if isinstance(error, IsADirectoryError):
        return "this is a directory, a file is needed"
    if isinstance(error, PermissionError):
        return "no permission to read it"
    if isinstance(error, EOFError | zlib.error | gzip.BadGzipFile):
        return f"cannot be unpacked ({error}); it is cut off or damaged: pack it again, or fetch it again"
    if isinstance(error, OSError):
        return f"cannot be read ({getattr(error, 'strerror', None) or error})"
    return f"no possible name of a file ({error})"


def _explained(message: str) -> str:
    """What the `csv` module says, in words for somebody who does not know it."""
    if "unexpected end of data" in message:
        return "a quotation mark is opened here and never closed"
    if "field larger" in message:
        return f"a cell has more than {csv.field_size_limit():,} characters, or a quotation mark is never closed"
    if "expected after" in message:
        return "text goes on after a closing quotation mark: double the quotation marks inside a cell"
    return f"not a CSV row ({message})"
