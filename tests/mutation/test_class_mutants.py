# ruff: noqa: E501 - one mutant, one line
"""Mutants of the proof by duality of K classes: each must be caught by the checks of its own tests.

As `test_penalty_mutants.py`. A new one: add a line to MUTANTS; its old text must occur exactly once in the module.
"""

from mutation.driver import checks_of, load
from test_class_duality import check_modules

from steepest.proof import class_dual_point, class_duality

SEEDS = (0, 1, 2, 6)
POINT, DUALITY = "proof/class_dual_point.py", "proof/class_duality.py"

MUTANTS = [  # name, module, old text, new text
    ("own_class_forgotten", POINT, "found[own] = found.sum(axis=1)", "found[own] = 0.0"),
    ("residual_sign", POINT, "found[own] = -found[own]", "found[own] = found[own]"),
    ("weights_forgotten", POINT, "found = -(apart.T * self.s)", "found = -(apart.T * 1.0)"),
    ("not_normalised", POINT, "sound = bool(float(alpha.min()) >= 0.0 and np.all(np.abs(sums - 1.0) <= SUMS))", "sound = True"),
    ("negative_allowed", POINT, "float(alpha.min()) >= 0.0 and ", ""),
    ("drawn_to_nothing", POINT, "alpha[own] += 1.0 - share", "pass"),
    ("rounding_of_c_forgotten", POINT, "return (gamma(table.terms + 16) + accuracy(K)) * SLACK * np.outer(table.extent, size)", "return 0.0 * np.outer(table.extent, size)"),
    ("restoring_moves_nothing", POINT, "return Move(free, norm * metric.longest(length), error + np.outer(table.extent, mass) * SLACK)", "return Move(free, 0.0, error)"),
    ("restoring_leaves_c", POINT, "error + np.outer(table.extent, mass) * SLACK)", "error)"),
    ("doubt_forgotten", POINT, "return gamma(used + 12) * SLACK * size + TINY", "return 0.0"),
    ("reach_forgotten", DUALITY, "(1.0 + np.abs(t)) + reach * ratio", "(1.0 + np.abs(t))"),
    ("half_of_the_divergence", DUALITY, "apart = 0.5 * a * size * size / (1.0 - size)", "apart = 0.25 * a * size * size / (1.0 - size)"),
    ("far_halved", DUALITY, "apart[far] = a[far] *", "apart[far] = 0.5 * a[far] *"),
    ("divergence_unweighted", DUALITY, "rows.s * each, 0.0)", "1e-3 * each, 0.0)"),
    ("rounding_of_z_forgotten", DUALITY, "moved = doubt * (a * size).sum(axis=1) +", "moved = 0.0 * (a * size).sum(axis=1) +"),
    ("unsound_allowed", DUALITY, " and math.isfinite(least) and dual.sound):", " and math.isfinite(least)):"),
    ("slip_of_the_loss_forgotten", DUALITY, "gamma(RUN + m // RUN)) - slip", "gamma(RUN + m // RUN)) + slip"),
    ("penalty_forgotten", DUALITY, "bound = (fenchel(net, at.u.ravel(), low, high) + _div", "bound = (0.0 * fenchel(net, at.u.ravel(), low, high) + _div"),
]  # fmt: skip


def loaded(name, old=None, new=None):
    """(class_duality, class_dual_point), one of them changed."""
    module = load(name) if old is None else load(name, old, new)
    if name == DUALITY:
        return module, class_dual_point
    changed = load(DUALITY)
    for word in ("ClassPoint", "ClassRows", "Dual", "Move", "accuracy", "restoring"):
        setattr(changed, word, getattr(module, word))
    return changed, module


CHECKS = dict.fromkeys((POINT, DUALITY), lambda modules: check_modules(*modules, SEEDS))
test_the_unchanged_source_passes, test_mutant_is_caught, test_names_are_unique = checks_of(CHECKS, MUTANTS, loaded)


def test_the_modules_are_those_of_the_package():
    assert class_duality.restoring is class_dual_point.restoring
