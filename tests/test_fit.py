"""`fit` as the contract says: signature, fields, statuses, and every message for what cannot be fitted."""

import dataclasses
import inspect
import re

import numpy as np
import pytest

import steepest
from steepest import DataError, Status

X4 = [[1.0], [2.0], [3.0], [4.0]]
Y4 = [0, 1, 0, 1]


def test_signature_of_the_contract():
    parameters = inspect.signature(steepest.fit).parameters
    assert list(parameters)[:2] == ["X", "y"]
    expected = {
        "method": "auto",
        "tol": 1e-9,
        "learning_rate": "safe",
        "l2": 0.0,
        "sample_weight": None,
        "w": None,
        "b": 0.0,
        "callback": None,
    }
    assert {name: parameters[name].default for name in expected} == expected
    assert {"iterations", "tolerance"} <= parameters.keys()
    assert all(p.kind is p.KEYWORD_ONLY for p in list(parameters.values())[2:])


def test_fit_stays_the_function_whatever_is_imported_first():
    import importlib

    assert callable(steepest.fit)
    assert importlib.import_module("steepest.fitting").fit is steepest.fit


def test_fields_of_the_contract(table):
    X, y = table
    fit = steepest.fit(X, y, iterations=20)
    assert fit.w.shape == (3,)
    assert isinstance(fit.b, float)
    assert isinstance(fit.cost, float)
    assert fit.iterations == 20
    assert fit.status is Status.ITERATIONS
    assert fit.history.shape == (20,)
    assert fit.history[0] == pytest.approx(np.log(2.0), rel=1e-15)
    assert (np.diff([*fit.history, fit.cost]) < 0.0).all()
    p = fit.predict_proba(X)
    assert p.shape == (60,)
    np.testing.assert_allclose(p, 1.0 / (1.0 + np.exp(-(X @ fit.w + fit.b))), rtol=1e-13)
    assert fit.cost == pytest.approx(-np.mean(np.where(y == 1, np.log(p), np.log(1 - p))), rel=1e-13)
    with pytest.raises(dataclasses.FrozenInstanceError):
        fit.b = 1.0
    assert repr(fit).startswith("Fit(J = ")


def test_value_carries_the_penalty(table):
    fit = steepest.fit(*table, l2=0.5, iterations=10)
    assert fit.value == pytest.approx(fit.cost + 0.25 * fit.w @ fit.w, rel=1e-14)


def test_a_continued_run_is_the_long_run(table):
    whole = steepest.fit(*table, learning_rate=0.3, iterations=30)
    half = steepest.fit(*table, learning_rate=0.3, iterations=15)
    rest = steepest.fit(*table, learning_rate=0.3, iterations=15, w=half.w, b=half.b)
    assert rest.w.tobytes() == whole.w.tobytes()
    assert np.concatenate([half.history, rest.history]).tobytes() == whole.history.tobytes()


def test_every_kernel_and_method_reach_the_same_optimum(table):
    expected = steepest.fit(*table, method="newton", l2=0.05)
    for method in ("gd", "momentum", "nesterov"):
        for kernel in ("loop", "vectorised", "gram"):
            fit = steepest.fit(*table, method=method, kernel=kernel, l2=0.05, iterations=250)
            np.testing.assert_allclose(fit.w, expected.w, atol=1e-5)


def test_statuses(table):
    X, y = table
    assert steepest.fit(X, y, iterations=0).status is Status.ITERATIONS
    assert steepest.fit(X, y, tolerance=0.1).status is Status.UNCHANGED
    assert steepest.fit(X, y, gradient_tolerance=0.01).status is Status.GRADIENT
    assert steepest.fit(X, y, budget=1e-9).status is Status.BUDGET
    assert steepest.fit(X, y, method="newton").status is Status.MINIMUM
    assert steepest.fit(X, y, callback=lambda step: step.iteration == 3).status is Status.CALLBACK
    assert steepest.fit(np.array(X4) * 1e140, Y4, learning_rate=1e200).status is Status.OVERFLOW


def test_ctrl_c_returns_what_was_reached(table):
    def callback(step):
        if step.iteration == 5:
            raise KeyboardInterrupt

    fit = steepest.fit(*table, method="gd", callback=callback)
    assert fit.status is Status.INTERRUPTED
    reached = steepest.fit(*table, iterations=6)
    assert fit.iterations == len(fit.history) == 6
    assert fit.w.tobytes() == reached.w.tobytes()


def test_statuses_advise_and_have_keys():
    assert {status.key for status in Status} >= {"iterations", "unchanged", "gradient", "budget", "interrupted"}
    assert all(len(status.value) > 15 for status in Status)


@pytest.mark.parametrize(
    ("y", "classes"),
    [
        (["no", "yes", "no", "yes"], ("no", "yes")),
        ([False, True, False, True], (False, True)),
        ([-1, 1, -1, 1], (-1, 1)),
        ([1, 2, 1, 2], (1, 2)),
        ([0.0, 0.5, 0.0, 0.5], (0.0, 0.5)),
        (np.array(["b", "c", "b", "c"], dtype=object), ("b", "c")),
        ([[0], [1], [0], [1]], (0, 1)),
    ],
)
def test_any_two_labels(y, classes):
    fit = steepest.fit(X4, y, iterations=50)
    assert fit.classes == classes
    assert fit.w.tobytes() == steepest.fit(X4, Y4, iterations=50).w.tobytes()
    assert fit.predict([[-100.0], [100.0]]).tolist() == list(classes)


@pytest.mark.parametrize("dtype", [np.float32, np.int8, np.uint16, bool, object])
def test_narrow_dtypes_are_widened(dtype):
    X = np.array([[0, 1], [1, 0], [1, 1], [0, 0]])
    fit = steepest.fit(X.astype(dtype), Y4, iterations=20)
    assert fit.w.tobytes() == steepest.fit(X.astype(float), Y4, iterations=20).w.tobytes()


NAN = float("nan")
BAD_DATA = [
    ({"X": [1.0, 2.0, 3.0, 4.0]}, "two dimensions .* shape (4,); reshape one column"),
    ({"X": [[[1.0]]]}, "two dimensions"),
    ({"X": np.empty((0, 2)), "y": []}, "at least one example and one feature"),
    ({"X": np.empty((4, 0))}, "at least one example and one feature"),
    ({"X": [[1.0], [NAN], [3.0], [4.0]]}, "X[1, 0] is nan"),
    ({"X": [[1.0], [2.0], [3.0], [-np.inf]]}, "X[3, 0] is -inf"),
    ({"X": [[1.0], [2.0], [1e200], [4.0]]}, "X[2, 0] is 1e+200: values beyond .* cannot be squared"),
    ({"X": [["a"], ["b"], ["c"], ["d"]]}, "must hold real numbers, its dtype is <U1"),
    ({"X": np.array([["a"], [1], [2], [3]], dtype=object)}, "not a number"),
    ({"X": np.array(X4) + 1j}, "dtype is complex128"),
    ({"y": [0, 1, 0]}, "y has shape (3,), but X has 4 rows"),
    ({"y": [0, 0, 0, 0]}, "one class only, 0 (4)"),
    ({"y": [0, 1, 2, 1], "method": "gd"}, "3 distinct labels, 0 (1), 1 (2), 2 (1): exactly two"),
    ({"y": [0.1, 0.2, 0.3, 0.4]}, "4 distinct labels"),
    ({"y": [0.0, 1.0, NAN, 1.0]}, "y[2] is missing"),
    ({"y": np.array(["a", None, "b", "a"], dtype=object)}, "y[1] is missing (None)"),
    ({"y": np.array(["a", 1, "b", "a"], dtype=object)}, "cannot be sorted"),
    ({"sample_weight": [1, 1, 1]}, "sample_weight has shape (3,), but X has 4 rows"),
    ({"sample_weight": [1, 1, -1, 1]}, "sample_weight[2] is -1.0: 1 of 4"),
    ({"sample_weight": [1, NAN, 1, 1]}, "sample_weight[1] is nan"),
    ({"sample_weight": [0, 0, 0, 0]}, "0 on every row"),
    ({"sample_weight": [1, 0, 1, 0]}, "all rows of class 1 have weight 0"),
    ({"w": [1.0, 2.0]}, "w has shape (2,), but X has 1 columns"),
    ({"w": [NAN]}, "must be finite"),
    ({"b": np.inf}, "must be finite"),
    ({"feature_names": ["a", "b"]}, "2 names for 1 columns"),
    ({"X": np.array(X4) * 1e140, "w": [1e200]}, "J is not finite at the starting weights"),
]
BAD_OPTIONS = [
    ({"method": "sgd"}, "method='sgd' is none of auto, gd, momentum, nesterov, newton"),
    ({"learning_rate": 0.0}, "learning_rate=0.0 must be a positive number or 'safe'"),
    ({"learning_rate": -1.0}, "must be a positive number"),
    ({"learning_rate": NAN}, "must be a positive number"),
    ({"learning_rate": "fast"}, "learning_rate='fast'"),
    ({"iterations": -1}, "iterations=-1 must be a whole number >= 0"),
    ({"iterations": 1.5}, "iterations=1.5"),
    ({"tolerance": -1.0}, "tolerance=-1.0 must be a number >= 0"),
    ({"tolerance": NAN}, "tolerance=nan"),
    ({"gradient_tolerance": -1.0}, "gradient_tolerance=-1.0"),
    ({"budget": 0.0}, "budget=0.0 must be a number of seconds > 0"),
    ({"l2": -0.1}, "l2=-0.1 must be a number >= 0"),
    ({"l2": NAN}, "l2=nan"),
    ({"kernel": "fast"}, "kernel='fast' is none of auto, gram, loop, vectorised"),
    ({"kernel": "gram", "method": "newton"}, "kernel='gram' is for gd, momentum and nesterov"),
    ({"kernel": "gram", "standardize": True}, "kernel='gram' is for gd"),
    ({"threads": 0}, "threads=0 must be at least 1"),
]


def pattern(says):
    return ".*".join(re.escape(part) for part in says.split(" .* "))


@pytest.mark.parametrize(("given", "says"), BAD_DATA, ids=[says for _, says in BAD_DATA])
def test_bad_data_is_refused_in_one_sentence(given, says):
    arguments = {"X": X4, "y": Y4, **given}
    with pytest.raises(DataError, match=pattern(says)) as caught:
        steepest.fit(arguments.pop("X"), arguments.pop("y"), **arguments)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("given", "says"), BAD_OPTIONS, ids=[says for _, says in BAD_OPTIONS])
def test_bad_options_are_refused(given, says):
    with pytest.raises(ValueError, match=pattern(says)) as caught:
        steepest.fit(X4, Y4, **given)
    assert not isinstance(caught.value, DataError)


def test_prediction_checks_its_rows():
    fit = steepest.fit(X4, Y4, iterations=1)
    with pytest.raises(DataError, match="X has 2 columns, but the fit has 1 weights"):
        fit.predict_proba([[1.0, 2.0]])
    with pytest.raises(DataError, match="must be finite"):
        fit.predict_proba([[NAN]])


def test_what_is_given_is_left_alone(table):
    X, y = table
    kept, labels, w = X.copy(), y.copy(), np.zeros(3)
    for method in ("gd", "newton"):
        steepest.fit(X, y, method=method, iterations=5, w=w)
    assert np.array_equal(X, kept)
    assert np.array_equal(y, labels)
    assert not w.any()


def test_passes_are_counted(table):
    assert steepest.fit(*table, learning_rate=0.1, iterations=7).passes == 8
    assert steepest.fit(*table, learning_rate=0.1, iterations=0).passes == 1
