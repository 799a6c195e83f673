"""Predictions of a linear classifier: z = X coef_' + intercept_, its label, its probability, the log of that.

    two classes   P(second) = sigmoid(z),       log P = -softplus(-z),   log (1 - P) = -softplus(z)
    K classes     P = softmax(z),               log P = z - log sum of exp(z)
    one versus the rest (multi_class="ovr")     P = sigmoid(z), divided by its sum over the classes

1 - sigmoid(z) is 0 from z = 37 on, and its log -inf; here P is within 2 ulp and log P within 1.5 at any z.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted, validate_data

from steepest import formulas
from steepest.data import product
from steepest.data.arrays import is_sparse
from steepest.data.targets import as_offset
from steepest.estimator.arrival import arrive_rows
from steepest.estimator.scikit import LinearClassifierMixin, like, same_namespace, to_numpy
from steepest.estimator.spelling import one_vs_rest
from steepest.softmax_formulas import softmax
from steepest.types import Floats

__all__ = ["Predicts"]


class Predicts(LinearClassifierMixin):  # type: ignore[misc]
    """Decision function, labels and probabilities from coef_, intercept_ and classes_."""

    def decision_function(self, X: Any, offset: Any = None) -> Any:
        """z = X coef_' + intercept_: (m,) for two classes, positive for the second; (m, K) for K.

        `offset` (m,) is added to the z of two classes, 0 if not given, also where the fit had one.
        Raises ValueError for another number of columns and for values that are not finite.
        """
        return like(self._scores(X, "decision_function", offset), X)

    def predict(self, X: Any, offset: Any = None) -> Any:
        """The most probable class of each row, (m,); z = 0 goes to the first."""
        z = self._scores(X, "predict", offset)
        chosen = (z > 0.0).astype(np.intp) if z.ndim == 1 else z.argmax(axis=1)
        return like(np.asarray(to_numpy(self.classes_))[chosen], X)

    def predict_proba(self, X: Any, offset: Any = None) -> Any:
        """P of every class in the order of classes_, (m, K)."""
        z = self._scores(X, "predict_proba", offset)
        if z.ndim == 1:
            P = np.stack([formulas.sigmoid(-z), formulas.sigmoid(z)], axis=1)
        elif self._one_vs_rest:
            P = _shared(formulas.sigmoid(z))
        else:
            P = softmax(z)
        return like(P.astype(z.dtype, copy=False), X)

    def predict_log_proba(self, X: Any, offset: Any = None) -> Any:
        """log P of every class, (m, K), accurate where P itself is 0 or 1 in floating point."""
        z = self._scores(X, "predict_log_proba", offset)
        if z.ndim == 1:
            log = np.stack([-formulas.softplus(z), -formulas.softplus(-z)], axis=1)
        elif self._one_vs_rest:
            with np.errstate(divide="ignore"):
                log = np.log(_shared(formulas.sigmoid(z)))
        else:
            log = _log_softmax(z)
        return like(log.astype(z.dtype, copy=False), X)

    @property
    def _one_vs_rest(self) -> bool:
        return one_vs_rest(self)

    def _scores(self, X: Any, method: str, offset: Any) -> Floats:
        check_is_fitted(self, "coef_")
        same_namespace(X, self, method)
        rows = arrive_rows(self, X)
        coef, intercept = to_numpy(self.coef_), to_numpy(self.intercept_)
        in_one = is_sparse(rows) or is_sparse(coef) or (isinstance(rows, np.ndarray) and rows.dtype.kind == "f")
        z: Any = rows @ coef.T if in_one else product(rows, coef.T)  # narrow numbers are widened block by block
        z = (z if isinstance(z, np.ndarray) else z.toarray()) + intercept
        if not np.isfinite(z.sum()):
            validate_data(self, rows, accept_sparse="csr", reset=False)  # says which value is not finite
        scores: Floats = z[:, 0] if z.shape[1] == 1 else z
        if offset is None:
            return scores
        if scores.ndim == 2:
            raise ValueError("an offset is added to the one z of two classes; this fit has one z per class")
        return (scores + as_offset(to_numpy(offset), len(scores))).astype(scores.dtype, copy=False)


def _shared(P: Floats) -> Floats:
    """Probabilities of one fit per class, divided by their sum; all alike where that is 0."""
    total = P.sum(axis=1, keepdims=True)
    return np.where(total > 0.0, P / np.where(total > 0.0, total, 1.0), 1.0 / P.shape[1])


def _log_softmax(z: NDArray[Any]) -> Floats:
    """z - log sum of exp(z): 0 minus the log1p of the others' share where a class is nearly certain."""
    z = np.asarray(z, dtype=np.float64)
    top = z.argmax(axis=1)[:, None]
    apart = z - np.take_along_axis(z, top, 1)
    e = np.exp(apart)
    np.put_along_axis(e, top, 0.0, 1)
    return np.asarray(apart - np.log1p(e.sum(axis=1, keepdims=True)))
