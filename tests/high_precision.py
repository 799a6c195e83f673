"""Random small problems, and their optima in 50 digits: the truth that certificates are held against."""

from dataclasses import dataclass

import numpy as np
from mpmath import mp, mpf

from steepest import formulas
from steepest.engines import MemoryEngine

KINDS = ("plain", "weights", "penalty", "both", "ties", "near-separable", "scales", "offsets", "fractional", "partial")


@dataclass(frozen=True)
class Case:
    X: np.ndarray
    y: np.ndarray
    s: np.ndarray
    l2: np.ndarray
    kind: str

    @property
    def engine(self):
        return MemoryEngine(self.X, self.y, self.s, leaf_bytes=1, threads=1)


def random_case(seed):
    rng = np.random.default_rng(seed)
    kind = KINDS[seed % len(KINDS)]
    n, m = int(rng.integers(1, 4)), int(rng.integers(8, 40))
    X = rng.standard_normal((m, n))
    if kind == "ties":
        X = rng.integers(-1, 2, (m, n)).astype(float)
    y = (rng.random(m) < formulas.sigmoid(X @ rng.standard_normal(n))).astype(float)
    s, l2 = np.ones(m), np.zeros(n)
    if kind == "near-separable":
        y = (X[:, 0] > 0.0).astype(float)
        y[rng.integers(m)] = 0.5 if rng.random() < 0.5 else 1.0 - y[0]
        l2 += float(rng.choice([0.0, 1e-9, 1e-4]))
    if kind in ("weights", "both"):
        s = rng.choice([0.0, 1e-3, 0.5, 1.0, 7.0], m)
    if kind in ("penalty", "both"):
        l2 += 10.0 ** rng.uniform(-6, 1)
    if kind == "partial":
        l2[0] = 0.1
    if kind == "scales":
        X *= 10.0 ** rng.uniform(-8, 8, n)
    if kind == "offsets":
        X += 10.0 ** rng.uniform(2, 6, n)
    if kind == "fractional":
        y = rng.random(m)
    return Case(X, y, s, l2, kind)


class Exact:
    """The problem in 50 digits."""

    def __init__(self, case):
        used = np.flatnonzero(case.s)
        self.rows = [[mpf(v) for v in case.X[i].tolist()] + [mpf(1)] for i in used]
        self.y, self.s = [mpf(v) for v in case.y[used].tolist()], [mpf(v) for v in case.s[used].tolist()]
        W = mp.fsum(self.s)
        self.R = [mpf(v) * W for v in case.l2.tolist()] + [mpf(0)]

    def z(self, theta):
        return [mp.fsum(x * t for x, t in zip(row, theta, strict=True)) for row in self.rows]

    def p(self, theta):
        return [1 / (1 + mp.exp(-z)) for z in self.z(theta)]

    def value(self, theta):
        losses = [
            s * (y * mp.log1p(mp.exp(-z)) + (1 - y) * mp.log1p(mp.exp(z)))
            for s, y, z in zip(self.s, self.y, self.z(theta), strict=True)
        ]
        return mp.fsum(losses) + mp.fsum(r * t * t for r, t in zip(self.R, theta, strict=True)) / 2

    def derivatives(self, theta):
        p, k = self.p(theta), len(theta)
        q = [1 / (1 + mp.exp(z)) for z in self.z(theta)]
        slope = [s * ((1 - y) * a - y * c) for s, a, c, y in zip(self.s, p, q, self.y, strict=True)]
        bend = [s * a * c for s, a, c in zip(self.s, p, q, strict=True)]
        g = [mp.fsum(d * row[j] for d, row in zip(slope, self.rows, strict=True)) + self.R[j] * theta[j]
             for j in range(k)]  # fmt: skip
        H = mp.matrix(k, k)
        for j in range(k):
            for i in range(j + 1):
                H[i, j] = H[j, i] = mp.fsum(c * row[i] * row[j] for c, row in zip(bend, self.rows, strict=True))
            H[j, j] += self.R[j]
        return mp.matrix(g), H

    def optimum(self, start, steps=60):
        theta, value = [mpf(t) for t in start], None
        value = self.value(theta)
        for _ in range(steps):
            g, H = self.derivatives(theta)
            try:
                step = mp.lu_solve(H, -g)
            except ZeroDivisionError:
                return None
            t = mpf(1)
            while self.value([a + t * d for a, d in zip(theta, step, strict=True)]) > value and t > 1e-6:
                t /= 2
            theta = [a + t * d for a, d in zip(theta, step, strict=True)]
            value = self.value(theta)
            decrement = abs(mp.fsum(a * d for a, d in zip(g, step, strict=True)))
            if decrement < mpf(10) ** -90 * (1 + value):
                return theta
            if max(map(abs, self.z(theta))) > 300:
                return None
        return None


def standard_errors(exact, theta):
    _, H = exact.derivatives(theta)
    try:
        inverse = H**-1
    except ZeroDivisionError:  # saturated: no standard error to speak of
        return [mp.inf] * len(theta)
    return [mp.sqrt(inverse[j, j]) for j in range(len(theta))]


def true_errors(exact, best, theta, se):
    low = exact.value(best)
    gap = (exact.value(theta) - low) / low
    probability = max(abs(a - c) for a, c in zip(exact.p(theta), exact.p(best), strict=True))
    coefficient = max(abs(a - c) / e for a, c, e in zip(theta, best, se, strict=True))
    return gap, probability, coefficient
