"""Descent in the space of the rows: the iterates of plain descent, and clear refusals of what it cannot do."""

import numpy as np
import pytest

import steepest
from steepest.driver import StopRules, drive
from steepest.engines import MemoryEngine
from steepest.gram import GramObjective, pays
from steepest.objective import Objective
from steepest.penalties import L2
from steepest.scaling import Scaling
from steepest.solvers import METHODS
from steepest.types import Along, Evaluate, HessianTimes


@pytest.fixture
def wide(rng):
    X = rng.standard_normal((12, 60))
    return X, np.array([0.0, 1.0] * 6), rng.random(12) + 0.5, rng.standard_normal(60) * 0.1


@pytest.mark.parametrize("method", ["gd", "momentum", "nesterov"])
@pytest.mark.parametrize("l2", [0.0, 0.2])
def test_iterates_are_those_of_plain_descent(wide, method, l2):
    X, y, s, w0 = wide
    options = {
        "method": method,
        "learning_rate": 0.05,
        "iterations": 200,
        "l2": l2,
        "sample_weight": s,
        "w": w0,
        "b": 0.3,
    }
    plain = steepest.fit(X, y, kernel="vectorised", **options)
    spanned = steepest.fit(X, y, kernel="gram", **options)
    np.testing.assert_allclose(spanned.w, plain.w, rtol=1e-11, atol=1e-13)
    assert spanned.b == pytest.approx(plain.b, rel=1e-11)
    for part in ("cost", "value", "gradient_norm", "change"):
        np.testing.assert_allclose(getattr(spanned.trace, part), getattr(plain.trace, part), rtol=1e-8, err_msg=part)


def test_every_iterate_through_the_callback(wide):
    X, y, s, w0 = wide
    seen = {"loop": [], "gram": []}

    def watched(kernel):
        def callback(step):
            seen[kernel].append((step.w, step.b))

        steepest.fit(X, y, kernel=kernel, learning_rate=0.1, iterations=6, w=w0, sample_weight=s, callback=callback)

    for kernel in seen:
        watched(kernel)
    assert len(seen["loop"]) == 6
    for (w, b), (v, c) in zip(seen["loop"], seen["gram"], strict=True):
        np.testing.assert_allclose([*v, c], [*w, b], rtol=1e-12, atol=1e-14)


def test_norms_are_those_of_the_weights(wide):
    X, y, s, w0 = wide
    base = Objective(MemoryEngine(X, y, s), penalty=L2(0.1))
    gram = GramObjective.of(base, w0)
    point, plain = gram.answer(Evaluate(gram.theta(w0, 0.2), 1)), base.answer(Evaluate(base.theta(w0, 0.2), 1))
    assert gram.norm(point.gradient) == pytest.approx(base.norm(plain.gradient), rel=1e-12)
    gradient = np.append(point.gradient[0] * w0 + X.T @ point.gradient[1:-1], point.gradient[-1])
    np.testing.assert_allclose(gradient, plain.gradient, rtol=1e-12, atol=1e-14)
    assert point.errors == plain.errors


def test_the_default_takes_it_for_wide_tables_only(wide, monkeypatch):
    made = []
    of = GramObjective.of.__func__
    monkeypatch.setattr(GramObjective, "of", classmethod(lambda cls, *given: made.append(1) or of(cls, *given)))
    X, y, *_ = wide
    steepest.fit(X, y, iterations=3)
    assert len(made) == 1
    steepest.fit(X[:, :20], y, iterations=3)
    steepest.fit(X, y, iterations=3, method="newton")
    steepest.fit(X, y, iterations=3, standardize=True)
    steepest.fit(X, y, iterations=3, kernel="vectorised")
    assert len(made) == 1


def test_pays():
    assert pays(209, 12288, 2000)
    assert not pays(209, 300, 2000)  # not wide
    assert not pays(5000, 100_000, 10_000)  # too much memory
    assert not pays(2000, 100_000, 100)  # too few steps


def test_same_bits_for_any_number_of_threads(rng):
    X, y = rng.standard_normal((300, 3000)), np.arange(300) % 2
    one, two = (steepest.fit(X, y, iterations=30, kernel="gram", threads=k) for k in (1, 2))
    assert one.w.tobytes() == two.w.tobytes()
    assert one.history.tobytes() == two.history.tobytes()


def test_refusals(wide):
    X, y, s, w0 = wide
    engine = MemoryEngine(X, y, s)
    with pytest.raises(TypeError, match="unscaled rows in memory"):
        GramObjective.of(Objective(engine, scaling=Scaling(np.zeros(60), np.ones(60))), w0)
    gram = GramObjective.of(Objective(engine), w0)
    with pytest.raises(ValueError, match="starts at the w0"):
        gram.theta(w0 + 1.0, 0.0)
    theta = gram.theta(w0, 0.0)
    for question in (Evaluate(theta, 2), Along(theta, theta, (1.0,)), HessianTimes(theta, theta)):
        with pytest.raises(TypeError, match="asks for gradients only"):
            gram.answer(question)


def test_row_order_of_coefficients_with_many_blocks(rng):
    """The rows of X B' are split into blocks too; a block must place its dZ where its rows are."""
    X, y = rng.standard_normal((600, 1300)), (rng.random(600) < 0.5).astype(float)
    base = Objective(MemoryEngine(X, y, leaf_bytes=1 << 16))
    gram = GramObjective.of(base, np.zeros(1300))
    gram = GramObjective(base, gram.start, MemoryEngine(gram.inner[1:], y, threads=2, leaf_bytes=1 << 18), gram.inner)
    runs = []
    for oracle in (base, gram):
        run = drive(METHODS["gd"].start(oracle.theta(np.zeros(1300), 0.0), 0.01), oracle, StopRules(20))
        runs.append(oracle.weights(run.last.theta)[0])
    np.testing.assert_allclose(runs[1], runs[0], rtol=1e-10, atol=1e-13)
