"""A pytest plugin that aims scikit-learn's own tests of logistic regression at steepest's classes.

    PYTHONPATH=tests/conformance pytest -p sklearn_plugin --pyargs sklearn.linear_model.tests.test_logistic

`from sklearn.linear_model import LogisticRegression` in that test module then finds steepest's, and so does, while they
are collected, the private module that 1.7's tests import from. scikit-learn's private functions, which some tests call,
stay as they are; one of them is handed all parameters of a constructor, of which those that steepest adds are taken out
and its defaults translated. A test module that found other classes than steepest's is an error.
"""

import functools
import inspect

import sklearn
import sklearn.linear_model
import sklearn.linear_model._logistic as private
from sklearn_exclusions import reason_for

import steepest

VERSION = tuple(int(part) for part in sklearn.__version__.split(".")[:2])
OURS = inspect.signature(steepest.LogisticRegression).parameters
ADDED = set(OURS) - set(inspect.signature(sklearn.linear_model.LogisticRegression).parameters)


RENAMED = {"solver": ("auto", "lbfgs")} | ({"penalty": ("deprecated", "l2")} if VERSION < (1, 8) else {})
NAMES = ("LogisticRegression", "LogisticRegressionCV")
THEIRS = {name: getattr(private, name) for name in NAMES}


def pytest_configure(config):
    for name in NAMES:
        setattr(sklearn.linear_model, name, getattr(steepest, name))
        setattr(private, name, getattr(steepest, name))
    private._log_reg_scoring_path = _without_added(private._log_reg_scoring_path)


def pytest_collection_modifyitems(config, items):
    for name in NAMES:
        setattr(private, name, THEIRS[name])
    for item in items:
        for name in NAMES:
            found = getattr(item.module, name)  # in 1.7 with a seed given beforehand
            if getattr(found, "func", found) is not getattr(steepest, name):
                raise RuntimeError(f"{item.module.__name__} tests {found}")
    left_out = [item for item in items if reason_for(item.name) is not None]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if reason_for(item.name) is None]


def _without_added(function):
    @functools.wraps(function)
    def call(*args, **params):
        given = {name: value for name, value in params.items() if name not in ADDED}
        for name, (ours, theirs) in RENAMED.items():
            if name in given and given[name] == ours:
                given[name] = theirs
        return function(*args, **given)

    return call
