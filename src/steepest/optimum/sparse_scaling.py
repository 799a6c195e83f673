"""Means and standard deviations of sparse columns, whose zeros are counted and not looked at."""

from __future__ import annotations

from typing import Any

import numpy as np

from steepest.engines import MemoryEngine
from steepest.engines.sparse import SparseEngine
from steepest.kernels.sparse import turned
from steepest.scaling import Moments, Scaling, moments_of
from steepest.types import Block, Floats

__all__ = ["penalties", "standard"]


def standard(engine: SparseEngine | MemoryEngine) -> Scaling:
    """The columns' means and standard deviations, infinite for constant ones; two passes over sparse rows.

    Stored entries are seen about the mean, the others are -mean: nothing cancels.

    >>> import scipy.sparse as sp
    >>> found = standard(SparseEngine(sp.csr_array([[1.0, 5.0], [3.0, 5.0]]), np.array([0, 1])))
    >>> found.centre, found.scale
    (array([2., 5.]), array([ 1., inf]))
    """
    if isinstance(engine, MemoryEngine):
        return Scaling.standard(engine.sum(moments_of))
    weight = engine.total_weight
    mean: Floats = engine.sum(_totals) / weight
    square: Floats = engine.sum(lambda block: _squares(block, mean))
    return Scaling.standard(Moments(weight, mean, np.maximum(square, 0.0)))


def penalties(engine: SparseEngine | MemoryEngine, l2: float | Floats, standardize: bool) -> Floats:
    """(n,) strengths on the user's columns: l2, or l2 deviation²; a constant column keeps l2, its weight stays 0."""
    strength = np.full(engine.n, l2, dtype=np.float64)
    if standardize:
        scale = standard(engine).scale
        strength *= np.where(np.isfinite(scale), scale, 1.0) ** 2
    return strength


def _totals(block: Block) -> Floats:
    s = np.ones(len(block.y)) if block.weight is None else block.weight
    return np.asarray(turned(block.X) @ s, dtype=np.float64)


def _squares(block: Block, mean: Floats) -> Floats:
    """Sum of s (x - mean)² of each column."""
    s = np.ones(len(block.y)) if block.weight is None else block.weight
    rows: Any = block.X
    n = rows.shape[1]
    apart = rows.tocsc(copy=True)
    apart.sum_duplicates()
    column = np.repeat(np.arange(n), np.diff(apart.indptr))
    here = s[apart.indices]
    stored = np.bincount(column, here * (apart.data - mean[column]) ** 2, n)
    others = float(s.sum()) - np.bincount(column, here, n)
    return np.asarray(stored + mean * mean * others, dtype=np.float64)
