"""Complete separation of sparse rows, verified exactly: floats where their error bound decides, fractions elsewhere."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from steepest.engines.sparse import SparseEngine
from steepest.kernels.sparse import with_entries
from steepest.proof.existence import FIRST, Witness
from steepest.proof.rounding import SLACK, gamma
from steepest.types import Block, Floats

__all__ = ["separates"]


@dataclass(frozen=True, slots=True)
class _Side:
    strict: int
    against: int
    first: tuple[int, ...]

    def __add__(self, other: _Side) -> _Side:
        return _Side(self.strict + other.strict, self.against + other.against, (self.first + other.first)[:FIRST])


def separates(engine: SparseEngine, w: Floats, b: float) -> Witness | None:
    """The witness that (w, b) is if (2y - 1)(x'w + b) > 0 on every row of positive weight, else None; one pass.

    >>> import scipy.sparse as sp
    >>> rows = SparseEngine(sp.csr_array([[1.0], [2.0], [3.0]]), np.array([0, 1, 1]))
    >>> separates(rows, np.array([2.0]), -3.0).direction, separates(rows, np.array([2.0]), -4.0)
    ((2, -3), None)
    """
    if not (np.isfinite(w).all() and math.isfinite(b)):
        return None
    side: _Side = engine.sum(lambda block: _side(block, w, b))
    if side.against or not side.strict:
        return None
    parts = [Fraction(part) for part in (*w.tolist(), b)]
    multiple = math.lcm(*(part.denominator for part in parts))
    whole = [int(part * multiple) for part in parts]
    factor = math.gcd(*whole) or 1
    direction = tuple(part // factor for part in whole)
    columns = tuple(j for j, part in enumerate(direction[:-1]) if part)
    return Witness("complete", direction, side.strict, side.first, columns)


def _side(block: Block, w: Floats, b: float) -> _Side:
    X: Any = block.X
    z = X @ w + b
    size = with_entries(X, np.abs(X.data, dtype=np.float64)) @ np.abs(w) + abs(b)
    entries = int(np.diff(X.indptr).max(initial=0))
    unsure = ~(np.abs(z) > gamma(entries + 8) * SLACK * size + 2.0**-1000)
    seen = np.ones(len(z), dtype=bool) if block.weight is None else block.weight > 0.0
    sign = np.sign(z)
    for i in np.flatnonzero(unsure & seen).tolist():
        part = slice(int(X.indptr[i]), int(X.indptr[i + 1]))
        pairs = zip(X.data[part].tolist(), w[X.indices[part]].tolist(), strict=True)
        exact = sum((Fraction(x) * Fraction(each) for x, each in pairs), Fraction(b))
        sign[i] = (exact > 0) - (exact < 0)
    label = np.where(block.y == 1.0, 1.0, np.where(block.y == 0.0, -1.0, 0.0))
    strict = seen & (label * sign > 0.0)
    first = tuple(int(i) + block.start for i in np.flatnonzero(strict)[:FIRST])
    n_strict = int(np.count_nonzero(strict))
    return _Side(n_strict, int(np.count_nonzero(seen)) - n_strict, first)
