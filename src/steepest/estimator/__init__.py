"""scikit-learn's estimators on steepest: change one import, and every fit says how good it is.

    from steepest import LogisticRegression, LogisticRegressionCV

    spelling      the constructors' parameters, in every spelling of 1.5 to 1.9, and what they mean
    arrival       X, y and weights, looked at once
    solving       from rows and a penalty to coefficients: the one place that calls `steepest.fit`
    predicting    decision function, labels, probabilities and their logarithms
    verdict       what is warned of
    callbacks     scikit-learn's callbacks; scikit: all else that is not public there or differs between versions

The engine and the command line know nothing of scikit-learn; this package alone imports it.
"""

from steepest.estimator.cross_validation import LogisticRegressionCV
from steepest.estimator.logistic import LogisticRegression
from steepest.estimator.verdict import NoFiniteOptimumWarning, NotProvedWarning

__all__ = ["LogisticRegression", "LogisticRegressionCV", "NoFiniteOptimumWarning", "NotProvedWarning"]
