"""The model of a proximal Newton step of K classes: one quadratic for all weights held, whatever their class.

    q(V) = <slope, V - at> + ½ sum of s_i u_i'(diag(a_i) - a_i a_i')u_i + sum of l1 |V| + ½ l2 V²,   u_i = (V - at)'x_i

with the intercepts minimised out. Few weights: G is formed, column by class, and coordinate descent with Newton steps
for the weights that are free does the rest (`quadratic.py`). Many: class after class, each with a quadratic of its own
(J. Friedman, T. Hastie, R. Tibshirani, Journal of Statistical Software 33 (2010), section 4; there the classes change
places before each quadratic is solved, here the rows are not looked at again until all of q is).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy
from numpy.typing import NDArray

from steepest.optimum.held import Held, Table
from steepest.optimum.held_dense import DenseTable
from steepest.optimum.quadratic import Model, in_gram, minimum
from steepest.penalties import ElasticNet
from steepest.types import Block, Floats

__all__ = ["ClassModel", "Pairs"]

MOST_IN_GRAM = 2048  # weights whose G is formed: 34 MB
ROUNDS = 200  # over the classes
RIDGE = 1e-10  # of the diagonal: one number added to all classes of a column may change nothing, so G is singular
SMALL = 1e-12  # of the largest curvature, added to those of the intercepts: a common shift of them changes nothing


@dataclass(frozen=True, slots=True)
class Pairs:
    """p weights: entry i is that of column `held.columns[place[i]]` and class `which[i]` of K."""

    held: Held
    place: NDArray[np.intp]
    which: NDArray[np.intp]
    K: int

    @classmethod
    def of(cls, table: Table, wanted: NDArray[np.bool_], before: Pairs | None) -> Pairs:
        """The weights that are `wanted` (n, K)."""
        columns = np.flatnonzero(wanted.any(axis=1))
        place, which = np.nonzero(wanted[columns])
        held = table.hold(columns, None if before is None else before.held)
        return cls(held, place, which, wanted.shape[1])

    @property
    def flat(self) -> NDArray[np.intp]:
        """(p,) places in an array (n, K) laid out row by row."""
        return self.held.columns[self.place] * self.K + self.which

    def spread(self, v: Floats) -> Floats:
        """(k, K) the weights by column held and class."""
        found = np.zeros((len(self.held.columns), self.K))
        found[self.place, self.which] = v
        return found

    def forward(self, v: Floats) -> Floats:
        """X~_A V, (m, K)."""
        return self.held.forward(self.spread(v))

    def correlate(self, R: Floats) -> Floats:
        """X~'R' for R (K, m), where there are weights: (p,)."""
        return np.asarray(self.held.correlate(R)[self.which, self.place])


@dataclass(frozen=True, slots=True)
class ClassModel:
    """G (p, p) of the weights held or None, its diagonal (p,), their products (p, K) with the intercepts, whose own
    curvature's inverse is `inner` (K, K), 0 without an intercept; a (m, K) and s (m,) it was formed with.
    """

    pairs: Pairs
    gram: Floats | None
    diagonal: Floats
    edge: Floats
    inner: Floats
    a: Floats
    s: Floats

    @classmethod
    def at(cls, table: Table, pairs: Pairs, a: Floats, s: Floats, intercept: bool) -> ClassModel:
        """Formed from the probabilities and the weights of the rows."""
        K, p = pairs.K, len(pairs.place)
        if p > MOST_IN_GRAM:
            return cls._of_each(pairs, a, s, intercept)
        whole = _products(table, pairs, a, s)
        edge, inner = whole[:p, p:], np.zeros((K, K))
        gram = whole[:p, :p]
        if intercept:
            inner = _inverse(whole[p:, p:])
            gram = gram - edge @ inner @ edge.T
        return cls(pairs, np.ascontiguousarray(gram), np.diagonal(gram).copy(), edge, inner, a, s)

    @classmethod
    def _of_each(cls, pairs: Pairs, a: Floats, s: Floats, intercept: bool) -> ClassModel:
        diagonal, edge = np.zeros(len(pairs.place)), np.zeros((len(pairs.place), pairs.K))
        for k in range(pairs.K):
            squares, edges = pairs.held.diagonal(s * a[:, k] * (1.0 - a[:, k]))
            mine = pairs.which == k
            diagonal[mine] = squares[pairs.place[mine]]
            edge[mine, k] = edges[pairs.place[mine]]
        inner = _inverse(np.diag(s @ a) - a.T @ (s[:, None] * a)) if intercept else np.zeros((pairs.K, pairs.K))
        return cls(pairs, None, diagonal, edge, inner, a, s)

    def target(self, kernels: Any, slope: tuple[Floats, Floats], at: tuple[Floats, Floats], net: ElasticNet,
               slack: Floats) -> tuple[Floats, Floats]:  # fmt: skip
        """Where q is least, each weight's gradient to within `slack`: weights (p,) and intercepts (K,)."""
        (by_w, by_b), (v, b) = slope, at
        if self.gram is None:
            return self._by_class(kernels, slope, at, net, slack)
        inward = by_w - self.edge @ (self.inner @ by_b)
        found = in_gram(kernels, self.gram, (inward, v.copy()), net, slack, RIDGE)
        return found, b - self.inner @ (by_b + self.edge.T @ (found - v))

    def _by_class(self, kernels: Any, slope: tuple[Floats, Floats], at: tuple[Floats, Floats], net: ElasticNet,
                  slack: Floats) -> tuple[Floats, Floats]:  # fmt: skip
        """Each class with the others held, again and again; z moves by U (m, K)."""
        (by_w, by_b), (v, b), pairs = slope, (at[0].copy(), at[1].copy()), self.pairs
        U, free = np.zeros_like(self.a), bool(np.any(self.inner))
        for _ in range(ROUNDS):
            still = True
            for k in range(pairs.K):
                mine = np.flatnonzero(pairs.which == k)
                a = self.a[:, k]
                r = self.s * a * (U[:, k] - np.einsum("ik,ik->i", self.a, U))
                pull = by_w[mine] + pairs.held.correlate(r)[pairs.place[mine]]
                lift = float(by_b[k]) + float(r.sum()) if free else 0.0
                step, shift = self._of_class(kernels, k, (mine, pull, lift), v, (net, slack))
                still &= bool(np.all(np.abs(step) * (self.diagonal[mine] + net.l2[mine]) <= slack[mine]))
                v[mine] += step
                b[k] += shift
                moved = np.zeros(len(pairs.held.columns))
                moved[pairs.place[mine]] = step
                U[:, k] += pairs.held.forward(moved) + shift
            if still:
                break
            v = _balanced(pairs, v, net)
        return v, b

    def _of_class(self, kernels: Any, k: int, where: tuple[NDArray[np.intp], Floats, float], v: Floats,
                  asked: tuple[ElasticNet, Floats]) -> tuple[Floats, float]:  # fmt: skip
        """The step of one class and its intercept; columns of which it holds no weight stay at 0."""
        (mine, pull, lift), (net, slack), pairs = where, asked, self.pairs
        place, size = pairs.place[mine], len(pairs.held.columns)
        D = self.a[:, k] * (1.0 - self.a[:, k])
        total = max(float(self.s @ D), np.finfo(float).tiny) if np.any(self.inner) else np.inf

        def whole(values: Floats, rest: float = 0.0) -> Floats:
            found = np.full(size, rest)
            found[place] = values
            return found

        edge = whole(self.edge[mine, k])
        inner = whole(np.maximum(self.diagonal[mine] - self.edge[mine, k] ** 2 / total, 0.0))
        part = ElasticNet(*(whole(each[mine]) for each in (net.l1, net.l2, net.lower, net.upper)))
        model = Model(pairs.held, None, inner, edge, total, D, self.s, True)
        at, inward = whole(v[mine]), whole(pull - self.edge[mine, k] * (lift / total))
        step = minimum(kernels, model, inward, at, part, whole(slack[mine], np.inf)) - at
        return step[place], -(lift + float(edge @ step)) / total


def _balanced(pairs: Pairs, v: Floats, net: ElasticNet) -> Floats:
    """The weights of a column moved by one number for all its classes, so that the penalty is least: q is the same
    otherwise (J. Friedman, T. Hastie, R. Tibshirani, section 4.1). Columns of which not all classes are held, or that
    have bounds, stay.
    """
    full = np.bincount(pairs.place, minlength=len(pairs.held.columns)) == pairs.K
    if not np.any(full):
        return v
    spread, l1, l2, lower, upper = (pairs.spread(part) for part in (v, net.l1, net.l2, net.lower, net.upper))
    full &= np.all((lower == -np.inf) & (upper == np.inf), axis=1)
    V, l1, l2, K = spread[full], l1[full], l2[full], pairs.K
    above = K - 2.0 * np.arange(K + 1)  # classes above 0 less those below, where the slope by the shift may vanish
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        level = V.mean(axis=1, keepdims=True) + np.where(l2[:, :1] > 0.0, l1[:, :1] / (K * l2[:, :1]), 0.0) * above
    shifts = np.column_stack([np.zeros(len(V)), V, level])
    moved = V[:, None, :] - shifts[:, :, None]
    price = (l1[:, None, :] * np.abs(moved) + 0.5 * l2[:, None, :] * moved * moved).sum(axis=2)
    spread[full] = moved[np.arange(len(V)), np.argmin(price, axis=1)]
    return np.asarray(spread[pairs.place, pairs.which])


def _inverse(curvature: Floats) -> Floats:
    """The inverse of the intercepts' curvature where they add up to 0."""
    K, size = len(curvature), float(np.trace(curvature))
    lifted = curvature + np.full((K, K), size / K) + np.diag(np.full(K, SMALL * size + np.finfo(float).tiny))
    found: Floats = np.linalg.inv(lifted)
    return np.asarray(found - found.mean(), dtype=np.float64)


def _products(table: Table, pairs: Pairs, a: Floats, s: Floats) -> Floats:
    """The Hessian of the sum of losses by the weights held and the K intercepts, (p + K) squared."""
    K, columns = pairs.K, pairs.held.columns
    place = np.append(pairs.place, np.full(K, len(columns)))
    which = np.append(pairs.which, np.arange(K))
    root = np.sqrt(s)

    def of(X: Any, rows: slice) -> Floats:
        """X (., k + 1) the columns held and a column of ones."""
        spread = X[:, place] * (root[rows, None] * a[rows][:, which])
        found = -np.asarray(spread.T @ spread)
        for k in range(K):
            mine = np.flatnonzero(which == k)
            part = X[:, place[mine]] * np.sqrt(s[rows] * a[rows, k])[:, None]
            found[np.ix_(mine, mine)] += part.T @ part
        return found

    def of_block(block: Block) -> Floats:
        X = table.rows(block)[:, columns] / scale  # type: ignore[attr-defined]
        return of(np.column_stack([X, np.ones(len(X))]), slice(block.start, block.start + len(X)))

    if isinstance(table, DenseTable):
        scale = table.frame.scale[columns]
        found: Floats = table.engine.sum(of_block)
        return found
    return _of_sparse(table, columns, (place, which), a, s)


def _of_sparse(table: Any, columns: Any, pairs: tuple[Any, Any], a: Floats, s: Floats) -> Floats:
    place, which = pairs
    m, K = a.shape
    held: Any = scipy.sparse.csc_array((table.data, table.places, table.starts), shape=(m, table.n))[:, columns]
    ones: Any = scipy.sparse.csc_array(np.ones((m, 1)))
    X: Any = scipy.sparse.hstack([held, ones], format="csc")
    spread = X[:, place]
    at = np.repeat(which, np.diff(spread.indptr))
    left, right, seen = spread.copy(), spread.copy(), a[spread.indices, at]
    left.data, right.data = spread.data * s[spread.indices] * seen, spread.data * seen
    found = -np.asarray((left.T @ right).toarray())
    for k in range(K):
        mine = np.flatnonzero(which == k)
        part, whole = left[:, mine], spread[:, mine]
        found[np.ix_(mine, mine)] += (part.T @ whole).toarray()
    return np.asarray(0.5 * (found + found.T))
