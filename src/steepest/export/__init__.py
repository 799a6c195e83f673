"""Models as programs of their own: SQL, Python, ONNX. Each has the guard rails of `steepest predict`.

    sql(model, table, keys)   one SELECT, for DuckDB and PostgreSQL
    python(model)             one file without dependencies
    onnx(model)               a graph of float64 (extra `onnx`)

`check_sql`, `check_python` and `check_onnx` run what was made on the parity rows of the model.
"""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec

from steepest.errors import DataError
from steepest.export.checking import check_onnx, check_python, check_sql
from steepest.export.program import python
from steepest.export.select import sql
from steepest.model import Model

__all__ = ["check_onnx", "check_python", "check_sql", "onnx", "python", "sql"]


def onnx(model: Model) -> bytes:
    """The model as an ONNX graph: one input per column, float64; DataError if the package onnx is not installed."""
    if find_spec("onnx") is None:
        raise DataError("the package onnx is not installed: pip install 'steepest[onnx]'")
    graph: bytes = import_module("steepest.export.graph").onnx(model)
    return graph
