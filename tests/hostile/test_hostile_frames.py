"""Frames that mean trouble: each gives the right value, or one sentence that names the column and the remedy."""

import datetime as dt
import decimal
import fractions

import numpy as np
import pytest

import steepest

pd = pytest.importorskip("pandas")
pl = pytest.importorskip("polars")
pa = pytest.importorskip("pyarrow")

M = 40
Y = np.arange(M) % 3 == 0
X = np.sqrt(np.arange(M) * 7.0 % 11.0)


def spread(*values):
    """M cells of these values, in turn."""
    return [values[k % len(values)] for k in range(M)]


def fails(frame, *parts, y=Y, **options):
    with pytest.raises(steepest.DataError) as caught:
        steepest.fit(frame, y, **options)
    text = str(caught.value)
    assert "\n" not in text
    for part in parts:
        assert part in text, text


@pytest.mark.parametrize(
    "frame",
    [
        pd.DataFrame(np.zeros((M, 2)), columns=["a", "a"]),
        pd.DataFrame(np.zeros((M, 2)), columns=["1", 1]),
        pa.table([pa.array(X), pa.array(X)], names=["a", "a"]),
        pa.table([pa.array(X), pa.array(X)], names=["a", "a"]).to_batches()[0],
    ],
    ids=["pandas", "text and number", "Arrow", "Arrow batch"],
)
def test_duplicate_names(frame):
    fails(frame, "2 columns of the frame are called", "give every column a name of its own")


def test_frames_without_rows_or_columns():
    fails(pd.DataFrame({"a": []}), "the frame has no rows", y=[])
    fails(pl.DataFrame(), "the frame has no rows", y=[])
    fails(pd.DataFrame({"y": Y}), "no columns beside the target", y="y")
    fit = steepest.fit(pl.DataFrame({"x": X}), Y)
    with pytest.raises(steepest.DataError, match="the frame has no rows"):
        fit.predict(pl.DataFrame({"x": X}).head(0))


def test_names_that_repaint_a_terminal():
    frame = pl.DataFrame({"x\x1b[31m\u202e": spread("a", None)})
    fails(frame, r"column 'x\x1b[31m\u202e' is missing")
    fit = steepest.fit(pl.DataFrame({"": X, "é\n": spread("\x00", "b", "")}), Y, l2=0.1)
    assert fit.feature_names == ("", "é\n[\x00]", "é\n[b]")
    assert "\n" not in str(fit.schema).splitlines()[2]
    assert r"'' 13 (reference), \x00 14" in str(fit.schema)


# --- columns of Python objects


@pytest.mark.parametrize(
    ("column", "parts"),
    [
        (spread(1, "x"), ("mixes text and numbers: 'x' in row 1, 1 in row 0",)),
        (spread("x", 1.5), ("mixes text and numbers: 'x' in row 0, 1.5 in row 1",)),
        (spread([1], [2]), ("holds objects of type list ('[1]' in row 0)",)),
        (spread({"a": 1}), ("holds objects of type dict",)),
        (spread(dt.date(2020, 1, 1)), ("type date ('2020-01-01' in row 0)",)),
        (spread(1.0, 1j), ("type complex",)),
        (spread(2**53 + 1), ("holds 9007199254740993 in row 0, an integer that is not exactly representable",)),
        (spread(0, 10**400), ("in row 1, an integer that is not exactly representable",)),
        (spread(1.0, 1e200), ("is 1e+200 in row 1: values beyond 1e+152 cannot be squared",)),
        (spread(1.0, float("inf")), ("is inf in row 1: every value must be finite",)),
        (spread(None, pd.NA, float("nan"), pd.NaT), ("holds no value in 40 rows",)),
    ],
    ids=["text second", "text first", "lists", "dicts", "dates", "complex", "id", "huge", "large", "inf", "nothing"],
)
def test_objects(column, parts):
    frame = pd.DataFrame({"x": X, "odd": pd.Series(column, dtype=object)})
    fails(frame, "column 'odd' ", *parts)


def test_objects_that_are_numbers():
    odd = spread(decimal.Decimal("1.5"), fractions.Fraction(1, 4), True, np.float32(0.5), np.bool_(False), 2**60)
    fit = steepest.fit(pd.DataFrame({"odd": pd.Series(odd, dtype=object)}), Y)
    assert np.array_equal(fit.w, steepest.fit([[float(value)] for value in odd], Y).w)


def test_missing_objects_of_every_kind_are_one_thing():
    odd = spread(1.0, None, pd.NA, float("nan"), 3.0, decimal.Decimal("NaN"))
    schema = steepest.schema(pd.DataFrame({"odd": pd.Series(odd, dtype=object)}), missing="indicator")
    assert schema.columns[0].missing_rows == sum(1 for value in odd if not isinstance(value, float) or value != value)


# --- integers, decimals, dates


@pytest.mark.parametrize(
    "column",
    [
        pd.Series(spread(1, 2**53 + 1)),
        pd.Series(spread(1, 2**63 + 1), dtype="uint64"),
        pd.Series(spread(1, None, 2**53 + 1), dtype="Int64"),
        pd.Series(spread(1, None, -(2**53) - 1), dtype="int64[pyarrow]"),
        pl.Series(spread(1, 2**53 + 1)),
        pl.Series(spread(1, None, 2**53 + 1)),
        pl.Series(spread(1, 2**70 + 1), dtype=getattr(pl, "Int128", pl.Object)),
    ],
    ids=lambda column: f"{type(column).__module__.split('.')[0]} {column.dtype}",
)
def test_integers_that_no_float_equals(column):
    frame = pd.DataFrame({"id": column}) if isinstance(column, pd.Series) else pl.DataFrame({"id": column})
    fails(frame, "column 'id' holds ", "is not exactly representable as a float: if it is an identifier")


def test_large_integers_that_are_floats():
    for column in (pl.Series(spread(2**60, 2**61)), pl.Series(spread(2**60, None, 2**61))):
        frame = pl.DataFrame({"big": column})
        X = steepest.schema(frame, missing="drop").design(frame.drop_nulls()).X
        assert set(np.asarray(X).ravel()) == {2.0**60, 2.0**61}


@pytest.mark.parametrize(
    "column",
    [
        pl.Series(spread(dt.datetime(2020, 1, 1))),
        pl.Series(spread(dt.time(1, 2))),
        pd.Series(pd.date_range("2020", periods=M, tz="UTC")),
        pd.Series(pd.to_timedelta(np.arange(M), "s")),
        pd.Series(pd.period_range("2020", periods=M)),
        pd.Series(pd.interval_range(0, M)),
        pd.Series(np.full(M, 1j)),
    ],
    ids=lambda column: str(column.dtype),
)
def test_columns_that_are_neither_numbers_nor_categories(column):
    frame = (
        pd.DataFrame({"x": X, "odd": column})
        if isinstance(column, pd.Series)
        else pl.DataFrame({"x": X, "odd": column})
    )
    fails(frame, "column 'odd' holds ", "exclude=['odd']")


@pytest.mark.parametrize(
    "column",
    [
        pd.array(spread(0, 1, 2), dtype="Sparse[int]"),
        pd.array(spread(0.0, 1.0, 2.0), dtype="Sparse[float]"),
        pd.array(spread(0, 1, 2), dtype="UInt8"),
        pd.array(spread(0, 1, 2), dtype="float[pyarrow]"),
        np.array(spread(0, 1, 2), dtype=">i4"),
        np.array(spread(0, 1, 2), dtype=np.longdouble),
    ],
    ids=lambda column: str(column.dtype),
)
def test_numbers_of_odd_types(column):
    fit = steepest.fit(pd.DataFrame({"x": X, "odd": column}), Y)
    expected = steepest.fit(np.column_stack([X, spread(0.0, 1.0, 2.0)]), Y)
    assert np.array_equal(fit.w, expected.w)


def test_arrow_columns_of_odd_types():
    ends = pa.array(np.arange(1, M + 1), pa.int32())
    for odd in (
        pa.RunEndEncodedArray.from_arrays(ends, pa.array(spread(0.0, 1.0, 2.0))),
        pa.array(np.array(spread(0, 1, 2), dtype=np.float16)),
        pa.array(spread(0, 1, 2)).cast(pa.decimal128(25, 2)),
        pa.chunked_array([pa.array([], pa.int8()), pa.array(spread(0, 1, 2), pa.int8())]),
    ):
        fit = steepest.fit(pa.table({"x": X, "odd": odd}), Y)
        assert np.array_equal(fit.w, steepest.fit(np.column_stack([X, spread(0.0, 1.0, 2.0)]), Y).w)
    fails(pa.table({"x": X, "odd": pa.nulls(M)}), "column 'odd' holds no value")


def test_dictionaries_that_differ_from_piece_to_piece_or_hold_a_null():
    pieces = pa.chunked_array(
        [pa.array(part).dictionary_encode() for part in (["a", None], ["c", "a"], ["b"], ["c"] * 36)]
    )
    schema = steepest.schema(pa.table({"c": pieces}), missing="category")
    assert schema.columns[0].counts == (2, 1, 37 - 1 + 1)
    held = pa.DictionaryArray.from_arrays(pa.array([0, 1, 2, None]), pa.array(["b", None, "a"]))
    schema = steepest.schema(pa.table({"c": held}), missing="category")
    assert (schema.columns[0].levels, schema.columns[0].missing_rows) == (("a", "b"), 2)


def test_categories_that_are_no_texts():
    for values in (
        [0.5, 2.0, 3.5],
        [dt.date(2020, 1, 1), dt.date(2021, 1, 1)],
        [(0, 1), (1, 2)],
        [True, False],
    ):
        column = pd.Categorical.from_codes(
            spread(*range(len(values))), categories=pd.Index(values, tupleize_cols=False)
        )
        schema = steepest.schema(pd.DataFrame({"c": column}))
        assert len(schema.columns[0].levels) == len(values)
    cut = pd.cut(pd.Series(X), [-1.0, 1.0, 2.0, 4.0])
    assert steepest.schema(pd.DataFrame({"c": cut})).columns[0].levels == ("(-1.0, 1.0]", "(1.0, 2.0]", "(2.0, 4.0]")


# --- other types than in the fit


def test_columns_that_change_their_type_between_fit_and_prediction():
    frame = pl.DataFrame({"x": X, "c": spread("1", "2", "b")})
    fit = steepest.fit(frame, Y, l2=0.1)
    for wrong in (frame.cast({"x": pl.String}), frame.with_columns(x=pl.Series(spread(dt.date(2020, 1, 1))))):
        with pytest.raises(steepest.DataError, match="column 'x' is of numbers in the schema, but holds"):
            fit.predict(wrong)
    with pytest.raises(steepest.DataError, match="column 'c' holds Date, which is no category"):
        fit.predict(frame.with_columns(c=pl.Series(spread(dt.date(2020, 1, 1)))))
    numbers = frame.with_columns(c=pl.Series(spread(1, 2)))
    texts = frame.with_columns(c=pl.Series(spread("1", "2")))
    assert np.array_equal(fit.predict_proba(numbers), fit.predict_proba(texts))
    assert np.array_equal(fit.predict_proba(frame.cast({"x": pl.Float64})), fit.predict_proba(frame.to_pandas()))


def test_values_at_prediction_are_checked_by_name():
    fit = steepest.fit(pl.DataFrame({"x": X, "z": X**2}), Y)
    for bad, reason in (
        (np.inf, "is inf in row 3"),
        (-1e200, "is -1e+200 in row 3"),
        (np.nan, "is missing in 1 of 40"),
    ):
        new = X.copy()
        new[3] = bad
        with pytest.raises(steepest.DataError, match=f"column 'z' {reason}".replace("+", r"\+")):
            fit.predict_proba(pl.DataFrame({"x": X, "z": new}))


def test_streams_without_a_reader(monkeypatch):
    monkeypatch.setattr("steepest.data.frames.find_spec", lambda name: None)
    arro3 = pytest.importorskip("arro3.core")
    fails(arro3.Table.from_arrow(pa.table({"x": X})), "a Table is read by way of Arrow: install pyarrow or polars")


def test_streams_are_read_by_polars_where_there_is_no_pyarrow(monkeypatch):
    arro3 = pytest.importorskip("arro3.core")
    monkeypatch.setattr("steepest.data.frames.READERS", (("polars", "DataFrame"),))
    fit = steepest.fit(arro3.Table.from_arrow(pa.table({"x": X, "y": Y})), "y")
    assert np.array_equal(fit.w, steepest.fit(X[:, None], Y).w)


def test_many_troubles_are_summed_up():
    frame = pl.DataFrame({f"n{k}": [f"{k}-{i}" for i in range(M)] for k in range(30)})
    with pytest.raises(steepest.DataError) as caught:
        steepest.fit(frame, Y)
    assert "; … 30 columns in all. To leave them out: steepest.schema(frame, y, exclude=…)" in str(caught.value)
    assert len(str(caught.value)) < 2000
