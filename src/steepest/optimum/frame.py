"""The frame in which a dense table is solved: columns divided by powers of two, and centred where that is needed.

Scaling by a power of two is exact and costs nothing (it is algebra on n numbers). Centring costs a copy of each block
while it is in cache, so it is done only for columns whose mean exceeds their deviation by far: Unix times, years.
"""

from __future__ import annotations

import numpy as np

from steepest.data.arrays import LARGEST
from steepest.errors import DataError
from steepest.proof.linear_relations import Dependence
from steepest.scaling import Moments, Scaling
from steepest.types import Floats

__all__ = ["frame_of", "strengths"]

OFFSET = 32.0  # a mean of more deviations than this is taken off; below, Cholesky's method bears it easily
HELD = 1.0  # strength of a penalty on weights that have no column to act on: they stay 0


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
