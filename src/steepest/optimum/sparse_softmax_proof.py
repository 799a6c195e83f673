"""What is proved about a penalised fit of K classes on sparse rows: one pass and a half, memory (m + n) K, no matrix.

R = l2 W > 0 on every weight, A_i = diag(a_i) - a_i a_i', S = sum of s A_i, g = (g_W, g_b) the gradient of the sum F.
With S d = -g_b, alpha_i = a_i + A_i d restores the equations of the intercepts, sum of s (alpha_i - y_i) = 0, so

    D1   F - F* <= ½ sum_j |rho_j|² / R_j + ½ q / (1 - T)
         rho = g_W + sum of s x (alpha - a)',   q = d'S d,   T >= range(d)

because alpha_ik = a_ik (1 + t_ik), t_ik = d_k - a_i'd, |t_ik| <= T < 1, and (1+t) log(1+t) - t <= ½ t² / (1 - T). In
the frame b~ = b + C W with the exact C = S^-1 (sum of s A_i x_i') the Hessian is [. + R, 0; 0, S] with . >= 0, hence
M = diag(R, S) <= H, |g|² over M^-1 is sum_j |rho_j|² / R_j + q, and C2 and C3 hold with

    B = L (√2 + √(2 c / mu)) + √(2 / mu),   L = max |x_i| over R^-1, mu the least eigenvalue of S, c = sum of s |A_i|_2

since |C'u| <= L sum of s |A_i v| <= L √c √(v'S v), v = S^-1 u, u = e_k - e_l. Only norms over the classes of each row's
errors are kept: bounding the rounding takes two more columns, not 2 K. Proofs: docs/decisions/0003-softmax.md.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from steepest.kernels.softmax import forward, slopes
from steepest.kernels.sparse import entries, most_entries, turned, with_entries
from steepest.objective import Engine
from steepest.proof.bounds import bounds
from steepest.proof.certificate import Certificate, published
from steepest.proof.evidence import TINY
from steepest.proof.rounding import FEW, SLACK, UNIT, gamma
from steepest.softmax_objective import contrasts
from steepest.types import Block, Floats

__all__ = ["prove_classes"]

DEPTH = 16  # of the tree of partial sums, and some to spare: at most 64 blocks
QUIET = np.errstate(over="ignore", under="ignore", invalid="ignore", divide="ignore")  # overflow: an infinite bound


@dataclass(frozen=True, slots=True)
class _Evidence:
    """Totals over rows with bounds on their errors. Can be added.

    products (n, K)  sum of s x (alpha - y)'
    doubts (n, 2)    sums of s |x| e, where e bounds what rounding did to the row's alpha - y, and of s |x| |A_i|_2
    slope (K,), slope_doubts (2,)  the same for the column of ones
    spread (K, K)    sum of s a a'                least  smallest s > 0      doubt  largest eps of any row
    """

    weight: float
    loss: float
    loss_doubt: float
    products: Floats
    doubts: Floats
    slope: Floats
    slope_doubts: Floats
    spread: Floats
    least: float
    doubt: float
    adding: float

    def __add__(self, other: _Evidence) -> _Evidence:
        return _Evidence(
            self.weight + other.weight,
            self.loss + other.loss,
            self.loss_doubt + other.loss_doubt,
            np.add(self.products, other.products, out=self.products),  # its only use: a third array would cost n K
            np.add(self.doubts, other.doubts, out=self.doubts),
            self.slope + other.slope,
            self.slope_doubts + other.slope_doubts,
            self.spread + other.spread,
            min(self.least, other.least),
            max(self.doubt, other.doubt),
            max(self.adding, other.adding),
        )


@dataclass(frozen=True, slots=True)
class _Intercepts:
    """d'S d and range(d) for the exact d, |d - computed| at most, and B / L - √2 and B's last term; infinite if S may
    be singular. All upper bounds, and 0 without an intercept.
    """

    square: float = math.inf
    reach: float = math.inf
    off: float = math.inf
    turn: float = math.inf
    edge: float = math.inf


@QUIET
def prove_classes(
    engine: Engine, strength: Floats, at: tuple[Floats, Floats], longest: float, intercept: bool = True
) -> Certificate:
    """The certificate at W (n, K), b (K,) for penalties `strength` (n,) > 0 on the mean loss.

    The y are 0 … K-1, every class with rows of positive weight; `longest` is what `longest_row` says. What is not
    proved is infinite (1 for probabilities).

    >>> import scipy.sparse as sp
    >>> from steepest.engines.sparse import SparseEngine
    >>> rows = SparseEngine(sp.csr_array(np.eye(3)), np.arange(3))
    >>> proof = prove_classes(rows, np.ones(3), (0.3 * np.eye(3) - 0.1, np.zeros(3)), 1.0)
    >>> proof.exists, proof.gap < 1e-4
    ('proved', True)
    """
    w, b = at
    K = len(b)
    d = _restoring(engine, w, b) if intercept else np.zeros(K)
    largest = np.abs(w).max(axis=1)
    seen: _Evidence = engine.sum(lambda block: _evidence(block, w, largest, b, d))
    ridge = strength * seen.weight
    inner = _Intercepts(0.0, 0.0, 0.0, 0.0, 0.0) if not intercept else _intercepts(seen, d)
    square, beside, penalty = _weights(seen, ridge, w, inner)
    off = seen.adding + gamma(8)
    value = seen.loss + penalty
    value_error = (seen.loss_doubt + seen.adding * seen.loss + (off + gamma(w.size + 8)) * value) * SLACK
    left = 1.0 - inner.reach
    dual = 0.5 * (square + inner.square / left) * SLACK * SLACK if left > 0.0 else math.inf
    longest /= math.sqrt(seen.weight * (1.0 - off))
    leverage = (longest * (math.sqrt(2.0) + inner.turn) + inner.edge) * SLACK
    if not math.isfinite(dual):
        return Certificate(math.inf, 1.0, math.inf, "proved")
    proved = bounds(math.sqrt(square + inner.square) * SLACK, leverage, dual, beside=beside)
    return published(proved, value - value_error, seen.least, "proved")


def _weights(seen: _Evidence, ridge: Floats, w: Floats, inner: _Intercepts) -> tuple[float, float, float]:
    """Upper bounds on sum |rho_j|² / R_j and on what the classes have in common of the penalty; and the penalty."""
    off = seen.adding + gamma(8)
    pull = ridge[:, None] * w
    penalty = 0.5 * float(np.einsum("jk,jk->", pull, w))
    size = _lengths(pull)
    pull += seen.products
    length = _lengths(pull)
    doubt = seen.doubts[:, 0] + off * (size + length) + inner.off * seen.doubts[:, 1]
    bound = (length * (1.0 + gamma(w.shape[1] + 4)) + doubt * SLACK) / np.sqrt(ridge * (1.0 - off))
    common = np.abs(w.sum(axis=1)) + gamma(w.shape[1]) * np.abs(w).sum(axis=1)
    beside = 0.5 * float(ridge @ (common * common)) / w.shape[1] * SLACK
    return float(bound @ bound) * SLACK, beside, penalty


def _lengths(rows: Floats) -> Floats:
    return np.asarray(np.sqrt(np.einsum("jk,jk->j", rows, rows)))


def _intercepts(seen: _Evidence, d: Floats) -> _Intercepts:
    """What S, known to a relative error of each of its parts a_k a_l, says about d."""
    K = len(d)
    curved, few = _curvature(seen.spread), FEW + gamma(K + 8)
    spread = contrasts(K).T @ curved @ contrasts(K)
    if not (np.isfinite(spread).all() and seen.doubt < 0.25):
        return _Intercepts()
    uncertain = (seen.adding + 2.0 * few + gamma(K * K + 16) + math.expm1(2.0 * seen.doubt)) * (1.0 + 2.0**-6)
    least = float(np.linalg.eigvalsh(spread)[0]) - (uncertain + gamma(64 * K * K)) * float(np.trace(spread)) * SLACK
    if not least > 0.0:
        return _Intercepts()
    left = (float(np.linalg.norm(seen.slope)) * (1.0 + gamma(K + 4)) + float(seen.slope_doubts[0])) * SLACK
    apart = d[:, None] - d
    known = 0.5 * float(np.sum(np.maximum(-curved, 0.0) * apart * apart)) * (1.0 + uncertain + gamma(K * K + 8))
    square = (left / math.sqrt(least) + math.sqrt(known)) ** 2 * SLACK
    off = left / least * SLACK
    # range(v) <= √2 |v| for every v, and a row's |A_i| is bounded from above in slope_doubts
    turn = math.sqrt(2.0 * float(seen.slope_doubts[1]) / least) * SLACK
    reach = (float(np.ptp(d)) + math.sqrt(2.0) * off) * SLACK
    return _Intercepts(square, reach, off, turn, math.sqrt(2.0 / least) * SLACK)


def _curvature(spread: Floats) -> Floats:
    """S from sum of s a a': what lies off its diagonal, which then makes the rows add up to 0."""
    curved = -spread
    np.fill_diagonal(curved, 0.0)
    np.fill_diagonal(curved, -curved.sum(axis=1))
    return curved


def _restoring(engine: Engine, w: Floats, b: Floats) -> Floats:
    """d with S d = -g_b, to ordinary accuracy; half a pass. Whoever uses it must bound what it lacks."""
    K = len(b)

    def of_block(block: Block) -> Floats:
        which = block.y.astype(np.intp)
        _, D, own, _ = slopes(forward(block.X, w, b), which)
        A = _activations(D, own, which)
        if block.weight is None:
            return np.vstack([A @ A.T, D.sum(axis=1)])
        return np.vstack([(A * block.weight) @ A.T, D @ block.weight])

    total: Floats = engine.sum(of_block)
    Q = contrasts(K)
    solved = np.linalg.lstsq(Q.T @ _curvature(total[:-1]) @ Q, Q.T @ total[-1], rcond=None)[0]
    return np.asarray(-(Q @ solved))


def _activations(D: Floats, own: Floats, which: Any) -> Floats:
    """A (K, m) from dZ = A - Y and the a of each row's own class."""
    A = D.copy()
    A[which, np.arange(len(which))] = own
    return A


def _evidence(block: Block, w: Floats, largest: Floats, b: Floats, d: Floats) -> _Evidence:
    X: Any = block.X
    which, K = block.y.astype(np.intp), len(b)
    s = np.ones(len(which)) if block.weight is None else block.weight
    signed = bool(entries(X).min(initial=0.0) < 0.0)
    size = with_entries(X, np.abs(entries(X), dtype=np.float64)) if signed else X
    eps = 2.0 * gamma(most_entries(X) + 20) * SLACK * (size @ largest + np.abs(b).max()) + TINY
    eps = np.where(s > 0.0, eps, 0.0)
    losses, D, own, _ = slopes(forward(X, w, b), which)
    A, few, small = _activations(D, own, which), FEW + gamma(K + 8), np.minimum(eps, 1.0)
    grow = np.where(eps < 1.0, np.expm1(small) + few, np.inf)
    rest = np.abs(D[which, np.arange(len(which))])
    loss_doubt = few * losses + np.where(eps < 1.0, small * np.exp(small) * rest, eps) + TINY
    U = A * (d[:, None] - d @ A)
    # t = d - a'd is wrong by range(d) times the relative error of a, and by its own rounding
    blur = np.ptp(d) * grow * SLACK + gamma(2 * K + 8) * 2.0 * np.abs(d).max() * SLACK
    error = grow * (_over_classes(D) + _over_classes(U)) + (1.0 + grow) * blur * SLACK + K * TINY
    U += D
    adding = gamma(len(which) + DEPTH + 8)
    error = s * (error + (adding + 4.0 * UNIT) * _over_classes(U)) * SLACK
    bend = s * np.minimum(0.5, (2.0 * (A * (1.0 - A)).max(axis=0) + 8.0 * UNIT) * (1.0 + 2.0 * grow))
    columns = np.column_stack([error, bend])
    U *= s
    if signed:
        products, doubts = turned(X) @ U.T, turned(size) @ columns
    else:
        both = turned(X) @ np.vstack([U, columns.T]).T
        products, doubts = np.ascontiguousarray(both[:, :K]), both[:, K:].copy()
    doubts *= 1.0 + gamma(len(which) + DEPTH + 8)
    return _Evidence(
        float(s.sum()), float(s @ losses), float(s @ loss_doubt), products, doubts,
        U.sum(axis=1), columns.sum(axis=0) * SLACK, (A * s) @ A.T,
        float(s.min(initial=np.inf, where=s > 0.0)), float(eps.max(initial=0.0)), adding,
    )  # fmt: skip


def _over_classes(D: Floats) -> Floats:
    """|D_i| of each row, rounded up."""
    return np.asarray(np.sqrt(np.einsum("ki,ki->i", D, D)) * (1.0 + gamma(len(D) + 4)))
