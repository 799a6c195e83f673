"""Labels -> their places among classes that are known already: those of a model."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray

from steepest.data.arrays import as_array, is_column
from steepest.data.quoting import is_number, quoted
from steepest.errors import DataError

__all__ = ["place_of_text", "places_of"]

SHOWN = 8


def places_of(y: Any, classes: Sequence[Any], m: int) -> NDArray[np.intp]:
    """The place of each label y (m,) among the classes; DataError for another length, or a label that is none of them.

    >>> places_of(["yes", "no", "yes"], ("no", "yes"), 3)
    array([1, 0, 1])
    """
    labels = import_module("steepest.data.frames").labels_of(y) if is_column(y) else as_array(y, "y")
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if labels.shape != (m,):
        raise DataError(f"y has shape {labels.shape}, but X has {m} rows: give one label per row")
    known = {label: k for k, label in enumerate(classes)}
    if labels.dtype == object:
        distinct, inverse = labels.tolist(), np.arange(m)
    else:
        values, inverse = np.unique(labels, return_inverse=True)
        distinct = values.tolist()
    places = np.array([known.get(label, -1) for label in distinct], dtype=np.intp)
    if (places < 0).any():
        raise DataError(f"y holds {quoted(str(distinct[int(np.argmax(places < 0))]))}, {_none_of(classes)}")
    found: NDArray[np.intp] = places[inverse.reshape(-1)]
    return found


def place_of_text(text: str, classes: Sequence[Any]) -> int:
    """The place of a label as it is written in a file; DataError if it is none of the classes.

    >>> place_of_text("1", (0.0, 1.0)), place_of_text("yes", ("no", "yes")), place_of_text("true", (False, True))
    (1, 1, 1)
    """
    texts = [str(label) for label in classes]
    if text in texts:
        return texts.index(text)
    if text.capitalize() in texts and all(isinstance(label, bool) for label in classes):
        return texts.index(text.capitalize())
    if is_number(text) and all(isinstance(label, bool | int | float) or is_number(label) for label in classes):
        values = [float(label) for label in classes]
        if float(text) in values:
            return values.index(float(text))
    raise DataError(f"the label {quoted(text)} is {_none_of(classes)}")


def _none_of(classes: Sequence[Any]) -> str:
    more = ", …" if len(classes) > SHOWN else ""
    return f"none of the classes {', '.join(quoted(str(label)) for label in classes[:SHOWN])}{more}"
