"""A model as one Python file without dependencies: `standalone.py` with the model written into it."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import files
from typing import Any

from steepest.data.quoting import quoted, safe
from steepest.errors import DataError
from steepest.model import Model
from steepest.portable.parity import block_of
from steepest.portable.predicting import allowance
from steepest.portable.terms import NumberTerm, Term

__all__ = ["python"]

PLACE = "MODEL: dict[str, Any] = {}  # the export replaces this line\n"


def python(model: Model) -> str:
    r"""The text of a program that predicts as the model does, by the csv module, in any Python from 3.10 on.

    Names and labels stand in it as escaped literals, so no name can be read as code.

    >>> import steepest
    >>> fit = steepest.fit([[1.0], [2.0], [3.0], [4.0]], [0, 1, 0, 1], feature_names=["a''' + exit()"])
    >>> program = {"__name__": "program"}
    >>> exec(python(Model.of(fit)), program)
    >>> round(program["predict"]({"a''' + exit()": 2.5})["probability"], 6)
    0.5
    """
    text = files("steepest.export").joinpath("standalone.py").read_text(encoding="utf-8")
    if text.count(PLACE) != 1:
        raise DataError("the installed steepest is damaged: its file standalone.py has no place for a model")
    target = f" of {quoted(model.target)}" if model.target is not None else ""
    head = f"# {safe(', '.join(map(str, model.classes)), 200)}{target}: written by steepest {safe(model.made.version)}"
    return text.replace(PLACE, f"{head}\nMODEL: dict[str, Any] = {{\n{''.join(_entries(model))}}}\n")


def _entries(model: Model) -> Iterator[str]:
    parity, scorer = model.parity, model.scorer
    yield f'    "classes": {list(model.classes)!a},\n'
    yield f'    "ranges": {model.provenance.ranges is not None},\n'
    yield f'    "intercept": {list(model.intercepts)!a},\n'
    yield '    "terms": [\n'
    for term in model.terms:
        yield f"        {_plain(term)!a},\n"
    yield "    ],\n"
    rows: dict[str, Any] = {
        "rows": [list(row) for row in parity.rows],
        "probability": [list(each) for each in parity.probability],
        "missing": list(parity.missing),
        "unseen": list(parity.unseen),
        "out_of_range": list(parity.out_of_range),
        "allowed": allowance(scorer, block_of(model.schema, parity.rows)).tolist() if parity.rows else [],
    }
    yield f'    "parity": {rows!a},\n'


def _plain(term: Term) -> dict[str, Any]:
    """A term as lists, numbers and texts."""
    missing = None if term.at_missing is None else list(term.at_missing)
    if isinstance(term, NumberTerm):
        limits = None if term.limits is None else list(term.limits)
        return {"name": term.name, "weight": list(term.weight), "missing": missing, "limits": limits}
    unseen = None if term.at_unseen is None else list(term.at_unseen)
    levels = {text: list(adds) for text, adds in term.levels.items()}
    return {"name": term.name, "levels": levels, "missing": missing, "unseen": unseen}
