"""What the user hands to an estimator, looked at once: X as it is, labels as codes, weights as numbers.

A plain array of floats with labels of two numbers, which is what most calls bring, takes 15 µs; scikit-learn's
`validate_data` and `check_classification_targets` take 170, and see everything else. Values that are not finite are
found by `steepest.fit`; only then is scikit-learn asked to say so in its own words.
"""

from __future__ import annotations

import contextlib
import math
import warnings
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import compute_class_weight
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_X_y, validate_data

from steepest.data import Schema, framed, receive
from steepest.data.arrays import is_frame
from steepest.data.inference import schema as describe
from steepest.data.targets import as_offset, successes
from steepest.errors import DataError
from steepest.estimator.scikit import checked_weights, first_of_stream, to_numpy
from steepest.types import Floats

__all__ = [
    "Arrived",
    "arrive",
    "arrive_batch",
    "arrive_rows",
    "class_factors",
    "complain",
    "encode",
    "with_class_weights",
]

SLICE = 1 << 16  # labels looked at together


@dataclass(frozen=True, slots=True)
class Arrived:
    """m rows: X (m, n) dense or CSR, codes (m,) of the classes, weight (m,) or None, as given by the user.

    dtype   of coef_: that of X where it is float32, else float64
    model   X as it was given, whose library the results belong to
    schema  what the columns of a frame are; None for arrays
    part    whether rows were left out since the classes were listed, so that some may have none
    offset  (m,) added to z, or None
    trials  (m,) where y counts successes out of so many: codes are shares between 0 and 1, weight counts the trials
    """

    X: Any
    codes: NDArray[Any]
    classes: NDArray[Any]
    weight: Floats | None
    dtype: Any
    model: Any
    schema: Schema | None = None
    part: bool = False
    offset: Floats | None = None
    trials: Floats | None = None

    def take(self, rows: NDArray[Any]) -> Arrived:
        """Some of the rows; the classes stay as they are."""
        by_row = {name: getattr(self, name) for name in ("weight", "offset", "trials")}
        taken: dict[str, Any] = {name: None if each is None else each[rows] for name, each in by_row.items()}
        return replace(self, X=self.X[rows], codes=self.codes[rows], part=True, **taken)

    @property
    def grouped(self) -> bool:
        """Whether codes are shares of successes."""
        return self.trials is not None

    @property
    def total_weight(self) -> float:
        """Sum of the row weights, m without any."""
        return float(self.X.shape[0]) if self.weight is None else float(self.weight.sum())


def arrive(estimator: Any, X: Any, y: Any, sample_weight: Any, offset: Any = None, trials: Any = None) -> Arrived:
    """Check and encode; sets n_features_in_ and feature_names_in_.

    Raises ValueError as scikit-learn does: shapes, missing or unusable labels, one class.
    """
    model, schema, kept = X, None, None
    known = estimator.schema is not None
    if not known and _plain(X) and type(y) is np.ndarray and y.shape == (X.shape[0],) and y.dtype.kind in "biuf":
        _set_features(estimator, X.shape[1])
    else:
        X, y, schema, kept = _looked_at(estimator, to_numpy(X), to_numpy(y), trials is not None)
    _keep(estimator, schema)
    weight = weights_of(sample_weight, X)
    weight = weight if kept is None else kept if weight is None else kept * weight
    count = None
    if trials is None:
        codes, classes = _labels(y)
    else:
        codes, two, weight = successes(y, to_numpy(trials), len(y), weight)
        classes, count = np.array(two), np.broadcast_to(np.asarray(to_numpy(trials), dtype=np.float64), (len(y),))
    away = None if offset is None else as_offset(to_numpy(offset), X.shape[0])
    if away is not None and len(classes) > 2:
        raise ValueError(f"an offset is added to the one z of two classes; y holds {len(classes)}")
    dtype = np.float32 if X.dtype == np.float32 else np.float64
    return Arrived(X, codes, classes, weight, dtype, model, schema, offset=away, trials=count)


def _labels(y: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Codes and classes, at least two."""
    encoded = _two_numbers(y) if y.dtype.kind in "biuf" else None
    if encoded is None:
        check_classification_targets(y)
        encoded = encode(y)
    if len(encoded[1]) < 2:
        raise ValueError(
            "This solver needs samples of at least 2 classes in the data, but the data contains only one class: "
            f"{encoded[1][0]!r}"
        )
    return encoded


def arrive_batch(estimator: Any, X: Any, y: Any, classes: Any, sample_weight: Any) -> Arrived:
    """A batch of a stream whose classes are told at its beginning; sets classes_ there."""
    first = first_of_stream(estimator, to_numpy(classes))
    model, X, y = X, to_numpy(X), to_numpy(y)
    X, y = validate_data(estimator, X, y, accept_sparse="csr", ensure_all_finite=False, reset=first)
    known = to_numpy(estimator.classes_)
    codes = np.searchsorted(known, y)
    strange = (codes == len(known)) | (known[np.minimum(codes, len(known) - 1)] != y)
    if strange.any():
        raise ValueError(f"y holds {y[strange][0]!r}, which is none of the classes {known.tolist()} of this stream")
    if len(known) < 2:
        raise ValueError(f"classes={known.tolist()} are fewer than two: there is nothing to tell apart")
    dtype = np.float32 if X.dtype == np.float32 else np.float64
    codes = codes.astype(np.uint8 if len(known) <= 256 else np.int64)
    _keep(estimator, None)
    return Arrived(X, codes, known, weights_of(sample_weight, X), dtype, model, part=True)


def arrive_rows(estimator: Any, X: Any) -> Any:
    """X (m, n) to predict for, checked against what was fitted; floats, dense or CSR."""
    given = estimator.__dict__
    named = "feature_names_in_" in given or "schema_" in given
    if _plain(X) and X.shape[1] == given.get("n_features_in_") and not named:
        return X
    if "schema_" in given and (is_frame(X) or not given["schema_"].plain):
        rows = framed(X, given["schema_"], ())
        validate_data(estimator, X, skip_check_array=True, reset=False)  # the names, in their order
        return rows
    return validate_data(estimator, to_numpy(X), accept_sparse="csr", ensure_all_finite=False, reset=False)


def complain(estimator: Any, X: Any, error: DataError) -> None:
    """Let scikit-learn say what is wrong with X, if it thinks so too; else raise the error that was found."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if "schema_" in estimator.__dict__ and not estimator.schema_.plain:
            raise error  # scikit-learn does not know categories
        validate_data(estimator, to_numpy(X), accept_sparse="csr", reset=False)
    raise error


def encode(y: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Codes 0 … K-1 (m,) and the classes (K,), sorted, in their own dtype.

    >>> encode(np.array(["b", "a", "b"]))
    (array([1, 0, 1], dtype=uint8), array(['a', 'b'], dtype='<U1'))
    """
    classes, codes = np.unique(y, return_inverse=True)
    return codes.astype(np.uint8 if len(classes) <= 256 else np.uint16 if len(classes) <= 65536 else np.int64), classes


def weights_of(sample_weight: Any, X: Any) -> Floats | None:
    """Row weights (m,) as float64; a number counts for every row."""
    if sample_weight is None:
        return None
    if type(sample_weight) is not np.ndarray or sample_weight.shape != (X.shape[0],):
        sample_weight = checked_weights(to_numpy(sample_weight), X)
    weight = np.asarray(sample_weight, dtype=np.float64)
    if not weight.any():
        raise ValueError("Sample weights must contain at least one non-zero number: all are 0, nothing is left to fit.")
    return weight


def with_class_weights(arrived: Arrived, class_weight: Any, kind: str = "frequency") -> Arrived:
    """The same rows, with the weights of their classes: as in scikit-learn they count in the sum that C refers to.

    kind "importance": they do not; then weights are divided by their mean over the rows, or trials, that have one.
    """
    if class_weight is not None:
        if arrived.grouped:
            raise ValueError("class_weight is for labels; rows of trials hold both classes: use sample_weight")
        spread = class_factors(arrived, class_weight)[arrived.codes]
        arrived = replace(arrived, weight=spread if arrived.weight is None else spread * arrived.weight)
    if kind == "frequency" or arrived.weight is None:
        return arrived
    weighty = arrived.weight > 0.0
    rows = np.count_nonzero(weighty) if arrived.trials is None else float(arrived.trials[weighty].sum())
    return replace(arrived, weight=arrived.weight * (rows / arrived.total_weight))


def class_factors(arrived: Arrived, class_weight: Any) -> Floats:
    """(K,) what rows of each class weigh besides; 1 for classes that have no weight to be balanced."""
    if class_weight is None:
        return np.ones(len(arrived.classes))
    y = arrived.classes[arrived.codes]
    with np.errstate(divide="ignore"):
        factors = compute_class_weight(class_weight, classes=arrived.classes, y=y, sample_weight=arrived.weight)
    found: Floats = np.asarray(factors, dtype=np.float64)
    return np.where(np.isfinite(found), found, 1.0)


def _looked_at(estimator: Any, X: Any, y: Any, numeric: bool) -> tuple[Any, NDArray[Any], Schema | None, Floats | None]:
    """X and y as scikit-learn checks them; a frame stays where it is, its columns by their schema; which rows count.

    `numeric`: y are numbers of successes.
    """
    told = _told(estimator.schema, X)
    if not is_frame(X) or not _apart(X):
        return *validate_data(estimator, X, y, accept_sparse="csr", ensure_all_finite=False), None, None
    try:
        received = receive(X, None, None, told, math.inf)
    except DataError as error:  # missing values, or what only scikit-learn's conversion understands
        try:
            numbers, y = validate_data(estimator, X, y, accept_sparse="csr", ensure_all_finite=False)
        except (ValueError, TypeError):
            raise error from None
        if numbers.dtype.kind not in "biuf" or told is not None:
            raise
        return numbers, y, None, None
    validate_data(estimator, X, skip_check_array=True)  # names and number of columns
    nothing = np.empty((received.X.shape[0], 0))
    _, y = check_X_y(nothing, y, ensure_min_features=0, y_numeric=numeric)
    return received.X, y, received.schema, received.weight


def _told(asked: Any, X: Any) -> Schema | None:
    """The schema that an estimator was given, or the words for making one: {"missing": "indicator", …}."""
    if asked is None or isinstance(asked, Schema):
        if asked is not None and not is_frame(X):
            raise ValueError(f"schema describes the columns of a frame, but X is of type {type(X).__name__}")
        return asked
    if not is_frame(X):
        raise ValueError(f"schema={asked!r} is for the columns of a frame, but X is of type {type(X).__name__}")
    return describe(X, **asked)


def _apart(X: Any) -> bool:
    """Whether the columns of a frame are dense: sparse ones of pandas become CSR in scikit-learn's hands."""
    return not any(str(each).startswith("Sparse") for each in getattr(X, "dtypes", ()))


def _keep(estimator: Any, schema: Schema | None) -> None:
    if schema is not None:
        estimator.schema_ = schema
    else:
        estimator.__dict__.pop("schema_", None)


def _plain(X: Any) -> bool:
    return type(X) is np.ndarray and X.ndim == 2 and X.dtype.kind == "f" and X.dtype.itemsize in (4, 8) and X.size > 0


def _two_numbers(y: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]] | None:
    """`encode` for two whole numbers, ten times as fast as sorting; None for anything else."""
    low, high = y.min(), y.max()
    whole = y.dtype.kind != "f" or (low == np.floor(low) and high == np.floor(high))
    if low == high or not whole:
        return None
    if y.dtype.itemsize == 1 and low == 0 and high == 1:  # they are codes already, and nothing is copied
        return y.view(np.uint8), np.array([low, high], dtype=y.dtype)
    codes = y == high
    for i in range(0, len(y), SLICE):
        part = slice(i, i + SLICE)
        if not np.all(codes[part] | (y[part] == low)):
            return None
    return codes.view(np.uint8), np.array([low, high], dtype=y.dtype)


def _set_features(estimator: Any, n: int) -> None:
    estimator.n_features_in_ = n
    with contextlib.suppress(AttributeError):
        del estimator.feature_names_in_
