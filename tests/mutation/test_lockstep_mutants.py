# ruff: noqa: E501 - one mutant, one line
"""Mutants of many fits at once: what a piece says to them, and norms over their metrics. As `test_mutants.py`."""

from kernels.test_many import check_module_of_many
from mutation.driver import checks_of
from test_lockstep import check_module_of_metrics

CHECKS = {"kernels/many.py": check_module_of_many, "lockstep/metrics.py": check_module_of_metrics}

MUTANTS = [  # name, module, old text, new text
    ("held_rows_counted", "kernels/many.py", "        lost[out] = 0.0\n", ""),
    ("held_rows_pull", "kernels/many.py", "        part[:, out] = 0.0\n", ""),
    ("held_rows_bend", "kernels/many.py", "Q[_columns(held, k), start:stop] = 0.0", "Q[_columns(held, k), start:start] = 0.0"),
    ("held_right_all", "kernels/many.py", "_weight(part[:, out] > 0.0, s)", "_weight(part[:, out] > -9.0, s)"),
    ("columns_one_short", "kernels/many.py", "int(out[-1]) + 1)", "int(out[-1]))"),
    ("gradient_sign", "kernels/many.py", "return Fitted(loss, -(piece.X.T @ U), held_loss, held_right)", "return Fitted(loss, piece.X.T @ U, held_loss, held_right)"),
    ("root_of_p", "kernels/many.py", "Q /= 1.0 + Q * Q", "Q /= np.sqrt(1.0 + Q * Q)"),
    ("root_of_weights", "kernels/many.py", "Q *= np.sqrt(s)", "Q *= s"),
    ("half_forgotten", "kernels/many.py", "Q *= -0.5", "Q *= -1.0"),
    ("slope_of_the_other_side", "kernels/many.py", "np.less_equal(U, 0.0", "np.greater(U, 0.0"),
    ("slope_lost_weight", "kernels/many.py", "        U *= s[:, None]\n", "        pass\n"),
    ("loss_without_margin", "kernels/many.py", "axis=0)) - wrong.sum(axis=0)", "axis=0))"),
    ("weighted_loss_without_margin", "kernels/many.py", "s @ (np.log1p(e) - wrong)", "s @ np.log1p(e)"),
    ("confident_rows_rounded", "kernels/many.py", "CONFIDENT = 2.0**-10", "CONFIDENT = 0.0"),
    ("fold_gradient_sign", "kernels/many.py", "total.gradient[fold] = -(part.T @ X)", "total.gradient[fold] = part.T @ X"),
    ("fold_hessian_of_first_theta", "kernels/many.py", "_roots(U[:, bent], piece.s)", "_roots(U[:, bent - 1], piece.s)"),
    ("fold_sums_lost", "kernels/many.py", "self.right + other.right", "other.right"),
    ("extent_one_sided", "kernels/many.py", "np.maximum(Z.max(axis=0, initial=0.0), -Z.min(axis=0, initial=0.0))", "Z.max(axis=0, initial=0.0)"),
    ("longest_of_first_column", "kernels/many.py", 'np.einsum("ij,ij->i", rows, rows)', "np.square(rows[:, 0])"),
    ("norm_without_error", "lockstep/metrics.py", "np.abs(Y @ scaled[i]) + np.abs(Y) @ off[i]", "np.abs(Y @ scaled[i])"),
    ("norm_transposed", "lockstep/metrics.py", "np.abs(Y @ scaled[i])", "np.abs(scaled[i] @ Y)"),
    ("solve_transposed", "lockstep/metrics.py", "(Y @ solved[i]) @ Y", "Y @ (Y @ solved[i])"),
    ("distance_in_plain_length", "lockstep/metrics.py", 'np.einsum("fj,fj->f", moves, images)', 'np.einsum("fj,fj->f", moves, moves)'),
    ("leverage_without_unit", "lockstep/metrics.py", "turned = self.inverse[f] / self.unit[f]", "turned = self.inverse[f]"),
    ("leverage_without_factor", "lockstep/metrics.py", "spectral(turned @ factor)", "spectral(turned)"),
    ("spectral_too_small", "lockstep/metrics.py", "spectral(turned @ factor)", "0.5 * spectral(turned @ factor)"),
    ("loss_without_error", "lockstep/metrics.py", "(rounding + error)", "rounding"),
    ("other_unit", "lockstep/metrics.py", "solved /= self.unit[which]", "solved *= self.unit[which]"),
]  # fmt: skip

test_the_unchanged_source_passes, test_mutant_is_caught, test_names_are_unique = checks_of(CHECKS, MUTANTS)
