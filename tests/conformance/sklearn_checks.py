"""scikit-learn's `check_estimator` on both classes and every method; prints what did not pass, as JSON.

To be run as a program with SCIPY_ARRAY_API=1, which SciPy reads when it is imported. Not one check may be skipped.
"""

import json
import sys
import warnings

from sklearn.utils.estimator_checks import check_estimator

from steepest import LogisticRegression, LogisticRegressionCV

METHODS = ("auto", "gd", "momentum", "nesterov", "newton")


def verdicts(name):
    """(class, method, check, status, message) of all checks."""
    for method in METHODS:
        if name == "LogisticRegression":
            estimator = LogisticRegression(method=method)
        else:  # three folds: one check has three rows of each class
            estimator = LogisticRegressionCV(method=method, cv=3, Cs=2)
        for each in check_estimator(estimator, on_skip=None, on_fail=None):
            yield method, each["check_name"], each["status"], str(each["exception"])


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    found = list(verdicts(sys.argv[1]))
    print(json.dumps({"count": len(found), "others": [each for each in found if each[2] != "passed"]}))
