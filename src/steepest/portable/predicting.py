"""Rows -> z, probabilities, labels and guard rails, a block at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from steepest import formulas
from steepest.data.arrays import product
from steepest.data.guards import Range, Refusal, guard
from steepest.data.row_blocks import RowBlock
from steepest.data.schema import Schema
from steepest.portable.parts import Reach
from steepest.proof.rounding import SLACK, gamma
from steepest.scaling import Scaling
from steepest.softmax_formulas import softmax
from steepest.types import Floats

__all__ = ["Predictions", "Scorer", "allowance", "predict"]

QUIET = np.errstate(over="ignore", invalid="ignore", under="ignore")  # weights may be as large as floats are
MOST_DENSE = 256  # columns up to which a block is multiplied; of more, levels are looked up
AGREEMENT = 1e-12  # by which two ways to add the same terms may differ, relative to what is added


@dataclass(frozen=True, slots=True, eq=False)
class Scorer:
    """What is needed to predict: the schema, w (n,) or (n, K) and b, ranges, and how far the optimum may be."""

    schema: Schema
    w: Floats
    b: Any
    ranges: tuple[Range, ...] | None = None
    frame: Scaling | None = None
    reach: Reach | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Predictions:
    """What a model says of m rows; refused ones have NaN, and the class -1.

    z, probability     (m,): of the positive class; of K classes (m, K)
    which              (m,) the place of the predicted label among the classes
    missing, unseen, out_of_range   (m,) counts of the guard rails (`data/guards.py`); out_of_range None: not known
    certified_low, certified_high   (m,) between which the probability at the exact optimum lies, proved; None where
                       nothing is proved. This is no statistical interval: it says nothing about the choice of rows
    refusal            the first refused row, and why
    """

    z: Floats
    probability: Floats
    which: NDArray[np.intp]
    missing: NDArray[np.intp]
    unseen: NDArray[np.intp]
    out_of_range: NDArray[np.intp] | None
    certified_low: Floats | None
    certified_high: Floats | None
    refused: NDArray[np.bool_]
    refusal: Refusal | None


@QUIET
def predict(scorer: Scorer, block: RowBlock) -> Predictions:
    """The predictions of the rows of a block, which has the columns of the schema."""
    guarded = guard(scorer.schema, scorer.ranges, block)
    X: Any = np.asarray(guarded.X) if guarded.X.shape[1] <= MOST_DENSE else guarded.X
    z = product(X, scorer.w)
    z += scorer.b
    which = (z > 0.0).astype(np.intp) if z.ndim == 1 else z.argmax(axis=1)
    low, high = _certified(scorer, X, z)
    probability = np.asarray(formulas.sigmoid(z) if z.ndim == 1 else softmax(z))
    for values in (z, probability, low, high):
        if values is not None:
            values[guarded.refused] = np.nan
    which[guarded.refused] = -1
    return Predictions(
        z, probability, which, guarded.missing, guarded.unseen, guarded.out_of_range, low, high, guarded.refused,
        guarded.refusal(),
    )  # fmt: skip


def _certified(scorer: Scorer, X: Any, z: Floats) -> tuple[Floats | None, Floats | None]:
    """sigmoid(z ± reach): z* of the optimum lies there, and the rounding of our z is in it."""
    if scorer.reach is None or scorer.frame is None:
        return None, None
    rows = np.asarray(X)
    size = np.abs(rows) @ np.abs(scorer.w) + abs(scorer.b)
    far = (scorer.reach.at(rows, scorer.frame.centre) + gamma(len(scorer.w) + 10) * size) * SLACK
    low, high = formulas.sigmoid(z - far), formulas.sigmoid(z + far)
    return np.maximum(0.0, low * (2.0 - SLACK)), np.minimum(1.0, high * SLACK)


@QUIET
def allowance(scorer: Scorer, block: RowBlock) -> Floats:
    """(m,) by how much z may differ between two programs that add the same terms in another order.

    1e-12 of 1 + |b| + sum of |w_j x_j|: some thousand roundings.
    """
    X = np.asarray(guard(scorer.schema, None, block).X)
    size = np.abs(X) @ np.abs(scorer.w) + np.abs(scorer.b)
    return np.asarray(AGREEMENT * (1.0 + (size if size.ndim == 1 else size.max(axis=1))))
