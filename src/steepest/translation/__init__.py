"""The same objective in other tools' parameters, and theirs in ours, both formulas printed.

    from_sklearn(rows, C=1.0)             theirs as ours          -> Translation
    to_sklearn(Penalised(l2=0.01), rows)  ours as theirs          -> Translation
    explain("glmnet")                     where conventions differ: sum or mean, ½, standardising, the intercept

`rows` is their number, or their weights: a sum of losses and a mean differ by it. The same two functions exist for
sklearn, statsmodels, glmnet, glum, h2o, spark, vw, liblinear, skglm, celer, cyanure and snapml. A translation says
whether it is `exact`, and where it is not, the reasons; none of these tools is imported.

>>> told = from_glmnet(150, lambda_=0.02, alpha=0.5)
>>> told.exact, told.objective.options
(True, {'l1': 0.01, 'l2': 0.01, 'standardize': True})
>>> to_sklearn(told.objective, 150).call
"LogisticRegression(C=0.3333333333333333, l1_ratio=0.5, solver='saga')"
"""

from steepest.translation.celer import from_celer, to_celer
from steepest.translation.cyanure import from_cyanure, to_cyanure
from steepest.translation.glmnet import from_glmnet, to_glmnet
from steepest.translation.glum import from_glum, to_glum
from steepest.translation.h2o import from_h2o, to_h2o
from steepest.translation.liblinear import from_liblinear, to_liblinear
from steepest.translation.penalised import Penalised, Rows
from steepest.translation.registry import TOOLS, Both, explain
from steepest.translation.skglm import from_skglm, to_skglm
from steepest.translation.sklearn import from_sklearn, to_sklearn
from steepest.translation.snapml import from_snapml, to_snapml
from steepest.translation.spark import from_spark, to_spark
from steepest.translation.statsmodels import from_statsmodels, to_statsmodels
from steepest.translation.translation import Theirs, Tool, Translation
from steepest.translation.vowpal_wabbit import from_vw, to_vw

__all__ = [
    "TOOLS",
    "Both",
    "Penalised",
    "Rows",
    "Theirs",
    "Tool",
    "Translation",
    "explain",
    "from_celer",
    "from_cyanure",
    "from_glmnet",
    "from_glum",
    "from_h2o",
    "from_liblinear",
    "from_skglm",
    "from_sklearn",
    "from_snapml",
    "from_spark",
    "from_statsmodels",
    "from_vw",
    "to_celer",
    "to_cyanure",
    "to_glmnet",
    "to_glum",
    "to_h2o",
    "to_liblinear",
    "to_skglm",
    "to_sklearn",
    "to_snapml",
    "to_spark",
    "to_statsmodels",
    "to_vw",
]
