"""Arrays in: shape, dtype and finiteness are checked a slice at a time, nothing is copied that need not be."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from steepest.errors import DataError
from steepest.types import Floats

__all__ = ["LARGEST", "as_rows", "as_table", "as_weights", "check_size"]

SLICE = 1 << 16  # elements checked at a time
LARGEST = 1e152  # its square is still a float


def as_rows(X: ArrayLike) -> NDArray[Any]:
    """X as an array (m, n) of finite real numbers, without a copy if it is one already.

    Raises DataError for another shape, no rows or no columns, text, complex numbers, and for the first value that is
    NaN, infinite or beyond 1e152, named by row and column (counted from 0).
    """
    rows = as_table(X)
    check_size(rows)
    return rows


def as_table(X: ArrayLike) -> NDArray[Any]:
    """What `as_rows` does, without looking at the values."""
    rows = np.asarray(X)
    if rows.ndim != 2:
        hint = "; reshape one column to (m, 1)" if rows.ndim == 1 else ""
        raise DataError(f"X must have two dimensions (examples, features), it has shape {rows.shape}{hint}")
    if rows.shape[0] == 0 or rows.shape[1] == 0:
        raise DataError(f"X has shape {rows.shape}: at least one example and one feature are needed")
    if rows.dtype == object:
        try:
            rows = rows.astype(np.float64)
        except (TypeError, ValueError) as error:
            raise DataError(f"X holds something that is not a number: {error}") from None
    if rows.dtype.kind not in "biuf":
        raise DataError(f"X must hold real numbers, its dtype is {rows.dtype}; encode text columns as numbers first")
    return rows


def as_weights(sample_weight: ArrayLike | None, m: int) -> Floats | None:
    """Row weights (m,) as float64, or None.

    Raises DataError for another shape, NaN, infinite or negative weights, and for weights that are all 0.
    """
    if sample_weight is None:
        return None
    weights = np.asarray(sample_weight, dtype=np.float64)
    if weights.shape != (m,):
        raise DataError(f"sample_weight has shape {weights.shape}, but X has {m} rows: give one weight per row")
    bad = np.flatnonzero(~(np.isfinite(weights) & (weights >= 0.0)))
    if len(bad):
        raise DataError(
            f"sample_weight[{bad[0]}] is {weights[bad[0]]}: {len(bad)} of {m} weights are not finite and >= 0"
        )
    if not weights.any():
        raise DataError("sample_weight is 0 on every row: nothing is left to fit")
    return weights


def check_size(rows: NDArray[Any]) -> None:
    """Every value finite and at most LARGEST in size; NaN fails every comparison, so one per slice finds all."""
    if rows.dtype.kind != "f":
        return
    step = max(1, SLICE // rows.shape[1])
    for start in range(0, len(rows), step):
        part = rows[start : start + step]
        if not max(float(part.max()), -float(part.min())) <= LARGEST:
            i, j = np.argwhere(~(np.abs(part, dtype=np.float64) <= LARGEST))[0]
            value = part[i, j]
            reason = (
                f"values beyond {LARGEST:.0e} cannot be squared in floating point; divide the column by a power of ten"
                if np.isfinite(value)
                else "every value must be finite; drop such rows or fill them in before fitting"
            )
            raise DataError(f"X[{start + i}, {j}] is {value}: {reason}")
