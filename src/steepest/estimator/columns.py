"""Factors, bounds and signs of single columns, as the constructors are told them: by place or by name.

    penalty_factors   f_j >= 0, by which the penalty of column j is multiplied; 0: none
    lower, upper      bounds on w_j; one number serves for all columns
    monotonic_cst     1: P of the second class may not fall with the column, w_j >= 0; -1: w_j <= 0; 0: either

A dictionary has names of columns; a category's name speaks for all its levels, `colour[red]` for one of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from steepest.data import Schema
from steepest.data.quoting import nearest, quoted
from steepest.options import checked_penalties
from steepest.penalties import NONE, Penalties
from steepest.types import Floats

__all__ = ["per_column", "plain_columns"]


def per_column(estimator: Any, names: Sequence[str] | None, schema: Schema | None, n: int, K: int) -> Penalties:
    """What an estimator asks for of each of n columns of the design; ValueError for what cannot be."""
    asked = (estimator.penalty_factors, estimator.lower, estimator.upper, estimator.monotonic_cst)
    if all(each is None for each in asked):
        return NONE
    given = ("penalty_factors", 1.0), ("lower", -np.inf), ("upper", np.inf), ("monotonic_cst", 0.0)
    factors, lower, upper, signs = (
        _spread(name, each, usual, names, schema, n) for (name, usual), each in zip(given, asked, strict=True)
    )
    if signs is not None:
        lower, upper = _signed(signs, lower, upper, K)
    if K == 2 and estimator.multi_class == "multinomial" and not (lower is None and upper is None):
        raise ValueError("multi_class='multinomial' gives two classes weights of their own, ±w/2: bounds need 'auto'")
    return checked_penalties(0.0, factors, lower, upper, n)


def _spread(name: str, value: Any, usual: float, names: Sequence[str] | None, schema: Schema | None, n: int) -> Any:
    """One number per column of the design, or as it was given."""
    if not isinstance(value, Mapping):
        return value
    if names is None:
        raise ValueError(f"{name}={dict(value)!r} names columns, but those of X have no names: give {n} numbers")
    places: dict[str, list[int]] = {each: [j] for j, each in enumerate(names)}
    for column in schema.columns if schema else ():
        if column.kind == "category":
            places.setdefault(column.name, [j for j, each in enumerate(names) if each in column.names])
    found = np.full(n, usual)
    for single in (False, True):  # a level's own word counts more than its category's
        for key, number in value.items():
            if key not in places:
                raise ValueError(f"{name} names {quoted(str(key))}, which X lacks: {nearest(str(key), list(places))}")
            if (key in names) is single:
                found[places[key]] = number
    return found


def _signed(signs: Any, lower: Any, upper: Any, K: int) -> tuple[Floats, Floats]:
    wanted = np.asarray(signs, dtype=np.float64)
    if K > 2:
        raise ValueError(f"monotonic_cst is for two classes, y holds {K}: there P of a class depends on all weights")
    if not np.isin(wanted, (-1.0, 0.0, 1.0)).all():
        raise ValueError(f"monotonic_cst={signs!r} must be -1, 0 or 1 for each column")
    low, high = (-np.inf if lower is None else lower), (np.inf if upper is None else upper)
    least: Floats = np.where(wanted > 0.0, np.maximum(low, 0.0), low)
    most: Floats = np.where(wanted < 0.0, np.minimum(high, 0.0), high)
    return least, most


def plain_columns(estimator: Any) -> bool:
    """Whether an estimator asks for nothing but one penalty for all columns and weights that count rows."""
    asked = ("penalty_factors", "lower", "upper", "monotonic_cst", "schema")
    usual = estimator.weights == "frequency" and estimator.probabilities == "weighted"
    return usual and all(getattr(estimator, name) is None for name in asked)
