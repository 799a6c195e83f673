"""Paths -> the files behind them, each with its form, its partition, and a stamp by which a change is noticed.

a file        CSV (plain, gzip, zstd) or Parquet: its first bytes say which, not its name
a folder      all such files in it and below, in the order of their paths; key=value folders are columns
several       one after the other
"-"           standard input, kept in a temporary file, because more than one pass is made
"""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO, Any, Literal, TypeAlias
from urllib.parse import unquote

from steepest.data.csv_rows import FOREIGN, STANDARD_INPUT, refusal
from steepest.data.quoting import safe
from steepest.errors import DataError

__all__ = ["Form", "Input", "Paths", "change", "check_unchanged", "find_inputs", "packed"]

Form: TypeAlias = Literal["csv", "parquet"]
Paths: TypeAlias = str | os.PathLike[str] | Sequence[str | os.PathLike[str]]

ENDINGS = (".csv", ".csv.gz", ".csv.zst", ".parquet", ".pq")  # of files that a folder is read for
TAIL = 1 << 16  # bytes at the end of a file that belong to its stamp: the footer of Parquet, the last rows of CSV
YOUNG = 20_000_000  # nanoseconds: a second write so soon after the first may leave the time of a file as it was
NO_VALUE = "__HIVE_DEFAULT_PARTITION__"
COMPRESSED = {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd"}


@dataclass(frozen=True, slots=True)
class Stamp:
    """What tells whether a file is still the one that was opened."""

    size: int
    modified: int
    inode: int
    tail: str


@dataclass(frozen=True, slots=True)
class Input:
    """One file: where it is, how messages call it, its form, the values of its key=value folders, its stamp."""

    path: str
    shown: str
    form: Form
    compression: str
    partition: tuple[tuple[str, str | None], ...]
    stamp: Stamp
    held: Any = field(default=None, compare=False, repr=False)  # the temporary file behind standard input


def find_inputs(paths: Paths, shown: str | None = None) -> tuple[Input, ...]:
    """The files behind `paths`, called `shown` in messages if that is given.

    DataError for what is not there, is empty, is no table, or is both CSV and Parquet.
    """
    each = [paths] if isinstance(paths, str | os.PathLike) else list(paths)
    if not each:
        raise DataError("no file is given: name one, or a folder, or '-' for standard input")
    found = tuple(made for path in each for made in _behind(os.fspath(path)))
    if shown is not None:
        found = tuple(replace(one, shown=shown) for one in found)
    forms = {one.form: one.shown for one in found}
    if len(forms) > 1:
        raise DataError(f"{forms['csv']} is CSV and {forms['parquet']} is Parquet: give files of one form")
    return found


def change(one: Input, *, thorough: bool = False) -> str | None:
    """What happened to a file since it was opened, in words that begin with its name; None: nothing.

    Size, time and inode are looked at, and its last 64 KB too if that is to be `thorough`.
    """
    was = one.stamp
    try:
        now = _stamp(one.path) if thorough else _facts(os.stat(one.path), was.tail)
    except OSError as error:
        return f"{one.shown} is gone ({refusal(error)}, though it was there before)"
    if now == was:
        return None
    if now.size != was.size:
        return f"{one.shown} changed (from {was.size:,} to {now.size:,} bytes)"
    return f"{one.shown} changed ({'another file is in its place' if now.inode != was.inode else 'it was written to'})"


def check_unchanged(one: Input, *, thorough: bool = True) -> None:
    """DataError if the file is not what it was when it was opened: rows of two different files would be mixed."""
    happened = change(one, thorough=thorough)
    if happened is not None:
        raise DataError(f"{happened} while its rows were read: nothing was kept; start again, and leave it alone")


def packed(start: bytes) -> bool:
    """Whether the first bytes of a file say that it is no plain text: gzip, zstd, Parquet."""
    return start.startswith((b"PAR1", *COMPRESSED))


def _behind(path: str) -> Iterator[Input]:
    if path == STANDARD_INPUT:
        held = _kept(sys.stdin.buffer)
        yield _input(held.name, "standard input", (), held)
    elif os.path.isdir(path):
        files = sorted(_listed(Path(path)))
        if not files:
            raise DataError(f"{safe(path)} is a folder without a file named {', '.join(f'*{end}' for end in ENDINGS)}")
        for file in files:
            yield _input(str(file), safe(str(file)), _partition(file.relative_to(path).parts[:-1]), None)
    else:
        yield _input(path, safe(path), (), None)


def _listed(folder: Path) -> Iterator[Path]:
    """Files to read; those whose names start with . or _ are notes that other programs leave."""
    for file in folder.rglob("*"):
        parts = file.relative_to(folder).parts
        if not any(part.startswith((".", "_")) for part in parts) and file.name.casefold().endswith(ENDINGS):
            yield file


def _partition(folders: Sequence[str]) -> tuple[tuple[str, str | None], ...]:
    pairs = [unquote(folder).split("=", 1) for folder in folders if "=" in folder]
    return tuple((key, None if value == NO_VALUE else value) for key, value in pairs)


def _input(path: str, shown: str, partition: tuple[tuple[str, str | None], ...], held: Any) -> Input:
    try:
        if not os.path.isfile(path) and os.path.exists(path):
            held = _special(path)
            path = held.name
        with open(path, "rb") as file:
            start = file.read(8)
        stamp = _stamp(path)
    except (OSError, ValueError) as error:
        raise DataError(f"{shown}: {refusal(error)}") from None
    if not start:
        raise DataError(f"{shown} is empty: a header with the names of the columns, and rows, are needed")
    compression = next((kind for first, kind in COMPRESSED.items() if start.startswith(first)), "none")
    form: Form = "parquet" if start.startswith(b"PAR1") else "csv"
    if form == "csv" and compression == "none":
        for first, kind in FOREIGN.items():
            if start.startswith(first):
                raise DataError(f"{shown}, line 1: the file is {kind}; export it as CSV in UTF-8")
    return Input(os.path.abspath(path), shown, form, compression, partition, stamp, held)


def _special(path: str) -> Any:
    """A pipe, as shells make them by <(…), kept in a temporary file."""
    with open(path, "rb") as pipe:
        return _kept(pipe)


def _kept(source: IO[bytes]) -> Any:
    held = tempfile.NamedTemporaryFile(prefix="steepest-")  # noqa: SIM115  (deleted with the last `Input` that has it)
    shutil.copyfileobj(source, held, 1 << 20)
    held.flush()
    return held


def _stamp(path: str) -> Stamp:
    """As the file is now. One that was written just now is looked at a little later: clocks of files tick slowly."""
    with open(path, "rb") as file:
        about = os.fstat(file.fileno())
        if 0 <= time.time_ns() - about.st_mtime_ns < YOUNG:
            time.sleep(YOUNG / 1e9)
            about = os.fstat(file.fileno())
        file.seek(max(0, about.st_size - TAIL))
        tail = hashlib.sha256(file.read(TAIL)).hexdigest()
    return _facts(about, tail)


def _facts(about: os.stat_result, tail: str) -> Stamp:
    return Stamp(about.st_size, about.st_mtime_ns, about.st_ino, tail)
