"""`many.margins` by compiled code (`many_fused.py`), which is loaded by the first piece that it is asked for.

A pass of 60 fits over 20,000 rows takes a third of its time in exponentials and logarithms with NumPy on a processor
with vectors of 256 bits. Loading Numba takes longer than all passes of a small path: `lockstep` asks for it by shape.
"""

from __future__ import annotations

import functools
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray

from steepest.kernels.many import Piece
from steepest.types import Floats

__all__ = ["framed", "margins"]

NOTHING = np.empty(0)


def margins(U: Floats, piece: Piece, held: NDArray[np.intp]) -> tuple[Floats, Floats, Floats]:
    """As `many.margins`, to rounding, for held folds in ascending order."""
    if np.any(held[1:] < held[:-1]):
        raise ValueError("held must ascend: the fits without a fold are a rectangle then")
    ends = np.array(piece.ends, dtype=np.int64)
    low, high = np.searchsorted(held, np.arange(len(ends) - 1)), np.searchsorted(held, np.arange(1, len(ends)))
    loss, held_loss, held_right = np.zeros(len(held)), np.zeros(len(held)), np.zeros(len(held))
    s = NOTHING if piece.s is None else np.ascontiguousarray(piece.s)
    _fused().margins(U, s, ends, low, high, loss, held_loss, held_right)
    return loss, held_loss, held_right


def framed(X: Floats, y: Floats, order: NDArray[np.intp], centre: Floats, scale: Floats, out: Floats) -> Floats:
    """(2y - 1) ((x - centre) / scale, 1) of the rows in an order, scale being powers of two; `out` is filled."""
    _fused().framed(np.require(X, requirements=["C", "A"]), 2.0 * y - 1.0, order, centre, 1.0 / scale, out)
    return out


@functools.cache
def _fused() -> Any:
    return import_module("steepest.kernels.many_fused")
