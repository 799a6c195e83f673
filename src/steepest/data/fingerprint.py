"""What is known of the rows that a model was fitted to, from one read of them: how many, which, and between what.

The fingerprint is the same for a file, a frame and an array that hold the same numbers, however they are cut into
blocks: hashes of rows, labels and weights run beside each other and are hashed together at the end.

    dense     the float64 of every row, one row after the other
    sparse    of every row the number, the columns and the values of what is not 0
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import scipy
from numpy.typing import NDArray

from steepest.types import Block, Floats

__all__ = ["Facts", "Form", "Reading"]

Form = Literal["dense", "sparse"]


@dataclass(frozen=True, slots=True, eq=False)
class Facts:
    """rows, those of each class (all of them, whatever their weight), the fingerprint and how it was made.

    low, high (n,): least and largest value of each column on rows of positive weight.
    """

    rows: int
    counts: tuple[int, ...]
    sha256: str
    form: Form
    low: Floats
    high: Floats


@dataclass(slots=True, eq=False)
class Reading:
    """Looks at blocks while they go by to whoever computes with them; afterwards it has the facts.

    >>> reading = Reading(1, 2, "dense")
    >>> blocks = [Block(np.array([[1.0], [3.0]]), np.array([0.0, 1.0])), Block(np.array([[2.0]]), np.array([1.0]))]
    >>> len(list(reading.through(blocks))), reading.facts.rows, reading.facts.counts, reading.facts.high.tolist()
    (2, 3, (1, 2), [3.0])
    """

    n: int
    classes: int
    form: Form
    rows: int = 0
    counts: NDArray[np.intp] = field(init=False)
    low: Floats = field(init=False)
    high: Floats = field(init=False)
    hashes: tuple[Any, ...] = field(init=False)

    def __post_init__(self) -> None:
        self.counts = np.zeros(self.classes, dtype=np.intp)
        self.low, self.high = np.full(self.n, np.inf), np.full(self.n, -np.inf)
        self.hashes = tuple(hashlib.sha256() for _ in range(5))

    def through(self, blocks: Iterable[Block]) -> Iterator[Block]:
        """The same blocks, looked at one after the other."""
        for block in blocks:
            self._see(block)
            yield block

    @property
    def facts(self) -> Facts:
        """What the blocks seen so far say."""
        whole = hashlib.sha256(f"steepest data 1 {self.form} {self.rows} {self.n}\n".encode())
        for part in self.hashes:
            whole.update(part.digest())
        return Facts(self.rows, tuple(self.counts.tolist()), whole.hexdigest(), self.form, self.low, self.high)

    def _see(self, block: Block) -> None:
        rows, places, entries, labels, weights = self.hashes
        X: Any = block.X
        if self.form == "sparse":
            counts, columns, values = _entries(X)
            rows.update(_bytes(counts, "<i8"))
            places.update(_bytes(columns, "<i8"))
            entries.update(_bytes(values, "<f8"))
        else:
            rows.update(_bytes(X + 0.0, "<f8"))  # -0 + 0 is 0: both are the same number
        labels.update(_bytes(block.y, "<f8"))
        weights.update(_bytes(np.ones(len(block.y)) if block.weight is None else block.weight, "<f8"))
        self.rows += len(block.y)
        self.counts += np.bincount(block.y.astype(np.intp), minlength=self.classes)[: self.classes]
        self._stretch(X if block.weight is None or (block.weight > 0.0).all() else X[block.weight > 0.0])

    def _stretch(self, X: Any) -> None:
        if not X.shape[0]:
            return
        low, high = X.min(axis=0), X.max(axis=0)
        if not isinstance(X, np.ndarray):
            low, high = low.toarray().ravel(), high.toarray().ravel()
        self.low, self.high = np.minimum(self.low, low), np.maximum(self.high, high)


def _bytes(values: NDArray[Any], dtype: str) -> memoryview:
    return np.ascontiguousarray(values, dtype=dtype).data.cast("B")


def _entries(X: Any) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Of every row: how many entries are not 0, in which columns, with which values; entries stored twice are added."""
    rows = scipy.sparse.csr_array(X, copy=True)
    rows.sum_duplicates()
    rows.eliminate_zeros()
    return np.diff(rows.indptr), rows.indices, rows.data
