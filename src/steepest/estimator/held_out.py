"""The rows that a fold left out, as a scorer sees them: predictions with their offsets, trials as rows with weights."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from steepest.estimator.logistic import LogisticRegression
from steepest.types import Floats

__all__ = ["HeldOut", "Trials", "as_trials"]

Trials = tuple[NDArray[np.intp], NDArray[np.intp], Floats | None]  # places of rows, their labels, their weights
MOST_ROWS = 10_000_000  # that trials are written out as


class HeldOut(LogisticRegression):
    """A classifier of the rows that a fold left out alone: `away` (rows,) is added to their z."""

    away: Floats | None = None

    def _scores(self, X: Any, method: str, offset: Any) -> Floats:
        return super()._scores(X, method, self.away if offset is None else offset)


def as_trials(shares: Floats, trials: Floats, scorer: Callable[..., Any]) -> Trials:
    """Rows of one label each for a scorer that knows nothing of trials.

    k successes of t become a success that weighs k and a failure that weighs t - k, where the scorer takes
    `sample_weight`; else they are written out as t rows. Raises ValueError where they are no whole numbers then, or
    more than 10 million.

    >>> as_trials(np.array([0.25, 1.0]), np.array([4.0, 1.0]), lambda model, X, y: 0.0)
    (array([0, 0, 0, 0, 1]), array([1, 0, 0, 0, 1]), None)
    >>> as_trials(np.array([0.25]), np.array([4.0]), lambda model, X, y, sample_weight: 0.0)
    (array([0, 0]), array([1, 0]), array([1., 3.]))
    """
    counts = np.stack([trials * shares, trials * (1.0 - shares)], axis=1)
    places, labels = np.divmod(np.arange(counts.size), 2)
    labels = 1 - labels
    if _takes_weights(scorer):
        return places, labels, counts.ravel()
    whole = np.rint(counts).ravel()
    if np.abs(whole - counts.ravel()).max() > 1e-9 * trials.max() or whole.sum() > MOST_ROWS:
        raise ValueError(
            f"this scorer takes no sample_weight, and {whole.sum():g} trials cannot be written out as rows: give whole "
            f"numbers of them, at most {MOST_ROWS}, or a scorer that takes sample_weight"
        )
    times = whole.astype(np.intp)
    return np.repeat(places, times), np.repeat(labels, times), None


def _takes_weights(scorer: Callable[..., Any]) -> bool:
    """Whether a scorer, or the metric it was made from, has a parameter sample_weight."""
    function = getattr(scorer, "_score_func", scorer)
    try:
        return "sample_weight" in inspect.signature(function).parameters
    except (TypeError, ValueError):
        return False
