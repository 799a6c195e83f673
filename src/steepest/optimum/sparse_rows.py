"""Sparse rows for what reads dense ones: a block at a time becomes dense when it is asked for, never the table."""

from __future__ import annotations

from typing import Any

import numpy as np

from steepest.engines import MemoryEngine
from steepest.engines.sparse import SparseEngine
from steepest.types import Floats

__all__ = ["densely"]


class _Rows:
    """What `MemoryEngine` needs of a table: slices of rows, as dense floats. A choice of columns stays sparse."""

    def __init__(self, X: Any) -> None:
        self.X, self.shape, self.dtype = X, X.shape, np.dtype(np.float64)
        self.size = X.shape[0] * X.shape[1]

    def __len__(self) -> int:
        return int(self.shape[0])

    def __getitem__(self, rows: Any) -> Any:
        if isinstance(rows, tuple):
            return _Rows(self.X[rows])
        part: Floats = np.asarray(self.X[rows].toarray(), dtype=np.float64)
        return part


def densely(engine: SparseEngine) -> MemoryEngine:
    """The same rows for the dense machinery, for tables of few columns.

    >>> import scipy.sparse as sp
    >>> rows = densely(SparseEngine(sp.csr_array([[0.0, 1.0], [2.0, 0.0]]), np.array([0, 1])))
    >>> rows.sum(lambda block: block.X.sum(axis=0))
    array([2., 1.])
    """
    rows: Any = _Rows(engine.X)
    return MemoryEngine(rows, engine.y, engine.weight, engine.offset, threads=engine.threads)
