"""`steepest predict`: by name, streamed, safe for spreadsheets."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result

import steepest
from steepest.cli import main

TABLE = "a,b,y\n1,2,=no\n2,1,@yes\n3,5,=no\n4,3,@yes\n5,4,@yes\n"


def call(*arguments: str, **extra: Any) -> Result:
    return CliRunner().invoke(main, ["predict", *arguments], **extra)


@pytest.fixture
def model(tmp_path: Path) -> str:
    (tmp_path / "t.csv").write_text(TABLE)
    file = str(tmp_path / "m.json")
    fit = ["fit", str(tmp_path / "t.csv"), "--target", "y", "--out", file, "--quiet", "--method", "gd"]
    assert CliRunner().invoke(main, fit).exit_code == 0
    return file


def test_columns_by_name_and_labels_safe_for_spreadsheets(model: str, tmp_path: Path) -> None:
    rows = tmp_path / "new.csv"
    rows.write_text("b,extra,a\n-200,q,1\n200,,2\n")
    result = call(model, str(rows))
    assert result.exit_code == 0
    lines = list(csv.reader(result.stdout.splitlines()))
    assert lines[0] == ["row", "probability", "predicted"]
    expected = steepest.load(model).predict_proba([[1.0, -200.0], [2.0, 200.0]])
    assert [float(line[1]) for line in lines[1:]] == expected.tolist()
    assert {line[2] for line in lines[1:]} <= {"'=no", "'@yes"}
    assert [line[0] for line in lines[1:]] == ["1", "2"]
    assert "probability is that of '@yes', the positive class of 'y'" in result.stderr
    assert call(model, str(rows), "--quiet").stderr == ""


def test_many_rows_to_a_file_and_from_standard_input(model: str, tmp_path: Path) -> None:
    numbers = np.random.default_rng(0).normal(size=(9000, 2))
    text = "a,b\n" + "\n".join(",".join(map(repr, row)) for row in numbers.tolist()) + "\n"
    out = tmp_path / "p.csv"
    assert call(model, "-", "--out", str(out), input=text).exit_code == 0
    lines = out.read_text().splitlines()
    assert len(lines) == 9001
    got = np.array([float(line.split(",")[1]) for line in lines[1:]])
    np.testing.assert_allclose(got, steepest.load(model).predict_proba(numbers), rtol=1e-14)
    assert call(model, "-", input=text).stdout == out.read_text()
    assert call(model, "-", "--out", "-", input=text).stdout == out.read_text()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a,B\n1,2\n", "has no column 'b': did you mean 'B'?"),
        ("a,b\n1,x\n", "line 2, column 'b': 'x' is not a number"),
        ("a,b\n1,\n", "line 2, column 'b': the cell is empty"),
        ("a,b\n", "no rows"),
        ("", "is empty"),
    ],
)
def test_errors_leave_the_old_file(model: str, tmp_path: Path, text: str, says: str) -> None:
    rows, out = tmp_path / "new.csv", tmp_path / "out.csv"
    rows.write_text(text)
    out.write_text("old")
    result = call(model, str(rows), "--out", str(out))
    assert result.exit_code == 1
    assert says in result.stderr
    assert out.read_text() == "old"


def test_a_broken_model(model: str) -> None:
    Path(model).write_text(Path(model).read_text().replace('"b"', '"c"'))
    result = call(model, "-", input="a,b\n1,2\n")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("steepest: ")


def test_usage() -> None:
    assert call().exit_code == 2
    assert call("m.json").exit_code == 2
