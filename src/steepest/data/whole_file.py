"""A file that is written whole or not at all: the old one stays intact if the disk is full or the power fails."""

from __future__ import annotations

import io
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, TextIO

from steepest.data.quoting import safe
from steepest.errors import DataError

__all__ = ["whole_bytes", "whole_file"]


@contextmanager
def whole_file(path: str | os.PathLike[str]) -> Iterator[TextIO]:
    """A text file (UTF-8) that takes its place at `path` when the block ends without an error.

    Written beside it under another name, flushed to the disk, renamed, and the folder flushed as well; a link is
    followed. What is no ordinary file (a pipe, /dev/null) is written to directly. Raises DataError if it cannot be.
    """
    with whole_bytes(path) as file:
        text = io.TextIOWrapper(file, encoding="utf-8", newline="")
        yield text
        text.flush()
        text.detach()


@contextmanager
def whole_bytes(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """The same for bytes."""
    try:
        with _direct(path) if _special(path) else _replaced(Path(os.path.realpath(path))) as file:
            yield file
    except OSError as error:
        if isinstance(error, BrokenPipeError):
            raise
        reason = error.strerror or str(error)
        raise DataError(
            f"{safe(os.fspath(path))} cannot be written ({reason}); what was there before is intact"
        ) from None


@contextmanager
def _direct(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    with open(path, "wb") as file:
        yield file


@contextmanager
def _replaced(target: Path) -> Iterator[BinaryIO]:
    # Not tempfile: its files are private to the user, this one gets the rights that any new file has.
    temporary = target.parent / f".steepest-{secrets.token_hex(8)}.tmp"
    descriptor = os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666)
    try:
        with open(descriptor, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileNotFoundError):
            temporary.chmod(stat.S_IMODE(target.stat().st_mode))
        os.replace(temporary, target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    _sync_folder(target.parent)


def _special(path: str | os.PathLike[str]) -> bool:
    try:
        return not stat.S_ISREG(os.stat(path).st_mode)
    except FileNotFoundError:
        return False


def _sync_folder(folder: Path) -> None:
    """Make the new name last through a power failure; some systems cannot flush a folder, and need not."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
