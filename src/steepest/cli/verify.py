"""`steepest verify`: what a model says, computed again from its rows; exit code 1 if something differs."""

from __future__ import annotations

import json

import click

from steepest.cli.options import VerifyOptions
from steepest.cli.render import line
from steepest.cli.surface import FAILED
from steepest.data.quoting import safe
from steepest.errors import DataError
from steepest.model import load
from steepest.verification import verify

__all__ = ["run"]


def run(asked: VerifyOptions) -> int:
    """The exit code."""
    model = load(asked.model)
    try:
        found = verify(model, asked.file, asked.target, asked.weights)
    except DataError as error:
        raise DataError(f"{safe(asked.model)} on {safe(asked.file)}: {error}") from None
    if asked.json:
        document = {
            "holds": found.holds,
            "rows": found.rows,
            "reads": found.reads,
            "findings": [{"what": each.what, "holds": each.holds, "text": each.text} for each in found.findings],
        }
        click.echo(json.dumps(document, ensure_ascii=False, allow_nan=False))
        return 0 if found.holds else FAILED
    for each in found.findings:
        verdict = {True: "holds", False: "DIFFERS", None: "unchecked"}[each.holds]
        click.echo(line(verdict, f"{each.what}: {each.text}"))
    return 0 if found.holds else FAILED
