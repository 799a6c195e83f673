"""What a fit leaves behind: a schema, weights, what was minimised and how well, as one file of readable JSON.

The file is text, never code: loading runs nothing. It holds the sha256 of itself and is read strictly: one changed
byte, an unknown version or a number that is not finite is refused. Numbers are the shortest decimals that give the same
doubles back, so a model that was saved and loaded predicts the same bits. It also holds made-up rows with their
predictions, which `load` computes again. The format is described in docs/model-file.md.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from steepest import __version__, formulas
from steepest.data import as_rows, framed, is_frame, product
from steepest.data.guards import Range
from steepest.data.model_fields import FORMAT, VERSION, schema_of, schema_written
from steepest.data.model_file import LARGEST, parse, render
from steepest.data.quoting import safe
from steepest.data.row_blocks import RowBlock, block_of_array
from steepest.data.schema import Column, Schema
from steepest.data.whole_file import whole_file
from steepest.errors import DataError
from steepest.portable.document import parts_of, plain, read_only, written
from steepest.portable.facts import learn, rows_of
from steepest.portable.frame_block import block_of_frame
from steepest.portable.parity import difference, make_parity
from steepest.portable.parts import Ending, Made, Minimised, Parity, Provenance, Reach
from steepest.portable.predicting import Predictions, Scorer, predict
from steepest.portable.terms import Term, terms_of
from steepest.proof.certificate import Certificate
from steepest.result import Fit
from steepest.softmax_formulas import softmax
from steepest.types import Floats

__all__ = ["Model", "load", "read"]

NOTHING = Certificate(float("inf"), 1.0, float("inf"), "unknown")


@dataclass(frozen=True, slots=True, eq=False)
class Model:
    """A fitted model, ready to predict, to be saved, verified and exported.

    schema              the columns of the rows: numbers, and categories with their levels and policies
    classes             (negative, positive) label as written, or all K of them
    w (n,), b           weights and intercept, in the units of the columns; of K classes (n, K) and (K,)
    minimised           the objective with its numbers
    ending              how the fit went: method, iterations, status, cost, value
    certificate         what was proved of it, as in `Fit`
    verifiable_gap      the relative gap that one read of the same rows proves (`steepest verify`), or None
    provenance          what is known of the rows: file, number, fingerprint, ranges
    reach               how far the optimum's z may be from ours, for any row; None where that is not known
    parity              made-up rows with their predictions
    made                by which version, and when
    """

    schema: Schema
    classes: tuple[Any, ...]
    w: Floats
    b: Any
    minimised: Minimised
    ending: Ending
    certificate: Certificate = NOTHING
    verifiable_gap: float | None = None
    provenance: Provenance = field(default_factory=Provenance)
    reach: Reach | None = None
    parity: Parity = field(default_factory=Parity)
    made: Made = field(default_factory=lambda: Made(__version__))

    @classmethod
    def of(
        cls,
        fit: Fit,
        X: Any = None,
        y: Any = None,
        sample_weight: Any = None,
        *,
        target: str | None = None,
        source: str | None = None,
        weights: str | None = None,
    ) -> Model:
        """The model of a fit. With the rows it was fitted to (X, y, sample_weight, as `steepest.fit` takes them) it
        knows their ranges and fingerprint, and what `steepest verify` can prove again; that takes four reads of them.

        `target`, `source` and `weights` are the names of the target, of the file, and of the column of row weights.
        Raises DataError for rows that are not those of the fit: other columns, labels or loss.

        >>> import steepest
        >>> X, y = [[1.0], [2.0], [3.0], [4.0]], ["fail", "pass", "fail", "pass"]
        >>> model = Model.of(steepest.fit(X, y), X, y, target="result")
        >>> model.provenance.ranges, model.predictions([[2.5], [9.0]]).out_of_range
        (((1.0, 4.0),), array([0, 1]))
        """
        schema = fit.schema or Schema(tuple(Column(name, "number") for name in fit.feature_names))
        named = target or schema.target or (y if isinstance(y, str) else None)
        beyond = fit.penalties
        minimised = Minimised(
            float(fit.l2), float(beyond.l1), beyond.factors, beyond.lower, beyond.upper, fit.intercept, fit.standardize,
            fit.class_weights,
        )  # fmt: skip
        ending = Ending(
            fit.method, fit.learning_rate, fit.iterations, fit.status.key, float(fit.cost), float(fit.value), fit.passes
        )
        b = float(fit.b) if fit.w.ndim == 1 else read_only(fit.b)
        made = Made(__version__, datetime.now(UTC).isoformat(timespec="seconds"))
        model = cls(
            replace(schema, target=named), fit.classes, read_only(fit.w), b, minimised, ending, fit.certificate,
            provenance=Provenance(source, weights, schema.rows or None), made=made,
        )  # fmt: skip
        if (X is None) != (y is None):
            raise DataError("X and y are the rows of the fit together: give both, or none")
        if X is not None:
            model = model._with_facts(fit, X, y, sample_weight)
        return replace(model, parity=make_parity(model.scorer))

    def knowing(self, ranges: tuple[Range, ...] | None, counts: tuple[int, ...]) -> Model:
        """The same model with what is known of its rows without a read: ranges by column of the schema, rows per class.

        >>> import steepest
        >>> model = Model.of(steepest.fit([[1.0], [2.0], [3.0], [4.0]], [0, 1, 0, 1])).knowing(((1.0, 4.0),), (2, 2))
        >>> model.predictions([[2.5], [9.0]]).out_of_range
        array([0, 1])
        """
        provenance = replace(self.provenance, rows=sum(counts), counts=counts, ranges=ranges)
        model = replace(self, provenance=provenance)
        return replace(model, parity=make_parity(model.scorer))

    def _with_facts(self, fit: Fit, X: Any, y: Any, sample_weight: Any) -> Model:
        rows = rows_of((X, y, sample_weight), fit.schema, self.classes, fit.class_weights)
        learnt = learn(rows, self.schema, self.minimised, self.w, self.b)
        found = learnt.recheck
        if found is not None and not abs(found.value - self.ending.value) <= found.error + 1e-9 * abs(found.value):
            raise DataError(
                f"these rows give the objective {found.value:.12g}, the fit says {self.ending.value:.12g}: give the "
                "rows, labels and weights that it was fitted to; a fit with trials or an offset, and a calibrated one, "
                "is saved without its rows"
            )
        provenance = replace(learnt.provenance, file=self.provenance.file, weights=self.provenance.weights)
        return replace(
            self, minimised=learnt.minimised, provenance=provenance,
            verifiable_gap=None if found is None else found.gap, reach=None if found is None else found.reach,
        )  # fmt: skip

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Names of the n columns of the design."""
        return self.schema.names

    @property
    def target(self) -> str | None:
        """Name of the target, or None."""
        return self.schema.target

    @property
    def scorer(self) -> Scorer:
        """What predicts."""
        provenance = self.provenance
        return Scorer(self.schema, self.w, self.b, provenance.ranges, provenance.frame, self.reach)

    @property
    def intercepts(self) -> tuple[float, ...]:
        """b as a tuple of 1 or K numbers."""
        return tuple(float(each) for each in np.atleast_1d(self.b))

    @property
    def terms(self) -> tuple[Term, ...]:
        """What each column adds to z."""
        return terms_of(self.schema, self.w, self.provenance.ranges)

    def decision_function(self, X: ArrayLike) -> Floats:
        """z = X w + b for each row of X, an array (m, n) or a frame; (m,), or (m, K) for K classes.

        Raises DataError for another number of columns, and for what the policies of the schema refuse.
        """
        rows = as_rows(framed(X, self.schema, self.feature_names))
        if rows.shape[1] != len(self.w):
            raise DataError(f"X has {rows.shape[1]} columns, but the model has {len(self.w)} weights")
        z = product(rows, self.w)
        z += self.b
        return z

    def predict_proba(self, X: ArrayLike) -> Floats:
        """P(positive class) for each row of X, (m,): sigmoid(X w + b); of K classes (m, K), softmax."""
        z = self.decision_function(X)
        return np.asarray(formulas.sigmoid(z) if z.ndim == 1 else softmax(z))

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """The most probable label for each row of X; a probability of exactly ½ goes to the negative class."""
        z = self.decision_function(X)
        chosen: NDArray[Any] = np.asarray(self.classes)[(z > 0.0).astype(int) if z.ndim == 1 else z.argmax(axis=1)]
        return chosen

    def predictions(self, X: Any) -> Predictions:
        """Probability, label, guard rails and certified interval of each row of X; refused rows have NaN.

        X is a frame, an array if all columns are numbers (NaN: missing), or a `RowBlock`.
        """
        if isinstance(X, RowBlock):
            return predict(self.scorer, X)
        if is_frame(X):
            return predict(self.scorer, block_of_frame(X, self.schema))
        rows = np.asarray(X, dtype=np.float64)
        columns = [column.name for column in self.schema.columns]
        if rows.ndim != 2 or rows.shape[1] != len(columns):
            raise DataError(f"X has shape {rows.shape}, but the model has {len(columns)} columns")
        return predict(self.scorer, block_of_array(rows, columns))

    def save(self, path: str | os.PathLike[str], largest: int = LARGEST) -> None:
        """Write the model as JSON; the file is replaced whole or not at all.

        Raises DataError if it cannot be written, if it takes more than `largest` bytes, or if the labels are neither
        text nor numbers nor booleans.
        """
        text = render(self._document())
        if len(text.encode()) > largest:
            raise DataError(
                f"{safe(os.fspath(path))}: the model takes {len(text.encode()):,} bytes, more than the {largest:,} "
                "allowed; save and load it with a larger limit (largest=)"
            )
        with whole_file(path) as file:
            file.write(text)

    def _document(self) -> dict[str, Any]:
        parity = self.parity
        return {
            "format": FORMAT,
            "format_version": VERSION,
            "made": {"steepest": self.made.version, "date": self.made.date},
            "classes": list(self.classes),
            "features": list(self.feature_names),
            "w": plain(self.w),
            "b": self.b if isinstance(self.b, float) else self.b.tolist(),
            "schema": schema_written(self.schema),
            **written(self.minimised, self.ending, self.certificate, self.verifiable_gap, self.provenance),
            "reach": self.reach and {"weights": plain(self.reach.weights), "intercept": self.reach.intercept},
            "parity": {
                "rows": [list(row) for row in parity.rows],
                "z": [list(row) for row in parity.z],
                "probability": [list(row) for row in parity.probability],
                "missing": list(parity.missing),
                "unseen": list(parity.unseen),
                "out_of_range": list(parity.out_of_range),
            },
        }


def load(path: str | os.PathLike[str], largest: int = LARGEST) -> Model:
    """The model that `Model.save` wrote, of at most `largest` bytes (16 MB); its parity rows are computed again.

    Raises DataError, in one sentence, for anything else: no such file, not JSON, a version this release does not know,
    missing or wrong fields, a number that is not finite, a file that was changed since it was saved, or one whose
    parity rows come out otherwise here.
    """
    shown = safe(os.fspath(path))
    try:
        with Path(path).open("rb") as file:
            raw = file.read(largest + 1)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise DataError(f"{shown} cannot be read ({reason})") from None
    try:
        return read(raw, largest)
    except DataError as error:
        raise DataError(f"{shown}: {error}") from None


def read(raw: bytes, largest: int = LARGEST) -> Model:
    """The model in the bytes of a model file; as `load`."""
    model = _model(parse(raw, largest))
    problem = difference(model.parity, model.scorer)
    if problem:
        raise DataError(f"{problem}: this release does not compute what the one that saved it did")
    return model


def _model(document: dict[str, Any]) -> Model:
    made, minimised, ending, certificate, verifiable, provenance, reach, parity = parts_of(document)
    b = document["b"]
    schema = schema_of(document)
    return Model(
        schema, tuple(document["classes"]), read_only(document["w"]), b if isinstance(b, float) else read_only(b),
        minimised, ending, certificate, verifiable, provenance, reach, parity, made,
    )  # fmt: skip
