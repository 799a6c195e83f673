"""Complete separation of K classes: a direction along which every row's own class wins, checked with a margin.

If x~_i'(Theta_y - Theta_k) > 0 for every row of positive weight and every other class k, F(t Theta) -> 0 as t grows,
and no finite point reaches 0: without a penalty there is no optimum. (A. Albert, J. A. Anderson, Biometrika 71 (1984),
1-10, section 3.) The signs are proved by a bound on their rounding; no false alarm is possible.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np

from steepest.kernels.sparse import entries, most_entries, with_entries
from steepest.objective import Engine
from steepest.proof.certificate import Certificate, disproved
from steepest.proof.existence import Witness
from steepest.proof.rounding import SLACK, gamma
from steepest.types import Block, Floats

__all__ = ["separation"]

FIRST = 5  # rows named
BITS = (4, 10, 20, 40)  # of the direction's entries: short ones first, they make readable witnesses


@dataclass(frozen=True, slots=True)
class _Sides:
    won: int
    open: int
    rows: tuple[int, ...]

    def __add__(self, other: _Sides) -> _Sides:
        return _Sides(self.won + other.won, self.open + other.open, (self.rows + other.rows)[:FIRST])


def separation(engine: Engine, w: Floats, b: Floats) -> Certificate | None:
    """The certificate that W (n, K), b (K,) separates all rows completely, or None if that is not certain.

    `Witness.direction` holds (W; b) row by row, in whole numbers: entry j K + k belongs to feature j and class k, the
    last K to the intercepts.
    """
    theta = np.vstack([w, b])
    largest = float(np.abs(theta).max(initial=0.0))
    if not 0.0 < largest < np.inf:
        return None
    for bits in BITS:
        whole = np.rint(theta / largest * 2.0**bits)
        seen: _Sides = engine.sum(partial(_sides, theta=whole))
        if seen.open == 0 and seen.won > 0:
            direction = tuple(int(part) for part in whole.ravel().tolist())
            columns = tuple(np.flatnonzero(np.ptp(whole[:-1], axis=1)).tolist())
            return disproved(Witness("complete", direction, seen.won, seen.rows, columns))
    return None


def _sides(block: Block, theta: Floats) -> _Sides:
    seen = np.ones(len(block.y), dtype=bool) if block.weight is None else block.weight > 0.0
    X, which, rows = block.X, block.y.astype(np.intp), np.arange(len(block.y))
    Z = np.asarray(X @ theta[:-1]) + theta[-1]
    largest = np.abs(theta).max(axis=1)
    size = with_entries(X, np.abs(entries(X), dtype=np.float64)) @ largest[:-1] + largest[-1]
    own = Z[rows, which]
    Z[rows, which] = -np.inf
    won = seen & (own - Z.max(axis=1) > 2.0 * gamma(most_entries(X) + 10) * SLACK * size + 2.0**-1000)
    first = tuple((np.flatnonzero(won)[:FIRST] + block.start).tolist())
    return _Sides(int(np.count_nonzero(won)), int(np.count_nonzero(seen & ~won)), first)
