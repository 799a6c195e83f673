"""Separation decided in fractions, by elimination of variables (Fourier, Motzkin): what verdicts are held against."""

from fractions import Fraction

import numpy as np


def eliminate(rows, equal):
    """Fourier-Motzkin: is there a d with row'd >= rhs for (row, rhs) in `rows`, = rhs in `equal`? All in fractions.

    Each constraint is (coefficients, rhs). Its own code, of another kind than what it judges.
    """
    rows = [*rows, *equal, *[([-c for c in row], -rhs) for row, rhs in equal]]
    count = len(rows[0][0])
    for j in range(count):
        positive = [(r, h) for r, h in rows if r[j] > 0]
        negative = [(r, h) for r, h in rows if r[j] < 0]
        kept = {(tuple(r), h) for r, h in rows if r[j] == 0}
        for p, ph in positive:
            for q, qh in negative:
                row = [a / p[j] - c / q[j] for a, c in zip(p, q, strict=True)]
                kept.add(normal(row, ph / p[j] - qh / q[j]))
        strongest = {}
        for r, h in kept:
            strongest[r] = max(h, strongest.get(r, h))
        rows = [(list(r), h) for r, h in strongest.items()]
        if not rows:
            return True
    return all(h <= 0 for _, h in rows)


def normal(row, rhs):
    size = next((abs(a) for a in row if a), Fraction(1))
    return tuple(a / size for a in row), rhs / size


def exact_verdict(X, y, weighted):
    """ "complete", "quasi-complete" or "none" by feasibility in fractions."""
    side, mixed = [], []
    for x, t in zip(X[weighted].tolist(), y[weighted].tolist(), strict=True):
        row = [Fraction(int(v)) for v in x] + [Fraction(1)]
        if t in (0.0, 1.0):
            side.append(row if t == 1.0 else [-v for v in row])
        else:
            mixed.append((row, Fraction(0)))
    if not mixed and eliminate([(row, Fraction(1)) for row in side], []):
        return "complete"
    total = [sum(column) for column in zip(*side, strict=True)] if side else None
    if total is None:
        return "none"
    cone = [(row, Fraction(0)) for row in side]
    return "quasi-complete" if eliminate([*cone, (total, Fraction(1))], mixed) else "none"


def random_integers(seed):
    rng = np.random.default_rng(seed)
    m, n = int(rng.integers(1, 9)), int(rng.integers(1, 4))
    X = rng.integers(-2, 3, (m, n)).astype(float)
    y = rng.integers(0, 2, m).astype(float)
    if seed % 5 == 0:
        y[rng.integers(m)] = 0.5
    s = np.ones(m)
    if seed % 7 == 0:
        s = rng.integers(0, 3, m).astype(float)
        s[0] = 1.0
    return X, y, s
