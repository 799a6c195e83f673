"""`steepest fit`: published numbers, every option, what is printed where, and the usage errors."""

from __future__ import annotations

import json
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result

import steepest
from steepest.cli import main
from steepest.data.files import open_source
from steepest.data.files.table import Chosen, read_files

SHARED = Path(__file__).parents[2].parent / "shared" / "data"
TABLE = "size,weight,sex\n1,2,f\n2,1,m\n3,5,f\n4,3,m\n5,4,m\n"


def call(*arguments: str, **extra: Any) -> Result:
    return CliRunner().invoke(main, ["fit", *arguments], **extra)


def found(*arguments: str, **extra: Any) -> dict[str, Any]:
    """The document of a descent: five rows on a plane have no optimum to find."""
    method = () if "--method" in arguments else ("--method", "gd")
    result = call(*arguments, *method, "--json", **extra)
    assert result.exit_code == 0, result.stderr
    document: dict[str, Any] = json.loads(result.stdout, parse_constant=pytest.fail)
    return document


@pytest.fixture
def table(tmp_path: Path) -> str:
    (tmp_path / "t.csv").write_text(TABLE)
    return str(tmp_path / "t.csv")


def test_the_published_optimum() -> None:
    folder = SHARED / "ng_ex2data1"
    if not folder.exists():
        pytest.skip("the shared data sets are not here")
    expected = json.loads((folder / "expected.json").read_text())
    fit = found(str(folder / "ex2data1.txt"), "--target", "decision", "--method", "newton")
    theta = [fit["intercept"], fit["coefficients"]["exam1_score"], fit["coefficients"]["exam2_score"]]
    assert theta == pytest.approx(expected["ours"]["theta"], abs=1e-7)
    assert np.round(theta, 3).tolist() == expected["optimum"]["theta"]
    assert fit["cost"] == pytest.approx(expected["ours"]["cost"], rel=1e-12)
    assert fit["accuracy"] == expected["train_accuracy"]
    assert fit["classes"] == ["0", "1"]


def test_json_is_what_the_library_gives() -> None:
    with as_file(files("steepest.data.bundled") / "penguins.csv") as path:
        table = read_files(open_source(path), Chosen("sex"))
    fit = steepest.fit(table.X, table.target.y, method="nesterov", standardize=True, iterations=40, l2=0.1)
    shown = found("--method", "nesterov", "--standardize", "--iterations", "40", "--l2", "0.1")
    assert list(shown["coefficients"]) == list(table.names)
    assert list(shown["coefficients"].values()) == fit.w.tolist()
    assert shown["intercept"] == fit.b
    assert shown["history"] == fit.history.tolist()
    assert (shown["cost"], shown["value"], shown["iterations"]) == (fit.cost, fit.value, 40)
    assert (shown["status"], shown["method"], shown["l2"]) == ("iterations", "nesterov", 0.1)
    assert (shown["standardize"], shown["classes"], shown["rows"]) == (True, ["female", "male"], 333)
    assert shown["version"] == steepest.__version__
    assert {"learning_rate", "accuracy", "notes", "passes", "seconds"} <= shown.keys()


def test_the_report_for_a_person() -> None:
    result = call("--method", "newton", "--l2", "0.5", "--standardize")
    assert result.exit_code == 0
    for text in (
        "penguins.csv: 333 rows, 4 features",
        "male is positive (168), female negative (165)",
        "½ · 0.5 · |w|²",
        "J before  0.693147",
        "J after",
        "with the penalty",
        "ended     after",
        "  bill_length_mm ",
        "  b ",
        "accuracy",
        "by step   J  0.693147",
    ):
        assert text in result.stdout
    assert "\x1b" not in result.output
    assert "CC0 1.0" in result.stderr
    assert "Gorman" in result.stderr


def test_the_method_is_the_one_that_ran() -> None:
    assert "auto: Newton's method" in " ".join(call("--l2", "0.1").stdout.split())
    assert "auto: proximal Newton" in " ".join(call("--l1", "0.01").stdout.split())


def test_many_steps_are_drawn_and_few_are_told() -> None:
    many, few = (call("--iterations", str(steps)).stdout for steps in (40, 7))
    assert "J by step" in many
    assert "┤" in many
    assert "by step   J  0.693147  0.68" in few
    assert "┤" not in few


@pytest.mark.parametrize("columns", [20, 40, 60, 80, 200])
def test_never_wider_than_the_screen(columns: int, table: str) -> None:
    long = "a very long name of a column " * 4
    Path(table).write_text(TABLE.replace("size", long))
    result = call(table, "--target", "sex", "--learning-rate", "0.1", env={"COLUMNS": str(columns)})
    assert result.exit_code == 0
    assert max(len(line) for line in result.stdout.splitlines()) <= max(40, min(80, columns))


def test_many_columns_fit_on_a_screen(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    rows = [[*map(repr, row), "ab"[i % 2]] for i, row in enumerate(rng.normal(size=(20, 200)).tolist())]
    lines = [",".join([*(f"c{j}" for j in range(200)), "y"]), *(",".join(row) for row in rows)]
    (tmp_path / "wide.csv").write_text("\n".join(lines))
    result = call(str(tmp_path / "wide.csv"), "--target", "y", "--iterations", "5")
    assert "the 30 largest of 200" in result.stdout
    assert len(result.stdout.splitlines()) < 70


def test_no_steps_and_one_step(table: str) -> None:
    for steps in ("0", "1"):
        result = call(table, "--target", "sex", "--iterations", steps)
        assert result.exit_code == 0
        assert f"after {steps} step" in result.stdout


def test_the_positive_class_may_be_chosen(table: str) -> None:
    usual, other = (found(table, "--target", "sex", "--positive", each) for each in ("m", "f"))
    assert usual["classes"] == ["f", "m"]
    assert other["classes"] == ["m", "f"]
    assert other["counts"] == [3, 2]
    assert list(other["coefficients"].values()) == pytest.approx([-w for w in usual["coefficients"].values()], rel=1e-9)
    assert other["accuracy"] == usual["accuracy"]
    result = call(table, "--target", "sex", "--positive", "x")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "no label 'x': there are 'f', 'm'" in result.stderr


def test_columns_and_drop_and_weights(table: str) -> None:
    assert list(found(table, "--target", "sex", "--columns", "weight,size")["coefficients"]) == ["weight", "size"]
    assert list(found(table, "--target", "sex", "--columns", "weight", "--columns", "size")["coefficients"]) == [
        "weight", "size",
    ]  # fmt: skip
    assert list(found(table, "--target", "sex", "--drop", "size")["coefficients"]) == ["weight"]
    weighted = found(table, "--target", "sex", "--weights", "weight", "--iterations", "5")
    rows = [line.split(",") for line in TABLE.splitlines()[1:]]
    size, weight, sex = [float(row[0]) for row in rows], [float(row[1]) for row in rows], [row[2] for row in rows]
    direct = steepest.fit([[each] for each in size], sex, sample_weight=weight, iterations=5)
    assert list(weighted["coefficients"].values()) == direct.w.tolist()


def test_stop_rules_and_kernels(table: str) -> None:
    assert found(table, "--target", "sex", "--tolerance", "100")["status"] == "unchanged"
    assert found(table, "--target", "sex", "--gradient-tolerance", "100")["iterations"] == 0
    assert found(table, "--target", "sex", "--budget", "1ms", "--iterations", "10000000")["status"] == "budget"
    costs = [found(table, "--target", "sex", "--kernel", kernel)["cost"] for kernel in ("loop", "vectorised", "gram")]
    assert costs == pytest.approx([costs[0]] * 3, rel=1e-12)
    one, two = (found(table, "--target", "sex", "--threads", threads) for threads in "12")
    assert one["history"] == two["history"]
    assert found(table, "--target", "sex", "--learning-rate", "0.25")["learning_rate"] == 0.25
    assert found(table, "--target", "sex", "--learning-rate", "safe")["learning_rate"] > 0.0
    assert found(table, "--target", "sex", "--method", "newton", "--l2", "0.1")["learning_rate"] is None


def test_notes_go_to_standard_error_and_into_json(table: str) -> None:
    result = call(table, "--target", "sex", "--learning-rate", "50", "--json")
    assert [note["kind"] for note in json.loads(result.stdout)["notes"]][:2] == ["row-number", "step-too-large"]
    assert "note: J rose" in result.stderr
    quiet = call(table, "--target", "sex", "--learning-rate", "50", "--quiet")
    assert quiet.stdout == ""
    assert quiet.stderr.startswith("note: column 'size' counts the rows")
    assert "note: J rose" in quiet.stderr


def test_standard_input(table: str) -> None:
    assert found("-", "--target", "sex", input=TABLE)["history"] == found(table, "--target", "sex")["history"]


def test_out_writes_a_model(table: str, tmp_path: Path) -> None:
    out = tmp_path / "model.json"
    shown = found(table, "--target", "sex", "--out", str(out))
    model = steepest.load(out)
    assert model.w.tolist() == list(shown["coefficients"].values())
    assert (model.target, model.classes, model.feature_names) == ("sex", ("f", "m"), ("size", "weight"))
    assert (model.provenance.rows, model.provenance.file) == (5, table)
    result = call(table, "--target", "sex", "--method", "gd", "--out", str(tmp_path / "none" / "model.json"))
    assert (result.exit_code, result.stdout) == (1, "")
    assert "cannot be written" in result.stderr


@pytest.mark.parametrize(
    "wrong",
    [
        ["--method", "adam"],
        ["--learning-rate", "0"],
        ["--learning-rate", "-1"],
        ["--learning-rate", "nan"],
        ["--learning-rate", "fast"],
        ["--learning-rate", "0.1", "--method", "newton"],
        ["--iterations", "-1"],
        ["--iterations", "1.5"],
        ["--tolerance", "-1"],
        ["--tolerance", "nan"],
        ["--l2", "-0.1"],
        ["--l2", "inf"],
        ["--budget", "0s"],
        ["--budget", "soon"],
        ["--budget", "3 days"],
        ["--threads", "0"],
        ["--kernel", "gram", "--method", "newton"],
        ["--kernel", "gram", "--standardize"],
        ["--columns", "a,,b"],
        ["--nonsense"],
        ["one.csv", "two.csv"],
    ],
)
def test_usage_errors(wrong: list[str]) -> None:
    result = call(*wrong)
    assert (result.exit_code, result.stdout) == (2, ""), result.output
    assert "Error: " in result.stderr
    assert "Traceback" not in result.stderr


def test_a_file_needs_a_target(table: str) -> None:
    result = call(table)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "--target is needed with a file: one of 'size', 'weight', 'sex'" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["none.csv", "--target", "y"], "steepest: none.csv: no such file"),
        (["none.csv"], "steepest: none.csv: no such file"),
        (["docs/decisions", "--target", "y"], "steepest: docs/decisions is a folder without a file named *.csv"),
        (["--target", "species"], "steepest: penguins.csv has no column 'species': there are"),
        (["--target", "Sex"], "did you mean 'sex'?"),
        (["--target", "sex", "--category", "body"], "has no column 'body'"),
        (["--target", "body_mass_g", "--drop", "sex"], "distinct labels"),
    ],
)
def test_data_errors(arguments: list[str], says: str) -> None:
    result = call(*arguments, "--quiet")
    assert (result.exit_code, result.stdout) == (1, "")
    assert says in result.stderr
    assert result.stderr.count("\n") == 1


OVERLAPPING = "x,y\n" + "".join(f"{x},{y}\n" for x, y in zip(range(12), "001010110111", strict=True))


def test_auto_is_proved(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(OVERLAPPING)
    document = found(str(tmp_path / "t.csv"), "--target", "y", "--method", "auto")
    assert document["status"] == "proved"
    assert document["certificate"]["gap"] <= 1e-9
    assert document["certificate"]["exists"] == "proved"
    assert document["certificate"]["witness"] is None
    text = call(str(tmp_path / "t.csv"), "--target", "y").stdout
    assert "above the optimum, no probability off by more than" in " ".join(text.split())


@pytest.mark.parametrize("method", ["auto", "newton"])
def test_no_optimum_no_numbers(tmp_path: Path, method: str) -> None:
    rows, out = tmp_path / "t.csv", tmp_path / "model.json"
    rows.write_text("dose,age,y\n1,30,no\n2,40,no\n3,20,yes\n4,50,yes\n2,20,no\n3,60,yes\n")
    result = call(str(rows), "--target", "y", "--method", method, "--out", str(out))
    assert result.exit_code == 3
    assert "no finite optimum exists" in result.stdout
    assert "dose" in result.stdout
    assert "weights\n" not in result.stdout
    assert not out.exists()
    document = json.loads(call(str(rows), "--target", "y", "--method", method, "--json").stdout)
    assert document["coefficients"] == {"dose": None, "age": None}
    assert document["intercept"] is None
    assert document["certificate"]["exists"] == "disproved"
    assert document["certificate"]["witness"]["separated"] == 6
    cured = call(str(rows), "--target", "y", "--method", method, "--l2", "0.01", "--out", str(out))
    assert cured.exit_code == 0
    assert out.exists()


def test_quasi_separation_names_the_column(tmp_path: Path) -> None:
    rows = tmp_path / "t.csv"
    lines = [f"{x},{int(x == 5)},{y}\n" for x, y in zip(range(12), "001011110111", strict=True)]
    rows.write_text("x,dummy,y\n" + "".join(lines))
    result = call(str(rows), "--target", "y")
    assert result.exit_code == 3
    assert "columns   dummy" in result.stdout


def test_an_option_of_descent_means_descent(table: str) -> None:
    for option in (("--iterations", "3"), ("--learning-rate", "safe"), ("--tolerance", "1"), ("--kernel", "loop")):
        document = json.loads(call(table, "--target", "sex", "--json", *option).stdout)
        assert document["method"] == "gd"
