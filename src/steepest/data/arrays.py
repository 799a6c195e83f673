"""Arrays in: shape, dtype and finiteness are checked a slice at a time, nothing is copied that need not be.

Frames are known by what their type offers, so that none of their libraries, nor narwhals, is imported to look.
"""

from __future__ import annotations

import os
import sys
from importlib import import_module
from typing import Any, cast

import numpy as np
import scipy
from numpy.typing import ArrayLike, NDArray

from steepest.data.column_table import ColumnTable
from steepest.errors import DataError
from steepest.types import Floats

__all__ = [
    "LARGEST",
    "as_array",
    "as_rows",
    "as_table",
    "as_weights",
    "check_size",
    "is_column",
    "is_frame",
    "is_paths",
    "is_sparse",
    "product",
]

SLICE = 1 << 16  # elements checked at a time
WIDENED = 1 << 18  # elements turned into float64 at a time
LARGEST = 1e152  # its square is still a float


def is_frame(X: Any) -> bool:
    """Whether X is a table with named columns: of pandas, polars, Arrow, DuckDB, or whatever offers an Arrow stream."""
    if isinstance(X, np.ndarray):
        return False
    kind = type(X)
    named = any(hasattr(kind, name) for name in ("columns", "column_names", "schema"))
    return named and any(
        hasattr(kind, name) for name in ("__arrow_c_stream__", "iloc", "collect", "__narwhals_dataframe__")
    )


def is_paths(X: Any) -> bool:
    """Whether X names files: a path, or a list of paths."""
    if isinstance(X, str | os.PathLike):
        return True
    return isinstance(X, list | tuple) and len(X) > 0 and all(isinstance(each, str | os.PathLike) for each in X)


def is_sparse(X: Any) -> bool:
    """Whether X is a sparse matrix or array of SciPy; who has none has not loaded `scipy.sparse`, nor need we."""
    return "scipy.sparse" in sys.modules and bool(scipy.sparse.issparse(X))


def is_column(y: Any) -> bool:
    """Whether y is one column of a frame: a Series, an Arrow array."""
    if isinstance(y, np.ndarray):
        return False
    kind = type(y)
    offers = any(hasattr(kind, name) for name in ("__arrow_c_stream__", "__arrow_c_array__", "iloc"))
    return offers and not is_frame(y)


def as_array(X: Any, name: str = "X") -> NDArray[Any]:
    """X as a NumPy array, in place where it can be: lists, array-API arrays, tensors of torch and JAX on the CPU.

    DataError for what NumPy cannot read (on another device, part of a graph), and for masked values, which it would
    unmask.

    >>> as_array([[1, 2], [3, 4]]).shape
    (2, 2)
    """
    if "numpy.ma" in sys.modules and isinstance(X, np.ma.MaskedArray) and np.ma.is_masked(X):
        raise DataError(f"{name} has {int(X.mask.sum())} masked values: fill them in (X.filled(…)), or drop rows")
    if isinstance(X, np.ndarray):
        return X
    if hasattr(type(X), "__dlpack__") and not isinstance(X, np.generic):
        try:
            return np.from_dlpack(X)
        except (BufferError, RuntimeError, TypeError, ValueError, AttributeError):
            pass  # read-only memory, a dtype that DLPack has no name for: np.asarray may know another way
    try:
        return np.asarray(X)
    except Exception as error:  # whatever a foreign library raises
        raise DataError(
            f"{name}, a {type(X).__name__}, cannot be read by NumPy ({error}): move it to the CPU, detach it, and "
            "give it as an array of numbers"
        ) from None


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
    if isinstance(X, ColumnTable):
        return cast("NDArray[Any]", X)  # it is read as an array is: by slices and by row numbers
    if is_frame(X):
        return as_table(import_module("steepest.data.intake").rows_of(X))
    rows = as_array(X)
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
    weights = np.asarray(as_array(sample_weight, "sample_weight"), dtype=np.float64)
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
    if rows.dtype.kind != "f" or isinstance(rows, ColumnTable):  # whose columns were looked at when it was opened
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


def product(rows: Any, w: Floats) -> Floats:
    """X w as float64, for X (m, n) of any kind and w (n,) or (n, K); narrow numbers are widened a block at a time.

    >>> product(np.array([[1, 2], [3, 4]], dtype=np.int8), np.array([100.0, 1.0]))
    array([102., 304.])
    """
    if not isinstance(rows, np.ndarray) or rows.dtype == np.float64:
        return np.asarray(rows @ w)
    z = np.empty((len(rows), *w.shape[1:]))
    step = max(1, WIDENED // rows.shape[1])
    for start in range(0, len(rows), step):
        z[start : start + step] = rows[start : start + step].astype(np.float64) @ w
    return z
