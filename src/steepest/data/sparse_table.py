"""A table of columns that lie apart as CSR, for regimes that take sparse rows and no codes."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy

from steepest.data.column_table import ColumnTable, Levels

__all__ = ["sparse_of"]


def sparse_of(table: ColumnTable) -> Any:
    """The same table as CSR in its narrowest dtype, zeros left out: a copy."""
    m, n = table.shape
    starts = np.cumsum([0, *(source.width for source in table.sources)])
    slots = sum(1 if isinstance(source, Levels) else source.width for source in table.sources)
    wide = np.int64 if m * slots > np.iinfo(np.int32).max else np.int32
    indptr = np.zeros(m + 1, dtype=wide)
    indices, data = np.empty(m * slots, dtype=wide), np.empty(m * slots, dtype=table.dtype)
    end = 0
    for rows in table.slices():
        found = [source.entries(rows) for source in table.sources]
        places = np.concatenate(
            [np.where(at < 0, -1, at + start) for (at, _), start in zip(found, starts, strict=False)]
        )
        values = np.concatenate([each.astype(table.dtype, copy=False) for _, each in found])
        there = (places >= 0).T
        counts = there.sum(axis=1)
        indptr[rows.start + 1 : rows.stop + 1] = end + np.cumsum(counts)
        stop = end + int(counts.sum())
        indices[end:stop], data[end:stop] = places.T[there], values.T[there]
        end = stop
    made: Any = scipy.sparse.csr_array((m, n), dtype=table.dtype)
    made.data, made.indices, made.indptr = data[:end], indices[:end], indptr
    made.has_sorted_indices = made.has_canonical_format = True
    return made
