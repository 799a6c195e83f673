"""Which way a table is fitted: one rule, from its shape alone, for the fit and for the forecast.

Nothing here is measured: the same table is fitted in the same way, to the same bits, on every machine.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass

__all__ = [
    "BY_COORDINATES",
    "FEW_COEFFICIENTS",
    "FEW_COLUMNS",
    "Choice",
    "Regime",
    "choose",
    "sample_of_codes",
    "sample_size",
]

MOST_ROWS = 600  # of a wide table with a penalty: beyond, the products of all pairs of rows cost more than descent
MOST_PAIRS = 20_000  # and without one, where nothing else decides: X X' takes 3.2 GB then
TINY_ROWS, TINY_COLUMNS = 1_000, 50  # up to here calls cost more than what is computed, and a copy is 400 kB at most
LITTLE = 1_000_000  # elements: a copy of 8 MB is nothing beside what a fit needs anyway
WORTH_A_SAMPLE = 200_000  # elements of X; a smaller table is its own sample
FEW_COLUMNS = 512  # of a sparse table: a Hessian of them is 2 MB and is factorised in 5 ms
MANY_COEFFICIENTS = 1200  # of K classes of sparse rows: beyond, blocks are not made dense any more
LARGE_BLOCKS = 1 << 27  # numbers in one block of the Hessian per class, a gigabyte: beyond, its diagonal has to do
PER_COLUMN, FEWEST, LEAST = 200, 20, 20_000  # rows of a sample of codes per column: as many, at least; rows at least
MOST_SAMPLED = 4  # of all rows it is one in so many at most
FEW_COEFFICIENTS = 250  # of K classes: up to here a Hessian per step is cheaper than twenty more passes
BY_COORDINATES = (  # with an l1 or bounds, whatever the shape
    "proximal Newton: quadratic models of the mean cost, minimised column by column, of those alone that may not be 0"
)


class Regime(enum.Enum):
    """The ways to the optimum; the text of a member is the method in words."""

    SAMPLED = "the optimum of a sample of the rows, then L-BFGS over all rows in the metric of the sample's Hessian"
    TINY = "Newton's method on a copy of the rows, proved by the factor of its last step"
    NEWTON = "Newton's method over all rows, with the whole Hessian"
    WIDE = "L-BFGS over all rows, in the metric of the Hessian's diagonal"
    ROWS = "Newton's method in the space of the rows, from the products of all pairs of rows"
    SPARSE_FEW = "L-BFGS over the stored numbers, in the metric of a sample's Hessian"
    SPARSE_MANY = "L-BFGS over the stored numbers, in the metric of the Hessian's diagonal"
    CODES = "Newton's method on numbers and codes of levels, which are never written out, from the optimum of a sample"
    CODES_ALONE = "Newton's method on numbers and codes of levels, which are never written out"
    CLASSES_NEWTON = "Newton's method for all classes at once"
    CLASSES = "L-BFGS for all classes at once, one block of the metric per class"
    CLASSES_MANY = "L-BFGS for all classes at once, in the metric of the Hessian's diagonal"


@dataclass(frozen=True, slots=True)
class Choice:
    """A regime, and why it was chosen, as one sentence."""

    regime: Regime
    reason: str


def sample_size(m: int, n: int) -> int:
    """Rows to draw: 200 per column, if a copy of them is little beside the table or little at all; 0 for none.

    Each doubling saves about half a pass; fewer than 20 per column are a poor metric, and a fourth of all rows cost
    as much as they save. Where 200 per column are less than a 64th of the table, up to 400 are drawn: the start is
    twice as near, each step comes twice as far, and at 1,000,000 x 50 that is the sixth pass. Tables of some thousand
    rows are solved as they are.

    >>> sample_size(1_000_000, 50), sample_size(500_000, 50), sample_size(5_000, 50), sample_size(3_000, 8)
    (15625, 10000, 1250, 0)
    """
    size = min(max(200 * n, min(400 * n, m // 64)), max(25 * n, m // 25, LITTLE // n), m // 4)
    return size if size >= 20 * n and m * n >= WORTH_A_SAMPLE else 0


def sample_of_codes(m: int, n: int) -> int:
    """Rows to draw, 0 for none: steps on them cost little, a step saved on all rows costs a Hessian.

    >>> sample_of_codes(20_000_000, 1500), sample_of_codes(500_000, 1500), sample_of_codes(60_000, 1500)
    (300000, 125000, 0)
    """
    size = min(max(LEAST, PER_COLUMN * n), m // MOST_SAMPLED)
    return size if size >= max(LEAST, FEWEST * n) else 0


def choose(
    m: int, n: int, nnz: int | None = None, classes: int = 2, l2: float = 0.0, terms: int | None = None
) -> Choice:
    """The regime for m rows of n columns, nnz stored numbers (None: dense), some classes and a penalty.

    `terms` are the numbers and categories of a row, where it is read as those and not written out.

    >>> choice = choose(1_000_000, 50)
    >>> choice.regime.name, choice.reason
    ('SAMPLED', 'a sample of 15,625 of the 1,000,000 rows says nearly as much about 50 columns as all of them')
    """
    if terms is not None and classes == 2:
        size = sample_of_codes(m, n)
        says = f"a row has {terms:,} numbers and categories where {n:,} columns would be written out"
        return Choice(Regime.CODES, f"{says}, and {size:,} rows say much") if size else Choice(Regime.CODES_ALONE, says)
    if classes > 2:
        return _of_classes(n, classes, sparse=nnz is not None)
    if nnz is not None:
        if n <= FEW_COLUMNS:
            return Choice(Regime.SPARSE_FEW, f"{n:,} columns are few enough for a Hessian of a sample")
        share = f"{nnz / max(1, m * n):.2%} of the numbers are stored"
        return Choice(Regime.SPARSE_MANY, f"a Hessian of {n:,} columns is too dear, and {share}")
    if n > m and l2 > 0.0 and m > MOST_ROWS:
        return Choice(Regime.WIDE, f"a Hessian of {n:,} columns is too dear, and so are all pairs of {m:,} rows")
    if n > m and m <= MOST_PAIRS:
        kept = "the penalty keeps w in the span of the rows" if l2 > 0.0 else "w is looked for in the span of the rows"
        return Choice(Regime.ROWS, f"{m:,} rows are fewer than {n:,} columns, and {kept}")
    if m <= TINY_ROWS and n <= TINY_COLUMNS:
        return Choice(Regime.TINY, f"{m:,} rows of {n:,} columns take less time than the calls that look at them")
    size = sample_size(m, n)
    if size:
        says = f"a sample of {size:,} of the {m:,} rows says nearly as much about {n:,} columns as all of them"
        return Choice(Regime.SAMPLED, says)
    return Choice(Regime.NEWTON, f"{m:,} rows of {n:,} columns are few: a sample would be much of the table")


def _of_classes(n: int, classes: int, sparse: bool) -> Choice:
    coefficients = (classes - 1) * (n + 1)
    if coefficients <= FEW_COEFFICIENTS:
        return Choice(Regime.CLASSES_NEWTON, f"{coefficients:,} coefficients are few enough for a Hessian per step")
    if (sparse and coefficients > MANY_COEFFICIENTS) or classes * (n + 1) ** 2 > LARGE_BLOCKS:
        return Choice(Regime.CLASSES_MANY, f"a block of {n + 1:,} squared for each of {classes:,} classes is too dear")
    return Choice(Regime.CLASSES, f"a Hessian of {coefficients:,} coefficients per step is too dear")
