"""A corpus of hostile tables: each gives one clear line that says where and what to do, or the right numbers."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from steepest.cli import main
from steepest.data.files import reading

OK = b"x,y\n1,a\n2,b\n3,a\n4,b\n"

REFUSED = {  # name: (content, what the one line must say)
    "empty": (b"", "is empty"),
    "only blank lines": (b"\n\n\n", "is empty"),
    "only a BOM": (b"\xef\xbb\xbf", "is empty"),
    "header only": (b"x,y\n", "no rows"),
    "header only, no line end": (b"x,y", "no rows"),
    "row too short": (b"x,z,y\n1,2,a\n3,b\n", "line 3: 2 cells, but the header has 3 columns"),
    "row too long": (b"x,y\n1,a\n2,b,c\n", "line 3: 3 cells, but the header has 2 columns"),
    "trailing commas in the rows": (b"x,y\n1,a,\n2,b,\n", "line 2: 3 cells"),
    "trailing comma in the header": (b"x,y,\n1,a,\n", "column 3 of 3 has no name"),
    "duplicate names": (b"x,x,y\n1,2,a\n", "columns 1 and 2 are both named 'x'"),
    "duplicate names but for spaces": (b"x, x ,y\n1,2,a\n", "columns 1 and 2 are both named 'x'"),
    "name of spaces": (b"x,  ,y\n1,2,a\n", "column 2 of 3 has no name"),
    "text in a number": (b"x,y\n1,a\ntwo,b\n", "line 3, column 'x': 'two' is not a number; write it as"),
    "long text in a number": (b"x,y\n1,b\n" + b"q" * 5000 + b",a\n", "'" + "q" * 200 + "…'"),
    "empty cell": (b"x,y\n1,a\n,b\n", "column 'x' is missing in 1 of 2 rows"),
    "cell of spaces": (b"x,y\n  ,a\n1,b\n", "line 2 is the first"),
    "NA": (b"x,y\n1,a\nNA,b\n", "line 3 is the first): fill them in, or say --missing 'indicator'"),
    "n/a": (b"x,y\nn/a,b\n", "holds no value in 1 rows"),
    "nan": (b"x,y\nnan,b\n2,a\n", "is missing in 1 of 2 rows"),
    "minus sign alone": (b"x,y\n-,b\n2,a\n", "is missing in 1 of 2 rows"),
    "inf": (b"x,y\n1,a\n-Infinity,b\n", "line 3, column 'x': -inf is not finite"),
    "beyond the floats": (b"x,y\n1e400,a\n", "line 2, column 'x': inf is not finite"),
    "underscore": (b"x,y\n1_000,a\n", "line 2, column 'x': '1_000' is not a number"),
    "thousands": (b'x,y\n"1,000",a\n', "'1,000' is not a number"),
    "decimal comma": (b'x,y\n"1,5",a\n', "'1,5' is not a number"),
    "hex": (b"x,y\n0x10,a\n", "'0x10' is not a number"),
    "id beyond 2^53": (b"x,y\n9007199254740993,a\n", "'9007199254740993' is an integer that is not exactly"),
    "negative id": (b"x,y\n-36028797018963969,a\n", "not exactly representable"),
    "integer of 5000 digits": (b"x,y\n" + b"9" * 5000 + b",a\n", "inf is not finite"),
    "NUL": (b"x,y\n1,a\n2\x00,b\n", "line 3: a NUL character"),
    "Latin-1": (b"x,y\n1,a\n2,\xe9\n", "line 3: the byte 0xe9 is no UTF-8 text"),
    "Latin-1 in the header": (b"x\xe9,y\n1,a\n", "line 1: the byte 0xe9"),
    "UTF-16": ("x,y\n1,a\n".encode("utf-16"), "the file is UTF-16 text"),
    "zip": (b"PK\x03\x04\x14\x00\x00\x00", "an Excel workbook"),
    "gzip": (b"\x1f\x8b\x08\x00\x00", "cannot be unpacked"),
    "Parquet": (b"PAR1\x15\x00", "is it damaged?"),
    "semicolons": (b"x;y\n1;a\n", "line 1: the columns are separated by ';'"),
    "tabs": (b"x\ty\n1\ta\n", "separated by '\\t'"),
    "quote never closed": (b'x,y\n1,a\n2,"b\n3,a\n', "line 3: a quotation mark is opened here and never closed"),
    "huge quoted cell": (b'x,y\n1,"' + b"z" * 200_000 + b'"\n', "holds one class only, 'zzz"),
    "text after a quote": (b'x,y\n1,"a"b\n', "line 2: text goes on after a closing quotation mark"),
    "one class": (b"x,y\n1,a\n2,a\n", "holds one class only, 'a' (2)"),
    "three classes": (b"x,y\n1,a\n2,b\n3,c\n", "holds 3 labels: here two are needed"),
    "a number as target": (b"x,y\n" + b"".join(b"1,%d\n" % i for i in range(99)), "99 distinct labels"),
    "missing label": (b"x,y\n1,a\n2,\n", "line 3: the target 'y' is missing"),
    "label NA": (b"x,y\n1,a\n2,NA\n", "line 3: the target 'y' is missing"),
    "one number spelled twice": (b"x,y\n1,1\n2,1.0\n", "'1' and '1.0' are the same number"),
    "no such target": (b"x,Y2\n1,a\n", "has no column 'y': did you mean 'Y2'?"),
    "no feature": (b"y\na\nb\n", "no column is left beside the target 'y'"),
    "escape sequences": (b"x,y\n\x1b[31mred,a\n2,b\n", "'\\x1b[31mred' is not a number"),
    "bidi override": ("x,y\n\u202e1,a\n2,b\n".encode(), "'\\u202e1' is not a number"),
    "HTML": (b"<!DOCTYPE html>\n<html>\n", "has no column 'y'"),
    "beyond squaring": (b"x,y\n1e308,a\n-1e308,b\n", "line 2, column 'x': 1e+308 is beyond 1e+152"),
}  # fmt: skip

READ = {  # name: (content, the first feature's name, rows)
    "plain": (OK, "x", 4),
    "BOM": (b"\xef\xbb\xbf" + OK, "x", 4),
    "CRLF": (OK.replace(b"\n", b"\r\n"), "x", 4),
    "CR": (OK.replace(b"\n", b"\r"), "x", 4),
    "no last line end": (OK.rstrip(), "x", 4),
    "blank lines": (OK.replace(b"\n2", b"\n\n2") + b"\n\n", "x", 4),
    "spaces around": (b" x , y \n 1 , a \n 2,b\n3, a\n4,b\n", "x", 4),
    "quoted": (b'"x","y"\n"1","a"\n"2","b"\n"3","a"\n"4","b"\n', "x", 4),
    "name with comma, quote and line end": (OK.replace(b"x,", b'"a,""b""\nc",'), 'a,"b"\nc', 4),
    "unicode name": (OK.replace(b"x,", "größe 時間,".encode()), "größe 時間", 4),
    "labels with line ends": (OK.replace(b"a", b'"a\na"'), "x", 4),
    "formula as name": (OK.replace(b"x,", b"=1+1,"), "=1+1", 4),
    "script as name": (OK.replace(b"x,", b"<script>alert(1)</script>,"), "<script>alert(1)</script>", 4),
    "plus and minus as labels": (OK.replace(b"a", b"+").replace(b"b", b"-"), "x", 4),
    "exact large integer": (OK.replace(b"1,", b"9007199254740992,", 1), "x", 4),
    "tiny and denormal": (OK.replace(b"1,", b"5e-324,", 1), "x", 4),
}


@pytest.fixture(params=[1 << 20, 0], ids=["plain", "duckdb"], autouse=True)
def reader(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Small files are read by the plain reader; the whole corpus goes through DuckDB as well."""
    monkeypatch.setattr(reading, "SMALL", request.param)


def invoke(folder: Path, content: bytes, *options: str):
    file = folder / "table.csv"
    file.write_bytes(content)
    return CliRunner().invoke(main, ["fit", str(file), "--target", "y", "--iterations", "20", *options])


@pytest.mark.parametrize("name", REFUSED)
def test_refused_in_one_line(name: str, tmp_path: Path) -> None:
    content, says = REFUSED[name]
    result = invoke(tmp_path, content, "--json")
    assert result.exception is None or isinstance(result.exception, SystemExit)
    lines = [line for line in result.stderr.splitlines() if not line.startswith("note: ")]
    assert (result.exit_code, result.stdout, len(lines)) == (1, "", 1), result.stderr
    assert lines[0].startswith("steepest: ")
    assert says in lines[0]
    assert "table.csv" in lines[0]
    assert lines[0].isprintable()
    assert len(lines[0]) < 600


@pytest.mark.parametrize("name", READ)
def test_read_right(name: str, tmp_path: Path) -> None:
    content, feature, rows = READ[name]
    result = invoke(tmp_path, content, "--json")
    assert result.exit_code == 0, result.stderr
    found = json.loads(result.stdout)
    assert list(found["coefficients"]) == [feature]
    assert found["rows"] == rows
    text = invoke(tmp_path, content)
    assert text.exit_code == 0
    assert all(line.isprintable() for line in text.stdout.splitlines())
    assert re.search(r"\x1b", text.output) is None


def test_enough_of_them() -> None:
    assert len(REFUSED) + len(READ) >= 60


def test_a_header_of_numbers_is_noted(tmp_path: Path) -> None:
    file = tmp_path / "table.csv"
    file.write_bytes(b"1.5,0\n2.5,1\n1.0,0\n3.0,1\n0.5,1\n")
    result = CliRunner().invoke(main, ["fit", str(file), "--target", "0", "--quiet"])
    assert result.exit_code == 0
    assert result.stderr.startswith("note: ")
    assert "the header '1.5,0' is all numbers" in result.stderr


def test_names_are_escaped_on_the_screen(tmp_path: Path) -> None:
    result = invoke(tmp_path, "a\u202eb\x1b[31m,y\n1,p\x07\n2,q\n3,p\x07\n5,q\n".encode())
    assert result.exit_code == 0
    assert "a\\u202eb\\x1b[31m" in result.stdout
    assert "p\\x07" in result.stdout
    assert all(line.isprintable() for line in result.output.splitlines())
