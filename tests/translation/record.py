"""Records the optima of tools that are not installed for the tests: `python record.py glmnet spark h2o vw`.

Each tool is run where it is found (Rscript with glmnet; pyspark and a Java; h2o and a Java; vowpalwabbit) on the table
of `known_table.py`, with tolerances far below its defaults, and its part of `recorded.json` is written anew.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

RECORDED = Path(__file__).with_name("recorded.json")
MIXES = (0.0, 0.4, 1.0)
FACTORS = [1.0, 0.0, 2.0, 0.5]


def glmnet(X, y, s):
    cases = [
        ({"lambda": 0.03, "alpha": alpha, "standardize": standardize}, weighted)
        for alpha in MIXES
        for standardize in (True, False)
        for weighted in (True, False)
    ]
    with_factors = {"lambda": 0.03, "alpha": 0.4, "standardize": True, "penalty.factor": FACTORS}
    cases += [(with_factors, True), (with_factors | {"standardize": False}, False)]
    cases += [(cases[6][0] | {"intercept": False}, True), (cases[4][0] | {"intercept": False}, True)]
    version, found = None, []
    with tempfile.TemporaryDirectory() as folder:
        np.savetxt(f"{folder}/t.csv", np.column_stack([X, y, s]), fmt="%.17g", delimiter=",")
        lines = ['library(glmnet); d <- as.matrix(read.csv("t.csv", header = FALSE))']
        lines += ['cat(as.character(packageVersion("glmnet")), "\\n")']
        for asked, weighted in cases:
            options = [f"lambda = {asked['lambda']}", f"alpha = {asked['alpha']}"]
            options += ["intercept = FALSE"] * ("intercept" in asked)
            options += [f"standardize = {str(asked['standardize']).upper()}"]
            options += [f"penalty.factor = c({', '.join(map(str, FACTORS))})"] * ("penalty.factor" in asked)
            options += ["weights = d[, 6]"] * weighted
            lines.append(
                f'm <- glmnet(d[, 1:4], d[, 5], family = "binomial", thresh = 1e-20, maxit = 1e7, {", ".join(options)})'
            )
            lines.append('cat(sprintf("%.17g", as.vector(coef(m))), "\\n")')
        Path(folder, "run.R").write_text("\n".join(lines))
        made = subprocess.run(["Rscript", "run.R"], cwd=folder, capture_output=True, text=True, check=True)
        version, *rows = made.stdout.strip().splitlines()
        for (asked, weighted), row in zip(cases, rows, strict=True):
            b, *w = map(float, row.split())
            found.append({"parameters": asked, "weighted": weighted, "w": w, "b": b})
    return version.strip(), found


def spark(X, y, s):
    os.environ["PYSPARK_PYTHON"] = os.environ["PYSPARK_DRIVER_PYTHON"] = sys.executable
    import pyspark
    from pyspark.ml.classification import LogisticRegression
    from pyspark.ml.linalg import Vectors
    from pyspark.sql import SparkSession

    session = SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false").getOrCreate()
    session.sparkContext.setLogLevel("ERROR")
    rows = [(float(a), float(c), Vectors.dense(x)) for x, a, c in zip(X, y, s, strict=True)]
    frame = session.createDataFrame(rows, ["label", "weight", "features"]).coalesce(1)
    cases = [
        ({"regParam": 0.03, "elasticNetParam": alpha, "standardization": standardize}, weighted)
        for alpha in MIXES
        for standardize in (True, False)
        for weighted in (True, False)
    ]
    cases += [(cases[6][0] | {"fitIntercept": False}, True), (cases[4][0] | {"fitIntercept": False}, True)]
    found = []
    for asked, weighted in cases:
        options = asked | {"maxIter": 1000, "tol": 1e-14} | ({"weightCol": "weight"} if weighted else {})
        made = LogisticRegression(**options).fit(frame)
        w = made.coefficients.toArray().tolist()
        found.append({"parameters": asked, "weighted": weighted, "w": w, "b": made.intercept})
    session.stop()
    return pyspark.__version__, found


def h2o(X, y, s):
    import h2o as server
    from h2o.estimators import H2OGeneralizedLinearEstimator

    server.init(port=55341, nthreads=1, max_mem_size="1G", verbose=False, strict_version_check=False)
    server.no_progress()
    columns = {f"x{j}": X[:, j].tolist() for j in range(X.shape[1])}
    frame = server.H2OFrame(columns | {"y": ["b" if each else "a" for each in y], "s": s.tolist()})
    frame["y"] = frame["y"].asfactor()
    exact = {"max_iterations": 10_000, "beta_epsilon": 1e-14, "gradient_epsilon": 1e-14, "objective_epsilon": 1e-16}
    cases = [
        ({"lambda_": 0.03, "alpha": alpha, "standardize": standardize, "solver": "COORDINATE_DESCENT"}, weighted)
        for alpha in MIXES
        for standardize in (True, False)
        for weighted in (True, False)
    ]
    cases += [(cases[6][0] | {"intercept": False}, True), (cases[4][0] | {"intercept": False}, True)]
    cases += [({"lambda_": 0.03, "alpha": 0.0, "standardize": True, "solver": "IRLSM"}, True)]
    cases += [({"lambda_": 0.03, "alpha": 0.4, "standardize": True, "solver": "L_BFGS"}, False)]
    cases += [({"lambda_": 0.3, "alpha": 0.0, "standardize": True, "solver": "IRLSM", "obj_reg": 0.1}, False)]
    found = []
    for asked, weighted in cases:
        options = asked | exact | ({"weights_column": "s"} if weighted else {})
        made = H2OGeneralizedLinearEstimator(family="binomial", **options)
        made.train(x=list(columns), y="y", training_frame=frame)
        coefficients = made.coef()
        w = [coefficients[name] for name in columns]
        found.append({"parameters": asked, "weighted": weighted, "w": w, "b": coefficients["Intercept"]})
    server.cluster().shutdown()
    return server.__version__, found


def vw(X, y, s):
    import vowpalwabbit

    found = []
    for weighted in (True, False):
        for extra in ("--no_bias_regularization", "--noconstant", "", "--no_bias_regularization --l1 1"):
            options = f"--bfgs --l2 2.0 {extra}".strip()
            w, b = _vw_fit(vowpalwabbit, X, y, s if weighted else np.ones(len(y)), f"{options} --termination 1e-12")
            found.append({"parameters": {"options": options}, "weighted": weighted, "w": w, "b": b})
    w, b = _vw_fit(vowpalwabbit, X, y, np.ones(len(y)), "--sgd --l2 0.02 --power_t 0.6")
    found.append({"parameters": {"options": "--sgd --l2 0.02"}, "weighted": False, "w": w, "b": b})
    return vowpalwabbit.__version__, found


def _vw_fit(vowpalwabbit, X, y, s, options):
    """Columns are named by numbers, which are their own hash; 116060 is that of the constant with 18 bits."""
    with tempfile.TemporaryDirectory() as folder:
        examples = [
            f"{1 if label else -1} {weight:.9g} | " + " ".join(f"{j + 1}:{v:.9g}" for j, v in enumerate(row))
            for row, label, weight in zip(X, y, s, strict=True)
        ]
        Path(folder, "rows.txt").write_text("\n".join(examples) + "\n")
        run = f"--quiet --loss_function logistic -d {folder}/rows.txt --holdout_off -c -k --passes 200"
        written = f"--predict_only_model --readable_model {folder}/model.txt"
        vowpalwabbit.Workspace(arg_str=f"{run} {written} {options}").finish()
        lines = [line.split(":") for line in Path(folder, "model.txt").read_text().splitlines()]
    weights = {int(line[0]): float(line[1]) for line in lines if len(line) == 2 and line[0].isdigit()}
    return [weights.get(j + 1, 0.0) for j in range(X.shape[1])], weights.get(116060, 0.0)


def main(names):
    sys.path.insert(0, str(Path(__file__).parents[1]))
    from translation.known_table import table

    X, y, s = table()
    recorded = json.loads(RECORDED.read_text()) if RECORDED.exists() else {}
    for name in names:
        version, cases = globals()[name](X, y, s)
        recorded[name] = {"version": version, "cases": cases}
        print(f"{name} {version}: {len(cases)} optima")
    RECORDED.write_text(json.dumps(dict(sorted(recorded.items())), indent=1) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
