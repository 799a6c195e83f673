"""Numbers on which fits of logistic regression go wrong, often without a word: each must be right, or named.

A case is right when every probability equals that of the optimum of the plain table behind it, which a few lines of
Newton find (units, offsets and duplicates do not move it); named when the fit says what is the matter, in a note, a
verdict or a refusal.
"""

import functools

import numpy as np
import pytest
from scipy.special import expit

import steepest

M = 80
WITHIN = 1e-7  # of every probability


@functools.cache
def plain():
    """X (80, 3), y, and the probabilities at its optimum."""
    rng = np.random.default_rng(58)
    X = np.round(rng.standard_normal((M, 3)), 3)
    y = (X @ [1.0, -0.7, 0.3] + rng.logistic(size=M) > 0.2).astype(float)
    return X, y, truth(X, y)


def truth(X, y):
    """Probabilities at the optimum of a table in kind units, by Newton's method with halving."""
    rows = np.column_stack([X, np.ones(len(y))])
    theta = np.zeros(rows.shape[1])

    def value(at):
        return np.logaddexp(0.0, (1.0 - 2.0 * y) * (rows @ at)).sum()

    for _ in range(100):
        p = expit(rows @ theta)
        step = np.linalg.solve((rows.T * (p * (1.0 - p))) @ rows, rows.T @ (y - p))
        while value(theta + step) > value(theta) * (1.0 + 1e-15):
            step /= 2.0
        theta += step
        if np.abs(rows @ step).max() < 1e-11:
            return expit(rows @ theta)
    raise AssertionError("the referee found no optimum")


def scaled(*factors):
    return lambda X: X * np.array(factors)


def moved(*by):
    return lambda X: X + np.array(by)


def beside(column):
    return lambda X: np.column_stack([X, column(X)])


UNITS = {  # the same probabilities in other units; what shifts lose of X is given back by what they round
    "1e-3 … 1e3": scaled(1e-3, 1.0, 1e3),
    "1e±8": scaled(1e-8, 1.0, 1e8),
    "1e±30": scaled(1e-30, 1.0, 1e30),
    "1e±75": scaled(1e-75, 1e75, 1.0),
    "1e±150": scaled(1e-150, 1.0, 1e150),
    "all 1e-150": scaled(1e-150, 1e-150, 1e-150),
    "all 1e150": scaled(1e150, 1e150, 1e150),
    "negative units": scaled(-1.0, -1e6, 1.0),
    "offset 1e3": moved(1e3, 0.0, -1e3),
    "offset 2^20": moved(2.0**20, 0.0, 0.0),
    "offset 2^30, all columns": moved(2.0**30, -(2.0**30), 2.0**29),
    "years": moved(2026.0, 0.0, 0.0),
    "Fortran order": np.asfortranarray,
    "every second row of an array": lambda X: np.repeat(X, 2, axis=0)[::2],
    "columns backwards in memory": lambda X: X[:, ::-1].copy()[:, ::-1],
    "big-endian": lambda X: X.astype(">f8"),
    "long double": lambda X: X.astype(np.longdouble),
    "lists": lambda X: X.tolist(),
}


@pytest.mark.parametrize("change", UNITS)
def test_units_and_layouts_are_right(change):
    X, y, _ = plain()
    given = UNITS[change](X)
    seen = np.asarray(given, dtype=float)
    exact = truth(X, y) if "offset" not in change and change != "years" else truth(seen - np.rint(seen.mean(0)), y)
    fit = steepest.fit(given, y, tol=1e-12)
    assert fit.certificate.exists == "proved"
    assert np.abs(fit.predict_proba(given) - exact).max() <= WITHIN


def test_unix_times_are_right():
    """Seconds since 1970 of one minute: 1.8e9, differing in the last digits."""
    X, y, _ = plain()
    minute = np.rint(30.0 + 10.0 * X[:, 0])
    exact = truth(np.column_stack([minute, X[:, 1]]), y)
    given = np.column_stack([minute + 1_795_000_000.0, X[:, 1]])
    assert np.abs(steepest.fit(given, y, tol=1e-12).predict_proba(given) - exact).max() <= WITHIN


@pytest.mark.parametrize("dtype", [np.float32, np.float16, np.int8, np.int64, np.uint8, bool])
def test_narrow_dtypes_are_right(dtype):
    X, y, _ = plain()
    given = (X > 0.0) if dtype is bool else np.rint(20.0 * X + (100.0 if dtype is np.uint8 else 0.0)).astype(dtype)
    exact = truth(given.astype(float), y)
    assert np.abs(steepest.fit(given, y, tol=1e-12).predict_proba(given) - exact).max() <= WITHIN


LABELS = {
    "text": (np.array(["no", "yes"]), "yes"),
    "bool": (np.array([False, True]), True),
    "-1 and 1": (np.array([-1, 1]), 1),
    "1 and 2": (np.array([1, 2]), 2),
    "0.0 and 1.0": (np.array([0.0, 1.0]), 1.0),
    "objects": (np.array(["a", "b"], dtype=object), "b"),
    "bytes apart by case": (np.array(["No", "no"]), "no"),
    "huge numbers": (np.array([1e300, 2e300]), 2e300),
}


@pytest.mark.parametrize("name", LABELS)
def test_labels_are_right_and_the_positive_one_is_stated(name):
    X, y, exact = plain()
    labels, positive = LABELS[name]
    fit = steepest.fit(X, labels[y.astype(int)], tol=1e-12)
    assert fit.classes[1] == positive
    assert np.abs(fit.predict_proba(X) - exact).max() <= WITHIN


COLUMNS = {  # a column that says what others say: predictions as without it, and its name in a note
    "a duplicate": (beside(lambda X: X[:, 0]), "dependent-column"),
    "a multiple": (beside(lambda X: -3e9 * X[:, 1]), "dependent-column"),
    "a constant": (beside(lambda X: np.full(M, 7.25)), "dependent-column"),
    "all zero": (beside(lambda X: np.zeros(M)), "dependent-column"),
    "a large constant": (beside(lambda X: np.full(M, 1e15)), "dependent-column"),
    "a sum": (beside(lambda X: X[:, 0] + X[:, 1] - X[:, 2]), "dependent-column"),
    "the dummy trap": (
        lambda X: np.column_stack([X, X[:, 0] > 0.0, X[:, 0] <= 0.0]),
        "dependent-column",
    ),
}


@pytest.mark.parametrize("name", COLUMNS)
def test_columns_that_say_nothing_new_are_named(name):
    X, y, exact = plain()
    change, kind = COLUMNS[name]
    given = change(X)
    if name == "the dummy trap":
        exact = truth(given[:, :4], y)
    fit = steepest.fit(given, y, tol=1e-12)
    assert [note.kind for note in fit.notes] == [kind]
    assert f"x{given.shape[1]}" in fit.notes[0].text
    assert np.abs(fit.predict_proba(given) - exact).max() <= 1e-6


def separated_completely():
    X = plain()[0]
    return X, (X[:, 0] > 0.1).astype(float)


def a_dummy_of_seven_rows():
    """Set in 7 of 500 rows, all of one class: called converged by every peer."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((500, 3))
    X[:, 2] = np.arange(500) < 7
    y = (X[:, 0] + rng.logistic(size=500) > 0.0).astype(float)
    y[:7] = 1.0
    return X, y


def fewer_rows_than_columns():
    rng = np.random.default_rng(1)
    return rng.standard_normal((20, 30)), np.arange(20) % 2.0


def one_row_off_a_plane():
    X = np.array([[0.0, 0.0], [1.0, 1.0], [2.0, 2.0], [3.0, 3.0], [1.0, 2.0]])
    return X, np.array([0.0, 1.0, 0.0, 1.0, 1.0])


def separated_at_1e150():
    X, y = separated_completely()
    return X * [1e150, 1.0, 1e-150], y


def one_hot_level_without_a_positive():
    rng = np.random.default_rng(2)
    level = rng.integers(0, 5, 300)
    y = (rng.random(300) < 0.4).astype(float)
    y[level == 3] = 0.0
    return np.eye(5)[level][:, 1:], y


SEPARATED = (separated_completely, a_dummy_of_seven_rows, fewer_rows_than_columns, one_row_off_a_plane,
             separated_at_1e150, one_hot_level_without_a_positive)  # fmt: skip


@pytest.mark.parametrize("make", SEPARATED)
def test_separation_is_proved_by_a_plane_that_anyone_can_check(make):
    X, y = make()
    fit = steepest.fit(X, y)
    assert fit.status.key == "separated"
    assert fit.certificate.exists == "disproved"
    witness = fit.certificate.witness
    z = X.astype(object) @ np.array(witness.direction[:-1], dtype=object) if X.shape[1] < 10 else None
    if z is not None and witness.direction[-1] == int(witness.direction[-1]) and np.abs(X).max() < 1e9:
        away = np.array([float(v) for v in z]) + float(witness.direction[-1])
        assert ((2.0 * y - 1.0) * away >= -1e-9).all()
        assert ((2.0 * y - 1.0) * away > 1e-9).any()


def test_near_separation_is_not_separation():
    """One row on the wrong side: the optimum is finite, however large."""
    X = np.arange(40.0)[:, None]
    y = (X[:, 0] > 19.5).astype(float)
    y[0], X[0, 0] = 1.0, 15.5
    exact = truth(X, y)
    fit = steepest.fit(X, y, tol=1e-12)
    assert fit.certificate.exists == "proved"
    assert np.abs(fit.predict_proba(X) - exact).max() <= WITHIN


def test_newton_does_not_run_away():
    """Eight rows on which Newton's method from a poor start diverges: J never rises on an accepted step."""
    X = np.array([[-8.0], [-2.0], [-1.0], [0.0], [0.5], [1.0], [2.0], [9.0]])
    y = np.array([0.0, 1.0, 0.0, 1.0, 0.0, 1.0, 0.0, 1.0])
    for start in (0.0, 5.0, 30.0, -200.0):
        fit = steepest.fit(X, y, method="newton", w=[start], b=0.0, iterations=200)
        assert (np.diff(fit.history) <= 1e-15 * fit.history[:-1]).all()
        assert np.abs(fit.predict_proba(X) - truth(X, y)).max() <= 1e-6


WEIGHTS = {
    "integers": np.random.default_rng(3).integers(0, 4, M).astype(float),
    "1e-12 … 1e12": 10.0 ** np.random.default_rng(4).integers(-12, 13, M),
    "all 1e-200": np.full(M, 1e-200),
    "all 1e200": np.full(M, 1e200),
}


@pytest.mark.parametrize("name", WEIGHTS)
def test_weights_are_right(name):
    X, y, exact = plain()
    s = WEIGHTS[name]
    if name == "integers":
        keep = s > 0.0
        exact = truth(np.repeat(X, s.astype(int), axis=0), np.repeat(y, s.astype(int)))
        fit = steepest.fit(X, y, sample_weight=s, tol=1e-14)
        seen = np.repeat(fit.predict_proba(X[keep]), s[keep].astype(int))
        assert np.abs(seen - exact).max() <= WITHIN
    elif name.startswith("all"):
        fit = steepest.fit(X, y, sample_weight=s, tol=1e-12)
        assert np.abs(fit.predict_proba(X) - exact).max() <= WITHIN
    else:
        fit = steepest.fit(X, y, sample_weight=s)  # some rows decide alone: right, or said to be undecided
        assert fit.status.key in ("proved", "separated", "stalled", "floor")


REFUSED = {
    "squares below the least float": (lambda X, y: (X * [1e-160, 1e-162, 1.0], y), "multiply the column"),
    "squares beyond the largest float": (lambda X, y: (X * [1e160, 1.0, 1.0], y), "divide the column"),
    "NaN": (lambda X, y: (np.where(X[7, 1] == X, np.nan, X), y), r"X\[7, 1\] is nan"),
    "infinite": (lambda X, y: (np.where(X[7, 1] == X, np.inf, X), y), r"X\[7, 1\] is inf"),
    "one class": (lambda X, y: (X, np.ones(M)), "two"),
    "fractional target": (lambda X, y: (X, y * 0.5 + 0.25 * (np.arange(M) % 2)), "trials=1"),
    "no rows": (lambda X, y: (X[:0], y[:0]), "at least one example"),
    "one row": (lambda X, y: (X[:1], y[:1]), "two"),
    "no columns": (lambda X, y: (X[:, :0], y), "one feature"),
    "another number of labels": (lambda X, y: (X, y[:-1]), "80"),
    "missing label": (lambda X, y: (X, np.where(np.arange(M) == 3, np.nan, y)), "missing"),
    "complex": (lambda X, y: (X + 1j, y), "complex"),
    "text": (lambda X, y: (X.astype(str), y), "real numbers"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_has_no_answer_is_refused_by_name(name):
    X, y = REFUSED[name][0](*plain()[:2])
    with pytest.raises(steepest.DataError, match=REFUSED[name][1]):
        steepest.fit(X, y)


@pytest.mark.parametrize(
    ("s", "says"), [(-1.0, "not finite and >= 0"), (np.nan, "not finite and >= 0"), (0.0, "is 0 on every row")]
)
def test_weights_without_sense_are_refused(s, says):
    X, y, _ = plain()
    with pytest.raises(steepest.DataError, match=says):
        steepest.fit(X, y, sample_weight=np.full(M, s))


def test_a_class_wiped_out_by_weights_is_refused():
    X, y, _ = plain()
    with pytest.raises(steepest.DataError, match="weight"):
        steepest.fit(X, y, sample_weight=y)


@pytest.mark.parametrize("z", [36.7, 37.0, 710.0, 750.0, 1e5, 1e150])
def test_no_probability_is_nan_however_far_a_row_is(z):
    X, y, _ = plain()
    fit = steepest.fit(X, y)
    far = np.zeros((2, 3))
    far[0, 0], far[1, 0] = z, -z
    p = fit.predict_proba(far)
    assert np.isfinite(p).all()
    assert (p >= 0.0).all()
    assert (p <= 1.0).all()
