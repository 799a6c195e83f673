"""Anything the user has -> what an engine holds: checked rows, labels as 0 and 1; and files, read and written whole."""

from steepest.data.arrays import as_rows, as_table, as_weights
from steepest.data.labels import encode_labels

__all__ = ["as_rows", "as_table", "as_weights", "encode_labels"]
