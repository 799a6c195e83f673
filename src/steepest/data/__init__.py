"""Anything the user has -> what an engine holds: checked rows, labels as 0 and 1; and files, read and written whole."""

from steepest.data.arrays import as_rows, as_table, as_weights, is_frame, product
from steepest.data.door import Received, framed, receive
from steepest.data.labels import encode_labels, led_by
from steepest.data.schema import Schema

__all__ = [
    "Received",
    "Schema",
    "as_rows",
    "as_table",
    "as_weights",
    "encode_labels",
    "framed",
    "is_frame",
    "led_by",
    "product",
    "receive",
]
