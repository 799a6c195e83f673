"""`steepest export`: a model as a program of its own, run on the parity rows before it is handed out."""

from __future__ import annotations

import sys

import click

from steepest.cli.options import ExportOptions
from steepest.cli.screen import note
from steepest.data.whole_file import whole_bytes, whole_file
from steepest.export import check_onnx, check_python, check_sql, onnx, python, sql
from steepest.model import load

__all__ = ["run"]


def run(asked: ExportOptions) -> int:
    """The exit code; what was checked is a note."""
    if asked.to != "sql" and (asked.key or asked.table != "rows"):
        raise click.UsageError("--table and --key are for --to sql")
    if asked.to == "onnx" and (asked.out is None or asked.out == "-") and sys.stdout.isatty():
        raise click.UsageError("an ONNX file is binary: say --out FILE")
    model = load(asked.model)
    checked = "not checked, as asked"
    made: str | bytes
    if asked.to == "sql":
        made = sql(model, asked.table, asked.key)
        checked = check_sql(model) if asked.check else checked
    elif asked.to == "python":
        made = python(model)
        checked = check_python(model, made) if asked.check else checked
    else:
        made = onnx(model)
        checked = check_onnx(model, made) if asked.check else checked
    _write(made, asked.out)
    if not asked.quiet:
        note(checked)
    return 0


def _write(made: str | bytes, out: str | None) -> None:
    if out is None or out == "-":
        click.echo(made, nl=False)
    elif isinstance(made, bytes):
        with whole_bytes(out) as binary:
            binary.write(made)
    else:
        with whole_file(out) as file:
            file.write(made)
