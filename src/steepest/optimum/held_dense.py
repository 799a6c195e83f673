"""Columns of a dense table: where they are, or gathered side by side."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from steepest.data.arrays import check_size
from steepest.engines import MemoryEngine
from steepest.lapack import blas
from steepest.optimum.first_look import survey
from steepest.optimum.frame import OFFSET
from steepest.optimum.held import EPOCHS, Columns, kernels, near
from steepest.scaling import Scaling
from steepest.types import Block, Floats

__all__ = ["DenseTable", "Gathered", "Whole"]

WHOLE = 512  # columns up to which none are gathered: a Hessian of all is 2 MB
SINGLE = 256  # gathered columns from which products may be in float32: they make a model, nothing is proved by it


@dataclass(frozen=True, slots=True)
class DenseTable:
    """A dense table; `far` says whether columns are centred."""

    engine: MemoryEngine
    n: int
    frame: Scaling
    low: Floats
    high: Floats
    extent: Floats
    terms: int
    far: bool

    @classmethod
    def of(cls, engine: MemoryEngine) -> DenseTable:
        """Look at all values once, and choose the frame."""
        n = engine.n
        seen = survey(engine, Scaling(np.zeros(n), np.ones(n)))
        if not seen.sound:
            check_size(engine.X)
        middle, half = 0.5 * seen.low + 0.5 * seen.high, 0.5 * seen.high - 0.5 * seen.low
        centre = np.where(np.abs(middle) > OFFSET * half, middle, 0.0)
        scale = near(np.maximum(np.abs(seen.low - centre), np.abs(seen.high - centre)))
        low, high = (seen.low - centre) / scale, (seen.high - centre) / scale
        extent = np.maximum(np.abs(low), np.abs(high)) * (1.0 + 2.0**-40)
        terms = engine.most_rows + 2 * int(engine.m / engine.rows + 2).bit_length()
        return cls(engine, n, Scaling(centre, scale), low, high, extent, terms, bool(np.any(centre)))

    def correlate(self, r: Floats) -> Floats:
        """X~'r, (n,); of several r (K, m) at once (K, n)."""

        def of_block(block: Block) -> Floats:
            return np.asarray(np.matmul(r[..., block.start : block.start + len(block.y)], self.rows(block)))

        found: Floats = self.engine.sum(of_block)
        return found / self.frame.scale

    def rows(self, block: Block) -> Floats:
        """The rows of a block, centred if need be."""
        return block.X - self.frame.centre if self.far else block.X

    def dense(self, columns: Columns) -> Floats:
        """(m, k) some columns of X~."""
        part = np.asarray(self.engine.X[:, columns], dtype=np.float64)
        return np.asarray((part - self.frame.centre[columns]) / self.frame.scale[columns])

    def hold(self, columns: Columns, before: Any) -> Any:
        """These columns, gathered if the table has many."""
        return Whole(self, columns) if self.n <= WHOLE else Gathered.of(self, columns, before)


@dataclass(frozen=True, slots=True)
class Whole:
    """Columns of a dense table that stay where they are."""

    table: DenseTable
    columns: Columns

    def forward(self, v: Floats) -> Floats:
        """X~_A v, (m,), or (m, K) for v (k, K)."""
        table, z = self.table, np.empty((self.table.engine.m, *v.shape[1:]))
        w = np.zeros((table.n, *v.shape[1:]))
        w[self.columns] = (v.T / table.frame.scale[self.columns]).T

        def of_block(block: Block) -> float:
            np.matmul(table.rows(block), w, out=z[block.start : block.start + len(block.y)])
            return 0.0

        table.engine.sum(of_block)
        return z

    def correlate(self, r: Floats) -> Floats:
        """X~_A'r, (k,), or (K, k) for r (K, m)."""
        return np.asarray(self.table.correlate(r)[..., self.columns])

    def products(self, start: int, D: Floats, exact: bool = True) -> tuple[Floats, Floats]:
        """X~_B'DX~_A and X~_B'D1."""
        table, scale = self.table, self.table.frame.scale[self.columns]
        root = np.sqrt(D)

        def of_block(block: Block) -> Floats:
            part = root[block.start : block.start + len(block.y)]
            rooted = np.column_stack([table.rows(block)[:, self.columns] / scale, np.ones(len(part))])
            rooted *= part[:, None]
            return np.asarray(rooted[:, start:].T @ rooted)

        found: Floats = table.engine.sum(of_block)
        return found[:-1, :-1], found[:-1, -1]

    def diagonal(self, D: Floats) -> tuple[Floats, Floats]:
        """Sums of D x~² and of D x~."""
        products, edge = self.products(0, D)
        return np.diagonal(products), edge

    def descend(self, quadratic: Any, slope: Floats, at: Floats, terms: Floats, slack: Floats) -> None:
        """Coordinate descent on a copy; so few columns have a G, so nobody comes here."""
        gathered = np.asfortranarray(self.table.dense(self.columns))
        kernels(self.table.n).descend_dense(gathered, quadratic, slope, at, terms, slack, EPOCHS)


@dataclass(frozen=True, slots=True)
class Gathered:
    """Columns of a dense table side by side, in Fortran's order; `space` has room for more; n of all columns."""

    n: int
    columns: Columns
    X: Floats
    space: Floats

    @classmethod
    def of(cls, table: DenseTable, columns: Columns, before: Gathered | None) -> Gathered:
        """Gather `columns`; those that `before` begins with stay where they are, others it has are copied from it."""
        k, known = len(columns), 0 if before is None else len(before.columns)
        if before is not None and np.array_equal(columns[:known], before.columns) and k <= before.space.shape[1]:
            space = before.space
        else:
            space = np.empty((table.engine.m, max(64, k + k // 2)), order="F")
            places = {} if before is None else {int(j): i for i, j in enumerate(before.columns)}
            kept = [places.get(int(j), -1) for j in columns]
            known = next((i for i, place in enumerate(kept) if place < 0), k)
            for i in range(known):
                space[:, i] = before.X[:, kept[i]]  # type: ignore[union-attr]
        if known < k:
            space[:, known:k] = table.dense(columns[known:])
        return cls(table.n, columns, space[:, :k], space)

    def forward(self, v: Floats) -> Floats:
        """X~_A v, (m,), or (m, K) for v (k, K)."""
        return np.asarray(self.X @ v)

    def correlate(self, r: Floats) -> Floats:
        """X~_A'r, (k,), or (K, k) for r (K, m)."""
        return np.asarray(r @ self.X)

    def products(self, start: int, D: Floats, exact: bool = True) -> tuple[Floats, Floats]:
        """X~_B'DX~_A and X~_B'D1; of many columns in float32, which is twice as fast, unless `exact`."""
        X, k = self.X, len(self.columns)
        if k == start:
            return np.zeros((0, k)), np.zeros(0)
        single = k > SINGLE and not exact
        dtype: Any = np.float32 if single else np.float64
        edges = D @ X[:, start:]
        rooted = np.empty(X.shape, dtype, order="F")
        np.multiply(X, np.sqrt(D)[:, None], out=rooted, casting="same_kind")
        if start:
            return np.asarray(rooted[:, start:].T @ rooted), np.asarray(edges)
        form = blas.ssyrk if single else blas.dsyrk
        lower = np.tril(form(1.0, rooted, trans=1, lower=1))
        lower += np.tril(lower, -1).T
        return np.ascontiguousarray(lower), np.asarray(edges)

    def diagonal(self, D: Floats) -> tuple[Floats, Floats]:
        """Sums of D x~² and of D x~."""
        return np.einsum("ij,ij,i->j", self.X, self.X, D), D @ self.X

    def descend(self, quadratic: Any, slope: Floats, at: Floats, terms: Floats, slack: Floats) -> None:
        """Coordinate descent over the columns themselves."""
        kernels(self.n).descend_dense(self.X, quadratic, slope, at, terms, slack, EPOCHS)
