"""`steepest agree`: the agreement table, printed; exit code 1 if a bound does not hold."""

from __future__ import annotations

import json
import textwrap

import click
import numpy as np

from steepest.agreement import agreement_table
from steepest.cli.options import AgreeOptions
from steepest.cli.render import count
from steepest.cli.screen import width
from steepest.cli.surface import FAILED, complain
from steepest.cli.table import open_table, two_classes

__all__ = ["run"]


def run(asked: AgreeOptions) -> int:
    """The exit code."""
    table = open_table(asked)
    two_classes(table)
    found = agreement_table(np.asarray(table.X), table.target.y, seed=asked.seed)
    if asked.json:
        rows = [
            {"what": each.what, "value": each.value, "unit": each.unit, "bound": each.bound, "holds": bool(each.holds)}
            for each in found
        ]
        click.echo(json.dumps({"agreement": rows, "holds": all(each.holds for each in found)}, allow_nan=False))
    else:
        head = f"{table.shown}: {count(len(table.target.y), 'row')}, {count(len(table.names), 'feature')}"
        click.echo(f"{head}\n")
        for each in found:
            click.echo(textwrap.fill(each.what, width()))
            verdict = "holds" if each.holds else "FAILS"
            click.echo(f"    {verdict}: differ by {each.value:.3g}, allowed are {each.bound:.3g} {each.unit}")
    broken = sum(not each.holds for each in found)
    if broken:
        complain(f"bounds that fail: {broken} of {len(found)}; this is a bug in steepest, please report it")
    return FAILED if broken else 0
