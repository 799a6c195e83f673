"""The tools that are installed: their optimum, at parameters from `to_…`, is `steepest.fit`'s, or reasons hold."""

import warnings

import numpy as np
import pytest
import sklearn
from sklearn.linear_model import LogisticRegression
from translation.comparing import N, deviations, excess, value
from translation.known_table import table

from steepest import translation
from steepest.translation import Penalised

NEAR = 1e-6  # relative, in the objective
RIDGE, LASSO, NET = Penalised(l2=0.03), Penalised(l1=0.03), Penalised(l1=0.012, l2=0.018)
FACTORS = Penalised(0.012, 0.018, (1.0, 0.0, 2.0, 0.5))
KINDS = pytest.mark.parametrize("objective", [RIDGE, LASSO, NET], ids=["l2", "l1", "both"])
WEIGHTED = pytest.mark.parametrize("weighted", [True, False], ids=["weights", "rows"])


def weights(weighted):
    X, y, s = table()
    return X, y, s if weighted else np.ones(len(y)), s if weighted else len(y)


def is_optimum(told, X, y, s, w, b):
    """Their (w, b) is the optimum of ours; and where it is not exact, it is not."""
    if told.standardized:  # their weights belong to standardised columns
        w = w / deviations(X, s)
        b = b - s @ X / s.sum() @ w
    apart = excess(X, y, s, told.objective, np.asarray(w, float), float(b))
    assert apart > -1e-9
    if told.exact:
        assert apart <= NEAR, told.explain()
    else:
        assert apart > NEAR, told.explain()


def logistic(**asked):
    """LogisticRegression, to 1e-10; up to 1.7 the share of L1 was spelled by `penalty`."""
    if "l1_ratio" in asked and tuple(map(int, sklearn.__version__.split(".")[:2])) < (1, 8):
        ratio = asked.pop("l1_ratio")
        mixed = {"penalty": "elasticnet", "l1_ratio": ratio}
        asked |= mixed if asked["solver"] == "saga" else {"penalty": "l1" if ratio else "l2"}
    return LogisticRegression(**asked, tol=1e-10)


@KINDS
@WEIGHTED
@pytest.mark.parametrize("standardize", [True, False], ids=["standardised", "as they are"])
def test_sklearn(objective, weighted, standardize):
    from sklearn.preprocessing import StandardScaler

    X, y, s, rows = weights(weighted)
    objective = Penalised(objective.l1, objective.l2, None, standardize)
    told = translation.to_sklearn(objective, rows)
    assert told.standardized == standardize
    seen = StandardScaler().fit(X, sample_weight=s).transform(X) if standardize else X
    made = logistic(**told.parameters, max_iter=100_000, random_state=0).fit(seen, y, sample_weight=s)
    is_optimum(told, X, y, s, made.coef_[0], made.intercept_[0])


@pytest.mark.parametrize("solver", ["lbfgs", "newton-cg", "newton-cholesky", "saga", "liblinear"])
@pytest.mark.parametrize("scaling", [1.0, 3.0])
def test_sklearn_by_solver(solver, scaling):
    X, y, s, rows = weights(True)
    made = logistic(C=0.2, solver=solver, intercept_scaling=scaling, max_iter=100_000).fit(X, y, sample_weight=s)
    told = translation.from_sklearn(rows, **made.get_params())
    assert told.exact == (solver != "liblinear")
    is_optimum(told, X, y, s, made.coef_[0], made.intercept_[0])


@pytest.mark.parametrize("ratio", [0.0, 1.0])
def test_what_liblinear_minimises_in_sklearn(ratio):
    """The reason, checked: with the intercept's penalty added it is stationary there."""
    X, y, s, rows = weights(True)
    asked = {"C": 0.7, "l1_ratio": ratio, "solver": "liblinear", "intercept_scaling": 3.0}
    made = logistic(**asked, max_iter=100_000).fit(X, y, sample_weight=s)
    told = translation.from_sklearn(rows, **asked)
    assert ("|b/3|" if ratio else "½ (b/3)²") in told.formula_theirs

    def theirs(w, b):
        penalised_b = abs(b / 3) if ratio else (b / 3) ** 2 / 2
        return told.multiple * value(X, y, s, told.objective, w, b) + penalised_b

    w, b = made.coef_[0], made.intercept_[0]
    least = theirs(w, b)
    for j in range(N + 1):
        for step in (1e-3, -1e-3):
            away = np.append(w, b)
            away[j] += step
            assert theirs(away[:N], away[N]) > least


def test_sklearn_class_weight_and_no_penalty():
    X, y, s, _ = weights(True)
    made = logistic(C=0.2, class_weight={0.0: 1.0, 1.0: 2.5}, max_iter=10_000).fit(X, y, sample_weight=s)
    both = s * np.where(y == 1, 2.5, 1.0)
    told = translation.from_sklearn(both, **made.get_params())
    assert "class weights" in told.steps[0]
    is_optimum(told, X, y, both, made.coef_[0], made.intercept_[0])
    made = logistic(C=np.inf, max_iter=10_000).fit(X, y, sample_weight=s)
    told = translation.from_sklearn(s, C=np.inf)
    assert told.objective == Penalised()
    is_optimum(told, X, y, s, made.coef_[0], made.intercept_[0])


@KINDS
@WEIGHTED
@pytest.mark.parametrize("kind", ["freq_weights", "var_weights"])
def test_statsmodels_glm(objective, weighted, kind):
    sm = pytest.importorskip("statsmodels.api")
    X, y, s, _ = weights(weighted)
    s = s + 0.5 * weighted
    told = translation.to_statsmodels(objective, s if weighted else len(y), N)
    asked = told.parameters
    assert asked.pop("model") == "GLM"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = sm.GLM(y, sm.add_constant(X), family=sm.families.Binomial(), **({kind: s} if weighted else {}))
        made = model.fit_regularized(alpha=np.array(asked.pop("alpha")), **asked, cnvrg_tol=1e-10, maxiter=1000)
    b, *w = np.asarray(made.params)
    is_optimum(told, X, y, s, np.array(w), b)


@pytest.mark.parametrize("l1", [0.03, 0.1])
def test_statsmodels_logit(l1):
    sm = pytest.importorskip("statsmodels.api")
    X, y, s, rows = weights(False)
    told = translation.to_statsmodels(Penalised(l1, 0.0, (1.0, 0.0, 2.0, 0.5)), rows, N, model="Logit")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        made = sm.Logit(y, sm.add_constant(X)).fit_regularized(
            alpha=np.array(told.parameters["alpha"]), disp=0, acc=1e-14, maxiter=10_000, trim_mode="off"
        )
    b, *w = made.params
    is_optimum(told, X, y, s, np.where(np.abs(w) < 1e-9, 0.0, w), b)


def test_statsmodels_penalises_the_constant():
    sm = pytest.importorskip("statsmodels.api")
    X, y, s, rows = weights(False)
    made = sm.GLM(y, sm.add_constant(X), family=sm.families.Binomial()).fit_regularized(alpha=0.03, L1_wt=0.5)
    told = translation.from_statsmodels(rows, alpha=0.03, L1_wt=0.5)
    assert not told.exact
    b, *w = np.asarray(made.params)
    is_optimum(told, X, y, s, np.array(w), b)


@WEIGHTED
@pytest.mark.parametrize("standardize", [True, False], ids=["standardised", "as they are"])
@pytest.mark.parametrize("objective", [RIDGE, LASSO, NET, FACTORS], ids=["l2", "l1", "both", "factors"])
def test_glum(objective, weighted, standardize):
    glum = pytest.importorskip("glum")
    X, y, s, rows = weights(weighted)
    objective = Penalised(objective.l1, objective.l2, objective.penalty_factors, standardize)
    told = translation.to_glum(objective, rows)
    assert told.exact
    asked = {name: list(each) if isinstance(each, tuple) else each for name, each in told.parameters.items()}
    made = glum.GeneralizedLinearRegressor(**asked, gradient_tol=1e-7, max_iter=1000).fit(X, y, sample_weight=s)
    is_optimum(told, X, y, s, made.coef_, made.intercept_)
    assert translation.from_glum(rows, **made.get_params()).objective.same_as(objective)


LIBLINEAR = [(0, "-B 1 -R"), (6, "-B 1 -R"), *((solver, bias) for solver in (0, 6, 7) for bias in ("-B 1", "-B -1"))]


@pytest.mark.parametrize(("solver", "bias"), LIBLINEAR)
def test_liblinear(solver, bias):
    native = pytest.importorskip("liblinear.liblinearutil")
    sparse = pytest.importorskip("scipy.sparse")
    X, y, s, rows = weights(False)
    options = f"-s {solver} -c 0.7 {bias}"
    n = N + (bias != "-B -1")
    problem = native.problem(2 * y - 1, sparse.csr_matrix(X), 1.0 if n > N else -1.0)
    made = native.train(problem, native.parameter(f"{options} -e 1e-10 -q"))
    theta = np.ctypeslib.as_array(made.w, (n,)).copy() * (1.0 if made.label[0] == 1 else -1.0)
    told = translation.from_liblinear(rows, options)
    assert told.exact == (bias != "-B 1")
    if told.exact:
        back = translation.to_liblinear(told.objective, rows)
        assert back.parameters == pytest.approx(told.parameters | {"s": solver % 7}, rel=1e-15)
        assert translation.from_liblinear(rows, back.call.removeprefix("train ")).objective.same_as(told.objective)
    is_optimum(told, X, y, s, theta[:N], theta[N] if n > N else 0.0)


@pytest.mark.parametrize("objective", [LASSO, NET], ids=["l1", "both"])
def test_skglm(objective):
    skglm = pytest.importorskip("skglm")
    X, y, s, rows = weights(False)
    told = translation.to_skglm(objective, rows)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Numba's, of its own code
        made = skglm.SparseLogisticRegression(**told.parameters, tol=1e-10, max_iter=1000).fit(X, y)
    is_optimum(told, X, y, s, made.coef_[0], made.intercept_)


@KINDS
def test_cyanure(objective):
    estimators = pytest.importorskip("cyanure.estimators")
    X, y, s, rows = weights(False)
    told = translation.to_cyanure(objective, rows)
    made = estimators.Classifier(**told.parameters, tol=1e-12, max_iter=200_000, verbose=False, n_threads=1)
    made.fit(X, 2 * y - 1)
    is_optimum(told, X, y, s, np.ravel(made.coef_), np.ravel(made.intercept_)[0])


def test_celer():
    celer = pytest.importorskip("celer")
    X, y, s, rows = weights(False)
    told = translation.from_celer(rows, C=0.7)
    made = celer.LogisticRegression(C=0.7, tol=1e-10).fit(X, 2 * y - 1)
    is_optimum(told, X, y, s, made.coef_[0], 0.0)


@pytest.mark.parametrize("penalty", ["l1", "l2"])
def test_snapml_penalises_the_intercept(penalty):
    snapml = pytest.importorskip("snapml")
    X, y, s, rows = weights(False)
    asked = {"regularizer": 2.0, "penalty": penalty, "fit_intercept": True, "intercept_scaling": 3.0}
    made = snapml.LogisticRegression(**asked, dual=penalty == "l2", tol=1e-10, max_iter=100_000).fit(X, y)
    told = translation.from_snapml(rows, **asked)
    assert "intercept is penalised" in told.reasons[0]
    is_optimum(told, X, y, s, np.ravel(made.coef_), 3.0 * np.ravel(made.intercept_)[0])


@pytest.mark.parametrize("objective", [RIDGE, LASSO], ids=["l2", "l1"])
def test_snapml_without_an_intercept(objective):
    snapml = pytest.importorskip("snapml")
    X, y, s, rows = weights(False)
    told = translation.to_snapml(Penalised(objective.l1, objective.l2, intercept=False), rows)
    made = snapml.LogisticRegression(**told.parameters, dual=objective.l1 == 0.0, tol=1e-10, max_iter=100_000).fit(X, y)
    assert told.exact
    is_optimum(told, X, y, s, np.ravel(made.coef_), 0.0)


def test_snapml_far_away_is_near():
    """At intercept_scaling = 100 the penalty of b is 1e-4 of what it is at 1."""
    snapml = pytest.importorskip("snapml")
    X, y, s, rows = weights(False)
    asked = translation.to_snapml(RIDGE, rows).parameters
    made = snapml.LogisticRegression(**asked, tol=1e-10, max_iter=1_000_000).fit(X, y)
    b = asked["intercept_scaling"] * np.ravel(made.intercept_)[0]
    assert abs(excess(X, y, s, RIDGE, np.ravel(made.coef_), b)) <= 1e-8
