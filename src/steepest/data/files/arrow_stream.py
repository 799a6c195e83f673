"""DuckDB's answers as they arrive: columns of an Arrow stream, seen where they lie, through the C data interface.

Three types are enough, because our own statements ask for nothing else: float64 and int32 without nulls, and texts with
nulls. A reader of all of Arrow (arro3, pyarrow) would copy each column once more and be one more thing to install; see
docs/decisions/0007-files.md. The structures are those of https://arrow.apache.org/docs/format/CDataInterface.html.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = ["Part", "StreamError", "Texts", "stream"]

Texts: TypeAlias = list[tuple[int, str]]
Part: TypeAlias = list[NDArray[Any] | Texts]
DTYPES: dict[str, np.dtype[Any]] = {"g": np.dtype(np.float64), "i": np.dtype(np.int32)}
OFFSETS: dict[str, np.dtype[Any]] = {"u": np.dtype(np.int32), "U": np.dtype(np.int64)}


class StreamError(Exception):
    """What the producer of a stream says when it cannot go on."""


class _Schema(ctypes.Structure):
    pass


_Schema._fields_ = [
    ("format", ctypes.c_char_p),
    ("name", ctypes.c_char_p),
    ("metadata", ctypes.c_void_p),
    ("flags", ctypes.c_int64),
    ("n_children", ctypes.c_int64),
    ("children", ctypes.POINTER(ctypes.POINTER(_Schema))),
    ("dictionary", ctypes.POINTER(_Schema)),
    ("release", ctypes.CFUNCTYPE(None, ctypes.POINTER(_Schema))),
    ("private_data", ctypes.c_void_p),
]


class _Array(ctypes.Structure):
    pass


_Array._fields_ = [
    ("length", ctypes.c_int64),
    ("null_count", ctypes.c_int64),
    ("offset", ctypes.c_int64),
    ("n_buffers", ctypes.c_int64),
    ("n_children", ctypes.c_int64),
    ("buffers", ctypes.POINTER(ctypes.c_void_p)),
    ("children", ctypes.POINTER(ctypes.POINTER(_Array))),
    ("dictionary", ctypes.POINTER(_Array)),
    ("release", ctypes.CFUNCTYPE(None, ctypes.POINTER(_Array))),
    ("private_data", ctypes.c_void_p),
]


class _Stream(ctypes.Structure):
    pass


_Stream._fields_ = [
    ("get_schema", ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(_Stream), ctypes.POINTER(_Schema))),
    ("get_next", ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(_Stream), ctypes.POINTER(_Array))),
    ("get_last_error", ctypes.CFUNCTYPE(ctypes.c_char_p, ctypes.POINTER(_Stream))),
    ("release", ctypes.CFUNCTYPE(None, ctypes.POINTER(_Stream))),
    ("private_data", ctypes.c_void_p),
]


def stream(owner: Any) -> Iterator[tuple[int, Part]]:
    """Rows and columns of each part of an Arrow stream that `owner` offers, in order.

    Arrays are views of memory that is given back when the next part is asked for; of texts only those that are there
    come, with their rows. Raises StreamError with the producer's words. The capsule releases the stream.
    """
    capsule = owner.__arrow_c_stream__()
    pointer = ctypes.pythonapi.PyCapsule_GetPointer
    pointer.restype, pointer.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
    source = ctypes.cast(pointer(capsule, b"arrow_array_stream"), ctypes.POINTER(_Stream))
    formats = _formats(source)
    while True:
        array = _Array()
        _check(source, source.contents.get_next(source, ctypes.byref(array)))
        if not array.release:
            return
        try:
            yield int(array.length), [_column(array, j, kind) for j, kind in enumerate(formats)]
        finally:
            array.release(ctypes.byref(array))


def _formats(source: Any) -> list[str]:
    schema = _Schema()
    _check(source, source.contents.get_schema(source, ctypes.byref(schema)))
    try:
        return [schema.children[j].contents.format.decode() for j in range(schema.n_children)]
    finally:
        schema.release(ctypes.byref(schema))


def _check(source: Any, status: int) -> None:
    if status:
        said = source.contents.get_last_error(source)
        raise StreamError("" if said is None else said.decode(errors="replace"))


def _column(array: _Array, j: int, kind: str) -> NDArray[Any] | Texts:
    child = array.children[j].contents
    start, length = int(array.offset + child.offset), int(array.length)
    if kind in DTYPES:
        return _view(child.buffers[1], start, length, DTYPES[kind])
    return _texts(child, start, length, OFFSETS[kind])


def _view(address: int | None, start: int, length: int, dtype: np.dtype[Any]) -> NDArray[Any]:
    if not length or address is None:
        return np.empty(0, dtype=dtype)
    memory: Any = (ctypes.c_char * (length * dtype.itemsize)).from_address(address + start * dtype.itemsize)
    view: NDArray[Any] = np.frombuffer(memory, dtype=dtype)
    return view


def _texts(child: _Array, start: int, length: int, offsets: np.dtype[Any]) -> Texts:
    """The texts that are there; mostly there are none."""
    if not length or child.null_count == child.length:
        return []
    rows = np.arange(length)
    if child.buffers[0] and child.null_count:
        bits = _view(child.buffers[0], 0, (start + length + 7) // 8, np.dtype(np.uint8))
        rows = np.flatnonzero(np.unpackbits(bits, bitorder="little")[start : start + length])
    ends = _view(child.buffers[1], start, length + 1, offsets)
    held = _view(child.buffers[2], 0, int(ends[-1]), np.dtype(np.uint8)).tobytes()
    return [(int(i), held[ends[i] : ends[i + 1]].decode()) for i in rows]
