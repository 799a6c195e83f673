"""Data frames of any kind, opened: names, rows, and each column with what it holds.

Whatever narwhals knows (pandas, polars, pyarrow, Modin, cuDF, Dask, DuckDB relations, lazy frames) and whatever exports
an Arrow stream is read; lazy ones are collected. narwhals is loaded when a frame comes in, and not before.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from steepest.data.owners import plain
from steepest.data.quoting import nearest, quoted
from steepest.errors import DataError
from steepest.late import Late

if TYPE_CHECKING:
    import narwhals as nw

    from steepest.data.owners import Series
else:
    nw = Late("narwhals")

__all__ = ["Frame", "Given", "labels_of", "open_frame"]

READERS = (("pyarrow", "table"), ("polars", "DataFrame"))  # of Arrow streams that narwhals does not know


@dataclass(frozen=True, slots=True, eq=False)
class Given:
    """A column as it came: `kind` is number, category, empty, date, objects or other; `shown` is its type in words."""

    name: str
    series: Series
    kind: str
    shown: str


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """m rows, the names of the columns as text, and the way to each by its place."""

    names: tuple[str, ...]
    m: int
    at: Callable[[int], Series]

    def column(self, name: str) -> Given:
        """The column of that name; DataError with the nearest names if there is none."""
        if name not in self.names:
            raise DataError(f"the frame has no column {quoted(name)}: {nearest(name, self.names)}")
        series = plain(self.at(self.names.index(name)))
        return Given(name, series, _kind(series), str(series.dtype))


def open_frame(X: Any) -> Frame:
    """A frame of any kind; DataError if two columns have one name, or if nothing here can read it."""
    if hasattr(X, "iloc") and not hasattr(X, "dask"):  # by position: pandas may have any objects as names, also twice
        return Frame(_named(X.columns), len(X), lambda j: nw.from_native(X.iloc[:, j], series_only=True))
    try:
        native = nw.from_native(X)
    except nw.exceptions.DuplicateError:
        _named(X.column_names)
        raise
    except TypeError:
        native = nw.from_native(_from_stream(X))
    frame = native.collect() if isinstance(native, nw.LazyFrame) else native
    names = tuple(frame.columns)
    return Frame(_named(names), len(frame), lambda j: frame.get_column(names[j]))


def _named(names: Any) -> tuple[str, ...]:
    """Names as text, all different: columns are told apart and matched by them."""
    texts = tuple(str(name) for name in names)
    if len(set(texts)) < len(texts):
        twice = next(name for name in texts if texts.count(name) > 1)
        raise DataError(
            f"{texts.count(twice)} columns of the frame are called {quoted(twice)}: give every column a name of its own"
        )
    return texts


def _from_stream(X: Any) -> Any:
    for module, reader in READERS:
        if find_spec(module) is not None:
            table = getattr(import_module(module), reader)(X)
            names = getattr(table, "column_names", None)
            if names is not None:
                _named(names)
            return table
    raise DataError(f"a {type(X).__name__} is read by way of Arrow: install pyarrow or polars, or give a NumPy array")


def _kind(series: Series) -> str:
    dtype, native = series.dtype, getattr(series.to_native(), "dtype", None)
    if isinstance(native, np.dtype) and native.kind in "biuf":  # of any byte order
        return "number"
    if dtype.is_numeric() or dtype == nw.Boolean:
        return "number"
    if dtype != nw.Categorical and dtype != nw.Enum and series.null_count() == len(series):
        return "empty"
    if dtype in (nw.String, nw.Categorical, nw.Enum):
        return "category"
    if dtype.is_temporal():
        return "date"
    if dtype == nw.Object:
        return "objects"
    subtype = (
        getattr(native, "subtype", None) if hasattr(native, "fill_value") else None
    )  # of a sparse column of pandas
    return "number" if isinstance(subtype, np.dtype) and subtype.kind in "biuf" else "other"


def labels_of(y: Any) -> NDArray[Any]:
    """The labels of a column by itself (a Series, an Arrow array) as an array; None where one is missing."""
    if hasattr(y, "__arrow_c_array__") and not hasattr(y, "__arrow_c_stream__"):
        y = import_module("pyarrow").chunked_array([y])
    series = plain(nw.from_native(y, series_only=True))
    native = series.to_native()
    numpy_kind = getattr(getattr(native, "dtype", None), "kind", "O")
    if numpy_kind in "biuf" and isinstance(native.dtype, np.dtype):
        return np.asarray(native.to_numpy())
    if (series.dtype.is_numeric() or series.dtype == nw.Boolean) and not series.null_count():
        return np.asarray(series.to_numpy())
    missing = series.is_null().to_list()
    values = [None if absent else value for value, absent in zip(series.to_list(), missing, strict=True)]
    labels = np.empty(len(values), dtype=object)
    labels[:] = values
    return labels
