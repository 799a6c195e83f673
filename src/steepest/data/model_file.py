"""The text of a model file: one way to write it, and a reader that accepts nothing else.

`render(document)` is canonical, the sha256 of everything else is a field of it, and `parse` demands that rendering what
it read gives the very same bytes: a flipped bit is detected wherever it is, in the white space as well. What fields
there are, in each version, is in `model_fields.py`. Nothing that a file can hold makes the parser run code, recurse, or
take more than a time in proportion to its length.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from typing import Any

from steepest.data.model_fields import FORMAT, VERSION, VERSIONS, problem_of, upgraded
from steepest.data.quoting import quoted
from steepest.errors import DataError

__all__ = ["LARGEST", "parse", "render"]

LARGEST = 16 << 20  # bytes
DEEPEST = 8  # brackets within brackets; a model has 5
HASH = "sha256"
# Possessive, and an unfinished text runs to the end: no place is looked at twice, whatever the file holds.
TEXTS = re.compile(r'"(?:[^"\\]++|\\.)*+(?:"|\\?\Z)', re.DOTALL)
ENCODE = json.JSONEncoder(ensure_ascii=False, allow_nan=False).encode
BRACKETS = re.compile(r"[\[\]{}]")


def render(document: dict[str, Any]) -> str:
    """The document as canonical JSON text, its hash added; DataError if a label or name cannot be written."""
    problem = problem_of(document)
    if problem:
        raise DataError(f"the model cannot be saved: {problem}")
    try:
        return _text(document | {HASH: _hash(document)})
    except UnicodeEncodeError as error:
        raise DataError(f"the model cannot be saved: {quoted(error.object)} is no valid text") from None


def parse(raw: bytes, largest: int = LARGEST) -> dict[str, Any]:
    """The document in the bytes of a model file, without the hash, in today's fields; DataError if anything is wrong.

    Files of earlier versions are read by the fields of their version.
    """
    if len(raw) > largest:
        raise DataError(f"the file is larger than {_size(largest)}; read it with a larger limit if it is yours")
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise DataError(f"byte {error.start} is no UTF-8 text; this is no model file, or it is damaged") from None
    document = _loaded(text)
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise DataError(f'this is no model file: "format": "{FORMAT}" is missing; save one with `steepest fit --out`')
    version = document.get("format_version")
    if not isinstance(version, int) or isinstance(version, bool) or version not in VERSIONS:
        known = f"1 to {VERSION}"
        raise DataError(f"format version {quoted(str(version))} is not known to this release, which reads {known}")
    claimed = document.pop(HASH, None)
    problem = problem_of(document)
    if problem:
        raise DataError(f"{problem}; the file is damaged or was not written by steepest")
    try:
        same = claimed == _hash(document) and _text(document | {HASH: claimed}) == text
    except UnicodeEncodeError:
        same = False
    if not same:
        raise DataError("the sha256 inside does not match: the file was changed since it was saved; save it again")
    return upgraded(document)


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
    """How deep brackets nest outside of texts, counted up to one more than is allowed."""
    depth = deepest = 0
    for bracket in BRACKETS.finditer(TEXTS.sub("", text)):
        if bracket[0] in "[{":
            depth += 1
            deepest = max(deepest, depth)
            if deepest > DEEPEST:
                return deepest
        else:
            depth -= 1
    return deepest


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    document = dict(pairs)
    if len(document) < len(pairs):
        seen: set[str] = set()
        twice = next(name for name, _ in pairs if name in seen or seen.add(name))  # type: ignore[func-returns-value]
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
    old = document["format_version"] == 1
    text = json.dumps(document, ensure_ascii=False, allow_nan=False, indent=1) if old else _laid_out(document, "\n")
    text += "\n"
    text.encode("utf-8")
    return text


def _laid_out(value: Any, margin: str) -> str:
    """JSON with one line for each field, and for each entry of a list that holds lists or objects; others on one line.

    Python's own indentation has a line for each number, and takes 20 times as long: it is not written in C.
    """
    deeper = margin + " "
    if isinstance(value, dict) and value:
        fields = [f"{ENCODE(name)}: {_laid_out(each, deeper)}" for name, each in value.items()]
        return f"{{{deeper}{f',{deeper}'.join(fields)}{margin}}}"
    if isinstance(value, list) and any(isinstance(each, list | dict) for each in value):
        return f"[{deeper}{f',{deeper}'.join(_laid_out(each, deeper) for each in value)}{margin}]"
    return ENCODE(value)


def _size(count: int) -> str:
    return f"{count >> 20} MB" if count >= 1 << 20 else f"{count:,} bytes"
