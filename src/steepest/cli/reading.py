"""Values of options: numbers, lists of numbers and of names, times. A wrong one is a usage error."""

from __future__ import annotations

import csv
import math
import re
from typing import Any, Literal

import click

__all__ = ["BYTES", "NAMES", "NOT_NEGATIVE", "NUMBER", "NUMBERS", "POSITIVE", "RATE", "SECONDS"]

UNITS = {"": 1.0, "ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


class _Number(click.ParamType[Any]):
    """A finite number; click's own ranges let NaN pass."""

    name = "number"

    def __init__(self, bound: str = "") -> None:
        self.bound = bound

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        number = _number(str(value))
        wrong = number is None or (self.bound and number < 0.0) or (self.bound == "> 0" and number == 0.0)
        if number is None or wrong:
            self.fail(f"{value!r} is not a finite number{f' {self.bound}' if self.bound else ''}", param, ctx)
        return number


class _Rate(click.ParamType[Any]):
    name = "rate"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float | Literal["safe"]:
        if value == "safe":
            return "safe"
        rate = _number(value)
        if rate is None or rate <= 0.0:
            self.fail(f"{value!r} is neither a positive number nor 'safe'", param, ctx)
        return rate


class _Seconds(click.ParamType[Any]):
    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        match = re.fullmatch(r"\s*([0-9.]+(?:e[+-]?[0-9]+)?)\s*(ms|s|m|h|)\s*", str(value))
        number = _number(match[1]) if match else None
        if match is None or number is None or number <= 0.0:
            self.fail(f"{value!r} is no time > 0, such as 30s, 2m or 1.5h", param, ctx)
        return number * UNITS[match[2]]


class _Numbers(click.ParamType[Any]):
    name = "numbers"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[float, ...]:
        numbers = []
        for text in str(value).split(","):
            number = _number(text)
            if number is None:
                self.fail(f"{text.strip()!r} is not a finite number; write them as 1.5,-2,0", param, ctx)
            numbers.append(number)
        return tuple(numbers)


class _Names(click.ParamType[Any]):
    name = "names"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, ...]:
        try:  # a name with a comma is written in quotes, as in the file
            row = next(csv.reader([str(value)], strict=True, skipinitialspace=True), [])
        except csv.Error as error:
            self.fail(f"{value!r} cannot be read as names separated by commas: {error}", param, ctx)
        names = tuple(name.strip() for name in row)
        if not all(names) or not names:
            self.fail(f"{value!r} holds an empty name; write a,b,c", param, ctx)
        return names


class _Shape(click.ParamType[Any]):
    name = "shape"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, int]:
        parts = str(value).lower().replace("_", "").replace(",", "").split("x")
        if len(parts) != 2 or not all(part.strip().isdecimal() and int(part) > 0 for part in parts):
            self.fail(f"{value!r} is not a shape; write rows and features as 1000000x50", param, ctx)
        return int(parts[0]), int(parts[1])


def _number(text: str) -> float | None:
    """The finite number that `text` spells, or None."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) and "_" not in text else None


class _Bytes(click.ParamType[int]):
    """500MB, 2GB, 1.5TB, or a number of bytes."""

    name = "size"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """The bytes."""
        text = str(value).strip().upper().removesuffix("B")
        factor = {"K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}.get(text[-1:], 1)
        try:
            size = float(text[:-1] if factor > 1 else text) * factor
        except ValueError:
            size = 0.0
        if not 1.0 <= size < 2.0**62:
            self.fail(f"{value!r} is no size: write 500MB, 2GB, or a number of bytes", param, ctx)
        return int(size)


NUMBER, POSITIVE, NOT_NEGATIVE = _Number(), _Number("> 0"), _Number(">= 0")
BYTES = _Bytes()
RATE, SECONDS, NUMBERS, NAMES, SHAPE = _Rate(), _Seconds(), _Numbers(), _Names(), _Shape()
