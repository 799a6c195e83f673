"""`steepest show`: what a model file says, for a person or as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import click
import numpy as np

from steepest.cli.options import ShowOptions
from steepest.cli.render import aligned, certificate_as_json, count, line
from steepest.cli.screen import width
from steepest.data.quoting import quoted, safe
from steepest.data.schema import Column
from steepest.model import Model, load
from steepest.teach.wording import columns as cells
from steepest.teach.wording import shorten

__all__ = ["run"]

MOST_WEIGHTS = 60  # lines; --json has all
MOST_CLASSES = 5  # of which the weights are shown side by side


def run(asked: ShowOptions) -> int:
    """The exit code."""
    model = load(asked.model)
    click.echo(_as_json(model) if asked.json else "\n\n".join([_what(model), _proved(model), _weights(model)]))
    return 0


def _what(model: Model) -> str:
    rows, made, ending = model.provenance, model.made, model.ending
    labels = [quoted(str(label)) for label in model.classes]
    names = f"{quoted(model.target)}: " if model.target is not None else ""
    if len(labels) == 2:
        said = f"{names}{labels[1]} is positive, {labels[0]} negative"
    else:
        said = f"{names}{', '.join(labels[:8])}{', …' if len(labels) > 8 else ''}"
    seen = count(rows.rows, "row") if rows.rows is not None else "rows unknown"
    if rows.counts is not None:
        seen += f" ({', '.join(f'{label} {n:,}' for label, n in zip(labels[:8], rows.counts, strict=False))})"
    where = f"{safe(rows.file, 60)}: " if rows.file is not None else ""
    lines = [
        line("model", f"steepest {safe(made.version)}" + (f", {safe(made.date)}" if made.date else "")),
        line("target", said),
        line("minimised", model.minimised.formula(len(model.classes))),
        line("fitted to", f"{where}{seen}" + (f", weighted by {quoted(rows.weights)}" if rows.weights else "")),
    ]
    if rows.sha256 is not None:
        lines.append(line("rows", f"sha256 {rows.sha256} ({rows.form})"))
    rate = "" if ending.learning_rate is None else f", α = {ending.learning_rate:.6g}"
    steps = count(ending.iterations, "step")
    lines.append(line("ended", f"{safe(ending.method)}{rate}, after {steps}: {safe(ending.status)}"))
    lines.append(
        line(
            "J",
            f"{ending.cost:.9g}"
            + (f", {ending.value:.9g} with the penalty" if model.minimised.l2 or model.minimised.l1 else ""),
        )
    )
    return "\n".join(lines)


def _proved(model: Model) -> str:
    lines = [line("proved", model.certificate.sentence)]
    if model.certificate.exists == "proved":
        lines.append(line("", "a finite optimum exists"))
    if model.verifiable_gap is not None:
        again = f"one read of the rows proves {100.0 * model.verifiable_gap:.2g} % again: steepest verify"
        lines.append(line("", again))
    if model.reach is not None:
        lines.append(line("", "bounds of the optimum's own probability for any row: steepest predict --certified"))
    return "\n".join(lines)


def _weights(model: Model) -> str:
    """Column by column, levels below their column; the largest only if there are many."""
    shown = min(len(model.classes), MOST_CLASSES) if model.w.ndim == 2 else 1
    table = np.vstack([model.w.reshape(len(model.w), -1), np.atleast_1d(model.b)])[:, :shown]
    names = [safe(name) for name in (*model.feature_names, "b")]
    kept = _largest(table)
    numbers = [aligned([float(value) for value in column]) for column in table[kept].T]
    widths = [max(map(len, column)) for column in numbers]
    room = max(16, width() - sum(widths) - 2 * shown - 30)
    texts = [shorten(names[j], room) for j in kept]
    widest = max(cells(text) for text in texts)
    lines = ["weights"]
    if shown > 1:
        heads = [shorten(safe(str(label)), w).rjust(w) for label, w in zip(model.classes, widths, strict=False)]
        more = f"  … {len(model.classes)} classes" if len(model.classes) > shown else ""
        lines.append(f"  {' ' * widest}  {'  '.join(heads)}{more}")
    notes = list(_remarks(model))
    for i, j in enumerate(kept):
        values = "  ".join(column[i].ljust(w) for column, w in zip(numbers, widths, strict=True))
        lines.append(f"  {texts[i]}{' ' * (widest - cells(texts[i]))}  {values}  {notes[j]}".rstrip())
    if len(kept) <= len(model.w):
        lines.insert(-1, f"  … the {len(kept) - 1} largest of {len(model.w):,}; all are in --json")
    return "\n".join(lines)


def _largest(table: np.ndarray) -> list[int]:
    """Rows to show, in their order: the largest weights, and b, which is the last."""
    n = len(table) - 1
    if n <= MOST_WEIGHTS:
        return list(range(n + 1))
    return [*sorted(np.argsort(-np.abs(table[:-1]).max(axis=1), kind="stable")[:MOST_WEIGHTS].tolist()), n]


def _remarks(model: Model) -> Iterator[str]:
    """Beside each weight: the range of a number, the reference of a category, what stands for missing values."""
    ranges = model.provenance.ranges or (None,) * len(model.schema.columns)
    for column, limits in zip(model.schema.columns, ranges, strict=True):
        for place, _ in enumerate(column.names):
            yield _remark(column, limits) if place == 0 else ""
    yield ""


def _remark(column: Column, limits: tuple[float, float] | None) -> str:
    if column.kind == "category":
        reference = "every level has one" if column.reference is None else f"reference {quoted(column.reference)}"
        return f"{reference}; unseen: {column.unseen}"
    parts = [f"{limits[0]:.6g} … {limits[1]:.6g}"] if limits is not None else []
    parts += [f"missing: {column.fill:.6g}"] if column.fill is not None else []
    return "; ".join(parts)


def _as_json(model: Model) -> str:
    document: dict[str, Any] = {
        "classes": list(model.classes),
        "target": model.target,
        "intercept": model.b if isinstance(model.b, float) else model.b.tolist(),
        "coefficients": dict(zip(model.feature_names, model.w.tolist(), strict=True)),
        "objective": model.minimised.formula(len(model.classes)),
        "l2": model.minimised.l2,
        "l1": model.minimised.l1,
        "standardize": model.minimised.standardize,
        "cost": model.ending.cost,
        "value": model.ending.value,
        "method": model.ending.method,
        "status": model.ending.status,
        "iterations": model.ending.iterations,
        "certificate": certificate_as_json(model.certificate, model.feature_names),
        "verifiable_gap": model.verifiable_gap,
        "file": model.provenance.file,
        "rows": model.provenance.rows,
        "counts": model.provenance.counts,
        "sha256": model.provenance.sha256,
        "ranges": model.provenance.ranges
        and {column.name: each for column, each in zip(model.schema.columns, model.provenance.ranges, strict=True)},
        "schema": model.schema.to_dict(),
        "version": model.made.version,
        "date": model.made.date,
    }
    return json.dumps(document, ensure_ascii=False, allow_nan=False)
