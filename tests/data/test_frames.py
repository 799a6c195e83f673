"""Frames of every kind: the same numbers give the same bits, columns are found by name, matrices are read in place."""

import subprocess
import sys
import warnings

import numpy as np
import pytest

import steepest
from steepest.data import receive
from steepest.data.arrays import as_array, as_table, is_column, is_frame
from steepest.data.column_table import ColumnTable

pd = pytest.importorskip("pandas")
pl = pytest.importorskip("polars")
pa = pytest.importorskip("pyarrow")

M = 300
COLOURS = ["lime", "red", "sky"]


def columns(seed=0, m=M):
    rng = np.random.default_rng(seed)
    size, count = rng.standard_normal(m), rng.integers(-3, 9, m)
    colour, flag = rng.choice(COLOURS, m), rng.random(m) > 0.5
    z = size - 0.2 * count + (colour == "red") + rng.logistic(size=m)
    return {"size": size, "count": count, "colour": colour, "flag": flag, "bought": np.where(z > 0.0, "yes", "no")}


def loop(given):
    """The design by an explicit loop: the referee."""
    rows = []
    for i in range(len(given["size"])):
        levels = [1.0 if given["colour"][i] == level else 0.0 for level in COLOURS[1:]]
        rows.append([float(given["size"][i]), float(given["count"][i]), *levels, float(given["flag"][i])])
    return np.array(rows)


def arro(given):
    return pytest.importorskip("arro3.core").Table.from_arrow(pa.table(given))


def duck(given):
    duckdb = pytest.importorskip("duckdb")
    return duckdb.from_arrow(pa.table(given))


def dask(given):
    return pytest.importorskip("dask.dataframe").from_pandas(pd.DataFrame(given), npartitions=3)


def chunked(given):
    whole = pl.DataFrame(given)
    return pl.concat([whole[:100], whole[100:101], whole[101:]], rechunk=False)


def odd_pandas(given):
    """An index that is no range, names that are no texts, columns of several blocks."""
    frame = pd.DataFrame(given, index=np.arange(M)[::-1] * 7)
    return frame.rename(columns={"size": 0, "flag": ("a", 1)})


MAKERS = {
    "pandas": pd.DataFrame,
    "pandas categories": lambda given: pd.DataFrame(given).astype({"colour": "category"}),
    "pandas objects": lambda given: pd.DataFrame(given).astype(object),
    "pandas nullable": lambda given: pd.DataFrame(given).convert_dtypes(),
    "pandas on Arrow": lambda given: pd.DataFrame(given).convert_dtypes(dtype_backend="pyarrow"),
    "pandas Arrow dictionary": lambda given: pd.DataFrame(given).assign(
        colour=pd.arrays.ArrowExtensionArray(pa.array(given["colour"]).dictionary_encode())
    ),
    "polars": pl.DataFrame,
    "polars lazy": lambda given: pl.DataFrame(given).lazy(),
    "polars in pieces": chunked,
    "polars categories": lambda given: pl.DataFrame(given).with_columns(pl.col("colour").cast(pl.Categorical)),
    "polars Enum": lambda given: pl.DataFrame(given).with_columns(pl.col("colour").cast(pl.Enum(COLOURS))),
    "polars Decimal": lambda given: pl.DataFrame(given).with_columns(pl.col("count").cast(pl.Decimal(12, 2))),
    "Arrow": pa.table,
    "Arrow batch": lambda given: pa.table(given).to_batches()[0],
    "Arrow reader": lambda given: pa.table(given).to_reader(),
    "Arrow dictionary": lambda given: pa.table({**given, "colour": pa.array(given["colour"]).dictionary_encode()}),
    "Arrow large strings": lambda given: pa.table(
        {**given, "colour": pa.array(given["colour"].tolist(), pa.large_string())}
    ),
    "Arrow string view": lambda given: pa.table(
        {**given, "colour": pa.array(given["colour"].tolist(), pa.string_view())}
    ),
    "Arrow decimals": lambda given: pa.table({**given, "count": pa.array(given["count"]).cast(pa.decimal128(25, 3))}),
    "arro3": arro,
    "DuckDB": duck,
    "Dask": dask,
}
if hasattr(pl, "Int128"):
    MAKERS["polars Int128"] = lambda given: pl.DataFrame(given).with_columns(pl.col("count").cast(pl.Int128))


@pytest.fixture(scope="module")
def referee():
    given = columns()
    X = loop(given)
    return X, steepest.fit(X, given["bought"], l2=0.01)


@pytest.mark.parametrize("kind", MAKERS)
def test_every_kind_of_frame_gives_the_bits_of_the_array(kind, referee):
    X, expected = referee
    frame = MAKERS[kind](columns())
    assert is_frame(frame)
    fit = steepest.fit(frame, "bought", l2=0.01)
    assert fit.feature_names == ("size", "count", "colour[red]", "colour[sky]", "flag")
    assert fit.classes == ("no", "yes")
    assert fit.w.tobytes() == expected.w.tobytes()
    assert fit.b == expected.b
    assert fit.notes == ()
    if kind != "Arrow reader":  # which can be read once
        assert fit.predict_proba(frame).tobytes() == expected.predict_proba(X).tobytes()
    assert fit.predict_proba(pl.DataFrame(columns())).tobytes() == expected.predict_proba(X).tobytes()
    assert steepest.Schema.from_dict(fit.schema.to_dict()) == fit.schema


def test_names_that_are_no_texts_and_an_index_that_is_no_range(referee):
    _, expected = referee
    fit = steepest.fit(odd_pandas(columns()), "bought", l2=0.01)
    assert fit.feature_names == ("0", "count", "colour[red]", "colour[sky]", "('a', 1)")
    assert fit.w.tobytes() == expected.w.tobytes()


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int8, np.uint64, np.bool_, np.float16, ">f8"])
def test_a_frame_that_is_a_matrix_is_read_in_place(order, dtype):
    X = np.asarray(np.random.default_rng(1).integers(0, 2, (40_000, 30)), dtype=dtype, order=order)
    frame = pd.DataFrame(X, copy=False)
    received = receive(frame, np.arange(len(X)) % 2, None, None, np.inf)
    assert np.shares_memory(received.X, X)
    assert received.X.dtype == X.dtype
    assert np.array_equal(received.X, X)
    assert not received.X.flags.writeable


def test_a_target_in_front_of_the_matrix_does_not_make_a_copy():
    X = np.random.default_rng(2).standard_normal((40_000, 31))
    X[:, 0] = X[:, 0] > 0.0
    frame = pd.DataFrame(X, columns=["y", *(f"x{j}" for j in range(30))], copy=False)
    received = receive(frame, "y", None, None, np.inf)
    assert np.shares_memory(received.X, X)
    assert np.array_equal(received.X, X[:, 1:])


@pytest.mark.parametrize("make", [pl.DataFrame, pa.table])
def test_columns_apart_are_never_put_together_as_a_whole(make):
    rng = np.random.default_rng(3)
    given = {f"x{j}": rng.standard_normal(40_000).astype(np.float32 if j % 2 else np.float64) for j in range(30)}
    received = receive(make(given), np.arange(40_000) % 2, None, None, np.inf)
    assert isinstance(received.X, ColumnTable)
    for column, source in zip(given.values(), received.X.sources, strict=True):
        assert np.shares_memory(column, source.numbers.take(slice(None))) or make is pl.DataFrame
    X = np.column_stack(list(given.values())).astype(np.float64)
    assert np.array_equal(received.X[17:4000], X[17:4000])
    assert received.X[17:4000].flags.c_contiguous
    index = np.array([5, 39_999, 0])
    assert np.array_equal(received.X[index], X[index])
    assert np.array_equal(received.X[:, [3, 1]][index], X[np.ix_(index, [3, 1])])
    np.testing.assert_allclose(received.X @ X[0], X @ X[0], rtol=1e-12)


@pytest.mark.parametrize("options", [{}, {"l2": 0.1}, {"method": "newton"}, {"learning_rate": 0.1, "iterations": 5}])
def test_large_tables_of_columns_apart_give_the_bits_of_the_array(options):
    rng = np.random.default_rng(4)
    X = rng.standard_normal((60_000, 20))
    X[:, 3] = np.round(X[:, 3])
    y = X[:, 0] - X[:, 5] + rng.logistic(size=len(X)) > 0.0
    expected = steepest.fit(X, y, **options)
    frame = pl.DataFrame({f"x{j}": X[:, j] for j in range(20)}).cast({"x3": pl.Int16})
    fit = steepest.fit(frame, y, **options)
    assert fit.w.tobytes() == expected.w.tobytes()
    assert fit.passes == expected.passes
    assert fit.certificate == expected.certificate


@pytest.mark.parametrize("case", ["classes", "repeated", "dependent", "origin", "wide", "wide penalised"])
def test_every_regime_takes_columns_that_lie_apart(case):
    rng = np.random.default_rng(5)
    m, n = (40_000, 30) if "wide" not in case else (700, 1600)
    X = rng.standard_normal((m, n))
    options = {"intercept": False} if case == "origin" else {"l2": 0.01} if case in ("wide", "wide penalised") else {}
    if case == "wide":
        X = X[:500]
    if case == "repeated":
        X = np.round(X[:, :27])[np.arange(m) % 50]
    if case == "dependent":
        X[:, 7] = X[:, 2] - 2.0 * X[:, 3]
    score = X[:, 0] + rng.logistic(size=len(X))
    y = np.digitize(score, [-1.0, 1.0]) if case == "classes" else score > 0.0
    expected = steepest.fit(X, y, **options)
    fit = steepest.fit(pa.table({f"x{j}": X[:, j] for j in range(X.shape[1])}), y, **options)
    assert fit.certificate.exists == expected.certificate.exists
    np.testing.assert_allclose(fit.w, expected.w, rtol=1e-9, atol=1e-9)
    assert fit.status == expected.status


def test_columns_are_matched_by_name():
    given = columns()
    fit = steepest.fit(pd.DataFrame(given), "bought")
    expected = fit.predict_proba(pd.DataFrame(given))
    turned = pl.DataFrame(given).select("flag", "colour", "bought", "size", "count").with_columns(more=pl.lit("?"))
    assert np.array_equal(fit.predict_proba(turned), expected)
    with pytest.raises(steepest.DataError, match=r"the frame has no column 'colour': did you mean 'Colour'\?"):
        fit.predict(turned.rename({"colour": "Colour"}))
    with pytest.raises(steepest.DataError, match="predicts for frames"):
        fit.predict(loop(given))


def test_a_frame_of_numbers_alone_may_be_followed_by_arrays():
    X, y = loop(columns()), columns()["bought"]
    names = [f"x{j}" for j in range(X.shape[1])]
    fit = steepest.fit(pd.DataFrame(X, columns=names), y)
    assert np.array_equal(fit.predict_proba(X), fit.predict_proba(pd.DataFrame(X[:, ::-1], columns=names[::-1])))
    by_array = steepest.fit(X, y, feature_names=names)
    assert np.array_equal(by_array.predict_proba(pl.DataFrame(X[:, ::-1], schema=names[::-1])), fit.predict_proba(X))
    assert np.array_equal(by_array.predict_proba(pa.table({f"c{j}": X[:, j] for j in range(5)})), fit.predict_proba(X))
    with pytest.raises(steepest.DataError, match="'colour' is a category: here only numbers are read"):
        as_table(pl.DataFrame(columns())[["size", "colour"]])


def test_paths_and_model_files_take_frames_of_numbers(tmp_path):
    X, y = loop(columns()), pd.Series(columns()["bought"])
    frame = pl.DataFrame({f"x{j}": X[:, j] for j in range(5)})
    assert np.array_equal(steepest.path(frame, y, [0.1]).w, steepest.path(X, y, [0.1]).w)
    fit = steepest.fit(frame, y, l2=0.1)
    steepest.Model.of(fit).save(tmp_path / "model.json")
    assert np.array_equal(steepest.load(tmp_path / "model.json").predict_proba(frame), fit.predict_proba(X))


LABELS = {
    "pandas": pd.Series,
    "pandas category": lambda y: pd.Series(y, dtype="category"),
    "pandas string": lambda y: pd.Series(y, dtype="string"),
    "polars": pl.Series,
    "polars category": lambda y: pl.Series(y, dtype=pl.Categorical),
    "Arrow": pa.array,
    "Arrow in pieces": lambda y: pa.chunked_array([y[:7], y[7:]]),
    "Arrow dictionary": lambda y: pa.array(y).dictionary_encode(),
    "a frame of one column": lambda y: np.asarray(y)[:, None],
}


@pytest.mark.parametrize("kind", LABELS)
def test_labels_of_every_kind(kind, table):
    X, y = table
    fit = steepest.fit(X, LABELS[kind](np.where(y == 1.0, "yes", "no").tolist()))
    assert fit.classes == ("no", "yes")
    assert np.array_equal(fit.w, steepest.fit(X, y).w)


@pytest.mark.parametrize(
    "y", [pd.array([1, 0, None] * 20, dtype="Int64"), pd.array([True, False, None] * 20, dtype="boolean")], ids=str
)
def test_missing_labels_are_named(y, table):
    for series in (pd.Series(y), pl.Series(list(y.to_numpy(dtype=object, na_value=None)))):
        assert is_column(series)
        with pytest.raises(steepest.DataError, match=r"y\[2\] is missing"):
            steepest.fit(table[0], series)


def test_nullable_labels_without_a_gap(table):
    X, y = table
    expected = steepest.fit(X, y).w
    for series in (pd.Series(y).astype("Int64"), pd.Series(y == 1.0).astype("boolean"), pl.Series(y).cast(pl.UInt8)):
        assert np.array_equal(steepest.fit(X, series).w, expected)


def test_weights_may_be_a_column_too():
    given = columns() | {"n": np.arange(M) % 4}
    expected = steepest.fit(loop(given), given["bought"], sample_weight=given["n"])
    fit = steepest.fit(pl.DataFrame(given), "bought", sample_weight="n")
    assert fit.feature_names == ("size", "count", "colour[red]", "colour[sky]", "flag")
    assert np.array_equal(fit.w, expected.w)
    series = steepest.fit(pl.DataFrame(given).drop("n"), "bought", sample_weight=pl.Series(given["n"]))
    assert np.array_equal(series.w, expected.w)


def test_what_is_refused_at_the_door(table):
    X, y = table
    with pytest.raises(steepest.DataError, match="y='bought' names a column, but X is no frame"):
        steepest.fit(X, "bought")
    with pytest.raises(steepest.DataError, match="a schema describes the columns of a frame, but X is of type ndarray"):
        steepest.fit(X, y, schema=steepest.Schema(()))
    with pytest.raises(steepest.DataError, match="the frame has no column 'boughd': did you mean 'bought'"):
        steepest.fit(pl.DataFrame(columns()), "boughd")
    with pytest.raises(steepest.DataError, match=r"y has shape \(60,\), but X has 300 rows"):
        steepest.fit(pl.DataFrame(columns()).drop("bought"), y)
    schema = steepest.schema(pl.DataFrame(columns()), exclude=["flag"])
    with pytest.raises(steepest.DataError, match="'bought' is a feature in the schema"):
        steepest.fit(pl.DataFrame(columns()), "bought", schema=schema)


def test_notes_on_columns_come_first():
    given = columns() | {"same": np.ones(M)}
    heard = []
    fit = steepest.fit(pl.DataFrame(given), "bought", on_note=heard.append)
    assert [note.kind for note in fit.notes] == ["constant-column", "dependent-column"]
    assert tuple(heard) == fit.notes


def test_nothing_of_frames_is_imported_before_one_comes_in():
    code = """
import sys, numpy, steepest
X = numpy.arange(12.0).reshape(6, 2) ** 2
fit = steepest.fit(X, [0, 1, 0, 1, 0, 1], l2=0.1)
fit.predict_proba(X)
print([name for name in ("narwhals", "pandas", "polars", "pyarrow") if name in sys.modules])
import polars
steepest.fit(polars.DataFrame(X), [0, 1, 0, 1, 0, 1], l2=0.1)
print([name for name in ("narwhals", "pandas", "pyarrow") if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["[]", "['narwhals']"]


# --- arrays of other kinds


@pytest.mark.parametrize("dtype", ["float64", "float32", "int8", "uint8", "int64", "bool", ">f4", "float16"])
@pytest.mark.parametrize("order", ["C", "F", "strided", "read-only"])
def test_arrays_of_every_dtype_and_order(dtype, order, table):
    X = np.round(table[0] * 2.0).clip(0.0, 1.0 if dtype == "bool" else 5.0)
    given = X.astype(dtype)
    if order == "strided":
        wide = np.zeros((2 * len(X), 6), dtype=given.dtype)
        wide[::2, ::2] = given
        given = wide[::2, ::2]
    given = np.asfortranarray(given) if order == "F" else given
    given.flags.writeable = order != "read-only"
    expected, fit = steepest.fit(X, table[1], l2=0.1), steepest.fit(given, table[1], l2=0.1)
    np.testing.assert_allclose(fit.w, expected.w, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(fit.predict_proba(given), expected.predict_proba(X), rtol=1e-9)


@pytest.mark.parametrize("dtype", [np.float32, np.int8])
def test_predictions_for_narrow_tables_are_widened_in_blocks(dtype, table):
    X = np.random.default_rng(0).integers(-3, 4, (300_000, 3)).astype(dtype)
    fit = steepest.fit(*table)
    np.testing.assert_allclose(fit.decision_function(X), fit.decision_function(X.astype(np.float64)), rtol=1e-14)


def test_array_api_inputs_are_read_in_place(table):
    xp = pytest.importorskip("array_api_strict")
    X, y = table
    strict = xp.asarray(X)
    assert np.shares_memory(as_array(strict), np.from_dlpack(strict))
    expected = steepest.fit(X, y)
    fit = steepest.fit(strict, xp.asarray(y), sample_weight=xp.ones(len(y)))
    np.testing.assert_allclose(fit.w, expected.w, rtol=1e-12)
    assert type(fit.w) is np.ndarray
    assert np.array_equal(fit.predict_proba(strict), fit.predict_proba(X))
    bools = steepest.fit(xp.asarray(X > 0.0), xp.asarray(y == 1.0))
    assert np.array_equal(bools.w, steepest.fit(X > 0.0, y == 1.0).w)


def test_tensors_of_torch_on_the_cpu(table):
    torch = pytest.importorskip("torch")
    X, y = table
    tensor = torch.from_numpy(X)
    assert np.shares_memory(as_array(tensor), X)
    assert np.array_equal(steepest.fit(tensor, torch.from_numpy(y)).w, steepest.fit(X, y).w)
    with pytest.raises(steepest.DataError, match="detach"):
        steepest.fit(tensor.requires_grad_(), y)


class OnAnotherDevice:
    """What a tensor on a GPU does when NumPy asks."""

    def __dlpack__(self, **_):
        raise BufferError("on device cuda:0")

    def __array__(self, dtype=None, copy=None):
        raise TypeError("can't convert cuda:0 device type tensor to numpy")


def test_arrays_that_numpy_cannot_read(table):
    with pytest.raises(steepest.DataError, match=r"X, a OnAnotherDevice, cannot be read .* move it to the CPU"):
        steepest.fit(OnAnotherDevice(), table[1])
    masked = np.ma.masked_greater(table[0], 1.0)
    with pytest.raises(steepest.DataError, match=f"X has {int(masked.mask.sum())} masked values"):
        steepest.fit(masked, table[1])
    assert np.array_equal(steepest.fit(np.ma.masked_array(table[0]), table[1]).w, steepest.fit(*table).w)


@pytest.mark.parametrize("form", ["csr", "csc", "coo", "lil", "dok", "bsr", "dia"])
@pytest.mark.parametrize("make", ["array", "matrix"])
@pytest.mark.parametrize("wide", [np.int32, np.int64])
def test_sparse_inputs_of_every_form(form, make, wide):
    sp = pytest.importorskip("scipy.sparse")
    rng = np.random.default_rng(6)
    X = rng.standard_normal((80, 6)) * (rng.random((80, 6)) < 0.4)
    y = X[:, 0] + rng.logistic(size=80) > 0.0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", sp.SparseEfficiencyWarning)
        given = getattr(sp, f"{form}_{make}")(sp.csr_array(X))
    for part in ("indices", "indptr", "row", "col"):
        if isinstance(getattr(given, part, None), np.ndarray) and form != "coo":
            setattr(given, part, getattr(given, part).astype(wide))
    before = given.toarray()
    fit, expected = steepest.fit(given, y, l2=0.1), steepest.fit(X, y, l2=0.1)
    np.testing.assert_allclose(fit.w, expected.w, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(fit.predict_proba(given), expected.predict_proba(X), atol=1e-5)
    assert np.array_equal(given.toarray(), before)
