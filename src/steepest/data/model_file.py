"""The text of a model file: one way to write it, one schema, and a reader that accepts nothing else.

`render(document)` is canonical, the sha256 of everything else is a field of it, and `parse` demands that rendering what
it read gives the very same bytes: a flipped bit is detected wherever it is, in the white space as well.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable
from typing import Any

from steepest.data.quoting import quoted
from steepest.errors import DataError

__all__ = ["FORMAT", "LARGEST", "VERSION", "parse", "render"]

FORMAT = "steepest model"
VERSION = 1
LARGEST = 16 << 20  # bytes
DEEPEST = 8  # brackets within brackets; a model has 2
HASH = "sha256"

Check = Callable[[Any], bool]


def render(document: dict[str, Any]) -> str:
    """The document as canonical JSON text, its hash added; DataError if a label or name cannot be written."""
    problem = _misfit(document, SCHEMA, "") or _disagreement(document)
    if problem:
        raise DataError(f"the model cannot be saved: {problem}")
    try:
        return _text(document | {HASH: _hash(document)})
    except UnicodeEncodeError as error:
        raise DataError(f"the model cannot be saved: {quoted(error.object)} is no valid text") from None


def parse(raw: bytes) -> dict[str, Any]:
    """The document in the bytes of a model file, without the hash; DataError if anything about it is wrong."""
    if len(raw) > LARGEST:
        raise DataError(f"the file is larger than {LARGEST >> 20} MB; a model is not")
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise DataError(f"byte {error.start} is no UTF-8 text; this is no model file, or it is damaged") from None
    document = _loaded(text)
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise DataError(f'this is no model file: "format": "{FORMAT}" is missing; save one with `steepest fit --out`')
    version = document.get("format_version")
    if version != VERSION or isinstance(version, bool):
        raise DataError(f"format version {quoted(str(version))} is not known to this release, which reads {VERSION}")
    claimed = document.pop(HASH, None)
    problem = _misfit(document, SCHEMA, "") or _disagreement(document)
    if problem:
        raise DataError(f"{problem}; the file is damaged or was not written by steepest")
    try:
        same = claimed == _hash(document) and _text(document | {HASH: claimed}) == text
    except UnicodeEncodeError:
        same = False
    if not same:
        raise DataError("the sha256 inside does not match: the file was changed since it was saved; save it again")
    return document


def _loaded(text: str) -> Any:
    """The JSON text as Python objects; depth is checked first, for the parser recurses."""
    if _depth(text) > DEEPEST:
        raise DataError(f"brackets are nested deeper than {DEEPEST}: this is no model file")
    try:
        return json.loads(text, object_pairs_hook=_unique, parse_constant=_refuse, parse_float=_finite)
    except DataError:
        raise
    except (ValueError, RecursionError) as error:  # a ValueError also for integers of thousands of digits
        raise DataError(
            f"this is not JSON ({str(error).split(';')[0]}); the file is damaged or no model file"
        ) from None


def _depth(text: str) -> int:
    """How deep brackets nest outside of strings."""
    depth = deepest = 0
    inside = escaped = False
    for letter in text:
        if inside:
            if escaped:
                escaped = False
            elif letter == "\\":
                escaped = True
            elif letter == '"':
                inside = False
        elif letter == '"':
            inside = True
        elif letter in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif letter in "]}":
            depth -= 1
    return deepest


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    document = dict(pairs)
    if len(document) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise DataError(f"the field {quoted(twice)} occurs twice; the file is damaged or was not written by steepest")
    return document


def _refuse(constant: str) -> Any:
    raise DataError(f"{constant} is no number of a model: every one must be finite")


def _finite(digits: str) -> float:
    value = float(digits)
    if not math.isfinite(value):
        raise DataError(f"{quoted(digits)} exceeds the range of floats: every number must be finite")
    return value


def _hash(document: dict[str, Any]) -> str:
    canonical = json.dumps(document, ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode("utf-8")).hexdigest()


def _text(document: dict[str, Any]) -> str:
    text = json.dumps(document, ensure_ascii=False, allow_nan=False, indent=1) + "\n"
    text.encode("utf-8")
    return text


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_float(value: Any) -> bool:
    return isinstance(value, float) and math.isfinite(value)


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_label(value: Any) -> bool:
    return isinstance(value, str | bool | int) or _is_float(value)


def _each(check: Check) -> Check:
    return lambda value: isinstance(value, list) and len(value) > 0 and all(check(each) for each in value)


def _maybe(check: Check) -> Check:
    return lambda value: value is None or check(value)


SCHEMA: dict[str, Any] = {
    "format": _is_text,
    "format_version": _is_count,
    "steepest": _is_text,
    "target": _maybe(_is_text),
    "classes": _each(_is_label),
    "features": _each(_is_text),
    "w": _each(_is_float),
    "b": _is_float,
    "objective": {"l2": _is_float, "standardize": lambda value: isinstance(value, bool)},
    "fit": {
        "method": _is_text,
        "learning_rate": _maybe(_is_float),
        "iterations": _is_count,
        "status": _is_text,
        "cost": _is_float,
        "value": _is_float,
    },
    "data": {"file": _maybe(_is_text), "rows": _maybe(_is_count)},
}


def _misfit(document: Any, schema: dict[str, Any], path: str) -> str:
    """The first thing in `document` that the schema does not allow, in words; empty if all is well."""
    if not isinstance(document, dict):
        return f'"{path.rstrip(".")}" must be an object'
    for name in document.keys() - schema.keys():
        return f"the field {quoted(path + name)} is not known"
    for name, check in schema.items():
        if name not in document:
            return f'the field "{path}{name}" is missing'
        value = document[name]
        if isinstance(check, dict):
            problem = _misfit(value, check, f"{path}{name}.")
            if problem:
                return problem
        elif not check(value):
            return f'"{path}{name}" has a wrong type or value'
    return ""


def _disagreement(document: dict[str, Any]) -> str:
    """Fields that are right one by one and do not fit together."""
    if len(document["w"]) != len(document["features"]):
        return f"there are {len(document['w'])} weights for {len(document['features'])} features"
    if len(set(document["features"])) < len(document["features"]):
        return "two features have the same name"
    if len(document["classes"]) != 2 or document["classes"][0] == document["classes"][1]:
        return "the two classes must differ"
    return ""
