"""What the watch says of a run, and when; descent itself is never altered by it."""

import re

import numpy as np
import pytest

import steepest

# Two rows of +1 and -1, four alike with the other sign: descent on one weight, 1/L = 2, and beyond 5.844 a 2-cycle.
CYCLE_X = np.array([[1.0], [-1.0], [2.0], [-2.0], [1.0], [-1.0]])
CYCLE_Y = np.array([1, 0, 1, 0, 0, 1])


@pytest.fixture
def steep(rng):
    """Sixty rows, overlapping classes; the second column is ten times as wide as the others."""
    X = rng.standard_normal((60, 3)) * [1.0, 10.0, 1.0]
    y = (X @ [1.0, -0.05, 0.0] + rng.logistic(size=60) > 0.0).astype(int)
    return X, y


def largest(X, y, fit=None):
    """lambda_max of the Hessian at 0 (that is L), or at a fit."""
    rows = np.column_stack([X, np.ones(len(X))])
    a = np.full(len(X), 0.5) if fit is None else fit.predict_proba(X)
    return float(np.linalg.eigvalsh((rows.T * (a * (1 - a))) @ rows / len(X))[-1])


def kinds(fit):
    return [note.kind for note in fit.notes]


def test_safe_is_one_over_l(steep):
    X, y = steep
    assert steepest.fit(X, y, iterations=1).learning_rate == pytest.approx(1.0 / largest(X, y), rel=1e-6)


def test_too_large_a_step_names_both_limits_and_the_column(steep):
    X, y = steep
    optimum = steepest.fit(X, y, method="newton")
    L, at_optimum = largest(X, y), largest(X, y, optimum)
    names = ["age", "income", "height"]
    fit = steepest.fit(X, y, learning_rate=3.0 / L, iterations=300, feature_names=names)
    text = fit.notes[0].text
    assert kinds(fit)[0] == "step-too-large"
    said = [float(number) for number in re.findall(r"= ([0-9.e+-]+[0-9])", text)]
    assert said == pytest.approx([2.0 / L, 2.0 / at_optimum, 1.0 / L], rel=1e-3)
    assert "exceeds 2/L" in text
    assert "exceeds 2/lambda_max" in text
    assert "cannot settle" in text
    assert "income sets it" in text
    assert f"Take at most {2.0 / L:.4g}" in text


def test_a_step_between_the_two_limits_may_settle(steep):
    X, y = steep
    optimum = steepest.fit(X, y, method="newton")
    between = 0.5 * (2.0 / largest(X, y) + 2.0 / largest(X, y, optimum))
    fit = steepest.fit(X, y, learning_rate=between, iterations=3000)
    for note in fit.notes:
        assert note.kind == "step-too-large"
        assert "exceeds 2/L" in note.text
        assert "is below 2/lambda_max" in note.text
        assert "may still settle" in note.text
    slower = steepest.fit(X, y, learning_rate=1.9 / largest(X, y), iterations=3000)
    assert slower.notes == ()


def test_a_step_beyond_the_limit_at_the_optimum_never_settles_below_it_does(steep):
    X, y = steep
    optimum = steepest.fit(X, y, method="newton")
    limit = 2.0 / largest(X, y, optimum)
    start = {"w": optimum.w + 1e-6, "b": optimum.b, "iterations": 4000}
    assert steepest.fit(X, y, learning_rate=0.98 * limit, **start).cost == pytest.approx(optimum.cost, rel=1e-9)
    assert steepest.fit(X, y, learning_rate=1.02 * limit, **start).cost > optimum.cost * 1.0001


def test_two_cycle_on_six_rows():
    fit = steepest.fit(CYCLE_X, CYCLE_Y, learning_rate=6.0, iterations=2000)
    assert kinds(fit) == ["step-too-large", "two-cycle"]
    again = steepest.fit(CYCLE_X, CYCLE_Y, learning_rate=6.0, iterations=2001)
    twice = steepest.fit(CYCLE_X, CYCLE_Y, learning_rate=6.0, iterations=2002)
    assert abs(twice.w[0] - fit.w[0]) < 1e-9 < 0.1 < abs(again.w[0] - fit.w[0])
    assert fit.trace.change[-1] > 0.1
    assert "2-cycle" in fit.notes[1].text


def test_creeping_names_the_columns_to_blame(rng):
    X = rng.standard_normal((200, 2)) * [1.0, 1000.0]
    y = (X[:, 0] + 0.5 * rng.logistic(size=200) > 0.0).astype(int)
    fit = steepest.fit(X, y, iterations=200, feature_names=["dose", "platelets"])
    assert kinds(fit) == ["creeping"]
    text = fit.notes[0].text
    assert "along platelets than along dose" in text or "along platelets than along the intercept" in text
    above = fit.cost - steepest.fit(X, y, method="newton").cost
    said = float(re.search(r"about ([0-9.e+-]+) above", text)[1])
    assert 0.3 < said / above < 3.0
    assert steepest.fit(X, y, iterations=200, standardize=True).notes == ()


def test_a_tolerance_met_far_from_the_optimum_is_named(rng):
    X = rng.standard_normal((200, 2)) * [1.0, 1000.0]
    y = (X[:, 0] + 0.5 * rng.logistic(size=200) > 0.0).astype(int)
    fit = steepest.fit(X, y, iterations=5000, tolerance=1e-5)
    assert fit.status.key == "unchanged"
    assert fit.notes[0].text.startswith("The weights moved by no more than the tolerance, yet")


@pytest.mark.parametrize("method", ["gd", "momentum", "nesterov", "newton"])
def test_separable_classes(method):
    X, y = np.array([[1.0], [2.0], [3.0], [4.0]]), [0, 0, 1, 1]
    fit = steepest.fit(X, y, method=method, iterations=3000)
    assert "separable" in kinds(fit)
    assert kinds(fit).count("separable") == 1
    assert "separable" not in kinds(steepest.fit(X, y, method=method, iterations=3000, l2=0.1))


def test_rows_of_weight_zero_do_not_hide_separation():
    X, y = np.array([[1.0], [2.0], [3.0], [4.0], [9.0]]), [0, 0, 1, 1, 0]
    fit = steepest.fit(X, y, method="newton", sample_weight=[1, 1, 1, 1, 0])
    assert kinds(fit) == ["separable"]


def test_on_note_is_called_at_once_and_once():
    seen, steps = [], []
    fit = steepest.fit(
        CYCLE_X,
        CYCLE_Y,
        learning_rate=6.0,
        iterations=500,
        on_note=seen.append,
        callback=lambda _: steps.append(len(seen)),
    )
    assert tuple(seen) == fit.notes
    assert 0 in steps  # steps before the first note,
    assert steps.index(1) < 50  # and it came while the run went on


def plain_descent(X, y, rate, iterations):
    """The seed's steps by the package's own kernel, without driver and diagnosis."""
    from steepest.engines import MemoryEngine
    from steepest.objective import Objective
    from steepest.types import Evaluate

    objective, theta = Objective(MemoryEngine(X, y.astype(float))), np.zeros(X.shape[1] + 1)
    for _ in range(iterations):
        theta = theta - rate * objective.answer(Evaluate(theta, 1)).gradient
    return theta


@pytest.mark.parametrize("rate", [0.01, 0.2, 6.0])
def test_descent_is_not_altered_by_one_bit(steep, rate):
    X, y = steep
    theta = plain_descent(X, y, rate, 150)
    fit = steepest.fit(X, y, learning_rate=rate, iterations=150)
    assert np.append(fit.w, fit.b).tobytes() == theta.tobytes()
    assert fit.iterations == 150
    assert ("step-too-large" in kinds(fit)) == (rate > 0.1)
    assert fit.learning_rate == rate


@pytest.mark.parametrize("seed", range(15))
@pytest.mark.parametrize("method", ["gd", "momentum", "nesterov", "newton"])
def test_no_false_notes_on_good_runs(seed, method):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((80, 3))
    y = (X @ rng.standard_normal(3) + 2.0 * rng.logistic(size=80) > 0.0).astype(int)
    fit = steepest.fit(X, y, method=method, iterations=2000, standardize=seed % 2 == 0, l2=0.01 * (seed % 3))
    assert fit.notes == ()
    assert fit.cost < 0.6931
