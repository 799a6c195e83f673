"""Where descent on a large wide table starts from: rounds of dual ascent, where compiled code can read the rows."""

from __future__ import annotations

import numpy as np

from steepest.engines import MemoryEngine
from steepest.kernels import suited
from steepest.kernels.dual_ascent import ascend
from steepest.types import Floats

__all__ = ["dual_start"]


def dual_start(engine: MemoryEngine, strength: Floats) -> tuple[Floats, float] | None:
    """(w, b) near the optimum; None for small tables, other dtypes and orders, offsets, penalties that differ."""
    l2, X = float(strength[0]), engine.X
    plain = X.dtype == np.float64 and X.flags.c_contiguous and X.flags.aligned
    plain = plain and engine.offset is None
    if not plain or suited(engine.m, engine.n).name != "compiled" or not l2 > 0.0 or np.any(strength != l2):
        return None
    weight = np.ones(engine.m) if engine.weight is None else engine.weight
    w, b, rounds = ascend(X, engine.y.astype(np.float64), weight / (engine.total_weight * l2))
    engine.passes += rounds
    return w, b
