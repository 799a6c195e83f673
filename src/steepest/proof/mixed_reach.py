"""C1 of `certificate.py` for rows of numbers and categories: a proof that holds farther from the optimum, in one pass.

The terms of each row are those of `evidence.reach`; what bounds its rounding and its leverage is taken from
`MixedApriori`, the same for all rows: with x~ of p + k terms, v = x~'d is wrong by gamma(p + k + 10) (extents)'|d|, and
by leverage times what is left of M d + g.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np

from steepest.kernels.mixed import forward
from steepest.mixed_rows import parts_of
from steepest.objective import Engine
from steepest.proof.bounds import bounds
from steepest.proof.certificate import Certificate, published
from steepest.proof.evidence import Move, Reach, divergence_of, halves
from steepest.proof.mixed_apriori import MixedApriori
from steepest.proof.rounding import FEW, SLACK, Metric
from steepest.types import Block, Floats, Point

__all__ = ["farther"]


def farther(engine: Engine, apriori: MixedApriori, theta: Floats, point: Point, metric: Metric) -> Certificate:
    """The certificate at theta by C1 and C2 together; `metric` from `apriori.metric` at the same theta."""
    doubt = apriori.doubt(theta)
    if not doubt < 1.0:
        return Certificate(math.inf, 1.0, math.inf, "unknown")
    gradient = apriori.weight * point.gradient
    doubts = apriori.gradient_doubts(theta, point, doubt)
    step = -metric.solve(gradient)
    move = Move(theta, step, metric.residual(step, -gradient, doubts))
    leverage = apriori.leverage(metric)
    blur = (apriori.doubt(step) + leverage * move.off) * SLACK
    seen: Reach = engine.sum(lambda block: _reach(block, apriori, move, doubt, blur))
    ridge = np.append(apriori.strength * apriori.weight, 0.0)
    length = math.sqrt(float(ridge @ (step * step))) * SLACK + move.off
    dual = (seen.divergence + 0.5 * length * length) * SLACK
    proved = bounds(metric.norm(gradient, doubts), leverage, dual, seen.inside)
    return published(proved, apriori.value(point, doubt), apriori.lightest)


def _reach(block: Block, apriori: MixedApriori, move: Move, doubt: float, blur: float) -> Reach:
    frame, X = apriori.frame, block.X
    rows: Any = X - frame.centre if np.any(frame.centre) else X
    seen = [(frame.seen(each[:-1], float(each[-1]))) for each in (move.theta, move.step)]
    up = (1.0 + 2.0 * math.expm1(min(doubt, 1.0))) * (1.0 + FEW) * SLACK
    total = Reach(0.0, 0.0, inside=True)
    for piece in rows.pieces():
        y, s, o = parts_of(replace(block, X=rows), piece.part)
        z, v = forward(piece.rows, *seen[0], o), forward(piece.rows, *seen[1], None)
        s = np.ones(len(y)) if s is None else s
        if not np.all(s > 0.0):
            z, v, s = z[s > 0.0], v[s > 0.0], s[s > 0.0]
        p, q, _ = halves(z, z)
        p *= up
        q *= up
        low, high = v - blur, v + blur
        inside = bool(np.all(q * low > -1.0) and np.all(p * high < 1.0))
        divergence = math.inf
        if inside:
            divergence = float(s @ np.maximum(divergence_of(p, q, low), divergence_of(p, q, high))) * SLACK
        total = total + Reach(0.0, divergence, inside)
    return total
