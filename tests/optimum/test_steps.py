"""The steps of a fit that takes more than one attempt are one sequence, for callbacks and in the history."""

from dataclasses import replace

import numpy as np
import pytest
import scipy.sparse as sp

import steepest
from steepest.engines import MemoryEngine
from steepest.optimum import class_composite, composite, sparse
from steepest.optimum.class_course import ClassCourse
from steepest.optimum.course import Course
from steepest.optimum.outcome import Request
from steepest.penalties import Penalties
from steepest.proof.certificate import Certificate


def watched(X, y, **asked):
    """The fit, and the steps that a callback saw."""
    steps = []
    fit = steepest.fit(X, y, callback=lambda step: steps.append((step.iteration, step.seconds, step.cost)), **asked)
    return fit, np.array(steps).T


def one_sequence(fit, steps):
    numbers, seconds, costs = steps
    assert numbers.tolist() == list(range(fit.iterations))
    assert np.all(np.diff(seconds) >= 0.0)
    assert len(fit.history) == fit.iterations
    np.testing.assert_array_equal(costs, fit.history)
    return costs


@pytest.fixture
def rows(rng):
    X = rng.standard_normal((400, 6))
    return X, (X @ rng.standard_normal(6) + rng.logistic(size=400) > 0.0).astype(int)


@pytest.mark.parametrize("form", [np.asarray, sp.csr_array])
@pytest.mark.parametrize("classes", [2, 3])
def test_columns_that_depend_on_others_are_left_out_on_the_way(rows, rng, form, classes):
    X, y = rows
    more = np.column_stack([X, 2.0 * X[:, 0] + 1.0, X[:, 1] - X[:, 2]])
    if classes == 3:
        y = np.argmax(X[:, :3] + rng.gumbel(size=(400, 3)), axis=1)
    fit, steps = watched(form(more), y)
    costs = one_sequence(fit, steps)
    assert {note.kind for note in fit.notes} == {"dependent-column"}
    assert np.all(np.diff(costs) <= 1e-12)  # the second attempt begins where the first one ended
    known = steepest.fit(X, y)
    np.testing.assert_allclose(fit.w[:6], known.w, atol=1e-5)
    np.testing.assert_array_equal(fit.w[6:], 0.0)


@pytest.mark.parametrize(("module", "course", "classes"), [(composite, Course, 2), (class_composite, ClassCourse, 3)])
def test_what_seemed_to_run_away_is_gone_on_with(rows, rng, monkeypatch, module, course, classes):
    X, y = rows
    if classes == 3:
        y = np.argmax(X[:, :3] + rng.gumbel(size=(400, 3)), axis=1)
    to, calls = course.to, []

    def alarmed(self, net, candidates, goal):
        runs = to(self, net, candidates, goal)
        if goal.callback is not None:
            calls.append(len(runs))
            self.stalled = len(calls) == 1
        return runs

    monkeypatch.setattr(course, "to", alarmed)
    fit, steps = watched(X, y, lower=0.0, l1=1e-3, penalty_factors=[0, 1, 1, 1, 1, 1], tol=1e-12)
    assert len(calls) == 2
    one_sequence(fit, steps)
    assert fit.certificate.gap <= 1e-9
    assert len(fit.history) >= 2


def test_all_attempts_together_make_no_more_updates_than_allowed(rows, monkeypatch):
    X, y = rows
    to = Course.to

    def alarmed(self, net, candidates, goal):
        runs = to(self, net, candidates, goal)
        self.stalled = not goal.earlier
        return runs

    monkeypatch.setattr(Course, "to", alarmed)
    penalties = Penalties(l1=1e-3, lower=np.zeros(6), factors=np.array([0.0, 1.0, 1.0, 1.0, 1.0, 1.0]))
    found = composite.minimise(
        MemoryEngine(X, y), Request(1e-14, 0.0, tuple("abcdef"), iterations=3, penalties=penalties)
    )
    assert len(found.trace.cost) <= 3


@pytest.mark.parametrize("better", [True, False])
def test_the_whole_hessian_goes_on_after_a_metric(rows, monkeypatch, better):
    X, y = rows
    monkeypatch.setattr(sparse, "IN_ITS_METRIC", 2)
    monkeypatch.setattr(sparse, "IN_ONE_METRIC", 2)
    monkeypatch.setattr(sparse, "_lowered", lambda *_: False)
    if not better:
        minimise, nothing = sparse.dense.minimise, Certificate(np.inf, 1.0, np.inf, "unknown")
        monkeypatch.setattr(sparse.dense, "minimise", lambda *asked: replace(minimise(*asked), certificate=nothing))
    fit, steps = watched(sp.csr_array(X), y, l2=1e-9)
    one_sequence(fit, steps)
    assert fit.iterations > 2
    assert (fit.certificate.gap <= 1e-9) == better
