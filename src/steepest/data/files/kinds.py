"""Which columns are numbers and which are categories: said by the files where they have types, otherwise by a sample.

The sample is of 10,000 rows: the first ones of each file, or of 32 files from the first to the last. Whatever it says
is verified on every row when the file is read: a text in a column of numbers is an error that names line and column,
never a column of another kind.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import replace

from steepest.data.files.cells import number_of
from steepest.data.files.source import Source
from steepest.data.files.statements import kind_of
from steepest.data.quoting import quoted
from steepest.data.row_blocks import Coded
from steepest.errors import DataError

__all__ = ["SAMPLE", "kinds_of"]

SAMPLE, FILES = 10_000, 32
NOTATION = re.compile(
    r"[+-]?(\d+,\d+|\d{1,3}(,\d{3})+(\.\d*)?|\d[\d_]*_\d+(\.\d*)?|0x[0-9a-f]+|\d+(\.\d*)?%)", re.IGNORECASE
)


def kinds_of(
    source: Source, names: Sequence[str], categories: Collection[str] = ()
) -> tuple[dict[str, str], dict[str, str]]:
    """The kind of each column, "number" or "category"; and what is wrong with columns that are neither.

    A column is one of numbers if the sample holds a number in it, even one in a notation that is not read (1,5 or
    0x10), or nothing at all: a text among numbers is then refused, with its line, and makes no category of them all.
    """
    kinds: dict[str, str] = {}
    troubles: dict[str, str] = {}
    undecided = []
    folders = {name: _folder_values(source, name) for name in names if name in dict(source.inputs[0].partition)}
    for name in names:
        stored = source.stored_as(name)
        kind = kind_of(stored)
        if name in categories or name in folders or (kind == "text" and source.form == "csv"):
            undecided.append(name)
        elif kind == "text":
            kinds[name] = "category"
        elif kind == "number":
            kinds[name] = kind
        else:
            troubles[name] = f"column {quoted(name)} holds {stored.lower()}: {_way_out(kind)}"
    levels = sample(source, [name for name in undecided if name not in folders]) | folders
    for name in undecided:
        texts = levels[name]
        number = name not in categories and (not texts or any(_is_number(text, source.tokens) for text in texts))
        kinds[name] = "number" if number else "category"
    return kinds, troubles


def _folder_values(source: Source, name: str) -> tuple[str, ...]:
    """All values of a key=value folder."""
    values = [dict(one.partition)[name] for one in source.inputs]
    return tuple(dict.fromkeys(value for value in values if value is not None))


def sample(source: Source, names: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """The different texts of some columns in the first rows of each file, or of some files."""
    found: dict[str, dict[str, None]] = {name: {} for name in names}
    parts = _spread(source) if names else ()
    for part in parts:
        for block in part.batches((), dict.fromkeys(names, ()), limit=-(-SAMPLE // len(parts))):
            for name in names:
                column = block.columns[name]
                assert isinstance(column, Coded)
                found[name] |= dict.fromkeys(column.levels)
    return {name: tuple(texts) for name, texts in found.items()}


def _spread(source: Source) -> tuple[Source, ...]:
    """Some of the files, from the first to the last, each as a source of its own: later ones may be of another kind."""
    many = len(source.inputs)
    places = sorted({k * (many - 1) // (FILES - 1) for k in range(FILES)} if many > FILES else range(many))
    return tuple(replace(source, inputs=(source.inputs[k],), layouts=(source.layouts[k],)) for k in places)


def _way_out(kind: str) -> str:
    if kind == "date":
        return "make a number of it (days since a date) or a category (month, weekday)"
    return "it is neither a number nor a category, convert it"


def _is_number(text: str, tokens: frozenset[str]) -> bool:
    try:
        number_of(text, tokens)
    except DataError as error:
        return "not exactly representable" in str(error) or NOTATION.fullmatch(text) is not None
    return True
