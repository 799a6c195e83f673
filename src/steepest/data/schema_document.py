"""A schema as plain data, and back: the part of a model file that says what columns are.

Every field is checked when it is read: a file may be damaged or written by hand.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from steepest.data.arrays import LARGEST
from steepest.data.quoting import quoted
from steepest.data.schema import MISSING_POLICIES, UNSEEN_POLICIES, Column, Schema
from steepest.errors import DataError

__all__ = ["read", "written"]

FIELDS = ("name", "kind", "levels", "counts", "reference", "missing", "unseen", "missing_rows", "fill")


def written(schema: Schema) -> dict[str, Any]:
    """The schema as lists, text, numbers and None; remarks are not part of it."""
    columns = [
        {field: _plain(getattr(column, field)) for field in (*FIELDS, *(["rare"] if column.rare else []))}
        for column in schema.columns
    ]
    texts = {} if schema.missing_texts is None else {"missing_texts": list(schema.missing_texts)}
    return {
        **texts,
        "rows": schema.rows,
        "target": schema.target,
        "excluded": list(schema.excluded),
        "columns": columns,
    }


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def read(document: Mapping[str, Any]) -> Schema:
    """The schema of a document, checked in every field; DataError names the first that is wrong."""
    document = {"missing_texts": None, **document}  # written only where there are some, as the rare levels are
    _fields(document, {"rows", "target", "excluded", "columns", "missing_texts"}, "the schema")
    texts = document["missing_texts"]
    if not (texts is None or _texts(texts)):
        raise DataError("the schema's texts that mean a missing value are no list of texts")
    if not _count(document["rows"]) or not (document["target"] is None or isinstance(document["target"], str)):
        raise DataError("the schema's rows or target are no count and no name")
    if not _texts(document["excluded"]) or not isinstance(document["columns"], list):
        raise DataError("the schema's columns, or those left out, are no lists")
    columns = tuple(_column(each) for each in document["columns"])
    names = [column.name for column in columns]
    if len(set(names)) < len(names):
        raise DataError("the schema has two columns of one name")
    return Schema(
        columns,
        document["target"],
        tuple(document["excluded"]),
        document["rows"],
        missing_texts=None if texts is None else tuple(texts),
    )


def _column(document: Any) -> Column:
    if not isinstance(document, Mapping):
        raise DataError("a column of the schema is no object")
    document = {"rare": [], **document}  # written only where there are some: files before it stay as they are
    _fields(document, {*FIELDS, "rare"}, "a column of the schema")
    name, levels, counts = document["name"], document["levels"], document["counts"]
    shown = quoted(str(name))
    if not isinstance(name, str) or document["kind"] not in ("number", "category"):
        raise DataError(f"the schema's column {shown} has no name, or is neither number nor category")
    if document["missing"] not in MISSING_POLICIES or document["unseen"] not in UNSEEN_POLICIES:
        raise DataError(f"the schema's column {shown} has a policy that is not known")
    if not (_texts(levels) and isinstance(counts, list) and all(map(_count, counts)) and len(levels) == len(counts)):
        raise DataError(f"the schema's column {shown} has levels and counts that do not belong together")
    if len(set(levels)) < len(levels):
        raise DataError(f"the schema's column {shown} has a level twice")
    reference, fill = document["reference"], document["fill"]
    if reference is not None and reference not in levels:
        raise DataError(f"the schema's column {shown} has a reference that is none of its levels")
    if not _count(document["missing_rows"]) or not (fill is None or _finite(fill)):
        raise DataError(f"the schema's column {shown} has a count or a fill that is no number")
    _agrees(document, shown)
    rare = document["rare"]
    if not _texts(rare) or set(rare) & set(levels[:-1]) or len(set(rare)) < len(rare) or (rare and not levels):
        raise DataError(f"the schema's column {shown} has rare levels that are levels of their own, or none to be")
    fields: dict[str, Any] = {field: tuple(v) if isinstance(v, list) else v for field, v in document.items()}
    return Column(**fields)


def _agrees(document: Mapping[str, Any], shown: str) -> None:
    """Fields that need each other: a number has no levels, an indicator needs a fill, and so on."""
    number = document["kind"] == "number"
    if number and (document["levels"] or document["reference"] is not None or document["missing"] == "category"):
        raise DataError(f"the schema's column {shown} is a number, but has what belongs to a category")
    if not number and (document["fill"] is not None or document["missing"] == "indicator"):
        raise DataError(f"the schema's column {shown} is a category, but has what belongs to a number")
    if number and document["missing"] == "indicator" and document["fill"] is None:
        raise DataError(f"the schema's column {shown} has an indicator, but no fill")


def _fields(document: Mapping[str, Any], expected: set[str], what: str) -> None:
    found = set(document)
    if found != expected:
        names = ", ".join(sorted(quoted(str(name)) for name in found ^ expected))
        raise DataError(f"{what} has fields too many or too few: {names}")


def _texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(each, str) for each in value)


def _count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _finite(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= LARGEST
