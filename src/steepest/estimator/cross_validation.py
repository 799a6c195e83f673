"""`LogisticRegressionCV`: scikit-learn's, all folds and penalties in lockstep where they can be."""

from __future__ import annotations

from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.metrics import get_scorer, get_scorer_names
from sklearn.model_selection import check_cv
from sklearn.utils.metadata_routing import MetadataRouter, MethodMapping, process_routing

from steepest.errors import DataError
from steepest.estimator.arrival import Arrived, arrive, complain, with_class_weights
from steepest.estimator.callbacks import tasks_of, with_callbacks
from steepest.estimator.classifier import Classifier
from steepest.estimator.grid import Plan
from steepest.estimator.scikit import (
    SCORE_REQUEST,
    Hidden,
    Interval,
    StrOptions,
    check_parameters,
    like,
    refuse_parameters,
    routing_enabled,
    to_numpy,
)
from steepest.estimator.searching import results, search
from steepest.estimator.solving import Solved, each_against, stacked
from steepest.estimator.spelling import CONSTRAINTS, asked_of_grid, check_classes
from steepest.estimator.verdict import warn_of

__all__ = ["LogisticRegressionCV"]

LEFT_OUT = ("C", "l1_ratio", "warm_start", "probabilities")


class LogisticRegressionCV(Classifier):
    """Logistic regression whose C, and ratio of the penalties, are chosen by cross-validation.

    Parameters
    ----------
    Cs
        Values of C, or how many between 1e-4 and 1e4.
    l1_ratios
        Ratios to try; None: 0, and results without an axis for them where `use_legacy_attributes`.
    cv, scoring, refit
        As in scikit-learn: folds, splitter or number of folds; scorer (accuracy if None); whether to fit to all rows
        with what was chosen, or to average the folds' best fits.
    rule
        "best" mean score, or "one_standard_error": the strongest penalty within one standard error of it.
    use_legacy_attributes
        True: C_, l1_ratio_, scores_, coefs_paths_ and n_iter_ by class, as until scikit-learn 1.9. False: as from 1.10.
    multi_class
        "ovr", as until scikit-learn 1.7: each class against all others, with a C and a ratio of its own. Others: one
        softmax.
    others
        As for `LogisticRegression`; tol, max_iter and budget hold for each fit, class weights are those of all rows.

    Attributes
    ----------
    Cs_ (P,), l1_ratios_ (R,), C_, l1_ratio_, scores_, coefs_paths_, n_iter_
        As in scikit-learn. Of fits in lockstep n_iter_ is the number of passes over the rows that all shared.
    coef_, intercept_, classes_, gap_, certificate_, fit_, history_, n_features_in_, feature_names_in_
        Of the fit to all rows, as for `LogisticRegression`; with refit=False nothing is proved of coef_.
    fold_gap_
        The largest proved relative gap of any fit to a part of the rows.

    Examples
    --------
    >>> import numpy as np
    >>> from steepest import LogisticRegressionCV
    >>> x = np.arange(40.0)[:, None]
    >>> y = x[:, 0] + 9.0 * np.cos(x[:, 0]) > 20.0
    >>> model = LogisticRegressionCV(Cs=[1e-4, 1e-2, 1.0], cv=4, scoring="neg_log_loss").fit(x, y)
    >>> model.C_, model.scores_[True].shape, bool(model.fold_gap_ <= 1e-9)
    (array([0.01]), (4, 3), True)

    """

    __metadata_request__score = SCORE_REQUEST
    _parameter_constraints = {name: each for name, each in CONSTRAINTS.items() if name not in LEFT_OUT} | {
        "Cs": [Interval(Integral, 1, None, closed="left"), "array-like"],
        "l1_ratios": ["array-like", None, Hidden(StrOptions({"warn"}))],
        "cv": ["cv_object"],
        "scoring": [StrOptions({*get_scorer_names(), "warn"}), callable, None],
        "refit": ["boolean"],
        "use_legacy_attributes": ["boolean", Hidden(StrOptions({"warn"}))],
        "rule": [StrOptions({"best", "one_standard_error"})],
        "penalty": [StrOptions({"l1", "l2", "elasticnet"}), Hidden(StrOptions({"deprecated"}))],
    }

    def __init__(
        self,
        *,
        Cs: Any = 10,
        l1_ratios: Any = None,
        fit_intercept: bool = True,
        cv: Any = None,
        dual: bool = False,
        penalty: str = "deprecated",
        scoring: Any = None,
        solver: str = "auto",
        tol: float = 1e-4,
        max_iter: int = 100,
        class_weight: Any = None,
        n_jobs: int | None = None,
        verbose: int = 0,
        refit: bool = True,
        intercept_scaling: float = 1.0,
        random_state: Any = None,
        use_legacy_attributes: bool | str = True,
        multi_class: str = "deprecated",
        method: str = "auto",
        learning_rate: float | str = "safe",
        budget: float | None = None,
        rule: str = "best",
        penalty_factors: Any = None,
        lower: Any = None,
        upper: Any = None,
        monotonic_cst: Any = None,
        weights: str = "frequency",
        schema: Any = None,
    ) -> None:
        self.Cs = Cs
        self.l1_ratios = l1_ratios
        self.fit_intercept = fit_intercept
        self.cv = cv
        self.dual = dual
        self.penalty = penalty
        self.scoring = scoring
        self.solver = solver
        self.tol = tol
        self.max_iter = max_iter
        self.class_weight = class_weight
        self.n_jobs = n_jobs
        self.verbose = verbose
        self.refit = refit
        self.intercept_scaling = intercept_scaling
        self.random_state = random_state
        self.use_legacy_attributes = use_legacy_attributes
        self.multi_class = multi_class
        self.method = method
        self.learning_rate = learning_rate
        self.budget = budget
        self.rule = rule
        self.penalty_factors = penalty_factors
        self.lower = lower
        self.upper = upper
        self.monotonic_cst = monotonic_cst
        self.weights = weights
        self.schema = schema

    @with_callbacks  # type: ignore[untyped-decorator]
    def fit(
        self,
        X: Any,
        y: ArrayLike,
        sample_weight: Any = None,
        offset: Any = None,
        trials: Any = None,
        **params: Any,
    ) -> LogisticRegressionCV:
        """Choose C and the ratio on the folds of X (m, n) and y (m,), and fit to all rows with them.

        `offset` and `trials` are those of `LogisticRegression.fit`; a fold has those of its rows, also when it is
        scored. The trials of a row stay in one fold, folds of trials are not stratified, and scores count each trial.
        `params` go to the splitter and the scorer, by scikit-learn's metadata routing. Raises and warns as
        `LogisticRegression.fit` does.
        """
        check_parameters(self)
        refuse_parameters(params, self, "fit")
        asked, Cs, ratios = asked_of_grid(self)
        arrived = arrive(self, X, y, sample_weight, offset, trials)
        check_classes(asked, len(arrived.classes))
        tasks = tasks_of(self, arrived, y, 3, lambda *at: self._attributes(arrived, *at))
        labels = to_numpy(y) if arrived.grouped else arrived.classes[arrived.codes]
        splitting, scoring = self._routed(sample_weight, params)
        splits = check_cv(self.cv, labels, classifier=not arrived.grouped).split(arrived.X, labels, **splitting)
        folds = tuple((_places(train), _places(test)) for train, test in splits)
        symmetric = asked.symmetric and len(arrived.classes) == 2
        plan = Plan(folds, ratios, Cs, self._settings(asked.method, arrived), symmetric)
        weighted = with_class_weights(arrived, self.class_weight, self.weights)
        try:
            solved = self._search(weighted, plan, scoring, asked.one_vs_rest)
        except DataError as error:
            complain(self, X, error)
            raise
        if tasks is not None:
            tasks.close(solved.coef, solved.intercept)
        if solved.fits:
            warn_of(solved, plan.settings, asked.solver, self._objective[0])
        return self

    def _search(self, arrived: Arrived, plan: Plan, scoring: dict[str, Any], one_vs_rest: bool) -> Solved:
        how = (self._get_scorer(), scoring), self.refit, self.rule
        by_class = one_vs_rest and len(arrived.classes) > 2
        found = [search(part, plan, *how) for part in (each_against(arrived) if by_class else (arrived,))]
        solved = stacked([each.solved for each in found]) if by_class else found[0].solved
        self._set(arrived, solved)
        by_ratio = self.l1_ratios is not None and not isinstance(self.l1_ratios, str)
        for name, value in results(found, arrived.classes, bool(self.use_legacy_attributes), by_ratio).items():
            setattr(self, name, like(value, arrived.model) if isinstance(value, np.ndarray) else value)
        self.Cs_, self.l1_ratios_ = (like(each, arrived.model) for each in (plan.Cs, np.array(plan.ratios)))
        self.fold_gap_ = float(max(each.grid.gap for each in found))
        self.fit_ = solved.fits if by_class else (solved.fits[0] if solved.fits else None)
        self._objective = (found[0].choice.C, found[0].choice.l1_ratio, arrived.total_weight)
        self._by_class = tuple(each.choice.C for each in found) if by_class else ()
        return solved

    def score(self, X: Any, y: ArrayLike, sample_weight: Any = None, **score_params: Any) -> float:
        """The score of `scoring` (accuracy if None) on X (m, n) and y (m,); `score_params` go to the scorer."""
        refuse_parameters(score_params, self, "score")
        if sample_weight is not None:
            score_params["sample_weight"] = sample_weight
        if routing_enabled():
            score_params = process_routing(self, "score", **score_params).scorer.score
        return float(self._get_scorer()(self, X, y, **score_params))

    def get_metadata_routing(self) -> Any:
        """What goes where: `fit` to the splitter and the scorer, `score` to the scorer."""
        scoring = MethodMapping().add(caller="score", callee="score").add(caller="fit", callee="score")
        return (
            MetadataRouter(owner=self)
            .add_self_request(self)
            .add(splitter=self.cv, method_mapping=MethodMapping().add(caller="fit", callee="split"))
            .add(scorer=self._get_scorer(), method_mapping=scoring)
        )

    def _routed(self, sample_weight: Any, params: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        """What the splitter and the scorer are given."""
        if routing_enabled():
            routed = process_routing(self, "fit", sample_weight=sample_weight, **params)
            return routed.splitter.split, routed.scorer.score
        return {}, dict(params) if sample_weight is None else {**params, "sample_weight": sample_weight}

    def _get_scorer(self) -> Any:
        return get_scorer("accuracy" if self.scoring is None or self.scoring == "warn" else self.scoring)

    def _said(self) -> list[str]:
        """What is minimised, with its numbers, and what was proved."""
        if not hasattr(self, "certificate_"):
            return ["minimises C (sum of losses) + penalty, C chosen by cross-validation"]
        C, l1_ratio, _ = self._objective
        if self._by_class:
            return [f"C = {', '.join(f'{C:g}' for C in self._by_class)} by cross-validation, one for every class",
                    self.certificate_.sentence]  # fmt: skip
        said = f"C = {C:g}" + (f" and l1_ratio = {l1_ratio:g}" if l1_ratio else "")
        return [f"{said} by cross-validation", self.certificate_.sentence]


def _places(rows: Any) -> Any:
    """Row numbers of a fold, given as numbers or as a mask."""
    rows = np.asarray(rows)
    return np.flatnonzero(rows) if rows.dtype == bool else rows
