# ruff: noqa: E501 - one mutant, one line
"""Mutants of formulas, kernels, row space, objective and descent: each must be caught by the checks of the package.

A mutant is one textual change of a module. Its source is run as a module of its own, in this process; nothing on disk
is touched, and the checks that must notice are the public kits (`steepest.conformance`), the step of the seed bit for
bit, and formulas written out on whole arrays. The unchanged source goes through the same machinery and must pass.

Run again:      python -m pytest tests/mutation
One mutant:     python -m pytest tests/mutation -k "missing_mean"
A new one:      add a line to MUTANTS; its old text must occur exactly once in the module.
"""

import numpy as np
from mutation.driver import checks_of
from test_certificate import check_module_of_certificate

from steepest import formulas
from steepest.conformance import check_formulas, check_kernel, check_solver
from steepest.driver import StopRules, drive
from steepest.engines import MemoryEngine
from steepest.engines.reduction import tree_sum
from steepest.kernels import Kernel
from steepest.objective import Objective
from steepest.penalties import L2
from steepest.scaling import Scaling, moments_of
from steepest.solvers import METHODS, Method
from steepest.types import Along, Evaluate, HessianTimes, Point


def check_module_of_formulas(module):
    check_formulas(module)


def check_module_of_kernel(module):
    check_kernel(Kernel("mutant", module.sums, module.hessian_times, module.along))


def check_module_of_objective(module):
    """Value, gradient, Hessian and asides against formulas written out, with weights, penalty and scaling."""
    rng = np.random.default_rng(5)
    X, y, s = (
        rng.standard_normal((30, 3)) * [1, 4, 0.5] + 1.0,
        rng.integers(0, 2, 30).astype(float),
        rng.random(30) + 0.5,
    )
    theta, direction, steps = rng.standard_normal(4), rng.standard_normal(4), (0.5, -1.0)
    engine = MemoryEngine(X, y, s, leaf_bytes=1)
    for scaling in (None, Scaling.standard(engine.sum(moments_of))):
        rows = np.column_stack([X if scaling is None else (X - scaling.centre) / scaling.scale, np.ones(30)])
        objective = module.Objective(engine, penalty=L2(0.7), scaling=scaling)
        once = np.array([0.7, 0.7, 0.7, 0.0])

        def value(at, rows=rows, once=once):
            return s @ formulas.loss(rows @ at, y) / s.sum() + 0.5 * once @ at**2

        z = rows @ theta
        gradient = rows.T @ (s * (formulas.sigmoid(z) - y)) / s.sum() + once * theta
        hessian = (rows.T * (s * formulas.curvature(z))) @ rows / s.sum() + np.diag(once)
        point = objective.answer(Evaluate(theta, 2))
        np.testing.assert_allclose(point.value, value(theta), rtol=1e-12)
        np.testing.assert_allclose(point.cost, s @ formulas.loss(z, y) / s.sum(), rtol=1e-12)
        np.testing.assert_allclose(point.gradient, gradient, rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(point.hessian, hessian, rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(objective.answer(HessianTimes(theta, direction)), hessian @ direction, rtol=1e-9)
        expected = [value(theta + t * direction) for t in steps]
        np.testing.assert_allclose(objective.answer(Along(theta, direction, steps)), expected, rtol=1e-12)
        np.testing.assert_allclose(objective.theta(*objective.weights(theta)), theta, rtol=1e-12)
        assert objective.norm(np.array([3.0, 0.0, 0.0, 4.0])) == 5.0


def check_module_of_gram(module):
    """Twenty steps of descent by rows are twenty steps of plain descent; so are their norms and costs."""
    rng = np.random.default_rng(6)
    X, y, s, w0 = rng.standard_normal((40, 90)), np.arange(40) % 2 * 1.0, rng.random(40) + 0.5, rng.standard_normal(90)
    base = Objective(MemoryEngine(X, y, s, leaf_bytes=1), penalty=L2(0.3))
    gram = module.GramObjective.of(base, w0)
    split = MemoryEngine(gram.inner[1:], y, s, threads=1, leaf_bytes=8 * 41 * 16)
    split.rows = 16
    gram = module.GramObjective(base, w0, split, gram.inner)
    runs = []
    for oracle in (base, gram):
        run = drive(METHODS["momentum"].start(oracle.theta(w0, 0.4), 0.02), oracle, StopRules(20))
        w, b = oracle.weights(run.last.theta)
        runs.append([*w, b, *run.trace.cost, *run.trace.value, *run.trace.gradient_norm, *run.trace.change])
    np.testing.assert_allclose(runs[1], runs[0], rtol=1e-9, atol=1e-11)
    assert module.pays(209, 12288, 2000)
    assert not module.pays(209, 209, 2000)


def check_module_of_descent(module):
    check_solver(Method("mutant", module.gradient_descent, 2.0, spans=True))
    solver, gradient = module.gradient_descent(np.array([1.0, 2.0]), 0.25), np.array([3.0, -1.0])
    first = next(solver)
    assert (type(first), first.theta.tolist(), first.order, first.trial) == (Evaluate, [1.0, 2.0], 1, False)
    assert solver.send(Point(1.0, 1.0, 1, gradient)).theta.tolist() == [0.25, 2.25]


def check_module_of_reduction(module):
    seen = module.tree_sum([f"{letter}" for letter in "abcdefg"])
    assert seen == "abcdefg"
    parts = (np.random.default_rng(0).standard_normal(37)).tolist()
    assert module.tree_sum(parts) == tree_sum(parts)
    groups = [module.tree_sum(parts[i : i + 8]) for i in range(0, 37, 8)]
    assert module.tree_sum(groups) == module.tree_sum(parts)


CHECKS = {
    "formulas.py": check_module_of_formulas,
    "kernels/loop.py": check_module_of_kernel,
    "kernels/vectorised.py": check_module_of_kernel,
    "objective.py": check_module_of_objective,
    "gram.py": check_module_of_gram,
    "solvers/gradient_descent.py": check_module_of_descent,
    "engines/reduction.py": check_module_of_reduction,
    "proof/certificate.py": check_module_of_certificate,
}

MUTANTS = [  # name, module, old text, new text
    ("sigmoid_sign", "formulas.py", "np.where(z >= 0.0, 1.0, e) / (1.0 + e)", "np.where(z <= 0.0, 1.0, e) / (1.0 + e)"),
    ("sigmoid_textbook", "formulas.py", "np.where(z >= 0.0, 1.0, e) / (1.0 + e)", "1.0 - 1.0 / (1.0 + np.exp(np.minimum(z, 700.0)))"),
    ("sigmoid_tanh", "formulas.py", "np.where(z >= 0.0, 1.0, e) / (1.0 + e)", "0.5 + 0.5 * np.tanh(0.5 * z)"),
    ("softplus_log_of_1_plus", "formulas.py", "np.log1p(np.exp(-np.abs(z)))", "np.log(1.0 + np.exp(-np.abs(z)))"),
    ("softplus_minimum", "formulas.py", "np.maximum(z, 0.0)", "np.minimum(z, 0.0)"),
    ("loss_cancels", "formulas.py", "y * softplus(-z) + (1.0 - y) * softplus(z)", "softplus(z) - y * z"),
    ("loss_labels_swapped", "formulas.py", "y * softplus(-z) + (1.0 - y) * softplus(z)", "y * softplus(z) + (1.0 - y) * softplus(-z)"),
    ("loss_of_labels_only", "formulas.py", "y * softplus(-z) + (1.0 - y) * softplus(z)", "softplus(np.where(y > 0.5, -z, z))"),
    ("dz_y_minus_a", "formulas.py", "np.subtract(a, y,", "np.subtract(y, a,"),
    ("curvature_a_only", "formulas.py", "(1.0 / (1.0 + e)) * (e / (1.0 + e))", "e / (1.0 + e)"),
    ("curvature_a_times_1_minus_a", "formulas.py", "(1.0 / (1.0 + e)) * (e / (1.0 + e))", "(1.0 / (1.0 + e)) * (1.0 - 1.0 / (1.0 + e))"),
    ("loop_loss_not_added", "kernels/loop.py", "loss += s * formulas.loss(z, y)", "loss = loss if i else Accumulator(); loss += s * formulas.loss(z, y) if i == 0 else 0.0"),
    ("loop_loss_unweighted", "kernels/loop.py", "loss += s * formulas.loss(z, y)", "loss += formulas.loss(z, y)"),
    ("loop_dw_lost_plus", "kernels/loop.py", "dw += s * x * dz", "dw = Accumulator(n); dw += s * x * dz"),
    ("loop_dw_lost_weight", "kernels/loop.py", "dw += s * x * dz", "dw += x * dz"),
    ("loop_dw_sign", "kernels/loop.py", "dw += s * x * dz", "dw += -s * x * dz"),
    ("loop_columns_swapped", "kernels/loop.py", "dw += s * x * dz", "dw += s * x[::-1] * dz"),
    ("loop_db_not_weighted", "kernels/loop.py", "db += s * dz", "db += dz"),
    ("loop_dz_y_minus_a", "kernels/loop.py", "dz = formulas.dz(a, y)", "dz = formulas.dz(y, a)"),
    ("loop_dz_rounded_label", "kernels/loop.py", "dz = formulas.dz(a, y)", "dz = formulas.dz(a, round(y))"),
    ("loop_curvature_a", "kernels/loop.py", "dda = s * formulas.curvature(z)", "dda = s * a"),
    ("loop_curvature_a_1_minus_a", "kernels/loop.py", "dda = s * formulas.curvature(z)", "dda = s * a * (1.0 - a)"),
    ("loop_b_forgotten", "kernels/loop.py", "    z += b\n", ""),
    ("loop_first_row_left_out", "kernels/loop.py", "    for i in range(m):\n        x, y, s, o = _example(block, i)\n        z =", "    for i in range(1, m):\n        x, y, s, o = _example(block, i)\n        z ="),
    ("loop_errors_strict", "kernels/loop.py", "* z <= 0.0)", "* z < 0.0)"),
    ("loop_errors_of_weight_zero", "kernels/loop.py", "int(s > 0.0 and (2.0", "int(s >= 0.0 and (2.0"),
    ("loop_along_wrong_way", "kernels/loop.py", "forward(x, w, b, o) + steps * forward", "forward(x, w, b, o) - steps * forward"),
    ("loop_hessian_times_without_c", "kernels/loop.py", "* forward(x, v, c)\n        dw +=", "* forward(x, v, 0.0)\n        dw +="),
    ("vectorised_b_forgotten", "kernels/vectorised.py", "    Z += b\n", ""),
    ("vectorised_y_minus_a", "kernels/vectorised.py", "    A -= y\n", "    A = y - A\n"),
    ("vectorised_dw_lost_weight", "kernels/vectorised.py", "        A *= s\n", "        pass\n"),
    ("vectorised_activation_of_minus_z", "kernels/vectorised.py", "A = np.where(Z >= 0.0, 1.0, e)", "A = np.where(Z >= 0.0, e, 1.0)"),
    ("vectorised_loss_sides", "kernels/vectorised.py", "np.where(Z >= 0.0, 1.0 - y, y)", "np.where(Z >= 0.0, y, 1.0 - y)"),
    ("vectorised_loss_log", "kernels/vectorised.py", "np.log1p(e)", "np.log(1.0 + e)"),
    ("vectorised_loss_unweighted", "kernels/vectorised.py", "float((s * losses).sum())", "float(losses.sum())"),
    ("vectorised_loss_mean", "kernels/vectorised.py", "float((s * losses).sum())", "float((s * losses).mean())"),
    ("vectorised_errors_strict", "kernels/vectorised.py", "* Z <= 0.0", "* Z < 0.0"),
    ("vectorised_columns_swapped", "kernels/vectorised.py", "dw, db = _over_rows(dZ, X), ", "dw, db = _over_rows(dZ, X)[::-1], "),
    ("vectorised_curvature_a", "kernels/vectorised.py", "root /= 1.0 + e", "root /= np.sqrt(1.0 + e)"),
    ("vectorised_curvature_weight", "kernels/vectorised.py", "root *= np.sqrt(s)", "root *= s"),
    ("vectorised_last_rows_lost", "kernels/vectorised.py", "total if whole == m else total + np.matmul(d[whole:], X[whole:])", "total"),
    ("vectorised_product_lost_weight", "kernels/vectorised.py", "        along_direction *= block.weight\n", "        pass\n"),
    ("vectorised_along_one_step", "kernels/vectorised.py", "_losses(Z + step * D, block.y)", "_losses(Z + steps[0] * D, block.y)"),
    ("probability_a_fifth", "proof/certificate.py", "0.25 * proved.reach", "0.2 * proved.reach"),
    ("pinsker_a_quarter", "proof/certificate.py", "math.sqrt(0.5 * proved.gap / lightest)", "math.sqrt(0.25 * proved.gap / lightest)"),
    ("pinsker_of_any_weight", "proof/certificate.py", "math.sqrt(0.5 * proved.gap / lightest)", "math.sqrt(0.5 * proved.gap)"),
    ("pinsker_without_an_optimum", "proof/certificate.py", 'if exists == "proved":', "if True:"),
    ("missing_mean_of_gradient", "objective.py", "        gradient /= weight\n", ""),
    ("missing_mean_of_cost", "objective.py", "cost = total.loss / total.weight", "cost = total.loss"),
    ("mean_over_rows_not_weights", "objective.py", "cost = total.loss / total.weight", "cost = total.loss / self.engine.m"),
    ("missing_mean_of_hessian", "objective.py", "        hessian /= total.weight\n", ""),
    ("penalised_intercept", "objective.py", "gradient[:-1] += self.penalty.gradient(theta[:-1])", "gradient += self.penalty.gradient(theta)"),
    ("penalty_not_in_gradient", "objective.py", "gradient[:-1] += self.penalty.gradient(theta[:-1])", "pass"),
    ("penalty_subtracted", "objective.py", "value = cost + self.penalty", "value = cost - self.penalty"),
    ("penalised_intercept_in_hessian", "objective.py", "hessian[range(n), range(n)] +=", "hessian[range(n + 1), range(n + 1)] +="),
    ("cross_terms_lost", "objective.py", "hessian[n, :n] = hessian[:n, n] = dwdb", "hessian[n, :n] = hessian[:n, n] = 0.0"),
    ("intercept_first", "objective.py", "gradient = np.append(dw, db)", "gradient = np.append(db, dw)"),
    ("penalty_of_product_at_theta", "objective.py", "self.penalty.gradient(direction[:-1])", "self.penalty.gradient(theta[:-1])"),
    ("direction_unscaled", "objective.py", "        v, c = self.seen(direction)\n", "        v, c = direction[:-1], float(direction[-1])\n"),
    ("gram_start_forgotten", "gram.py", "return theta[0] * self.start + w, float(theta[-1])", "return w, float(theta[-1])"),
    ("gram_blocks_misplaced", "gram.py", "dc[1 + block.start : 1 + block.start + len(dZ)] = dZ", "dc[1 : 1 + len(dZ)] = dZ"),
    ("gram_off_by_one", "gram.py", "dc[1 + block.start : 1 + block.start + len(dZ)] = dZ", "dc[block.start : block.start + len(dZ)] = dZ"),
    ("gram_b_forgotten", "gram.py", "    Z += b\n", ""),
    ("gram_missing_mean", "gram.py", "        gradient /= total.weight\n", ""),
    ("gram_lost_penalty", "gram.py", "gradient[:-1] += l2 * c", "pass"),
    ("gram_norm_of_coefficients", "gram.py", "float(c @ (self.inner @ c))) +", "float(c @ c)) +"),
    ("descent_climbs", "solvers/gradient_descent.py", "theta - learning_rate", "theta + learning_rate"),
    ("descent_without_rate", "solvers/gradient_descent.py", "learning_rate * at.gradient", "at.gradient"),
    ("descent_b_not_updated", "solvers/gradient_descent.py", "theta - learning_rate * at.gradient", "np.append((theta - learning_rate * at.gradient)[:-1], theta[-1])"),
    ("descent_in_place", "solvers/gradient_descent.py", "theta = theta - learning_rate * at.gradient", "theta -= learning_rate * at.gradient"),
    ("descent_signed", "solvers/gradient_descent.py", "learning_rate * at.gradient", "learning_rate * np.sign(at.gradient)"),
    ("tree_disordered", "engines/reduction.py", "part = waiting.pop()[1] + part  #", "part = part + waiting.pop()[1]  #"),
    ("tree_rest_disordered", "engines/reduction.py", "total = waiting.pop()[1] + total", "total = total + waiting.pop()[1]"),
    ("tree_loses_the_rest", "engines/reduction.py", "    while waiting:\n        total", "    while False:\n        total"),
]  # fmt: skip

test_the_unchanged_source_passes, test_mutant_is_caught, test_names_are_unique = checks_of(CHECKS, MUTANTS)


def test_there_are_many():
    assert len(MUTANTS) >= 16
