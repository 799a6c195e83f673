"""The command line: options only. What a command does is in the module of its name, loaded when it runs.

So `steepest --help` answers at once: neither NumPy nor anything that draws is loaded for it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from steepest import __version__
from steepest.cli.lazily import command
from steepest.cli.options import (
    AgreeOptions,
    ExplainOptions,
    ExportOptions,
    FitOptions,
    ForecastOptions,
    PredictOptions,
    SchemaOptions,
    ShowOptions,
    VerifyOptions,
)
from steepest.cli.reading import BYTES, NAMES, NOT_NEGATIVE, NUMBER, NUMBERS, POSITIVE, RATE, SECONDS, SHAPE
from steepest.cli.surface import Surface

__all__ = ["main"]


def _data(function: Callable[..., Any]) -> Callable[..., Any]:
    """FILE and --target, alike in all commands that read a table."""
    target = click.option("--target", metavar="NAME", help="Column with the labels.  [bundled data: sex]")
    return click.argument("file", required=False)(target(function))


def _schema_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """What columns are and what is done about them, alike for fit and schema."""
    for option in reversed((
        click.option("--missing", metavar="[NAME=]POLICY", multiple=True, help="Missing values: error, indicator, "
                     "category, drop; for all columns or one.  [error]"),
        click.option("--unseen", metavar="[NAME=]POLICY", multiple=True, help="Levels that only new rows have: error, "
                     "reference, missing, rare.  [error]"),
        click.option("--rare", metavar="[NAME=]ROWS", multiple=True, help="Levels of fewer rows count as one; below 1, "
                     "a share of the rows.  [0]"),
        click.option("--reference", metavar="NAME=LEVEL", multiple=True, help="The level that the others are compared "
                     "with.  [the first]"),
        click.option("--category", metavar="NAME", multiple=True, help="Numbers that are levels; can be repeated."),
        click.option("--na", type=NAMES, metavar="A,B,…", multiple=True, help="Texts that mean a missing value.  "
                     "[empty NA N/A null nan ? -]"),
    )):  # fmt: skip
        function = option(function)
    return function


@click.group(cls=Surface, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 80})
@click.version_option(__version__, prog_name="steepest", message="%(prog)s %(version)s")
def main() -> None:
    """Logistic regression by gradient descent: exactly right, open to look at.

    Try `steepest fit` first: it needs no file, a table of penguins is built in.
    """


@main.command(short_help="Minimise the cost J on a table.")
@_data
@click.option(
    "--method",
    type=click.Choice(["auto", "gd", "momentum", "nesterov", "newton"]),
    default="auto",
    help="auto: the proved optimum, or gd where an option of descent is given.  [auto]",
)
@click.option("--tol", type=POSITIVE, metavar="NUMBER", default=1e-9, help="Relative gap that auto proves.  [1e-9]")
@click.option("--learning-rate", type=RATE, metavar="NUMBER|safe", help="Step size α; safe = 1/L.  [safe]")
@click.option("--iterations", type=click.IntRange(min=0), metavar="N", help="Updates at most.  [1000]")
@click.option(
    "--tolerance",
    type=NOT_NEGATIVE,
    metavar="NUMBER",
    default=0.0,
    help="Stop when an update moves the weights no more.",
)
@click.option(
    "--gradient-tolerance",
    type=NOT_NEGATIVE,
    metavar="NUMBER",
    default=0.0,
    help="Stop when the gradient is that small.",
)
@click.option("--budget", type=SECONDS, metavar="TIME", help="Stop after this time: 30s, 2m, 1.5h.")
@click.option("--l2", type=NOT_NEGATIVE, metavar="NUMBER", default=0.0, help="Penalty ½ l2 |w|², never on b.  [0]")
@click.option("--l1", type=NOT_NEGATIVE, metavar="NUMBER", default=0.0, help="Lasso: + l1 |w|₁.  [0]")
@click.option("--standardize", is_flag=True, help="Descend on standardised columns; the penalty refers to them.")
@click.option("--positive", metavar="LABEL", help="The positive class.  [the later label in sorted order]")
@click.option(
    "--columns", type=NAMES, metavar="A,B,…", multiple=True, help="The features.  [all columns but the target]"
)
@click.option("--drop", metavar="NAME", multiple=True, help="Leave this column out; can be repeated.")
@click.option("--weights", metavar="NAME", help="Column of row weights >= 0.")
@click.option("--schema", metavar="FILE", help="What the columns are, from `steepest schema`.")
@_schema_options
@click.option("--kernel", type=click.Choice(["auto", "loop", "vectorised", "gram"]), default="auto", show_default=True)
@click.option(
    "--threads", type=click.IntRange(min=1), metavar="N", help="Threads: the same bits for any number.  [all]"
)
@click.option(
    "--spool",
    metavar="DIR",
    help="Decode the rows to this folder and read them from there: for files "
    "larger than memory. A fit that was killed goes on from what it holds.",
)
@click.option("--disk", type=BYTES, metavar="SIZE", help="Bytes that the spool may take.  [what is free]")
@click.option("--memory", type=BYTES, metavar="SIZE", help="With --spool: memory to stay below, such as 2GB.")
@click.option(
    "--resume",
    is_flag=True,
    help="With --spool: go on with what a run that ended early left there, or "
    "refuse; without it that is used, too, if it is there.",
)
@click.option("--json", is_flag=True, help="Print one JSON object instead.")
@click.option("--out", metavar="FILE", help="Save the model, for `steepest predict`.")
@click.option("--quiet", is_flag=True, help="Print errors and notes only.")
def fit(**given: Any) -> int:
    """Minimise the cost J on the table FILE.

    FILE is CSV with a header (plain, gzip or zstd), Parquet, a folder of them, or - for standard input. Texts are
    categories.

    \b
    Examples:
      steepest fit data.csv --target y
      steepest fit data.parquet --target y --missing indicator --l2 0.01
      steepest fit folder/ --target y --rare 50 --unseen rare --out model.json
      steepest fit huge.parquet --target y --spool /big/disk --memory 2GB
      steepest schema data.csv --target y > schema.json
      steepest fit data.csv --target y --schema schema.json

    Exit codes: 0 good, 1 data or run error, 2 usage, 3 no finite optimum exists, 130 interrupted.
    """  # noqa: D301  (click wants the character itself)
    return command("fit", FitOptions(**given))


@main.command(short_help="Say what the columns of a table are, as JSON.")
@click.argument("file")
@click.option("--target", metavar="NAME", help="Column with the labels, which is no feature.")
@click.option(
    "--columns", type=NAMES, metavar="A,B,…", multiple=True, help="The features.  [all columns but the target]"
)
@click.option("--drop", metavar="NAME", multiple=True, help="Leave this column out; can be repeated.")
@click.option("--weights", metavar="NAME", help="Column of row weights, which is no feature.")
@_schema_options
@click.option("--text", is_flag=True, help="For a person to read, instead of JSON.")
def schema(**given: Any) -> int:
    """Say what the columns of FILE are: numbers, categories with their levels, what is done about missing values.

    The JSON can be edited, and given to `steepest fit --schema`. Every row is read.

    \b
    Examples:
      steepest schema data.csv --target y --text
      steepest schema data.csv --target y --missing age=indicator > schema.json
    """  # noqa: D301
    return command("schema", SchemaOptions(**given))


@main.command(short_help="Show one example's graph, forward and backward.")
@_data
@click.option("--row", type=click.IntRange(min=1), help="Which row of the data, from 1.  [1]")
@click.option("--x", type=NUMBERS, metavar="X1,X2,…", help="The features of the example, instead of a row.")
@click.option("--y", type=click.FloatRange(0.0, 1.0), help="Its label, with --x.")
@click.option("--w", type=NUMBERS, metavar="W1,W2,…", help="The weights.  [0]")
@click.option("--b", type=NUMBER, help="The intercept.  [0]")
@click.option("--model", metavar="MODEL", help="Take w and b from this model file.")
@click.option(
    "--columns", type=NAMES, metavar="A,B,…", multiple=True, help="The features.  [all columns but the target]"
)
@click.option("--drop", metavar="NAME", multiple=True, help="Leave this column out; can be repeated.")
@click.option("--learning-rate", type=POSITIVE, metavar="NUMBER", help="Show one update of w and b with it.")
@click.option("--step-by-step", is_flag=True, help="One step after the other, each with its line of code.")
@click.option("--svg", metavar="FILE", help="Save the drawing as SVG.")
@click.option("--json", is_flag=True, help="Print the graph as one JSON object instead.")
def explain(**given: Any) -> int:
    """Show the computation graph of one example, forward and backward."""
    return command("explain", ExplainOptions(**given))


@main.command(short_help="Predict every row of a table with a saved model.")
@click.argument("model")
@click.argument("file")
@click.option("--certified", is_flag=True, help="Add the bounds of the exact optimum's probability.")
@click.option("--lenient", is_flag=True, help="Leave predictions empty that the model refuses.")
@click.option("--out", metavar="FILE", help="Write the CSV there.  [standard output]")
@click.option("--quiet", is_flag=True, help="Print errors only.")
def predict(**given: Any) -> int:
    """Predict every row of FILE (CSV, Parquet, a folder; - reads standard input) with MODEL, as CSV.

    \b
    Examples:
      steepest predict model.json new.parquet > predictions.csv
      cat new.csv | steepest predict model.json - --lenient

    The columns: row, probability, predicted label, and the guard rails: how many values of the row are unseen
    levels, missing, or outside the range that the model was fitted to.
    """  # noqa: D301
    return command("predict", PredictOptions(**given))


@main.command(short_help="Check a model against its rows, without fitting.")
@click.argument("model")
@click.argument("file")
@click.option("--target", metavar="NAME", help="Column with the labels.  [as in the model]")
@click.option("--weights", metavar="NAME", help="Column of row weights.  [as in the model]")
@click.option("--json", is_flag=True, help="Print one JSON object instead.")
def verify(**given: Any) -> int:
    """Check that MODEL is what it says it is, by one read of its rows in FILE.

    Objective, certificate, fingerprint and parity rows are computed again. Exit codes: 0 all hold, 1 something differs.
    """
    return command("verify", VerifyOptions(**given))


@main.command(short_help="Print what a model file says.")
@click.argument("model")
@click.option("--json", is_flag=True, help="Print one JSON object instead.")
def show(**given: Any) -> int:
    """Print what MODEL says: the objective with its numbers, the coefficients, what is proved, which rows it saw."""
    return command("show", ShowOptions(**given))


@main.command(short_help="Write a model as SQL, Python or ONNX.")
@click.argument("model")
@click.option("--to", type=click.Choice(["sql", "python", "onnx"]), required=True, help="Which language.")
@click.option("--table", metavar="NAME", default="rows", show_default=True, help="SQL: the table to read.")
@click.option("--key", metavar="NAME", multiple=True, help="SQL: a column to carry along; can be repeated.")
@click.option("--check/--no-check", default=True, help="Run it on the parity rows first.  [--check]")
@click.option("--out", metavar="FILE", help="Write it there.  [standard output]")
@click.option("--quiet", is_flag=True, help="Print errors only.")
def export(**given: Any) -> int:
    """Write MODEL as a program of its own: one SELECT, a Python file without dependencies, or an ONNX graph.

    All of them have the guard rails of `steepest predict`, and are run on the model's parity rows before they are
    handed out.
    """
    return command("export", ExportOptions(**given))


@main.command(short_help="Show that all ways to compute agree.")
@_data
@click.option(
    "--columns", type=NAMES, metavar="A,B,…", multiple=True, help="The features.  [all columns but the target]"
)
@click.option("--drop", metavar="NAME", multiple=True, help="Leave this column out; can be repeated.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Of the weights compared at.")
@click.option("--json", is_flag=True, help="Print one JSON object instead.")
def agree(**given: Any) -> int:
    """Compute the same thing in every way there is, and show the largest differences."""
    return command("agree", AgreeOptions(**given))


@main.command(short_help="Say what a fit will cost, before it is made.")
@_data
@click.option("--shape", type=SHAPE, metavar="MxN", help="M rows of N features, instead of a file.")
@click.option(
    "--columns", type=NAMES, metavar="A,B,…", multiple=True, help="The features.  [all columns but the target]"
)
@click.option("--drop", metavar="NAME", multiple=True, help="Leave this column out; can be repeated.")
@_schema_options
@click.option("--spool", metavar="DIR", help="Decode the rows to this folder; the fit will find them there.")
@click.option("--l2", type=NOT_NEGATIVE, metavar="NUMBER", default=0.0, help="Penalty ½ l2 |w|².  [0]")
@click.option("--tol", type=POSITIVE, metavar="NUMBER", default=1e-9, help="Relative gap to prove.  [1e-9]")
@click.option("--json", is_flag=True, help="Print one JSON object instead.")
def forecast(**given: Any) -> int:
    """Forecast method, passes, seconds and memory of a fit of FILE, or of a table of a given shape."""
    return command("forecast", ForecastOptions(**given))
