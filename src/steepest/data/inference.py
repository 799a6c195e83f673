"""A frame -> its schema: what each column is, what is refused, and what is worth a remark.

Refused, by name and all at once: dates, texts that do not group rows (identifiers, free text), columns without a value,
nested and mixed ones, missing values without a policy. Nothing is dropped, filled or encoded without being asked for,
but texts and categories, which have one natural encoding.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any

import numpy as np

from steepest.data.arrays import is_paths
from steepest.data.categories import Category, looks_like
from steepest.data.content import Content, Measured, as_category, as_number, look, mean_of
from steepest.data.frames import Frame, Given, open_frame
from steepest.data.quoting import all_numbers, quoted
from steepest.data.schema import RARE, Column, Remark, Schema
from steepest.data.wishes import SHOWN, Wishes
from steepest.errors import DataError

__all__ = ["infer", "schema", "schema_from"]


def schema(
    frame: Any,
    y: str | None = None,
    *,
    missing: str | Mapping[str, str] = "error",
    unseen: str | Mapping[str, str] = "error",
    reference: str | Mapping[str, str | None] | None = "first",
    exclude: Sequence[str] = (),
    categories: Sequence[str] = (),
    rare: float | Mapping[str, float] = 0,
    missing_texts: Sequence[str] | None = None,
) -> Schema:
    """What the columns of a frame are, to be looked at, kept, and given to `steepest.fit(frame, y, schema=…)`.

    Parameters
    ----------
    frame
        pandas, polars, pyarrow, DuckDB, or anything else with an Arrow stream; see `docs/inputs.md`.
    y
        The name of the target, which is no feature.
    missing
        What to do with missing values (nulls and NaN): "error"; "indicator": of numbers, the mean and a column that is
        1 where it was missing; "category": of categories, a level of its own (so does "indicator" there); "drop": leave
        such rows out. One for all, or by name: {"age": "indicator"}.
    unseen
        What to do, when the schema is used later, with a level that it does not have, and with a missing value in a
        column that had none: "error"; "reference": the reference level, or the mean; "missing": as if it were missing;
        "rare": as one of the rare levels, where there are some.
    reference
        "first" level of each category, or by name: {"colour": "red"}; the others follow the rule. None: every level
        has a column; with a penalty none is favoured then, without one the columns depend on each other.
    exclude
        Names of columns to leave out.
    categories
        Names of columns of numbers, each value of which is a level; and of texts that are categories all the same.
    rare
        Levels with fewer rows than this count as one level, "(rare)"; below 1 it is a share of the rows. One for all,
        or by name: {"town": 50}.
    missing_texts
        Of files: the texts that mean a missing value, in any case, beside the empty cell of CSV. None: NA, N/A, null,
        nan, ? and - in CSV, and no text in Parquet. The schema keeps them, and so does the model.

    Returns
    -------
    Schema
        Frozen; `print` shows it, `names` are the columns of the design, `remarks` what was odd.

    Raises
    ------
    DataError
        naming all columns that cannot be used, with the reason and the remedy.

    Examples
    --------
    >>> import polars as pl
    >>> frame = pl.DataFrame({"size": [1.0, None, 3.0], "colour": ["red", "sky", "red"], "y": [0, 1, 1]})
    >>> print(schema(frame, "y", missing="indicator"))
    3 rows, target 'y': 2 columns become 3 of the design
      size    number    1 missing: 2 and an indicator
      colour  category  red 2 (reference), sky 1

    """
    wishes = Wishes(missing, unseen, reference, tuple(exclude), tuple(categories), rare)
    special = () if y is None else (y,)
    if is_paths(frame):
        return import_module("steepest.data.files.table").schema_of_files(frame, y, wishes, missing_texts)  # type: ignore[no-any-return]
    if missing_texts is not None:
        raise DataError("missing_texts are for files: replace such values of a frame by nulls")
    found, _ = infer(open_frame(frame), special, wishes)
    return found


def infer(frame: Frame, special: Sequence[str], wishes: Wishes) -> tuple[Schema, Mapping[str, Content]]:
    """The schema of all columns but the `special` ones and those excluded, and what is in them."""
    wishes.check(frame.names)
    for name in special:
        frame.column(name)
    names = [name for name in frame.names if name not in special and name not in wishes.exclude]
    if not frame.m or not names:
        what = "rows" if not frame.m else "columns beside the target and those left out"
        raise DataError(f"the frame has no {what}: there is nothing to fit")
    content, troubles = _contents(frame, names, wishes)
    return schema_from(names, content, troubles, (special[0] if special else None, frame.m), wishes), content


def schema_from(
    names: Sequence[str],
    content: Mapping[str, Content],
    troubles: dict[str, str],
    about: tuple[str | None, int],
    wishes: Wishes,
) -> Schema:
    """The schema of columns whose content is known, `about` a target and a number of rows.

    DataError sums up what is wrong with them, and the `troubles` that were found before.
    """
    target, m = about
    remarks: list[Remark] = []
    columns = []
    for name in names:
        if name in troubles:
            continue
        try:
            columns.append(_column(name, content[name], m, wishes))
            remarks += _remarks(columns[-1], content[name], m, wishes)
        except DataError as error:
            troubles[name] = str(error)
    if troubles:
        raise DataError(_summed_up([(name, troubles[name]) for name in names if name in troubles], wishes))
    return Schema(tuple(columns), target, wishes.exclude, m, tuple(remarks))


def _contents(frame: Frame, names: Sequence[str], wishes: Wishes) -> tuple[dict[str, Content], dict[str, str]]:
    """What is in each column, and what is wrong with those that cannot be read."""
    content: dict[str, Content] = {}
    troubles: dict[str, str] = {}
    measured: list[Measured] = []
    for name in names:
        given = frame.column(name)
        try:
            if name in wishes.categories or given.kind == "category":
                content[name] = found = as_category(given, frame.m)
                what = "" if name in wishes.categories else looks_like(found)
                if what:
                    raise DataError(f"column {quoted(name)} {what}")
            else:
                _check_kind(given, frame.m)
                measured.append(as_number(given, frame.m))
        except DataError as error:
            troubles[name] = str(error)
    content |= look(measured, frame.m)
    return content, troubles


def _check_kind(given: Given, m: int) -> None:
    name = quoted(given.name)
    if given.kind == "date":
        raise DataError(
            f"column {name} holds {given.shown}: make a number of it (days since a date) or a category (month, weekday)"
        )
    if given.kind == "empty":
        raise DataError(f"column {name} holds no value in {m:,} rows")
    if given.kind == "other":
        raise DataError(f"column {name} holds {given.shown}, which is neither a number nor a category: convert it")


def _column(name: str, found: Content, m: int, wishes: Wishes) -> Column:
    if found.missing == m:
        raise DataError(f"column {quoted(name)} holds no value in {m:,} rows")
    missing, unseen = _missing_policy(name, found, m, wishes), wishes.unseen_of(name)
    if unseen == "missing" and isinstance(wishes.unseen, Mapping) and not (missing == "category" and found.missing):
        raise DataError(f"column {quoted(name)} has no level for what is missing: unseen='missing' needs one")
    if isinstance(found, Measured):
        fill = mean_of(found, m) if missing == "indicator" else None
        return Column(name, "number", missing=missing, unseen=unseen, missing_rows=found.missing, fill=fill)
    levels, counts, rare = _grouped(found, wishes.least_of(name, m))
    unseen = "error" if unseen == "rare" and not rare else unseen
    reference = wishes.reference_of(name, levels)
    if unseen == "reference" and reference is None:
        raise DataError(f"column {quoted(name)}: unseen='reference' needs a reference, but every level has a column")
    return Column(name, "category", levels, counts, reference, missing, unseen, found.missing, rare=rare)


def _grouped(found: Category, least: float) -> tuple[tuple[str, ...], tuple[int, ...], tuple[str, ...]]:
    """Levels and their counts, those with fewer than `least` rows together as the last one; and which those are."""
    pairs = list(zip(found.levels, found.counts, strict=True))
    rare = tuple(level for level, count in pairs if count < least)
    if not rare:
        return found.levels, found.counts, ()
    kept = [(level, count) for level, count in pairs if count >= least]
    name = RARE if RARE not in found.levels else f"({RARE})"
    together = sum(count for _, count in pairs) - sum(count for _, count in kept)
    return (*(level for level, _ in kept), name), (*(count for _, count in kept), together), rare


def _missing_policy(name: str, found: Content, m: int, wishes: Wishes) -> str:
    """The policy that was asked for, if it suits the column and what is missing in it."""
    category = isinstance(found, Category)
    policy = wishes.missing_of(name, category)
    if policy == "category" and not category:
        if isinstance(wishes.missing, Mapping) or found.missing:
            gaps = f" and{_gaps(found, m, wishes)}" if found.missing else ""
            raise DataError(f"column {quoted(name)} is a number{gaps}: missing='category' is for categories")
        policy = "error"
    if found.missing and policy == "error":
        cure = wishes.wording.missing.format("'category' or 'drop'" if category else "'indicator' or 'drop'")
        raise DataError(f"column {quoted(name)}{_gaps(found, m, wishes)}: fill them in, or say {cure}")
    return policy


def _gaps(found: Content, m: int, wishes: Wishes) -> str:
    first = wishes.wording.row(found.first_missing)
    return f" is missing in {found.missing:,} of {m:,} rows ({first} is the first)"


def _remarks(column: Column, found: Content, m: int, wishes: Wishes) -> list[Remark]:
    """What is odd about a column that is used all the same."""
    name = column.name
    leave = f"leave it out ({wishes.wording.leave([name])})"
    shown = f"column {quoted(name)}"
    remarks = []
    if isinstance(found, Measured):
        if found.low == found.high:
            says = "the intercept says the same" if not found.missing else "only whether it is missing says something"
            remarks.append(
                Remark("constant-column", f"{shown} is {found.low:.6g} wherever it is given: {says}; {leave}")
            )
        elif found.whole and not found.missing and found.high - found.low == m - 1 and _counts_rows(found, m):
            remarks.append(Remark("row-number", f"{shown} counts the rows: it looks like an identifier; {leave}"))
        return remarks
    if column.rare:
        some = ", ".join(quoted(level) for level in column.rare[:SHOWN]) + (", …" if len(column.rare) > SHOWN else "")
        text = f"{shown}: {len(column.rare):,} rare levels ({some}), {column.counts[-1]:,} rows, count as one"
        remarks.append(Remark("rare-levels", f"{text}, {column.levels[-1]}"))
    if len(found.levels) == 1:
        remarks.append(Remark("constant-column", f"{shown} has one level only, {quoted(found.levels[0])}; {leave}"))
    if found.left_out:
        some = ", ".join(quoted(level) for level in found.left_out[:SHOWN])
        text = f"{shown}: no row has the level(s) {some}; they are left out, and count as unseen later"
        remarks.append(Remark("empty-level", text))
    if not found.declared and len(found.levels) > 2 and all_numbers(found.levels):
        text = f"{shown} holds texts that spell numbers: they are levels here; convert them if they measure something"
        remarks.append(Remark("numbers-as-text", text))
    return remarks


def _counts_rows(found: Measured, m: int) -> bool:
    """Whether a column goes up, or down, by one from row to row."""
    step = found.numbers.take(np.array([0, m - 1]))
    rises = 1 if step[1] > step[0] else -1
    for start in range(0, m - 1, 1 << 16):
        part = np.asarray(found.numbers.take(slice(start, min(start + (1 << 16) + 1, m))), dtype=np.float64)
        if np.any(np.diff(part) != rises):
            return False
    return True


def _summed_up(troubles: Sequence[tuple[str, str]], wishes: Wishes) -> str:
    """All that is wrong in one message, with what leaves those columns out."""
    sentences = "; ".join(text for _, text in troubles[:SHOWN])
    more = f"; … {len(troubles)} columns in all" if len(troubles) > SHOWN else ""
    names = [name for name, _ in troubles]
    return f"{sentences}{more}. To leave {'it' if len(names) == 1 else 'them'} out: {wishes.wording.leave(names)}"
