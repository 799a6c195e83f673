"""What is printed: both formulas with their numbers, the calls, the reasons; and errors that say what to do."""

import math
import re

import pytest

import steepest
from steepest.translation import (
    TOOLS,
    Penalised,
    Rows,
    explain,
    from_cyanure,
    from_glmnet,
    from_glum,
    from_h2o,
    from_liblinear,
    from_sklearn,
    from_snapml,
    from_spark,
    from_statsmodels,
    from_vw,
    to_glmnet,
    to_sklearn,
    to_statsmodels,
)


def test_it_is_a_part_of_the_package():
    assert steepest.translation.explain is explain


def test_all_formulas_at_once():
    lines = explain().splitlines()
    assert len(lines) == len(TOOLS) + 2
    assert all(each.tool.name in lines[at + 2] for at, each in enumerate(TOOLS.values()))


@pytest.mark.parametrize("key", TOOLS)
def test_one_tool(key):
    tool = TOOLS[key].tool
    text = explain(key)
    assert tool.formula in text
    assert all(each in text for each in (*tool.differs, *tool.sources, tool.checked))


def test_numbers_on_both_sides():
    assert explain("glmnet", 50, lambda_=0.5, alpha=0.25, penalty_factor=[1, 3]).splitlines() == [
        'glmnet   glmnet(x, y, family = "binomial", lambda = 0.5, alpha = 0.25, standardize = TRUE, '
        "penalty.factor = c(1.0, 3.0))",
        "  theirs   1/50 Σᵢ Lᵢ + Σⱼ fⱼ (0.125 |σⱼ wⱼ| + 0.375 · ½ (σⱼ wⱼ)²), f = (0.5, 1.5), σⱼ with divisor W",
        "  ours     1/50 Σᵢ Lᵢ + Σⱼ fⱼ (0.0625 |σⱼ wⱼ| + 0.1875 · ½ (σⱼ wⱼ)²), f = (1, 3), σⱼ with divisor W",
        "  so       steepest.fit(X, y, l1=0.0625, l2=0.1875, penalty_factors=[1.0, 3.0], standardize=True)",
        "  exact    theirs = ours at every (w, b): they have the same minimiser",
    ]


def test_weights_and_the_intercept():
    assert explain("sklearn", [0.5, 1.0, 2.5], C=0.5, solver="liblinear", intercept_scaling=10).splitlines() == [
        "scikit-learn   LogisticRegression(C=0.5, solver='liblinear', intercept_scaling=10)",
        "  theirs   0.5 Σᵢ sᵢ Lᵢ + ½ Σⱼ wⱼ² + ½ (b/10)²",
        "  ours     1/4 Σᵢ sᵢ Lᵢ + 0.5 · ½ Σⱼ wⱼ²",
        "  so       steepest.fit(X, y, l2=0.5, sample_weight=s)",
        "  not the same: liblinear penalises the intercept too, by ½ (b/10)²; "
        "ours never does, nor do its other solvers",
    ]


def test_the_unbiased_deviation_is_named():
    text = explain("h2o", 5, lambda_=1.0, alpha=0.0)
    assert "theirs   1/5 Σᵢ Lᵢ + ½ Σⱼ (ŝⱼ wⱼ)², ŝⱼ² = 1.25 σⱼ²" in text
    assert "ours     1/5 Σᵢ Lᵢ + 1.25 · ½ Σⱼ (σⱼ wⱼ)², σⱼ with divisor W" in text
    assert "ŝⱼ² = 1.25 σⱼ²" in explain("spark", 5, regParam=1.0)
    assert from_spark([2.0, 2.0], regParam=1.0).objective.l2 == pytest.approx(2.0)
    assert from_h2o([2.0, 0.0, 1.0], lambda_=1.0, alpha=1.0).objective.l1 == pytest.approx(math.sqrt(2.0))


def test_p1_and_p2_apart():
    told = from_glum(10, alpha=0.5, l1_ratio=0.5, P1=[1, 0], P2=[0, 1])
    assert "not in proportion" in told.reasons[0]
    assert "P1ⱼ (0.25 |wⱼ|), P1 = (1.0, 0.0)" in told.formula_theirs
    assert "P2ⱼ (0.25 · ½ wⱼ²), P2 = (0.0, 1.0)" in told.formula_theirs
    assert "no diagonal matrix" in from_glum(10, alpha=0.5, P2=[[1.0, 0.5], [0.5, 1.0]]).reasons[0]
    diagonal = from_glum(10, alpha=0.5, P2=[[1.0, 0.0], [0.0, 3.0]])
    assert diagonal.exact
    assert diagonal.objective == Penalised(0.0, 1.0, (0.5, 1.5))


@pytest.mark.parametrize(
    ("told", "words"),
    [
        (from_glmnet(9, lambda_=0.1, lower_limits=0.0), "lower.limits"),
        (from_glmnet(9, lambda_=0.1, upper_limits=[1.0, math.inf]), "upper.limits"),
        (from_glmnet(9, lambda_=0.1, exclude=[2]), "exclude"),
        (from_glmnet(9, lambda_=0.1, relax=True), "relax"),
        (from_glum(9, lower_bounds=[0.0]), "lower_bounds"),
        (from_h2o(9, lambda_=0.1, non_negative=True), "non_negative"),
        (from_h2o(9, lambda_=0.1, beta_constraints="frame"), "beta_constraints"),
        (from_h2o(9, lambda_=0.1, prior=0.5), "prior"),
        (from_spark(9, lowerBoundsOnCoefficients="matrix"), "lowerBoundsOnCoefficients"),
        (from_statsmodels(9, alpha=[0.1, 0.1]), "its alpha is 0.1"),
        (from_statsmodels(9, alpha=[0.1, 0.0], constant=-1, refit=True), "refit"),
        (from_statsmodels([1.0, 2.0], alpha=[0.0, 0.1], model="Logit"), "no weights"),
        (from_vw(9, "--l1 1e-3"), "no minimiser"),
        (from_snapml(9, normalize=True), "normalize"),
        (from_snapml(9, privacy=True), "privacy"),
        (to_statsmodels(Penalised(l1=0.1), [1.0, 2.0], 2, model="Logit"), "no weights"),
    ],
)
def test_reasons(told, words):
    assert not told.exact
    assert any(words in reason for reason in told.reasons)
    assert told.explain().count("not the same: ") == len(told.reasons)


@pytest.mark.parametrize(
    "told",
    [
        from_sklearn(9, fit_intercept=False, solver="liblinear"),
        from_glmnet(9, lambda_=0.1, intercept=False, standardize=False),
        from_glum(9, fit_intercept=False),
        from_h2o(9, lambda_=0.1, intercept=False, standardize=False),
        from_spark(9, fitIntercept=False, standardization=False),
        from_statsmodels(9, alpha=0.1, constant=None),
        from_statsmodels(9, alpha=[0.1, 0.1], constant=None),
        from_vw(9, "--bfgs --l2 1 --noconstant"),
        from_liblinear(9, "-s 0"),
        from_cyanure(9, lambda_1=0.1),
        from_snapml(9),
    ],
    ids=lambda told: told.tool.key,
)
def test_without_an_intercept(told):
    assert told.exact
    assert told.objective.options["intercept"] is False
    assert told.formula_theirs.endswith(", b = 0")
    assert told.formula_ours.endswith(", b = 0")
    assert "intercept=False" in told.explain().split("so  ")[1]


@pytest.mark.parametrize(
    "told",
    [
        from_sklearn(9, fit_intercept=False, standardized=True),
        from_glmnet(9, lambda_=0.1, intercept=False),
        from_h2o(9, lambda_=0.1, intercept=False),
        from_spark(9, fitIntercept=False, regParam=0.1),
        TOOLS["glum"].to_theirs(Penalised(l1=0.1, standardize=True, intercept=False), 9),
    ],
    ids=lambda told: told.tool.key,
)
def test_standardising_without_an_intercept(told):
    assert "root mean square" in told.reasons[0]


@pytest.mark.parametrize("penalty", [None, "none"])
def test_spellings_of_earlier_versions(penalty):
    assert from_sklearn(10, penalty=penalty, C=3.0).objective == Penalised()
    assert from_sklearn(10, penalty="l1", C=0.1, solver="saga").objective == Penalised(l1=1.0)
    assert from_sklearn(10, penalty="l2", C=0.1, l1_ratio=None).objective == Penalised(l2=1.0)
    assert from_sklearn(10, penalty="elasticnet", C=0.1, l1_ratio=0.5).objective == Penalised(0.5, 0.5)


def test_what_a_fitted_model_reports_can_be_handed_on():
    assert from_h2o(10, **{"lambda": [0.5], "alpha": [0.0], "standardize": False}).objective == Penalised(l2=0.5)
    assert from_glmnet(10, **{"lambda": 0.5, "standardize": False}).objective == Penalised(l1=0.5)


def test_nothing_to_penalise():
    assert to_sklearn(Penalised(), 10).parameters == {"C": math.inf}
    assert from_sklearn(10, C=math.inf).multiple == 10.0
    told = to_glmnet(Penalised(l1=1.0, penalty_factors=(0.0, 0.0)), 10)  # glmnet refuses factors that are all 0
    assert told.parameters == {"lambda": 0.0, "alpha": 0.0, "standardize": False}


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: from_sklearn(10, Cs=3), "does not know Cs"),
        (lambda: from_sklearn(10, C=0.0), "C=0.0 must be > 0"),
        (lambda: from_sklearn(10, penalty="l3"), "penalty='l3'"),
        (lambda: from_sklearn(10, l1_ratio=1.5), "l1_ratio=1.5 must be between 0 and 1"),
        (lambda: from_sklearn(0), "rows=0"),
        (lambda: from_sklearn([0.0, 0.0]), "weight >= 0"),
        (lambda: from_sklearn([1.0, -1.0]), "weight >= 0"),
        (lambda: from_sklearn([1.0, math.nan]), "weight >= 0"),
        (lambda: from_glmnet(10), "lambda=None must be one number"),
        (lambda: from_glmnet(10, lambda_=[0.1, 0.2]), "must be one number"),
        (lambda: from_glmnet(10, lambda_=-0.1), "lambda=-0.1"),
        (lambda: from_glmnet(10, lambda_=0.1, family="gaussian"), "family='gaussian'"),
        (lambda: from_glmnet(10, lambda_=0.1, penalty_factor=[0.0, 0.0]), "use lambda=0"),
        (lambda: from_glmnet(10, lambda_=0.1, penalty_factor=[1.0, math.inf]), "finite"),
        (lambda: from_glum(10, family="normal"), "only binomial"),
        (lambda: from_h2o(10, lambda_=0.1, family="gaussian"), "only binomial"),
        (lambda: from_h2o(1, lambda_=0.1), "one single row"),
        (lambda: from_spark(10, family="multinomial"), "family='multinomial'"),
        (lambda: from_statsmodels(10, model="Probit"), "model='Probit'"),
        (lambda: from_statsmodels(10, alpha=[0.1]), "one per column"),
        (lambda: from_statsmodels(10, alpha=[0.1, 0.2], constant=7), "constant=7"),
        (lambda: to_statsmodels(Penalised(penalty_factors=(1, 2)), 10, 3), "n=3"),
        (lambda: from_vw(10, "--loss_function hinge"), "hinge"),
        (lambda: from_vw(10, "--l2"), "lacks its value"),
        (lambda: from_vw(10, "train.txt"), "is no option"),
        (lambda: from_liblinear(10, "-s 2"), "-s 2 is no logistic regression"),
        (lambda: from_liblinear(10, "-s 0 -c 0"), "must be > 0"),
        (lambda: from_liblinear(10, "-s 7 -B 1 -R"), "-s 0 or 6"),
        (lambda: from_liblinear(10, "-s 0 -B 2 -R"), "-B 1"),
        (lambda: from_cyanure(10, loss="square"), "loss='square'"),
        (lambda: from_cyanure(10, penalty="l1-ball"), "penalty='l1-ball'"),
        (lambda: from_snapml(10, penalty="l0"), "penalty='l0'"),
        (lambda: TOOLS["celer"].to_theirs(Penalised(l2=1.0), 10), "L1 alone"),
        (lambda: TOOLS["celer"].to_ours(10, C=-1.0), "C=-1.0 must be > 0"),
        (lambda: Penalised(l1=-1.0), "l1=-1.0"),
        (lambda: Penalised(l2=math.inf), "l2=inf"),
        (lambda: Penalised(penalty_factors=()), "one per column"),
        (lambda: Penalised(penalty_factors=(1.0, -1.0)), "one per column"),
        (lambda: explain("weka"), "tool='weka'"),
    ],
)
def test_errors_name_the_value(call, words):
    with pytest.raises(ValueError, match=re.escape(words)):
        call()


def test_it_is_frozen():
    told = from_sklearn(10)
    for holder, name in ((told, "objective"), (told.objective, "l1"), (told.tool, "name"), (Rows.of(3), "m")):
        with pytest.raises(AttributeError):
            setattr(holder, name, None)
    told.parameters["C"] = 7.0
    assert told.parameters == {"C": 1.0}
