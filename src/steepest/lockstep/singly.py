"""Paths whose fits go one by one, because matrices of all columns for each would cost more: more columns than rows.

Every fit is that of `steepest.fit`, in whatever regime suits its table, from the optimum of the next stronger penalty;
what is held out is judged for all penalties of a fold by one matrix product.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from steepest.engines import MemoryEngine
from steepest.formulas import loss
from steepest.optimum import Request, minimise
from steepest.types import Floats

__all__ = ["Found", "one_by_one"]


@dataclass(frozen=True, slots=True)
class Found:
    """Of all rows, then without each of K folds, (K + 1, P, …): weights, proved gaps, totals over the fold held out;
    weights of the folds (K,), and how often all rows were read.
    """

    w: Floats
    b: Floats
    gaps: Floats
    held_loss: Floats
    held_right: Floats
    weights: Floats
    passes: int

    def mended(self, which: NDArray[np.intp], found: Found) -> Found:
        """With some of the penalties replaced."""
        for name in ("w", "b", "gaps", "held_loss", "held_right"):
            getattr(self, name)[:, which] = getattr(found, name)
        return replace(self, passes=self.passes + found.passes)


def one_by_one(engine: MemoryEngine, l2: Floats, fold: NDArray[np.intp] | None, tol: float, same_sum: bool) -> Found:
    """Every fit by itself, from strong to weak penalties."""
    P, K = len(l2), 0 if fold is None else int(fold.max()) + 1
    w, (b, gaps, held_loss, held_right) = np.empty((K + 1, P, engine.n)), np.zeros((4, K + 1, P))
    weight = np.ones(engine.m) if engine.weight is None else engine.weight
    names, read = [f"x{j + 1}" for j in range(engine.n)], 0
    for held in range(-1, K):
        seen = np.arange(engine.m) if fold is None or held < 0 else np.flatnonzero(fold != held)
        part = engine if held < 0 else _rows(engine, seen)
        share = weight.sum() / weight[seen].sum() if same_sum else 1.0
        start = None
        for p in np.argsort(-l2, kind="stable").tolist():
            part.passes = 0
            outcome = minimise(part, Request(tol, float(l2[p] * share), names, start=start))
            start = outcome.w, outcome.b
            w[held + 1, p], b[held + 1, p], gaps[held + 1, p] = outcome.w, outcome.b, outcome.certificate.gap
            read += outcome.passes * part.m
        if held >= 0:
            out = np.flatnonzero(fold == held)
            y, s = engine.y[out].astype(np.float64)[:, None], weight[out]
            z = np.asarray(engine.X[out], dtype=np.float64) @ w[held + 1].T + b[held + 1]
            held_loss[held + 1], held_right[held + 1] = s @ loss(z, y), s @ ((2.0 * y - 1.0) * z > 0.0)
    weights = np.bincount(fold, weights=weight, minlength=K) if fold is not None else np.empty(0)
    return Found(w, b, gaps, held_loss, held_right, weights.astype(np.float64), -(-read // engine.m))


def _rows(engine: MemoryEngine, which: NDArray[np.intp]) -> MemoryEngine:
    weight = None if engine.weight is None else engine.weight[which]
    return MemoryEngine(engine.X[which], engine.y[which], weight, threads=engine.threads)
