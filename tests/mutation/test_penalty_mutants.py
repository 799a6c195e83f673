# ruff: noqa: E501 - one mutant, one line
"""Mutants of the elastic net and of the proof by duality: each must be caught by the checks of their own tests.

As `test_mutants.py`; the machinery is `driver.py`.
A new one:      add a line to MUTANTS; its old text must occur exactly once in the module.
"""

from mutation.driver import checks_of
from test_duality import check_module_of_duality
from test_penalties import check_module_of_penalties

CHECKS = {"penalties.py": check_module_of_penalties, "proof/duality.py": check_module_of_duality}

MUTANTS = [  # name, module, old text, new text
    ("threshold_sign", "penalties.py", "return np.where(c > by, c - by, np.where(c < -by, c + by, 0.0))", "return np.where(c > by, c - by, np.where(c < -by, c - by, 0.0))"),
    ("threshold_hard", "penalties.py", "return np.where(c > by, c - by, np.where(c < -by, c + by, 0.0))", "return np.where(np.abs(c) > by, c, 0.0)"),
    ("threshold_one_sided", "penalties.py", "np.where(c < -by, c + by, 0.0))", "0.0 * c)"),
    ("nearest_without_bounds", "penalties.py", "return np.clip(free, self.lower, self.upper)", "return free"),
    ("conjugate_without_half", "penalties.py", "- 0.5 * self.l2 * at * at, np.inf)", "- self.l2 * at * at, np.inf)"),
    ("conjugate_without_l1", "penalties.py", "c * at - self.l1 * np.abs(at) - 0.5", "c * at - 0.5"),
    ("value_l2_not_halved", "penalties.py", "self.l1 @ np.abs(w) + 0.5 *", "self.l1 @ np.abs(w) + 1.0 *"),
    ("value_l1_of_w", "penalties.py", "self.l1 @ np.abs(w)", "self.l1 @ w"),
    ("excess_without_l1", "penalties.py", "+ self.l1 * (np.abs(w) - np.abs(at))", ""),
    ("excess_wrong_sum", "penalties.py", "0.5 * self.l2 * (w + at) - c", "0.5 * self.l2 * (w - at) - c"),
    ("violation_at_zero_left", "penalties.py", "np.where(w > 0.0, self.l1, -self.l1), -np.inf)", "np.where(w >= 0.0, self.l1, -self.l1), -np.inf)"),
    ("violation_at_zero_right", "penalties.py", "np.where(w >= 0.0, self.l1, -self.l1), np.inf)", "np.where(w > 0.0, self.l1, -self.l1), np.inf)"),
    ("violation_ignores_lower", "penalties.py", "left = np.where(w > self.lower,", "left = np.where(w > -np.inf,"),
    ("violation_ignores_ridge", "penalties.py", "bent = self.l2 * w", "bent = 0.0 * w"),
    ("fenchel_one_end", "proof/duality.py", "for c in (low[busy], high[busy]):", "for c in (low[busy],):"),
    ("fenchel_mean_of_ends", "proof/duality.py", "low, high = share * c - move.error, share * c + move.error", "low = high = share * c"),
    ("fenchel_forgotten", "proof/duality.py", "return float(worst.sum()) * SLACK", "return 0.0"),
    ("half_of_the_divergence", "proof/duality.py", "apart = 0.5 * curvature * size * size / (1.0 - most)", "apart = 0.25 * curvature * size * size / (1.0 - most)"),
    ("divergence_of_far_rows_halved", "proof/duality.py", "np.asarray(q * bend(np.maximum(p * v, -1.0 + UNIT)) +", "np.asarray(0.0 * bend(np.maximum(p * v, -1.0 + UNIT)) +"),
    ("divergence_unweighted", "proof/duality.py", "rows.s * (apart + moved), 0.0)", "1e-3 * (apart + moved), 0.0)"),
    ("rounding_of_z_forgotten", "proof/duality.py", "moved = doubt * (", "moved = 0.0 * ("),
    ("restoring_forgotten", "proof/duality.py", "reach * rho * (1.0 - rho) / curvature", "0.0 * rho * (1.0 - rho) / curvature"),
    ("beyond_the_ends_allowed", "proof/duality.py", "and float(drawn.min()) >= 0.0 and float(drawn.max()) <= 1.0:", ":"),
    ("not_drawn", "proof/duality.py", "drawn = rows.rest + share * (rho - rows.rest)", "drawn = rho"),
    ("value_rounded_up", "proof/duality.py", "+ value * (1.0 - off - gamma(len(c) + 8))) / SLACK", "+ value) * 1.001"),
    ("slip_of_the_loss_forgotten", "proof/duality.py", "(1.0 - FEW - counted) - slip", "(1.0 + 1e-4) - 0.0 * slip"),
]  # fmt: skip

test_the_unchanged_source_passes, test_mutant_is_caught, test_names_are_unique = checks_of(CHECKS, MUTANTS)
