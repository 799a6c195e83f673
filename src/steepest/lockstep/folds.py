"""Which row is held out when: folds of equal size with equal shares of both classes, the same every time."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from steepest.errors import DataError
from steepest.types import Floats

__all__ = ["assign_folds"]


def assign_folds(
    folds: int | ArrayLike, y: NDArray[Any], weight: Floats | None = None
) -> tuple[NDArray[np.intp], tuple[Any, ...]]:
    """(fold (m,) in 0 … K - 1, the K labels of the folds) from a number of folds, or from one label per row.

    A number K gives each class its consecutive rows in K parts, so that parts of all classes together are equal to
    within one row: the assignment of scikit-learn's StratifiedKFold without shuffling. y (m,) holds 0 and 1.
    Raises DataError where a fold, or what is left without it, lacks a class (rows of weight 0 do not count).

    >>> assign_folds(2, np.array([0, 0, 0, 1, 1, 1]))[0].tolist()
    [0, 0, 1, 0, 1, 1]
    """
    if isinstance(folds, (int, np.integer)):
        fold, names = _stratified(int(folds), y), tuple(range(int(folds)))
    else:
        labels = np.asarray(folds)
        if labels.shape != y.shape:
            raise DataError(f"folds has shape {labels.shape}, but X has {len(y)} rows: give one fold per row")
        distinct, fold = np.unique(labels, return_inverse=True)
        names = tuple(distinct.tolist())
        if len(names) < 2:
            raise DataError(f"folds holds one fold only ({names[0]!s}): two are needed, one to fit and one to judge")
    _check_classes(fold, names, y, weight)
    return fold, names


def _stratified(K: int, y: NDArray[Any]) -> NDArray[np.intp]:
    counts = np.bincount(y.astype(np.intp), minlength=2)
    if K < 2 or counts.min() < K:
        raise DataError(
            f"folds={K} must be between 2 and {counts.min()}, the number of rows in the smaller class: "
            "every fold needs both classes"
        )
    codes = y.astype(np.intp)
    if codes[0] == 1:  # classes count in the order in which they appear
        codes, counts = 1 - codes, counts[::-1]
    dealt = np.repeat([0, 1], counts)  # dealt out like cards: part i is every K-th of them
    sizes = np.array([np.bincount(dealt[i::K], minlength=2) for i in range(K)])
    fold = np.empty(len(y), dtype=np.intp)
    for code in (0, 1):
        fold[codes == code] = np.repeat(np.arange(K), sizes[:, code])
    return fold


def _check_classes(fold: NDArray[np.intp], names: tuple[Any, ...], y: NDArray[Any], weight: Floats | None) -> None:
    counts = np.ones(len(y), dtype=bool) if weight is None else weight > 0.0
    for label in (0, 1):
        rows = np.bincount(fold[counts & (y == label)], minlength=len(names))
        which = "positive" if label else "negative"
        if not rows.all():
            empty = names[int(np.argmin(rows))]
            raise DataError(
                f"fold {empty!s} has no row of the {which} class: use fewer folds, or folds that hold both classes"
            )
