"""Columns that say the same as earlier ones, and directions that lie exactly in a plane.

One fixed rule: columns are taken from left to right, after the intercept; one that is a linear combination of the
earlier kept ones and the constant is dropped. So of two equal columns the later one goes, and a constant (or zero)
column always goes, because the intercept is there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from steepest.lapack import cholesky, solved
from steepest.proof.problem import Problem
from steepest.types import Block, Floats

__all__ = ["Dependence", "dependent_columns", "folded", "in_user_units", "nullspace_near"]

SUSPECT = 1e-8  # squared share of a column not explained by earlier ones: below, the Gram matrix cannot be trusted
RELATIVE = 1e-10  # root-mean-square of what is left, in units of the column's deviation: below, it is dependent
ROUNDING = 16.0 * 2.0**-53  # the data's own rounding, relative to the terms of the relation: below, it is dependent
REFINEMENTS = 2


@dataclass(frozen=True, slots=True)
class Dependence:
    """Column `column` = constant + sum of coefficient_k x column k over `terms` ((k, coefficient), …)."""

    column: int
    constant: float
    terms: tuple[tuple[int, float], ...]

    def sentence(self, names: Sequence[str]) -> str:
        """In words, with the columns' names.

        >>> Dependence(2, 100.0, ((0, -1.0), (1, -1.0))).sentence(("a", "b", "c"))
        'c = 100 - a - b'
        >>> Dependence(0, 0.0, ()).sentence(("a",))
        'a = 0'
        """
        parts = [f"{self.constant:.10g}"] if self.constant or not self.terms else []
        for k, factor in self.terms:
            size = "" if abs(factor) == 1.0 else f"{abs(factor):.10g} "
            sign = "-" if factor < 0.0 else "+"
            parts.append(f"{sign} {size}{names[k]}" if parts else f"{'-' if factor < 0.0 else ''}{size}{names[k]}")
        return f"{names[self.column]} = {' '.join(parts)}"


def folded(w: Floats, b: Any, dropped: Sequence[Dependence]) -> tuple[Floats, Any]:
    """The same z = Xw + b without the columns that depend on others; w (n,) and a number, or (n, K) and (K,).

    >>> folded(np.array([1.0, 2.0, 3.0]), 0.5, [Dependence(2, 10.0, ((0, -1.0), (1, 1.0)))])
    (array([-2.,  5.,  0.]), np.float64(30.5))
    """
    w = np.array(w, dtype=np.float64)
    for found in reversed(dropped):
        for k, factor in found.terms:
            w[k] += factor * w[found.column]
        b = b + found.constant * w[found.column]
        w[found.column] = 0.0
    return w, b


@dataclass(frozen=True, slots=True)
class _Suspect:
    """A column that the Gram matrix cannot tell from a combination of `kept` ones, and the combination so far."""

    column: int
    kept: tuple[int, ...]
    solution: Floats


@dataclass(frozen=True, slots=True)
class _Left:
    """What suspects leave on some rows. Can be added.

    products  (kept, suspects) X_kept' left      square, largest  (suspects,) |left|², and its largest in roundings
    own       (suspects,) what the suspect alone has of a square, the constant taken off
    """

    products: Floats
    square: Floats
    largest: Floats
    own: Floats

    def __add__(self, other: _Left) -> _Left:
        largest = np.maximum(self.largest, other.largest)
        return _Left(self.products + other.products, self.square + other.square, largest, self.own + other.own)


def dependent_columns(problem: Problem) -> tuple[Dependence, ...]:
    """The columns to drop, in order, each with its relation: one pass, and three for all suspicious columns together.

    The Gram matrix of the framed columns is factorised from left to right. Columns of which less than `SUSPECT` is
    new are looked at again on the rows: the relations are refined by two steps of least squares, and a column is
    dependent if what is left is below 1e-10 of its deviation or below the rounding of the data themselves. The first
    that is not is kept, and those after it are looked at once more, with it among the kept. Weights count only as
    zero or not.

    >>> from steepest.engines import MemoryEngine
    >>> X = np.array([[1.0, 5.0, 3.0], [2.0, 5.0, 1.0], [4.0, 5.0, -3.0]])
    >>> [found.sentence(("a", "b", "c")) for found in dependent_columns(Problem.of(MemoryEngine(X, np.ones(3))))]
    ['b = 5', 'c = 5 - 2 a']
    """
    gram = problem.sum(lambda block: _gram(problem, block))
    kept: list[int] = [problem.engine.n] if problem.intercept else []  # the intercept is first
    found: list[Dependence] = []
    first = 0
    while True:
        suspects = _suspects(gram, kept, first)
        if not suspects:
            return tuple(found)
        solutions, small = _refined(problem, gram, suspects)
        for suspect, relation, holds in zip(suspects, solutions, small.tolist(), strict=True):
            if not holds:
                kept, first = [*suspect.kept, suspect.column], suspect.column + 1
                break
            found.append(in_user_units(problem, suspect.column, list(suspect.kept), relation))
        else:
            return tuple(found)


def _suspects(gram: Floats, kept: list[int], first: int) -> list[_Suspect]:
    """The suspicious columns from `first` on, as if all of them were to be dropped."""
    kept, suspects = list(kept), []
    for j in range(first, len(gram) - 1):
        total = gram[j, j]
        solution = _solve(gram[np.ix_(kept, kept)], gram[kept, j])
        if total > 0.0 and total - float(gram[kept, j] @ solution) > SUSPECT * total:
            kept.append(j)
        else:
            suspects.append(_Suspect(j, tuple(kept), solution))
    return suspects


def _refined(problem: Problem, gram: Floats, suspects: list[_Suspect]) -> tuple[list[Floats], NDArray[np.bool_]]:
    """The relation of each suspect to its kept columns, and whether it holds to rounding."""
    solutions = [suspect.solution for suspect in suspects]
    for _ in range(REFINEMENTS):
        products = _left(problem, suspects, solutions).products
        for place, suspect in enumerate(suspects):
            inner, right = gram[np.ix_(suspect.kept, suspect.kept)], products[: len(suspect.kept), place]
            solutions[place] = solutions[place] + _solve(inner, right)
    left = _left(problem, suspects, solutions)
    return solutions, (left.square <= RELATIVE**2 * left.own) | (left.largest <= 1.0)


def _gram(problem: Problem, block: Block) -> Floats:
    rows, _, _ = problem.rows(block)
    return np.asarray(rows.T @ rows)


def _left(problem: Problem, suspects: list[_Suspect], solutions: list[Floats]) -> _Left:
    """x_j - X_kept solution of all suspects on all rows."""
    own = np.append(np.abs(problem.frame.centre / problem.frame.scale), 0.0)
    columns, kept = [suspect.column for suspect in suspects], list(suspects[-1].kept)  # the others' are its first ones
    combined = np.zeros((len(kept), len(suspects)))
    for place, solution in enumerate(solutions):
        combined[: len(solution), place] = solution
    size = np.abs(combined)

    def of_block(block: Block) -> _Left:
        rows, _, _ = problem.rows(block)
        some, these = rows[:, kept], rows[:, columns]
        left = these - some @ combined
        bound = ROUNDING * (np.abs(these) + own[columns] + (np.abs(some) + own[kept]) @ size)
        worst = (np.abs(left) / np.maximum(bound, np.finfo(float).tiny)).max(axis=0, initial=0.0)
        return _Left(some.T @ left, np.square(left).sum(axis=0), worst, np.square(these).sum(axis=0))

    return problem.sum(of_block)


def _solve(inner: Floats, right: Floats) -> Floats:
    """Least squares by Cholesky; kept columns are independent, but a near dependence may need the slower way."""
    if not len(inner):
        return np.zeros(0)
    unit = np.sqrt(np.diagonal(inner))
    scaled = inner / unit / unit[:, None]
    factor = cholesky(scaled)
    if factor is not None:
        return solved(factor, right / unit) / unit
    return np.asarray(np.linalg.lstsq(scaled, right / unit, rcond=None)[0] / unit)


def in_user_units(problem: Problem, j: int, kept: list[int], relation: Floats) -> Dependence:
    """The relation of the framed columns as one of the user's, small whole ratios restored where rounding hid them."""
    centre, scale = problem.frame.centre, problem.frame.scale
    terms: list[tuple[int, float]] = []
    first = int(problem.intercept)
    shift = float(relation[0]) * scale[j] if first else 0.0
    constant = centre[j] + shift
    size = abs(centre[j]) + abs(shift)
    for k, factor in zip(kept[first:], relation[first:].tolist(), strict=True):
        if abs(factor) <= 1e-9:  # framed columns have deviation 1/2 … 1: nothing of this column
            continue
        ratio = _tidy(factor * scale[j] / scale[k])
        terms.append((k, ratio))
        constant -= ratio * centre[k]
        size += abs(ratio * centre[k])
    constant = 0.0 if abs(constant) <= 1e-10 * size else _tidy(constant)
    return Dependence(j, float(constant), tuple(terms))


def _tidy(value: float) -> float:
    """The nearest fraction with a small denominator, if `value` is one to ten digits."""
    near = float(Fraction(value).limit_denominator(64)) if np.isfinite(value) else value
    return near if abs(near - value) <= 1e-10 * abs(value) else float(value)


def nullspace_near(rows: Floats, direction: Floats, bits: int) -> list[Fraction] | None:
    """An exact solution of rows d = 0 near `direction`; free coordinates carry `bits` bits. None if only 0 is left.

    Gauss-Jordan elimination in fractions: floats are fractions, so nothing is rounded.

    >>> nullspace_near(np.array([[3.0, 1.0]]), np.array([1.0, -3.0000001]), 4)
    [Fraction(1, 1), Fraction(-3, 1)]
    """
    count = len(direction)
    size = np.abs(direction) * np.abs(rows).max(axis=0, initial=1.0)
    order = np.argsort(size, kind="stable").tolist()  # the small ones are solved for, the large ones are free
    reduced: list[tuple[int, list[Fraction]]] = []
    for row in np.unique(rows, axis=0).tolist():
        line = [Fraction(x) for x in row]
        for pivot, other in reduced:
            if line[pivot]:
                factor = line[pivot]
                line = [a - factor * c for a, c in zip(line, other, strict=True)]
        pivot = next((j for j in order if line[j]), -1)
        if pivot < 0:
            continue
        lead = line[pivot]
        line = [a / lead for a in line]
        reduced = [
            (p, [a - other[pivot] * c for a, c in zip(other, line, strict=True)] if other[pivot] else other)
            for p, other in reduced
        ]
        reduced.append((pivot, line))
        if len(reduced) == count:
            return None
    pivots = {pivot for pivot, _ in reduced}
    values = {j: _rounded(float(direction[j]), bits) for j in range(count) if j not in pivots}
    for pivot, line in reduced:
        values[pivot] = -sum((line[j] * values[j] for j in range(count) if j not in pivots), Fraction(0))
    return [values[j] for j in range(count)]


def _rounded(value: float, bits: int) -> Fraction:
    if value == 0.0:
        return Fraction(0)
    fraction, exponent = np.frexp(value)
    return Fraction(int(np.rint(float(fraction) * 2.0**bits))) * Fraction(2) ** (int(exponent) - bits)
