"""How the owners of columns (pandas, polars, Arrow, others through narwhals) hand over numbers and codes.

Numbers come without a copy wherever their owner keeps them as plain arrays without a mask; masked ones, bits, decimals
and 128-bit integers are translated by their owner a block at a time. Categories and texts come as codes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from steepest.data.columns import Converted, Held, Numbers, Pieces, Rows
from steepest.data.numbers import EXACT
from steepest.data.quoting import quoted
from steepest.errors import DataError
from steepest.late import Late
from steepest.types import Floats

if TYPE_CHECKING:
    import narwhals as nw

    Series: TypeAlias = nw.Series[Any]
else:
    nw = Late("narwhals")

__all__ = ["Coded", "absent", "codes_of", "inexact", "numbers_of", "plain", "smallest"]

SHORT = 1 << 10  # rows of a piece, on average, below which all are put together: finding them would take too long
SLICE = 1 << 16  # values turned into Python objects at a time


@dataclass(frozen=True, slots=True, eq=False)
class Coded:
    """A category as its owner has it: `values[code]` for codes (m,), -1 where it is missing.

    `declared`: the order of the values was stated by the user (pandas category, Enum, ordered Arrow dictionary).
    """

    codes: NDArray[Any]
    values: tuple[Any, ...]
    declared: bool


def plain(series: Series) -> Series:
    """The column; where pandas wraps an Arrow column, that; run-end encoded ones decoded, odd types widened."""
    native = series.to_native()
    if hasattr(getattr(native, "dtype", None), "pyarrow_dtype"):
        held = native.array.__arrow_array__()
        native = held if hasattr(held, "chunks") else import_module("pyarrow").chunked_array([held])
        series = nw.from_native(native, series_only=True)
    if not series.implementation.is_pyarrow():
        return series
    kind = str(native.type)
    if kind.startswith("run_end_encoded"):
        native = import_module("pyarrow.compute").run_end_decode(native)
        return nw.from_native(native, series_only=True)
    wider = {"string_view": "large_string", "halffloat": "float32"}.get(kind)  # for which Arrow lacks most functions
    if wider is not None:
        return nw.from_native(native.cast(getattr(import_module("pyarrow"), wider)()), series_only=True)
    return series


def numbers_of(name: str, series: Series) -> Numbers:
    """The numbers of a column of numbers or booleans. DataError for integers that are not exactly floats."""
    native = series.to_native()
    owner = series.implementation
    if owner.is_pandas_like() and isinstance(native.dtype, np.dtype):
        return Held(native.to_numpy())
    if not series.null_count():
        if owner.is_pandas() and hasattr(native.dtype, "numpy_dtype"):
            return Held(native.array.to_numpy(dtype=native.dtype.numpy_dtype, copy=False))
        parts = _unmasked(series)
        if parts is not None:
            whole = len(parts) == 1 or len(series) < SHORT * len(parts)
            return Held(np.concatenate(parts) if len(parts) > 1 else parts[0]) if whole else Pieces.of(parts)
    if series.dtype.is_integer() and _beyond(series):
        return Held(np.concatenate([_as_floats(name, start, values) for start, values in _listed(series)]))

    def read(rows: Rows) -> Floats:
        taken = series[rows]
        return np.asarray((taken if taken.dtype == nw.Unknown else taken.cast(nw.Float64)).to_numpy(), dtype=np.float64)

    return Converted(read)


def _unmasked(series: Series) -> list[NDArray[Any]] | None:
    """The arrays behind a column without missing values, in place; None if it is not kept as such."""
    dtype = series.dtype
    if not (dtype.is_integer() or dtype.is_float()) or dtype in (nw.Int128, nw.UInt128):
        return None
    native, owner = series.to_native(), series.implementation
    if owner.is_polars():
        return [chunk.to_numpy() for chunk in native.get_chunks() if len(chunk)]
    if owner.is_pyarrow():
        return [chunk.to_numpy(zero_copy_only=True) for chunk in native.chunks if len(chunk)]
    return None


def _beyond(series: Series) -> bool:
    low, high = series.min(), series.max()
    return low is not None and (int(low) <= -EXACT or int(high) >= EXACT)


def _listed(series: Series) -> list[tuple[int, list[Any]]]:
    return [(start, series[start : start + SLICE].to_list()) for start in range(0, len(series), SLICE)]


def _as_floats(name: str, start: int, values: Sequence[Any]) -> Floats:
    for i, value in enumerate(values):
        if not absent(value) and int(float(value)) != int(value):
            raise inexact(name, start + i, value)
    return np.array([np.nan if absent(value) else float(value) for value in values])


def absent(value: Any) -> bool:
    """Whether an object stands for a missing value: None, NaN, NaT, pd.NA."""
    return value is None or type(value).__name__ in ("NAType", "NaTType") or bool(value != value)


def inexact(name: str, row: int, value: Any) -> DataError:
    """The refusal of an integer that no float equals."""
    return DataError(
        f"column {quoted(name)} holds {value} in row {row}, an integer that is not exactly representable as a float: "
        "if it is an identifier, leave the column out; otherwise subtract an offset first"
    )


def codes_of(series: Series) -> Coded:
    """The codes and values of a column of categories, texts, or anything that can be told apart."""
    owner, native = series.implementation, series.to_native()
    if owner.is_pandas_like() and series.dtype == nw.Categorical:
        values = tuple(native.cat.categories.tolist())
        return Coded(np.asarray(native.cat.codes), values, declared=True)
    if owner.is_pandas():
        codes, values = import_module("pandas").factorize(native)
        return Coded(smallest(codes, len(values)), tuple(values.tolist()), declared=False)
    if owner.is_polars():
        return _polars_codes(series)
    if owner.is_pyarrow():
        return _arrow_codes(native)
    return _looked_up(series.to_list())


def _polars_codes(series: Series) -> Coded:
    """By a cast to the Enum of its values, which polars does by hashing."""
    polars, native = import_module("polars"), series.to_native()
    enum = series.dtype == nw.Enum
    if not enum and series.dtype != nw.Categorical:
        native = native.cast(polars.String)
    values = native.dtype.categories.to_list() if enum else native.cast(polars.String).unique().drop_nulls().to_list()
    codes = native.cast(polars.Enum(values)).to_physical().cast(polars.Int32).fill_null(-1).to_numpy()
    return Coded(smallest(codes, len(values)), tuple(values), declared=enum)


def _arrow_codes(native: Any) -> Coded:
    arrow = import_module("pyarrow")
    declared = arrow.types.is_dictionary(native.type) and bool(native.type.ordered)
    if not arrow.types.is_dictionary(native.type):
        native = native.dictionary_encode()
    native = native.unify_dictionaries()
    values = native.chunk(0).dictionary.to_pylist() if native.num_chunks else []
    parts = [chunk.indices.cast(arrow.int64()).fill_null(-1).to_numpy() for chunk in native.chunks]
    codes = np.concatenate([smallest(part, len(values)) for part in parts]) if parts else np.empty(0, dtype=np.int8)
    if None in values:  # a dictionary may hold its missing value itself
        codes[codes == values.index(None)] = -1
    return Coded(codes, tuple(values), declared)


def _looked_up(values: Sequence[Any]) -> Coded:
    places: dict[Any, int] = {}
    codes = [-1 if absent(value) else places.setdefault(value, len(places)) for value in values]
    return Coded(smallest(np.array(codes), len(places)), tuple(places), declared=False)


def smallest(codes: NDArray[Any], count: int) -> NDArray[Any]:
    """Codes -1 … count - 1 in the smallest integers that hold them."""
    return codes.astype(np.int8 if count <= 1 << 7 else np.int16 if count <= 1 << 15 else np.int32, copy=False)
