"""Every spelling of scikit-learn 1.5 to 1.9 means what it meant, without a warning; contradictions are named."""

import math
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from steepest import LogisticRegression, LogisticRegressionCV
from steepest.estimator.solving import gap_of_tol
from steepest.estimator.spelling import CONSTRAINTS, SCIKIT_SOLVERS, asked_of, strengths


def meaning(**parameters):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        asked = asked_of(LogisticRegression(**parameters))
    return asked.C, asked.l1_ratio, asked.method


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ({"penalty": "l2"}, {}),
        ({"penalty": "l2", "l1_ratio": None}, {}),
        ({"penalty": "deprecated"}, {}),
        ({"l1_ratio": None}, {}),
        ({"penalty": None}, {"C": math.inf}),
        ({"penalty": None, "l1_ratio": None}, {"C": math.inf}),
        ({"penalty": "l1", "solver": "saga"}, {"l1_ratio": 1}),
        ({"penalty": "l1", "l1_ratio": 1, "solver": "liblinear"}, {"l1_ratio": 1.0}),
        ({"penalty": "elasticnet", "l1_ratio": 0.3, "solver": "saga"}, {"l1_ratio": 0.3}),
        ({"penalty": "elasticnet", "l1_ratio": 0}, {}),
        ({"C": 5, "multi_class": "auto"}, {"C": 5.0}),
        ({"multi_class": "multinomial", "n_jobs": 4, "intercept_scaling": 7.0, "random_state": 3}, {}),
        ({"solver": "liblinear", "dual": True}, {}),
        ({"solver": "newton-cholesky", "verbose": 2, "warm_start": True}, {}),
        ({"solver": "gd"}, {"method": "gd"}),
        ({"solver": "newton", "method": "newton"}, {"solver": "newton"}),
    ],
)
def test_old_and_new_spellings_mean_the_same(old, new):
    assert meaning(**old) == meaning(**new)


@pytest.mark.parametrize("solver", [*SCIKIT_SOLVERS, "auto"])
def test_every_solver_of_scikit_learn_finds_the_optimum(table, solver):
    X, y = table
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ours = LogisticRegression(solver=solver).fit(X, y)
    np.testing.assert_array_equal(ours.coef_, LogisticRegression().fit(X, y).coef_)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"solver": "lbfgs", "l1_ratio": 1}, "Solver lbfgs supports only 'l2' or None penalties, got l1 penalty"),
        ({"solver": "sag", "penalty": "elasticnet", "l1_ratio": 0.5}, "Solver sag supports only 'l2' or None"),
        ({"solver": "newton-cg", "dual": True}, "Solver newton-cg supports only dual=False, got dual=True"),
        ({"solver": "liblinear", "l1_ratio": 0.5}, "Only 'saga' solver supports elasticnet penalty, got solver=lib"),
        ({"solver": "liblinear", "C": np.inf}, "penalty=None is not supported for the liblinear solver"),
        ({"solver": "liblinear", "l1_ratio": 1, "dual": True}, "dual=True is for the l2 penalty"),
        ({"penalty": "elasticnet", "l1_ratio": None}, "l1_ratio must be specified when penalty is elasticnet"),
        ({"solver": "gd", "method": "newton"}, "solver='gd' and method='newton' name different ways"),
        ({"C": 0.0}, "The 'C' parameter of LogisticRegression must be"),
        ({"tol": -1.0}, "The 'tol' parameter"),
        ({"solver": "bfgs"}, "The 'solver' parameter"),
        ({"method": "sgd"}, "The 'method' parameter"),
        ({"learning_rate": 0.0}, "The 'learning_rate' parameter"),
        ({"budget": -3.0}, "The 'budget' parameter"),
        ({"max_iter": 1.5}, "The 'max_iter' parameter"),
        ({"class_weight": "equal"}, "The 'class_weight' parameter"),
    ],
)
def test_what_cannot_be_is_refused(table, parameters, message):
    with pytest.raises(ValueError, match=message):
        LogisticRegression(**parameters).fit(*table)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"penalty": None, "C": 4.0}, "Setting penalty=None will ignore the C and l1_ratio parameters"),
        ({"penalty": "l2", "l1_ratio": 0.5}, "l1_ratio parameter is only used when penalty is 'elasticnet'"),
        ({"penalty": "l2", "l1_ratio": 1.0}, "Inconsistent values: penalty=l2 with l1_ratio=1.0"),
    ],
)
def test_contradictions_are_warned_of(table, parameters, message):
    with pytest.warns(UserWarning, match=message):
        LogisticRegression(**parameters).fit(*table)


@pytest.mark.parametrize(
    ("parameters", "ratios"),
    [
        ({}, [0.0]),
        ({"l1_ratios": "warn", "scoring": "warn", "use_legacy_attributes": "warn"}, [0.0]),
        ({"penalty": "l2"}, [0.0]),
        ({"l1_ratios": (0, 0.0)}, [0.0, 0.0]),
        ({"l1_ratios": None, "multi_class": "auto", "n_jobs": 2}, [0.0]),
    ],
)
def test_spellings_of_the_grid(table, parameters, ratios):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ours = LogisticRegressionCV(Cs=2, cv=2, **parameters).fit(*table)
    assert ours.l1_ratios_.tolist() == ratios
    np.testing.assert_allclose(ours.Cs_, [1e-4, 1e4])


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"l1_ratios": [0.5, 2.0]}, "l1_ratios must be an array-like of numbers between 0 and 1"),
        ({"penalty": "elasticnet"}, "l1_ratios must be an array-like"),
        ({"Cs": [1.0, -1.0]}, "Cs=.* must be a number of values, or a list of numbers > 0"),
        ({"rule": "median"}, "The 'rule' parameter"),
        ({"solver": "lbfgs", "l1_ratios": [1]}, "Solver lbfgs supports only"),
    ],
)
def test_grids_that_cannot_be_are_refused(table, parameters, message):
    with pytest.raises(ValueError, match=message):
        LogisticRegressionCV(**{"cv": 2, **parameters}).fit(*table)


def test_every_parameter_is_checked():
    assert set(CONSTRAINTS) == set(LogisticRegression().get_params())
    assert set(LogisticRegressionCV._parameter_constraints) == set(LogisticRegressionCV().get_params())


@given(C=st.floats(1e-6, 1e6), ratio=st.floats(0.0, 1.0), weight=st.floats(1e-3, 1e6), w=st.floats(-10.0, 10.0))
def test_strengths_are_those_of_scikit_learns_objective(C, ratio, weight, w):
    l1, l2 = strengths(C, ratio, weight)
    ours = l1 * abs(w) + 0.5 * l2 * w * w
    theirs = ratio * abs(w) + 0.5 * (1.0 - ratio) * w * w
    assert ours * C * weight == pytest.approx(theirs, rel=1e-12, abs=1e-300)


def test_the_default_tol_is_that_of_fit():
    assert gap_of_tol(1e-4) == pytest.approx(1e-9)
    assert gap_of_tol(0.0) == 1e-25
    assert gap_of_tol(1e3) == 0.5
