"""Published regressions: Newton's optimum against reference coefficients, to 1e-8 of each."""

import numpy as np
import pytest

import steepest


def dummy(rows, column, *levels):
    return [[float(row[column] == level) for row in rows] for level in levels]


def numbers(rows, *columns):
    return [[float(row[column]) for row in rows] for column in columns]


def birthwt(shared):
    rows = shared.rows("birthwt/COUNT_lbw.csv")
    columns = numbers(rows, "age", "lwt") + dummy(rows, "race", "2", "3") + numbers(rows, "smoke", "ptl", "ht", "ui")
    return columns, [int(row["low"]) for row in rows], None


def saheart(*names):
    def read(shared):
        rows = shared.rows("saheart/South_African_Heart_Disease.txt")
        columns = [dummy(rows, name, "Present")[0] if name == "famhist" else numbers(rows, name)[0] for name in names]
        return columns, [int(row["chd"]) for row in rows], None

    return read


def orings_any(shared):
    rows = shared.rows("orings/openintro_orings.csv")
    return numbers(rows, "temperature"), [int(float(row["damaged"]) > 0) for row in rows], None


def orings_grouped(shared):
    """Six rings a flight: each flight twice, weighted by the damaged and the sound rings."""
    rows = shared.rows("orings/openintro_orings.csv")
    temperature, damaged, sound = numbers(rows, "temperature", "damaged", "undamaged")
    return [temperature * 2], [1] * len(rows) + [0] * len(rows), damaged + sound


def admissions(shared):
    rows = shared.rows("ucla_admissions/ucla_admissions.csv")
    columns = numbers(rows, "gre", "gpa") + dummy(rows, "rank", "2", "3", "4")
    return columns, [int(row["admit"]) for row in rows], None


CASES = [
    ("birthwt", "birthwt_stata", birthwt),
    ("saheart", "saheart_t42", saheart("sbp", "tobacco", "ldl", "famhist", "obesity", "alcohol", "age")),
    ("saheart", "saheart_t43", saheart("tobacco", "ldl", "famhist", "age")),
    ("orings", "orings_binary23", orings_any),
    ("orings", "orings_grouped", orings_grouped),
    ("ucla_admissions", "ucla_admissions", admissions),
]


@pytest.mark.parametrize("standardize", [False, True])
@pytest.mark.parametrize(("folder", "name", "read"), CASES, ids=[case[1] for case in CASES])
def test_newton_finds_the_published_optimum(shared_data, folder, name, read, standardize):
    published = shared_data.expected(folder)["fits"][name]
    columns, y, weight = read(shared_data)
    X = np.array(columns).T
    names = [column for column in published["columns_in_order"] if column != "const"]
    fit = steepest.fit(X, y, method="newton", sample_weight=weight, standardize=standardize, feature_names=names)
    assert fit.status is steepest.Status.MINIMUM
    assert fit.notes == ()
    reference = published["reference"]["coef"]
    found = dict(zip(names, fit.w, strict=True)) | {"const": fit.b}
    for column, coefficient in reference.items():
        assert found[column] == pytest.approx(coefficient, rel=1e-8), column
    rows = sum(weight) if weight else len(y)
    assert -fit.cost * rows == pytest.approx(published["reference"]["loglik"], rel=1e-12)


def test_the_score_equations_hold(shared_data):
    """Unpenalised with an intercept: the sums of p and of y agree, overall and weighted by each column."""
    columns, y, _ = birthwt(shared_data)
    X = np.array(columns).T
    fit = steepest.fit(X, y, method="newton")
    away = fit.predict_proba(X) - y
    assert abs(away.sum()) < 1e-10
    assert np.abs(away @ X).max() < 1e-7
