"""Schemas: what columns are, what becomes of categories and missing values, and what is refused or remarked."""

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import steepest
from steepest.data import design as design_module
from steepest.data.column_table import ColumnTable
from steepest.data.design import content_by, of_content
from steepest.data.frames import open_frame
from steepest.data.schema import Column

pd = pytest.importorskip("pandas")
pl = pytest.importorskip("polars")
pa = pytest.importorskip("pyarrow")

MAKERS = {"pandas": pd.DataFrame, "polars": lambda data: pl.DataFrame(data, strict=False), "Arrow": pa.table}


@pytest.fixture(params=MAKERS)
def make(request):
    return MAKERS[request.param]


def dense(design):
    return design.X.toarray() if hasattr(design.X, "toarray") else np.asarray(design.X)


# --- levels


def test_levels_are_sorted_whatever_the_order_of_the_rows(make):
    schema = steepest.schema(make({"c": ["b", "a", "c", "a"], "code": ["10", "9", "9", "-1"]}))
    assert [column.levels for column in schema.columns] == [("a", "b", "c"), ("-1", "9", "10")]
    assert schema.columns[0].counts == (2, 1, 1)
    assert schema.names == ("c[b]", "c[c]", "code[9]", "code[10]")
    assert [remark.kind for remark in schema.remarks] == ["numbers-as-text"]


def test_a_declared_order_is_kept():
    low = ["low", "mid", "high"]
    for frame in (
        pd.DataFrame({"c": pd.Categorical(["mid", "low", "high"], categories=low)}),
        pl.DataFrame({"c": pl.Series(["mid", "low", "high"], dtype=pl.Enum(low))}),
        pa.table({"c": pa.DictionaryArray.from_arrays(pa.array([1, 0, 2]), pa.array(low), ordered=True)}),
    ):
        assert steepest.schema(frame).names == ("c[mid]", "c[high]")
    for frame in (
        pl.DataFrame({"c": pl.Series(["mid", "low", "high"], dtype=pl.Categorical)}),
        pa.table({"c": pa.array(["mid", "low", "high"]).dictionary_encode()}),
    ):  # here the order is that of the rows
        assert steepest.schema(frame).names == ("c[low]", "c[mid]")


def test_the_reference_is_the_first_level_or_the_one_asked_for():
    frame = pl.DataFrame({"c": ["a", "b", "c"], "d": ["u", "v", "u"]})
    assert steepest.schema(frame).names == ("c[b]", "c[c]", "d[v]")
    assert steepest.schema(frame, reference={"c": "b"}).names == ("c[a]", "c[c]", "d[v]")
    assert steepest.schema(frame, reference={"c": None}).names == ("c[a]", "c[b]", "c[c]", "d[v]")
    assert steepest.schema(frame, reference=None).names == ("c[a]", "c[b]", "c[c]", "d[u]", "d[v]")
    with pytest.raises(steepest.DataError, match="column 'c' has no level 'B' to refer to: did you mean 'b'"):
        steepest.schema(frame, reference={"c": "B"})
    with pytest.raises(ValueError, match="reference='last'"):
        steepest.schema(frame, reference="last")


def test_levels_that_no_row_has_are_left_out_and_count_as_unseen():
    frame = pd.DataFrame({"c": pd.Categorical(["a", "c"] * 3, categories=["a", "b", "c"]), "y": [0, 1, 1, 0, 1, 1]})
    fit = steepest.fit(frame, "y", l2=0.1)
    assert fit.schema.names == ("c[c]",)
    assert fit.notes[0].kind == "empty-level"
    assert "no row has the level(s) 'b'" in fit.notes[0].text
    with pytest.raises(steepest.DataError, match=r"'c' has levels that the schema does not have, 'b' \(1\)"):
        fit.predict(pd.DataFrame({"c": ["a", "b"]}))


def test_numbers_as_categories(make):
    frame = make({"zip": [10, 2, 10, 2], "half": [0.5, 1.0, 2.0, 0.5], "yes": [True, False, True, True]})
    schema = steepest.schema(frame, categories=["zip", "half", "yes"])
    assert [column.levels for column in schema.columns] == [("2", "10"), ("0.5", "1", "2"), ("0", "1")]
    other = make({"zip": [2.0, 10.0], "half": ["1", "0.5"], "yes": [0, 1]})  # other types, the same levels
    assert dense(schema.design(other)).tolist() == [[0.0, 1.0, 0.0, 0.0], [1.0, 0.0, 0.0, 1.0]]


def test_levels_that_are_written_alike_are_refused():
    with pytest.raises(steepest.DataError, match="'c' has the levels 1 and '1', which are written alike"):
        steepest.schema(pd.DataFrame({"c": pd.Categorical([1, "1", 2])}))


# --- missing values


def gaps():
    return {"x": [1.0, None, 4.0, 2.0, None], "c": ["a", None, "b", "a", "b"], "y": [0, 1, 1, 0, 1]}


def test_missing_values_are_refused_by_name_and_all_at_once(make):
    with pytest.raises(steepest.DataError) as caught:
        steepest.fit(make(gaps()), "y")
    text = str(caught.value)
    assert "column 'x' is missing in 2 of 5 rows (row 1 is the first)" in text
    assert "column 'c' is missing in 1 of 5 rows (row 1 is the first)" in text
    assert "exclude=['x', 'c']" in text


def test_indicators(make):
    schema = steepest.schema(make(gaps()), "y", missing="indicator")
    assert schema.names == ("x", "x[missing]", "c[b]", "c[missing]")
    mean = 7.0 / 3.0
    expected = [[1, 0, 0, 0], [mean, 1, 0, 1], [4, 0, 1, 0], [2, 0, 0, 0], [mean, 1, 1, 0]]
    design = schema.design(make(gaps()))
    assert dense(design).tolist() == expected
    assert design.missing == {"x": 2, "c": 1}
    fit = steepest.fit(make(gaps()), "y", schema=schema, l2=0.1)
    assert [note.kind for note in fit.notes] == ["missing", "missing"]
    assert fit.notes[0].text == "column 'x' is missing in 2 of 5 rows: 2.33333 stands there, and x[missing] is 1"
    assert np.array_equal(fit.w, steepest.fit(expected, gaps()["y"], l2=0.1).w)


def test_nan_is_missing_as_null_is():
    for frame in (
        pl.DataFrame({"x": [1.0, float("nan"), None, 4.0]}),
        pa.table({"x": pa.array([1.0, float("nan"), None, 4.0])}),
        pd.DataFrame({"x": pd.array([1.0, None, None, 4.0], dtype="Float64")}),
        pd.DataFrame({"x": [1.0, None, np.nan, 4.0]}, dtype=object),
    ):
        schema = steepest.schema(frame, missing="indicator")
        assert (schema.columns[0].missing_rows, schema.columns[0].fill) == (2, 2.5)


def test_gaps_that_are_far_apart_are_counted_from_the_first():
    x = np.arange(200_000.0)
    x[[7, 70_000, 199_999]] = np.nan
    with pytest.raises(steepest.DataError, match=r"'x' is missing in 3 of 200,000 rows \(row 7 is the first\)"):
        steepest.schema(pl.DataFrame({"x": x}))
    assert steepest.schema(pl.DataFrame({"x": x}), missing="indicator").columns[0].fill == pytest.approx(np.nanmean(x))


def test_missing_as_a_level_of_its_own(make):
    schema = steepest.schema(make({"c": ["a", None, "missing"]}), missing="category", reference=None)
    assert schema.names == ("c[a]", "c[missing]", "c[(missing)]")
    assert dense(schema.design(make({"c": ["a", None, "missing"]}))).tolist() == [[1, 0, 0], [0, 0, 1], [0, 1, 0]]
    with pytest.raises(
        steepest.DataError, match=r"'x' is a number and is missing in 2 of 5 .*'category' is for categor"
    ):
        steepest.schema(make(gaps()), "y", missing="category")


def test_dropped_rows_count_for_nothing(make):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((200, 3))
    y = (X[:, 0] + rng.logistic(size=200) > 0.0).astype(int)
    out = rng.random(200) < 0.2
    with_gaps = np.where(out & (np.arange(200) % 2 == 0), np.nan, X[:, 1])
    texts = [None if out[i] and i % 2 else "ab"[i % 3 == 0] for i in range(200)]
    frame = make({"u": X[:, 0], "v": with_gaps, "w": X[:, 2], "c": texts, "y": y, "n": 1.0 + np.arange(200) % 2})
    schema = steepest.schema(frame, "y", missing="drop", exclude=["n"])
    fit = steepest.fit(frame, "y", schema=schema)
    kept = np.column_stack([X, np.arange(200) % 3 == 0])[~out].astype(float)
    expected = steepest.fit(kept, y[~out])
    np.testing.assert_allclose(fit.w, expected.w, rtol=1e-6)
    assert fit.notes[-1].text == f"{out.sum()} of 200 rows miss something and are left out"
    weighted = steepest.fit(frame, "y", schema=schema, sample_weight="n")
    expected = steepest.fit(kept, y[~out], sample_weight=1.0 + np.arange(200)[~out] % 2)
    np.testing.assert_allclose(weighted.w, expected.w, rtol=1e-6)
    with pytest.raises(steepest.DataError, match="every row asks for a prediction"):
        fit.predict(frame)
    nothing = make({"u": [0.0, 0.0], "v": [np.nan, np.nan], "w": [1.0, 1.0], "c": ["a", "b"], "y": [0, 1]})
    with pytest.raises(steepest.DataError, match="each of the 2 rows misses something"):
        steepest.fit(nothing, "y", schema=schema)


def test_what_is_missing_later_but_was_never_missing(make):
    frame = {"x": [1.0, 2.0, 6.0, 3.0], "c": ["a", "b", "a", "b"]}
    new = make({"x": [None, 2.0], "c": [None, "b"]})
    for options in ({}, {"missing": "indicator"}):
        schema = steepest.schema(make(frame), **options)
        with pytest.raises(steepest.DataError, match=r"'x' is missing in 1 of 2 rows \(row 0 first\)"):
            schema.design(new)
    schema = steepest.schema(make(frame), missing="indicator", unseen="reference")
    assert schema.names == ("x", "c[b]")
    assert dense(schema.design(new)).tolist() == [[3.0, 0.0], [2.0, 1.0]]
    assert dense(schema.design(make({"x": [None, None], "c": [None, None]}))).tolist() == [[3.0, 0.0], [3.0, 0.0]]


def test_what_was_missing_may_be_there_later(make):
    schema = steepest.schema(make(gaps()), "y", missing="indicator")
    new = make({"x": [5.0], "c": ["b"]})
    assert dense(schema.design(new)).tolist() == [[5.0, 0.0, 1.0, 0.0]]


# --- unseen levels


def test_unseen_levels_are_refused_counted_or_taken_for_another(make):
    frame, new = make({"c": ["a", "b", None, "a"]}), make({"c": ["z", "b", "z", "q", None]})
    by = {
        policy: steepest.schema(frame, missing="category", unseen=policy)
        for policy in ("error", "reference", "missing")
    }
    with pytest.raises(
        steepest.DataError, match=r"'c' has levels that the schema does not have, 'q' \(1\), 'z' \(2\), "
    ):
        by["error"].design(new)
    assert dense(by["reference"].design(new)).tolist() == [[0, 0], [1, 0], [0, 0], [0, 0], [0, 1]]
    assert dense(by["missing"].design(new)).tolist() == [[0, 1], [1, 0], [0, 1], [0, 1], [0, 1]]
    assert by["missing"].design(new).unseen == {"c": {"q": 1, "z": 2}}
    without = steepest.schema(make({"c": ["a", "b"]}), unseen="missing")  # but nothing was missing
    with pytest.raises(steepest.DataError, match="levels that the schema does not have, 'z'"):
        without.design(make({"c": ["z", "a"]}))
    fit = steepest.fit(new, [0, 1, 0, 1, 1], schema=by["reference"], l2=1.0)
    assert [note.kind for note in fit.notes] == ["missing", "unseen-level"]
    assert "'q' (1), 'z' (2): taken as the reference level" in fit.notes[1].text


def test_a_policy_that_cannot_be_kept_is_refused_beforehand(make):
    with pytest.raises(steepest.DataError, match="unseen='missing' needs one"):
        steepest.schema(make({"c": ["a", "b"]}), unseen={"c": "missing"})
    with pytest.raises(steepest.DataError, match="unseen='reference' needs a reference"):
        steepest.schema(make({"c": ["a", "b"]}), unseen="reference", reference=None)
    for options in ({"missing": "ignore"}, {"unseen": {"c": "ignore"}}):
        with pytest.raises(ValueError, match="'ignore' is none of"):
            steepest.schema(make({"c": ["a", "b"]}), **options)
    for options in ({"missing": {"d": "drop"}}, {"exclude": ["d"]}, {"categories": ["d"]}, {"reference": {"d": "a"}}):
        with pytest.raises(steepest.DataError, match="the frame has no column 'd'"):
            steepest.schema(make({"c": ["a", "b"]}), **options)


# --- what is odd, and what is no feature


def test_remarks():
    frame = pl.DataFrame(
        {
            "id": range(100, 200),
            "back": range(100, 0, -1),
            "same": [3.0] * 100,
            "one": ["a"] * 100,
            "some": [None, 1.0] * 50,
            "shuffled": [*range(1, 100), 0],
            "y": [0, 1] * 50,
        }
    )
    schema = steepest.schema(frame, "y", missing="indicator")
    assert [(remark.kind, remark.text.split("'")[1]) for remark in schema.remarks] == [
        ("row-number", "id"),
        ("row-number", "back"),
        ("constant-column", "same"),
        ("constant-column", "one"),
        ("constant-column", "some"),
    ]
    assert all("exclude=[" in remark.text for remark in schema.remarks)


@pytest.mark.parametrize(
    ("column", "reason"),
    [
        ([f"person {k}" for k in range(100)], "holds 100 different texts in 100 rows: it looks like an identifier"),
        ([f"a review of some length, no. {k}, with words" for k in range(100)], "it looks like free text"),
        ([str(k / 7.0) for k in range(100)], "and they spell numbers"),
        ([f"2024-01-{k % 28 + 1:02}" for k in range(100)], "holds dates as texts"),
        (pl.date_range(pl.date(2020, 1, 1), pl.date(2020, 4, 9), eager=True), "holds Date: make a number of it"),
        (pl.Series([1] * 100).cast(pl.Duration), "holds Duration"),
        ([None] * 100, "holds no value in 100 rows"),
        ([float("nan")] * 100, "holds no value in 100 rows"),
        ([[1, 2]] * 100, "holds List"),
        ([{"a": 1}] * 100, "holds Struct"),
        ([b"ab"] * 100, "holds Binary"),
    ],
    ids=["id", "text", "numbers", "dates as text", "date", "duration", "null", "nan", "list", "struct", "binary"],
)
def test_columns_that_are_no_features_are_named(column, reason):
    frame = pl.DataFrame({"x": np.arange(100.0) ** 2, "odd": column})
    with pytest.raises(steepest.DataError) as caught:
        steepest.fit(frame, np.arange(100) % 2)
    assert f"column 'odd' {reason}" in str(caught.value) or reason in str(caught.value)
    assert str(caught.value).endswith("To leave it out: steepest.schema(frame, y, exclude=['odd'])")
    assert steepest.schema(frame, exclude=["odd"]).names == ("x",)


def test_texts_that_are_categories_all_the_same():
    frame = pl.DataFrame({"name": [f"n{k}" for k in range(100)]})
    assert len(steepest.schema(frame, categories=["name"]).names) == 99
    declared = frame.with_columns(pl.col("name").cast(pl.Enum(frame["name"].to_list())))
    assert len(steepest.schema(declared).names) == 99


# --- as data


def test_a_schema_survives_json(make):
    schema = steepest.schema(make(gaps()), "y", missing="indicator", unseen="reference")
    again = steepest.Schema.from_dict(json.loads(json.dumps(schema.to_dict(), allow_nan=False)))
    assert again == schema
    assert hash(again) == hash(schema)
    assert np.array_equal(dense(again.design(make(gaps()))), dense(schema.design(make(gaps()))))


NUMBER = Column("x", "number", missing="indicator", missing_rows=2, fill=1.5)
CATEGORY = Column("c", "category", ("a", "b"), (2, 1), "a")
WRONG = {
    "a field too many": {"more": 1},
    "rows": {"rows": -1},
    "rows as a flag": {"rows": True},
    "target": {"target": 3},
    "excluded": {"excluded": "x"},
    "columns": {"columns": {}},
    "a column that is none": {"columns": [3]},
    "two of one name": {"columns": [0, 0]},
}
WRONG_COLUMN = {
    "kind": {"kind": "date"},
    "name": {"name": 3},
    "missing": {"missing": "ignore"},
    "unseen": {"unseen": None},
    "levels": {"levels": ["a", 3]},
    "counts": {"counts": [2]},
    "negative counts": {"counts": [2, -1]},
    "a level twice": {"levels": ["a", "a"]},
    "reference": {"reference": "z"},
    "fill": {"fill": float("nan")},
    "fill of a category": {"fill": 1.0},
    "indicator of a category": {"missing": "indicator"},
    "levels of a number": {"kind": "number"},
}


def test_documents_that_are_no_schemas_are_refused():
    document = steepest.Schema((NUMBER, CATEGORY), rows=3).to_dict()
    assert steepest.Schema.from_dict(document).columns == (NUMBER, CATEGORY)
    for change in WRONG.values():
        wrong = {**document, **change}
        if change.get("columns") == [0, 0]:
            wrong["columns"] = [document["columns"][0]] * 2
        with pytest.raises(steepest.DataError, match="schema"):
            steepest.Schema.from_dict(wrong)
    for change in WRONG_COLUMN.values():
        with pytest.raises(steepest.DataError, match="schema"):
            steepest.Schema.from_dict({**document, "columns": [{**document["columns"][1], **change}]})
    for field in ("fill", "levels"):
        wrong = {name: value for name, value in document["columns"][0].items() if name != field}
        with pytest.raises(steepest.DataError, match=f"fields too many or too few: '{field}'"):
            steepest.Schema.from_dict({**document, "columns": [wrong]})
    with pytest.raises(steepest.DataError, match="has an indicator, but no fill"):
        steepest.Schema.from_dict({**document, "columns": [{**document["columns"][0], "fill": None}]})


def test_names_of_the_design_are_all_different():
    with pytest.raises(steepest.DataError, match=r"two columns of the design would be called 'c\[b\]': rename"):
        steepest.schema(pl.DataFrame({"c": ["a", "b"], "c[b]": [1.0, 2.0]}))


def test_a_schema_is_shown_as_a_table():
    schema = steepest.schema(pl.DataFrame(gaps()), "y", missing="drop", exclude=["x"])
    assert str(schema).splitlines() == [
        "5 rows, target 'y': 1 columns become 1 of the design",
        "  c  category  a 2 (reference), b 2; 1 missing: rows left out",
        "  left out: 'x'",
    ]
    assert schema.column("c").counts == (2, 2)
    with pytest.raises(steepest.DataError, match="the schema has no column 'x': there are 'c'"):
        schema.column("x")


# --- the expansion against an explicit loop

cells = st.one_of(st.none(), st.sampled_from(["a", "b", "c d", "", "é", "10", "9"]))
numbers = st.one_of(st.none(), st.floats(-1e6, 1e6), st.just(0.0))


@st.composite
def tables(draw):
    m = draw(st.integers(1, 30))
    names = draw(st.lists(st.sampled_from("pqrstuv"), min_size=1, max_size=5, unique=True))
    data = {}
    for name in names:
        kind = draw(st.sampled_from(["text", "number", "flag"]))
        of = {"text": cells, "number": numbers, "flag": st.one_of(st.none(), st.booleans())}[kind]
        column = draw(st.lists(of, min_size=m, max_size=m))
        column[draw(st.integers(0, m - 1))] = {"text": "a", "number": 1.5, "flag": True}[kind]  # not all of it missing
        data[name] = column
    return data, draw(st.sampled_from(["first", None])), draw(st.integers(0, 2**32))


def as_loop(data, schema):
    """The design cell by cell."""
    rows = []
    for i in range(len(next(iter(data.values())))):
        row = []
        for column in schema.columns:
            value = data[column.name][i]
            if column.kind == "number":
                row.append(column.fill if value is None else float(value))
            else:
                row += [float(value == level) for level in column.levels if level != column.reference]
            if column.has_missing:
                row.append(float(value is None))
        rows.append(row)
    return np.array(rows, dtype=np.float64).reshape(len(rows), len(schema.names))


FRAMES = {
    "pandas": pd.DataFrame,
    "pandas nullable": lambda data: pd.DataFrame(data).convert_dtypes(),
    "polars": lambda data: pl.DataFrame(data, strict=False),
    "polars in pieces": lambda data: pl.concat(
        [pl.DataFrame(data, strict=False)[i : i + 1] for i in range(len(next(iter(data.values()))))], rechunk=False
    ),
    "Arrow": pa.table,
    "Arrow dictionaries": lambda data: pa.table(
        {name: pa.array(column).dictionary_encode() if "a" in column else column for name, column in data.items()}
    ),
}


@settings(max_examples=40, deadline=None, derandomize=True)
@given(tables())
def test_the_expansion_is_that_of_an_explicit_loop(table):
    data, reference, seed = table
    schemas = set()
    for make in FRAMES.values():
        frame = make(data)
        schema = steepest.schema(frame, missing="indicator", reference=reference, categories=[])
        expected = as_loop(data, schema)
        assert np.array_equal(dense(schema.design(frame)), expected)
        schemas.add(replace(schema, remarks=()))
        opened = open_frame(frame)
        content = content_by(schema, opened)
        index = np.random.default_rng(seed).integers(0, opened.m, 7)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(design_module, "SMALL", 0)
            patch.setattr(design_module, "STORED", np.inf)
            for up_to in (np.inf, 0):
                X = of_content(content, schema, opened.m, up_to).X
                assert np.array_equal(dense(design_module.Design(X, (), {}, {})), expected)
                if isinstance(X, ColumnTable):
                    assert np.array_equal(X[index], expected[index])
                    weights = np.arange(1.0, 1.0 + X.shape[1])
                    np.testing.assert_allclose(X @ weights, expected @ weights, rtol=1e-12, atol=1e-6)
                    every = slice(0, opened.m)
                    np.testing.assert_allclose(X._looked_up(weights, every), expected @ weights, rtol=1e-12, atol=1e-6)
    assert len(schemas) == 1  # the same schema, to the last bit of every mean, whoever owned the columns


def test_many_levels_become_sparse_rows_with_the_same_optimum(monkeypatch):
    """For what is not fitted from codes: K classes, descent, an l1; two classes are."""
    rng = np.random.default_rng(1)
    m, levels = 20_000, [f"l{k}" for k in range(300)]
    data = {"x": np.round(rng.standard_normal(m), 1), "c": rng.choice(levels, m), "d": rng.choice(levels, m)}
    y = data["x"] + np.char.endswith(data["c"], "7") + rng.logistic(size=m) > 0.0
    frame = pl.DataFrame(data)
    schema = steepest.schema(frame)
    opened = open_frame(frame)
    content = content_by(schema, opened)
    with monkeypatch.context() as patched:
        patched.setattr("steepest.data.design.pays", lambda table: False)
        sparse = of_content(content, schema, m, 0).X
    table = of_content(content, schema, m).X
    assert sparse.format == "csr"
    assert isinstance(table, ColumnTable)
    assert np.array_equal(sparse.toarray(), np.asarray(table))
    assert not np.any(sparse.data == 0.0)
    fit = steepest.fit(frame, y, l2=1e-3)
    expected = steepest.fit(np.asarray(table), y, l2=1e-3)
    assert fit.certificate.exists == "proved"
    assert fit.value == pytest.approx(expected.value, rel=3e-9)
    np.testing.assert_allclose(fit.predict_proba(frame), expected.predict_proba(np.asarray(table)), atol=1e-4)
    classes = np.digitize(data["x"] + rng.logistic(size=m), [-1.0, 1.0])
    three, expected = (steepest.fit(rows, classes, l2=1e-2) for rows in (frame, np.asarray(table)))
    np.testing.assert_allclose(three.predict_proba(frame), expected.predict_proba(np.asarray(table)), atol=1e-4)
    descent = steepest.fit(frame, y, learning_rate=0.01, iterations=2)
    assert descent.iterations == 2
