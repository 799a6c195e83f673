"""What `steepest fit` prints, as text of at most 80 columns: what was read, what was minimised, what came of it."""

from __future__ import annotations

import json
import math
import textwrap
from dataclasses import dataclass
from typing import Any

import numpy as np

from steepest import __version__
from steepest.cli.lazily import module
from steepest.cli.screen import coloured, width
from steepest.data.files.table import FileTable
from steepest.data.mixed_table import terms_of_codes
from steepest.data.quoting import safe
from steepest.data.spool.columns import SpoolColumn
from steepest.optimum.regime import BY_COORDINATES, choose
from steepest.proof.certificate import Certificate
from steepest.result import Fit
from steepest.teach.wording import columns, shorten
from steepest.types import Floats

__all__ = ["Outcome", "aligned", "as_json", "as_text", "certificate_as_json", "count", "line"]

MOST_WEIGHTS = 30  # more do not fit on a screen; --json and --out hold all
MOST_WITNESSES = 8  # columns of a separating plane that are spelled out
FEW_STEPS = 8  # costs that are told as numbers: of so few a chart shows less, and plotext takes 0.2 s to load
MARGIN = 10
GLUE = "\N{NO-BREAK SPACE}"


@dataclass(frozen=True, slots=True)
class Outcome:
    """A fit with the table it is of; `right` rows are on their side of probability ½, None if nobody counted."""

    table: FileTable
    fit: Fit
    right: int | None

    @property
    def m(self) -> int:
        """Rows."""
        return len(self.table.target.codes)

    @property
    def verdict(self) -> str:
        """Why there are no numbers to print; empty if there are. Descent is returned as it is, whatever it leads to."""
        proved = self.fit.certificate.exists == "disproved" and self.fit.method in ("auto", "newton")
        return "no finite optimum exists: the classes are separated" if proved else ""

    @property
    def before(self) -> float:
        """J at the start."""
        return float(self.fit.history[0]) if len(self.fit.history) else self.fit.cost


def as_json(outcome: Outcome) -> str:
    """One JSON object; coefficients by name, the history whole."""
    fit, target = outcome.fit, outcome.table.target
    numbers = [None] * len(fit.w) if outcome.verdict else fit.w.tolist()
    b = fit.b if isinstance(fit.b, float) else np.asarray(fit.b).tolist()
    document = {
        "intercept": None if outcome.verdict else b,
        "coefficients": dict(zip(fit.feature_names, numbers, strict=True)),
        "cost": fit.cost,
        "certificate": certificate_as_json(fit.certificate, fit.feature_names),
        "iterations": fit.iterations,
        "status": fit.status.key,
        "history": fit.history.tolist(),
        "value": fit.value,
        "method": fit.method,
        "learning_rate": fit.learning_rate,
        "l2": fit.l2,
        "l1": fit.penalties.l1,
        "standardize": fit.standardize,
        "target": target.name,
        "classes": list(fit.classes),
        "counts": list(target.counts),
        "rows": outcome.m,
        "accuracy": None if outcome.right is None else outcome.right / outcome.m,
        "schema": outcome.table.schema.to_dict(),
        "notes": [{"kind": note.kind, "text": note.text} for note in fit.notes],
        "passes": fit.passes,
        "seconds": fit.seconds,
        "version": __version__,
    }
    return json.dumps(document, ensure_ascii=False, allow_nan=False)


def certificate_as_json(certificate: Certificate, names: tuple[str, ...]) -> dict[str, Any]:
    """The certificate's own names; null where nothing is proved."""
    witness = certificate.witness
    return {
        "gap": _finite(certificate.gap),
        "max_probability_error": certificate.max_probability_error,
        "max_coefficient_error": _finite(certificate.max_coefficient_error),
        "exists": certificate.exists,
        "witness": witness
        and {
            "kind": witness.kind,
            "w": dict(zip(names, witness.w.tolist(), strict=True)),
            "b": witness.b,
            "separated": witness.separated,
            "rows": [row + 1 for row in witness.rows],
            "columns": [names[j] for j in witness.columns],
        },
    }


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def as_text(outcome: Outcome, *, chart: bool) -> str:
    """The report for a person; the chart only where its letters can be printed."""
    if outcome.verdict:
        return "\n\n".join([_what(outcome), _separation(outcome)])
    parts = [_what(outcome), _descent(outcome), _weights(outcome.fit)]
    if outcome.right is not None:
        parts.append(_accuracy(outcome, outcome.right))
    costs = np.append(outcome.fit.history, outcome.fit.cost)
    if 1 < len(costs) <= FEW_STEPS:
        parts.append(line("by step", "J  " + "  ".join(f"{cost:.6g}" for cost in costs)))
    elif chart and len(costs) > 1:
        parts.append(_chart(costs))
    return "\n\n".join(parts)


def count(number: int, thing: str) -> str:
    """`1 row`, `2 rows`, `12,288 rows`."""
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


def line(head: str, text: str) -> str:
    """A paragraph with its head in the margin; lines do not end at `GLUE`."""
    filled = textwrap.fill(
        text, width(), initial_indent=head.ljust(MARGIN), subsequent_indent=" " * MARGIN, break_on_hyphens=False
    )
    return filled.replace(GLUE, " ")


def _what(outcome: Outcome) -> str:
    table, fit, target = outcome.table, outcome.fit, outcome.table.target
    weighted = ", weighted" if table.weights is not None else ""
    labels, counts = [_label(each) for each in target.classes], target.counts
    if len(labels) == 2:
        said = f"{labels[1]} is positive ({counts[1]:,}), {labels[0]} negative ({counts[0]:,})"
    else:
        some = ", ".join(f"{label} {many:,}" for label, many in zip(labels[:8], counts, strict=False))
        said = f"{len(labels)} classes: {some}{', …' if len(labels) > 8 else ''}"
    mean = "weighted mean" if table.weights is not None else "mean"
    loss, a = ("−(y log a + (1 − y) log(1 − a)),", "a = σ(wᵀx + b)")
    if len(labels) > 2:
        loss, a = "−log a of the row's class,", "a = softmax(Wᵀx + b)"
    objective = f"J = {mean} of {loss.replace(' ', GLUE)} {a.replace(' ', GLUE)}"
    if fit.l2:
        scale = "standardised columns" if fit.standardize else "the columns as they are"
        penalty = f"½ · {fit.l2:g} · |w|²".replace(" ", GLUE)
        objective += f", plus {penalty} on {scale}, b not penalised"
    if fit.penalties.l1:
        objective += f", plus {f'{fit.penalties.l1:g} · |w|₁'.replace(' ', GLUE)}"
    if fit.method == "auto":
        terms = terms_of_codes(table.X) if fit.penalties.smooth else None
        smooth = choose(outcome.m, len(table.names), None, len(labels), fit.l2, terms).regime.value
        method = f"auto: {smooth if fit.penalties.smooth else BY_COORDINATES}"
    else:
        method = fit.method if fit.learning_rate is None else f"{fit.method}, α = {fit.learning_rate:.6g}"
    if fit.standardize:
        method += ", on standardised columns"
    if isinstance(target.codes, SpoolColumn):
        method += "; the rows are read from disk, a block at a time"
    return "\n".join(
        [
            line("read", f"{table.shown}: {count(outcome.m, 'row')}{weighted}, {count(len(table.names), 'feature')}"),
            line("target", f"{_name(target.name)}: {said}"),
            line("minimise", objective),
            line("method", method),
        ]
    )


def _descent(outcome: Outcome) -> str:
    fit = outcome.fit
    seconds = f"{fit.seconds:.2g} s" if fit.seconds < 10 else f"{fit.seconds:,.0f} s"
    lines = [
        line("J before", f"{outcome.before:.6f}" if _plain(outcome.before) else f"{outcome.before:.6g}"),
        line("J after", f"{fit.cost:.6f}" if _plain(fit.cost) else f"{fit.cost:.6g}"),
    ]
    if fit.l2 or fit.penalties.l1:
        lines.append(line("", f"{fit.value:.6g} with the penalty"))
    lines.append(line("ended", f"after {count(fit.iterations, 'step')} in {seconds}: {fit.status.value}"))
    lines.append(line("proved", f"{fit.certificate.sentence}"))
    return "\n".join(lines)


def _separation(outcome: Outcome) -> str:
    """The verdict, its witness, and the cures by name."""
    witness, fit = outcome.fit.certificate.witness, outcome.fit
    assert witness is not None  # what disproves existence
    names = ", ".join(_name(fit.feature_names[j]) for j in witness.columns[:MOST_WITNESSES])
    more = f" and {len(witness.columns) - MOST_WITNESSES:,} more" if len(witness.columns) > MOST_WITNESSES else ""
    terms = " ".join(f"{witness.w[j]:+.6g}·{_name(fit.feature_names[j])}" for j in witness.columns[:MOST_WITNESSES])
    rest = " + …" if more else f" {witness.b:+.6g}"
    complete = witness.kind == "complete"
    others = "" if complete else f"; the other {outcome.m - witness.separated:,} rows lie on it"
    return "\n".join(
        [
            line("verdict", f"{outcome.verdict}. The weights grow for ever, and no table of them would mean anything"),
            line("witness", f"{terms}{rest} is {'> 0' if complete else '>= 0'} on every positive row and "
                  f"{'< 0' if complete else '<= 0'} on every negative one (checked in exact arithmetic)"),
            line("rows", f"{witness.separated:,} of {outcome.m:,} are strictly on their side of that plane{others}"),
            line("columns", f"{names}{more}"),
            line("cures", "a penalty: --l2 0.001 (or more); or leave out the columns named, if they give the answer "
                  "away; or more rows"),
        ]
    )  # fmt: skip


def _plain(value: float) -> bool:
    return 1e-4 <= value < 1e6


def _weights(fit: Fit) -> str:
    """Names and weights in two columns, decimal points below each other; the largest only if there are many."""
    if fit.w.ndim == 2:
        return _table_of_weights(fit)
    order = np.arange(len(fit.w))
    if len(order) > MOST_WEIGHTS:
        order = np.sort(np.argsort(-np.abs(fit.w), kind="stable")[:MOST_WEIGHTS])
    numbers = aligned([*(float(fit.w[j]) for j in order), fit.b])
    room = width() - max(len(number) for number in numbers) - 4
    names = [shorten(_name(fit.feature_names[j]), room) for j in order] + ["b"]
    widest = max(columns(name) for name in names)
    lines = [
        f"  {name}{' ' * (widest - columns(name))}  {number}".rstrip()
        for name, number in zip(names, numbers, strict=True)
    ]
    if len(order) < len(fit.w):
        lines.insert(-1, f"  … the {MOST_WEIGHTS} largest of {len(fit.w):,}; all are in --json and --out")
    return "\n".join(["weights", *lines])


def _table_of_weights(fit: Fit) -> str:
    """One paragraph for each column of the design: its weight for each class, as many as fit on a screen."""
    order = np.arange(len(fit.w))
    if fit.w.size > MOST_WEIGHTS:
        most = max(1, MOST_WEIGHTS // fit.w.shape[1])
        order = np.sort(np.argsort(-np.abs(fit.w).max(axis=1), kind="stable")[:most])
    rows = [(_name(fit.feature_names[j]), fit.w[j]) for j in order] + [("b", np.asarray(fit.b))]
    lines = []
    for name, each in rows:
        told = [f"{_label(label)} {value:.6g}" for label, value in zip(fit.classes[:MOST_WEIGHTS], each, strict=False)]
        lines.append(
            textwrap.fill(f"{name}: {', '.join(told)}", width(), initial_indent="  ", subsequent_indent="    ")
        )
    if len(order) < len(fit.w):
        lines.insert(-1, f"  … {len(order)} of {len(fit.w):,} columns; all are in --json and --out")
    return "\n".join(["weights", *lines])


def aligned(numbers: list[float]) -> list[str]:
    """Six significant digits, padded so that the decimal points stand below each other."""
    texts = [f"{number:.6g}" for number in numbers]
    left = [len(text.split("e")[0].split(".")[0]) for text in texts]
    return [" " * (max(left) - before) + text for before, text in zip(left, texts, strict=True)]


def _accuracy(outcome: Outcome, right: int) -> str:
    target, m = outcome.table.target, outcome.m
    usual = max(range(len(target.counts)), key=lambda value: target.counts[value])
    guess = f"always saying {_label(target.classes[usual])} would get {target.counts[usual] / m:.1%}"
    return line("accuracy", f"{right / m:.1%} of the rows it was fitted to ({right:,} of {m:,}); {guess}")


def _chart(costs: Floats) -> str:
    return f"J by step\n{module('chart').cost_chart(costs, min(width(), 76), colour=coloured())}"


def _name(text: str) -> str:
    return safe(text, 60)


def _label(text: Any) -> str:
    return safe(str(text), 40)
