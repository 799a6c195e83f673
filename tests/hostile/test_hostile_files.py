"""A corpus of hostile files beyond single CSVs: Parquet, folders, packed files, ids, dates, classes that parts lack.

Each gives the right values, or one clear line that names file, row or column, and what to do.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from steepest.cli import main

Made = Callable[[Path], Path]
X = [0.5, 1.5, 2.0, 1.0, 3.0, 2.5]
Y = ["no", "no", "yes", "no", "yes", "no"]
LONG = b"x,y\n" + b"1,no\n2,yes\n" * 120_000


def parquet(**columns: Any) -> Made:
    def make(folder: Path) -> Path:
        pq.write_table(pa.table({"x": X, "y": Y} | columns), folder / "t.parquet")
        return folder / "t.parquet"

    return make


def raw(name: str, content: bytes) -> Made:
    def make(folder: Path) -> Path:
        (folder / name).write_bytes(content)
        return folder / name

    return make


def parts(*tables: Any, name: str = "part-{}.parquet") -> Made:
    """A folder with one file for each table; bytes are CSV."""

    def make(folder: Path) -> Path:
        whole = folder / "whole"
        for k, table in enumerate(tables):
            file = whole / name.format(k)
            file.parent.mkdir(parents=True, exist_ok=True)
            if isinstance(table, bytes):
                file.with_suffix(".csv").write_bytes(table)
            else:
                pq.write_table(pa.table(table), file)
        whole.mkdir(exist_ok=True)
        return whole

    return make


def damaged(change: Callable[[bytes], bytes]) -> Made:
    def make(folder: Path) -> Path:
        file = parquet()(folder)
        file.write_bytes(change(file.read_bytes()))
        return file

    return make


def packed(change: Callable[[bytes], bytes]) -> Made:
    return raw("t.csv.gz", change(gzip.compress(b"x,y\n" + b"1,no\n2,yes\n" * 50_000)))


def zstd(content: bytes, change: Callable[[bytes], bytes] = lambda data: data) -> Made:
    return raw("t.csv.zst", change(pa.compress(content, codec="zstd", asbytes=True)))


def many(column: list[Any], y: list[str] | None = None) -> Made:
    return parquet(x=column, y=y or [Y[k % 6] for k in range(len(column))])


REFUSED: dict[str, tuple[Made, str]] = {
    "Parquet cut off": (damaged(lambda data: data[:-20]), "t.parquet: it cannot be read"),
    "Parquet of its first bytes only": (raw("t.parquet", b"PAR1"), "t.parquet: it cannot be read"),
    "Parquet with a wrong footer length": (
        damaged(lambda data: data[:-8] + b"\xff\xff\xff\x7fPAR1"), "t.parquet: it cannot be read (Footer length error",
    ),
    "Parquet with noise in the footer": (
        damaged(lambda data: data[:200] + bytes(len(data) - 208) + data[-8:]),
        "t.parquet: it cannot be read (TProtocolException: Invalid data); is it damaged? Write it again",
    ),
    "Parquet with noise in the head of a page": (
        damaged(lambda data: data[:4] + b"\xff" * 10 + data[14:]), "t.parquet, column 'x': it cannot be read (",
    ),
    "Parquet with noise in a page": (
        damaged(lambda data: data[:40] + b"\xa5" * 20 + data[60:]), "t.parquet, column 'x': it cannot be read (",
    ),
    "Parquet with noise in the last page": (
        damaged(lambda data: data[: data.rindex(b"yes") - 8] + b"\xa5" * 20 + data[data.rindex(b"yes") + 12 :]),
        "is it damaged? Write it again, or fetch it again",
    ),
    "Parquet without rows": (parquet(x=pa.array([], pa.float64()), y=pa.array([], pa.string())), "no rows"),
    "Parquet with nulls in the target": (parquet(y=[*Y[:5], None]), "row 6: the target 'y' is missing"),
    "Parquet with a null": (parquet(x=[*X[:5], None]), "column 'x' is missing in 1 of 6 rows (t.parquet, row 6"),
    "Parquet with infinity": (parquet(x=[*X[:5], float("inf")]), "row 6, column 'x': inf is not finite"),
    "Parquet with a huge number": (parquet(x=[*X[:5], 1e200]), "row 6, column 'x': 1e+200 is beyond 1e+152"),
    "ids beyond 2^53": (parquet(x=[2**53 + k for k in range(6)]), "row 2, column 'x': '9007199254740993' is an"),
    "unsigned ids": (parquet(x=pa.array([2**64 - 1 - k for k in range(6)], pa.uint64())), "not exactly representable"),
    "dates": (parquet(d=[date(2020, 1, 1 + k) for k in range(6)]), "column 'd' holds date: make a number of it"),
    "lists": (parquet(d=[[k] for k in range(6)]), "column 'd' holds bigint[]: it is neither a number nor a category"),
    "structures": (parquet(d=[{"k": k} for k in range(6)]), "column 'd' holds struct"),
    "bytes": (parquet(d=[b"\xff"] * 6), "column 'd' holds blob"),
    "only nulls": (parquet(d=pa.array([None] * 6, pa.float64())), "column 'd' holds no value in 6 rows"),
    "free text": (
        parquet(x=[0.5] * 60, y=Y * 10, d=[f"some words of the customer {k}, as he wrote them" for k in range(60)]),
        "it looks like free text",
    ),
    "identifiers": (parquet(x=[0.5] * 60, y=Y * 10, d=[f"ID{k}" for k in range(60)]), "it looks like an identifier"),
    "dates as texts": (parquet(d=[f"2020-01-0{k}" for k in range(1, 7)]), "holds dates as texts ('2020-01-01', …)"),
    "a quantity as target": (parquet(y=[k + 0.5 for k in range(6)]), "such numbers are a quantity"),
    "whole numbers of many values as target": (many([0.5] * 60, [str(k % 30) for k in range(60)]), "are a quantity"),
    "one class": (parquet(y=["no"] * 6), "holds one class only, 'no' (6)"),
    "a part with another column": (
        parts({"x": X, "y": Y}, {"x": X, "z": X, "y": Y}), "part-1.parquet has a column 'z', but whole/part-0.parquet",
    ),
    "a part without a column": (parts({"x": X, "z": X, "y": Y}, {"x": X, "y": Y}), "but whole/part-1.parquet has not"),
    "a part of another kind": (parts({"x": X, "y": Y}, {"x": Y, "y": Y}), "is of kind number in whole/part-0.parquet"),
    "CSV and Parquet in one folder": (parts({"x": X, "y": Y}, b"x,y\n1,no\n"), "give files of one form"),
    "an empty folder": (parts(), "is a folder without a file named *.csv"),
    "an empty part": (parts(b"x,y\n1,no\n", b""), "whole/part-1.csv is empty"),
    "a column that the folder has too": (parts({"x": X, "y": Y}, name="x=1/part-{}.parquet"), "and its folder too"),
    "other folders": (
        lambda folder: (parts({"x": X, "y": Y}, name="k=1/part-{}.parquet")(folder),
                        parts({"x": X, "y": Y}, name="l=1/part-{}.parquet")(folder))[1],
        "lies in other key=value folders",
    ),
    "text in a folder of numbers": (
        lambda folder: [parts({"x": X, "y": Y}, name=f"k={k}/part-{{}}.parquet")(folder) for k in ("1", "two")][1],
        "column 'k': 'two' is not a number",
    ),
    "gzip cut off": (packed(lambda data: data[:-200]), "t.csv.gz: cannot be unpacked (Compressed file ended before"),
    "gzip with noise": (packed(lambda data: data[:100] + b"\x00" * 100 + data[200:]), "t.csv.gz, line 5539: 1 cell"),
    "gzip with a wrong sum": (packed(lambda data: data[:-6] + b"\0\0" + data[-4:]), "unpacked (CRC check failed"),
    "gzip of noise": (raw("t.csv.gz", b"\x1f\x8b\x08" + bytes(range(256))), "it is cut off or damaged: pack it again"),
    "zstd of its first bytes only": (raw("t.csv.zst", b"\x28\xb5\x2f\xfd\x00"), "t.csv.zst is no whole zstd file"),
    "zstd cut off": (zstd(LONG, lambda data: data[:-20]), "t.csv.zst is no whole zstd file, it is cut off"),
    "zstd without its last byte": (zstd(LONG, lambda data: data[:-1]), "t.csv.zst is no whole zstd file"),
    "zstd and more": (zstd(LONG, lambda data: data + b"more"), "t.csv.zst is no whole zstd file"),
    "zstd with noise": (
        zstd(LONG, lambda data: data[:15] + bytes(6) + data[21:]), "t.csv.zst, line 1: a NUL character: the",
    ),
    "a comma too many in gzip": (raw("t.csv.gz", gzip.compress(LONG + b"1,no,\n" + LONG[4:])), "line 240002: 3 cells"),
    "a comma too many at the end of gzip": (raw("t.csv.gz", gzip.compress(LONG + b"1,no,")), "line 240002: 3 cells"),
    "a comma too many in zstd": (zstd(LONG + b"1,no,\n" + LONG[4:]), "t.csv.zst, line 240002: 3 cells, but the header"),
    "a comma too many, CRLF, in zstd": (zstd(LONG.replace(b"\n", b"\r\n") + b"1,no,\r\n"), "line 240002: 3 cells"),
    "a row too short in zstd": (zstd(LONG + b"1\n"), "t.csv.zst, line 240002: 1 cell, but the header has 2 columns"),
    "text among numbers in zstd": (zstd(LONG + b"three,no\n"), "t.csv.zst, line 240002, column 'x': 'three' is not"),
    "a giant cell among numbers": (
        raw("t.csv", LONG + b'"' + b"z" * 3_000_000 + b'",no\n'), "t.csv, line 240002, column 'x': 'zzzz",
    ),
    "a cell beyond all bounds": (
        raw("t.csv", LONG + b'2,"' + b"z" * 17_000_000 + b'"\n'), "t.csv, line 240002: no end within 16,777,216",
    ),
    "a giant cell that is never closed": (raw("t.csv", LONG + b'2,"no\n' + LONG[4:]), "line 240002: a quotation mark"),
    "a socket's name": (lambda folder: folder / "none.parquet", "none.parquet: no such file"),
    "Excel": (raw("t.xlsx", b"PK\x03\x04\x14\x00\x06\x00"), "an Excel workbook"),
    "identifiers of two hundred thousand rows": (
        raw("t.csv", b"x,id,y\n" + b"".join(b"%d,ID%d,%s\n" % (k % 3, k, b"ny"[k % 2 :][:1]) for k in range(200_000))),
        "it looks like an identifier",
    ),
    "text among numbers far down": (
        raw("t.csv", LONG + b"three,no\n"), "line 240002, column 'x': 'three' is not",
    ),
    "a category that the sample took for numbers": (
        raw("t.csv", b"x,y\n" + b"1,no\n2,yes\n" * 6_000 + b"A1,no\n"), "as a category (--category 'x')",
    ),
    "an id far down": (raw("t.csv", LONG + b"9007199254740993,no\n"), "an id?"),
    "a byte that is no text far down": (raw("t.csv", LONG + b"1,\xe9\n"), "line 240002"),
    "NUL in a level far down": (raw("t.csv", LONG + b"1,n\x00o\n"), "NUL character"),
    "a comma too many far down": (raw("t.csv", LONG + b"1,no,\n"), "line 240002: 3 cells"),
    "a header that is a number of bytes": (raw("t.csv", b"\x00\x01\x02\x03"), "NUL character"),
}  # fmt: skip

READ: dict[str, tuple[Made, dict[str, Any]]] = {
    "plain": (parquet(), {"rows": 6}),
    "float32": (parquet(x=pa.array(X, pa.float32())), {"rows": 6}),
    "booleans": (parquet(x=[True, False, True, False, False, True]), {"rows": 6}),
    "decimals": (parquet(x=[Decimal("0.10"), Decimal("2.5"), *map(Decimal, "1324")]), {"rows": 6}),
    "a boolean target": (parquet(y=[label == "yes" for label in Y]), {"classes": ["False", "True"]}),
    "a numeric target": (parquet(y=[int(label == "yes") for label in Y]), {"classes": ["0", "1"]}),
    "a target of floats": (parquet(y=[float(label == "yes") for label in Y]), {"classes": ["0", "1"]}),
    "yes and no stay text": (raw("t.csv", b"x,y\n1,no\n2,yes\n3,no\n1,yes\n"), {"classes": ["no", "yes"]}),
    "dictionaries": (parquet(c=pa.array(["a", "b"] * 3).dictionary_encode()), {"names": ["x", "c[b]"]}),
    "names of SQL": (parquet(**{'"; DROP TABLE t; --': X}), {"names": ["x", '"; DROP TABLE t; --']}),
    "names alike but for case": (parquet(X=[1.0, 0.0] * 3), {"names": ["x", "X"]}),
    "an empty name": (parquet(**{"": [1.0, 0.0] * 3}), {"names": ["x", ""]}),
    "levels of SQL": (parquet(c=["' OR 1=1 --", 'b"'] * 3), {"names": ["x", 'c[b"]']}),
    "a level of spaces and an empty one": (parquet(c=["", " "] * 3), {"names": ["x", "c[ ]"]}),
    "parts in another order of columns": (parts({"x": X, "y": Y}, {"y": Y, "x": X}), {"rows": 12}),
    "whole numbers in one part": (parts({"x": X, "y": Y}, {"x": [1, 2, 3, 4, 5, 6], "y": Y}), {"rows": 12}),
    "a part without rows": (parts(b"x,y\n", b"x,y\n1,no\n2,yes\n3,no\n1,yes\n"), {"rows": 4}),
    "a part without a class": (parts(b"x,y\n1,no\n", b"x,y\n2,yes\n3,no\n1,yes\n"), {"rows": 4}),
    "negative zero": (raw("t.csv", b"x,y\n-0,no\n0,yes\n-0.0,no\n1,yes\n"), {"rows": 4}),
    "half after many whole numbers": (
        raw("t.csv", b"x,y\n" + b"1,no\n0,yes\n" * 175_000 + b"0.5,no\n"), {"rows": 350_001}
    ),
    "quoted line ends far down": (
        raw("t.csv", b"x,y\n" + b'1,"n\no"\n0,yes\n' * 175_000), {"rows": 350_000, "classes": ["n\no", "yes"]},
    ),
    "CRLF and LF": (raw("t.csv", b"x,y\r\n" + b"1,no\r\n0,yes\n" * 100_000), {"rows": 200_000}),
    "a giant cell": (
        raw("t.csv", b"x,y\n1,no\n2,yes\n" + b"3,no\n1,yes\n" * 100_000 + b'2,"' + b"z" * 3_000_000 + b'"\n2,yes\n'),
        {"rows": 200_004, "classes": ["no", "yes", "z" * 3_000_000], "counts": [100_001, 100_002, 1]},
    ),
    "empty last cells and commas in quotes, packed": (
        raw("t.csv.gz", gzip.compress(b"x,y,c\n" + b'1,no,"a,\n"\n2,yes,b\n' * 60_000)), {"rows": 120_000},
    ),
    "empty last cells and commas in quotes, zstd": (
        zstd(b"x,y,c\n" + b'1,no,"a,\n"\n2,yes,b\n' * 60_000 + b"1,no,b\n"), {"rows": 120_001},
    ),
    "blank lines before the header, zstd": (zstd(b"\n\n" + LONG), {"rows": 240_000, "classes": ["no", "yes"]}),
}  # fmt: skip


def call(*arguments: str) -> Any:
    return CliRunner().invoke(main, ["fit", *arguments, "--target", "y", "--json", "--quiet"])


@pytest.mark.parametrize("name", REFUSED)
def test_refused_in_one_line(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make, says = REFUSED[name]
    monkeypatch.chdir(tmp_path)
    result = call(str(make(tmp_path).relative_to(tmp_path)), "--l2", "0.1")
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    lines = [line for line in result.stderr.splitlines() if not line.startswith("note: ")]
    assert (result.exit_code, result.stdout, len(lines)) == (1, "", 1), result.stderr
    assert says in lines[0]
    assert lines[0].isprintable()
    assert len(lines[0]) < 900


@pytest.mark.parametrize("name", READ)
def test_read_right(name: str, tmp_path: Path) -> None:
    make, expected = READ[name]
    result = call(str(make(tmp_path)), "--l2", "0.1")
    assert result.exit_code == 0, result.stderr
    found = json.loads(result.stdout)
    found["names"] = list(found["coefficients"])
    assert {key: found[key] for key in expected} == expected


def test_a_giant_label_fits_on_the_screen(tmp_path: Path) -> None:
    file = READ["a giant cell"][0](tmp_path)
    result = CliRunner().invoke(main, ["fit", str(file), "--target", "y", "--l2", "0.1"])
    assert result.exit_code == 0
    assert "zzzz…" in result.stdout
    assert max(map(len, result.stdout.splitlines())) <= 80


def test_enough_of_them() -> None:
    assert len(REFUSED) + len(READ) >= 60


def test_duplicate_names_in_parquet(tmp_path: Path) -> None:
    file = tmp_path / "t.parquet"
    pq.write_table(pa.Table.from_arrays([pa.array(X), pa.array(X), pa.array(Y)], names=["x", "x", "y"]), file)
    result = call(str(file))
    assert (result.exit_code, "2 columns named 'x': rename one of them" in result.stderr) == (1, True)


def test_a_table_of_one_row_group_per_row(tmp_path: Path) -> None:
    pl.DataFrame({"x": X * 20, "y": Y * 20}).write_parquet(tmp_path / "t.parquet", row_group_size=1)
    assert json.loads(call(str(tmp_path / "t.parquet")).stdout)["rows"] == 120
