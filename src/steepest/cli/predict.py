"""`steepest predict`: rows in, one line of CSV out for each, some thousand at a time, whatever the size of the file."""

from __future__ import annotations

import csv
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, TextIO

import numpy as np

from steepest.cli.options import PredictOptions
from steepest.cli.screen import note
from steepest.data.model_rows import model_rows
from steepest.data.quoting import cell, quoted
from steepest.data.row_blocks import RowBlock
from steepest.data.whole_file import whole_file
from steepest.errors import DataError
from steepest.model import Model, load
from steepest.portable.predicting import Predictions

__all__ = ["run"]

WORDS = {
    "unseen": "a level that the model does not have",
    "missing": "a missing value",
    "out_of_range": "a number outside the range of the fit",
    "refused": "no prediction",
}


def run(asked: PredictOptions) -> int:
    """The exit code. Probabilities are the shortest decimals that give the same doubles back."""
    model = load(asked.model)
    if asked.certified and model.reach is None:
        raise DataError(
            f"{quoted(asked.model)} does not say how far the optimum may be: --certified needs a model of two classes, "
            "near its optimum, that was saved together with its rows, as `steepest fit --out` does"
        )
    if asked.out is not None and asked.out != "-":
        with whole_file(asked.out) as file:
            seen = _write(model, asked, file)
    else:
        seen = _write(model, asked, sys.stdout)
    if not asked.quiet:
        _report(model, seen)
    return 0


def _write(model: Model, asked: PredictOptions, out: TextIO) -> Counter[str]:
    """Write header and rows to `out`; how many rows, and of how many each of `WORDS` is true."""
    lines = csv.writer(out, lineterminator="\n")
    seen: Counter[str] = Counter()
    for block in model_rows(asked.file, model.schema):
        said = model.predictions(block)
        if said.refusal is not None and not asked.lenient:
            raise _refused(block, said.refusal.row, said.refusal.why)
        if not seen["rows"]:
            lines.writerow(_header(model, asked.certified))
        lines.writerows(_rows(model, block, said, asked.certified))
        seen["rows"] += block.m
        for word, counts in (("unseen", said.unseen), ("missing", said.missing), ("out_of_range", said.out_of_range)):
            seen[word] += 0 if counts is None else int(np.count_nonzero(counts))
        seen["refused"] += int(said.refused.sum())
    if not seen["rows"]:
        raise DataError(f"{quoted(asked.file)} has a header, but no rows: there is nothing to predict")
    return seen


def _refused(block: RowBlock, row: int, why: str) -> DataError:
    return DataError(f"{block.place(row)}: {why}, or say --lenient to leave such predictions empty")


def _header(model: Model, certified: bool) -> list[str]:
    each = [f"probability[{cell(str(label))}]" for label in model.classes] if len(model.classes) > 2 else []
    interval = ["certified_low", "certified_high"] if certified else []
    return ["row", "probability", "predicted", *each, "unseen", "missing", "out_of_range", *interval]


def _rows(model: Model, block: RowBlock, said: Predictions, certified: bool) -> Iterator[Sequence[Any]]:
    """One line for each row: probability of the positive class, or of the predicted one of K."""
    labels = [*(cell(str(label)) for label in model.classes), ""]  # refused rows have the place -1: the last one
    each = said.probability.tolist() if said.probability.ndim == 2 else None
    if each is None:
        probability = said.probability.tolist()
    else:
        probability = said.probability[np.arange(block.m), np.maximum(said.which, 0)].tolist()
    outside: list[Any] = [""] * block.m if said.out_of_range is None else said.out_of_range.tolist()
    low, high = said.certified_low, said.certified_high
    which, unseen, missing = said.which.tolist(), said.unseen.tolist(), said.missing.tolist()
    for i in range(block.m):
        line = [block.start + i + 1, _number(probability[i]), labels[which[i]]]
        if each is not None:
            line += map(_number, each[i])
        line += [unseen[i], missing[i], outside[i]]
        if certified and low is not None and high is not None:
            line += [_number(float(low[i])), _number(float(high[i]))]
        yield line


def _number(value: float) -> str:
    return repr(value) if value == value else ""  # NaN: refused


def _report(model: Model, seen: Counter[str]) -> None:
    target = f" of {quoted(model.target)}" if model.target is not None else ""
    many = "1 row" if seen["rows"] == 1 else f"{seen['rows']:,} rows"
    if len(model.classes) == 2:
        whose = f"that of {quoted(str(model.classes[1]))}, the positive class{target}"
    else:
        whose = f"that of the label predicted{target}"
    note(f"{many}; probability is {whose}")
    for word, what in WORDS.items():
        if seen[word]:
            note(f"{seen[word]:,} of {many} have {what}")
    if model.provenance.ranges is None:
        note("the model does not know the ranges of its columns: out_of_range is empty")
