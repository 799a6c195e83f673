"""One file -> blocks of rows, by DuckDB; where it gives up on a CSV file, the plain reader says why, or goes on."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import replace
from math import nan
from typing import Any

import numpy as np
from numpy.typing import NDArray

from steepest.data.csv_rows import open_csv
from steepest.data.files.arrow_stream import Part, StreamError, Texts, stream
from steepest.data.files.cells import SPACE, number_of
from steepest.data.files.coder import Coder, Plan
from steepest.data.files.engine import connected, engine_error, reason
from steepest.data.files.inputs import Input, check_unchanged
from steepest.data.files.layout import Layout
from steepest.data.files.opening import open_rows
from steepest.data.files.plain import line_of, plain_blocks
from steepest.data.files.statements import Statement, Wanted, csv_rows, distinct_texts, lines_of, parquet_rows, select
from steepest.data.quoting import quoted
from steepest.data.row_blocks import Coded, Found, RowBlock
from steepest.errors import DataError

__all__ = ["blocks_of", "rows_statement"]

SMALL = 1 << 20  # bytes of CSV that are read before DuckDB has started (0.3 s)
SAMPLE = 1 << 16  # rows whose texts are known beforehand, where no levels are
MOST_TYPED = 1 << 10  # levels for which DuckDB finds the code; of more, Python does, 1 µs each
NOTHING = "\0"  # the one level of a type that has none: no text of a table
UNKNOWN = -2  # the code of a text that was not known beforehand


def blocks_of(one: Input, layout: Layout, plan: Plan, start: int) -> Iterator[RowBlock]:
    """The blocks of one file; `start` is the number of its first row. See `Source.batches`."""
    folders = dict(one.partition)
    inside = replace(
        plan,
        numbers=tuple(name for name in plan.numbers if name not in folders),
        coders={name: coder for name, coder in plan.coders.items() if name not in folders},
    )
    # Closed by name: Ctrl-C while DuckDB ends is lost in what the interpreter takes apart by itself.
    with closing(_inside(one, layout, inside, start)) as blocks:
        for block in blocks:
            yield _with_folders(block, one, plan) if folders else block


def rows_statement(one: Input, layout: Layout) -> Statement:
    """All rows of a file, its columns by their places."""
    if one.form == "csv":
        return csv_rows(one.path, len(layout.names), layout.blank, one.compression)
    return parquet_rows(one.path, len(layout.names))


def _inside(one: Input, layout: Layout, plan: Plan, start: int) -> Generator[RowBlock, None, None]:
    """The blocks with the columns that are in the file itself."""
    done = 0
    if one.form == "csv" and one.stamp.size <= SMALL and one.compression != "zstd":
        with open_csv(one.path, one.shown) as rows:
            yield from plain_blocks(rows, plan, start)
        return
    with connected(one, plan.threads, plan.memory) as connection:
        asked = _asked(connection, one, layout, plan)
        try:
            empty, levels = 0, {name: len(coder.places) for name, coder in plan.coders.items()}
            for m, part in stream(connection.sql(asked.sql, params=asked.parameters)):
                whole = _block(one, plan, levels, part, start + done, _placed(one, done))
                yield from _cut(whole, plan)
                done += m
                empty += int(np.sum(part[-1])) if one.form == "csv" else 0
            if one.form == "csv" and plan.limit is None:
                _check_ends(connection, one, empty)
            return
        except (StreamError, engine_error()) as error:
            check_unchanged(one)
            if one.form != "csv":
                raise DataError(f"{one.shown}{_damaged(connection, one, layout)}: {reason(str(error))}") from None
    with open_rows(one) as rows:  # it says what is wrong; and if nothing is, it reads on
        yield from plain_blocks(rows, plan, start + done, done)


def _check_ends(connection: Any, one: Input, empty: int) -> None:
    """DuckDB reads a line with a comma too many at its end as if it had none. Commas before line ends, of which `empty`
    are those of rows whose last cell is empty, are counted; if there are more, the plain reader looks at every line.
    """
    if _commas_at_ends(connection, one) > empty:
        with open_rows(one) as rows:
            for _ in rows:
                pass


def _commas_at_ends(connection: Any, one: Input) -> int:
    """Lines that end with a comma, those of cells in quotes among them."""
    if one.compression == "zstd":
        lines = lines_of(one.path, one.compression)
        sql = f"SELECT count(*) FROM {lines.sql} WHERE ends_with(line, ',')"  # noqa: S608  (constants)
        return int(connection.execute(sql, lines.parameters).fetchone()[0])
    ends, last = 0, b""
    with gzip.open(one.path) if one.compression == "gzip" else open(one.path, "rb") as file:
        while part := file.read(1 << 20):
            whole = last + part
            ends += whole.count(b",\n") + whole.count(b",\r")
            last = whole[-1:] if whole.endswith(b",") else b""
    return ends + (last == b",")


def _asked(connection: Any, one: Input, layout: Layout, plan: Plan) -> Statement:
    """The statement for the columns of a plan; types for the levels of its texts are made on the way."""
    source, csv = rows_statement(one, layout), one.form == "csv"
    stored = dict(zip(layout.names, layout.stored, strict=True))
    numbers = [Wanted(layout.names.index(name), stored[name], True) for name in plan.numbers]
    texts = [Wanted(layout.names.index(name), stored[name], False) for name in plan.coders]
    unknown = [text for text, coder in zip(texts, plan.coders.values(), strict=True) if not coder.places]
    if unknown and plan.limit is None:
        look = distinct_texts(source, unknown, plan.tokens, SAMPLE, csv=csv)
        try:
            found = connection.execute(look.sql, look.parameters).fetchone()
        except engine_error():
            found = [None] * len(unknown)  # the pass itself says what is wrong
        for text, some in zip(unknown, found, strict=True):
            for level in sorted(some or ()):
                _learn(plan.coders[layout.names[text.place]], level, one)
    for k, (text, coder) in enumerate(zip(texts, plan.coders.values(), strict=True)):
        if len(coder.places) > MOST_TYPED:
            continue
        texts[k] = replace(text, levels=f"levels{k}")
        # Usual spellings of what is missing are levels, too, behind the others: a text that is none costs 2 … 70 µs.
        known = dict.fromkeys((*coder.levels, *(_spelled(plan.tokens) if csv else ()), NOTHING))
        connection.execute(f"CREATE TYPE levels{k} AS ENUM (SELECT unnest($l))", {"l": list(known)})
    return select(source, [*numbers, *texts], plan.tokens, csv=csv, limit=plan.limit)


def _spelled(tokens: Iterable[str]) -> Iterator[str]:
    """Tokens as they are mostly written."""
    for token in sorted(tokens):
        yield from (token, token.upper(), token.capitalize())


def _learn(coder: Coder, text: str, one: Input) -> int:
    """The code of a text that may be new."""
    if one.form == "csv" and "\0" in text:
        raise DataError(f"{quoted(text)} has a NUL character in it: the file is damaged or binary")
    return coder.code(text)


def _block(
    one: Input, plan: Plan, levels: Mapping[str, int], part: Part, start: int, place: Callable[[int], str]
) -> RowBlock:
    """Two outputs for each column -> its values; what SQL could not decide is decided here, cell by cell.

    `levels` are how many each column of texts had when the statement was made: codes beyond them mean missing.
    """
    found: dict[str, Found] = {}
    outputs = iter(part)
    for name in plan.numbers:
        values, odd = _pair(outputs)
        for row, text in odd:
            try:
                values[row] = number_of(text, plan.tokens)
            except DataError as error:
                way_out = plan.remedy.format(name=quoted(name))
                raise DataError(f"{place(row)}, column {quoted(name)}: {error}; {way_out}") from None
        found[name] = values
    for name, coder in plan.coders.items():
        codes, unknown = _pair(outputs)
        codes[codes >= levels[name]] = -1
        for row, text in unknown:
            try:
                codes[row] = _learn(coder, text.strip(SPACE) if one.form == "csv" else text, one)
            except DataError as error:
                raise DataError(f"{place(row)}, column {quoted(name)}: {error}") from None
        found[name] = Coded(codes, coder.levels)
    return RowBlock(start, len(part[-1]), found, place)


def _pair(outputs: Iterator[NDArray[Any] | Texts]) -> tuple[NDArray[Any], Texts]:
    values, texts = next(outputs), next(outputs)
    assert isinstance(values, np.ndarray)
    assert isinstance(texts, list)
    return values, texts


def _cut(block: RowBlock, plan: Plan) -> Iterator[RowBlock]:
    """The same rows, `plan.rows` at a time."""
    for first in range(0, block.m, plan.rows):
        some = slice(first, min(first + plan.rows, block.m))
        columns = {name: _part(found, some, plan.borrowed) for name, found in block.columns.items()}
        yield RowBlock(block.start + first, some.stop - first, columns, _shifted(block.place, first))


def _part(found: Found, some: slice, borrowed: bool) -> Found:
    if isinstance(found, Coded):
        return Coded(found.codes[some] if borrowed else found.codes[some].copy(), found.levels)
    return found[some] if borrowed else found[some].copy()


def _shifted(place: Callable[[int], str], first: int) -> Callable[[int], str]:
    return lambda i: place(first + i)


def _placed(one: Input, first: int) -> Callable[[int], str]:
    """Where row i of a part is, whose first row is row `first` of the file; lines of CSV are looked up when asked."""

    def place(i: int) -> str:
        row = first + i
        if one.form == "csv":
            with open_rows(one) as rows:
                return f"{one.shown}, line {line_of(rows, row)}"
        return f"{one.shown}, row {row + 1:,}"

    return place


def _with_folders(block: RowBlock, one: Input, plan: Plan) -> RowBlock:
    """The block with the columns that its folders say."""
    columns: dict[str, Found] = dict(block.columns)
    for name, value in one.partition:
        if name in plan.numbers:
            try:
                number = nan if value is None else number_of(value, plan.tokens)
            except DataError as error:
                raise DataError(f"the folder of {one.shown}, column {quoted(name)}: {error}") from None
            columns[name] = np.full(block.m, number)
        elif name in plan.coders:
            coder = plan.coders[name]
            code = -1 if value is None else coder.code(value)
            columns[name] = Coded(np.full(block.m, code, dtype=np.int32), coder.levels)
    return RowBlock(block.start, block.m, columns, block.place)


def _damaged(connection: Any, one: Input, layout: Layout) -> str:
    """The first column of Parquet that cannot be read, in words; nothing if each can."""
    rows = rows_statement(one, layout)
    for j, name in enumerate(layout.names):
        try:
            connection.execute(f"SELECT count(hash(c{j})) FROM {rows.sql}", rows.parameters).fetchall()  # noqa: S608
        except engine_error():
            return f", column {quoted(name)}"
    return ""
