"""Files as one table of rows: the same values whatever the form, the reader, the blocks; and files that change."""

from __future__ import annotations

import gzip
import io
import math
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from steepest.data.files import Source, open_source, reading
from steepest.data.row_blocks import Coded
from steepest.errors import DataError

TEXTS = st.one_of(st.none(), st.sampled_from(["a", "b", "c", "ä ö", 'q"uote', "com,ma", "line\nend", "x" * 300, "'"]))
NUMBERS = st.one_of(st.none(), st.floats(-1e152, 1e152), st.integers(-(2**53), 2**53).map(float))


@pytest.fixture(params=[1 << 20, 0], ids=["plain", "duckdb"])
def reader(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "SMALL", request.param)


def values(source: Source, numbers: list[str], texts: list[str], **options: Any) -> tuple[np.ndarray, list[Any]]:
    """Numbers (m, n), and each text column as a list."""
    blocks = list(source.batches(numbers, dict.fromkeys(texts, ()), **options))
    held = [np.column_stack([np.array(block.columns[name]) for name in numbers]) for block in blocks if numbers]
    words = [[word for block in blocks for word in told(block.columns[name])] for name in texts]
    assert [block.start for block in blocks] == np.cumsum([0, *(block.m for block in blocks)])[:-1].tolist()
    return np.concatenate(held) if held else np.empty((0, 0)), words


def told(column: Any) -> list[str | None]:
    assert isinstance(column, Coded)
    return [None if code < 0 else column.levels[code] for code in column.codes]


def frame_of(rows: int, seed: int = 0) -> pl.DataFrame:
    random = np.random.default_rng(seed)
    x = random.normal(size=rows) * 10.0 ** random.integers(-200, 150, rows)
    return pl.DataFrame({
        "x": [None if k % 50 == 7 else float(v) for k, v in enumerate(x)],
        "whole": random.integers(-(2**53), 2**53, rows),
        "c": [None if k % 33 == 0 else f"level {k * k % 17}" for k in range(rows)],
        "y": random.choice(["no", "yes"], rows),
    })  # fmt: skip


def written(frame: pl.DataFrame, folder: Path, form: str) -> Path:
    file = folder / f"t.{form}"
    if form == "parquet":
        frame.write_parquet(file, row_group_size=1000)
        return file
    text = frame.write_csv()
    if form == "csv.gz":
        file.write_bytes(gzip.compress(text.encode()))
    elif form == "csv.zst":
        frame.lazy().sink_csv(file, compression="zstd")
    else:
        file.write_text(text)
    return file


@pytest.mark.parametrize("form", ["csv", "csv.gz", "parquet"])
def test_every_form_holds_the_same_bits(tmp_path: Path, reader: None, form: str) -> None:
    frame = frame_of(5000)
    source = open_source(written(frame, tmp_path, form))
    X, (c, y) = values(source, ["x", "whole"], ["c", "y"])
    assert X.tobytes() == frame.select(pl.col("x", "whole").cast(pl.Float64).fill_null(math.nan)).to_numpy().tobytes()
    assert (c, y) == (frame["c"].to_list(), frame["y"].to_list())
    assert source.rows == (5000 if form == "parquet" else None)


def test_zstd(tmp_path: Path) -> None:
    import duckdb

    frame, file = frame_of(3000), tmp_path / "t.csv.zst"
    plain = written(frame, tmp_path, "csv")
    duckdb.sql(f"COPY (FROM read_csv('{plain}', all_varchar=true)) TO '{file}' (HEADER, COMPRESSION zstd)")
    X, words = values(open_source(file), ["x", "whole"], ["c", "y"])
    X2, words2 = values(open_source(plain), ["x", "whole"], ["c", "y"])
    assert X.tobytes() == X2.tobytes()
    assert words == words2
    with pytest.raises(DataError, match=r"line 3, column 'c': 'level 1' is not a number"):
        list(open_source(file).batches(["c"]))


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.lists(st.tuples(NUMBERS, NUMBERS, TEXTS), min_size=1, max_size=30))
def test_csv_is_parquet_is_arrays(tmp_path_factory: pytest.TempPathFactory, rows: list[Any]) -> None:
    folder = tmp_path_factory.mktemp("t")
    schema = {"a": pl.Float64, "b": pl.Float64, "c": pl.String}
    frame = pl.DataFrame([[row[k] for row in rows] for k in range(3)], schema=schema)
    expected = frame.select(pl.col("a", "b").fill_null(math.nan)).to_numpy().tobytes()
    for form in ("csv", "parquet"):
        source = open_source(written(frame, folder, form))
        for small in (1 << 20, 0):
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(reading, "SMALL", small)
                X, (c,) = values(source, ["a", "b"], ["c"])
            assert X.tobytes() == expected
            assert c == frame["c"].to_list()


@pytest.mark.parametrize("rows", [1, 7, 4096, 1 << 20])
@pytest.mark.parametrize("threads", [1, 3])
def test_blocks_and_threads_change_no_bit(tmp_path: Path, rows: int, threads: int) -> None:
    frame = frame_of(400 if rows == 1 else 9000)
    for form in ("csv", "parquet"):
        file = written(frame, tmp_path, form)
        expected = values(open_source(file), ["x", "whole"], ["c"])
        found = values(open_source(file, threads=threads), ["x", "whole"], ["c"], rows=rows)
        assert found[0].tobytes() == expected[0].tobytes()
        assert found[1] == expected[1]
        assert max(block.m for block in open_source(file).batches(["x"], rows=rows)) <= rows


def test_levels_known_come_first_and_others_grow(tmp_path: Path, reader: None) -> None:
    file = tmp_path / "t.csv"
    file.write_text("c\nred\n sky \n-\n?\npink\nred\nmauve\npink\n")
    blocks = list(open_source(file).batches((), {"c": ("sky", "red", "-")}, rows=3))
    seen = [block.columns["c"] for block in blocks]
    assert all(isinstance(each, Coded) for each in seen)
    assert [code for each in seen for code in each.codes.tolist()] == [1, 0, 2, -1, 3, 1, 4, 3]
    assert seen[-1].levels == ("sky", "red", "-", "pink", "mauve")
    assert all(each.levels[:3] == ("sky", "red", "-") for each in seen)


def test_borrowed_arrays_and_own_ones(tmp_path: Path) -> None:
    file = written(frame_of(300_000), tmp_path, "parquet")
    own = [np.asarray(block.columns["whole"]) for block in open_source(file).batches(["whole"])]
    total = sum(
        float(np.asarray(block.columns["whole"]).sum()) for block in open_source(file).batches(["whole"], borrowed=True)
    )
    assert sum(float(each.sum()) for each in own) == total
    assert all(each.flags.owndata for each in own)


def test_missing_texts_are_an_option(tmp_path: Path, reader: None) -> None:
    file = tmp_path / "t.csv"
    file.write_text("x,c\n-9,none\n1,?\n,None\n")
    X, (c,) = values(open_source(file, missing=["-9", "NONE"]), ["x"], ["c"])
    np.testing.assert_array_equal(X, [[math.nan], [1.0], [math.nan]])
    assert c == [None, "?", None]
    frame = pl.DataFrame({"c": ["?", "", None, "none"]})
    parquet = written(frame, tmp_path, "parquet")
    assert values(open_source(parquet), [], ["c"])[1] == [["?", "", None, "none"]]
    assert values(open_source(parquet, missing=["none"]), [], ["c"])[1] == [["?", None, None, None]]


def test_a_folder_with_partitions(tmp_path: Path, reader: None) -> None:
    for k, name in enumerate(
        ["year=2019/town=a%20b", "year=2020/town=a%20b", "year=2020/town=__HIVE_DEFAULT_PARTITION__"]
    ):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "part.csv").write_text(f"y,x\n{'ab'[k % 2]},{k}\n" if k else "x,y\n0,a\n")
        (tmp_path / name / "_SUCCESS").write_text("")
        (tmp_path / name / ".part.csv.crc").write_text("")
    source = open_source(tmp_path)
    assert source.names == ("x", "y", "year", "town")
    X, (y, town) = values(source, ["x", "year"], ["y", "town"])
    assert X.tolist() == [[0.0, 2019.0], [2.0, 2020.0], [1.0, 2020.0]]
    assert (y, town) == (["a", "a", "b"], ["a b", None, "a b"])
    with pytest.raises(DataError, match=r"folder of .*column 'town': 'a b' is not a number"):
        list(source.batches(["town"]))


def test_many_files_are_one_table(tmp_path: Path, reader: None) -> None:
    frame = frame_of(900)
    parts = []
    for k, form in enumerate(("csv", "csv", "csv")):
        (tmp_path / str(k)).mkdir()
        parts.append(
            written(
                frame[300 * k : 300 * k + 300].select(*frame.columns[k:], *frame.columns[:k]), tmp_path / str(k), form
            )
        )
    X, words = values(open_source(parts), ["x", "whole"], ["c", "y"])
    assert X.tobytes() == frame.select(pl.col("x", "whole").cast(pl.Float64).fill_null(math.nan)).to_numpy().tobytes()
    assert words == [frame["c"].to_list(), frame["y"].to_list()]


def test_standard_input(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    frame = frame_of(500)
    for form in ("csv", "csv.gz", "parquet"):
        raw = written(frame, tmp_path, form).read_bytes()
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BufferedReader(io.BytesIO(raw))))
        source = open_source("-")
        for _ in range(2):  # as often as wanted
            assert values(source, ["whole"], [])[0][:, 0].tolist() == frame["whole"].cast(pl.Float64).to_list()
        assert source.shown == "standard input"


def test_names_are_no_patterns(tmp_path: Path, reader: None) -> None:
    names = [
        "a*.csv",
        "a?.csv",
        "a[1].csv",
        "[",
        "{a,b}",
        "a'b",
        'a"b',
        "~",
        "a\\b",
        "s3:x",
        "é",
        "a\nb",
        "**",
        "$x%20",
        "-",
    ]
    for k, name in enumerate(names):
        (tmp_path / name).write_text(f"x\n{k}\n")
    for k, name in enumerate(names):
        assert values(open_source(tmp_path / name), ["x"], [])[0].tolist() == [[float(k)]]


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_a_file_that_changes_between_passes(tmp_path: Path, reader: None, form: str) -> None:
    file = written(frame_of(100), tmp_path, form)
    source = open_source(file)
    list(source.batches(["x"]))
    for change in (
        lambda: os.utime(file, (1, 1)),
        lambda: file.write_bytes(file.read_bytes()[:-5]),
        lambda: (file.rename(tmp_path / "old"), written(frame_of(100, 1), tmp_path, form)),
    ):
        change()
        with pytest.raises(DataError, match="while its rows were read"):
            list(source.batches(["x"]))
        source = open_source(file) if "old" not in os.listdir(tmp_path) and form == "csv" else source
    file.unlink()
    with pytest.raises(DataError, match=r"is gone \(no such file, though it was there before"):
        list(source.batches(["x"]))


def test_a_file_that_changes_while_it_is_read(tmp_path: Path, reader: None) -> None:
    file = written(frame_of(30_000), tmp_path, "csv")
    blocks: Iterator[Any] = iter(open_source(file).batches(["x"], rows=100))
    next(blocks)
    with file.open("a") as more:
        more.write("1,2,3,no\n")
    with pytest.raises(DataError, match="while its rows were read"):
        list(blocks)


def test_where_duckdb_gives_up_the_plain_reader_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "SMALL", 0)
    file = tmp_path / "t.csv"
    rows = [f"{k},{'no' if k % 3 else 'yes'}" + ("\r\n" if k % 7 else "\n") for k in range(200_000)]
    file.write_text("x,y\n" + "".join(rows), newline="")
    X, (y,) = values(open_source(file), ["x"], ["y"])
    assert X[:, 0].tolist() == list(range(200_000))
    assert y == ["no" if k % 3 else "yes" for k in range(200_000)]


@pytest.mark.parametrize("row", [0, 1, 140_000, 199_999])
def test_the_line_is_named_wherever_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, row: int) -> None:
    monkeypatch.setattr(reading, "SMALL", 0)
    lines = [f'{k},"a\nb"' for k in range(200_000)]
    for wrong, says in (
        ("two,c", "'two' is not a number"),
        ("1,c,", "3 cells"),
        ("1", "1 cell"),
        ('1,"c"d', "text goes on"),
    ):
        file = tmp_path / "t.csv"
        file.write_text("x,y\n" + "\n".join([*lines[:row], wrong, *lines[row + 1 :]]) + "\n")
        with pytest.raises(DataError, match=rf"t\.csv, line {2 * row + 2}[,:].*{says}"):
            list(open_source(file).batches(["x"], {"y": ()}))


def test_half_after_many_integers(tmp_path: Path) -> None:
    """Where a sniffer has decided for integers, 0.5 becomes 0 or 1."""
    file = tmp_path / "t.csv"
    file.write_text("x\n" + "3\n" * 350_000 + "0.5\n")
    assert values(open_source(file), ["x"], [])[0][-1, 0] == 0.5


def test_a_zstd_file_that_is_cut_off_anywhere(tmp_path: Path) -> None:
    """Between two blocks as well, where DuckDB takes the end of the file for the end of the table."""
    random = np.random.default_rng(0)
    text = "x\n" + "\n".join(map(repr, random.standard_normal(60_000).tolist()))
    whole = pa.compress(text.encode(), codec="zstd", asbytes=True)
    file = tmp_path / "t.csv.zst"
    file.write_bytes(whole + b"\x50\x2a\x4d\x18\x03\x00\x00\x00abc" + whole)  # two frames, and one to be skipped
    open_source(file)
    for size in (*random.integers(4, len(whole), 200).tolist(), len(whole) - 1, len(whole) + 7, len(whole) + 10):
        file.write_bytes((whole + b"\x50\x2a\x4d\x18\x03\x00\x00\x00abc")[:size])
        with pytest.raises(DataError, match="is no whole zstd file"):
            open_source(file)
