"""`steepest predict`: by name, streamed, guarded, safe for spreadsheets."""

from __future__ import annotations

import csv
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from click.testing import CliRunner, Result

import steepest
from steepest.cli import main

TABLE = "a,b,y\n1,2,=no\n2,1,@yes\n3,5,=no\n4,3,@yes\n5,4,@yes\n"
HEADER = ["row", "probability", "predicted", "unseen", "missing", "out_of_range"]


def call(*arguments: str, **extra: Any) -> Result:
    return CliRunner().invoke(main, ["predict", *arguments], **extra)


def table(text: str) -> list[list[str]]:
    return list(csv.reader(text.splitlines()))


@pytest.fixture
def model(tmp_path: Path) -> str:
    (tmp_path / "t.csv").write_text(TABLE)
    file = str(tmp_path / "m.json")
    fit = ["fit", str(tmp_path / "t.csv"), "--target", "y", "--out", file, "--quiet", "--method", "gd"]
    assert CliRunner().invoke(main, fit).exit_code == 0
    return file


@pytest.fixture
def mixed(tmp_path: Path, rng: np.random.Generator) -> tuple[str, Path]:
    """A model of a frame with policies that refuse and policies that do not, and rows for it."""
    size = rng.normal(size=200)
    frame = pl.DataFrame(
        {
            "size": [None if k % 9 == 0 else value for k, value in enumerate(size.tolist())],
            "colour": rng.choice(["red", "sky", "-"], 200).tolist(),
            "age": rng.integers(20, 60, 200).tolist(),
            "y": np.where(size + rng.normal(size=200) > 0.0, "yes", "no").tolist(),
        }
    )
    schema = steepest.schema(frame, "y", missing={"size": "indicator"}, unseen={"colour": "reference"})
    steepest.fit(frame, "y", schema=schema, l2=0.01).save(tmp_path / "f.json", frame, "y")
    rows = tmp_path / "rows.csv"
    rows.write_text("age,colour,size\n30,red,0.5\n30,mauve,NA\n99,-,0.25\n,red,0.5\n30,NA,1\n")
    return str(tmp_path / "f.json"), rows


def test_columns_by_name_and_labels_safe_for_spreadsheets(model: str, tmp_path: Path) -> None:
    rows = tmp_path / "new.csv"
    rows.write_text("b,extra,a\n-200,q,1\n200,,2\n")
    result = call(model, str(rows))
    assert result.exit_code == 0
    lines = table(result.stdout)
    assert lines[0] == HEADER
    expected = steepest.load(model).predict_proba([[1.0, -200.0], [2.0, 200.0]])
    assert [float(line[1]) for line in lines[1:]] == expected.tolist()
    assert {line[2] for line in lines[1:]} <= {"'=no", "'@yes"}
    assert [line[0] for line in lines[1:]] == ["1", "2"]
    assert [line[3:] for line in lines[1:]] == [["0", "0", "1"], ["0", "0", "1"]]
    assert "probability is that of '@yes', the positive class of 'y'" in result.stderr
    assert "2 of 2 rows have a number outside the range of the fit" in result.stderr
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


def test_guard_rails(mixed: tuple[str, Path]) -> None:
    file, rows = mixed
    strict = call(file, str(rows))
    assert strict.exit_code == 1
    assert strict.stderr == (
        f"steepest: {rows}, line 5: column 'age' is missing; fill it in, or fit with a schema that says "
        "missing='indicator', or say --lenient to leave such predictions empty\n"
    )
    result = call(file, str(rows), "--lenient")
    assert result.exit_code == 0
    lines = table(result.stdout)
    assert [line[3:] for line in lines[1:]] == [
        ["0", "0", "0"], ["1", "1", "0"], ["0", "0", "1"], ["0", "1", "0"], ["0", "1", "0"],
    ]  # fmt: skip
    assert [bool(line[1]) for line in lines[1:]] == [True, True, True, False, False]
    assert [bool(line[2]) for line in lines[1:]] == [True, True, True, False, False]
    frame = pl.DataFrame({"size": [0.5, None, 0.25], "colour": ["red", "mauve", "-"], "age": [30, 30, 99]})
    expected = steepest.load(file).predict_proba(frame)
    np.testing.assert_allclose([float(lines[k][1]) for k in (1, 2, 3)], expected, rtol=1e-14)
    for words in ("1 of 5 rows have a level that the model does not have", "2 of 5 rows have no prediction"):
        assert words in result.stderr


def test_certified_bounds(mixed: tuple[str, Path], model: str) -> None:
    file, rows = mixed
    lines = table(call(file, str(rows), "--lenient", "--certified").stdout)
    assert lines[0] == [*HEADER, "certified_low", "certified_high"]
    for line in lines[1:]:
        if line[1]:
            low, p, high = float(line[6]), float(line[1]), float(line[7])
            assert low <= p <= high
            assert high - low < 1e-3
        else:
            assert line[6:] == ["", ""]
    result = call(model, str(rows), "--certified")  # gd, far from its optimum
    assert result.exit_code == 1
    assert "does not say how far the optimum may be" in result.stderr


def test_k_classes(tmp_path: Path, rng: np.random.Generator) -> None:
    X, y = rng.normal(size=(90, 2)), rng.choice(["a", "=b", "c"], 90)
    fit = steepest.fit(X, y, l2=0.01)
    fit.save(tmp_path / "k.json")
    rows = tmp_path / "rows.csv"
    rows.write_text("x1,x2\n0.5,1\n-1,2\n")
    result = call(str(tmp_path / "k.json"), str(rows))
    lines = table(result.stdout)
    each = ["probability['=b]", "probability[a]", "probability[c]"]
    assert lines[0] == ["row", "probability", "predicted", *each, "unseen", "missing", "out_of_range"]
    P = fit.predict_proba([[0.5, 1.0], [-1.0, 2.0]])
    np.testing.assert_allclose([[float(cell) for cell in line[3:6]] for line in lines[1:]], P, rtol=1e-14)
    assert [float(line[1]) for line in lines[1:]] == [max(map(float, line[3:6])) for line in lines[1:]]
    assert [line[2].lstrip("'") for line in lines[1:]] == fit.predict([[0.5, 1.0], [-1.0, 2.0]]).tolist()
    assert [line[-1] for line in lines[1:]] == ["", ""]
    assert "out_of_range is empty" in result.stderr


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a,B\n1,2\n", "has no column 'b': did you mean 'B'?"),
        ("a,b\n1,x\n", "line 2, column 'b': 'x' is not a number"),
        ("a,b\n1,\n", "line 2: column 'b' is missing"),
        ("a,b\n1,inf\n", "line 2: column 'b' is not finite or beyond 1e+152"),
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
    assert len(result.stderr.splitlines()) == 1
    assert out.read_text() == "old"


def test_memory_does_not_grow_with_the_file(model: str, tmp_path: Path) -> None:
    """Peak memory over 20,000 and over 200,000 rows, in a process of its own: no more than some MB apart."""
    code = (
        "import resource, sys\n"
        "from click.testing import CliRunner\n"
        "from steepest.cli import main\n"
        "CliRunner().invoke(main, ['predict', sys.argv[1], sys.argv[2], '--out', '/dev/null', '--quiet'])\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)\n"
    )
    peaks = []
    for count in (20_000, 200_000):
        file = tmp_path / "many.csv"
        file.write_text("a,b\n" + "1.25,2.5\n" * count)
        environment = {"PYTHONPATH": str(Path(steepest.__file__).parents[1])}
        command = [sys.executable, "-c", code, model, str(file)]
        done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
        peaks.append(int(done.stdout))
    assert peaks[1] - peaks[0] < 8_000  # kilobytes


def test_a_broken_model(model: str) -> None:
    Path(model).write_text(Path(model).read_text().replace('"b"', '"c"'))
    result = call(model, "-", input="a,b\n1,2\n")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("steepest: ")


def test_usage() -> None:
    assert call().exit_code == 2
    assert call("m.json").exit_code == 2
