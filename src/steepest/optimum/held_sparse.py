"""Columns of a sparse table, which is turned to CSC once."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from steepest.engines.sparse import SparseEngine
from steepest.kernels.coordinate_plain import RUN
from steepest.optimum.held import EPOCHS, PLAIN, Columns, kernels, near
from steepest.scaling import Scaling
from steepest.types import Floats

__all__ = ["SparseHeld", "SparseTable"]


@dataclass(frozen=True)
class SparseTable:
    """A sparse table by columns: column j is rows[t], data[t] with starts[j] <= t < starts[j + 1]."""

    engine: SparseEngine
    n: int
    frame: Scaling
    low: Floats
    high: Floats
    extent: Floats
    terms: int
    starts: NDArray[Any]
    places: NDArray[Any]
    data: Floats

    @classmethod
    def of(cls, engine: SparseEngine) -> SparseTable:
        """Turn the table, which copies its stored numbers, and scale its columns."""
        turned = engine.X.tocsc(copy=True)
        turned.sum_duplicates()
        starts, data = turned.indptr, turned.data.astype(np.float64)
        counts = np.diff(starts)
        scale = near(_by_column(np.maximum, np.abs(data), starts))
        data /= np.repeat(scale, counts)
        low, high = _by_column(np.minimum, data, starts), _by_column(np.maximum, data, starts)
        part = counts < engine.m
        low[part], high[part] = np.minimum(low[part], 0.0), np.maximum(high[part], 0.0)
        most = int(counts.max(initial=0))
        terms = most if engine.n <= PLAIN else RUN + most // RUN + 2
        extent = np.maximum(np.abs(low), np.abs(high))
        frame = Scaling(np.zeros(engine.n), scale)
        return cls(engine, engine.n, frame, low, high, extent, terms, starts, turned.indices, data)

    @functools.cached_property
    def every(self) -> Columns:
        """0 … n - 1."""
        return np.arange(self.n)

    def correlate(self, r: Floats) -> Floats:
        """X~'r, (n,); of several r (K, m) one after the other (K, n)."""
        self.engine.passes += 1
        return SparseHeld(self, self.every).correlate(r)

    def dense(self, columns: Columns) -> Floats:
        """(m, k) some columns of X~."""
        found = np.zeros((self.engine.m, len(columns)))
        for k, j in enumerate(columns.tolist()):
            part = slice(int(self.starts[j]), int(self.starts[j + 1]))
            found[self.places[part], k] = self.data[part]
        return found

    def hold(self, columns: Columns, before: Any) -> Any:
        """These columns; nothing is copied but their entries, row by row, once products are asked for."""
        return SparseHeld(self, columns)


@dataclass(frozen=True)
class SparseHeld:
    """Columns of a sparse table."""

    table: SparseTable
    columns: Columns

    @functools.cached_property
    def by_rows(self) -> tuple[Any, Any, Any, int]:
        """The held columns row by row, and how many they are."""
        table = self.table
        found = kernels(table.n).by_rows(table.starts, table.places, table.data, self.columns, table.engine.m)
        return (*found, len(self.columns))

    def forward(self, v: Floats) -> Floats:
        """X~_A v, (m,), or (m, K) for v (k, K)."""
        if v.ndim == 2:
            return np.column_stack([self.forward(each) for each in np.ascontiguousarray(v.T)])
        table, z = self.table, np.zeros(self.table.engine.m)
        found: Floats = kernels(table.n).forward(table.starts, table.places, table.data, self.columns, v, z)
        return found

    def correlate(self, r: Floats) -> Floats:
        """X~_A'r, (k,), or (K, k) for r (K, m)."""
        if r.ndim == 2:
            return np.stack([self.correlate(each) for each in r])
        table = self.table
        found: Floats = kernels(table.n).correlate(table.starts, table.places, table.data, self.columns, r)
        return found

    def products(self, start: int, D: Floats, exact: bool = True) -> tuple[Floats, Floats]:
        """X~_B'DX~_A and X~_B'D1."""
        found: tuple[Floats, Floats] = kernels(self.table.n).cross(self.by_rows, start, D)
        return found

    def diagonal(self, D: Floats) -> tuple[Floats, Floats]:
        """Sums of D x~² and of D x~."""
        table = self.table
        of = kernels(table.n).correlate
        squares: Floats = of(table.starts, table.places, table.data * table.data, self.columns, D)
        edges: Floats = of(table.starts, table.places, table.data, self.columns, D)
        return squares, edges

    def descend(self, quadratic: Any, slope: Floats, at: Floats, terms: Floats, slack: Floats) -> None:
        """Coordinate descent over the stored numbers themselves."""
        table = self.table
        X = (table.starts, table.places, table.data, self.columns)
        kernels(table.n).descend_sparse(X, quadratic, slope, at, terms, slack, EPOCHS)


def _by_column(of: Callable[..., Any], data: Floats, starts: NDArray[Any]) -> Floats:
    """Largest or least entry of each column, 0 for columns without any."""
    found = np.zeros(len(starts) - 1)
    filled = np.flatnonzero(np.diff(starts))
    if len(filled):
        found[filled] = of.reduceat(data, starts[filled])  # type: ignore[attr-defined]
    return found
