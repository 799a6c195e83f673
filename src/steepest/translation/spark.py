"""Spark's LogisticRegression: the mean loss, columns standardised by default, by the unbiased deviation."""

from __future__ import annotations

from typing import Any

from steepest.translation.penalised import Penalised, Rows, RowsLike
from steepest.translation.strengths import BOUNDED, DEVIATES, alike, origin, share, split, strength
from steepest.translation.translation import Theirs, Tool, Translation
from steepest.translation.unbiased import by_their_deviation, by_weights, ours_from
from steepest.translation.wording import called, mean_loss, number, penalty

__all__ = ["TOOL", "from_spark", "to_spark"]

BOUNDS = (
    "lowerBoundsOnCoefficients", "upperBoundsOnCoefficients", "lowerBoundsOnIntercepts", "upperBoundsOnIntercepts"
)  # fmt: skip

TOOL = Tool(
    key="spark",
    name="Spark",
    formula="1/W Σᵢ sᵢ Lᵢ + regParam Σⱼ (elasticNetParam |ŝⱼ wⱼ| + (1 - elasticNetParam) ½ (ŝⱼ wⱼ)²)",
    differs=(
        "standardization=True by default: the penalty refers to standardised columns, ŝⱼ² = W/(W - Σ sᵢ²/W) σⱼ², the "
        "unbiased variance; the weights returned are those of the columns as they are",
        "no penalty by default (regParam=0)",
        "family='auto' is the logistic regression of two classes wherever there are two",
    ),
    sources=(
        "https://spark.apache.org/docs/latest/ml-classification-regression.html#logistic-regression",
        "https://spark.apache.org/docs/latest/api/python/reference/api/"
        "pyspark.ml.classification.LogisticRegression.html",
    ),
    checked="4.3.0",
    defaults={
        "regParam": 0.0, "elasticNetParam": 0.0, "standardization": True, "fitIntercept": True, "family": "auto",
    } | dict.fromkeys(BOUNDS),
    aside=frozenset(
        {
            "featuresCol", "labelCol", "predictionCol", "probabilityCol", "rawPredictionCol", "weightCol", "maxIter",
            "tol", "threshold", "thresholds", "aggregationDepth", "maxBlockSizeInMB",
        }
    ),
)  # fmt: skip


def from_spark(rows: RowsLike, **parameters: Any) -> Translation:
    """pyspark.ml.classification.LogisticRegression(**parameters) as an objective of ours.

    l1, l2 = elasticNetParam regParam √k, (1 - elasticNetParam) regParam k with k = W/(W - Σ sᵢ²/W), or 1 where
    standardization=False. `rows` is their number, or the weightCol. Raises ValueError for a parameter that is not
    known here, or out of range.

    >>> from_spark(51, regParam=0.1, standardization=False).objective.options
    {'l2': 0.1}
    """
    about, asked = Rows.of(rows), TOOL.read(parameters)
    if asked["family"] not in ("auto", "binomial"):
        raise ValueError(f"family={asked['family']!r}: only 'binomial', or 'auto' with two classes, is translated")
    total, ratio = strength("regParam", asked["regParam"]), share("elasticNetParam", asked["elasticNetParam"])
    standardize = bool(asked["standardization"])
    l1, l2 = ours_from(total, ratio, by_weights(about) if standardize else 1.0)
    objective = Penalised(l1, l2, None, standardize, bool(asked["fitIntercept"]))
    reasons = [*origin(objective, DEVIATES)]
    reasons += [f"{name} {BOUNDED}" for name in BOUNDS if asked[name] is not None]
    return Translation(TOOL, about, objective, _theirs(total, ratio, objective, about, tuple(reasons)))


def to_spark(objective: Penalised, rows: RowsLike) -> Translation:
    """The regParam and elasticNetParam whose minimiser on these rows is that of ours; no columns penalised apart.

    >>> to_spark(Penalised(l1=0.01, l2=0.03), 50).call
    'LogisticRegression(regParam=0.04, elasticNetParam=0.25, standardization=False)'
    """
    about = Rows.of(rows)
    even, reasons = alike(objective, TOOL.name, DEVIATES)
    total, ratio = by_their_deviation(even, by_weights(about) if objective.standardize else 1.0)
    return Translation(TOOL, about, objective, _theirs(total, ratio, objective, about, reasons))


def _theirs(total: float, ratio: float, objective: Penalised, rows: Rows, reasons: tuple[str, ...]) -> Theirs:
    settings: tuple[tuple[str, Any], ...] = (
        ("regParam", total), ("elasticNetParam", ratio), ("standardization", objective.standardize)
    )  # fmt: skip
    settings += (("fitIntercept", False),) * (not objective.intercept)
    scale = "ŝⱼ " if objective.standardize else ""
    formula = mean_loss(rows) + penalty(*split(total, ratio), None, scale)
    if scale and total:
        formula += f", ŝⱼ² = {number(by_weights(rows))} σⱼ²"
    return Theirs(settings, called("LogisticRegression", settings), formula, 1.0, reasons)
