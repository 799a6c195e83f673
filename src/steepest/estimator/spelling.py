"""The parameters of the constructors, in every spelling of scikit-learn 1.5 to 1.9, and what they mean.

    penalty="l2" | "l1" | "elasticnet" | None     l1_ratio=0, 1, between, C=inf       (1.8 took `penalty` away)
    l1_ratio=None, l1_ratios=None                 0                                   (1.8)
    multi_class="auto" | "multinomial" | "ovr"    one softmax, or one fit per class   (1.5)
    solver="lbfgs", "newton-cg", …                how scikit-learn would search; here it is a name for method="auto"
    solver="gd", "momentum", "nesterov", "newton" the descent of that name: method=… says the same

A correct spelling is translated without a word. What scikit-learn cannot do is refused as it refuses it, with the
same exception and the same phrase; what contradicts itself is warned of.
"""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from steepest.data import Schema
from steepest.estimator.scikit import Hidden, Interval, StrOptions

__all__ = [
    "CONSTRAINTS",
    "SCIKIT_SOLVERS",
    "Asked",
    "asked_of",
    "asked_of_grid",
    "check_classes",
    "check_solver",
    "one_vs_rest",
    "penalty_of",
    "strengths",
]

SCIKIT_SOLVERS = ("lbfgs", "liblinear", "newton-cg", "newton-cholesky", "sag", "saga")
METHODS = ("auto", "gd", "momentum", "nesterov", "newton")
EVERY_PENALTY = ("auto", "saga")

CONSTRAINTS: dict[str, list[Any]] = {
    "penalty": [StrOptions({"l1", "l2", "elasticnet"}), None, Hidden(StrOptions({"deprecated"}))],
    "C": [Interval(Real, 0, None, closed="right")],
    "l1_ratio": [Interval(Real, 0, 1, closed="both"), None],
    "dual": ["boolean"],
    "tol": [Interval(Real, 0, None, closed="left")],
    "fit_intercept": ["boolean"],
    "intercept_scaling": [Interval(Real, 0, None, closed="neither")],
    "class_weight": [dict, StrOptions({"balanced"}), None],
    "random_state": ["random_state"],
    "solver": [StrOptions({*SCIKIT_SOLVERS, *METHODS})],
    "max_iter": [Interval(Integral, 0, None, closed="left")],
    "verbose": ["verbose"],
    "warm_start": ["boolean"],
    "n_jobs": [None, Integral],
    "multi_class": [StrOptions({"auto", "ovr", "multinomial"}), Hidden(StrOptions({"deprecated"}))],
    "method": [StrOptions(set(METHODS))],
    "learning_rate": [Interval(Real, 0, None, closed="neither"), StrOptions({"safe"})],
    "budget": [Interval(Real, 0, None, closed="neither"), None],
    "penalty_factors": ["array-like", dict, Real, None],
    "lower": ["array-like", dict, Real, None],
    "upper": ["array-like", dict, Real, None],
    "monotonic_cst": ["array-like", dict, None],
    "weights": [StrOptions({"frequency", "importance"})],
    "probabilities": [StrOptions({"weighted", "calibrated"})],
    "schema": [Schema, dict, None],
}


@dataclass(frozen=True, slots=True)
class Asked:
    """What the parameters of an estimator mean.

    C, l1_ratio   minimise C (sum of s_i L_i) + (1 - l1_ratio)/2 |w|² + l1_ratio |w|_1; C = inf: no penalty
    method        of `steepest.fit`
    solver        as it was spelled, for messages
    one_vs_rest   one fit per class instead of one for all
    symmetric     of two classes: a softmax with weights of its own for each (multi_class="multinomial" until 1.7)
    """

    C: float
    l1_ratio: float
    method: str
    solver: str
    one_vs_rest: bool
    symmetric: bool = False


def asked_of(estimator: Any) -> Asked:
    """What a LogisticRegression was asked for; ValueError for what cannot be, UserWarning for contradictions."""
    penalty, ratio = estimator.penalty, estimator.l1_ratio
    if penalty == "deprecated":
        C, l1_ratio = estimator.C, 0.0 if ratio is None else float(ratio)
        penalty = None if math.isinf(C) else penalty_of(l1_ratio)
    else:
        C, l1_ratio = estimator.C, _old_ratio(penalty, ratio)
        if penalty is None:
            if C != 1.0:
                warnings.warn("Setting penalty=None will ignore the C and l1_ratio parameters", stacklevel=3)
            C = math.inf
    check_solver(estimator.solver, penalty, estimator.dual, estimator.multi_class)
    symmetric = estimator.multi_class == "multinomial"
    return Asked(float(C), l1_ratio, method_of(estimator), estimator.solver, one_vs_rest(estimator), symmetric)


def asked_of_grid(estimator: Any) -> tuple[Asked, NDArray[np.float64], tuple[float, ...]]:
    """What a LogisticRegressionCV was asked for, its values of C, and its ratios; Asked.C and l1_ratio mean nothing."""
    ratios = estimator.l1_ratios
    ratios = None if ratios is None or isinstance(ratios, str) else list(ratios)
    penalty = estimator.penalty
    if penalty == "deprecated":
        found = {penalty_of(ratio) for ratio in ratios or [0.0]}
        penalty = found.pop() if len(found) == 1 else "elasticnet"
    elif penalty != "elasticnet":
        if ratios is not None:
            warnings.warn(
                f"l1_ratios parameter is only used when penalty is 'elasticnet'. Got (penalty={penalty})", stacklevel=3
            )
        ratios = [1.0 if penalty == "l1" else 0.0]
    check_solver(estimator.solver, penalty, estimator.dual, estimator.multi_class)
    usual = ratios is None and penalty == "l2"
    if not usual and not (ratios and all(isinstance(each, Real) and 0.0 <= float(each) <= 1.0 for each in ratios)):
        raise ValueError(
            f"l1_ratios must be an array-like of numbers between 0 and 1; got (l1_ratios={estimator.l1_ratios!r})"
        )
    Cs = np.logspace(-4, 4, estimator.Cs) if isinstance(estimator.Cs, Integral) else np.asarray(estimator.Cs, float)
    if Cs.ndim != 1 or not len(Cs) or not np.all(Cs > 0.0):
        raise ValueError(f"Cs={estimator.Cs!r} must be a number of values, or a list of numbers > 0")
    symmetric = estimator.multi_class == "multinomial"
    asked = Asked(np.nan, np.nan, method_of(estimator), estimator.solver, one_vs_rest(estimator), symmetric)
    return asked, Cs, tuple(float(each) for each in ratios or [0.0])


def one_vs_rest(estimator: Any) -> bool:
    """Whether each class is fitted against all others: until 1.7 liblinear with "auto" meant that too."""
    asked, liblinear = estimator.multi_class, estimator.solver == "liblinear"
    return bool(asked == "ovr" or (asked == "auto" and liblinear))


def penalty_of(l1_ratio: float) -> str:
    """The word that older versions have for a ratio.

    >>> penalty_of(0.0), penalty_of(0.5), penalty_of(1.0)
    ('l2', 'elasticnet', 'l1')
    """
    return {0.0: "l2", 1.0: "l1"}.get(l1_ratio, "elasticnet")


def method_of(estimator: Any) -> str:
    """The method of `steepest.fit` that `method` and `solver` name together."""
    method, solver = estimator.method, estimator.solver
    if solver in SCIKIT_SOLVERS or solver == "auto":
        return str(method)
    if method not in ("auto", solver):
        raise ValueError(f"solver={solver!r} and method={method!r} name different ways: leave one of them out")
    return str(solver)


def check_solver(solver: str, penalty: str | None, dual: bool, multi_class: str = "auto") -> None:
    """ValueError for what the solver of that name cannot do in scikit-learn; solver='auto' does all of it."""
    if solver in SCIKIT_SOLVERS:
        if solver == "liblinear" and multi_class == "multinomial":
            raise ValueError("Solver liblinear does not support a multinomial backend. Leave `solver` at 'auto'.")
        if solver not in ("liblinear", "saga") and penalty not in ("l2", None):
            raise ValueError(
                f"Solver {solver} supports only 'l2' or None penalties, got {penalty} penalty. "
                "Leave `solver` at 'auto': it takes every penalty."
            )
        if solver != "liblinear" and dual:
            raise ValueError(f"Solver {solver} supports only dual=False, got dual={dual}")
        if penalty == "elasticnet" and solver != "saga":
            raise ValueError(f"Only 'saga' solver supports elasticnet penalty, got solver={solver}.")
        if solver == "liblinear" and penalty is None:
            raise ValueError("C=np.inf as well as penalty=None is not supported for the liblinear solver")
    if dual and penalty not in ("l2", None):
        raise ValueError(f"dual=True is for the l2 penalty, got {penalty} penalty")


def check_classes(asked: Asked, K: int) -> None:
    """ValueError for more than two classes where only two can be."""
    if K == 2 or asked.one_vs_rest:
        return
    if asked.solver == "liblinear":
        raise ValueError(
            "The 'liblinear' solver does not support multiclass classification (n_classes >= 3). Leave `solver` at "
            "'auto' for the softmax of all classes, or set multi_class='ovr' for one fit per class."
        )
    if asked.method != "auto":
        raise ValueError(
            f"Only binary classification is supported by method={asked.method!r}, y holds {K} classes. Use "
            "method='auto' for the softmax of all classes, or multi_class='ovr' for one fit per class."
        )


def strengths(C: float, l1_ratio: float, weight: float) -> tuple[float, float]:
    """(l1, l2) on the mean loss, for a sum of weights: scikit-learn's C multiplies the sum of losses.

    >>> strengths(1.0, 0.0, 100.0), strengths(0.5, 0.25, 100.0), strengths(math.inf, 0.0, 100.0)
    ((0.0, 0.01), (0.005, 0.015), (0.0, 0.0))
    """
    return l1_ratio / (C * weight), (1.0 - l1_ratio) / (C * weight)


def _old_ratio(penalty: str | None, ratio: float | None) -> float:
    """The ratio that a `penalty` of older versions means. Its companion l1_ratio=0 says nothing: it is the default."""
    if penalty == "elasticnet":
        if ratio is None:
            raise ValueError("l1_ratio must be specified when penalty is elasticnet.")
        return float(ratio)
    if ratio is not None and 0.0 < ratio < 1.0:
        warnings.warn(
            f"l1_ratio parameter is only used when penalty is 'elasticnet'. Got (penalty={penalty})", stacklevel=4
        )
    elif penalty == "l2" and ratio == 1.0:
        warnings.warn(
            f"Inconsistent values: penalty={penalty} with l1_ratio={ratio}. penalty is what counts.", stacklevel=4
        )
    return 1.0 if penalty == "l1" else 0.0
