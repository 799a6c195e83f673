"""Snap ML's LogisticRegression: the *sum* of the losses; its intercept is a column, penalised as the others are."""

from __future__ import annotations

from typing import Any

from steepest.translation.penalised import Penalised, Rows, RowsLike
from steepest.translation.strengths import NO_WEIGHTS, STANDARDIZED, alike, one_number, origin, strength
from steepest.translation.translation import Theirs, Tool, Translation
from steepest.translation.wording import called, number, penalised_bias, penalty, sum_loss

__all__ = ["TOOL", "from_snapml", "to_snapml"]

FAR = 100.0  # intercept_scaling: the penalty of b falls with its square; larger ones slow its coordinate descent

TOOL = Tool(
    key="snapml",
    name="Snap ML",
    formula="Σᵢ sᵢ Lᵢ + regularizer (½ Σⱼ wⱼ² + ½ (b/intercept_scaling)²), or of |wⱼ| and |b/intercept_scaling|",
    differs=(
        "a sum of losses: l2 or l1 = regularizer / W",
        "no intercept by default; with fit_intercept=True it is penalised, the less the larger intercept_scaling",
        "intercept_ is the weight of the column intercept_scaling: b = intercept_scaling · intercept_ (1.17)",
        "L1 or L2, never both; no weights of rows, but class_weight",
    ),
    sources=("https://www.zurich.ibm.com/snapml/",),
    checked="1.17.2",
    defaults={
        "regularizer": 1.0, "penalty": "l2", "fit_intercept": False, "intercept_scaling": 1.0, "class_weight": None,
        "normalize": False, "privacy": False,
    },
    aside=frozenset(
        {
            "max_iter", "device_ids", "verbose", "use_gpu", "dual", "n_jobs", "tol", "generate_training_history", "eta",
            "batch_size", "privacy_epsilon", "grad_clip", "kernel", "gamma", "n_components", "random_state",
        }
    ),
)  # fmt: skip


def from_snapml(rows: RowsLike, *, standardized: bool = False, **parameters: Any) -> Translation:
    """LogisticRegression(**parameters) of Snap ML as an objective of ours.

    l2 or l1 = regularizer / W. Raises ValueError for a parameter that is not known here, or out of range.

    >>> from_snapml(50, regularizer=2.0, fit_intercept=True).objective.l2
    0.04
    """
    about, asked = Rows.of(rows), TOOL.read(parameters)
    if asked["penalty"] not in ("l1", "l2"):
        raise ValueError(f"penalty={asked['penalty']!r} is neither 'l1' nor 'l2'")
    relative = strength("regularizer", asked["regularizer"]) / about.total
    l1, l2 = (relative, 0.0) if asked["penalty"] == "l1" else (0.0, relative)
    objective = Penalised(l1, l2, None, standardized, bool(asked["fit_intercept"]))
    reasons = origin(objective) + ("normalize=True scales every row to length 1",) * bool(asked["normalize"])
    reasons += ("privacy=True adds noise",) * bool(asked["privacy"])
    settings = (
        ("regularizer", strength("regularizer", asked["regularizer"])), ("penalty", asked["penalty"]),
        ("fit_intercept", bool(asked["fit_intercept"])),
        ("intercept_scaling", one_number("intercept_scaling", asked["intercept_scaling"])),
    )  # fmt: skip
    theirs = _theirs(settings, about, reasons, standardized, asked["class_weight"] is not None)
    return Translation(TOOL, about, objective, theirs, standardized)


def to_snapml(objective: Penalised, rows: RowsLike) -> Translation:
    """The regularizer whose minimiser on these rows is that of ours; with an intercept nearly, its penalty being small.

    >>> to_snapml(Penalised(l2=0.04), 50).call
    "LogisticRegression(regularizer=2.0, penalty='l2', fit_intercept=True, intercept_scaling=100.0)"
    """
    about = Rows.of(rows)
    even, reasons = alike(objective, TOOL.name)
    if even.l1 and even.l2:
        reasons += (f"Snap ML has L1 or L2, not both: l1={even.l1!r} is left out",)
    settings = (
        ("regularizer", (even.l2 or even.l1) * about.total), ("penalty", "l1" if even.l1 and not even.l2 else "l2"),
        ("fit_intercept", even.intercept), ("intercept_scaling", FAR),
    )  # fmt: skip
    theirs = _theirs(settings, about, reasons, objective.standardize, False)
    return Translation(TOOL, about, objective, theirs, objective.standardize)


def _theirs(
    settings: tuple[tuple[str, Any], ...], rows: Rows, reasons: tuple[str, ...], standardized: bool, by_class: bool
) -> Theirs:
    named = dict(settings)
    first = named["penalty"] == "l1"
    l1, l2 = (named["regularizer"], 0.0) if first else (0.0, named["regularizer"])
    added = ""
    if named["fit_intercept"] and named["regularizer"]:
        times = number(named["regularizer"]) + (" " if first else " · ")
        added = f" + {times}{penalised_bias(named['intercept_scaling'], first)}"
        reasons = (f"the intercept is penalised too, by {added[3:]}", *reasons)
    if not named["regularizer"]:
        reasons = ("Snap ML always has a penalty: the regularizer must be > 0", *reasons)
    reasons += (NO_WEIGHTS,) * (rows.weighted and not by_class)
    steps = (STANDARDIZED,) * standardized
    steps += ("sample_weight is to hold the class weights, and `rows` these weights",) * by_class
    formula = sum_loss(rows) + penalty(l1, l2) + added
    return Theirs(settings, called("LogisticRegression", settings), formula, rows.total, reasons, steps)
