"""Is a model what it says it is? One read of its rows answers, without fitting anything.

    parity        its own made-up rows come out as they are in the file (`load` has checked that, too)
    rows          number of rows, rows of each class and fingerprint are those of the fit
    objective     mean loss plus penalty at (w, b), computed again, is the number in the file
    optimum       the relative gap that one read proves, is what it was when the model was saved

A finding holds, differs, or cannot be checked, because the file does not say what it would be compared with.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import TypeVar

import numpy as np

from steepest.data.classes import place_of_text
from steepest.data.fingerprint import Facts, Form, Reading
from steepest.data.guards import Guarded, guard
from steepest.data.model_rows import model_rows
from steepest.data.quoting import quoted
from steepest.data.row_blocks import Coded, RowBlock
from steepest.data.targets import of_classes
from steepest.engines.memory import ONE_BLAS_THREAD
from steepest.engines.reduction import tree_sum
from steepest.errors import DataError
from steepest.model import Model
from steepest.portable.parity import difference
from steepest.portable.recheck import Recheck, recheck
from steepest.scaling import Scaling
from steepest.types import Addable, Block, Floats

__all__ = ["Finding", "Verification", "verify"]

A = TypeVar("A", bound=Addable)
AGREEMENT = 1e-11  # of the objective, beside the proved bound on its rounding here: for that of the fit
SLACK = 1.1  # of a gap: bounds on rounding depend on how rows are cut into blocks
LEAST_GAP = 1e-14  # gaps are compared down to here: below, they are rounding themselves


@dataclass(frozen=True, slots=True)
class Finding:
    """What was compared, whether it holds (None: it could not be checked), and with which values."""

    what: str
    holds: bool | None
    text: str


@dataclass(frozen=True, slots=True)
class Verification:
    """The findings, the rows read, and how often."""

    findings: tuple[Finding, ...]
    rows: int
    reads: int

    @property
    def holds(self) -> bool:
        """Whether nothing differs."""
        return all(finding.holds is not False for finding in self.findings)


def verify(
    model: Model, path: str | os.PathLike[str], target: str | None = None, weights: str | None = None
) -> Verification:
    """The findings about a model on the rows of a file ("-": standard input), which are read once; of K classes more.

    `target` and `weights` name the columns of labels and row weights; those of the model if they are not given. Memory
    does not grow with the file. Raises DataError for a file that cannot be read, and for labels that are no class.
    """
    target, weights = target or model.target, weights or model.provenance.weights
    if target is None:
        raise DataError("the model does not know its target: say which column holds the labels")
    source = _Source(model, path, target, weights)
    with ONE_BLAS_THREAD:  # blocks are small: threads for each of them take 20 times as long
        again = recheck(source, model.minimised, source.frame, model.w, model.b)
        if (
            again is None
        ):  # the penalty refers to deviations that the file does not hold: the rows are read all the same
            source.sum(lambda block: 0.0)
    facts = source.facts
    findings = (_parity(model), *_rows(model, facts), _objective(model, again), _optimum(model, again))
    return Verification(findings, facts.rows, source.reads)


def _parity(model: Model) -> Finding:
    if not model.parity.rows:
        return Finding("parity", None, "the model has no parity rows")
    problem = difference(model.parity, model.scorer)
    return Finding("parity", not problem, problem or f"{len(model.parity.rows)} made-up rows come out as in the file")


def _rows(model: Model, facts: Facts) -> Iterator[Finding]:
    known = model.provenance
    if known.rows is None:
        yield Finding("rows", None, f"{facts.rows:,} rows; the model does not say how many it was fitted to")
    else:
        same = facts.rows == known.rows and known.counts in (None, facts.counts)
        each = ", ".join(
            f"{quoted(str(label))} {rows:,}" for label, rows in zip(model.classes[:8], facts.counts, strict=False)
        )
        before = "" if same else f"; the model was fitted to {known.rows:,}, {known.counts}"
        yield Finding("rows", same, f"{facts.rows:,} rows ({each}){before}")
    if known.sha256 is None:
        yield Finding("fingerprint", None, f"{facts.sha256[:16]}; the model was saved without its rows")
    else:
        same = facts.sha256 == known.sha256
        before = "" if same else f"; of the rows that it was fitted to {known.sha256[:16]}"
        yield Finding("fingerprint", same, f"{facts.sha256[:16]}{before}")


def _objective(model: Model, again: Recheck | None) -> Finding:
    stored = model.ending.value
    if again is None:
        text = f"{stored!r} in the file; its penalty refers to deviations that the file does not hold"
        return Finding("objective", None, text)
    same = abs(again.value - stored) <= again.error + AGREEMENT * abs(stored)
    return Finding(
        "objective", same, f"{stored!r} in the file, {again.value!r} here (rounding at most {again.error:.1g})"
    )


def _optimum(model: Model, again: Recheck | None) -> Finding:
    claimed = model.certificate.gap
    said = f"at most {100.0 * claimed:.2g} % above the optimum" if np.isfinite(claimed) else "nothing is claimed"
    if again is None or again.gap is None:
        holds = None if model.verifiable_gap is None else False
        return Finding("optimum", holds, f"{said}; one read proves nothing {_why(model)}")
    text = f"{said}; proved here: {100.0 * again.gap:.2g} %"
    if model.verifiable_gap is not None:
        return Finding("optimum", again.gap <= model.verifiable_gap * SLACK + LEAST_GAP, text)
    # Saved without its rows: what one read proves may be weaker than what the fit proved, and is then no contradiction.
    return Finding("optimum", True if again.gap <= claimed * SLACK + LEAST_GAP else None, text)


def _why(model: Model) -> str:
    if not model.minimised.smooth:
        return "where the penalty has corners or w has bounds"
    return "so far from the optimum, or of so many columns"


class _Source:
    """The rows of a file as an engine: blocks in the design of the model, looked at on their first way through."""

    def __init__(self, model: Model, path: str | os.PathLike[str], target: str, weights: str | None) -> None:
        self.model, self.path, self.target, self.weights = model, path, target, weights
        self.n, self.reads = len(model.w), 0
        form: Form = "sparse" if model.provenance.form == "sparse" else "dense"
        self.reading = Reading(self.n, len(model.classes), form)
        self.frame = model.provenance.frame or Scaling(np.zeros(self.n), np.ones(self.n))
        self.m, self.total_weight = 0, 0.0  # not known before the end; nobody here asks

    @property
    def facts(self) -> Facts:
        """Of the rows read."""
        return self.reading.facts

    def sum(self, of_block: Callable[[Block], A]) -> A:
        """`of_block` over all rows, one block after the other."""
        if self.reads and os.fspath(self.path) == "-":
            raise DataError("a model of K classes takes four reads, and standard input can be read once: give a file")
        blocks = self._blocks() if self.reads else self.reading.through(self._blocks())
        self.reads += 1
        return tree_sum(map(of_block, blocks))

    def _blocks(self) -> Iterator[Block]:
        known = {self.target: [str(label) for label in self.model.classes]}
        blocks = model_rows(self.path, self.model.schema, known, self.weights)
        first = next(blocks, None)
        if first is None:
            raise DataError(f"{quoted(os.fspath(self.path))} has a header, but no rows: there is nothing to verify")
        for block in chain([first], blocks):
            guarded = guard(self.model.schema, None, block)
            y = _labels(self.model, block, self.target)
            weight = self._weight(block, guarded)
            if self.model.minimised.class_weights is not None:
                weight = of_classes(self.model.minimised.class_weights, y.astype(np.intp), weight)
            yield Block(np.asarray(guarded.X), y, weight, block.start)

    def _weight(self, block: RowBlock, guarded: Guarded) -> Floats | None:
        """Row weights; 0 where the fit dropped the row, and None as long as there are none of either kind."""
        given: Floats | None = None
        if self.weights is not None:
            column = block.columns[self.weights]
            assert not isinstance(column, Coded)  # read as numbers
            given = column
            if not (np.isfinite(given) & (given >= 0.0)).all():
                row = int(np.argmin(np.isfinite(given) & (given >= 0.0)))
                raise DataError(
                    f"{block.place(row)}: the weight {given[row]} in column {quoted(self.weights)} is not >= 0"
                )
        drops = [column.name for column in self.model.schema.columns if column.missing == "drop"]
        dropped = _dropped(block, drops)
        refusal = guarded.refusal(but=dropped)
        if refusal is not None:
            raise DataError(f"{block.place(refusal.row)}: {refusal.why}")
        if not drops:
            return given
        kept = (~dropped).astype(np.float64)
        return kept if given is None else given * kept


def _dropped(block: RowBlock, names: list[str]) -> np.ndarray:
    """(m,) whether the fit would have left the row out: one of these columns is missing."""
    dropped = np.zeros(block.m, dtype=bool)
    for name in names:
        found = block.columns[name]
        dropped |= found.codes < 0 if isinstance(found, Coded) else np.isnan(found)
    return dropped


def _labels(model: Model, block: RowBlock, target: str) -> Floats:
    found = block.columns[target]
    assert isinstance(found, Coded)  # read as text
    if (found.codes < 0).any():
        raise DataError(f"{block.place(int(np.argmax(found.codes < 0)))}: the target {quoted(target)} is missing")
    try:
        places = np.array([place_of_text(level, model.classes) for level in found.levels], dtype=np.float64)
    except DataError as error:
        raise DataError(f"column {quoted(target)}: {error}") from None
    return np.asarray(places[found.codes])
