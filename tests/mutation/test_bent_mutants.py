# ruff: noqa: E501 - one mutant, one line
"""Mutants of the proof of wide tables and of the totals it is made of: each must be caught by the checks of their tests.

As `test_mutants.py`; the machinery is `driver.py`.
A new one:      add a line to MUTANTS; its old text must occur exactly once in the module.
"""

from kernels.test_bends import check_module_of_bends
from mutation.driver import checks_of
from optimum.test_bent import check_module_of_bent

CHECKS = {"kernels/bends.py": check_module_of_bends, "optimum/bent.py": check_module_of_bent}

MUTANTS = [  # name, module, old text, new text
    ("curvature_unweighted", "kernels/bends.py", "D, dZ = s * formulas.curvature(Z),", "D, dZ = formulas.curvature(Z),"),
    ("slope_turned", "kernels/bends.py", "(1.0 - y) * a - y * rest)", "y * rest - (1.0 - y) * a)"),
    ("off_of_one_class", "kernels/bends.py", "(1.0 - y) * a + y * rest))", "(1.0 - y) * a))"),
    ("shortest_row", "kernels/bends.py", "(squares @ inverse).max(initial=0.0)", "(squares @ inverse).min()"),
    ("lengths_added", "kernels/bends.py", "float(np.maximum(self.longest, other.longest))", "self.longest + other.longest"),
    ("rows_added", "kernels/bends.py", "max(self.rows, other.rows)", "self.rows + other.rows"),
    ("squares_unsquared", "kernels/bends.py", "np.matmul(D, squares)", "np.matmul(D, np.abs(X))"),
    ("offset_forgotten", "kernels/bends.py", "+ (0.0 if block.offset is None else block.offset)", ""),
    ("centre_forgotten", "optimum/bent.py", "inner = float(np.linalg.norm((gradient - centre * found.db) / root))", "inner = 0.5 * float(np.linalg.norm((gradient - centre * found.db) / root))"),
    ("pull_forgotten", "optimum/bent.py", "gradient = found.dw + pull", "gradient = found.dw"),
    ("slope_forgotten", "optimum/bent.py", "+ excess(min(1.0, kappa)) * slope * kappa)", ")"),
    ("rounding_forgotten", "optimum/bent.py", "rounding = (turn * found.edge * (1.0 + 2.0 * bend) + (FEW + adding) * found.off", "rounding = (0.0 * found.off"),
    ("half_of_the_gap", "optimum/bent.py", "0.5 * norm * norm * SLACK)", "0.2 * norm * norm * SLACK)"),
    ("penalty_not_halved", "optimum/bent.py", "penalty = 0.5 * float(pull @ w)", "penalty = 500.0 * float(pull @ w)"),
    ("short_rows", "optimum/bent.py", "away = (long + float(np.linalg.norm(centre / root)) + 6.0 * bend * long) * SLACK", "away = 0.0"),
]  # fmt: skip

test_the_unchanged_source_passes, test_mutant_is_caught, test_names_are_unique = checks_of(CHECKS, MUTANTS)
