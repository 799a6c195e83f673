"""The independent referee: F(w, b) in float64, and a bracket around F*. It imports nothing of steepest.

The value is summed by blocks of rows, the blocks by `math.fsum`, from terms that are all ≥ 0 and never overflow:

    L = softplus((1 - 2y) z)          softplus(t) = max(t, 0) + log1p(exp(-|t|))          L = logsumexp(z) - z_y

The bracket: for probabilities Aᵢ on the simplex with Σᵢ (Aᵢ - Yᵢ) = 0 (the intercept is not penalised),
logsumexp(z) ≥ A·z + H(A), therefore by minimising over w

    F* ≥ Σᵢ H(Aᵢ) - C/2 |X'(A - Y)|².

A = softmax(z) of any (w, b) misses the condition by δ = Σ (A - Y); (1-t) A + t p with one row p for all restores it,
and H is concave: H((1-t) A + t p) ≥ (1-t) H(A) + t H(p). The optimum itself comes from a Newton of the referee's own.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.linalg as sl
import scipy.sparse as sp

from benchmarks.problem import Floats, Problem, training_rows

__all__ = ["Bracket", "bracket", "lower_bound", "objective", "optimum", "parts", "relative_error"]

BLOCK_BYTES = 4_000_000
DIRECT = 700  # unknowns up to which the Hessian is formed


@dataclass(frozen=True, slots=True)
class Bracket:
    """lower ≤ F* ≤ best; where the best was seen is `theta`."""

    best: float
    lower: float

    @property
    def width(self) -> float:
        """(best - lower)/best: what is not known about F*, relatively."""
        return (self.best - self.lower) / self.best


def _blocks(problem: Problem) -> Iterator[tuple[Any, Any]]:
    m, n = problem.X.shape
    rows = max(1, BLOCK_BYTES // (8 * max(problem.classes, 8 if problem.sparse else n)))
    for start in range(0, m, rows):
        yield problem.X[start : start + rows], problem.y[start : start + rows]


def _softplus(t: Floats) -> Floats:
    return np.maximum(t, 0.0) + np.log1p(np.exp(-np.abs(t)))


def _losses(z: Floats, y: Any) -> Floats:
    """L of every row, from its z (rows,) or (rows, K)."""
    if z.ndim == 1:
        return _softplus((1 - 2 * y) * z)
    away = z - z[np.arange(len(y)), y][:, None]  # logsumexp(z) - z_y = logsumexp(z - z_y), whose own term is exp(0)
    top = away.max(axis=1)
    rest = np.exp(away - top[:, None])
    rest[np.arange(len(y)), away.argmax(axis=1)] = 0.0
    return np.asarray(top + np.log1p(rest.sum(axis=1)))


def _probabilities(z: Floats) -> tuple[Floats, Floats]:
    """A (rows, K) for z (rows, K), and the entropies H(A), each a sum of terms ≥ 0."""
    top = z.max(axis=1, keepdims=True)
    e = np.exp(z - top)
    e_rest = e.copy()
    e_rest[np.arange(len(z)), z.argmax(axis=1)] = 0.0
    log_sum = np.log1p(e_rest.sum(axis=1, keepdims=True))
    a = e / e.sum(axis=1, keepdims=True)
    return a, np.asarray((a * (log_sum + (top - z))).sum(axis=1))


def objective(problem: Problem, w: Floats, b: Floats) -> float:
    """F(w, b); infinite when a coefficient is not finite."""
    w, b = np.asarray(w, float), np.asarray(b, float)
    if not (np.isfinite(w).all() and np.isfinite(b).all()):
        return math.inf
    sums = [float(_losses(np.asarray(X @ w + b), y).sum()) for X, y in _blocks(problem)]
    return math.fsum(sums) + math.fsum((w * w).ravel()) / (2 * problem.C)


def lower_bound(problem: Problem, w: Floats, b: Floats) -> float:
    """A number ≤ F* (rounding apart), the closer the nearer (w, b) is to the optimum."""
    w, b = np.asarray(w, float), np.asarray(b, float)
    if w.ndim == 1:
        w, b = np.stack([np.zeros_like(w), w], axis=1), np.array([0.0, float(b)])
        K, C = 2, problem.C  # with z₀ = 0 fixed the penalty is that of w₁ alone
    else:
        K, C = problem.classes, problem.C
    m, n = problem.X.shape
    entropies, delta, gradient, mean_row = [], np.zeros(K), np.zeros((n, K)), np.zeros(n)
    for X, y in _blocks(problem):
        a, h = _probabilities(np.asarray(X @ w + b))
        a[np.arange(len(y)), y] -= 1.0
        entropies.append(float(h.sum()))
        delta += a.sum(axis=0)
        gradient += np.asarray(X.T @ a)
        mean_row += np.asarray(X.sum(axis=0)).ravel()
    counts = np.bincount(problem.y, minlength=K).astype(float)
    ratio = max(0.0, float((delta / counts).max()))
    t = ratio / (1.0 + ratio)
    p = (counts - delta / ratio) / m if ratio > 0.0 else counts / m
    p = np.maximum(p, 0.0)
    # X'((1-t) A + t 1p' - Y) = (1-t) X'(A - Y) + t (X'1 p' - X'Y)
    mixed = (1.0 - t) * gradient
    if t > 0.0:
        mixed += t * (np.outer(mean_row, p) - _label_sums(problem, K))
    squared = float((mixed[:, 1:] ** 2).sum()) if problem.classes == 2 else float((mixed**2).sum())
    spread = -float((p[p > 0] * np.log(p[p > 0])).sum())
    return float((1.0 - t) * math.fsum(entropies) + t * m * spread - C / 2 * squared)


def _label_sums(problem: Problem, K: int) -> Floats:
    """X'Y, (n, K)."""
    m = len(problem.y)
    return np.asarray(problem.X.T @ sp.csr_matrix((np.ones(m), (np.arange(m), problem.y)), (m, K)).toarray())


def parts(problem: Problem) -> list[Problem]:
    """The fits of a problem: itself, or one per fold and penalty of a cross-validation (fold by fold)."""
    if not problem.folds:
        return [problem]
    made = []
    for fold in range(problem.folds):
        rows = training_rows(problem, fold)
        X, y = problem.X[rows], problem.y[rows]
        made += [Problem(X, y, C, problem.classes) for C in problem.penalties]
    return made


def optimum(problem: Problem, w: Floats | None = None, b: Floats | None = None) -> tuple[Floats, Floats]:
    """Minimise F: Newton with halving from (w, b) or 0; exact steps up to DIRECT unknowns, else CG."""
    n, K = problem.X.shape[1], problem.classes
    shape = (n,) if K == 2 else (n, K)
    w = np.zeros(shape) if w is None else np.array(w, float)
    b = np.zeros(shape[1:]) if b is None else np.array(b, float)
    value, polished = objective(problem, w, b), 0
    for _ in range(100):
        gw, gb, step_w, step_b = _newton_step(problem, w, b)
        drop = float((gw * step_w).sum() + (gb * step_b).sum())
        # below the rounding of F its comparison is noise, but the lower bound still gains from the step
        polished += drop <= 1e-11 * value
        scale = 1.0
        while not polished and objective(problem, w - scale * step_w, b - scale * step_b) > value - 1e-4 * scale * drop:
            scale /= 2
            if scale < 1e-10:
                return w, b
        w, b = w - scale * step_w, b - scale * step_b
        value = objective(problem, w, b)
        if polished == 2:
            break
    return w, b


def _newton_step(problem: Problem, w: Floats, b: Floats) -> tuple[Floats, Floats, Floats, Floats]:
    """Gradient and Newton step in w and b."""
    if w.ndim == 1 and len(w) <= DIRECT and not problem.sparse:
        return _direct_step(problem, w, b)
    a_all, gw, gb = _gradient(problem, w, b)
    squares = problem.X.multiply(problem.X) if problem.sparse else problem.X**2
    curvature = a_all * (1 - a_all)
    diagonal = np.vstack([np.asarray(squares.T @ curvature) + 1 / problem.C, curvature.sum(axis=0)])
    flat = np.vstack([gw.reshape(len(w), -1), gb.reshape(1, -1)])
    binary = w.ndim == 1

    def times(v: Floats) -> Floats:
        z = np.asarray(problem.X @ v[:-1]) + v[-1]
        q = curvature * z if binary else a_all * (z - (a_all * z).sum(axis=1, keepdims=True))
        return np.vstack([np.asarray(problem.X.T @ q) + v[:-1] / problem.C, q.sum(axis=0)])

    step = _conjugate_gradients(times, flat, np.maximum(diagonal, 1e-12))
    return gw, gb, step[:-1].reshape(w.shape), step[-1].reshape(b.shape)


def _gradient(problem: Problem, w: Floats, b: Floats) -> tuple[Floats, Floats, Floats]:
    """Probabilities (m, 1) or (m, K), and the gradient of F."""
    z = np.asarray(problem.X @ w + b)
    if w.ndim == 1:
        a = np.exp(-_softplus(-z))[:, None]
        off: Floats = a[:, 0] - problem.y
        return a, np.asarray(problem.X.T @ off) + w / problem.C, np.asarray(off.sum())
    a = _probabilities(z)[0]
    residual = a.copy()
    residual[np.arange(len(z)), problem.y] -= 1.0
    return a, np.asarray(problem.X.T @ residual) + w / problem.C, residual.sum(axis=0)


def _direct_step(problem: Problem, w: Floats, b: Floats) -> tuple[Floats, Floats, Floats, Floats]:
    n = len(w)
    gradient, H = np.zeros(n + 1), np.zeros((n + 1, n + 1))
    for X, y in _blocks(problem):
        z = X @ w + b
        a = np.exp(-_softplus(-z))
        s = a * np.exp(-_softplus(z))
        one = np.column_stack([X, np.ones(len(X))])
        gradient += one.T @ (a - y)
        H += one.T @ (one * s[:, None])
    gradient[:n] += w / problem.C
    H[np.arange(n), np.arange(n)] += 1 / problem.C
    scale = 1 / np.sqrt(np.maximum(H.diagonal(), 1e-300))  # raw units: the Cholesky sees a unit diagonal
    step = scale * sl.cho_solve(sl.cho_factor(H * np.outer(scale, scale)), scale * gradient)
    return gradient[:n], gradient[n], step[:n], step[n]


def _conjugate_gradients(times: Any, g: Floats, diagonal: Floats, most: int = 2000) -> Floats:
    """Solve H x = g, preconditioned by the diagonal, until the residual is 1e-4 of what it was."""
    x, r = np.zeros_like(g), g.copy()
    p = y = r / diagonal
    rho = goal = float((r * y).sum())
    for _ in range(most):
        if rho <= 1e-8 * goal or rho <= 0.0:
            break
        hp = times(p)
        curved = float((p * hp).sum())
        if curved <= 0.0:
            break
        x, r = x + (rho / curved) * p, r - (rho / curved) * hp
        y = r / diagonal
        rho, before = float((r * y).sum()), rho
        p = y + (rho / before) * p
    return x


def bracket(problem: Problem) -> list[Bracket]:
    """Best value of the referee's own Newton and the lower bound proved there, of every part of the problem."""
    found = []
    for part in parts(problem):
        w, b = optimum(part)
        found.append(Bracket(objective(part, w, b), lower_bound(part, w, b)))
    return found


def relative_error(values: list[float], best: list[float]) -> float:
    """The largest (F - F*)/F* over the parts of a problem; never below 0."""
    return max(max(0.0, (value - star) / star) if star else math.inf for value, star in zip(values, best, strict=True))
