"""A source -> a spool: one read of the files, raw columns on disk within a budget, and a summary of each.

The folder gets another name until all files and the manifest are on the disk; then it is renamed. A run that is killed
leaves a folder that no later run takes for a spool: the next one removes it and decodes again, to the same bytes.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from steepest.data.files.coder import REMEDY
from steepest.data.files.gathering import check_finite
from steepest.data.files.source import Source
from steepest.data.quoting import safe
from steepest.data.row_blocks import Coded, RowBlock
from steepest.data.spool.columns import CHUNK, SpoolColumn, narrowed
from steepest.data.spool.kept import Kept
from steepest.data.spool.manifest import KEPT, key_of, read_manifest, write_manifest
from steepest.data.spool.summary import Summary
from steepest.errors import DataError

__all__ = ["Place", "Spooled", "spool"]

PARTIAL = ".partial-"
FREE = 1 << 28  # bytes of a disk that are left alone


@dataclass(frozen=True, slots=True)
class Place:
    """Where to spool: a folder, and how many bytes it may take (None: what the disk has, less a quarter of a GB).

    `memory` is what the fit may use, None if nobody said. With `resume` nothing is decoded: an earlier run must have.
    """

    folder: Path
    disk: int | None = None
    memory: int | None = None
    resume: bool = False

    @property
    def room(self) -> int:
        """Bytes that may be written."""
        free = max(0, shutil.disk_usage(self.folder).free - FREE)
        return free if self.disk is None else min(free, self.disk)


@dataclass(frozen=True, slots=True, eq=False)
class Spooled:
    """m rows on disk, column by column; `place(row)` says in words where a row was read."""

    folder: Path
    m: int
    columns: Mapping[str, SpoolColumn]
    place: Callable[[int], str]
    decoded: bool


def spool(
    source: Source,
    numbers: Sequence[str],
    texts: Mapping[str, Iterable[str]],
    where: Place,
    on_rows: Callable[[int], Any] | None = None,
    remedy: str = REMEDY,
    target: str | None = None,
) -> Spooled:
    """The spool of these columns: the one that an earlier run left, or a new one by a read of all rows.

    `target` is the column of texts with the classes, of each of which some rows are put together for a sample.
    DataError for what `gather` refuses, if the disk or its budget is too small (nothing is left behind then), and if
    the files change while they are read.
    """
    known = {name: tuple(levels) for name, levels in texts.items()}
    try:
        where.folder.mkdir(parents=True, exist_ok=True)
        folder = where.folder / f"steepest-{key_of(source, numbers, known, target)}"
        found, decoded = _opened(folder, source), False
        if found is None and where.resume:
            raise DataError(
                f"{safe(str(where.folder))}: nothing to resume, no run decoded these columns of {source.shown}, as "
                "it is now, there; leave resume out to begin"
            )
        if found is None:
            _remove_rubbish(folder)
            partial = folder.with_name(f"{folder.name}{PARTIAL}{os.getpid()}")
            _decode(_Asked(source, tuple(numbers), known, where.room, on_rows, remedy, target), partial)
            _put_in_place(partial, folder)
            found, decoded = _opened(folder, source), True
    except OSError as error:
        reason = error.strerror or str(error)
        raise DataError(
            f"{safe(str(where.folder))}: the rows cannot be spooled there ({reason}); nothing was kept"
        ) from None
    assert found is not None  # it was written just now
    m, columns = found
    return Spooled(folder, m, columns, lambda row: f"{source.shown}, row {row}", decoded)


def _put_in_place(partial: Path, folder: Path) -> None:
    """Give the folder its name, for good; if that fails nothing is left of it."""
    try:
        shutil.rmtree(folder, ignore_errors=True)
        os.rename(partial, folder)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    _sync(folder.parent)


def _opened(folder: Path, source: Source) -> tuple[int, dict[str, SpoolColumn]] | None:
    """The columns of a whole spool, whose files have the sizes that they should have."""
    read = read_manifest(folder)
    if read is None:
        return None
    m, columns, kept = read
    try:
        found = {column.name: SpoolColumn.of(column, folder, m, kept) for column in columns}
        whole = all(os.stat(folder / each.column.file).st_size == each.size for each in found.values())
    except (OSError, ValueError):
        return None
    return (m, found) if whole else None


def _remove_rubbish(folder: Path) -> None:
    """What killed runs left of the same spool."""
    for other in folder.parent.glob(f"{folder.name}{PARTIAL}*"):
        process = int(other.name.rpartition("-")[2])
        if process == os.getpid() or not _alive(process):
            shutil.rmtree(other, ignore_errors=True)


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


@dataclass(frozen=True, slots=True)
class _Asked:
    """What is to be decoded, into how many bytes, and who wants to know how far it is."""

    source: Source
    numbers: tuple[str, ...]
    texts: Mapping[str, Sequence[str]]
    room: int
    on_rows: Callable[[int], Any] | None
    remedy: str
    target: str | None

    @property
    def names(self) -> tuple[str, ...]:
        """Of all columns."""
        return (*self.numbers, *self.texts)


def _decode(asked: _Asked, folder: Path) -> None:
    folder.mkdir()
    try:
        with contextlib.ExitStack() as stack:
            paths = [folder / f"column-{k:05d}" for k in range(len(asked.names))]
            files = [stack.enter_context(open(path, "wb", buffering=0)) for path in paths]
            files.append(stack.enter_context(open(folder / KEPT, "wb", buffering=0)))
            m, kept, summaries = _written(asked, files, folder)
            for file in files:
                os.fsync(file.fileno())
        write_manifest(folder, m, [each.column(f"column-{k:05d}") for k, each in enumerate(summaries)], kept)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def _written(asked: _Asked, files: Sequence[BinaryIO], folder: Path) -> tuple[int, int, list[Summary]]:
    """Rows, those of them kept, and what was seen of each column, whose files these are; the last is of the kept."""
    names, columns = asked.names, files[:-1]
    summaries = [Summary(name, name in asked.texts) for name in names]
    kept = Kept(len(names), names.index(asked.target) if asked.target in asked.texts else None)
    room, m = _Room(asked.room, folder), 0
    blocks = asked.source.batches(asked.numbers, asked.texts, rows=CHUNK, remedy=asked.remedy)
    for start, block, chunks in _chunks(blocks, names):
        kept.add(start, chunks)
        for file, summary, values in zip(columns, summaries, chunks, strict=True):
            column = block.columns[summary.name]
            summary.add(start, values, column.levels if isinstance(column, Coded) else None)
            letter, narrow = narrowed(values)
            summary.kinds.append(letter)
            room.take(narrow.nbytes, m)
            _write(file, narrow)
        m = start + len(chunks[0])
        if asked.on_rows is not None:
            asked.on_rows(m)
    index, values_kept = kept.taken(m)
    for file, summary, values in zip(columns, summaries, values_kept, strict=True):
        summary.kept, narrow = narrowed(values)
        room.take(narrow.nbytes, m)
        _write(file, narrow)
    _write(files[-1], index)
    return m, len(index), summaries


@dataclass(slots=True)
class _Room:
    """Counts the bytes of a spool, of which there may be `most`."""

    most: int
    folder: Path
    given: int = 0

    def take(self, size: int, m: int) -> None:
        """DataError if there are no more; m rows were read so far."""
        self.given += size
        if self.given > self.most:
            raise DataError(
                f"{safe(str(self.folder.parent))}: {self.most:,} bytes are too few to spool the rows ({m:,} were read "
                "so far); give another folder, or more room"
            )


def _chunks(blocks: Iterator[RowBlock], names: Sequence[str]) -> Iterator[tuple[int, RowBlock, list[NDArray[Any]]]]:
    """Blocks of whatever length as chunks of CHUNK rows; the last may be shorter. Each with the block it ends in."""
    waiting: list[list[NDArray[Any]]] = [[] for _ in names]
    start = rows = 0
    block: RowBlock | None = None
    for block in blocks:
        for held, name in zip(waiting, names, strict=True):
            column = block.columns[name]
            held.append(column.codes if isinstance(column, Coded) else check_finite(block, name, column))
        rows += block.m
        while rows >= CHUNK:
            whole = [np.concatenate(held) if len(held) > 1 else held[0] for held in waiting]
            yield start, block, [each[:CHUNK] for each in whole]
            waiting = [[each[CHUNK:]] for each in whole]
            start, rows = start + CHUNK, rows - CHUNK
    if rows and block is not None:
        yield start, block, [np.concatenate(held) for held in waiting]


def _write(file: BinaryIO, values: NDArray[Any]) -> None:
    """All bytes: a raw file may take fewer at a time."""
    left = memoryview(np.ascontiguousarray(values).tobytes())
    while left:
        left = left[file.write(left) :]


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
