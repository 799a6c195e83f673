"""Rows in blocks, what is unusual about them, and their fingerprint."""

from __future__ import annotations

import itertools
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp

from steepest.data.classes import place_of_text, places_of
from steepest.data.files import open_source
from steepest.data.fingerprint import Reading
from steepest.data.guards import guard
from steepest.data.model_rows import model_rows
from steepest.data.row_blocks import Coded, RowBlock, rows_together
from steepest.data.schema import Column, Schema
from steepest.errors import DataError
from steepest.types import Block

NUMBER = {"missing": ["error", "indicator", "drop"], "category": ["error", "category", "drop"]}


def block(**columns: Any) -> RowBlock:
    """Lists of numbers (None: missing) or of texts as a block."""
    found: dict[str, Any] = {}
    for name, cells in columns.items():
        if any(isinstance(cell, str) for cell in cells):
            levels: dict[str, int] = {}
            codes = [-1 if cell is None else levels.setdefault(cell, len(levels)) for cell in cells]
            found[name] = Coded(np.array(codes, dtype=np.intp), tuple(levels))
        else:
            found[name] = np.array([math.nan if cell is None else cell for cell in cells])
    return RowBlock(0, len(next(iter(columns.values()))), found, lambda i: f"row {i}")


@pytest.mark.parametrize("missing", ["error", "indicator", "drop"])
@pytest.mark.parametrize("unseen", ["error", "reference"])
@pytest.mark.parametrize("rows", [0, 2])
def test_a_missing_number_by_every_policy(missing: str, unseen: str, rows: int) -> None:
    fill = 7.0 if missing == "indicator" else None
    column = Column("x", "number", missing=missing, unseen=unseen, missing_rows=rows, fill=fill)
    seen = guard(Schema((column,)), [(0.0, 2.0)], block(x=[1.0, None, 3.0]))
    allowed = missing == "indicator" and (rows > 0 or unseen == "reference")
    assert seen.refused.tolist() == [False, not allowed, False]
    assert seen.missing.tolist() == [0, 1, 0]
    assert seen.out_of_range is not None
    assert seen.out_of_range.tolist() == [0, 0, 1]
    X = np.asarray(seen.X).tolist()
    indicated = missing == "indicator" and rows > 0
    assert X[0] == ([1.0, 0.0] if indicated else [1.0])
    if allowed:
        assert X[1] == ([7.0, 1.0] if indicated else [7.0])
    else:
        assert seen.refusal() is not None
        assert seen.refusal().row == 1
        assert "column 'x' is missing" in seen.refusal().why


@pytest.mark.parametrize("missing", ["error", "category", "drop"])
@pytest.mark.parametrize("unseen", ["error", "reference", "missing"])
@pytest.mark.parametrize("rows", [0, 2])
@pytest.mark.parametrize("reference", ["red", None])
def test_a_category_by_every_policy(missing: str, unseen: str, rows: int, reference: str | None) -> None:
    column = Column("c", "category", ("blue", "red"), (1, 1), reference, missing, unseen, rows)
    seen = guard(Schema((column,)), None, block(c=["red", "blue", None, "sky"]))
    level_of_its_own = missing == "category" and rows > 0
    may_miss = level_of_its_own or (missing == "category" and unseen == "reference")
    may_be_new = unseen == "reference" or (unseen == "missing" and level_of_its_own)
    assert seen.refused.tolist() == [False, False, not may_miss, not may_be_new]
    assert seen.missing.tolist() == [0, 0, 1, 0]
    assert seen.unseen.tolist() == [0, 0, 0, 1]
    assert seen.out_of_range is None
    names = column.names
    X = {name: np.asarray(seen.X)[:, j].tolist() for j, name in enumerate(names)}
    assert X["c[blue]"] == [0.0, 1.0, 0.0, 0.0]
    assert ("c[red]" in X) == (reference is None)
    if level_of_its_own:
        assert X["c[missing]"] == [0.0, 0.0, 1.0, float(unseen == "missing")]
    # the same as the design of a frame, where that does not refuse
    if not seen.refused.any():
        frame = pytest.importorskip("polars").DataFrame({"c": ["red", "blue", None, "sky"]})
        assert np.asarray(Schema((column,)).design(frame).X).tolist() == np.asarray(seen.X).tolist()


def test_numbers_that_are_no_numbers_of_a_model() -> None:
    schema = Schema((Column("x", "number"), Column("y", "number")))
    seen = guard(schema, None, block(x=[1.0, math.inf, 0.0], y=[0.0, 1.0, -2e152]))
    assert seen.refused.tolist() == [False, True, True]
    assert np.isfinite(np.asarray(seen.X)).all()
    assert seen.refusal() is not None
    assert seen.refusal().row == 1
    assert "column 'x' is not finite or beyond 1e+152" in seen.refusal().why
    known = guard(schema, [(0.0, 1.0), (0.0, 1.0)], block(x=[1.0, math.inf, 0.0], y=[-0.1, 1.0, -2e152]))
    assert known.out_of_range is not None
    assert known.out_of_range.tolist() == [1, 1, 1]
    with pytest.raises(DataError, match="'x' is a number in the schema, but holds texts in these rows"):
        guard(schema, None, block(x=["a"], y=[1.0]))
    with pytest.raises(DataError, match="'x' is a category in the schema, but holds numbers in these rows"):
        guard(Schema((Column("x", "category", ("a", "b"), (1, 1), "a"),)), None, block(x=[1.0]))


@pytest.mark.parametrize("ranges", [None, [(-1.0, 1.0), None, (0.0, 0.5), None, None]])
def test_many_numbers_together_are_as_one_by_one(rng: np.random.Generator, ranges: Any) -> None:
    """A last column with an indicator makes the schema take the other way."""
    columns = (
        Column("a", "number"),
        Column("b", "number", missing="indicator", unseen="reference", fill=0.25),
        Column("c", "number", missing="drop", missing_rows=2),
        Column("d", "number", missing="indicator", fill=1.0),
    )
    odd = rng.choice([0.5, math.nan, math.inf, -3e152, 1.0, -2.0], size=(200, 4), p=[0.5, 0.1, 0.05, 0.05, 0.2, 0.1])
    cells = {column.name: odd[:, j].tolist() for j, column in enumerate(columns)}
    together = guard(Schema(columns), ranges and ranges[:4], block(**cells))
    last = Column("e", "number", missing="indicator", missing_rows=1, fill=0.0)
    single = guard(Schema((*columns, last)), ranges, block(**cells, e=[0.0] * 200))
    np.testing.assert_array_equal(np.asarray(together.X), np.asarray(single.X)[:, :4])
    for name in ("missing", "unseen", "refused", "out_of_range"):
        np.testing.assert_array_equal(getattr(together, name), getattr(single, name))
    assert together.refusal() == single.refusal()
    assert together.refusal(but=together.refused) is None
    assert together.refused.sum() > 50


def test_whole_numbers_as_levels_are_found_however_they_are_written() -> None:
    column = Column("c", "category", ("1", "2", "-3", "4", "4.0", "05", "x"), (1,) * 7, "x")
    seen = guard(Schema((column,)), None, block(c=["1", "1.0", "2.0", "-3.0", "4", "4.0", "05", "5", "x", "x.0"]))
    assert np.asarray(seen.X).argmax(axis=1).tolist()[:7] == [0, 0, 1, 2, 3, 4, 5]
    assert seen.unseen.tolist() == [0, 0, 0, 0, 0, 0, 0, 1, 0, 1]


def test_rows_of_a_csv_file(tmp_path: Path) -> None:
    file = tmp_path / "t.csv"
    file.write_text("c,extra,x\n red ,q,1\n-,,NA\nNA,q, 2.5 \n,q,-\n")
    (read,) = open_source(file).batches(["x"], {"c": ["-", "red"]})
    assert (read.start, read.m) == (0, 4)
    np.testing.assert_array_equal(read.columns["x"], [1.0, math.nan, 2.5, math.nan])
    c = read.columns["c"]
    assert isinstance(c, Coded)
    assert [None if code < 0 else c.levels[code] for code in c.codes] == ["red", "-", None, None]
    assert read.place(2).endswith("t.csv, line 4")


def test_a_level_with_spaces_is_found_as_it_is_written(tmp_path: Path) -> None:
    file = tmp_path / "t.csv"
    file.write_text("c\n red\nred\n")
    (read,) = open_source(file).batches([], {"c": [" red"]})
    c = read.columns["c"]
    assert isinstance(c, Coded)
    assert [c.levels[code] for code in c.codes] == [" red", "red"]


@pytest.mark.parametrize(
    ("cell", "says"),
    [
        ("x", "column 'x': 'x' is not a number"),
        ("1_000", "'1_000' is not a number"),
        ("9007199254740993", "not exactly representable"),
        ("1e400,", "2 cells"),
    ],
)
def test_cells_that_are_no_numbers(tmp_path: Path, cell: str, says: str) -> None:
    file = tmp_path / "t.csv"
    file.write_text(f"x\n1\n{cell}\n")
    with pytest.raises(DataError, match=says) as caught:
        list(open_source(file).batches(["x"], {}))
    assert "line 3" in str(caught.value)


def test_blocks_are_small_and_in_order(tmp_path: Path) -> None:
    file = tmp_path / "t.csv"
    file.write_text("x\n" + "\n".join(map(str, range(10_000))) + "\n")
    blocks = list(model_rows(file, Schema((Column("x", "number"),))))
    assert [each.start for each in blocks] == [0, 4096, 8192]
    assert np.concatenate([each.columns["x"] for each in blocks]).tolist() == list(range(10_000))
    assert rows_together(1 << 20) == 1
    with pytest.raises(DataError, match="has no column 'y'"):
        next(model_rows(file, Schema((Column("y", "number"),))))


def facts(X: Any, y: Any, weight: Any = None, form: Any = "dense", step: int = 1000) -> Any:
    reading = Reading(X.shape[1], 2, form)
    blocks = (
        Block(X[i : i + step], y[i : i + step], None if weight is None else weight[i : i + step], i)
        for i in range(0, len(y), step)
    )
    for _ in reading.through(blocks):
        pass
    return reading.facts


@pytest.mark.parametrize("form", ["dense", "sparse"])
def test_the_fingerprint_does_not_depend_on_the_blocks(rng: np.random.Generator, form: str) -> None:
    X = rng.normal(size=(100, 3)) * (rng.random((100, 3)) < 0.5)
    y = rng.integers(0, 2, 100).astype(float)
    whole = facts(X, y, form=form)
    for step in (1, 7, 99):
        assert facts(X, y, form=form, step=step).sha256 == whole.sha256
    assert facts(np.asfortranarray(X), y, np.ones(100), form).sha256 == whole.sha256
    assert facts(X + 0.0 * -1.0, y, form=form).sha256 == whole.sha256
    assert whole.counts == (int((y == 0).sum()), int(y.sum()))
    assert (whole.low.tolist(), whole.high.tolist()) == (X.min(axis=0).tolist(), X.max(axis=0).tolist())
    if form == "sparse":
        doubled = sp.csr_array((np.array([1.0, 2.0, 0.0]), np.array([0, 0, 1]), np.array([0, 3, 3])), shape=(2, 3))
        assert facts(doubled, y[:2], form=form).sha256 == facts(doubled.toarray(), y[:2], form=form).sha256


def test_the_fingerprint_sees_every_change(rng: np.random.Generator) -> None:
    X, y = rng.normal(size=(20, 2)), rng.integers(0, 2, 20).astype(float)
    seen = {facts(X, y).sha256}
    for i, j in itertools.product(range(20), range(2)):
        changed = X.copy()
        changed[i, j] = np.nextafter(changed[i, j], 9.0)
        seen.add(facts(changed, y).sha256)
    for i in range(20):
        flipped, weight = y.copy(), np.ones(20)
        flipped[i] = 1.0 - flipped[i]
        weight[i] = 2.0
        seen |= {facts(X, flipped).sha256, facts(X, y, weight).sha256}
    seen |= {facts(X[::-1], y[::-1]).sha256, facts(X[:, ::-1], y).sha256, facts(X[:-1], y[:-1]).sha256}
    seen |= {facts(X.reshape(10, 4), y[:10]).sha256, facts(X, y, form="sparse").sha256}
    assert len(seen) == 1 + 40 + 40 + 3 + 2


def test_rows_without_weight_are_out_of_the_ranges() -> None:
    X = np.array([[1.0], [5.0], [2.0]])
    found = facts(X, np.array([0.0, 1.0, 1.0]), np.array([1.0, 0.0, 1.0]))
    assert (found.low.tolist(), found.high.tolist(), found.counts) == ([1.0], [2.0], (1, 2))


def test_places_of_labels() -> None:
    assert places_of(np.array([2.0, 1.0]), (1, 2), 2).tolist() == [1, 0]
    assert places_of(np.array(["b", "a"], dtype=object), ("a", "b"), 2).tolist() == [1, 0]
    assert places_of(np.array([[True], [False]]), (0, 1), 2).tolist() == [1, 0]
    with pytest.raises(DataError, match="none of the classes 'a', 'b'"):
        places_of(["c"], ("a", "b"), 1)
    with pytest.raises(DataError, match="one label per row"):
        places_of(["a"], ("a", "b"), 2)
    assert (
        place_of_text("1.0", (0, 1)) == place_of_text("1", (False, True)) == place_of_text("True", (False, True)) == 1
    )
    assert place_of_text("1e0", ("0", "1")) == 1
    with pytest.raises(DataError, match="the label 'x' is none of the classes"):
        place_of_text("x", (0, 1))
