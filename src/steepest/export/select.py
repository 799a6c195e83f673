"""A model as one SELECT, in the SQL that DuckDB and PostgreSQL share.

    given    every column of the model once, as a number or as text; NaN becomes NULL
    scored   z, and the guard rails; z is NULL where the row is refused, because a sum with NULL is NULL
    outside  the probability, sigmoid(z) = 1 / (1 + exp(-z)); |z| is held at 709, so that exp neither over- nor
             underflows

Sums are balanced trees: a database that descends into an expression needs a depth of log2 of the number of columns.
Numbers are written with an exponent, for without one DuckDB reads them as decimals. Names are quoted, texts are quoted,
and what cannot be quoted is refused.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from steepest.data.arrays import LARGEST
from steepest.data.quoting import quoted, safe
from steepest.errors import DataError
from steepest.model import Model
from steepest.portable.terms import CategoryTerm, NumberTerm, Term

__all__ = ["sql"]

STEEP = 709.0  # exp(709) is a float, exp(710) is not
RESULTS = ("probability", "predicted", "unseen", "missing", "out_of_range")


def sql(model: Model, table: str = "rows", keys: Sequence[str] = ()) -> str:
    """SELECT keys, probability, predicted, unseen, missing, out_of_range FROM table, one row for each of its rows.

    `table` may have several parts, schema.table; a part with a point in it stands in double quotes. For K classes
    there is a column probability[label] for each, and probability is that of the label predicted. Missing is NULL, or
    NaN in a number. Raises DataError for names that SQL cannot hold, or that differ in case only.

    >>> import steepest
    >>> fit = steepest.fit([[1.0], [2.0], [3.0], [4.0]], [0, 1, 0, 1], feature_names=["hours"])
    >>> print(sql(Model.of(fit), 'my table', keys=["id"]).splitlines()[-3].strip())
    FROM "my table" AS t
    """
    columns = [column.name for column in model.schema.columns]
    _check_names([*keys, *columns], keys)
    level = _Levels(model, [_name(key) for key in keys])
    parts = [_name(part) for part in _parts(table)]
    inner = "\n".join(["    SELECT", *_listed(level.given(), 6), f"    FROM {'.'.join(parts)} AS t"])
    query = "\n".join(["  SELECT", *_listed(level.scored(), 4), "  FROM (", inner, "  ) AS t"])
    for wrap in level.wraps:
        query = "\n".join(["  SELECT", *_listed(wrap, 4), "  FROM (", query, "  ) AS t"])
    said = f"of {quoted(str(model.classes[1]))}" if len(model.classes) == 2 else "of the label predicted"
    target = f", target {quoted(model.target)}" if model.target is not None else ""
    return "\n".join(
        [
            f"-- Logistic regression by steepest {safe(model.made.version)}{target}.",
            f"-- The probability is that {safe(said)}; NULL in rows that the model refuses.",
            "-- missing counts NULL (and NaN), unseen the levels that the model does not have, out_of_range the",
            "-- numbers outside the range of the fit.",
            "SELECT",
            *_listed(level.results(), 2),
            "FROM (",
            query,
            ") AS t",
        ]
    ) + "\n"  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Levels:
    """The items of each SELECT, from the inside out; columns have names of our own, k1, x1, z1, …, in between."""

    model: Model
    keys: Sequence[str]

    @property
    def outputs(self) -> int:
        """1, or K."""
        return len(self.model.intercepts)

    def given(self) -> Iterator[str]:
        """Keys, and the columns of the model as numbers and texts."""
        yield from (f't.{key} AS "k{i}"' for i, key in enumerate(self.keys))
        for j, term in enumerate(self.model.terms):
            if isinstance(term, NumberTerm):
                x = f"CAST(t.{_name(term.name)} AS DOUBLE PRECISION)"
                ends = " AND ".join(f"CAST('{sign}Infinity' AS DOUBLE PRECISION)" for sign in ("-", ""))
                yield f'CASE WHEN {x} BETWEEN {ends} THEN {x} END AS "x{j}"'  # NaN is not
            else:
                yield f'CAST(t.{_name(term.name)} AS VARCHAR) AS "x{j}"'

    def scored(self) -> Iterator[str]:
        """z of every output, and the counts."""
        yield from self._carried()
        terms = self.model.terms
        categories = [(term, j) for j, term in enumerate(terms) if isinstance(term, CategoryTerm)]
        for k, intercept in enumerate(self.model.intercepts):
            added = [_number(intercept), *(_adds(term, f't."x{j}"', k) for j, term in enumerate(terms))]
            yield f'{_sum(added)} AS "z{k}"'
        yield f'{_sum([_unseen(term, j) for term, j in categories])} AS "unseen"'
        missing = [f'CASE WHEN t."x{j}" IS NULL THEN 1 ELSE 0 END' for j in range(len(terms))]
        yield f'{_sum(missing)} AS "missing"'
        outside = [_outside(term, j) for j, term in enumerate(terms) if isinstance(term, NumberTerm)]
        known = self.model.provenance.ranges is not None
        yield f'{_sum(outside) if known else "CAST(NULL AS INTEGER)"} AS "out_of_range"'

    @property
    def wraps(self) -> list[list[str]]:
        """Of K classes: the largest z, then exp(z - largest), as SELECTs around `scored`."""
        if self.outputs == 1:
            return []
        z = [f't."z{k}"' for k in range(self.outputs)]
        counts = ['t."unseen"', 't."missing"', 't."out_of_range"']
        powers = [f'EXP(GREATEST({each} - t."top", {_number(-STEEP)})) AS "e{k}"' for k, each in enumerate(z)]
        return [
            [*self._carried(), *z, f'GREATEST({", ".join(z)}) AS "top"', *counts],
            [*self._carried(), *z, 't."top"', *powers, *counts],
        ]

    def results(self) -> Iterator[str]:
        """What the query gives."""
        yield from (f't."k{i}" AS {key}' for i, key in enumerate(self.keys))
        labels = [_text(str(label)) for label in self.model.classes]
        if self.outputs == 1:
            held = f'LEAST(GREATEST(-t."z0", {_number(-STEEP)}), {_number(STEEP)})'
            yield f'CASE WHEN t."z0" IS NOT NULL THEN 1.0e0 / (1.0e0 + EXP({held})) END AS "probability"'
            yield f'CASE WHEN t."z0" > 0 THEN {labels[1]} WHEN t."z0" <= 0 THEN {labels[0]} END AS "predicted"'
        else:
            total = _sum([f't."e{k}"' for k in range(self.outputs)])
            yield f'CASE WHEN t."z0" IS NOT NULL THEN 1.0e0 / ({total}) END AS "probability"'
            cases = " ".join(f'WHEN t."z{k}" = t."top" THEN {label}' for k, label in enumerate(labels))
            yield f'CASE {cases} END AS "predicted"'
            for k, label in enumerate(self.model.classes):
                share = f'CASE WHEN t."z0" IS NOT NULL THEN t."e{k}" / ({total}) END'
                yield f"{share} AS {_name(f'probability[{label}]')}"
        yield from ('t."unseen"', 't."missing"', 't."out_of_range"')

    def _carried(self) -> list[str]:
        return [f't."k{i}"' for i in range(len(self.keys))]


def _adds(term: Term, x: str, k: int) -> str:
    """What a column adds to output k; NULL where it refuses the row."""
    missing = "NULL" if term.at_missing is None else _number(term.at_missing[k])
    if isinstance(term, NumberTerm):
        value = f"WHEN {_within(x)} THEN {_number(term.weight[k])} * {x}"
        return f"CASE {value} END" if term.at_missing is None else f"CASE WHEN {x} IS NULL THEN {missing} {value} END"
    unseen = "NULL" if term.at_unseen is None else _number(term.at_unseen[k])
    levels = " ".join(f"WHEN {_text(level)} THEN {_number(adds[k])}" for level, adds in term.levels.items())
    known = f"CASE {x} {levels} ELSE {unseen} END" if levels else unseen
    return f"CASE WHEN {x} IS NULL THEN {missing} ELSE {known} END"


def _unseen(term: CategoryTerm, j: int) -> str:
    x = f't."x{j}"'
    levels = ", ".join(map(_text, term.levels))
    return f"CASE WHEN {x} IS NULL OR {x} IN ({levels}) THEN 0 ELSE 1 END"


def _outside(term: NumberTerm, j: int) -> str:
    x = f't."x{j}"'
    within = _within(x, term.limits or (-LARGEST, LARGEST))
    return f"CASE WHEN {x} IS NULL OR {within} THEN 0 ELSE 1 END"


def _within(x: str, limits: tuple[float, float] = (-LARGEST, LARGEST)) -> str:
    return f"{x} BETWEEN {_number(limits[0])} AND {_number(limits[1])}"


def _sum(parts: Sequence[str]) -> str:
    """a + b + … as a balanced tree; 0 of none."""
    if len(parts) <= 1:
        return parts[0] if parts else "0"
    half = len(parts) // 2
    return f"({_sum(parts[:half])} + {_sum(parts[half:])})"


def _number(value: float) -> str:
    """A double precision literal: with an exponent, and in brackets if negative.

    >>> _number(0.1), _number(-2.0)
    ('0.1e0', '(-2.0e0)')
    """
    text = repr(value + 0.0)
    text = text if "e" in text else f"{text}e0"
    return f"({text})" if text.startswith("-") else text


def _text(value: str) -> str:
    return "'" + _held(value, "the text").replace("'", "''") + "'"


def _name(value: str) -> str:
    if not value:
        raise DataError("a name is empty: SQL has no such names")
    return '"' + _held(value, "the name").replace('"', '""') + '"'


def _held(value: str, what: str) -> str:
    if "\0" in value:
        raise DataError(f"{what} {quoted(value)} holds a NUL character, which SQL cannot: rename it, and fit again")
    return value


def _parts(table: str) -> Iterator[str]:
    """schema.table as its parts; in double quotes a point is an ordinary letter, and two quotes are one."""
    part, inside, letters = "", False, iter(range(len(table)))
    for i in letters:
        letter = table[i]
        if letter == '"' and inside and table[i + 1 : i + 2] == '"':
            part += '"'
            next(letters)
        elif letter == '"':
            inside = not inside
        elif letter == "." and not inside:
            yield part
            part = ""
        else:
            part += letter
    if inside:
        raise DataError(f"the table {quoted(table)} has a double quote that is never closed")
    yield part


def _check_names(names: Sequence[str], keys: Sequence[str]) -> None:
    """Databases do not tell names apart by case alone, even in quotes."""
    seen: dict[str, str] = {}
    for name in dict.fromkeys(names):
        other = seen.setdefault(name.casefold(), name)
        if other != name:
            raise DataError(f"the columns {quoted(other)} and {quoted(name)} differ in case only, which SQL ignores")
    for key in keys:
        if key.casefold() in RESULTS or key.casefold().startswith("probability["):
            raise DataError(f"the key {quoted(key)} has the name of a result: rename it in a view")


def _listed(items: Sequence[str] | Iterator[str], indent: int) -> list[str]:
    """Items of a SELECT, one per line."""
    lines = [" " * indent + item for item in items]
    return [*(f"{line}," for line in lines[:-1]), lines[-1]]
