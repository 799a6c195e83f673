"""What saving a model learns from the rows: their ranges and fingerprint, and what anyone can prove again from them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from steepest.data import as_rows, as_weights, is_frame, receive
from steepest.data.arrays import is_paths, is_sparse
from steepest.data.classes import places_of
from steepest.data.fingerprint import Facts, Form, Reading
from steepest.data.guards import Range
from steepest.data.row_blocks import rows_together
from steepest.data.schema import Schema
from steepest.data.targets import of_classes
from steepest.engines import MemoryEngine
from steepest.engines.sparse import as_csr
from steepest.errors import DataError
from steepest.portable.parts import Minimised, Provenance
from steepest.portable.recheck import Recheck, recheck
from steepest.proof.problem import Problem
from steepest.scaling import moments_of
from steepest.types import Block, Floats

__all__ = ["Learnt", "Rows", "learn", "provenance_of", "rows_of", "written_out"]


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """X (m, n) dense, in columns that lie apart, or CSR; places of the labels among the classes; weights or None."""

    X: Any
    codes: NDArray[np.intp]
    weight: Floats | None


@dataclass(frozen=True, slots=True, eq=False)
class Learnt:
    """What the rows say: where they came from, the objective with all its numbers, what can be proved again."""

    provenance: Provenance
    minimised: Minimised
    recheck: Recheck | None


def rows_of(
    given: tuple[Any, Any, Any],
    schema: Schema | None,
    classes: Sequence[Any],
    class_weights: tuple[float, ...] | None = None,
) -> Rows:
    """The rows of a fit as it saw them, from (X, y, sample_weight); DataError for a label that is no class."""
    described = is_frame(given[0]) or is_paths(given[0])  # anything else is the design itself
    received = receive(*given, schema if described else None, math.inf)
    rows = as_csr(received.X) if is_sparse(received.X) else as_rows(received.X)
    m = rows.shape[0]
    labels = received.y if received.classes is None else np.array(received.classes, dtype=object)[received.y]
    codes, weight = places_of(labels, classes, m), as_weights(received.weight, m)
    return Rows(rows, codes, weight if class_weights is None else of_classes(class_weights, codes, weight))


def written_out(X: Any, codes: Any, weight: Any, classes: int) -> Facts:
    """The facts by one read of a design that is written out a block at a time: columns may lie on disk."""
    reading = Reading(X.shape[1], classes, "dense")
    for _ in reading.through(_blocks(Rows(X, codes, weight))):
        pass
    return reading.facts


@np.errstate(over="ignore", under="ignore", invalid="ignore")
def learn(rows: Rows, schema: Schema, minimised: Minimised, w: Floats, b: Any) -> Learnt:
    """All that can be known of the rows: one read for ranges and fingerprint, and of dense ones three more.

    Raises DataError if the rows have another number of columns than there are weights.
    """
    n = rows.X.shape[1]
    if n != len(w):
        raise DataError(f"X has {n} columns, but the fit has {len(w)} weights: give the rows that it was fitted to")
    form: Form = "sparse" if is_sparse(rows.X) else "dense"
    classes = 2 if w.ndim == 1 else w.shape[1]
    reading = Reading(n, classes, form)
    for _ in reading.through(_blocks(rows)):
        pass
    if form == "sparse":
        return Learnt(provenance_of(reading.facts, schema), minimised, None)
    engine = MemoryEngine(rows.X, rows.codes.astype(np.uint8 if classes <= 256 else np.uint16), rows.weight)
    with engine.quiet_blas():
        if minimised.standardize and minimised.l2 > 0.0:
            moments = engine.sum(moments_of)
            factors = 1.0 if minimised.factors is None else minimised.factors
            strengths = minimised.l2 * factors * (moments.square / moments.weight)
            minimised = replace(minimised, strengths=strengths)
        frame = Problem.of(engine, 0.0, minimised.intercept).frame
        checked = recheck(engine, minimised, frame, w, b)
    return Learnt(replace(provenance_of(reading.facts, schema), frame=frame), minimised, checked)


def provenance_of(facts: Facts, schema: Schema) -> Provenance:
    """The facts by the columns of the schema."""
    ranges: list[Range] = []
    start = 0
    for column in schema.columns:
        low, high = float(facts.low[start]), float(facts.high[start])
        ranges.append((low, high) if column.kind == "number" and low <= high else None)
        start += len(column.names)
    return Provenance(rows=facts.rows, counts=facts.counts, sha256=facts.sha256, form=facts.form, ranges=tuple(ranges))


def _blocks(rows: Rows) -> Iterator[Block]:
    m, n = rows.X.shape
    step = rows_together(1 if is_sparse(rows.X) else n)
    for start in range(0, m, step):
        part = slice(start, min(start + step, m))
        X: Any = rows.X[part]
        X = X if is_sparse(X) else np.asarray(X, dtype=np.float64)
        weight = None if rows.weight is None else rows.weight[part]
        yield Block(X, rows.codes[part].astype(np.float64), weight, start)
