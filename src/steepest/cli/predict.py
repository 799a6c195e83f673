"""`steepest predict`: rows in, one line of CSV out for each, some thousand at a time."""

from __future__ import annotations

import csv
import sys
from typing import TextIO

from steepest.cli.options import PredictOptions
from steepest.cli.screen import note
from steepest.data.quoting import cell, quoted
from steepest.data.table import read_rows
from steepest.data.whole_file import whole_file
from steepest.errors import DataError
from steepest.model import Model, load

__all__ = ["run"]


def run(asked: PredictOptions) -> int:
    """The exit code. Probabilities are the shortest decimals that give the same doubles back."""
    model = load(asked.model)
    if asked.out is not None and asked.out != "-":
        with whole_file(asked.out) as file:
            rows = _write(model, asked.file, file)
    else:
        rows = _write(model, asked.file, sys.stdout)
    if not asked.quiet:
        target = f" of {quoted(model.target)}" if model.target is not None else ""
        many = "1 row" if rows == 1 else f"{rows:,} rows"
        note(f"{many}; probability is that of {quoted(str(model.classes[1]))}, the positive class{target}")
    return 0


def _write(model: Model, file: str, out: TextIO) -> int:
    """Write header and rows to `out`; how many rows."""
    lines = csv.writer(out, lineterminator="\n")
    labels = [cell(str(label)) for label in model.classes]
    row = 0
    for X in read_rows(file, model.feature_names):
        if not row:
            lines.writerow(("row", "probability", "predicted"))
        z = model.decision_function(X)
        for probability, positive in zip(model.predict_proba(X).tolist(), (z > 0.0).tolist(), strict=True):
            row += 1
            lines.writerow((row, repr(probability), labels[positive]))
    if not row:
        raise DataError(f"{quoted(file)} has a header, but no rows: there is nothing to predict")
    return row
