"""The adult table from its raw files, categories and all: the optimum, and the test counts, that were published."""

import functools

import numpy as np
import pytest

import steepest

pd = pytest.importorskip("pandas")
pl = pytest.importorskip("polars")

NAMES = (
    "age", "workclass", "fnlwgt", "education", "education_num", "marital_status", "occupation", "relationship", "race",
    "sex", "capital_gain", "capital_loss", "hours", "country", "income",
)  # fmt: skip
NUMBERS = ["age", "fnlwgt", "education_num", "capital_gain", "capital_loss", "hours"]
LEVELS = [name for name in NAMES if name not in NUMBERS and name != "income"]


@pytest.fixture(scope="module")
def adult(shared_data):
    """Train and test in pandas, the numbers standardised by the training rows; and what is expected."""
    parts = [
        pd.read_csv(shared_data.folder / "adult" / f"adult-{part}.csv", names=NAMES, skipinitialspace=True)
        for part in ("train", "test")
    ]
    mean, deviation = parts[0][NUMBERS].mean(), parts[0][NUMBERS].std(ddof=0)
    for part in parts:
        part["income"] = part["income"].str.rstrip(".")
        part[NUMBERS] = (part[NUMBERS] - mean) / deviation
    return *parts, shared_data.expected("adult")


KINDS = {
    "pandas": lambda frame: frame,
    "pandas categories": lambda frame: frame.astype(dict.fromkeys(LEVELS, "category")),
    "polars": pl.from_pandas,
    "Arrow": lambda frame: pl.from_pandas(frame).to_arrow(),
}


@pytest.mark.parametrize("C", [0.01, 1.0, 100.0])
@pytest.mark.parametrize("kind", KINDS)
def test_the_optimum_and_the_test_counts(adult, kind, C):
    train, test, published = adult
    expected = published["optima"][f"adult_onehot_std|C={C}|ic=1"]
    frame = KINDS[kind](train)
    schema = steepest.schema(frame, "income", reference=None)  # one-hot in full, as published
    fit = steepest.fit(frame, "income", schema=schema, l2=1.0 / (C * len(train)))
    assert len(fit.w) == expected["d"]
    assert fit.certificate.gap <= 1e-9
    assert fit.value * C * len(train) == pytest.approx(expected["opt"], rel=1e-9)
    assert fit.b == pytest.approx(expected["intercept"], rel=1e-3)
    right = np.count_nonzero(fit.predict(KINDS[kind](test)) == test["income"].to_numpy(dtype=str))
    assert right == expected["test_correct"]


def test_a_missing_mark_that_is_read_as_missing_is_the_same_level(adult):
    train, _, published = adult
    frame = pl.from_pandas(train.replace("?", None))
    schema = steepest.schema(frame, "income", missing="category", reference=None)
    missing = {column.name: column.missing_rows for column in schema.columns if column.missing_rows}
    assert missing == published["facts"]["missing_marked_q"]
    fit = steepest.fit(frame, "income", schema=schema, l2=1.0 / len(train))
    assert fit.value * len(train) == pytest.approx(published["optima"]["adult_onehot_std|C=1.0|ic=1"]["opt"], rel=1e-9)


def test_the_reference_makes_no_difference_without_a_penalty(adult):
    """On columns that do not determine each other and whose levels hold both classes, the optimum is one."""
    train, test, _ = adult
    keep = ["age", "hours", "relationship", "race", "sex", "income"]
    fits = []
    for reference in ("first", {"race": "White", "sex": "Male", "relationship": "Wife"}, {"race": "Other"}):
        schema = steepest.schema(train[keep], "income", reference=reference)
        fits.append(steepest.fit(train, "income", schema=schema, tol=1e-11))
        assert len(fits[-1].w) == 2 + 5 + 4 + 1
        assert fits[-1].certificate.exists == "proved"
    for fit in fits[1:]:
        assert fit.cost == pytest.approx(fits[0].cost, rel=2e-9)
        np.testing.assert_allclose(fit.predict_proba(test), fits[0].predict_proba(test), atol=1e-5)


def test_treatment_coding_finds_what_is_wrong_with_the_whole_table(adult):
    """Without a penalty there is no optimum: levels without a positive row, and education_num repeats education."""
    train, _, _ = adult
    fit = steepest.fit(train, "income")
    assert len(fit.w) == 100
    assert fit.certificate.exists == "disproved"
    columns = {fit.feature_names[j] for j in fit.certificate.witness.columns}
    assert columns & {"workclass[Never-worked]", "workclass[Without-pay]", "education[Preschool]"}


def test_levels_that_training_has_not_seen(adult):
    train, test, _ = adult
    some = train[train["country"] != "Scotland"]
    columns = ["age", "country", "income"]
    schema = functools.partial(steepest.schema, some[columns], "income")
    fit = steepest.fit(some, "income", schema=schema(), l2=1e-3)
    rows = int((test["country"] == "Scotland").sum())
    with pytest.raises(
        steepest.DataError, match=rf"levels that the schema does not have, 'Scotland' \({rows}\), first in"
    ):
        fit.predict(test)
    lenient = steepest.fit(some, "income", schema=schema(unseen="reference"), l2=1e-3)
    assert lenient.schema.design(test).unseen == {"country": {"Scotland": rows}}
    as_reference = test.replace({"country": {"Scotland": "?"}})
    assert np.array_equal(lenient.predict_proba(test), lenient.predict_proba(as_reference))
    assert np.array_equal(fit.predict_proba(as_reference), lenient.predict_proba(test))
