"""One file -> one SELECT. Columns are positional (c0, c1, …) and paths, tokens and levels are parameters: no name that
a stranger chose becomes part of a statement.

Every number becomes two outputs and every text two:

    number    its float64, NaN where there is none; and the cell itself where `cells.number_of` must look at it
    text      its place among the levels known beforehand, -1 if missing, -2 if neither; and the text itself then

Of CSV the texts whose levels are known come together, one output for all of them: mostly there are none, and an empty
output for each of 23 columns took a fourth of the time of reading them.

`cells.number_of` looks at whatever is no float for DuckDB, not finite, from 2⁵³ on, or has an underscore in it. On all
else TRY_CAST and float() agree bit by bit (tests/data/files/test_cells.py).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from steepest.data.files.cells import SPACE, has_numbers

__all__ = [
    "Statement",
    "Wanted",
    "csv_rows",
    "distinct_texts",
    "kind_of",
    "lines_of",
    "no_glob",
    "parquet_rows",
    "select",
    "together",
]

EXACT = "9007199254740992"
WHOLE = ("TINYINT", "SMALLINT", "INTEGER", "UTINYINT", "USMALLINT", "UINTEGER")  # each is a float exactly
LONG = ("BIGINT", "UBIGINT", "HUGEINT", "UHUGEINT")
TEXT = ("VARCHAR", "ENUM")
DIGITS = 15  # of a decimal: its whole number and its power of ten are floats exactly, so that one division rounds once
LONGEST_LINE = 1 << 24
NOTHING = "\0"  # stands in for an empty list, whose type SQL would not know


@dataclass(frozen=True, slots=True)
class Wanted:
    """A column of a file: its place there, its stored type, and whether its numbers or its texts are asked for."""

    place: int
    stored: str
    number: bool
    levels: str = ""  # the type that knows the levels of texts
    spaced: bool = True  # whether many cells of CSV may have spaces to trim; few of them cost more, many less


@dataclass(frozen=True, slots=True)
class Statement:
    """SQL and its parameters; of the rows of a file, how many columns there are."""

    sql: str
    parameters: dict[str, Any]
    columns: int = 0


def kind_of(stored: str) -> str:
    """number, text, date or other: what a stored type is for us."""
    name = stored.split("(", maxsplit=1)[0]
    if name in ("DOUBLE", "FLOAT", "BOOLEAN", "DECIMAL", *WHOLE, *LONG):
        return "number" if not stored.endswith("]") else "other"
    if name in TEXT:
        return "text" if not stored.endswith("]") else "other"
    return "date" if name.startswith(("DATE", "TIME", "INTERVAL")) and not stored.endswith("]") else "other"


def csv_rows(path: str, columns: int, blank: int, compression: str) -> Statement:
    """All columns of a CSV file as texts; `blank` lines stand before its header."""
    named = ", ".join(f"'c{j}': 'VARCHAR'" for j in range(columns))
    options = (
        f"auto_detect=false, header=true, skip={blank}, delim=',', quote='\"', escape='\"', strict_mode=true, "
        f"compression='{compression}', max_line_size={LONGEST_LINE}, columns={{{named}}}"
    )
    return Statement(f"read_csv($path, {options})", {"path": no_glob(path)}, columns)


def lines_of(path: str, compression: str) -> Statement:
    """A text file as one column, `line`."""
    options = (
        "auto_detect=false, header=false, delim='\x01', quote='', escape='', columns={'line': 'VARCHAR'}, "
        f"compression='{compression}', max_line_size={LONGEST_LINE}"
    )
    return Statement(f"read_csv($path, {options})", {"path": no_glob(path)}, 1)


def parquet_rows(path: str, columns: int) -> Statement:
    """All columns of a Parquet file, renamed by their places."""
    named = ", ".join(f"c{j}" for j in range(columns))
    return Statement(f"read_parquet($path, hive_partitioning=false) AS t({named})", {"path": no_glob(path)}, columns)


def no_glob(path: str) -> str:
    """A path in which nothing is a pattern: each of * ? [ stands in brackets."""
    return "".join(f"[{letter}]" if letter in "*?[" else letter for letter in path)


def distinct_texts(
    source: Statement, wanted: Sequence[Wanted], tokens: Collection[str], rows: int, *, csv: bool
) -> Statement:
    """The different texts of each column wanted in the first `rows` rows, as lists; of CSV the cells as they stand."""
    lists = [f"list(DISTINCT c{column.place})" for column in wanted]
    if not csv:
        raw = [_raw(f"c{column.place}", column.stored, csv) for column in wanted]
        absent = [_absent(f"c{column.place}", column.stored, csv) for column in wanted]
        lists = [f"list(DISTINCT {each}) FILTER (NOT {no})" for each, no in zip(raw, absent, strict=True)]
    sql = f"SELECT {', '.join(lists)} FROM (SELECT * FROM {source.sql} LIMIT {rows})"  # noqa: S608  (places alone)
    return Statement(sql, source.parameters | ({"na": sorted(tokens) or [NOTHING]} if "$na" in sql else {}))


def together(column: Wanted, csv: bool) -> bool:
    """Whether the texts of a column that are no levels come in the output for all such columns."""
    return csv and not column.number and bool(column.levels)


def select(
    source: Statement, wanted: Sequence[Wanted], tokens: Collection[str], *, csv: bool, limit: int | None
) -> Statement:
    """The outputs of the columns wanted, two of each, or one of those `together`; of the first `limit` rows.

    Two more come last: the texts of the latter, each as "length:text"; whether the last cell of a row of CSV is empty.
    """
    inner, outer, joined = [], [], []
    for k, column in enumerate(wanted):
        cell = f"c{column.place}"
        if column.number:
            inner += _number(cell, column.stored, k, has_numbers(frozenset(tokens)))
            outer += [f"coalesce(v{k}, 'nan'::DOUBLE)", f"l{k}"]
        elif together(column, csv):
            inner += _level(cell, column, k)
            outer.append(f"k{k}")
            joined.append(k)
        else:
            inner += _text(cell, column, k, csv)
            outer += [f"k{k}", f"CASE WHEN k{k} = -2 THEN {_raw(f'r{k}', column.stored, csv)} END"]
    outer.append(_joined(joined) if joined else "NULL::VARCHAR")
    last = f"c{source.columns - 1}"
    inner.append(f"CASE WHEN {last} IS NULL THEN 1 ELSE 0 END AS ends" if csv else "0 AS ends")
    outer.append("ends")
    sql = f"SELECT {', '.join(outer)} FROM (SELECT {', '.join(inner)} FROM {source.sql})"  # noqa: S608  (places alone)
    sql += "" if limit is None else f" LIMIT {limit}"
    return Statement(sql, source.parameters | ({"na": sorted(tokens) or [NOTHING]} if "$na" in sql else {}))


def _number(cell: str, stored: str, k: int, numeric_tokens: bool) -> list[str]:
    name = stored.split("(", maxsplit=1)[0]
    if name in TEXT:
        value = f"TRY_CAST({cell} AS DOUBLE)"
        value = f"CASE WHEN {_missing(cell)} THEN NULL ELSE {value} END" if numeric_tokens else value
        odd = f"{value} IS NULL OR NOT isfinite({value}) OR abs({value}) >= {EXACT} OR contains({cell}, '_')"
        # CASE inside CASE: of a conjunction DuckDB would compute both sides on every row
        look = f"CASE WHEN {odd} THEN CASE WHEN {_missing(cell)} THEN NULL ELSE {cell} END END"
        return [f"{value} AS v{k}", f"{look} AS l{k}"]
    if name in LONG:
        look = f"CASE WHEN {cell} >= {EXACT} OR {cell} <= -{EXACT} THEN {cell}::VARCHAR END"
        return [f"{cell}::DOUBLE AS v{k}", f"{look} AS l{k}"]
    if name == "DECIMAL" and int(stored[len("DECIMAL(") :].split(",", maxsplit=1)[0]) > DIGITS:
        return [f"{cell}::VARCHAR::DOUBLE AS v{k}", f"NULL::VARCHAR AS l{k}"]
    return [f"{cell}::DOUBLE AS v{k}", f"NULL::VARCHAR AS l{k}"]


def _text(cell: str, column: Wanted, k: int, csv: bool) -> list[str]:
    raw = _raw(cell, column.stored, csv)
    code = f"enum_code(TRY_CAST({raw} AS {column.levels}))::INTEGER"
    absent = f"CASE WHEN {_absent(cell, column.stored, csv)} THEN -1 ELSE -2 END"
    code = f"coalesce({code}, {absent})" if column.levels else absent
    return [f"{code} AS k{k}", f"{cell} AS r{k}"]


def _level(cell: str, column: Wanted, k: int) -> list[str]:
    """The code of a cell of CSV, -1 if it is empty; of all else that is no level Python decides."""
    raw = _raw(cell, column.stored, csv=True) if column.spaced else cell
    code = f"enum_code(TRY_CAST({raw} AS {column.levels}))::INTEGER"
    return [f"coalesce({code}, CASE WHEN {cell} IS NULL THEN -1 ELSE -2 END) AS k{k}", f"{cell} AS r{k}"]


def _joined(columns: Sequence[int]) -> str:
    """The cells of a row that are no levels, one behind the other, each behind its length; mostly NULL."""
    least = ", ".join(f"k{k}" for k in columns)
    each = ", ".join(f"CASE WHEN k{k} = -2 THEN length(r{k}) || ':' || r{k} END" for k in columns)
    return f"CASE WHEN least({least}) = -2 THEN concat({each}) END"


def _spaced(cell: str) -> str:
    """Whether a cell has spaces to trim, which are below '!'."""
    return f"({cell} < '!' OR ends_with({cell}, ' ') OR ends_with({cell}, chr(9)))"


def _raw(cell: str, stored: str, csv: bool) -> str:
    """A value as a level is written (`categories.text_of`): whole numbers without a point, True and False."""
    name = stored.split("(", maxsplit=1)[0]
    if csv:  # few cells have spaces to trim, and a text that is no level costs 2 … 70 µs
        return f"CASE WHEN {_spaced(cell)} THEN trim({cell}, '{SPACE}') ELSE {cell} END"
    if name == "BOOLEAN":
        return f"CASE WHEN {cell} THEN 'True' WHEN NOT {cell} THEN 'False' END"
    if name in ("DOUBLE", "FLOAT"):
        whole = f"abs({cell}) < {EXACT} AND {cell} = trunc({cell})"
        return f"CASE WHEN {whole} THEN {cell}::BIGINT::VARCHAR ELSE {cell}::DOUBLE::VARCHAR END"
    return cell if name == "VARCHAR" else f"{cell}::VARCHAR"


def _absent(cell: str, stored: str, csv: bool) -> str:
    name = stored.split("(", maxsplit=1)[0]
    if name in ("DOUBLE", "FLOAT"):
        return f"({cell} IS NULL OR isnan({cell}))"
    return _missing(cell) if csv or name in TEXT else f"({cell} IS NULL)"


def _missing(cell: str) -> str:
    # Not lower(trim(…)): what stands twice in a statement DuckDB computes once, for every row, needed or not.
    return f"({cell} IS NULL OR list_contains($na, trim(lower({cell}), '{SPACE}')))"
