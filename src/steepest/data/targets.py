"""What y means: labels, or successes out of trials; what a class weighs; and what is added to z from outside."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from steepest.data.arrays import as_array, as_weights
from steepest.data.door import Received
from steepest.data.labels import labelled, led_by
from steepest.errors import DataError
from steepest.types import Floats

__all__ = ["Target", "as_offset", "class_weights", "of_classes", "successes", "target_of"]

MOST_AWAY = 1e6  # of an offset: beyond |z| = 745 nothing changes any more


class Target(NamedTuple):
    """What there is to learn.

    codes    (m,) the places of the labels among `classes`, or shares of successes
    weight   (m,) of the rows, those of the classes included, or None
    factors  what each class weighs besides, or None
    """

    codes: NDArray[Any]
    classes: tuple[Any, ...]
    weight: Floats | None
    factors: tuple[float, ...] | None


def target_of(
    received: Received,
    m: int,
    method: str,
    trials: ArrayLike | None,
    positive: Any,
    class_weight: Mapping[Any, float] | Literal["balanced"] | None,
) -> Target:
    """y as codes, the weights of the rows and of the classes put together."""
    weight = as_weights(received.weight, m) if received.classes is None else received.weight
    if trials is None:
        codes, classes = labelled(received.y, received.classes, weight, m, method)
    else:
        codes, classes, weight = successes(received.y, trials, m, weight)
    if positive is not None:
        codes, classes = led_by(positive, codes, classes)
    if class_weight is None:
        return Target(codes, classes, weight, None)
    if trials is not None:
        raise ValueError("class_weight is for labels; rows of trials hold both classes: weigh them by sample_weight")
    factors = class_weights(class_weight, codes, classes, weight)
    return Target(codes, classes, of_classes(factors, codes, weight), factors)


def successes(y: ArrayLike, trials: ArrayLike, m: int, weight: Floats | None) -> tuple[Floats, tuple[int, int], Floats]:
    """y (m,) successes out of `trials`, (m,) or one number: the share of successes, the classes 0 and 1, the weights.

    k successes of t weigh as k rows of y = 1 and t - k rows of y = 0: the loss t L(a, k/t) is their sum. With one
    trial per row y is a share between 0 and 1. Raises DataError unless 0 <= y <= trials, both finite, with at least
    one success and one failure.

    >>> successes([1, 3], [4, 4], 2, None)
    (array([0.25, 0.75]), (0, 1), array([4., 4.]))
    """
    count = as_array(y, "y")
    if count.shape != (m,) or count.dtype.kind not in "biuf":
        raise DataError(f"y must be {m} numbers of successes, not {count.dtype} of shape {count.shape}")
    count = count.astype(np.float64)
    total = np.broadcast_to(np.asarray(trials, dtype=np.float64), (m,)) if np.ndim(trials) == 0 else _long(trials, m)
    wrong = ~((count >= 0.0) & (count <= total) & (total < math.inf))
    if wrong.any():
        i = int(np.argmax(wrong))
        raise DataError(
            f"row {i} has {count[i]:g} successes of {total[i]:g} trials: give 0 <= y <= trials, both finite"
        )
    share = np.divide(count, total, out=np.full(m, 0.5), where=total > 0.0)
    weights = total * (1.0 if weight is None else weight)
    positive, whole = float(weights @ share), float(weights.sum())
    if not 0.0 < positive < whole:
        raise DataError(f"{positive:g} successes of {whole:g} trials: at least one success and one failure are needed")
    return share, (0, 1), weights


def _long(values: ArrayLike, m: int, what: str = "trials") -> Floats:
    array = as_array(values, what)
    if array.shape != (m,) or array.dtype.kind not in "biuf":
        raise DataError(f"{what} must be {m} numbers, one per row, not {array.dtype} of shape {array.shape}")
    return array.astype(np.float64)


def class_weights(
    asked: Mapping[Any, float] | Literal["balanced"],
    codes: NDArray[Any],
    classes: tuple[Any, ...],
    weight: Floats | None,
) -> tuple[float, ...]:
    """The factor of each class: as asked for, 1 where nothing is, or "balanced" = W / (K W_k), so that all weigh alike.

    >>> class_weights("balanced", np.array([0, 0, 0, 1]), ("no", "yes"), None)
    (0.6666666666666666, 2.0)
    """
    if isinstance(asked, str):
        if asked != "balanced":
            raise ValueError(f"class_weight={asked!r} must be 'balanced' or a dictionary from labels to weights")
        totals = np.bincount(codes, weights=weight, minlength=len(classes))
        return tuple((totals.sum() / (len(classes) * totals)).tolist())
    unknown = [label for label in asked if label not in classes]
    if unknown:
        raise ValueError(f"class_weight names {unknown[0]!r}, but y holds {', '.join(map(str, classes[:5]))}")
    factors = tuple(float(asked.get(label, 1.0)) for label in classes)
    if not all(0.0 < factor < math.inf for factor in factors):
        raise ValueError(f"class_weight={dict(asked)!r}: weights must be numbers > 0")
    return factors


def of_classes(factors: tuple[float, ...], codes: NDArray[Any], weight: Floats | None) -> Floats:
    """Row weights (m,): the factor of the row's class times the weight it had."""
    each: Floats = np.asarray(factors)[codes]
    return each if weight is None else each * weight


def as_offset(offset: ArrayLike, m: int) -> Floats:
    """(m,) finite numbers that are added to z; raises DataError for anything else."""
    away = np.ascontiguousarray(_long(offset, m, "offset"))
    wrong = ~(np.abs(away) <= MOST_AWAY)
    if wrong.any():
        i = int(np.argmax(wrong))
        raise DataError(
            f"offset of row {i} is {away[i]}: it is added to z, so it must be finite and at most {MOST_AWAY:g}"
        )
    return away
