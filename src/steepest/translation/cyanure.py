"""Cyanure's Classifier: the mean loss; lambda_1 is the strength of whatever penalty is named first."""

from __future__ import annotations

from typing import Any

from steepest.translation.penalised import Penalised, Rows, RowsLike
from steepest.translation.strengths import NO_WEIGHTS, STANDARDIZED, alike, origin, strength
from steepest.translation.translation import Theirs, Tool, Translation
from steepest.translation.wording import called, mean_loss, penalty

__all__ = ["TOOL", "from_cyanure", "to_cyanure"]

TOOL = Tool(
    key="cyanure",
    name="Cyanure",
    formula="1/m Σᵢ Lᵢ + lambda_1 ½ Σⱼ wⱼ² (l2), lambda_1 Σⱼ |wⱼ| (l1) or the latter + lambda_2 ½ Σⱼ wⱼ² (elasticnet)",
    differs=(
        "lambda_1 belongs to L2 with penalty='l2' and to L1 otherwise",
        "no intercept by default (fit_intercept=False); where there is one it is not penalised",
        "no weights of rows; labels are -1 and 1",
    ),
    sources=("https://inria-thoth.github.io/cyanure/welcome.html",),
    checked="1.2.2",
    defaults={"loss": "logistic", "penalty": "l2", "lambda_1": 0.0, "lambda_2": 0.0, "fit_intercept": False},
    aside=frozenset(
        {
            "tol", "solver", "random_state", "max_iter", "fista_restart", "verbose", "warm_start", "multi_class",
            "limited_memory_qning", "lambda_3", "duality_gap_interval", "n_threads", "dual", "safe",
        }
    ),
)  # fmt: skip


def from_cyanure(rows: RowsLike, *, standardized: bool = False, **parameters: Any) -> Translation:
    """Classifier(loss="logistic", **parameters) as an objective of ours.

    Raises ValueError for a parameter that is not known here, out of range, or of another loss or penalty.

    >>> from_cyanure(50, penalty="elasticnet", lambda_1=0.1, lambda_2=0.2, fit_intercept=True).objective.options
    {'l1': 0.1, 'l2': 0.2}
    """
    about, asked = Rows.of(rows), TOOL.read(parameters)
    if asked["loss"] != "logistic":
        raise ValueError(f"loss={asked['loss']!r}: only 'logistic' is a logistic regression")
    first, second = strength("lambda_1", asked["lambda_1"]), strength("lambda_2", asked["lambda_2"])
    strengths = {"l2": (0.0, first), "l1": (first, 0.0), "elasticnet": (first, second), "none": (0.0, 0.0)}
    if asked["penalty"] not in strengths:
        raise ValueError(f"penalty={asked['penalty']!r} is none of {', '.join(strengths)}")
    objective = Penalised(*strengths[asked["penalty"]], None, standardized, bool(asked["fit_intercept"]))
    settings = (
        ("loss", "logistic"), ("penalty", asked["penalty"]), ("lambda_1", first), ("lambda_2", second),
        ("fit_intercept", bool(asked["fit_intercept"])),
    )  # fmt: skip
    theirs = _theirs(settings, objective, about, origin(objective), standardized)
    return Translation(TOOL, about, objective, theirs, standardized)


def to_cyanure(objective: Penalised, rows: RowsLike) -> Translation:
    """The penalty, lambda_1 and lambda_2 whose minimiser is that of ours; no columns penalised apart.

    >>> to_cyanure(Penalised(l2=0.03), 50).call
    "Classifier(loss='logistic', penalty='l2', lambda_1=0.03, fit_intercept=True)"
    """
    about = Rows.of(rows)
    even, reasons = alike(objective, TOOL.name)
    settings: tuple[tuple[str, Any], ...] = (("loss", "logistic"),)
    if even.l1 and even.l2:
        settings += (("penalty", "elasticnet"), ("lambda_1", even.l1), ("lambda_2", even.l2))
    else:
        settings += (("penalty", "l1" if even.l1 else "l2"), ("lambda_1", even.l1 or even.l2))
    settings += (("fit_intercept", even.intercept),)
    theirs = _theirs(settings, even, about, reasons, objective.standardize)
    return Translation(TOOL, about, objective, theirs, objective.standardize)


def _theirs(
    settings: tuple[tuple[str, Any], ...], meant: Penalised, rows: Rows, reasons: tuple[str, ...], standardized: bool
) -> Theirs:
    reasons += (NO_WEIGHTS,) * rows.weighted
    formula = mean_loss(Rows.of(rows.m)) + penalty(meant.l1, meant.l2)
    return Theirs(settings, called("Classifier", settings), formula, 1.0, reasons, (STANDARDIZED,) * standardized)
