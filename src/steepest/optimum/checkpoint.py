"""Answers kept on disk by what was asked: a fit that was killed goes on where it was, to the same bits.

A solver is a generator and everything beside it is a function of the rows, so a new run asks the same questions in the
same order. Those that take a read of all rows are looked up by their digest (rows, frame, theta) before they are asked:
what is found is what was computed, bit for bit. A file is there whole or not at all, so no log can be torn.
"""

from __future__ import annotations

import hashlib
import io
import shutil
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from steepest.data.whole_file import whole_bytes
from steepest.types import Floats

__all__ = ["Checkpoint"]


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A folder of answers about the rows that `rows` is a digest of.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     kept = Checkpoint(Path(folder), "these rows")
    ...     first = kept.answer([np.ones(2)], lambda: [np.arange(3.0)])
    ...     second = kept.answer([np.ones(2)], lambda: 1 / 0)
    >>> first[0].tolist(), second[0].tolist()
    ([0.0, 1.0, 2.0], [0.0, 1.0, 2.0])
    """

    folder: Path
    rows: str

    def answer(
        self, question: Sequence[Floats], ask: Callable[[], Sequence[Floats]], kind: str = "answer"
    ) -> list[Floats]:
        """What was answered before, or what `ask` answers now; DataError if that cannot be kept.

        Another `kind` than an answer that took a read of all rows has files of its own, which `held` does not count.
        """
        digest = hashlib.sha256(self.rows.encode())
        for part in question:
            digest.update(repr(part.shape).encode())
            digest.update(np.ascontiguousarray(part).tobytes())
        path = self.folder / f"{self.rows[:16]}-{digest.hexdigest()[:32]}.{kind}"
        found = _read(path)
        if found is None:
            found = list(ask())
            self.folder.mkdir(exist_ok=True)
            with whole_bytes(path) as file:
                file.write(_packed(found))
        return found

    def held(self) -> int:
        """How many answers about these rows, each of a read of them all, an earlier run left."""
        return len(list(self.folder.glob(f"{self.rows[:16]}-*.answer")))

    def clear(self) -> None:
        """Forget everything: the fit is done."""
        shutil.rmtree(self.folder, ignore_errors=True)


def _packed(parts: Sequence[Floats]) -> bytes:
    """A digest of what follows, then the arrays in NumPy's own format, nothing of which is executed when it is read."""
    body = io.BytesIO()
    for part in parts:
        np.save(body, np.asarray(part, dtype=np.float64), allow_pickle=False)
    return hashlib.sha256(body.getvalue()).digest() + body.getvalue()


def _read(path: Path) -> list[Floats] | None:
    with suppress(OSError, ValueError):
        whole = path.read_bytes()
        if hashlib.sha256(whole[32:]).digest() != whole[:32]:
            return None
        body, parts = io.BytesIO(whole[32:]), []
        while body.tell() < len(whole) - 32:
            parts.append(np.load(body, allow_pickle=False))
        return parts
    return None
