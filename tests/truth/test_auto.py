"""The default fit on real data: the published or certified optima, proved to 1e-9."""

import csv

import numpy as np
import pytest

import steepest
from steepest.types import Status

NUMERIC = [0, 2, 4, 10, 11, 12]  # age, fnlwgt, education_num, capital gain and loss, hours


@pytest.fixture(scope="module")
def adult(shared_data):
    folder = shared_data.folder / "adult"
    parts = []
    for name in ("adult-train.csv", "adult-test.csv"):
        with open(folder / name, newline="") as file:
            parts.append([[cell.strip() for cell in row] for row in csv.reader(file) if len(row) == 15])
    train, test = parts
    text = [j for j in range(14) if j not in NUMERIC]
    levels = {j: sorted({row[j] for row in train}) for j in text}

    def encode(rows):
        numbers = np.array([[float(row[j]) for j in NUMERIC] for row in rows])
        dummies = [np.array([[row[j] == level for level in levels[j]] for row in rows], dtype=float) for j in text]
        return numbers, np.hstack(dummies), np.array([row[14].startswith(">50K") for row in rows])

    return encode(train), encode(test), shared_data.expected("adult")["optima"]


@pytest.mark.parametrize("C", ["0.01", "1.0", "100.0"])
def test_adult(adult, C):
    (numbers, dummies, y), (test_numbers, test_dummies, test_y), expected = adult
    mean, deviation = numbers.mean(axis=0), numbers.std(axis=0)
    X = np.hstack([(numbers - mean) / deviation, dummies])
    assert X.shape == (32561, 108)
    want = expected[f"adult_onehot_std|C={C}|ic=1"]
    scale = float(C) * len(y)
    fit = steepest.fit(X, y, l2=1.0 / scale)
    assert fit.status is Status.PROVED
    assert fit.certificate.gap <= 1e-9
    assert fit.value * scale == pytest.approx(want["opt"], rel=1e-9)
    Z = np.hstack([(test_numbers - mean) / deviation, test_dummies])
    assert np.sum(fit.predict(Z) == test_y) == want["test_correct"]


def test_adult_in_raw_units(adult):
    """fnlwgt reaches 1.5 million beside columns of zeros and ones: others stop thousands above this optimum."""
    numbers, dummies, y = adult[0]
    fit = steepest.fit(np.hstack([numbers, dummies]), y, l2=1.0 / len(y))
    assert fit.status is Status.PROVED
    assert fit.certificate.gap <= 1e-9


def test_adult_without_a_penalty_has_no_optimum(adult):
    """Levels without one positive: Preschool, Never-worked, Without-pay, … (and the dummies add up to one)."""
    numbers, dummies, y = adult[0]
    fit = steepest.fit(np.hstack([numbers, dummies]), y)
    assert fit.status is Status.SEPARATED
    assert fit.certificate.witness.kind == "quasi-complete"


def test_exam_scores(shared_data):
    path = "ng_ex2data1/ex2data1.txt"
    X, y = shared_data.columns(path, "exam1_score", "exam2_score"), shared_data.columns(path, "decision")[:, 0]
    ours = shared_data.expected("ng_ex2data1")["ours"]
    fit = steepest.fit(X, y, tol=1e-14)
    assert fit.status is Status.PROVED
    assert fit.cost == pytest.approx(ours["cost"], rel=1e-14)
    np.testing.assert_allclose([fit.b, *fit.w], ours["theta"], rtol=1e-6)


def test_endometrial_is_quasi_separated_by_nv(shared_data):
    """R's glm stops at 18.19 with a standard error of 1,716."""
    path = "endometrial/endometrial.csv"
    X, y = shared_data.columns(path, "NV", "PI", "EH"), shared_data.columns(path, "HG")[:, 0]
    fit = steepest.fit(X, y)
    assert fit.certificate.exists == "disproved"
    assert fit.certificate.witness.columns == (0,)
    assert fit.certificate.witness.kind == "quasi-complete"
