"""`steepest forecast`: what a fit will cost, and why it will be made that way."""

from __future__ import annotations

import json
from dataclasses import asdict

import click

from steepest.cli.options import ForecastOptions
from steepest.cli.render import count, line
from steepest.cli.table import open_table
from steepest.data.mixed_table import terms_of_codes
from steepest.forecasting import forecast

__all__ = ["run"]


def run(asked: ForecastOptions) -> int:
    """The exit code."""
    if asked.tol >= 1.0:
        raise click.UsageError("--tol is a relative gap: less than 1")
    if asked.shape is not None and asked.file is not None:
        raise click.UsageError("--shape stands in for a file: give one of them")
    if asked.shape is None:
        table = open_table(asked)
        (m, n), terms, classes = table.X.shape, terms_of_codes(table.X), len(table.target.classes)
    else:
        (m, n), terms, classes = asked.shape, None, 2
    found = forecast(m, n, classes=classes, l2=asked.l2, tol=asked.tol, terms=terms)
    if asked.json:
        document = asdict(found) | {"regime": found.regime.name.lower(), "rows": m, "features": n}
        click.echo(json.dumps(document, ensure_ascii=False, allow_nan=False))
        return 0
    click.echo(line("table", f"{count(m, 'row')}, {count(n, 'feature')}"))
    click.echo(line("method", found.method + ("" if asked.spool is None else "; the rows are read from disk")))
    click.echo(line("because", found.why))
    click.echo(line("passes", f"about {found.passes:.0f}, reading {found.bytes_read / 1e6:,.0f} MB in all"))
    click.echo(line("seconds", f"about {found.seconds:.2g} on this machine; half or twice that is usual"))
    click.echo(line("memory", f"about {found.peak_memory / 1e6:,.1f} MB beside the table"))
    return 0
