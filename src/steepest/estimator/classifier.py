"""What LogisticRegression and LogisticRegressionCV have in common: tags, coefficients in the user's arrays, how they
are shown.
"""

from __future__ import annotations

import html
from typing import Any

import numpy as np
from joblib.parallel import get_active_backend
from sklearn import get_config
from sklearn.base import BaseEstimator
from sklearn.utils import estimator_html_repr

from steepest.estimator.arrival import Arrived
from steepest.estimator.callbacks import CallbackSupportMixin
from steepest.estimator.columns import per_column
from steepest.estimator.predicting import Predicts
from steepest.estimator.scikit import SparseCoefMixin, like
from steepest.estimator.solving import Settings, Solved, gap_of_tol
from steepest.estimator.spelling import METHODS, one_vs_rest
from steepest.penalties import NONE
from steepest.types import Floats

__all__ = ["Classifier", "names_of"]


class Classifier(CallbackSupportMixin, Predicts, SparseCoefMixin, BaseEstimator):  # type: ignore[misc]
    """A linear classifier of scikit-learn's kind, fitted by steepest."""

    def __sklearn_tags__(self) -> Any:
        """Named descents are for two classes; `auto` takes K classes as well."""
        tags = super().__sklearn_tags__()
        named = self.method != "auto" or self.solver in METHODS[1:]
        several = one_vs_rest(self) or not (named or self.solver == "liblinear")
        tags.input_tags.sparse = True
        tags.classifier_tags.multi_class = several
        tags.array_api_support = bool(get_config()["array_api_dispatch"])
        return tags

    def __repr__(self, N_CHAR_MAX: int = 700) -> str:
        """The parameters that differ from their defaults, what is minimised, and what was proved."""
        lines = [super().__repr__(N_CHAR_MAX), *self._said()]
        return "\n".join(lines)

    def _html_repr(self) -> str:
        said = "<br>".join(html.escape(line) for line in self._said())
        return f'{estimator_html_repr(self)}<p class="steepest">{said}</p>'

    def _repr_html_inner(self) -> str:  # scikit-learn 1.7 calls this one
        return self._html_repr()

    def _said(self) -> list[str]:
        raise NotImplementedError

    def _settings(self, method: str, arrived: Arrived | None = None) -> Settings:
        names, beyond = names_of(self), NONE
        if arrived is not None:
            columns = arrived.X.shape[1]
            beyond = per_column(self, names, arrived.schema, columns, len(arrived.classes))
        return Settings(
            method, self.learning_rate, gap_of_tol(self.tol), self.budget, int(self.max_iter),
            bool(self.fit_intercept), _threads(self.n_jobs), names, beyond,
        )  # fmt: skip

    def _set(self, arrived: Arrived, solved: Solved) -> None:
        """Coefficients in the dtype and the library of X; what is known of them beside."""
        for name, value in self._attributes(arrived, solved.coef, solved.intercept).items():
            setattr(self, name, value)
        made = [fit.iterations for fit in solved.fits] if len(solved.fits) > 1 else [solved.iterations]
        self.n_iter_ = like(np.array(made, dtype=np.int32), arrived.model)
        self.history_ = like(solved.history, arrived.model)
        self.certificate_ = solved.certificate
        self.gap_ = float(solved.certificate.gap)

    @staticmethod
    def _attributes(arrived: Arrived, coef: Floats, intercept: Floats) -> dict[str, Any]:
        """The fitted attributes that predictions need."""
        return {
            "coef_": like(coef.astype(arrived.dtype), arrived.model),
            "intercept_": like(intercept.astype(arrived.dtype), arrived.model),
            "classes_": like(arrived.classes, arrived.model),
        }


def _threads(n_jobs: int | None) -> int | None:
    """How many threads a fit may use; None: all. One of many jobs of joblib (a grid search) has one."""
    if n_jobs is not None and n_jobs > 0:
        return int(n_jobs)
    backend, _ = get_active_backend()
    return 1 if backend.nesting_level else None


def names_of(estimator: Any) -> tuple[str, ...] | None:
    """The names of the columns of the design, where a frame that was fitted had some."""
    given = estimator.__dict__
    if "schema_" in given:
        names: tuple[str, ...] = given["schema_"].names
        return names
    return tuple(str(name) for name in given["feature_names_in_"]) if "feature_names_in_" in given else None
