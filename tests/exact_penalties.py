"""Small problems with penalties beyond L2, and their optima: guessed in floats, proved in 50 digits.

F(w, b) = sum of s L / W + sum of f (l1 |w| + ½ l2 w²) within bounds is convex: (w, b) is a minimiser if and only if
b's slope is 0 and every -dJ/dw_j lies in the subdifferential of its penalty. Which weights are 0 or at a bound is
guessed from a solution in floats, the rest is solved for in 50 digits, and every condition is checked in 50 digits.
"""

from dataclasses import dataclass

import numpy as np
from mpmath import mp, mpf

from steepest import formulas
from steepest.penalties import Penalties

mp.dps = 60
KINDS = (
    "lasso", "elastic net", "weights", "factors", "bounds", "sign", "near-separable", "duplicates", "constant",
    "scales", "free", "fractional", "ties", "offset", "tiny l1",
)  # fmt: skip


@dataclass(frozen=True)
class Case:
    X: np.ndarray
    y: np.ndarray
    s: np.ndarray | None
    l2: float
    penalties: Penalties
    offset: np.ndarray | None
    kind: str


def random_case(seed):
    rng = np.random.default_rng(seed)
    kind = KINDS[seed % len(KINDS)]
    n, m = int(rng.integers(2, 7)), int(rng.integers(12, 50))
    X = rng.standard_normal((m, n))
    l1, l2 = float(10.0 ** rng.uniform(-3, -1)), 0.0
    factors = lower = upper = s = offset = None
    if kind == "ties":
        X = rng.integers(-1, 2, (m, n)).astype(float)
    if kind == "duplicates":
        X[:, -1] = X[:, 0]
        l2 = float(rng.choice([0.0, 0.01]))
    if kind == "constant":
        X[:, 0] = rng.choice([0.0, 1.0, -3.0])
    if kind == "scales":
        X *= 10.0 ** rng.uniform(-3, 3, n)
    y = (rng.random(m) < formulas.sigmoid(X @ rng.standard_normal(n) / np.abs(X).max())).astype(float)
    if kind == "near-separable":
        y = (X[:, 0] > 0.0).astype(float)
        l1 = float(10.0 ** rng.uniform(-6, -2))
    if kind in ("elastic net", "bounds", "factors"):
        l2 = float(10.0 ** rng.uniform(-3, 0))
    if kind in ("weights", "bounds"):
        s = rng.choice([0.0, 1e-3, 0.5, 1.0, 7.0], m)
    if kind in ("factors", "free"):
        factors = rng.choice([0.0, 0.5, 1.0, 3.0], n) if kind == "factors" else np.append(np.zeros(1), np.ones(n - 1))
    if kind == "bounds":
        lower, upper = np.full(n, -np.inf), rng.uniform(-0.1, 0.6, n)
        lower[0], upper[1] = 0.05, np.inf
        upper[0] = max(upper[0], 0.1)
    if kind == "sign":
        lower, upper = np.zeros(n), np.full(n, np.inf)
        l1 = float(rng.choice([0.0, 0.01]))
    if kind == "fractional":
        y = rng.random(m)
    if kind == "offset":
        offset = rng.standard_normal(m)
    if kind == "tiny l1":
        l1 = 1e-7
    y[:2] = 0.0, 1.0
    if s is not None:
        s[:2] = 1.0
    return Case(X, y, s, l2, Penalties(l1, factors, lower, upper), offset, kind)


class Exact:
    """The problem in 60 digits; theta = (w_1, …, w_n, b)."""

    def __init__(self, case):
        m, n = case.X.shape
        s = np.ones(m) if case.s is None else case.s
        used = np.flatnonzero(s)
        self.rows = [[mpf(v) for v in case.X[i].tolist()] + [mpf(1)] for i in used]
        self.away = [mpf(0 if case.offset is None else float(case.offset[i])) for i in used]
        self.y, self.s = [mpf(v) for v in case.y[used].tolist()], [mpf(v) for v in s[used].tolist()]
        self.W, self.n = mp.fsum(self.s), n
        given = case.penalties
        factors = np.ones(n) if given.factors is None else given.factors
        self.l1 = [mpf(given.l1) * mpf(f) for f in factors.tolist()]
        self.l2 = [mpf(case.l2) * mpf(f) for f in factors.tolist()]
        self.lower = [-mp.inf] * n if given.lower is None else [mpf(v) for v in given.lower.tolist()]
        self.upper = [mp.inf] * n if given.upper is None else [mpf(v) for v in given.upper.tolist()]

    def z(self, theta):
        return [mp.fsum(x * t for x, t in zip(row, theta, strict=True)) + a
                for row, a in zip(self.rows, self.away, strict=True)]  # fmt: skip

    def value(self, theta):
        losses = [
            s * (y * mp.log1p(mp.exp(-z)) + (1 - y) * mp.log1p(mp.exp(z)))
            for s, y, z in zip(self.s, self.y, self.z(theta), strict=True)
        ]
        terms = zip(theta[:-1], self.l1, self.l2, strict=True)
        return mp.fsum(losses) / self.W + mp.fsum(p * abs(w) + r * w * w / 2 for w, p, r in terms)

    def slopes(self, theta):
        """dJ by theta, and its second derivatives."""
        z, k = self.z(theta), self.n + 1
        slope = [s * (1 / (1 + mp.exp(-v)) - y) / self.W for s, v, y in zip(self.s, z, self.y, strict=True)]
        bend = [s / (1 + mp.exp(-v)) / (1 + mp.exp(v)) / self.W for s, v in zip(self.s, z, strict=True)]
        g = [mp.fsum(d * row[j] for d, row in zip(slope, self.rows, strict=True)) for j in range(k)]
        H = mp.matrix(k, k)
        for j in range(k):
            for i in range(j + 1):
                H[i, j] = H[j, i] = mp.fsum(c * row[i] * row[j] for c, row in zip(bend, self.rows, strict=True))
        return g, H

    def optimum(self, w, b):
        """The minimiser that has the zeros, signs and bounds of (w, b) or nearly; None if none is found."""
        theta = [mpf(v) for v in w.tolist()] + [mpf(float(b))]
        free = [j for j in range(self.n) if theta[j] != 0 and self.lower[j] < theta[j] < self.upper[j]]
        for _ in range(12):
            solved = self.solved(theta, free)
            if solved is None:
                return None
            wrong = [j for j in free if solved[j] * theta[j] < 0 or not self.lower[j] <= solved[j] <= self.upper[j]]
            if wrong:
                for j in wrong:
                    theta[j] = min(max(mpf(0), self.lower[j]), self.upper[j])
                free = [j for j in free if j not in wrong]
                continue
            missed = self.missed(solved)
            worst = max(range(self.n), key=lambda j: missed[j])
            if missed[worst] < mpf(10) ** -40 * (1 + self.l1[worst]):
                return solved
            if worst in free:
                return None
            g, _ = self.slopes(solved)
            theta = solved
            theta[worst] += -mp.sign(g[worst] + self.l2[worst] * theta[worst]) * mpf(10) ** -30
            free = sorted([*free, worst])
        return None

    def solved(self, start, free):
        """Newton's method for the free weights and b, their signs kept in the l1 term."""
        theta, places = list(start), [*free, self.n]
        signs = [mp.sign(theta[j]) if j < self.n else mpf(0) for j in places]
        for _ in range(80):
            g, H = self.slopes(theta)
            pull = mp.matrix([
                g[j] + (self.l1[j] * sign + self.l2[j] * theta[j] if j < self.n else 0)
                for j, sign in zip(places, signs, strict=True)
            ])  # fmt: skip
            part = mp.matrix(len(places), len(places))
            for a, j in enumerate(places):
                for c, i in enumerate(places):
                    part[a, c] = H[j, i] + (self.l2[j] if a == c and j < self.n else 0)
            try:
                step = mp.lu_solve(part, -pull)
            except ZeroDivisionError:
                return None
            largest = max(abs(v) for v in step)
            share = min(mpf(1), mpf(4) / largest) if largest > 4 else mpf(1)
            for a, j in enumerate(places):
                theta[j] += share * step[a]
            if largest < mpf(10) ** -48 * (1 + max(map(abs, theta))):
                return theta
        return None

    def missed(self, theta):
        """By how much each condition of the optimum is missed."""
        g, _ = self.slopes(theta)
        out = []
        for j, w in enumerate(theta[:-1]):
            c, bent = -g[j], self.l2[j] * w
            right = bent + (self.l1[j] if w >= 0 else -self.l1[j]) if w < self.upper[j] else mp.inf
            left = bent + (self.l1[j] if w > 0 else -self.l1[j]) if w > self.lower[j] else -mp.inf
            out.append(max(c - right, left - c, mpf(0)))
        return out

    def probabilities(self, theta):
        return [1 / (1 + mp.exp(-z)) for z in self.z(theta)]
