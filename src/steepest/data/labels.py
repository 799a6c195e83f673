"""Two labels as written -> y in {0, 1}: the second in sorted order is the positive class, and is named."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from steepest.errors import DataError
from steepest.types import Floats

__all__ = ["encode_labels"]


def encode_labels(y: ArrayLike, m: int, weight: Floats | None = None) -> tuple[Floats, tuple[Any, Any]]:
    """y (m,) of two distinct labels as floats 0 and 1, and the pair (negative label, positive label).

    Numbers sort by value, everything else as text sorts; the larger one is the positive class. Raises DataError for
    another length, NaN or missing labels, one class (also when weights of 0 leave only one), and three or more.

    >>> encode_labels(["no", "yes", "no"], 3)
    (array([0., 1., 0.]), ('no', 'yes'))
    """
    labels = np.asarray(y)
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if labels.shape != (m,):
        raise DataError(f"y has shape {labels.shape}, but X has {m} rows: give one label per row")
    missing = _missing(labels)
    if missing.any():
        i = int(np.argmax(missing))
        raise DataError(f"y[{i}] is missing ({labels[i]!r}), with {int(missing.sum())} of {m}: drop such rows")
    try:
        distinct, counts = np.unique(labels, return_counts=True)
    except TypeError:
        raise DataError("y mixes labels that cannot be sorted, such as text and numbers: write them alike") from None
    if len(distinct) != 2:
        raise DataError(_not_two(distinct, counts))
    encoded = (labels == distinct[1]).astype(np.float64)
    if weight is not None:
        _check_weighted(encoded, weight, distinct)
    return encoded, (distinct[0].item(), distinct[1].item()) if labels.dtype != object else tuple(distinct)


def _missing(labels: NDArray[Any]) -> NDArray[np.bool_]:
    if labels.dtype.kind == "f":
        return np.isnan(labels)
    if labels.dtype == object:
        return np.array([each is None or each != each for each in labels])
    return np.zeros(len(labels), dtype=bool)


def _not_two(distinct: NDArray[Any], counts: NDArray[np.int64]) -> str:
    if len(distinct) == 0:
        return "y is empty: there is nothing to fit"
    seen = ", ".join(f"{value!s} ({count})" for value, count in zip(distinct[:5], counts, strict=False))
    if len(distinct) == 1:
        return f"y holds one class only, {seen}: two are needed to tell them apart"
    more = f", … ({len(distinct)} in all)" if len(distinct) > 5 else ""
    return f"y holds {len(distinct)} distinct labels, {seen}{more}: exactly two are needed"


def _check_weighted(encoded: Floats, weight: Floats, distinct: NDArray[Any]) -> None:
    for value, label in enumerate(distinct):
        if not weight[encoded == value].any():
            raise DataError(f"all rows of class {label!s} have weight 0: one class only is left")
