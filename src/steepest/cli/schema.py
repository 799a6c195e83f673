"""`steepest schema`: what the columns of a table are, as JSON to look at, edit and give to `steepest fit --schema`."""

from __future__ import annotations

import json

import click

from steepest.cli.options import SchemaOptions
from steepest.cli.screen import note
from steepest.cli.table import chosen_of
from steepest.data.files import open_source
from steepest.data.files.table import infer_schema
from steepest.data.quoting import safe

__all__ = ["run"]


def run(asked: SchemaOptions) -> int:
    """The exit code; remarks go to standard error."""
    chosen, tokens = chosen_of(asked, asked.target)
    source = open_source(asked.file, missing=tokens)
    for each in source.notes:
        note(each)
    found = infer_schema(source, chosen)
    for remark in found.remarks:
        note(remark.text)
    if asked.text:
        click.echo(str(found))
    else:
        click.echo(json.dumps(found.to_dict(), ensure_ascii=False, allow_nan=False, indent=1))
    if not asked.text and found.target is None:
        note(f"no --target is named: every column of {safe(source.shown)} is a feature")
    return 0
