"""What is taken from scikit-learn beyond its public names, and what differs between 1.7, 1.8 and 1.9: here alone."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn import get_config
from sklearn.linear_model._base import LinearClassifierMixin, SparseCoefMixin
from sklearn.utils._array_api import _convert_to_numpy, get_namespace_and_device
from sklearn.utils._param_validation import Hidden, Interval, StrOptions, validate_parameter_constraints
from sklearn.utils.metadata_routing import UNUSED, _raise_for_params, _routing_enabled
from sklearn.utils.multiclass import _check_partial_fit_first_call
from sklearn.utils.validation import _check_method_params, _check_sample_weight

try:
    from sklearn.utils._array_api import check_same_namespace

    SCORE_REQUEST: Any = {"sample_weight": UNUSED}
except ImportError:  # scikit-learn before 1.9
    SCORE_REQUEST = {"sample_weight": None}  # there `score` hands on to its scorer what it has not asked for itself

    def check_same_namespace(*_: Any, **__: Any) -> None:
        """Nobody asked."""


__all__ = [
    "SCORE_REQUEST",
    "Hidden",
    "Interval",
    "LinearClassifierMixin",
    "SparseCoefMixin",
    "StrOptions",
    "check_parameters",
    "checked_weights",
    "first_of_stream",
    "like",
    "parameters_for",
    "refuse_parameters",
    "routing_enabled",
    "same_namespace",
    "to_numpy",
]

checked_weights = _check_sample_weight
first_of_stream = _check_partial_fit_first_call
refuse_parameters = _raise_for_params
routing_enabled = _routing_enabled


def check_parameters(estimator: Any) -> None:
    """scikit-learn's own check of the constructor's parameters, of those alone that differ from their defaults.

    Raises InvalidParameterError (a ValueError). All 19 would take 60 µs, a sixth of a small fit.
    """
    if get_config()["skip_parameter_validation"]:
        return
    given, kind = estimator.__dict__, estimator.__class__
    odd = {name: given[name] for name, usual in _defaults(kind).items() if given[name] is not usual}
    if odd:
        constraints: Mapping[str, Any] = estimator._parameter_constraints
        known = {name: constraints[name] for name in odd if name in constraints}
        validate_parameter_constraints(known, odd, caller_name=kind.__name__)


@functools.cache
def _defaults(kind: Any) -> dict[str, Any]:
    parameters = inspect.signature(kind).parameters.values()
    return {each.name: each.default for each in parameters}


def same_namespace(X: Any, estimator: Any, method: str) -> None:
    """scikit-learn's refusal of arrays of another library than the one that coef_ belongs to."""
    if get_config()["array_api_dispatch"]:
        check_same_namespace(X, estimator, attribute="coef_", method=method)


def to_numpy(array: Any) -> Any:
    """An array of another library as one of NumPy's; NumPy's and everything else as it is.

    Other libraries are looked at only where scikit-learn was told to: `set_config(array_api_dispatch=True)`.
    """
    if array is None or not get_config()["array_api_dispatch"] or not _dispatched(array):
        return array
    namespace, _, _ = get_namespace_and_device(array)
    return _convert_to_numpy(array, namespace)


def _dispatched(array: Any) -> bool:
    """Whether scikit-learn dispatches on it: tensors of torch do not have the protocol, and are treated as if."""
    return hasattr(array, "__array_namespace__") or type(array).__module__.partition(".")[0] == "torch"


def parameters_for(X: Any, parameters: dict[str, Any], rows: NDArray[Any]) -> dict[str, Any]:
    """Parameters of a scorer for some rows of X: those that have an entry per row are cut down to them."""
    found: dict[str, Any] = _check_method_params(X, parameters, indices=rows)
    return found


def like(array: NDArray[Any], model: Any) -> Any:
    """`array` in the library and on the device of `model`, where scikit-learn was told to look at them."""
    if isinstance(model, np.ndarray) or not get_config()["array_api_dispatch"]:
        return array
    if not _dispatched(model) or array.dtype.kind in "OUS":
        return array
    namespace, _, device = get_namespace_and_device(model)
    return namespace.asarray(array, device=device)
