"""`steepest fit`: read, descend, print, save."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import click
import numpy as np
from numpy.typing import NDArray

from steepest.cli.options import FitOptions
from steepest.cli.render import Outcome, as_json, as_text
from steepest.cli.screen import note, on_screen
from steepest.cli.surface import INTERRUPTED, SEPARATED
from steepest.cli.table import open_table, two_classes
from steepest.cli.watching import Fitting
from steepest.data import product
from steepest.data.files.table import FileTable
from steepest.data.spool.columns import SpoolColumn
from steepest.diagnosis import Note
from steepest.errors import DataError
from steepest.fitting import MOST_DENSE, fit
from steepest.model import Model
from steepest.options import MOST
from steepest.portable.facts import written_out
from steepest.result import Fit
from steepest.types import Status

__all__ = ["run"]

MANY = 100_000  # rows: fewer are read in no time
MOST_HASHED = 1 << 32  # bytes of a design on disk, written out, of which a fingerprint is made: some seconds
LEAST = 1e-9  # seconds that are left for a fit whose rows took all of its budget to read: it says what is proved


def run(asked: FitOptions) -> int:
    """The exit code; results go to standard output, notes and progress to standard error."""
    if asked.method == "newton" and asked.learning_rate is not None:
        raise click.UsageError("--learning-rate is for gd, momentum and nesterov; newton finds its own steps")
    if asked.tol >= 1.0:
        raise click.UsageError("--tol is a relative gap: less than 1")
    if asked.kernel == "gram" and (asked.method == "newton" or asked.standardize):
        raise click.UsageError("--kernel gram is for gd, momentum and nesterov, without --standardize")
    dense_up_to = math.inf if asked.method != "auto" else 0 if asked.l2 else MOST_DENSE
    if asked.l1 and (asked.method != "auto" or asked.learning_rate is not None):
        raise click.UsageError("--l1 is for --method auto")
    started = time.perf_counter()
    table = open_table(asked, asked.quiet, dense_up_to)
    if asked.method != "auto" or asked.learning_rate is not None or asked.iterations is not None:
        two_classes(table)
    for remark in table.remarks:
        note(remark.text)
    spent = time.perf_counter() - started
    fitted = _fitted(asked if asked.budget is None else replace(asked, budget=max(LEAST, asked.budget - spent)), table)
    right = None if _hurried(fitted, table) else _right(fitted, table)
    outcome = Outcome(table, fitted, right)
    if asked.out is not None and outcome.verdict:
        note("no model is saved")
    elif asked.out is not None:  # before anything is printed: a reader that stops listening must not cost the model
        _save(asked, table, fitted)
    if asked.json:
        click.echo(as_json(outcome))
    elif not asked.quiet:
        click.echo(as_text(outcome, chart=_drawable()))
    if outcome.verdict:
        return SEPARATED
    return INTERRUPTED if fitted.status is Status.INTERRUPTED else 0


def _hurried(fitted: Fit, table: FileTable) -> bool:
    """Whether no more reads of all rows are wanted: the time is over, and they would take some."""
    on_disk, many = isinstance(table.target.codes, SpoolColumn), len(table.target.codes) > MANY
    return (fitted.status is Status.INTERRUPTED and many) or (fitted.status is Status.BUDGET and on_disk)


def _right(fitted: Fit, table: FileTable) -> int:
    """Rows whose most probable class is their own; of rows on disk some at a time."""
    if not isinstance(table.target.codes, SpoolColumn):
        return int(np.count_nonzero(_said(fitted, table.X) == table.target.codes))
    total = 0
    for part, z in table.X.products(fitted.w):
        said = z + fitted.b > 0.0 if z.ndim == 1 else (z + fitted.b).argmax(axis=1)
        total += int(np.count_nonzero(said == table.target.codes[part]))
    return total


def _said(fitted: Fit, X: Any) -> NDArray[np.intp]:
    """The place of the most probable class for each row of the design."""
    z = product(X, fitted.w) + fitted.b
    places: NDArray[np.intp] = (z > 0.0).astype(np.intp) if z.ndim == 1 else z.argmax(axis=1)
    return places


def _fitted(asked: FitOptions, table: FileTable) -> Fit:
    """The fit, its labels as they are written in the file."""
    watcher = Fitting(asked.iterations or MOST, asked.tol) if on_screen(err=True) and not asked.quiet else None
    try:
        on_disk = isinstance(table.target.codes, SpoolColumn)
        whole: Any = table
        made = fit(
            whole if on_disk else table.X,
            table.target.codes,
            method="gd" if asked.method == "auto" and asked.learning_rate is not None else asked.method,
            tol=asked.tol,
            learning_rate=asked.learning_rate or "safe",
            iterations=asked.iterations,
            tolerance=asked.tolerance,
            gradient_tolerance=asked.gradient_tolerance,
            budget=asked.budget,
            l2=asked.l2,
            l1=asked.l1,
            sample_weight=None if on_disk else table.weights,
            standardize=asked.standardize,
            callback=watcher,
            on_note=_say(watcher),
            feature_names=table.names,
            kernel=asked.kernel,
            threads=asked.threads,
        )
    except DataError as error:
        raise DataError(f"{table.shown}: {error}") from None
    finally:
        if watcher is not None:
            watcher.close()
    since = () if on_disk else tuple(Note(*remark) for remark in table.changes())  # of rows on disk the fit says it
    for each in since:
        note(each.text)
    if asked.spool is not None and on_disk and made.status in (Status.BUDGET, Status.INTERRUPTED):
        note(f"{asked.spool}: what was read and computed is kept there, the same command with --resume goes on from it")
    notes = (*(Note(*remark) for remark in table.remarks), *made.notes, *since)
    return replace(made, classes=table.target.classes, schema=table.schema, notes=notes)


def _save(asked: FitOptions, table: FileTable, fitted: Fit) -> None:
    """The model with what is known of its rows, and a word about which they were."""
    assert asked.out is not None
    if isinstance(table.target.codes, SpoolColumn) or _hurried(fitted, table):
        model = Model.of(fitted, target=table.target.name, source=table.shown, weights=asked.weights)
        model = model.knowing(table.ranges, table.target.counts)
        m, n = table.X.shape
        little = 8 * m * n <= MOST_HASHED and not _hurried(fitted, table)
        if little:  # the same as of these rows in memory: a hash of the design written out
            facts = written_out(table.X, table.target.codes, table.weights, len(table.target.classes))
            model = replace(model, provenance=replace(model.provenance, sha256=facts.sha256, form=facts.form))
        model.save(asked.out)
        if not (little or asked.quiet):
            note(f"{asked.out}: the rows were not read again for it, so it has no fingerprint of them")
        return
    labels = np.array(table.target.classes, dtype=object)[table.target.codes]
    model = Model.of(
        fitted, table.X, labels, table.weights, target=table.target.name, source=table.shown, weights=asked.weights
    )
    model.save(asked.out)
    if not asked.quiet:
        counts, fingerprint = table.target.counts, (model.provenance.sha256 or "")[:16]
        each = f"{counts[1]:,} of them positive" if len(counts) == 2 else f"of {len(counts)} classes"
        note(f"{asked.out} is of {len(labels):,} rows, {each}, fingerprint {fingerprint}")


def _say(watcher: Fitting | None) -> Callable[[Note], Any]:
    def say(noticed: Note) -> None:
        if watcher is not None:
            watcher.close()  # it starts anew below the note
        note(noticed.text)

    return say


def _drawable() -> bool:
    """Whether the letters of the chart can be written to standard output."""
    try:
        "⣿┤".encode(sys.stdout.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True
