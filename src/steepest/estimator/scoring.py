"""What a scorer says of every fit of a cross-validation, on the rows that its fold left out.

Accuracy and the mean log-likelihood, which is what most ask for, are formed here for all penalties of a fold at once:
one matrix product. scikit-learn takes 0.3 ... 20 ms to look at one fit, longer than the fit itself. Any other scorer is
called as it is.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import accuracy_score, log_loss, make_scorer

from steepest import softmax_formulas
from steepest.data import product
from steepest.estimator.arrival import Arrived
from steepest.estimator.grid import Grid, Plan
from steepest.estimator.held_out import HeldOut, as_trials
from steepest.estimator.scikit import parameters_for
from steepest.formulas import loss, softplus
from steepest.types import Floats

__all__ = ["Scoring", "score_all"]

Scoring = tuple[Callable[..., float], dict[str, Any]]  # a scorer, and the parameters it is called with
Held = tuple[Floats, NDArray[Any], Floats | None]  # z (rows, …), codes, weights
WORST = -math.log(np.finfo(float).eps)  # the largest loss of a row that scikit-learn's log_loss counts


def score_all(arrived: Arrived, grid: Grid, plan: Plan, model: HeldOut, scoring: Scoring) -> Floats:
    """(F, R, P): the score of each fit on the rows that its fold left out.

    `model` predicts from coef_ and intercept_, and `away` for the offsets of the rows at hand. Of trials each counts.
    """
    scorer, parameters = scoring
    quick = _quick(scorer) if set(parameters) <= {"sample_weight"} else None
    scorer = _with_labels(scorer, arrived.classes)
    scores = np.empty(grid.iterations.shape)
    for f, (_, test) in enumerate(plan.folds):
        if quick is not None:
            held, given = arrived.take(test), parameters_for(arrived.X, parameters, test)
            z = _scores(held, grid.coef[f], grid.intercept[f])
            scores[f] = quick(z, held.codes, _counted(held.trials, given.get("sample_weight")))
            continue
        rows, labels, given = _shown(arrived, test, parameters, scorer)
        held_out = arrived.X[rows]
        model.away = None if arrived.offset is None else arrived.offset[rows]
        for place in np.ndindex(grid.iterations.shape[1:]):
            model.coef_, model.intercept_ = grid.coef[(f, *place)], grid.intercept[(f, *place)]
            scores[(f, *place)] = scorer(model, held_out, labels, **given)
    return scores


def _shown(
    arrived: Arrived, test: NDArray[Any], parameters: dict[str, Any], scorer: Any
) -> tuple[NDArray[Any], NDArray[Any], dict[str, Any]]:
    """Rows of a fold for a scorer, their labels and parameters; trials as rows."""
    if arrived.trials is None:
        return test, arrived.classes[arrived.codes[test]], parameters_for(arrived.X, parameters, test)
    places, codes, weight = as_trials(arrived.codes[test], arrived.trials[test], scorer)
    rows = test[places]
    given = parameters_for(arrived.X, parameters, rows)
    if weight is not None:
        given["sample_weight"] = _counted(weight, given.get("sample_weight"))
    return rows, arrived.classes[codes], given


def _counted(trials: Floats | None, weight: Any) -> Floats | None:
    """What rows weigh in a score: their trials times the weights that the scorer was given."""
    if weight is None:
        return trials
    each: Floats = np.asarray(weight, dtype=np.float64)
    return each if trials is None else trials * each


def _scores(held: Arrived, coef: Floats, intercept: Floats) -> Floats:
    """z (R, P, rows, rows of coef) of all fits of a fold."""
    R, P, K, n = coef.shape
    flat = np.ascontiguousarray(coef.reshape(-1, n).T)
    z = product(held.X, flat) + intercept.ravel()
    if held.offset is not None:
        z += held.offset[:, None]
    return z.reshape(-1, R, P, K).transpose(1, 2, 0, 3)


def _accuracy(z: Floats, codes: NDArray[Any], weight: Floats | None) -> Floats:
    chosen = z[..., 0] > 0.0 if z.shape[-1] == 1 else z.argmax(axis=-1)
    right = np.where(chosen, codes, 1.0 - codes) if codes.dtype.kind == "f" else chosen == codes
    return np.asarray(np.average(right, axis=-1, weights=weight))


def _log_likelihood(z: Floats, codes: NDArray[Any], weight: Floats | None) -> Floats:
    y = np.broadcast_to(codes, z.shape[:-1])
    if codes.dtype.kind == "f":  # shares: each of the two losses has its limit
        losses = y * np.minimum(softplus(-z[..., 0]), WORST) + (1.0 - y) * np.minimum(softplus(z[..., 0]), WORST)
    else:
        losses = loss(z[..., 0], y) if z.shape[-1] == 1 else softmax_formulas.loss(z, y)
    return np.asarray(-np.average(np.minimum(losses, WORST), axis=-1, weights=weight))


def _quick(scorer: Any) -> Callable[[Floats, NDArray[Any], Floats | None], Floats] | None:
    """The same score from z, where it is known and has no options."""
    known = {accuracy_score: _accuracy, log_loss: _log_likelihood}
    return None if getattr(scorer, "_kwargs", None) else known.get(getattr(scorer, "_score_func", None))


def _with_labels(scorer: Any, classes: NDArray[Any]) -> Any:
    """The scorer, told of all classes where it can be: a fold may lack some."""
    function = getattr(scorer, "_score_func", None)
    known = inspect.signature(function).parameters if function is not None else {}
    if "labels" not in known:
        return scorer
    positive = {"pos_label": classes[-1]} if len(classes) == 2 and "pos_label" in known else {}
    options = {"labels": classes, **positive, **getattr(scorer, "_kwargs", {})}
    return make_scorer(
        function, greater_is_better=scorer._sign == 1, response_method=scorer._response_method, **options
    )
