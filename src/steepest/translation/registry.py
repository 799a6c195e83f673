"""All tools, and what may be asked of them by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from steepest.translation import (
    celer,
    cyanure,
    glmnet,
    glum,
    h2o,
    liblinear,
    skglm,
    sklearn,
    snapml,
    spark,
    statsmodels,
    vowpal_wabbit,
)
from steepest.translation.penalised import Penalised, RowsLike
from steepest.translation.translation import Tool, Translation

__all__ = ["TOOLS", "Both", "explain"]


@dataclass(frozen=True, slots=True)
class Both:
    """A tool with its two directions."""

    tool: Tool
    to_ours: Callable[..., Translation]
    to_theirs: Callable[..., Translation]


_ALL = (
    Both(sklearn.TOOL, sklearn.from_sklearn, sklearn.to_sklearn),
    Both(statsmodels.TOOL, statsmodels.from_statsmodels, statsmodels.to_statsmodels),
    Both(glmnet.TOOL, glmnet.from_glmnet, glmnet.to_glmnet),
    Both(glum.TOOL, glum.from_glum, glum.to_glum),
    Both(h2o.TOOL, h2o.from_h2o, h2o.to_h2o),
    Both(spark.TOOL, spark.from_spark, spark.to_spark),
    Both(vowpal_wabbit.TOOL, vowpal_wabbit.from_vw, vowpal_wabbit.to_vw),
    Both(liblinear.TOOL, liblinear.from_liblinear, liblinear.to_liblinear),
    Both(skglm.TOOL, skglm.from_skglm, skglm.to_skglm),
    Both(celer.TOOL, celer.from_celer, celer.to_celer),
    Both(cyanure.TOOL, cyanure.from_cyanure, cyanure.to_cyanure),
    Both(snapml.TOOL, snapml.from_snapml, snapml.to_snapml),
)

TOOLS: dict[str, Both] = {each.tool.key: each for each in _ALL}

OURS = (
    "ours: 1/W Σᵢ sᵢ Lᵢ + Σⱼ fⱼ (l1 |wⱼ| + l2 ½ wⱼ²), b never penalised; standardize: σⱼ wⱼ for wⱼ, σⱼ with divisor W"
)
WHERE = "L = -(y log a + (1 - y) log(1 - a)), a = sigmoid(w'x + b); W = Σᵢ sᵢ, the number of rows m where all weigh 1"


def explain(
    tool: str | None = None, rows: RowsLike | None = None, objective: Penalised | None = None, /, **parameters: Any
) -> str:
    """The formulas of all tools, or of one; with `rows` and parameters of theirs, or an objective of ours, numbers too.

    explain()                                        every tool's formula, and ours
    explain("glmnet")                                one tool's, where its conventions differ, its documentation
    explain("glmnet", 100, lambda_=0.1, alpha=0.5)   theirs as ours
    explain("glmnet", 100, Penalised(l2=0.1))        ours as theirs

    Raises ValueError for a tool that is not known; `TOOLS` has their names.

    >>> print(explain("spark", 51, Penalised(l2=0.1)))
    Spark   LogisticRegression(regParam=0.1, elasticNetParam=0.0, standardization=False)
      theirs   1/51 Σᵢ Lᵢ + 0.1 · ½ Σⱼ wⱼ²
      ours     1/51 Σᵢ Lᵢ + 0.1 · ½ Σⱼ wⱼ²
      so       steepest.fit(X, y, l2=0.1)
      exact    theirs = ours at every (w, b): they have the same minimiser
    """
    if tool is None:
        width = max(len(each.tool.name) for each in _ALL)
        return "\n".join([OURS, WHERE, *(f"{each.tool.name:<{width}}  {each.tool.formula}" for each in _ALL)])
    if tool not in TOOLS:
        raise ValueError(f"tool={tool!r} is none of {', '.join(TOOLS)}")
    found = TOOLS[tool]
    if rows is None:
        return _about(found.tool)
    if objective is None:
        return found.to_ours(rows, **parameters).explain()
    return found.to_theirs(objective, rows, **parameters).explain()


def _about(tool: Tool) -> str:
    lines = [f"{tool.name}   {tool.formula}"]
    lines += [f"  - {each}" for each in tool.differs]
    lines += [f"  see {each}" for each in tool.sources]
    return "\n".join([*lines, f"  optima compared with version {tool.checked}"])
