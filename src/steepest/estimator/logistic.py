"""`LogisticRegression`: scikit-learn's, with a proof of how good the answer is."""

from __future__ import annotations

import math
from copy import copy
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils.validation import check_is_fitted

from steepest.errors import DataError
from steepest.estimator.arrival import Arrived, arrive, arrive_batch, class_factors, complain, with_class_weights
from steepest.estimator.callbacks import tasks_of, with_callbacks
from steepest.estimator.classifier import Classifier
from steepest.estimator.columns import plain_columns
from steepest.estimator.distance import distance
from steepest.estimator.scikit import check_parameters, like, to_numpy
from steepest.estimator.solving import NOTHING, Solved, solve_asked
from steepest.estimator.spelling import CONSTRAINTS, asked_of, strengths
from steepest.estimator.streaming import Stream, begin, learn
from steepest.estimator.verdict import warn_of
from steepest.estimator.wording import minimised
from steepest.proof.certificate import Certificate
from steepest.types import Floats

__all__ = ["LogisticRegression"]


class LogisticRegression(Classifier):
    """Logistic regression of two or K classes, as scikit-learn's, with a certificate.

        minimises   C (sum of s_i L_i) + (1 - l1_ratio)/2 |w|² + l1_ratio |w|_1

    L_i is -log P of the true class, s_i the row's weight times the weight of its class; the intercept is never
    penalised. `steepest.fit` sees the same divided by C (sum of s_i): l2 = (1 - l1_ratio) / (C sum of s_i). So in
    scikit-learn, and here, larger weights mean a weaker penalty; `steepest.fit` itself keeps the two apart.

    Parameters
    ----------
    penalty, C, l1_ratio, dual, fit_intercept, intercept_scaling, class_weight, random_state, warm_start, multi_class
        As in scikit-learn 1.5 to 1.9, in every spelling; `docs/scikit-learn.md` has the table. C=inf: no penalty.
        `random_state` changes nothing: the same data give the same bits. `intercept_scaling` has no effect either,
        because the intercept is not penalised (scikit-learn's liblinear does that).
    tol
        The proved relative gap to reach is tol² / 10: 1e-9 at the default.
    max_iter, budget
        Updates at most; seconds at most. Where they end the fit too early, NotProvedWarning says what is proved.
    solver, method
        `auto` finds the proved optimum, and so does every name of a solver of scikit-learn. "gd", "momentum",
        "nesterov" and "newton" (in either parameter) are descents as asked for: two classes.
    learning_rate
        Of the descents: a number, or "safe" (1/L).
    n_jobs
        Threads over blocks of rows; None or -1: all. The bits of the result do not depend on it.
    verbose
        Accepted.
    penalty_factors, lower, upper, monotonic_cst
        Of single columns: factors of the penalty, bounds on weights, signs (-1, 0, 1; two classes). A number per column
        of the design, one for all, or a dictionary from names: a category's name speaks for all its levels.
    weights
        "frequency": sample and class weights count rows, twice the weights are twice the C, as in scikit-learn.
        "importance": they are divided by their mean, so the penalty weighs as much as without them.
    probabilities
        "weighted": those of classes as `class_weight` makes them count. "calibrated": those of the rows as they came,
        by another intercept_ after the fit, of which certificate_ still speaks; see `calibrated`.
    schema
        What the columns of a frame are: a `steepest.Schema`, or the arguments of `steepest.schema`, as
        {"missing": "indicator", "unseen": "reference"}; inferred if None.

    Attributes
    ----------
    coef_ (1, n) or (K, n), intercept_ (1,) or (K,), classes_ (K,), n_iter_ (1,), n_features_in_, feature_names_in_
        As in scikit-learn; float32 where X is float32.
    gap_, certificate_
        The proved relative gap, and all that is proved: `steepest.Certificate`.
    history_
        J before each update, (n_iter_,).
    fit_
        The `steepest.Fit` behind it; of multi_class="ovr" a tuple; None where no update was made.

    Examples
    --------
    >>> from steepest import LogisticRegression
    >>> model = LogisticRegression().fit([[1.0], [2.0], [3.0], [4.0]], ["fail", "pass", "fail", "pass"])
    >>> model.predict([[0.0], [5.0]]), model.coef_.round(4), bool(model.gap_ <= 1e-9)
    (array(['fail', 'pass'], dtype='<U4'), array([[0.4529]]), True)

    """

    __metadata_request__partial_fit = {"classes": True}  # noqa: RUF012 - read by scikit-learn
    _parameter_constraints = CONSTRAINTS

    def __init__(
        self,
        penalty: Any = "deprecated",
        *,
        C: float = 1.0,
        l1_ratio: float | None = 0.0,
        dual: bool = False,
        tol: float = 1e-4,
        fit_intercept: bool = True,
        intercept_scaling: float = 1,
        class_weight: Any = None,
        random_state: Any = None,
        solver: str = "auto",
        max_iter: int = 100,
        verbose: int = 0,
        warm_start: bool = False,
        n_jobs: int | None = None,
        multi_class: str = "deprecated",
        method: str = "auto",
        learning_rate: float | str = "safe",
        budget: float | None = None,
        penalty_factors: Any = None,
        lower: Any = None,
        upper: Any = None,
        monotonic_cst: Any = None,
        weights: str = "frequency",
        probabilities: str = "weighted",
        schema: Any = None,
    ) -> None:
        self.penalty = penalty
        self.C = C
        self.l1_ratio = l1_ratio
        self.dual = dual
        self.tol = tol
        self.fit_intercept = fit_intercept
        self.intercept_scaling = intercept_scaling
        self.class_weight = class_weight
        self.random_state = random_state
        self.solver = solver
        self.max_iter = max_iter
        self.verbose = verbose
        self.warm_start = warm_start
        self.n_jobs = n_jobs
        self.multi_class = multi_class
        self.method = method
        self.learning_rate = learning_rate
        self.budget = budget
        self.penalty_factors = penalty_factors
        self.lower = lower
        self.upper = upper
        self.monotonic_cst = monotonic_cst
        self.weights = weights
        self.probabilities = probabilities
        self.schema = schema

    @with_callbacks  # type: ignore[untyped-decorator]
    def fit(
        self, X: Any, y: ArrayLike, sample_weight: Any = None, offset: Any = None, trials: Any = None
    ) -> LogisticRegression:
        """Fit to X (m, n), dense or sparse, and labels y (m,) with weights (m,), a number, or None.

        `offset` (m,) is added to z. With `trials`, (m,) or one number, y counts successes out of so many, whose classes
        are 0 and 1; with trials=1 it is a share between 0 and 1. Both are for two classes.
        Raises ValueError for what cannot be fitted, in scikit-learn's words where it has some; warns with
        NotProvedWarning or NoFiniteOptimumWarning (both are ConvergenceWarning) where coef_ is not what it should be.
        """
        check_parameters(self)
        asked = asked_of(self)
        arrived = arrive(self, X, y, sample_weight, offset, trials)
        if asked.solver == "liblinear":  # which answers in float64, whatever it is asked in
            arrived = replace(arrived, dtype=np.float64)
        weighted = with_class_weights(arrived, self.class_weight, self.weights)
        settings = self._settings(asked.method, arrived)
        tasks = tasks_of(self, arrived, y, max(settings.max_iter, 1) + 1, lambda *at: self._attributes(arrived, *at))
        try:
            solved = solve_asked(
                weighted, asked, settings, self._start(arrived), None if tasks is None else tasks.update
            )
        except DataError as error:
            complain(self, X, error)
            raise
        self._set(arrived, solved)
        self._stream: Stream | None = None
        self.fit_ = solved.fits if asked.one_vs_rest else (solved.fits[0] if solved.fits else None)
        self._objective = (asked.C, asked.l1_ratio, weighted.total_weight)
        self._factors = class_factors(arrived, self.class_weight)
        if self.probabilities == "calibrated" and self.class_weight is not None:
            self._as_rows_came()
        if tasks is not None:
            tasks.close(solved.coef, solved.intercept)
        warn_of(solved, settings, asked.solver, asked.C)
        return self

    def partial_fit(self, X: Any, y: ArrayLike, classes: Any = None, sample_weight: Any = None) -> LogisticRegression:
        """Learn from a batch X (m, n), y (m,) that is not kept; `classes` lists all labels, at the first call.

        Each batch is fitted by Newton's method on top of what the earlier ones said, remembered as a quadratic
        (`steepest.estimator.streaming`): steps shrink by themselves, and nothing has to be chosen. C refers to the
        sum over all rows seen, each of which counts as new. After `fit` it goes on from there, as if the fitted rows
        had been like those of the first batch. history_ has the mean loss of every batch before it was learnt;
        nothing is proved (gap_ is inf): ask `gap` on a table.

        Raises ValueError for labels that are none of `classes`, for another number of columns, and for penalties
        other than the squares.
        """
        check_parameters(self)
        asked = asked_of(self)
        if asked.l1_ratio > 0.0 or asked.one_vs_rest or self.class_weight == "balanced" or not plain_columns(self):
            raise ValueError(
                "partial_fit takes one penalty on the squares of all columns, one softmax for all classes, "
                f"class weights as numbers; got l1_ratio={asked.l1_ratio:g}, multi_class={self.multi_class!r}, "
                f"class_weight={self.class_weight!r}, and see the parameters for columns, weights and schema"
            )
        stream: Stream | None = self.__dict__.get("_stream")
        batch = with_class_weights(arrive_batch(self, X, y, classes, sample_weight), self.class_weight)
        if stream is None:
            stream = begin(batch, asked.C, bool(self.fit_intercept), self._fitted())
        try:
            taught = learn(stream, batch, bool(self.fit_intercept))
        except DataError as error:
            complain(self, X, error)
            raise
        losses = np.append(self.history_ if stream.batches else [], taught.loss)
        self._set(batch, Solved(taught.coef, taught.intercept, (), taught.stream.batches))
        self.history_, self.fit_, self._stream = like(losses, X), None, taught.stream
        self._objective = (asked.C, 0.0, taught.stream.weight)
        self._factors = class_factors(batch, self.class_weight)
        return self

    def calibrated(self) -> LogisticRegression:
        """A copy whose probabilities are those of the rows as they came, not as `class_weight` made them count.

        class_weight multiplies the odds that the rows hold by the ratio of the factors: b_k - log(factor_k) takes that
        out again, and the ranking of the rows and coef_ stay. Its intercept_ is no optimum of anything: gap_ is inf.

        Raises ValueError for multi_class="ovr", where each class has odds of its own, and without an intercept.
        """
        check_is_fitted(self, "coef_")
        found = copy(self)
        found._as_rows_came()
        found.fit_, found.certificate_, found.gap_ = None, NOTHING, math.inf
        return found

    def _as_rows_came(self) -> None:
        """Take the weights of the classes out of the intercepts."""
        if asked_of(self).one_vs_rest or not self.fit_intercept or not np.all(self._factors > 0.0):
            raise ValueError(
                "to calibrate needs one model of all classes with an intercept, and weights > 0; got multi_class="
                f"{self.multi_class!r}, fit_intercept={self.fit_intercept}, class_weight={self.class_weight!r}"
            )
        logs, (_, intercept) = np.log(self._factors), self._weights()
        shift = logs[1:] - logs[:1] if len(logs) == 2 else logs - logs.mean()
        given: Any = self.__dict__["intercept_"]
        self.intercept_ = like((intercept - shift).astype(to_numpy(given).dtype), given)
        self._factors = np.ones(len(logs))

    def gap(self, X: Any, y: ArrayLike, sample_weight: Any = None) -> Certificate:
        """How far the present coefficients are from the optimum that `fit` would find on this table: what is proved.

        The optimum is found beside them, so it costs as much as a fit.
        """
        check_is_fitted(self, "coef_")
        asked = asked_of(self)
        arrived = with_class_weights(arrive(copy(self), X, y, sample_weight), self.class_weight, self.weights)
        known = to_numpy(self.classes_)
        if not np.array_equal(arrived.classes, known) or asked.one_vs_rest:
            raise ValueError(
                f"gap compares fits of the same classes, {known.tolist()}; y has {arrived.classes.tolist()}"
            )
        coef, intercept = self._weights()
        settings = self._settings("auto", arrived)
        return distance(arrived, (coef, intercept), strengths(asked.C, asked.l1_ratio, arrived.total_weight), settings)

    def _weights(self) -> tuple[Floats, Floats]:
        coef: Any = to_numpy(self.coef_)
        coef = coef if isinstance(coef, np.ndarray) else coef.toarray()
        return np.asarray(coef, dtype=np.float64), np.asarray(to_numpy(self.intercept_), dtype=np.float64)

    def _fitted(self) -> tuple[Floats, Floats, float] | None:
        """What a stream that begins after `fit` goes on from."""
        if not hasattr(self, "coef_"):
            return None
        return *self._weights(), self._objective[2]

    def _start(self, arrived: Arrived) -> tuple[Floats, Floats] | None:
        """The weights of the last fit, where they are wanted and fit."""
        if not self.warm_start or not hasattr(self, "coef_"):
            return None
        coef, intercept = self._weights()
        rows = 1 if len(arrived.classes) == 2 else len(arrived.classes)
        if coef.shape != (rows, arrived.X.shape[1]):
            raise ValueError(
                f"warm_start=True begins at the last coef_, of shape {coef.shape}, but these data need "
                f"{(rows, arrived.X.shape[1])}: set warm_start=False"
            )
        return coef, intercept

    def _said(self) -> list[str]:
        """What is minimised, with its numbers, and what was proved."""
        proved = [self.certificate_.sentence] if hasattr(self, "certificate_") else []
        return [minimised(self), *proved]
