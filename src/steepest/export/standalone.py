"""A logistic regression: z = intercept + what each column adds; the probability is sigmoid(z), of K classes softmax(z).

Needs Python 3.10 or later and nothing else. As a module:

    predict({"column": value, ...})     -> {"probability": ..., "predicted": ..., "unseen": ..., ...}

As a program: python3 THIS_FILE rows.csv [--lenient], or - for standard input; one line of CSV for each row. And
python3 THIS_FILE --check computes the rows again that came with the model.

missing counts the columns of a row without a value (None, NaN, or a text such as NA), unseen its levels that the model
does not have, out_of_range its numbers outside the range of the fit (None: not known). Rows that the model refuses have
no probability; "refused" says why.
"""

from __future__ import annotations

import csv
import io
import math
import sys
from collections.abc import Iterable, Mapping
from typing import Any, TextIO

MODEL: dict[str, Any] = {}  # the export replaces this line

MISSING = frozenset(["", "na", "n/a", "null", "nan", "?", "-"])
LARGEST = 1e152  # its square is still a float


def predict(row: Mapping[str, Any]) -> dict[str, Any]:
    """The prediction for one row: a value for every column of the model, numbers or texts as in a CSV file."""
    outputs = len(MODEL["intercept"])
    sums: list[list[float]] = [[each] for each in MODEL["intercept"]]
    missing = unseen = outside = 0
    refused = ""
    for term in MODEL["terms"]:
        if term["name"] not in row:
            raise KeyError(f"the row has no column {term['name']!r}")
        value = row[term["name"]]
        adds, gone, strange, beyond, why = _level(term, value) if "levels" in term else _number(term, value)
        missing, unseen, outside = missing + gone, unseen + strange, outside + beyond
        refused = refused or (f"column {term['name']!r} {why}" if why else "")
        for k in range(outputs):
            sums[k].append(0.0 if adds is None else adds[k])
    z = [math.fsum(each) for each in sums]
    said = {"unseen": unseen, "missing": missing, "out_of_range": outside if MODEL["ranges"] else None}
    if refused:
        return {"probability": None, "predicted": None, "probabilities": None, **said, "refused": refused}
    shares = _shares(z)
    which = max(range(len(shares)), key=shares.__getitem__) if outputs > 1 else int(z[0] > 0.0)
    shown = shares[which] if outputs > 1 else shares[1]
    labels = MODEL["classes"]
    each = dict(zip(map(str, labels), shares, strict=True))
    return {"probability": shown, "predicted": labels[which], "probabilities": each, **said, "refused": None}


def _shares(z: list[float]) -> list[float]:
    """The probability of every class; exp never overflows."""
    if len(z) == 1:
        small = math.exp(-abs(z[0]))
        one, other = 1.0 / (1.0 + small), small / (1.0 + small)
        return [other, one] if z[0] >= 0.0 else [one, other]
    top = max(z)
    powers = [math.exp(each - top) for each in z]
    total = math.fsum(powers)
    return [power / total for power in powers]


def _number(term: Mapping[str, Any], value: Any) -> tuple[list[float] | None, int, int, int, str]:
    text = value.strip() if isinstance(value, str) else value
    if text is None or (isinstance(text, str) and text.casefold() in MISSING):
        x = math.nan
    else:
        try:
            x = math.nan if isinstance(text, str) and "_" in text else float(text)
            number = not (isinstance(text, str) and math.isnan(x))
        except (TypeError, ValueError):
            number = False
        if not number:
            raise ValueError(f"column {term['name']!r} is {value!r}, which is not a number")
    if math.isnan(x):
        return term["missing"], 1, 0, 0, "" if term["missing"] is not None else "is missing"
    low, high = term["limits"] or (-LARGEST, LARGEST)
    outside = int(x < low or x > high)
    if abs(x) > LARGEST:
        return None, 0, 0, outside, "is not finite or beyond 1e152"
    return [weight * x for weight in term["weight"]], 0, 0, outside, ""


def _level(term: Mapping[str, Any], value: Any) -> tuple[list[float] | None, int, int, int, str]:
    levels = term["levels"]
    text = _text(value)
    if text is not None and text not in levels:
        text = text.strip()
    if text is None or (text not in levels and text.casefold() in MISSING):
        return term["missing"], 1, 0, 0, "" if term["missing"] is not None else "is missing"
    if text in levels:
        return levels[text], 0, 0, 0, ""
    why = "" if term["unseen"] is not None else f"is {text[:200]!r}, a level that the model does not have"
    return term["unseen"], 0, 1, 0, why


def _text(value: Any) -> str | None:
    """A value as a level is written: a whole number without a point."""
    if value is None or value != value:
        return None
    if isinstance(value, float) and value.is_integer() and abs(value) < 2.0**53:
        return str(int(value))
    return str(value)


def _cell(label: Any) -> str:
    """A label as a cell that no spreadsheet takes for a formula."""
    text = str(label)
    try:
        float(text)
    except ValueError:
        return "'" + text if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text
    return text


def _header() -> list[str]:
    classes = MODEL["classes"]
    each = [f"probability[{_cell(label)}]" for label in classes] if len(classes) > 2 else []
    return ["row", "probability", "predicted", *each, "unseen", "missing", "out_of_range"]


def _line(number: int, said: Mapping[str, Any]) -> list[Any]:
    def shown(value: Any) -> Any:
        return "" if value is None else repr(value)

    each: list[Any] = []
    if len(MODEL["classes"]) > 2:
        shares = said["probabilities"]
        each = [shown(None if shares is None else shares[str(label)]) for label in MODEL["classes"]]
    label = "" if said["predicted"] is None else _cell(said["predicted"])
    counts = [said["unseen"], said["missing"], shown(said["out_of_range"])]
    return [number, shown(said["probability"]), label, *each, *counts]


def run(lines: Iterable[str], out: TextIO, lenient: bool) -> None:
    """Predict every row of a CSV file with a header; ValueError, with the row, for what cannot be read."""
    rows = csv.reader(lines, strict=True)
    names = [name.strip() for name in next(rows, [])]
    for term in MODEL["terms"]:
        if names.count(term["name"]) != 1:
            raise ValueError(f"the header has the column {term['name']!r} {names.count(term['name'])} times")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(_header())
    for number, cells in enumerate((cells for cells in rows if cells), start=1):
        if len(cells) != len(names):
            raise ValueError(f"row {number} has {len(cells)} cells, the header has {len(names)}")
        try:
            said = predict(dict(zip(names, cells, strict=True)))
        except ValueError as error:
            raise ValueError(f"row {number}: {error}") from None
        if said["refused"] and not lenient:
            raise ValueError(f"row {number}: {said['refused']}; say --lenient to leave such predictions empty")
        writer.writerow(_line(number, said))


def check() -> str:
    """What the model's own rows come out as otherwise than they should, in words; empty if all is well."""
    parity = MODEL["parity"]
    names = [term["name"] for term in MODEL["terms"]]
    for i, cells in enumerate(parity["rows"]):
        said = predict(dict(zip(names, cells, strict=True)))
        counts = [said["missing"], said["unseen"], said["out_of_range"]]
        expected = [parity[name][i] for name in ("missing", "unseen", "out_of_range")]
        if counts != expected:
            return f"row {i + 1} counts {counts} instead of {expected}"
        wanted, shares = parity["probability"][i], said["probabilities"]
        found = [None] * len(wanted) if shares is None else list(shares.values())[-len(wanted) :]
        for was, now in zip(wanted, found, strict=True):
            if (was is None) != (now is None) or (was is not None and abs(was - now) > parity["allowed"][i]):
                return f"row {i + 1} has the probability {now} instead of {was}"
    return ""


def main(arguments: list[str]) -> int:
    """The command line; the exit code."""
    lenient = "--lenient" in arguments
    files = [each for each in arguments if each not in ("--lenient", "--check")]
    try:
        if "--check" in arguments:
            problem = check()
            sys.stderr.write(f"{problem or 'all rows come out as they should'}\n")
            return 1 if problem else 0
        if len(files) != 1:
            sys.stderr.write("usage: rows.csv [--lenient], or - for standard input, or --check\n")
            return 2
        if files[0] == "-":
            run(io.TextIOWrapper(sys.stdin.buffer, encoding="utf-8-sig", newline=""), sys.stdout, lenient)
        else:
            with open(files[0], encoding="utf-8-sig", newline="") as lines:
                run(lines, sys.stdout, lenient)
    except (OSError, ValueError, csv.Error) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
