"""Sparse rows about a centre, by algebra: z = (x - c)'w + b is x'w + (b - c'w), and no row changes.

    dw := dw - c db      ddw := ddw - dwdb c' - c dwdb' + ddb c c'      dwdb := dwdb - ddb c

What is subtracted cancels in the digits that |c| has before the deviation of a column, so columns far from 0 beside
their deviation (years, Unix times) belong in a dense table, where rows are centred themselves.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from steepest.kernels import sparse
from steepest.types import Block, Floats, Product, Sums

__all__ = ["Centred"]


@dataclass(frozen=True, slots=True)
class Centred:
    """The three questions of a `Kernel` about rows x - centre; (w, b) belong to those.

    >>> import scipy.sparse as sp
    >>> block = Block(sp.csr_array([[0.0, 2.0], [1.0, 0.0]]), np.array([1.0, 0.0]))
    >>> Centred(np.array([0.5, 1.0])).sums(block, np.zeros(2), 0.0, 1).dw
    array([ 0.5, -1. ])
    """

    centre: Floats

    def sums(self, block: Block, w: Floats, b: float, order: int) -> Sums:
        """As `sparse.sums`."""
        total, c = sparse.sums(block, w, self._seen(w, b), order), self.centre
        if total.dw is None:
            return total
        dw = total.dw - total.db * c
        if total.ddw is None or total.dwdb is None:
            return Sums(total.weight, total.loss, total.errors, dw, total.db)
        ddw = total.ddw - np.outer(total.dwdb, c)
        ddw -= np.outer(c, total.dwdb - total.ddb * c)
        return Sums(total.weight, total.loss, total.errors, dw, total.db, ddw, total.dwdb - total.ddb * c, total.ddb)

    def hessian_times(self, block: Block, w: Floats, b: float, v: Floats, c: float) -> Product:
        """As `sparse.hessian_times`."""
        total = sparse.hessian_times(block, w, self._seen(w, b), v, self._seen(v, c))
        return Product(total.dw - total.db * self.centre, total.db)

    def along(self, block: Block, w: Floats, b: float, v: Floats, c: float, steps: Floats) -> Floats:
        """As `sparse.along`."""
        return sparse.along(block, w, self._seen(w, b), v, self._seen(v, c), steps)

    def _seen(self, w: Floats, b: float) -> float:
        return b - float(self.centre @ w)
