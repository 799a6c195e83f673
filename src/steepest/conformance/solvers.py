"""`check_solver`: does a solver only ask, leave alone what it is given, and arrive where the optimum is known to be?

Two oracles with known optima: a quadratic, which has no data at all, and a logistic cost whose targets are the very
probabilities of a chosen theta, y = sigmoid(X~ theta), so that the gradient vanishes there exactly.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from steepest.conformance.verdict import require, same
from steepest.solvers import Method
from steepest.types import Along, Answer, Evaluate, Floats, HessianTimes, Point, Question, Solver, Status

__all__ = ["check_solver"]

QUESTIONS = 5000
CLOSE = 1e-6  # of the distance from start to optimum
CURVATURES = np.array([0.125, 0.25, 1.0])


@np.errstate(over="ignore", invalid="ignore")  # a solver that runs away is named by where it ends
def check_solver(method: Method) -> None:
    """Raise AssertionError unless `method.start(theta, learning_rate)` is a sound solver (`steepest.types.Solver`).

    The learning rate given is 1/L; a method without one may ignore it.

    >>> from steepest.solvers import METHODS
    >>> check_solver(METHODS["gd"])
    """
    for oracle in (_Quadratic(), _Logistic.constructed()):
        name = f"solver {method.name!r} on {oracle.name}"
        start = _read_only(oracle.optimum + np.array([2.0, -1.0, 1.5]))
        given, asked = start.copy(), []
        for question, kept in _conversation(name, method.start(start, 1.0 / oracle.largest), oracle):
            asked.append(kept)
            if len(asked) == 1:
                first = isinstance(question, Evaluate) and not question.trial
                require(first, f"{name}: the first question must evaluate the start, it is {type(question).__name__}")
                same(f"{name}: the first theta", kept[1], given)
        same(f"{name}: the theta given, which must be left alone,", start, given)
        landed = [theta for kind, theta in asked if kind == "iterate"][-1]
        apart = float(np.linalg.norm(landed - oracle.optimum) / np.linalg.norm(given - oracle.optimum))
        require(apart <= CLOSE, f"{name}: {apart:.2g} of the way is left after {len(asked)} questions, not {CLOSE:g}")
        again = [kept for _, kept in _conversation(name, method.start(start, 1.0 / oracle.largest), oracle)]
        require(len(again) == len(asked), f"{name}: {len(asked)} questions, but {len(again)} in a second run")
        for i, ((_, before), (_, after)) in enumerate(zip(asked, again, strict=True)):
            same(f"{name}: question {i} of a second run", after, before)
    _starts_anew(method)


def _starts_anew(method: Method) -> None:
    """Two solvers run in turns do not disturb each other; one made at another size works as well."""
    oracle = _Quadratic()
    start = oracle.optimum + 1.0
    alone = [kept[1] for _, kept in _conversation("a solver", method.start(start, 1.0), oracle, most=12)]
    turns = [_conversation("a solver", method.start(start, 1.0), oracle, most=12) for _ in range(2)]
    for theta, *both in zip(alone, *turns, strict=True):
        for _, kept in both:
            same(f"solver {method.name!r}: a question of two that run in turns", kept[1], theta)


def _conversation(
    name: str, solver: Solver, oracle: _Quadratic | _Logistic, most: int = QUESTIONS
) -> Iterator[tuple[Question, tuple[str, Floats]]]:
    """Every question with a copy of its theta; answers are frozen, and looked at again after the next question."""
    try:
        question = next(solver)
        for _ in range(most):
            known = isinstance(question, Evaluate | Along | HessianTimes)
            require(known, f"{name} yields {type(question).__name__}, which is no question")
            theta = np.array(question.theta)
            require(theta.shape == oracle.optimum.shape, f"{name} asks at a theta of shape {theta.shape}")
            aside = not isinstance(question, Evaluate) or question.trial
            yield question, ("aside" if aside else "iterate", theta)
            question = solver.send(oracle.answer(question))
            oracle.unchanged(name)
    except StopIteration as end:
        require(isinstance(end.value, Status), f"{name} ends by returning {end.value!r}, which is no Status")
    finally:
        solver.close()


@dataclass
class _Quadratic:
    """value = 1 + ½ (theta - optimum)' D (theta - optimum): no rows anywhere."""

    name: str = "a quadratic"
    largest: float = 1.0
    given: tuple[Any, ...] = ()

    @property
    def optimum(self) -> Floats:
        return np.array([0.5, -2.0, 3.0])

    def value(self, theta: Floats) -> float:
        return 1.0 + 0.5 * float(CURVATURES @ (theta - self.optimum) ** 2)

    def gradient(self, theta: Floats) -> Floats:
        return np.asarray(CURVATURES * (theta - self.optimum))

    def hessian(self, theta: Floats) -> Floats:
        return np.diag(CURVATURES)

    def answer(self, question: Question) -> Answer:
        """The answer, with arrays that cannot be written to."""
        theta = question.theta
        if isinstance(question, Along):
            answer: Answer = np.array([self.value(theta + t * question.direction) for t in question.steps])
        elif isinstance(question, HessianTimes):
            answer = self.hessian(theta) @ question.direction
        else:
            value, order = self.value(theta), question.order
            gradient = _read_only(self.gradient(theta)) if order >= 1 else None
            answer = Point(value, value, 1, gradient, _read_only(self.hessian(theta)) if order >= 2 else None)
        arrays = (answer.gradient, answer.hessian) if isinstance(answer, Point) else (answer,)
        self.given = tuple((each, each.copy()) for each in arrays if each is not None)
        return answer

    def unchanged(self, name: str) -> None:
        """The last answer is still what it was."""
        for answer, copy in self.given:
            same(f"{name}: an answer, which must be left alone,", answer, copy)


@dataclass
class _Logistic(_Quadratic):
    """Mean loss of twelve rows with target y = sigmoid(X~ optimum)."""

    name: str = "a logistic cost"
    rows: Any = None

    @classmethod
    def constructed(cls) -> _Logistic:
        """Two columns of ±1 and ±2 and the intercept; well conditioned."""
        x = [[1, 1], [1, -1], [-1, 1], [-1, -1], [2, 1], [-2, 1], [1, 2], [1, -2], [0, 1], [1, 0], [0, -1], [-1, 0]]
        rows = np.column_stack([np.array(x, dtype=np.float64), np.ones(12)])
        return cls(largest=float(np.linalg.eigvalsh(rows.T @ rows)[-1]) / 48.0, rows=rows)

    @property
    def optimum(self) -> Floats:
        return np.array([0.75, -0.5, 0.25])

    def value(self, theta: Floats) -> float:
        z, y = self.rows @ theta, _probability(self.rows @ self.optimum)
        return float(np.mean(np.logaddexp(0.0, z) - y * z))

    def gradient(self, theta: Floats) -> Floats:
        away = _probability(self.rows @ theta) - _probability(self.rows @ self.optimum)
        return np.asarray(self.rows.T @ away / len(self.rows))

    def hessian(self, theta: Floats) -> Floats:
        a = _probability(self.rows @ theta)
        return np.asarray((self.rows.T * (a * (1.0 - a))) @ self.rows / len(self.rows))


def _probability(z: Floats) -> Floats:
    """The textbook line on purpose: |z| stays below 20 here, and the kit leans on no formula that it might test."""
    return np.asarray(1.0 / (1.0 + np.exp(-z)))


def _read_only(values: Floats) -> Floats:
    kept = np.array(values)
    kept.flags.writeable = False
    return kept
