"""The fields of a model file, version by version: their types, what must fit together, and how old ones become new.

A version is never changed once it was released: `FIELDS[1]` is what 0.1.0 wrote, and `upgraded` reads it for ever.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from steepest.data.field_checks import (
    each,
    either,
    is_bool,
    is_cell,
    is_count,
    is_float,
    is_hash,
    is_label,
    is_object,
    is_positive,
    is_range,
    is_text,
    maybe,
    misfit,
    one_of,
)
from steepest.data.schema import Column, Schema
from steepest.errors import DataError

__all__ = ["FORMAT", "VERSION", "VERSIONS", "problem_of", "schema_of", "schema_written", "upgraded"]

FORMAT = "steepest model"
VERSION = 2

NUMBERS = each(is_float)
FIELDS: Mapping[int, dict[str, Any]] = {
    1: {
        "format": is_text,
        "format_version": is_count,
        "steepest": is_text,
        "target": maybe(is_text),
        "classes": each(is_label),
        "features": each(is_text),
        "w": NUMBERS,
        "b": is_float,
        "objective": {"l2": is_float, "standardize": is_bool},
        "fit": {
            "method": is_text,
            "learning_rate": maybe(is_float),
            "iterations": is_count,
            "status": is_text,
            "cost": is_float,
            "value": is_float,
        },
        "data": {"file": maybe(is_text), "rows": maybe(is_count)},
    },
    2: {
        "format": is_text,
        "format_version": is_count,
        "made": {"steepest": is_text, "date": maybe(is_text)},
        "classes": each(is_label, 2),
        "features": each(is_text),
        "w": either(NUMBERS, each(NUMBERS)),
        "b": either(is_float, NUMBERS),
        "schema": is_object,
        "objective": {
            "l2": is_positive,
            "l1": is_positive,
            "factors": maybe(each(is_positive)),
            "lower": maybe(each(maybe(is_float))),
            "upper": maybe(each(maybe(is_float))),
            "intercept": is_bool,
            "standardize": is_bool,
            "class_weights": maybe(each(is_positive)),
            "strengths": maybe(each(is_positive)),
        },
        "fit": {
            "method": is_text,
            "learning_rate": maybe(is_float),
            "iterations": is_count,
            "passes": maybe(is_count),
            "status": is_text,
            "cost": is_float,
            "value": is_float,
        },
        "certificate": {
            "gap": maybe(is_positive),
            "max_probability_error": is_positive,
            "max_coefficient_error": maybe(is_positive),
            "exists": one_of("proved", "disproved", "unknown"),
            "verifiable_gap": maybe(is_positive),
        },
        "data": {
            "file": maybe(is_text),
            "weights": maybe(is_text),
            "rows": maybe(is_count),
            "counts": maybe(each(is_count)),
            "form": maybe(one_of("dense", "sparse")),
            "sha256": maybe(is_hash),
            "ranges": maybe(each(maybe(is_range))),
            "centre": maybe(NUMBERS),
            "scale": maybe(NUMBERS),
        },
        "reach": maybe(is_object),
        "parity": {
            "rows": each(each(is_cell), 0),
            "z": each(each(maybe(is_float)), 0),
            "probability": each(each(maybe(is_float)), 0),
            "missing": each(is_count, 0),
            "unseen": each(is_count, 0),
            "out_of_range": each(maybe(is_count), 0),
        },
    },
}
REACH = {"weights": NUMBERS, "intercept": is_positive}
VERSIONS = tuple(FIELDS)


def problem_of(document: dict[str, Any]) -> str:
    """The first thing that is wrong with a document of its version, in words; empty if all is well."""
    fields = FIELDS[document["format_version"]]
    return misfit(document, fields, "") or _DISAGREEMENT[document["format_version"]](document)


def _alike(classes: list[Any], features: list[str]) -> str:
    """What is wrong with labels or names: both tell things apart, so all of them differ."""
    if len(set(features)) < len(features):
        return "two features have the same name"
    if len(set(classes)) < len(classes):
        return "the classes must differ"
    return ""


def _disagreement_1(document: dict[str, Any]) -> str:
    if len(document["w"]) != len(document["features"]):
        return f"there are {len(document['w'])} weights for {len(document['features'])} features"
    if len(document["classes"]) != 2:
        return "there must be two classes"
    return _alike(document["classes"], document["features"])


def _disagreement_2(document: dict[str, Any]) -> str:
    classes, features, w, b = (document[name] for name in ("classes", "features", "w", "b"))
    n, K = len(features), len(classes)
    if len(w) != n:
        return f"there are {len(w)} weights for {n} features"
    if K == 2 and (isinstance(w[0], list) or isinstance(b, list)):
        return "two classes have one weight per feature and one intercept"
    if K > 2 and (not isinstance(b, list) or {len(each) if isinstance(each, list) else 1 for each in [*w, b]} != {K}):
        return f"{K} classes have {K} weights per feature and {K} intercepts"
    try:
        schema = schema_of(document)
    except DataError as error:
        return str(error)
    if schema.names != tuple(features):
        return "the features are not those of the schema"
    return _alike(classes, features) or _lengths(document, n, [column.kind == "number" for column in schema.columns], K)


def _lengths(document: dict[str, Any], n: int, numbers: list[bool], classes: int) -> str:
    """Lists that belong to features, to columns (`numbers`, or else categories), to classes, or to each other."""
    objective, data, reach = document["objective"], document["data"], document["reach"]
    for name, values in (
        *((f"objective.{name}", objective[name]) for name in ("factors", "lower", "upper", "strengths")),
        *((f"data.{name}", data[name]) for name in ("centre", "scale")),
    ):
        if values is not None and len(values) != n:
            return f'"{name}" has {len(values)} numbers for {n} features'
    ranges = data["ranges"]
    if ranges is not None and len(ranges) != len(numbers):
        return f'"data.ranges" has {len(ranges)} entries for {len(numbers)} columns'
    if any(each is not None and not number for each, number in zip(ranges or (), numbers, strict=False)):
        return '"data.ranges" has a range for a category'
    for name, values in (("data.counts", data["counts"]), ("objective.class_weights", objective["class_weights"])):
        if values is not None and len(values) != classes:
            return f'"{name}" has {len(values)} entries for {classes} classes'
    if (data["centre"] is None) != (data["scale"] is None) or min(data["scale"] or [1.0]) <= 0.0:
        return '"data.centre" and "data.scale" do not belong together'
    if reach is not None:
        problem = misfit(reach, REACH, "reach.")
        if problem or len(reach["weights"]) != n or data["centre"] is None or min(reach["weights"]) < 0.0:
            return problem or '"reach" does not belong to these features'
    return _parity(document["parity"], numbers, 1 if classes == 2 else classes)


def _parity(parity: dict[str, Any], numbers: list[bool], outputs: int) -> str:
    rows = parity["rows"]
    if any(len(values) != len(rows) for values in parity.values()) or any(len(row) != len(numbers) for row in rows):
        return '"parity" has lists of different lengths'
    kinds = [float if number else str for number in numbers]
    if any(not (cell is None or type(cell) is kind) for row in rows for cell, kind in zip(row, kinds, strict=True)):
        return '"parity.rows" has a text for a number, or a number for a text'
    if any(len(each) != outputs for name in ("z", "probability") for each in parity[name]):
        return f'"parity" has rows without {outputs} predictions'
    return ""


def schema_written(schema: Schema) -> dict[str, Any]:
    """A schema as plain data; where all columns are plain numbers, the names of the features say it all."""
    document = schema.to_dict()
    if all(column == Column(column.name, "number") for column in schema.columns):
        return document | {"columns": None}
    return document


def schema_of(document: dict[str, Any]) -> Schema:
    """The schema of a document; DataError if it is none."""
    said = document["schema"]
    if said.get("columns", ()) is not None:
        return Schema.from_dict(said)
    schema = Schema.from_dict(said | {"columns": []})
    return replace(schema, columns=tuple(Column(name, "number") for name in document["features"]))


_DISAGREEMENT: Mapping[int, Callable[[dict[str, Any]], str]] = {1: _disagreement_1, 2: _disagreement_2}


def upgraded(document: dict[str, Any]) -> dict[str, Any]:
    """A document of any version as one of the newest; what it does not say is None."""
    return document if document["format_version"] == VERSION else _from_1(document)


def _from_1(old: dict[str, Any]) -> dict[str, Any]:
    data, names = old["data"], old["features"]
    return {
        "format": FORMAT,
        "format_version": VERSION,
        "made": {"steepest": old["steepest"], "date": None},
        "classes": old["classes"],
        "features": names,
        "w": old["w"],
        "b": old["b"],
        "schema": {"rows": data["rows"] or 0, "target": old["target"], "excluded": [], "columns": None},
        "objective": old["objective"]
        | {
            "l1": 0.0,
            "factors": None,
            "lower": None,
            "upper": None,
            "intercept": True,
            "class_weights": None,
            "strengths": None,
        },
        "fit": old["fit"] | {"passes": None},
        "certificate": {
            "gap": None,
            "max_probability_error": 1.0,
            "max_coefficient_error": None,
            "exists": "unknown",
            "verifiable_gap": None,
        },
        "data": {"file": data["file"], "rows": data["rows"]}
        | dict.fromkeys(("weights", "counts", "form", "sha256", "ranges", "centre", "scale")),
        "reach": None,
        "parity": {name: [] for name in ("rows", "z", "probability", "missing", "unseen", "out_of_range")},
    }
