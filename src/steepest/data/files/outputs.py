"""Outputs of a statement -> values of columns; what SQL could not decide is decided here, cell by cell."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from steepest.data.files.arrow_stream import Part, Texts
from steepest.data.files.cells import SPACE, number_of
from steepest.data.files.coder import Coder, Plan
from steepest.data.files.inputs import Input
from steepest.data.quoting import quoted
from steepest.data.row_blocks import Coded, Found, RowBlock
from steepest.errors import DataError

__all__ = ["learn", "values_of"]

UNKNOWN = -2  # the code of a text that was not known beforehand


def values_of(
    one: Input,
    plan: Plan,
    levels: Mapping[str, int],
    alike: Collection[str],
    part: Part,
    start: int,
    place: Callable[[int], str],
) -> RowBlock:
    """Outputs of a statement -> values of the columns; what SQL could not decide is decided here, cell by cell.

    `levels` are how many each column of texts had when the statement was made: codes beyond them mean missing. The
    texts of the columns `alike` come together.
    """
    found: dict[str, Found] = {}
    outputs, csv = iter(part), one.form == "csv"
    for name in plan.numbers:
        values, odd = _pair(outputs)
        for row, text in odd:
            try:
                values[row] = number_of(text, plan.tokens)
            except DataError as error:
                way_out = plan.remedy.format(name=quoted(name))
                raise DataError(f"{place(row)}, column {quoted(name)}: {error}; {way_out}") from None
        found[name] = values
    split: dict[str, Texts] = {name: [] for name in alike}
    pairs = {name: (next(outputs), split[name]) if name in alike else _pair(outputs) for name in plan.coders}
    _split(next(outputs), {name: codes for name, (codes, _) in pairs.items() if name in alike}, split)
    for name, (codes, unknown) in pairs.items():
        assert isinstance(codes, np.ndarray)
        coder = plan.coders[name]
        codes[codes >= levels[name]] = -1
        for row, text in unknown:
            try:
                if name in alike:
                    codes[row] = _decided(coder, text, one, plan.tokens)
                else:
                    known = coder.places.get(text)
                    codes[row] = learn(coder, text.strip(SPACE) if csv else text, one) if known is None else known
            except DataError as error:
                raise DataError(f"{place(row)}, column {quoted(name)}: {error}") from None
        found[name] = Coded(codes, coder.levels)
    return RowBlock(start, len(part[-1]), found, place)


def _split(joined: Any, codes: Mapping[str, Any], into: Mapping[str, Texts]) -> None:
    """The cells of a row that are no levels, each behind its length -> those of each column."""
    for row, text in joined:
        start = 0
        for name, places in codes.items():
            if places[row] == UNKNOWN:
                first = text.index(":", start) + 1
                start = first + int(text[start : first - 1])
                into[name].append((row, text[first:start]))


def _decided(coder: Coder, text: str, one: Input, tokens: Collection[str]) -> int:
    """The code of a cell of CSV that is no level as it stands: of a level, of what is missing, or a new one."""
    text = text.strip(SPACE)
    known = coder.places.get(text)
    if known is not None:
        return known
    return -1 if text.lower() in tokens else learn(coder, text, one)


def _pair(outputs: Iterator[NDArray[Any] | Texts]) -> tuple[NDArray[Any], Texts]:
    values, texts = next(outputs), next(outputs)
    assert isinstance(values, np.ndarray)
    assert isinstance(texts, list)
    return values, texts


def learn(coder: Coder, text: str, one: Input) -> int:
    """The code of a text that may be new."""
    if one.form == "csv" and "\0" in text:
        raise DataError(f"{quoted(text)} has a NUL character in it: the file is damaged or binary")
    return coder.code(text)
