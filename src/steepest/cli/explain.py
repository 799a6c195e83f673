"""`steepest explain`: one example's graph in the terminal, from a row of a table or from values given."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import click
import numpy as np

from steepest.cli.options import ExplainOptions
from steepest.cli.screen import note
from steepest.cli.table import open_table, two_classes
from steepest.data.quoting import quoted, safe
from steepest.data.whole_file import whole_file
from steepest.errors import DataError
from steepest.model import Model, load
from steepest.teach.graph import Graph, graph
from steepest.teach.wording import number, shorten

__all__ = ["run"]

MOST_PARAMETERS = 20


def run(asked: ExplainOptions) -> int:
    """The exit code."""
    _check(asked)
    made = _graph(asked)
    after = _stepped(made, asked.learning_rate)
    if asked.svg is not None:
        with whole_file(asked.svg) as file:
            file.write(made.to_svg())
    if asked.json:
        document = made.to_dict()
        if after is not None:
            document |= {"learning_rate": asked.learning_rate, "after": after.to_dict()}
        click.echo(json.dumps(document, ensure_ascii=False, allow_nan=False))
        return 0
    if asked.step_by_step:
        _walk(made)
    else:
        click.echo(str(made))
    if after is not None:
        click.echo(_update(made, after))
    if asked.svg is not None:
        note(f"the drawing is in {asked.svg}")
    return 0


def _check(asked: ExplainOptions) -> None:
    """Refuse options that contradict each other."""
    if asked.x is None and asked.y is not None:
        raise click.UsageError("--y is the label of the example given by --x; for a row of a table, the table knows it")
    if asked.x is not None and (asked.file is not None or asked.row is not None or asked.target is not None):
        raise click.UsageError("give either values (--x, --y) or a row of a table (FILE, --target, --row), not both")
    if asked.x is not None and (asked.columns or asked.drop):
        raise click.UsageError("--columns and --drop are about a table, not about --x")
    if asked.x is not None and asked.y is None:
        raise click.UsageError("--y is needed with --x: the label of this example, 0 or 1")
    if asked.model is not None and (asked.w is not None or asked.b is not None or asked.columns or asked.drop):
        raise click.UsageError("w, b and the columns come from --model; leave out --w, --b, --columns and --drop")


def _graph(asked: ExplainOptions) -> Graph:
    model = load(asked.model) if asked.model is not None else None
    if model is not None and (len(model.classes) > 2 or not model.schema.plain):
        raise DataError(f"{quoted(str(asked.model))}: the graph is that of two classes and columns of numbers only")
    if asked.x is not None and asked.y is not None:
        x, y, names = asked.x, asked.y, None if model is None else model.feature_names
    else:
        x, y, names = _row(asked, model)
    w: Sequence[float] = model.w.tolist() if model is not None else asked.w or [0.0] * len(x)
    b = model.b if model is not None else asked.b or 0.0
    if len(w) != len(x):
        source = f"{asked.model} has" if model is not None else "--w gives"
        raise click.UsageError(f"the example has {len(x)} features, but {source} {len(w)} weights")
    try:
        return graph(x, y, w, b, names=names)
    except ValueError as error:
        raise DataError(str(error)) from None


def _row(asked: ExplainOptions, model: Model | None) -> tuple[tuple[float, ...], float, tuple[str, ...]]:
    """Features, label and names of a row of the table."""
    target = asked.target
    if model is not None and asked.file is not None and target is None:
        target = model.target
    table = open_table(_Source(asked.file, target, _columns(asked, model), asked.drop))
    two_classes(table)
    row, m = asked.row or 1, len(table.target.codes)
    if row > m:
        raise DataError(f"{table.shown} has {m} rows, --row {row} is beyond the last")
    value = int(table.target.codes[row - 1])
    label = table.target.classes[value]
    if model is not None:
        known = [str(each) for each in model.classes]
        if label not in known:
            raise DataError(f"the model tells {quoted(known[0])} from {quoted(known[1])}, row {row} is {quoted(label)}")
        value = known.index(label)
    if not asked.json:
        note(f"row {row} of {table.shown}: {table.target.name} is {safe(label)}, y = {value}")
    return tuple(np.asarray(table.X[row - 1 : row])[0].tolist()), float(value), table.names


class _Source:
    """What `open_table` wants to know."""

    def __init__(
        self, file: str | None, target: str | None, columns: tuple[tuple[str, ...], ...], drop: tuple[str, ...]
    ) -> None:
        self.file, self.target, self.columns, self.drop = file, target, columns, drop


def _columns(asked: ExplainOptions, model: Model | None) -> tuple[tuple[str, ...], ...]:
    return asked.columns if model is None else (model.feature_names,)


def _stepped(made: Graph, learning_rate: float | None) -> Graph | None:
    if learning_rate is None:
        return None
    try:
        return made.step(learning_rate)
    except ValueError as error:
        raise DataError(str(error)) from None


def _walk(made: Graph) -> None:
    for step in made.walk():
        click.echo(f"\n{step.name}: {step.formula}")
        click.echo(f"    {step.numbers}")
        click.echo(f"    >>> {step.code}")
        if step.derivative is not None:
            check = step.derivative
            agrees = "agrees" if check.agrees else "differs"
            click.echo(f"    finite difference {number(check.finite_difference)}: {agrees}")
    for sentence in made.breaks:
        click.echo(f"\n{sentence}")


def _update(before: Graph, after: Graph) -> str:
    """One update, parameter by parameter, and what it does to L."""
    old, new = before.values, after.values
    rows: list[tuple[str, Any, Any]] = [(f"w{j}", old[f"w{j}"], new[f"w{j}"]) for j in before.features]
    more = len(rows) - MOST_PARAMETERS
    rows = [*rows[:MOST_PARAMETERS], ("b", before.b, after.b)]
    lines = [f"  {name:<5} {number(a, 6):>12} → {number(b, 6):>12}" for name, a, b in rows]
    if more > 0:
        lines.insert(-1, f"  … {more:,} more")
    lines.append(f"  {'L':<5} {number(old['L'], 6):>12} → {number(new['L'], 6):>12}")
    return "\n".join(["", shorten("one update: w := w − α dw, b := b − α db", 80), *lines])
