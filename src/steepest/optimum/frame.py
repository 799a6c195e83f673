"""The frame in which a dense table is solved: columns divided by powers of two, and centred where that is needed.

Scaling by a power of two is exact and costs nothing (it is algebra on n numbers). Centring costs a copy of each block
while it is in cache, so it is done only for columns whose mean exceeds their deviation by far: Unix times, years.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from steepest.data.arrays import LARGEST
from steepest.data.columns import ends
from steepest.engines import MemoryEngine
from steepest.errors import DataError
from steepest.kernels import KERNELS, compiled, suited
from steepest.proof.linear_relations import Dependence
from steepest.scaling import Moments, Scaling
from steepest.types import Block, Floats

__all__ = ["Survey", "frame_of", "strengths", "survey"]

OFFSET = 32.0  # a mean of more deviations than this is taken off; below, Cholesky's method bears it easily
HELD = 1.0  # strength of a penalty on weights that have no column to act on: they stay 0


@dataclass(frozen=True, slots=True)
class Survey:
    """Least and largest value of every column, and the longest row in the frame, squared; NaN if a value is NaN."""

    low: Floats
    high: Floats
    square: float

    def __add__(self, other: Survey) -> Survey:
        low, high = np.minimum(self.low, other.low), np.maximum(self.high, other.high)
        return Survey(low, high, float(np.maximum(self.square, other.square)))

    @property
    def sound(self) -> bool:
        """Whether all values are finite, and small enough to be squared; NaN fails every comparison."""
        small = np.all(self.low >= -LARGEST) and np.all(self.high <= LARGEST)
        return bool(small and not math.isnan(self.square))

    def extent(self, frame: Scaling) -> Floats:
        """(n,) the largest |x - centre| / scale of each column, rounded up."""
        far = np.maximum(np.abs(self.low - frame.centre), np.abs(self.high - frame.centre))
        return far / frame.scale * (1.0 + 2.0**-40)

    @property
    def length(self) -> float:
        """The longest (x~, 1) of any row, rounded up."""
        return math.sqrt(self.square + 1.0) * (1.0 + 2.0**-20)


def survey(engine: MemoryEngine, frame: Scaling) -> Survey:
    """Look at every value once, in one pass."""
    if suited(engine.m, engine.n) is KERNELS["compiled"]:
        return engine.sum(lambda block: Survey(*compiled.look(block, frame.centre, 1.0 / frame.scale)))
    inverse = 1.0 / frame.scale
    shifted, alike = bool(np.any(frame.centre)), bool(np.all(inverse == inverse[0]))
    alike = alike and 2.0**-200 < inverse[0] < 2.0**200  # or squares of the columns as they are may underflow

    def of_block(block: Block) -> Survey:
        X = block.X - frame.centre if shifted else block.X
        if not alike:
            X = X * inverse
        square = float(np.einsum("ij,ij->i", X, X).max())
        return Survey(*ends(block.X), square * float(inverse[0]) ** 2 if alike else square)

    return engine.sum(of_block)


def frame_of(moments: Moments, dropped: tuple[Dependence, ...]) -> Scaling:
    """Powers of two near the deviations; an infinite scale leaves a dropped column out.

    Raises DataError for a column whose numbers are so small that their squares, and with them its deviation, are lost.
    """
    deviation = np.sqrt(moments.square / moments.weight)
    size = np.abs(moments.mean)
    varies = deviation > 16.0 * np.finfo(float).eps * size
    near = np.where(varies, deviation, np.where(size > 0.0, size, 1.0))
    lost = np.flatnonzero(near < 1.0 / LARGEST)
    if len(lost):
        raise DataError(
            f"X[:, {lost[0]}] holds numbers around {near[lost[0]]:.0e}: values below {1.0 / LARGEST:.0e} cannot be "
            "squared in floating point; multiply the column by a power of ten"
        )
    scale = np.ldexp(1.0, np.frexp(near)[1])
    scale[[found.column for found in dropped]] = np.inf
    return Scaling(np.where(size > OFFSET * deviation, moments.mean, 0.0), scale)


def strengths(l2: Floats, frame: Scaling, standardize: Floats | None) -> Floats:
    """(n,) the penalty's strengths in the frame: l2 w² = l2 (u / scale)², or l2 (deviation u / scale)².

    Columns that were left out get one of their own, so that their weights stay 0 and no matrix is singular.
    """
    unit = 1.0 if standardize is None else standardize
    strength = l2 * (unit / frame.scale) * (unit / frame.scale)
    return np.where(np.isfinite(frame.scale), strength, HELD)
