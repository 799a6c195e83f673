"""Small problems of K classes with penalties beyond L2, and their optima: guessed in floats, proved in 50 digits.

As `exact_penalties.py`: which weights are 0 or at a bound is guessed from a solution in floats, the rest is solved for
by Newton's method, and every condition of the optimum is checked, in 50 digits. One number added to all classes may
change nothing: then the optimum is not the only one, and F* is the same for all of them.
"""

from dataclasses import dataclass

import numpy as np
from mpmath import mp, mpf

from steepest.penalties import Penalties

mp.dps = 60
KINDS = ("lasso", "elastic net", "weights", "factors", "bounds", "sign", "free", "no intercept", "confident", "ties")


@dataclass(frozen=True)
class Case:
    X: np.ndarray
    y: np.ndarray
    s: np.ndarray
    K: int
    l2: float
    penalties: Penalties
    intercept: bool
    kind: str


def random_case(seed):
    rng = np.random.default_rng(seed)
    kind = KINDS[seed % len(KINDS)]
    K, n, m = int(rng.integers(3, 5)), int(rng.integers(1, 4)), int(rng.integers(12, 24))
    X = rng.standard_normal((m, n))
    if kind == "ties":
        X = rng.integers(-1, 2, (m, n)).astype(float)
    z = X @ rng.standard_normal((n, K)) * (9.0 if kind == "confident" else 1.0)
    y = np.argmax(z + rng.gumbel(size=(m, K)), axis=1)
    y[:K] = np.arange(K)
    l1, l2, s = float(10.0 ** rng.uniform(-3, -1)), 0.0, np.ones(m)
    factors = lower = upper = None
    if kind in ("elastic net", "bounds", "factors"):
        l2 = float(10.0 ** rng.uniform(-3, -0.5))
    if kind == "weights":
        s = rng.choice([0.0, 1e-3, 0.5, 7.0], m)
        s[:K] = 1.0
    if kind in ("factors", "free"):
        factors = np.append(np.zeros(1), rng.choice([0.5, 1.0, 3.0], n - 1))
    if kind == "bounds":
        lower, upper = np.full(n, -0.1), rng.uniform(0.05, 0.6, n)
    if kind == "sign":
        lower, l1 = np.zeros(n), float(rng.choice([0.0, 0.01]))
    if kind == "confident":
        l1 = 1e-4
    return Case(X, y, s, K, l2, Penalties(l1, factors, lower, upper), kind != "no intercept", kind)


class Exact:
    """The problem in 60 digits; theta = (W row by row, b), entry j K + k for feature j and class k."""

    def __init__(self, case):
        used = np.flatnonzero(case.s)
        self.K, self.n, self.intercept = case.K, case.X.shape[1], case.intercept
        self.rows = [[mpf(v) for v in case.X[i].tolist()] + [mpf(1)] for i in used]
        self.y, self.s = case.y[used].tolist(), [mpf(v) for v in case.s[used].tolist()]
        self.W = mp.fsum(self.s)
        given, size = case.penalties, self.n * self.K
        factors = np.ones(self.n) if given.factors is None else given.factors
        self.l1 = [mpf(given.l1) * mpf(f) for f in factors.tolist() for _ in range(self.K)]
        self.l2 = [mpf(case.l2) * mpf(f) for f in factors.tolist() for _ in range(self.K)]
        low = np.full(self.n, -np.inf) if given.lower is None else given.lower
        high = np.full(self.n, np.inf) if given.upper is None else given.upper
        self.lower, self.upper = ([mpf(v) for v in np.repeat(part, self.K).tolist()] for part in (low, high))
        self.size = size

    def shares(self, theta):
        """log-sum-exp and softmax of every row."""
        for row in self.rows:
            z = [mp.fsum(x * theta[j * self.K + k] for j, x in enumerate(row)) for k in range(self.K)]
            e = [mp.exp(v) for v in z]
            total = mp.fsum(e)
            yield z, mp.log(total), [v / total for v in e]

    def value(self, theta):
        loss = mp.fsum(s * (top - z[y]) for s, y, (z, top, _) in zip(self.s, self.y, self.shares(theta), strict=True))
        terms = zip(theta[: self.size], self.l1, self.l2, strict=True)
        return loss / self.W + mp.fsum(p * abs(w) + r * w * w / 2 for w, p, r in terms)

    def slopes(self, theta, curved=True):
        """dJ by theta, and its second derivatives."""
        size, K = self.size + self.K, self.K
        g, H = [mpf(0)] * size, mp.matrix(size, size)
        for row, s, y, (_, _, a) in zip(self.rows, self.s, self.y, self.shares(theta), strict=True):
            for k in range(K):
                for j, x in enumerate(row):
                    g[j * K + k] += s * x * (a[k] - (k == y)) / self.W
                for other in range(K if curved else 0):
                    bend = s * a[k] * ((k == other) - a[other]) / self.W
                    for j, x in enumerate(row):
                        for i, v in enumerate(row):
                            H[j * K + k, i * K + other] += bend * x * v
        return g, H

    def optimum(self, w, b):
        """A minimiser that has the zeros, signs and bounds of (W, b) or nearly; None if none is found."""
        theta = [mpf(v) for v in w.ravel().tolist()] + [mpf(v) for v in b.tolist()]
        free = [j for j in range(self.size) if theta[j] != 0 and self.lower[j] < theta[j] < self.upper[j]]
        for _ in range(12):
            solved = self.solved(theta, free)
            if solved is None:
                return None
            wrong = [j for j in free if solved[j] * theta[j] < 0 or not self.lower[j] <= solved[j] <= self.upper[j]]
            if not wrong:
                return solved if max(self.missed(solved)) < mpf(10) ** -30 else None
            for j in wrong:
                theta[j] = min(max(mpf(0), self.lower[j]), self.upper[j])
            free = [j for j in free if j not in wrong]
        return None

    def solved(self, start, free):
        """Newton's method for the free weights and b, their signs kept in the l1 term."""
        theta = list(start)
        places = [*free, *(range(self.size, self.size + self.K) if self.intercept else ())]
        for _ in range(60):
            g, H = self.slopes(theta)
            pull, part = mp.matrix(len(places), 1), mp.matrix(len(places), len(places))
            for a, j in enumerate(places):
                inner = j < self.size
                pull[a] = -g[j] - (self.l1[j] * mp.sign(theta[j]) + self.l2[j] * theta[j] if inner else 0)
                for c, i in enumerate(places):
                    part[a, c] = H[j, i]
                part[a, a] += mpf(10) ** -25 + (self.l2[j] if inner else 0)
            step = mp.lu_solve(part, pull)
            largest = max(abs(v) for v in step)
            share = min(mpf(1), mpf(2) / largest) if largest > 2 else mpf(1)
            for a, j in enumerate(places):
                theta[j] += share * step[a]
            if largest < mpf(10) ** -32:
                return theta
        return None

    def missed(self, theta):
        """By how much each condition of the optimum is missed."""
        g, _ = self.slopes(theta, curved=False)
        out = [abs(v) for v in g[self.size :]] if self.intercept else [mpf(0)]
        for j, w in enumerate(theta[: self.size]):
            c, bent = -g[j], self.l2[j] * w
            right = bent + (self.l1[j] if w >= 0 else -self.l1[j]) if w < self.upper[j] else mp.inf
            left = bent + (self.l1[j] if w > 0 else -self.l1[j]) if w > self.lower[j] else -mp.inf
            out.append(max(c - right, left - c, mpf(0)))
        return out
