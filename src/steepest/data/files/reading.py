"""One file -> blocks of rows, by DuckDB; where it gives up on a CSV file, the plain reader says why, or goes on."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Collection, Generator, Iterable, Iterator
from contextlib import closing
from dataclasses import replace
from math import nan
from typing import Any

import numpy as np
from numpy.typing import NDArray

from steepest.data.csv_rows import open_csv
from steepest.data.files.arrow_stream import StreamError, stream
from steepest.data.files.cells import SPACE, number_of
from steepest.data.files.coder import Plan
from steepest.data.files.engine import connected, engine_error, reason
from steepest.data.files.inputs import Input, check_unchanged
from steepest.data.files.layout import Layout
from steepest.data.files.opening import open_rows
from steepest.data.files.outputs import learn, values_of
from steepest.data.files.plain import line_of, plain_blocks
from steepest.data.files.statements import (
    Statement,
    Wanted,
    csv_rows,
    distinct_texts,
    lines_of,
    parquet_rows,
    select,
    together,
)
from steepest.data.quoting import quoted
from steepest.data.row_blocks import Coded, Found, RowBlock
from steepest.errors import DataError

__all__ = ["blocks_of", "rows_statement"]

SMALL = 1 << 20  # bytes of CSV that are read before DuckDB has started (0.3 s)
SAMPLE = 1 << 16  # rows whose texts are known beforehand, where no levels are
MOST_TYPED = 1 << 10  # levels for which DuckDB finds the code; of more, Python does, 1 µs each
NOTHING = "\0"  # the one level of a type that has none: no text of a table
LF, CR, COMMA = b"\n\r,"


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
        asked, alike = _asked(connection, one, layout, plan)
        try:
            empty, levels = 0, {name: len(coder.places) for name, coder in plan.coders.items()}
            for m, part in stream(connection.sql(asked.sql, params=asked.parameters)):
                whole = values_of(one, plan, levels, alike, part, start + done, _placed(one, done))
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
    ends, last = 0, False
    with gzip.open(one.path) if one.compression == "gzip" else open(one.path, "rb") as file:
        while part := file.read(1 << 20):
            ends += _before_ends(np.frombuffer(part, dtype=np.uint8), last)
            last = part.endswith(b",")
    return ends + last


def _before_ends(part: NDArray[np.uint8], comma: bool) -> int:
    """Commas before line ends in some bytes, before which stands a `comma` or not. Where a line ends is looked for, and
    then before it: there are a hundred commas for every line.
    """
    places = np.flatnonzero(part == LF)
    if (part == CR).any():
        places = np.concatenate([places, np.flatnonzero(part == CR)])
    first = comma and len(places) > 0 and bool(np.any(places == 0))
    return int(np.count_nonzero(part[places[places > 0] - 1] == COMMA)) + first


def _asked(connection: Any, one: Input, layout: Layout, plan: Plan) -> tuple[Statement, frozenset[str]]:
    """The statement for the columns of a plan, and the names of those whose texts come together; types for the levels
    of its texts are made on the way.
    """
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
        seen = {text.place: list(some or ()) for text, some in zip(unknown, found, strict=True)}
        texts = [replace(text, spaced=_any_spaced(seen.get(text.place))) for text in texts]
        for text in unknown:
            some = seen[text.place] if not csv else _bare(seen[text.place], plan.tokens)
            for level in sorted(some):
                learn(plan.coders[layout.names[text.place]], level, one)
    for k, (text, coder) in enumerate(zip(texts, plan.coders.values(), strict=True)):
        if len(coder.places) > MOST_TYPED or (csv and plan.limit is not None and not coder.places):
            continue  # of a few rows of which nothing is known every text comes as it is
        texts[k] = replace(text, levels=f"levels{k}")
        # Usual spellings of what is missing are levels, too, behind the others: a text that is none costs 2 … 70 µs.
        known = dict.fromkeys((*coder.levels, *(_spelled(plan.tokens) if csv else ()), NOTHING))
        connection.execute(f"CREATE TYPE levels{k} AS ENUM (SELECT unnest($l))", {"l": list(known)})
    alike = frozenset(layout.names[text.place] for text in texts if together(text, csv))
    return select(source, [*numbers, *texts], plan.tokens, csv=csv, limit=plan.limit), alike


def _any_spaced(cells: Collection[str | None] | None) -> bool:
    """Whether cells have spaces to trim; of none that were looked at nobody knows."""
    return cells is None or any(cell is not None and cell != cell.strip(SPACE) for cell in cells)


def _bare(cells: Iterable[str | None], tokens: Collection[str]) -> set[str]:
    """The texts of cells of CSV that mean something."""
    bare = {cell.strip(SPACE) for cell in cells if cell is not None}
    return {text for text in bare if text.lower() not in tokens}


def _spelled(tokens: Iterable[str]) -> Iterator[str]:
    """Tokens as they are mostly written."""
    for token in sorted(tokens):
        yield from (token, token.upper(), token.capitalize())


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
