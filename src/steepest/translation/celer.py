"""celer's LogisticRegression: the *sum* of the losses plus L1 of strength 1/C, without an intercept."""

from __future__ import annotations

from typing import Any

from steepest.translation.penalised import Penalised, Rows, RowsLike
from steepest.translation.strengths import NO_WEIGHTS, STANDARDIZED, alike, one_number, origin
from steepest.translation.translation import Theirs, Tool, Translation
from steepest.translation.wording import called, penalty, sum_loss

__all__ = ["TOOL", "from_celer", "to_celer"]

TOOL = Tool(
    key="celer",
    name="celer",
    formula="Σᵢ Lᵢ + 1/C Σⱼ |wⱼ|",
    differs=("a sum of losses: l1 = 1/(C m)", "no intercept, no weights of rows, no L2, and always a penalty"),
    sources=("https://mathurinm.github.io/celer/generated/celer.LogisticRegression.html",),
    checked="0.7.4",
    defaults={"C": 1.0, "penalty": "l1", "fit_intercept": False},
    aside=frozenset({"solver", "tol", "max_iter", "verbose", "max_epochs", "p0", "warm_start"}),
)


def from_celer(rows: RowsLike, *, standardized: bool = False, **parameters: Any) -> Translation:
    """LogisticRegression(**parameters) of celer as an objective of ours without an intercept: l1 = 1/(C m).

    Raises ValueError for a parameter that is not known here, or out of range.

    >>> from_celer(50, C=0.1).objective.options
    {'l1': 0.2, 'intercept': False}
    """
    about, asked = Rows.of(rows), TOOL.read(parameters)
    C = one_number("C", asked["C"])
    if not C > 0.0:
        raise ValueError(f"C={C} must be > 0")
    objective = Penalised(1.0 / (C * about.m), 0.0, None, standardized, False)
    return Translation(TOOL, about, objective, _theirs(C, about, origin(objective), standardized), standardized)


def to_celer(objective: Penalised, rows: RowsLike) -> Translation:
    """The C whose minimiser on these rows is that of ours, which must be without an intercept as well.

    Raises ValueError for an objective without L1: celer has nothing else.

    >>> to_celer(Penalised(l1=0.2, intercept=False), 50).call
    'LogisticRegression(C=0.1)'
    >>> to_celer(Penalised(l1=0.2), 50).reasons
    ('celer has no intercept',)
    """
    about = Rows.of(rows)
    even, reasons = alike(objective, TOOL.name)
    if not even.l1:
        raise ValueError("celer's LogisticRegression is for L1 alone: the objective has none")
    reasons += ("celer has no intercept",) * even.intercept
    if even.l2:
        reasons += (f"celer has no L2: l2={even.l2!r} is left out",)
    theirs = _theirs(1.0 / (even.l1 * about.m), about, reasons, objective.standardize)
    return Translation(TOOL, about, objective, theirs, objective.standardize)


def _theirs(C: float, rows: Rows, reasons: tuple[str, ...], standardized: bool) -> Theirs:
    settings = (("C", C),)
    reasons += (NO_WEIGHTS,) * rows.weighted
    formula = sum_loss(Rows.of(rows.m)) + penalty(1.0 / C, 0.0)
    steps = (STANDARDIZED,) * standardized
    return Theirs(settings, called("LogisticRegression", settings), formula, float(rows.m), reasons, steps)
