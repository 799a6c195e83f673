"""The proof of large wide tables: never below the true error, as sharp as where rounding is measured, few passes."""

import math

import numpy as np
import pytest
import scipy.linalg

import steepest
from steepest import formulas, kernels
from steepest.engines import MemoryEngine
from steepest.kernels.bends import plain_bends
from steepest.optimum import bent
from steepest.optimum.sparse_proof import longest_row, prove
from steepest.proof.rounding import UNIT
from steepest.types import Block

EYE = 1e-13  # what the reference itself is not known to, relatively


class Case:
    """Weights, ties, offsets, penalties of their own; the optimum by Newton's method on theta = (w, b)."""

    def __init__(self, seed):
        rng = np.random.default_rng(seed)
        m, n = int(rng.integers(8, 50)), int(rng.integers(2, 70))
        self.X = rng.standard_normal((m, n)) * 10.0 ** rng.uniform(-1.0, 1.0, n) + rng.choice([0.0, 2.0])
        self.y = (rng.random(m) < rng.choice([0.5, 0.1])).astype(float)
        self.y[:2] = 0.0, 1.0
        self.s = rng.choice([0.5, 1.0, 3.0], m)
        self.o = rng.standard_normal(m) * rng.choice([0.0, 2.0])
        self.strength = 10.0 ** rng.uniform(-4.0, 0.0) * 10.0 ** rng.uniform(-0.5, 0.5, n)
        self.engine = MemoryEngine(self.X, self.y, self.s, self.o, threads=1)
        self.rng = rng
        self.best = self.optimum()

    def value(self, theta):
        z = self.X @ theta[:-1] + theta[-1] + self.o
        ridge = 0.5 * self.s.sum() * float(self.strength @ theta[:-1] ** 2)
        return math.fsum((self.s * formulas.loss(z, self.y)).tolist()) + ridge

    def derivatives(self, theta):
        rows = np.column_stack([self.X, np.ones(len(self.y))])
        z = rows @ theta + self.o
        ridge = np.append(self.s.sum() * self.strength, 0.0)
        slope = self.s * (formulas.sigmoid(z) - self.y)
        return rows.T @ slope + ridge * theta, (rows.T * (self.s * formulas.curvature(z))) @ rows + np.diag(ridge)

    def optimum(self):
        theta = np.zeros(self.X.shape[1] + 1)
        for _ in range(200):
            gradient, hessian = self.derivatives(theta)
            step, t = scipy.linalg.solve(hessian, -gradient, assume_a="pos"), 1.0
            while self.value(theta + t * step) > self.value(theta) and t > 1e-9:
                t /= 2.0
            theta = theta + t * step
        return theta

    def found(self, theta):
        return plain_bends(Block(self.X, self.y, self.s, 0, self.o), theta[:-1], float(theta[-1]), 1.0 / self.strength)


def check_module_of_bent(module):
    """At points from far to near: gap, probabilities and coefficients of the certificate against the true errors."""
    proved = 0
    for seed in range(40):
        case = Case(seed)
        least = case.value(case.best)
        _, hessian = case.derivatives(case.best)
        for size in (1.0, 1e-1, 1e-2, 1e-4, 1e-6):
            away = scipy.linalg.solve_triangular(
                scipy.linalg.cholesky(hessian), case.rng.standard_normal(len(case.best))
            )
            theta = case.best + size * away
            certificate = module.prove_bent(case.found(theta), case.strength, theta[:-1], float(theta[-1]))
            gap = (case.value(theta) - least) / least
            assert certificate.exists == "proved"
            assert gap <= certificate.gap + EYE
            z, best = (case.X @ t[:-1] + t[-1] + case.o for t in (theta, case.best))
            moved = np.max(np.abs(formulas.sigmoid(z) - formulas.sigmoid(best)))
            assert moved <= certificate.max_probability_error + 1e-9
            radius = math.sqrt(float((theta - case.best) @ case.derivatives(theta)[1] @ (theta - case.best)))
            assert radius <= certificate.max_coefficient_error * (1.0 + 1e-9) + 1e-9
            proved += certificate.gap < 1.0
    assert proved >= 120
    _rounding_counts(module)


def _rounding_counts(module):
    """A gradient that comes out as nothing is known to its rounding only; so is the loss."""
    case = Case(3)
    theta = case.best
    found = case.found(theta)
    pull = case.s.sum() * case.strength * theta[:-1]
    exact = type(found)(**{name: getattr(found, name) for name in found.__slots__} | {"dw": -pull, "db": 0.0})
    certificate = module.prove_bent(exact, case.strength, theta[:-1], float(theta[-1]))
    long = math.sqrt(found.longest / found.weight)
    size = math.sqrt(found.longest * float(case.strength @ theta[:-1] ** 2)) + abs(theta[-1]) + found.far
    least = long * (len(theta) + 9) * UNIT * size * found.edge
    assert certificate.gap * case.value(theta) >= 0.5 * least * least
    assert certificate.gap < 1e-15


def test_true_error_is_at_most_the_certificate():
    check_module_of_bent(bent)


def test_as_sharp_as_with_measured_rounding():
    for seed in range(30):
        case = Case(seed)
        theta = case.best + 1e-5 * case.rng.standard_normal(len(case.best)) / np.append(np.abs(case.X).max(axis=0), 1.0)
        ours = bent.prove_bent(case.found(theta), case.strength, theta[:-1], float(theta[-1]))
        longest = longest_row(case.engine, case.strength)
        measured = prove(case.engine, case.strength, theta[:-1], float(theta[-1]), longest)
        assert ours.gap == pytest.approx(measured.gap, rel=1e-3)
        assert ours.max_coefficient_error == pytest.approx(measured.max_coefficient_error, rel=1e-3)


def test_nothing_is_claimed_where_rounding_or_one_class_forbids_it():
    case = Case(1)
    found = case.found(case.best)
    far = bent.prove_bent(found, case.strength, case.best[:-1] * 1e17, 0.0)
    assert (far.gap, far.max_probability_error) == (math.inf, 1.0)
    alone = type(found)(**{name: getattr(found, name) for name in found.__slots__} | {"ones": 0.0})
    assert bent.prove_bent(alone, case.strength, case.best[:-1], float(case.best[-1])).exists == "unknown"


@pytest.fixture
def large(monkeypatch):
    monkeypatch.setattr(kernels, "WORTH_COMPILED", 1)


def wide(seed=0, m=700, n=1500):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((m, n))
    z = X @ rng.standard_normal(n) / math.sqrt(n)
    return X, (rng.random(m) < 1.0 / (1.0 + np.exp(-3.0 * z))).astype(np.uint8)


def test_wide_tables_take_few_passes_and_the_same_bits(large):
    X, y = wide()
    fits = [steepest.fit(X, y, l2=1.0 / 700, threads=threads) for threads in (1, 2, 3)]
    assert fits[0].status is steepest.Status.PROVED
    assert fits[0].passes <= 45
    for fit in fits[1:]:
        assert fit.w.tobytes() == fits[0].w.tobytes()
        assert (fit.b, fit.cost, fit.certificate) == (fits[0].b, fits[0].cost, fits[0].certificate)
    narrow = steepest.fit(np.asfortranarray(X.astype(np.float32)), y, l2=1.0 / 700)
    assert narrow.certificate.gap <= 1e-9
    assert np.max(np.abs(narrow.w - fits[0].w)) < 1e-3


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e200])
def test_bad_values_of_wide_tables_are_named(large, value):
    X, y = wide(1)
    X[650, 77] = value
    with pytest.raises(steepest.DataError, match=r"X\[650, 77\]"):
        steepest.fit(X, y, l2=1e-3)
