"""`linear_relations.py` for rows of numbers and categories: cities that say the state, a level that no row has.

The Gram matrix comes from tables of pairs, is factorised from left to right, a row of the factor at a time, and all
suspicious columns are looked at together: three passes, however many there are. Among levels the matrix holds whole
numbers, exactly, and relations have whole coefficients.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy
from numpy.typing import NDArray

from steepest.kernels import mixed_compiled
from steepest.kernels.mixed import Second
from steepest.mixed_rows import Layout, parts_of
from steepest.objective import Engine
from steepest.proof.linear_relations import RELATIVE, ROUNDING, SUSPECT, Dependence, in_user_units
from steepest.proof.problem import Problem
from steepest.scaling import Scaling
from steepest.types import Block, Floats

__all__ = ["dependent_levels"]

REFINEMENTS = 2
LEAST_NEW = 1e-15  # of a column that is kept anyway: less is rounding of the Gram matrix
NOTHING = 1e-9  # of a constant beside columns whose size is about 1: what rounding left of none


@dataclass(frozen=True, slots=True)
class _Left:
    """What is left of q columns: products with all columns (n + 1, q), squares and largest sizes (q,). Can be added."""

    products: Floats
    square: Floats
    largest: Floats

    def __add__(self, other: _Left) -> _Left:
        return _Left(
            self.products + other.products, self.square + other.square, np.maximum(self.largest, other.largest)
        )


def dependent_levels(engine: Engine, frame: Scaling) -> tuple[Dependence, ...]:
    """The columns to drop, in order, each with its relation to the intercept and the earlier ones."""
    rows: Any = engine
    layout: Layout = rows.X.layout
    gram, kept_anyway = _gram(engine, layout, frame), set[int]()
    problem = Problem(engine, np.zeros(layout.n), frame)
    while True:
        found = _from_left_to_right(gram, kept_anyway)
        if not found.suspects:
            return ()
        relations, small = _refined(engine, frame, gram, found)
        if small.all():
            return tuple(
                in_user_units(problem, j, found.kept[:count], relation)
                for (j, count), relation in zip(found.suspects, relations, strict=True)
            )
        kept_anyway.add(found.suspects[int(np.argmin(small))][0])  # it explains some of those after it, perhaps


@dataclass(frozen=True, slots=True)
class _Found:
    """Columns kept, the intercept first; suspects with the number kept before them; the factor of the kept ones; the
    relations of the suspects to these.
    """

    kept: list[int]
    suspects: list[tuple[int, int]]
    factor: Floats
    relations: list[Floats]


def _refined(engine: Engine, frame: Scaling, gram: Floats, found: _Found) -> tuple[list[Floats], NDArray[np.bool_]]:
    """The relations by two steps of least squares on the rows, and which of them hold to rounding."""
    rows: Any = engine
    layout: Layout = rows.X.layout
    kept, relations, unit = found.kept, list(found.relations), _unit(gram)
    columns = np.array([j for j, _ in found.suspects])
    for turn in range(REFINEMENTS + 1):
        left = _left(engine, layout, frame, _directions(columns, kept, relations, layout.n))
        for q, (_, count) in enumerate(found.suspects if turn < REFINEMENTS else ()):
            before = unit[kept[:count]]
            step = _solve(found.factor[:count, :count], left.products[kept[:count], q] / before) / before
            relations[q] = relations[q] + step
    total = gram[columns, columns] - gram[columns, -1] ** 2 / gram[-1, -1]
    small = (left.square <= RELATIVE**2 * np.maximum(total, 0.0)) | (left.largest <= 1.0)
    for relation in relations:
        relation[:1] = np.where(np.abs(relation[:1]) <= NOTHING, 0.0, relation[:1])
    return relations, small


def _gram(engine: Engine, layout: Layout, frame: Scaling) -> Floats:
    """(n + 1, n + 1) in the frame, the intercept last."""
    centred = bool(np.any(frame.centre))
    found: Second = engine.sum(lambda block: mixed_compiled.products(frame.centred(block) if centred else block))
    ddw, dwdb, ddb = found.whole(layout)
    n = layout.n
    gram = np.empty((n + 1, n + 1))
    gram[:n, :n] = ddw / frame.scale / frame.scale[:, None]
    gram[n, :n] = gram[:n, n] = dwdb / frame.scale
    gram[n, n] = ddb
    return gram


def _unit(gram: Floats) -> Floats:
    diagonal = np.diagonal(gram)
    return np.sqrt(np.where(diagonal > 0.0, diagonal, 1.0))


def _from_left_to_right(gram: Floats, kept_anyway: set[int]) -> _Found:
    """The columns taken one after the other; of `kept_anyway` it is known already that they are no combinations."""
    n, unit = len(gram) - 1, _unit(gram)
    scaled = gram / unit / unit[:, None]
    factor, kept = np.zeros((n + 1, n + 1)), [n]
    factor[0, 0] = 1.0
    suspects: list[tuple[int, int]] = []
    relations: list[Floats] = []
    for j in range(n):
        count = len(kept)
        row = scipy.linalg.solve_triangular(factor[:count, :count], scaled[kept, j], lower=True, check_finite=False)
        new = float(scaled[j, j] - row @ row)
        if gram[j, j] > 0.0 and (new > SUSPECT or j in kept_anyway):
            factor[count, :count], factor[count, count] = row, np.sqrt(max(new, LEAST_NEW))
            kept.append(j)
            continue
        back = scipy.linalg.solve_triangular(factor[:count, :count], row, lower=True, trans="T", check_finite=False)
        suspects.append((j, count))
        relations.append(np.asarray(back * unit[j] / unit[kept]))
    return _Found(kept, suspects, factor, relations)


def _solve(factor: Floats, right: Floats) -> Floats:
    return np.asarray(scipy.linalg.cho_solve((factor, True), right, check_finite=False))


def _directions(columns: NDArray[np.intp], kept: list[int], relations: list[Floats], n: int) -> Floats:
    """(n + 1, q): column j less what the earlier ones say of it."""
    found = np.zeros((n + 1, len(columns)))
    for q, relation in enumerate(relations):
        found[kept[: len(relation)], q] = -relation
        found[columns[q], q] = 1.0
    return found


def _left(engine: Engine, layout: Layout, frame: Scaling, directions: Floats) -> _Left:
    centre, scale = frame.centre[layout.numbers], frame.scale[layout.numbers]
    off = (np.abs(frame.centre) / frame.scale) @ np.abs(directions[:-1])
    of_slots = np.vstack([directions[:-1], np.zeros((1, directions.shape[1]))])[layout.columns]
    of_numbers, constant = directions[layout.numbers], directions[-1]

    def of_block(block: Block) -> _Left:
        X: Any = block.X
        total = _Left(np.zeros_like(directions), np.zeros(len(constant)), np.zeros(len(constant)))
        for piece in X.pieces():
            _, s, _ = parts_of(block, piece.part)
            x = (piece.numbers - centre) / scale
            left, size = x @ of_numbers + constant, np.abs(x) @ np.abs(of_numbers) + np.abs(constant) + off
            for c in range(layout.k):
                left += of_slots[piece.slots[:, c]]
                size += np.abs(of_slots[piece.slots[:, c]])
            if s is not None:
                left[s <= 0.0] = 0.0
            products = np.zeros((len(layout.columns), left.shape[1]))
            for c in range(layout.k):
                np.add.at(products, piece.slots[:, c], left)
            whole = np.zeros((layout.n + 1, left.shape[1]))
            whole[layout.columns] = products
            whole[layout.numbers], whole[-1] = x.T @ left, left.sum(axis=0)
            worst = (np.abs(left) / np.maximum(ROUNDING * size, np.finfo(float).tiny)).max(axis=0, initial=0.0)
            total = total + _Left(whole, np.einsum("ij,ij->j", left, left), worst)
        return total

    return engine.sum(of_block)
