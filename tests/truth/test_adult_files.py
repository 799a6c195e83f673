"""The adult table from its raw files, by the command line and by paths: the optimum and the test counts published."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

import steepest
from steepest.cli import main

NAMES = (
    "age", "workclass", "fnlwgt", "education", "education_num", "marital_status", "occupation", "relationship", "race",
    "sex", "capital_gain", "capital_loss", "hours", "country", "income",
)  # fmt: skip
NUMBERS = ["age", "fnlwgt", "education_num", "capital_gain", "capital_loss", "hours"]


@pytest.fixture(scope="module")
def adult(shared_data: Any, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, Any]:
    """Train and test with a header, numbers standardised by the training rows as published; the rest as it is."""
    folder = tmp_path_factory.mktemp("adult")
    parts = []
    for part in ("train", "test"):
        text = (shared_data.folder / "adult" / f"adult-{part}.csv").read_text()
        parts.append([line for line in text.splitlines() if line.strip()])
    values = np.array([[float(row.split(",")[NAMES.index(name)]) for name in NUMBERS] for row in parts[0]])
    mean, deviation = values.mean(axis=0), values.std(axis=0)
    for part, lines in zip(("train", "test"), parts, strict=True):
        with (folder / f"{part}.csv").open("w", newline="") as file:
            out = csv.writer(file)
            out.writerow(NAMES)
            for line in lines:
                cells = line.split(",")  # with the space after each comma, as the raw files have it
                for k, name in enumerate(NUMBERS):
                    cells[NAMES.index(name)] = repr(float((float(cells[NAMES.index(name)]) - mean[k]) / deviation[k]))
                cells[-1] = cells[-1].rstrip(".")
                out.writerow(cells)
    return folder / "train.csv", folder / "test.csv", shared_data.expected("adult")


@pytest.mark.parametrize("C", [0.01, 1.0, 100.0])
def test_the_optimum_and_the_test_counts(adult: tuple[Path, Path, Any], C: float) -> None:
    train, test, published = adult
    expected = published["optima"][f"adult_onehot_std|C={C}|ic=1"]
    schema = steepest.schema(train, "income", reference=None, missing="category", unseen="missing")
    fit = steepest.fit(train, "income", schema=schema, l2=1.0 / (C * schema.rows))
    assert {c.name: c.missing_rows for c in schema.columns if c.missing_rows} == published["facts"]["missing_marked_q"]
    assert len(fit.w) == expected["d"]
    assert fit.certificate.gap <= 1e-9
    assert fit.value * C * schema.rows == pytest.approx(expected["opt"], rel=1e-9)
    model = steepest.Model.of(fit, train, "income")
    right = sum(_right(model, test))
    assert right == expected["test_correct"]


def _right(model: Any, test: Path) -> Any:
    from steepest.data.model_rows import model_rows

    for block in model_rows(test, model.schema, {"income": model.classes}):
        labels = block.columns["income"]
        said = model.predictions(block)
        yield int(np.sum(np.array(labels.levels)[labels.codes] == np.array(model.classes)[said.which]))


def test_the_command_line(adult: tuple[Path, Path, Any], tmp_path: Path) -> None:
    train, test, published = adult
    model, rows = str(tmp_path / "m.json"), published["optima"]["adult_onehot_std|C=1.0|ic=1"]
    options = ["--missing", "category", "--unseen", "reference", "--l2", "0.001", "--out", model, "--json"]
    done = CliRunner().invoke(main, ["fit", str(train), "--target", "income", *options])
    assert done.exit_code == 0, done.stderr
    found = json.loads(done.stdout)
    assert (found["rows"], found["classes"]) == (32561, ["<=50K", ">50K"])
    assert "column 'occupation' is missing in 1,843 of 32,561 rows: a level of its own" in done.stderr
    assert CliRunner().invoke(main, ["verify", model, str(train)]).exit_code == 0
    said = CliRunner().invoke(main, ["predict", model, str(test)])
    assert len(said.stdout.splitlines()) == 16282
    assert rows["d"] > 100
