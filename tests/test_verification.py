"""`verify`: a model holds on its own rows, and whatever is changed, in the model or in the rows, is named."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import steepest
from steepest.errors import DataError
from steepest.model import Model
from steepest.portable.parity import make_parity
from steepest.verification import Verification, verify


def write(path: Path, X: np.ndarray, y: Any, weight: Any = None) -> Path:
    names = [f"x{j + 1}" for j in range(X.shape[1])]
    columns: dict[str, Any] = {name: X[:, j] for j, name in enumerate(names)}
    if weight is not None:
        columns["s"] = weight
    pl.DataFrame({**columns, "y": [str(label) for label in y]}).write_csv(path)
    return path


def words(found: Verification) -> dict[str, bool | None]:
    return {finding.what: finding.holds for finding in found.findings}


GOOD = {"parity": True, "rows": True, "fingerprint": True, "objective": True, "optimum": True}
OPTIONS: dict[str, dict[str, Any]] = {
    "plain": {},
    "penalised": {"l2": 0.05},
    "standardised": {"l2": 0.05, "standardize": True},
    "through the origin": {"l2": 0.05, "intercept": False},
    "class weights": {"l2": 0.05, "class_weight": "balanced"},
    "factors": {"l2": 0.05, "penalty_factors": [1.0, 0.0, 2.0]},
    "newton": {"method": "newton"},
    "descent near the optimum": {"method": "nesterov", "iterations": 2000, "standardize": True},
}


@pytest.mark.parametrize("name", OPTIONS)
@pytest.mark.parametrize("weighted", [False, True])
def test_a_model_holds_on_its_own_rows(name: str, weighted: bool, tmp_path: Path, rng: np.random.Generator) -> None:
    X = rng.normal(size=(300, 3)) * [1.0, 100.0, 0.01] + [0.0, 50.0, 0.0]
    y = X[:, 0] + rng.normal(size=300) > 0.0
    weight = rng.integers(0, 3, 300).astype(float) if weighted else None
    fit = steepest.fit(X, y, sample_weight=weight, **OPTIONS[name])
    model = Model.of(fit, X, y, weight, target="y", weights="s" if weighted else None)
    model.save(tmp_path / "m.json")
    found = verify(steepest.load(tmp_path / "m.json"), write(tmp_path / "t.csv", X, y, weight))
    assert words(found) == GOOD, found
    assert (found.rows, found.reads, found.holds) == (300, 1, True)


BEYOND: dict[str, dict[str, Any]] = {
    "lasso": {"l1": 0.02},
    "elastic net with bounds": {"l1": 0.01, "l2": 0.01, "lower": [0.0, -1.0, -1.0], "upper": 0.5},
}


@pytest.mark.parametrize("name", BEYOND)
def test_penalties_with_corners(name: str, tmp_path: Path, rng: np.random.Generator) -> None:
    X = rng.normal(size=(300, 3))
    y = X[:, 0] + rng.normal(size=300) > 0.0
    model = Model.of(steepest.fit(X, y, **BEYOND[name]), X, y, target="y")
    model.save(tmp_path / "m.json")
    found = verify(steepest.load(tmp_path / "m.json"), write(tmp_path / "t.csv", X, y))
    assert words(found) == {**GOOD, "optimum": None}, found


def test_fits_whose_rows_say_more_than_labels(rng: np.random.Generator) -> None:
    X, y = rng.normal(size=(100, 2)), rng.integers(0, 2, 100)
    calibrated = steepest.fit(X, y, class_weight={1: 3.0}).calibrated()
    for fit in (calibrated, steepest.fit(X, y, offset=np.linspace(0.0, 1.0, 100))):
        with pytest.raises(DataError, match="an offset, and a calibrated one, is saved without its rows"):
            Model.of(fit, X, y)
        assert Model.of(fit).predict_proba(X).tobytes() == fit.predict_proba(X).tobytes()


def test_descent_far_from_the_optimum_claims_what_it_can(tmp_path: Path, rng: np.random.Generator) -> None:
    X, y = rng.normal(size=(200, 2)), rng.integers(0, 2, 200)
    X[:, 0] += y
    model = Model.of(steepest.fit(X, y, method="gd", iterations=1), X, y, target="y")
    assert model.verifiable_gap is None
    found = verify(model, write(tmp_path / "t.csv", X, y))
    assert words(found) == {**GOOD, "optimum": None}
    assert found.holds


def test_k_classes(tmp_path: Path, rng: np.random.Generator) -> None:
    X, y = rng.normal(size=(300, 2)), rng.choice(["a", "b", "c"], 300)
    for l2 in (0.0, 0.01):
        model = Model.of(steepest.fit(X, y, l2=l2), X, y, target="y")
        found = verify(model, write(tmp_path / "t.csv", X, y))
        assert words(found) == GOOD, found
        assert 1 < found.reads <= 6
        assert words(verify(replace(model, w=model.w * 1.01), tmp_path / "t.csv"))["objective"] is False


@pytest.fixture
def known(tmp_path: Path, rng: np.random.Generator) -> tuple[Model, Path, np.ndarray, np.ndarray]:
    X = rng.normal(size=(250, 3))
    y = np.where(X[:, 0] + rng.normal(size=250) > 0.0, "yes", "no")
    model = Model.of(steepest.fit(X, y, l2=0.01), X, y, target="y")
    return model, write(tmp_path / "t.csv", X, y), X, y


def test_a_model_that_was_changed(known: Any) -> None:
    model, file, _, _ = known
    moved = replace(model, w=model.w + 1e-4)
    assert words(verify(moved, file)) == {**GOOD, "parity": False, "objective": False, "optimum": False}
    # whoever changes the weights and makes everything else right again is found by the gap
    value = verify(moved, file)
    stored = float(value.findings[-2].text.split(" in the file, ")[1].split(" here")[0])
    clever = replace(moved, ending=replace(moved.ending, value=stored), parity=make_parity(moved.scorer))
    assert words(verify(clever, file)) == {**GOOD, "optimum": False}
    far = replace(model, b=model.b + 5.0)
    assert words(verify(far, file)) == {**GOOD, "parity": False, "objective": False, "optimum": False}
    assert words(verify(replace(model, ending=replace(model.ending, value=0.1)), file))["objective"] is False


def test_rows_that_were_changed(known: Any, tmp_path: Path) -> None:
    model, _, X, y = known
    other = tmp_path / "other.csv"
    changed = X.copy()
    changed[7, 1] = np.nextafter(changed[7, 1], 9.0)
    assert words(verify(model, write(other, changed, y))) == {**GOOD, "fingerprint": False}
    found = words(verify(model, write(other, X[:-1], y[:-1])))
    assert (found["rows"], found["fingerprint"], found["objective"]) == (False, False, False)
    flipped = y.copy()
    flipped[0] = "yes" if y[0] == "no" else "no"
    found = words(verify(model, write(other, X, flipped)))
    assert (found["rows"], found["fingerprint"], found["objective"]) == (False, False, False)
    order = np.argsort(X[:, 0])
    assert words(verify(model, write(other, X[order], y[order]))) == {**GOOD, "fingerprint": False}


def test_a_model_without_its_rows(known: Any) -> None:
    _, file, X, y = known
    bare = Model.of(steepest.fit(X, y, l2=0.01), target="y")
    found = words(verify(bare, file))
    assert found["rows"] is found["fingerprint"] is None
    assert found["parity"] is found["objective"] is True
    assert found["optimum"] is not False
    standard = Model.of(steepest.fit(X, y, l2=0.01, standardize=True), target="y")
    found = words(verify(standard, file))
    assert found["objective"] is found["optimum"] is None


def test_a_frame_with_categories_and_dropped_rows(tmp_path: Path, rng: np.random.Generator) -> None:
    size = rng.normal(size=300)
    frame = pl.DataFrame(
        {
            "size": [None if k % 11 == 0 else value for k, value in enumerate(size.tolist())],
            "colour": [None if k % 7 == 0 else c for k, c in enumerate(rng.choice(["red", "sky", "é"], 300).tolist())],
            "age": [None if k % 29 == 0 else k % 50 for k in range(300)],
            "y": (size + rng.normal(size=300) > 0.0).tolist(),
        }
    )
    policies = {"size": "indicator", "colour": "category", "age": "drop"}
    schema = steepest.schema(frame, "y", missing=policies)
    model = Model.of(steepest.fit(frame, "y", schema=schema, l2=0.01), frame, "y")
    assert model.target == "y"
    frame.write_csv(tmp_path / "t.csv")
    found = verify(model, tmp_path / "t.csv")
    assert words(found) == GOOD, found
    whole = frame.drop_nulls("age")
    model = Model.of(steepest.fit(whole, "y", schema=schema, l2=0.01), whole, "y")
    whole.write_csv(tmp_path / "t.csv")
    assert words(verify(model, tmp_path / "t.csv")) == GOOD
    frame.with_columns(pl.col("colour").fill_null("mauve")).write_csv(tmp_path / "t.csv")
    with pytest.raises(DataError, match="line 9: column 'colour' is 'mauve', a level that the model does not have"):
        verify(model, tmp_path / "t.csv")


def test_a_table_that_was_sparse(tmp_path: Path, rng: np.random.Generator) -> None:
    sparse = pytest.importorskip("scipy.sparse")
    X = rng.normal(size=(300, 4)) * (rng.random((300, 4)) < 0.3)
    y = X[:, 0] + rng.normal(size=300) > 0.0
    rows = sparse.csr_array(X)
    model = Model.of(steepest.fit(rows, y, l2=0.01), rows, y, target="y")
    found = words(verify(model, write(tmp_path / "t.csv", X, y)))
    assert found["rows"] is found["fingerprint"] is found["objective"] is True
    assert found["optimum"] is not False


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("x1,x2,x3,y\n", "no rows"),
        ("x1,x2,y\n1,2,yes\n", "no column 'x3'"),
        ("x1,x2,x3,y\n1,2,3,maybe\n", "the label 'maybe' is none of the classes 'no', 'yes'"),
        ("x1,x2,x3,y\n1,2,3,\n", "line 2: the target 'y' is missing"),
        ("x1,x2,x3,y\n1,2,?,yes\n", "line 2: column 'x3' is missing"),
        ("x1,x2,x3,y\n1,2,inf,yes\n", "line 2: column 'x3' is not finite"),
    ],
)
def test_rows_that_cannot_be_read(known: Any, tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "u.csv").write_text(text)
    with pytest.raises(DataError, match=says):
        verify(known[0], tmp_path / "u.csv")


def test_weights_that_are_none(known: Any, tmp_path: Path) -> None:
    (tmp_path / "u.csv").write_text("x1,x2,x3,y,s\n1,2,3,yes,-1\n")
    with pytest.raises(DataError, match=r"the weight -1\.0 in column 's' is not >= 0"):
        verify(known[0], tmp_path / "u.csv", weights="s")
    with pytest.raises(DataError, match="say which column"):
        verify(replace(known[0], schema=replace(known[0].schema, target=None)), tmp_path / "u.csv")
