"""Files as a table to fit: kinds, levels, rare ones, labels, weights; the doors in Python and on the command line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from click.testing import CliRunner

import steepest
from steepest.cli import main
from steepest.data.files import open_source
from steepest.data.files.kinds import kinds_of, sample
from steepest.data.files.table import Chosen, read_files
from steepest.data.wishes import Wishes
from steepest.errors import DataError

ROWS = 600


def frame_of(seed: int = 3) -> pl.DataFrame:
    random = np.random.default_rng(seed)
    z = random.normal(size=ROWS)
    return pl.DataFrame({
        "x": [None if k % 40 == 5 else float(v) for k, v in enumerate(z)],
        "town": random.choice(["A", "B", "C", "D", "E", "F"], ROWS, p=[0.4, 0.4, 0.17, 0.01, 0.01, 0.01]),
        "w": random.integers(0, 4, ROWS),
        "y": np.where(z + random.logistic(size=ROWS) > 0, "yes", "no"),
    })  # fmt: skip


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    frame_of().write_csv(tmp_path / "t.csv")
    frame_of().write_parquet(tmp_path / "t.parquet")
    return tmp_path / "t.csv", tmp_path / "t.parquet"


def call(*arguments: str, **options: Any) -> Any:
    return CliRunner().invoke(main, list(arguments), **options)


def test_a_fit_to_files_is_a_fit_to_the_frame(files: tuple[Path, Path]) -> None:
    frame = frame_of()
    wishes = {"missing": "indicator", "unseen": "reference", "rare": 20}
    schema = steepest.schema(frame.drop("w"), "y", **wishes)
    expected = steepest.fit(frame.drop("w"), "y", schema=schema, l2=0.01, sample_weight=frame["w"])
    for path in files:
        own = steepest.schema(path, "y", exclude=["w"], **wishes)
        assert own.columns == schema.columns
        fit = steepest.fit(path, "y", schema=own, l2=0.01, sample_weight="w")
        assert (fit.w.tobytes(), fit.b, fit.classes) == (expected.w.tobytes(), expected.b, ("no", "yes"))
        again = steepest.Model.of(fit, path, "y", "w")
        assert again.provenance.sha256 == steepest.Model.of(expected, frame, "y", frame["w"]).provenance.sha256
    both = steepest.fit([files[0], str(files[0])], "y", schema=own, l2=0.01, sample_weight="w")
    np.testing.assert_allclose(both.w, fit.w, atol=1e-6)


def test_rare_levels_count_as_one(files: tuple[Path, Path]) -> None:
    schema = steepest.schema(files[0], "y", missing="drop", rare=20, unseen={"town": "rare"})
    town = schema.column("town")
    assert (town.levels, town.rare) == (("A", "B", "C", "(rare)"), ("D", "E", "F"))
    assert sum(town.counts) == ROWS
    assert any("3 rare levels ('D', 'E', 'F')" in remark.text for remark in schema.remarks)
    assert "3 rare levels are (rare)" in str(schema)
    assert steepest.Schema.from_dict(json.loads(json.dumps(schema.to_dict()))) == schema
    assert steepest.schema(files[0], "y", missing="drop", rare=20 / ROWS).column("town").levels == town.levels
    fit = steepest.fit(files[0], "y", schema=schema, l2=0.1)
    X = schema.design(pl.DataFrame({"x": [0.0] * 4, "town": ["D", "F", "new", "(rare)"], "w": [1] * 4}))
    assert np.unique(np.asarray(X.X), axis=0).shape[0] == 1
    assert X.unseen == {"town": {"new": 1}}
    model = steepest.Model.of(fit, files[0], "y")
    said = model.predictions(pl.DataFrame({"x": [0.0] * 3, "town": ["D", "new", "F"], "w": [1] * 3}))
    assert len(set(said.probability.tolist())) == 1
    assert said.unseen.tolist() == [0, 1, 0]


def test_rare_levels_in_every_export(files: tuple[Path, Path], tmp_path: Path) -> None:
    model = str(tmp_path / "m.json")
    options = ["--missing", "indicator", "--rare", "20", "--unseen", "rare", "--l2", "0.1", "--drop", "w"]
    assert call("fit", str(files[1]), "--target", "y", *options, "--out", model, "--quiet").exit_code == 0
    for language in ("sql", "python", "onnx"):
        done = call("export", model, "--to", language, "--out", str(tmp_path / "out"))  # checked on the parity rows
        assert done.exit_code == 0, done.stderr


def test_reference_and_positive(files: tuple[Path, Path]) -> None:
    wishes = Wishes("indicator", reference={"town": "B"})
    table = read_files(open_source(files[0]), Chosen("y", positive="no", wishes=wishes))
    assert table.schema.column("town").reference == "B"
    assert table.target.classes == ("yes", "no")
    other = read_files(open_source(files[0]), Chosen("y", wishes=wishes))
    assert (table.target.codes + other.target.codes == 1).all()
    with pytest.raises(DataError, match="has no label 'maybe'"):
        read_files(open_source(files[0]), Chosen("y", positive="maybe", wishes=wishes))
    with pytest.raises(DataError, match="a positive one can be stated of two only"):
        read_files(open_source(files[0]), Chosen("town", positive="A", wishes=wishes))


def test_labels_by_value_and_of_k_classes(tmp_path: Path) -> None:
    file = tmp_path / "t.csv"
    file.write_text("x,y\n1,10\n2,9\n3,9\n4,11\n5,10\n")
    assert read_files(open_source(file), Chosen("y")).target.classes == ("9", "10", "11")
    fit = steepest.fit(file, "y", l2=0.1)
    assert (fit.classes, fit.w.shape) == (("9", "10", "11"), (1, 3))
    assert fit.predict(np.array([[1.0]])).tolist()[0] in fit.classes
    with pytest.raises(DataError, match="y holds 3 distinct labels, 9, 10, 11: method='gd' is for two"):
        steepest.fit(file, "y", method="gd")


@pytest.mark.parametrize(
    ("chosen", "says"),
    [
        (Chosen("Y"), "has no column 'Y': did you mean 'y'"),
        (Chosen("y", features=("towm",)), "did you mean 'town'"),
        (Chosen("y", weights="y"), "both the target and the row weights"),
        (Chosen("y", features=("y",)), "neither a feature nor dropped"),
        (Chosen("y", wishes=Wishes(exclude=("x", "town", "w"))), "no column is left beside the target 'y'"),
        (Chosen("y"), r"column 'x' is missing in 15 of 600 rows \(.*t\.csv, line 7 is the first\)"),
        (Chosen("y", weights="town"), "line 2, column 'town': '.' is not a number"),
        (Chosen("y", features=("town",), weights="x"), "the weight .* in column 'x' is not a number >= 0"),
    ],
)
def test_wrong_columns(files: tuple[Path, Path], chosen: Chosen, says: str) -> None:
    with pytest.raises(DataError, match=says):
        read_files(open_source(files[0]), chosen)


def test_a_file_without_a_header_is_told_from_a_wrong_name(tmp_path: Path) -> None:
    file = tmp_path / "raw.csv"
    file.write_text("39, State-gov, yes\n50, Private, no\n")
    with pytest.raises(DataError, match=r"no column 'y': .*; '39' looks like a value: if the file has no header"):
        read_files(open_source(file), Chosen("y"))


def test_doors_that_do_not_fit(files: tuple[Path, Path]) -> None:
    with pytest.raises(DataError, match="y must be the name of the target"):
        steepest.fit(files[0], [0, 1])
    with pytest.raises(DataError, match="no such file"):
        steepest.fit("none.csv", "y")
    with pytest.raises(ValueError, match="rare=-1 must be a number of rows"):
        steepest.schema(files[0], "y", rare=-1)


def test_the_schema_can_be_seen_saved_edited_and_passed(files: tuple[Path, Path], tmp_path: Path) -> None:
    file, saved = str(files[0]), tmp_path / "schema.json"
    seen = call("schema", file, "--target", "y", "--drop", "w", "--missing", "x=indicator", "--text")
    assert "town  category  A " in seen.stdout
    made = call("schema", file, "--target", "y", "--drop", "w", "--missing", "x=indicator")
    saved.write_text(made.stdout.replace('"reference": "A"', '"reference": "C"'))
    fit = json.loads(call("fit", file, "--target", "y", "--schema", str(saved), "--json").stdout)
    assert list(fit["coefficients"]) == ["x", "x[missing]", "town[A]", "town[B]", "town[D]", "town[E]", "town[F]"]
    assert fit["schema"]["columns"][1]["reference"] == "C"
    for options, code, says in (
        (["--schema", str(saved), "--rare", "5"], 2, "leave out the options about columns"),
        (["--schema", "none.json"], 1, "none.json: no such file"),
        (["--schema", file], 1, "is no JSON"),
        (["--missing", "ignore"], 2, "it is none of error, indicator"),
        (["--missing", "drop", "--missing", "x=drop"], 2, "not both"),
        (["--rare", "few"], 2, "it is no number of rows"),
        (["--reference", "B"], 2, "write NAME=LEVEL"),
        (["--missing", "z=drop"], 1, "has no column 'z'"),
        (["--l1", "0.1", "--method", "gd"], 2, "--l1 is for --method auto"),
    ):
        result = call("fit", file, "--target", "y", *options)
        assert (result.exit_code, says in result.stderr) == (code, True), result.stderr


def test_missing_texts_travel_with_the_model(tmp_path: Path) -> None:
    file, model = tmp_path / "t.csv", str(tmp_path / "m.json")
    file.write_text("x,c,y\n" + "1,a,no\n-9,b,yes\n3,none,no\n2,a,yes\n" * 5)
    options = ["--na", "-9,none", "--missing", "indicator", "--l2", "0.1", "--out", model]
    fit = call("fit", str(file), "--target", "y", *options)
    assert fit.exit_code == 0, fit.stderr
    assert "column 'x' is missing in 5 of 20 rows" in fit.stderr
    assert steepest.load(model).schema.missing_texts == ("-9", "none")
    assert call("verify", model, str(file)).exit_code == 0
    said = call("predict", model, str(file)).stdout.splitlines()
    assert [line.split(",")[4] for line in said[1:5]] == ["0", "1", "1", "0"]
    piped = call("predict", model, "-", input=file.read_text()).stdout.splitlines()
    assert piped == said


def test_predictions_are_the_same_from_every_form(files: tuple[Path, Path], tmp_path: Path) -> None:
    model = str(tmp_path / "m.json")
    options = ["--missing", "indicator", "--l2", "0.01", "--out", model, "--quiet"]
    assert call("fit", str(files[0]), "--target", "y", *options).exit_code == 0
    said = [call("predict", model, str(path)).stdout for path in files]
    assert said[0] == said[1]
    frame = frame_of()
    expected = steepest.load(model).predictions(frame).probability
    assert [float(line.split(",")[1]) for line in said[0].splitlines()[1:]] == expected.tolist()
    assert call("verify", model, str(files[1])).exit_code == 0


def test_k_classes_on_the_command_line(tmp_path: Path, files: tuple[Path, Path]) -> None:
    model = str(tmp_path / "k.json")
    options = ["--columns", "x,w", "--missing", "indicator", "--l2", "0.1", "--out", model]
    done = call("fit", str(files[0]), "--target", "town", *options)
    assert done.exit_code == 0, done.stderr
    assert "6 classes: A " in done.stdout
    assert "softmax(Wᵀx + b)" in done.stdout
    assert call("verify", model, str(files[0])).exit_code == 0
    header = call("predict", model, str(files[0])).stdout.splitlines()[0]
    assert "probability[F]" in header


def test_the_sample_of_kinds_is_spread_over_the_files(tmp_path: Path) -> None:
    """A column that is whole in the first file only, or empty there, is known from the others."""
    for k in range(40):
        code = f"{k}" if k < 20 else f"A{k}"
        (tmp_path / f"part-{k:02d}.csv").write_text(
            "x,late,code,y\n" + "".join(f"{j % 7},{j if k == 39 else ''},{code},{'ny'[j % 2]}\n" for j in range(400))
        )
    source = open_source(tmp_path)
    kinds, _ = kinds_of(source, ("x", "late"))
    assert kinds == {"x": "number", "late": "number"}
    assert len(sample(source, ["code"])["code"]) == 32
    assert {"0", "A39"} <= set(sample(source, ["code"])["code"])
    with pytest.raises(DataError, match=r"part-20\.csv, line 2, column 'code': 'A20' is not a number"):
        list(source.batches(["code"]))


@pytest.mark.parametrize("spooled", [False, True])
def test_missing_texts_and_the_positive_class_in_python(tmp_path: Path, spooled: bool) -> None:
    file = tmp_path / "t.csv"
    rows = [f"{'-9' if k % 50 == 0 else k % 13 + k % 5 / 8},{'yes' if k * k % 7 > 2 else 'no'}" for k in range(400)]
    file.write_text("x,y\n" + "\n".join(rows) + "\n")
    schema = steepest.schema(file, "y", missing="indicator", missing_texts=["-9"])
    assert (schema.missing_texts, schema.names) == (("-9",), ("x", "x[missing]"))
    given: Any = {"schema": schema} | ({"spool": tmp_path / "spool"} if spooled else {})
    usual = steepest.fit(file, "y", **given)
    assert usual.classes == ("no", "yes")
    other = steepest.fit(file, "y", positive="no", **given)
    assert other.classes == ("yes", "no")
    np.testing.assert_allclose(other.w, -usual.w, rtol=1e-6)
    assert other.schema is not None
    assert other.schema.missing_texts == ("-9",)
    with pytest.raises(DataError, match="has no label 'maybe'"):
        steepest.fit(file, "y", positive="maybe", **given)


def test_the_positive_class_of_arrays(tmp_path: Path) -> None:
    X, y = np.arange(12.0).reshape(-1, 1) % 5, np.arange(12) % 3 % 2
    usual, other = steepest.fit(X, y), steepest.fit(X, y, positive=0)
    assert (usual.classes, other.classes) == ((0, 1), (1, 0))
    np.testing.assert_allclose(other.w, -usual.w, rtol=1e-6)
    assert steepest.fit(X, y, positive=1).w.tobytes() == usual.w.tobytes()
    np.testing.assert_array_equal(other.predict(X), usual.predict(X))
    for labels, positive, says in ((y, 7, "positive=7 is no label of y"), (np.arange(12) % 3, 1, "of two only")):
        with pytest.raises(DataError, match=says):
            steepest.fit(X, labels, positive=positive)
    with pytest.raises(DataError, match="y counts successes"):
        steepest.fit(X, np.full(12, 2.0), trials=4, positive=1)
    with pytest.raises(DataError, match="missing_texts are for files"):
        steepest.schema(pl.DataFrame({"x": [1.0, 2.0]}), missing_texts=["NA"])
