"""A pytest plugin that aims scikit-learn's own tests of logistic regression at steepest's classes.

    PYTHONPATH=tests/conformance pytest -p sklearn_plugin --pyargs sklearn.linear_model.tests.test_logistic

`from sklearn.linear_model import LogisticRegression` in that test module then finds steepest's. scikit-learn's private
functions, which some tests call, stay as they are; one of them is handed all parameters of a constructor, and those
that steepest adds are taken out on the way.
"""

import functools
import inspect

import sklearn.linear_model
import sklearn.linear_model._logistic as private
from sklearn_exclusions import reason_for

import steepest

OURS = inspect.signature(steepest.LogisticRegression).parameters
ADDED = set(OURS) - set(inspect.signature(sklearn.linear_model.LogisticRegression).parameters)


def pytest_configure(config):
    sklearn.linear_model.LogisticRegression = steepest.LogisticRegression
    sklearn.linear_model.LogisticRegressionCV = steepest.LogisticRegressionCV
    private._log_reg_scoring_path = _without_added(private._log_reg_scoring_path)


def pytest_collection_modifyitems(config, items):
    left_out = [item for item in items if reason_for(item.name) is not None]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if reason_for(item.name) is None]


def _without_added(function):
    @functools.wraps(function)
    def call(*args, **params):
        return function(*args, **{name: value for name, value in params.items() if name not in ADDED})

    return call
