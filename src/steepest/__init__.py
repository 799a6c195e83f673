"""steepest: logistic regression by gradient descent, exactly right and open to look at.

    steepest.fit(X, y)            the proved optimum, or descent as asked    -> Fit
    steepest.path(X, y, l2s)      many penalties and folds in lockstep       -> Path
    steepest.regularisation_path(X, y)   lasso and elastic net, all strengths -> RegularisationPath
    steepest.schema(frame, y)     what the columns of a frame are            -> Schema
    steepest.LogisticRegression   scikit-learn's estimators, with certificates; and LogisticRegressionCV
    steepest.forecast(m, n)       passes, seconds, memory, before fitting    -> Forecast
    steepest.graph(x, y, w, b)    one example, forward and backward          -> Graph
    steepest.formulas             sigmoid, softplus, loss, dz, curvature
    steepest.teach                the seeds' own programs, rung by rung
    steepest.translation          other tools' objectives as ours, and back

Nothing is imported before it is used: `import steepest` takes a millisecond, NumPy included only on first use.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from steepest import formulas, teach, translation
    from steepest.data.inference import schema
    from steepest.data.schema import Schema
    from steepest.diagnosis import Note
    from steepest.driver import Step
    from steepest.errors import DataError
    from steepest.estimator import LogisticRegression, LogisticRegressionCV
    from steepest.fitting import fit
    from steepest.forecasting import Forecast, forecast
    from steepest.lockstep.paths import Path, path
    from steepest.model import Model, load
    from steepest.proof.certificate import Certificate
    from steepest.regularisation import RegularisationPath, regularisation_path
    from steepest.result import Fit
    from steepest.teach.graph import Graph, graph
    from steepest.types import Status

__version__ = "0.1.0"

__all__ = [
    "Certificate",
    "DataError",
    "Fit",
    "Forecast",
    "Graph",
    "LogisticRegression",
    "LogisticRegressionCV",
    "Model",
    "Note",
    "Path",
    "RegularisationPath",
    "Schema",
    "Status",
    "Step",
    "__version__",
    "fit",
    "forecast",
    "formulas",
    "graph",
    "load",
    "path",
    "regularisation_path",
    "schema",
    "teach",
    "translation",
]

_HOME = {
    "Certificate": "steepest.proof.certificate",
    "DataError": "steepest.errors",
    "Fit": "steepest.result",
    "Forecast": "steepest.forecasting",
    "Graph": "steepest.teach.graph",
    "LogisticRegression": "steepest.estimator",
    "LogisticRegressionCV": "steepest.estimator",
    "Model": "steepest.model",
    "Note": "steepest.diagnosis",
    "Path": "steepest.lockstep.paths",
    "RegularisationPath": "steepest.regularisation",
    "Schema": "steepest.data.schema",
    "Status": "steepest.types",
    "Step": "steepest.driver",
    "fit": "steepest.fitting",
    "forecast": "steepest.forecasting",
    "graph": "steepest.teach.graph",
    "load": "steepest.model",
    "path": "steepest.lockstep.paths",
    "regularisation_path": "steepest.regularisation",
    "schema": "steepest.data.inference",
}


def __getattr__(name: str) -> Any:
    if name in ("formulas", "teach", "translation"):
        return import_module(f"steepest.{name}")
    if name not in _HOME:
        raise AttributeError(f"module 'steepest' has no attribute {name!r}")
    value = getattr(import_module(_HOME[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
