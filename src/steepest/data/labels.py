"""Two labels as written -> y in {0, 1}: the second in sorted order is the positive class, and is named."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from steepest.data.arrays import as_array, is_column
from steepest.errors import DataError
from steepest.types import Floats

__all__ = ["MOST_CLASSES", "encode_labels", "labelled", "led_by", "two_numbers"]

MOST_CLASSES = 1000  # more are a quantity, or names
SLICE = 1 << 16  # labels looked at together


def led_by(positive: Any, target: Any, classes: tuple[Any, ...]) -> tuple[Any, tuple[Any, ...]]:
    """The codes of two classes, and these, so that `positive` is the positive one; DataError if it is no label.

    >>> led_by("no", np.array([0, 1, 0], dtype=np.uint8), ("no", "yes"))
    (array([1, 0, 1], dtype=uint8), ('yes', 'no'))
    """
    if len(classes) != 2:
        raise DataError(
            f"positive={positive!r}: y holds {len(classes)} labels, a positive one can be stated of two only"
        )
    if getattr(target, "dtype", np.dtype(np.uint8)).kind == "f":
        raise DataError(f"positive={positive!r} is for labels, but y counts successes")
    if positive == classes[1] or str(positive) == classes[1]:
        return target, classes
    if positive != classes[0]:
        raise DataError(f"positive={positive!r} is no label of y: these are {classes[0]!r} and {classes[1]!r}")
    return np.asarray(target == 0, dtype=np.uint8), (classes[1], classes[0])


def labelled(
    y: Any, known: tuple[Any, ...] | None, weight: Any, m: int, method: str
) -> tuple[NDArray[Any], tuple[Any, ...]]:
    """The codes of the labels and the classes that `method` takes; where these are `known`, y holds the codes."""
    most = MOST_CLASSES if method == "auto" else 2
    if known is None:
        return encode_labels(y, m, weight, most)
    if len(known) > most:
        some = ", ".join(map(str, known[:5]))
        raise DataError(f"y holds {len(known)} distinct labels, {some}: method={method!r} is for two")
    return y, known


def encode_labels(
    y: ArrayLike, m: int, weight: Floats | None = None, most: int = 2
) -> tuple[NDArray[np.unsignedinteger], tuple[Any, ...]]:
    """y (m,) of two distinct labels as bytes 0 and 1, and the pair (negative label, positive label).

    With `most` > 2 as many distinct labels may occur; they are numbered 0, 1, … in sorted order.

    Numbers sort by value, everything else as text sorts; the larger one is the positive class. Raises DataError for
    another length, NaN or missing labels, one class (also when weights of 0 leave only one), and three or more.

    >>> encode_labels(["no", "yes", "no"], 3)
    (array([0, 1, 0], dtype=uint8), ('no', 'yes'))
    """
    labels = import_module("steepest.data.frames").labels_of(y) if is_column(y) else as_array(y, "y")
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if labels.shape != (m,):
        raise DataError(f"y has shape {labels.shape}, but X has {m} rows: give one label per row")
    two = two_numbers(labels)
    if two is not None:
        if weight is not None:
            _check_weighted(*two, weight)
        return two
    counts = _counted(labels)
    try:
        distinct = sorted(counts)
    except TypeError:
        raise DataError("y mixes labels that cannot be sorted, such as text and numbers: write them alike") from None
    if not 2 <= len(distinct) <= most or (len(distinct) > 2 and _measured(distinct)):
        raise DataError(_not_two(distinct, counts))
    encoded: NDArray[Any] = np.empty(m, dtype=np.uint8 if len(distinct) <= 256 else np.uint16)
    for part in _slices(m):
        encoded[part] = labels[part] == distinct[1] if len(distinct) == 2 else np.searchsorted(distinct, labels[part])
    if weight is not None:
        _check_weighted(encoded, tuple(distinct), weight)
    return encoded, tuple(distinct)


def two_numbers(labels: NDArray[Any]) -> tuple[NDArray[np.uint8], tuple[Any, ...]] | None:
    """What `encode_labels` answers where the labels are two numbers, without sorting them; None for all else.

    Bytes of 0 and 1, and booleans, are their own codes: they are not copied.
    """
    m = len(labels)
    if labels.dtype.kind not in "biuf" or not m:
        return None
    low, high = np.minimum.reduce(labels), np.maximum.reduce(labels)
    if not low < high:  # NaN is smaller than nothing
        return None
    own = labels.dtype.itemsize == 1 and low == 0 and high == 1
    codes: NDArray[np.uint8] = (labels if own else labels == high).view(np.uint8)
    if np.count_nonzero(codes) + sum(np.count_nonzero(labels[part] == low) for part in _slices(m)) < m:
        return None
    return codes, (low.item(), high.item())


def _measured(distinct: list[Any]) -> bool:
    """Whether the labels look like a quantity: numbers that are not whole are no names of classes."""
    return any(isinstance(value, float) and not value.is_integer() for value in distinct)


def _slices(m: int) -> Iterator[slice]:
    """Slices that keep temporary copies small."""
    return (slice(start, start + SLICE) for start in range(0, m, SLICE))


def _counted(labels: NDArray[Any]) -> Counter[Any]:
    """How often each label occurs; refuses missing ones."""
    counts: Counter[Any] = Counter()
    for part in _slices(len(labels)):
        some = labels[part]
        if labels.dtype == object:
            missing = [each is None or each != each for each in some]
        else:
            missing = some != some if labels.dtype.kind == "f" else []
        if np.any(missing):
            i = part.start + int(np.argmax(missing))
            raise DataError(f"y[{i}] is missing ({labels[i]!r}): drop such rows, or fill them in before fitting")
        if labels.dtype == object:
            counts.update(some.tolist())
        else:
            distinct, times = np.unique(some, return_counts=True)
            counts.update(dict(zip(distinct.tolist(), times.tolist(), strict=True)))
    return counts


def _not_two(distinct: list[Any], counts: Counter[Any]) -> str:
    if len(distinct) == 0:
        return "y is empty: there is nothing to fit"
    seen = ", ".join(f"{value!s} ({counts[value]})" for value in distinct[:5])
    if len(distinct) == 1:
        return f"y holds one class only, {seen}: two are needed to tell them apart"
    more = f", … ({len(distinct)} in all)" if len(distinct) > 5 else ""
    cure = "exactly two are needed here"
    if _measured(distinct) and all(0.0 <= value <= 1.0 for value in distinct):
        cure = "give trials=1 if they are shares of successes; labels must be two"
    return f"y holds {len(distinct)} distinct labels, {seen}{more}: {cure}"


def _check_weighted(encoded: NDArray[Any], distinct: tuple[Any, ...], weight: Floats) -> None:
    for value, label in enumerate(distinct):
        if not weight[encoded == value].any():
            raise DataError(f"all rows of class {label!s} have weight 0: one class only is left")
