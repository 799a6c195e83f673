"""Vowpal Wabbit: with --bfgs the *sum* of the losses; online, something that is not a minimiser."""

from __future__ import annotations

from typing import Any

from steepest.translation.command import spelled
from steepest.translation.penalised import Penalised, Rows, RowsLike
from steepest.translation.strengths import STANDARDIZED, alike, origin, strength
from steepest.translation.translation import Theirs, Tool, Translation
from steepest.translation.wording import assigned, mean_loss, penalty, sum_loss

__all__ = ["TOOL", "from_vw", "to_vw"]

FLAGS = frozenset(
    {"bfgs", "no_bias_regularization", "noconstant", "sgd", "adaptive", "normalized", "invariant", "holdout_off", "c",
     "cache", "k", "kill_cache", "quiet", "predict_only_model"}
)  # fmt: skip

TOOL = Tool(
    key="vw",
    name="Vowpal Wabbit",
    formula="--bfgs: Σᵢ sᵢ Lᵢ + l2 ½ (Σⱼ wⱼ² + b²);   online: w shrunk by l1 and l2 at every example",
    differs=(
        "--bfgs: a sum of losses, l2 = --l2 / W; --l1 has no effect there (9.11)",
        "the constant is penalised too; --no_bias_regularization switches that off with --bfgs",
        "online (the default) --l1 and --l2 act per example, as if on the mean loss; the passes end where they end: "
        "the last iterate of a stochastic descent is no minimiser",
        "weights are 32-bit numbers, and columns that share a hash share a weight (-b)",
    ),
    sources=(
        "https://vowpalwabbit.org/docs/vowpal_wabbit/python/latest/command_line_args.html",
        "https://github.com/VowpalWabbit/vowpal_wabbit/wiki/Command-line-arguments",
    ),
    checked="9.11.9",
    defaults={
        "l1": 0.0, "l2": 0.0, "bfgs": False, "no_bias_regularization": False, "noconstant": False,
        "loss_function": "logistic",
    },
    aside=frozenset(
        {
            "passes", "holdout_off", "cache", "c", "cache_file", "kill_cache", "k", "termination", "mem", "quiet",
            "bit_precision", "b", "learning_rate", "l", "power_t", "initial_t", "decay_learning_rate", "random_seed",
            "sgd", "adaptive", "normalized", "invariant", "predict_only_model", "data", "d", "final_regressor", "f",
            "link", "readable_model",
        }
    ),
)  # fmt: skip

ONLINE = (
    "online, the passes end where they end: the last iterate of a stochastic descent is no minimiser (--bfgs is)",
    "online, the constant is penalised as the weights are",
)


def from_vw(rows: RowsLike, options: str = "", *, standardized: bool = False, **parameters: Any) -> Translation:
    """vw --loss_function logistic with these options, as a command line or by name, as an objective of ours.

    l2 = --l2 / W with --bfgs; without it l1, l2 = --l1, --l2, which is meant, but not reached. `rows` is their number,
    or their importance weights. Raises ValueError for an option that is not known here, or out of range.

    >>> told = from_vw(50, "--loss_function logistic --bfgs --l2 0.5 --no_bias_regularization")
    >>> told.exact, told.objective.l2
    (True, 0.01)
    >>> from_vw(50, "--loss_function logistic --l2 0.01").exact
    False
    """
    about, asked = Rows.of(rows), TOOL.read(spelled(options, FLAGS) | parameters)
    if asked["loss_function"] != "logistic":
        raise ValueError(f"--loss_function {asked['loss_function']}: only 'logistic' is a logistic regression")
    l1, l2 = strength("--l1", asked["l1"]), strength("--l2", asked["l2"])
    bfgs, free = bool(asked["bfgs"]), bool(asked["no_bias_regularization"])
    intercept = not asked["noconstant"]
    objective = Penalised(0.0 if bfgs else l1, l2 / about.total if bfgs else l2, None, standardized, intercept)
    settings = _settings(bfgs, l1, l2, free, intercept)
    reasons = origin(objective)
    if bfgs and l2 and intercept and not free:
        reasons += ("the constant is penalised too, by ½ --l2 b²; --no_bias_regularization switches that off",)
    if not bfgs:
        reasons += ONLINE if l1 + l2 and intercept else ONLINE[:1]
    return Translation(TOOL, about, objective, _theirs(settings, about, reasons, standardized), standardized)


def to_vw(objective: Penalised, rows: RowsLike) -> Translation:
    """The options of --bfgs whose minimiser on these rows is that of ours: L2 or nothing.

    >>> to_vw(Penalised(l2=0.01), 50).parameters
    {'bfgs': True, 'l1': 0.0, 'l2': 0.5, 'no_bias_regularization': True}
    >>> to_vw(Penalised(l1=0.01), 50).reasons
    ('--bfgs has no L1: l1=0.01 is left out',)
    """
    about = Rows.of(rows)
    even, reasons = alike(objective, TOOL.name)
    if even.l1:
        reasons += (f"--bfgs has no L1: l1={even.l1!r} is left out",)
    settings = _settings(True, 0.0, even.l2 * about.total, even.intercept, even.intercept)
    theirs = _theirs(settings, about, reasons, objective.standardize)
    return Translation(TOOL, about, objective, theirs, objective.standardize)


def _settings(bfgs: bool, l1: float, l2: float, free: bool, intercept: bool) -> tuple[tuple[str, Any], ...]:
    named = (("bfgs", bfgs), ("l1", l1), ("l2", l2), ("no_bias_regularization", free))
    return named if intercept else (*named, ("noconstant", True))


def _theirs(settings: tuple[tuple[str, Any], ...], rows: Rows, reasons: tuple[str, ...], standardized: bool) -> Theirs:
    named = dict(settings)
    bias = "" if "noconstant" in named else penalty(0.0, named["l2"]).replace("Σⱼ wⱼ²", "b²")
    kept = "" if named["no_bias_regularization"] and named["bfgs"] else bias
    options = "".join(f" --{name} {assigned(named[name])}" for name in ("l1", "l2") if named[name])
    options += "".join(f" --{name}" for name in ("no_bias_regularization", "noconstant") if named.get(name))
    steps = (STANDARDIZED,) * standardized
    if named["bfgs"]:
        formula = sum_loss(rows) + penalty(0.0, named["l2"]) + kept
        call = f"vw --loss_function logistic --bfgs --holdout_off -c --passes 200 --termination 1e-12{options}"
        return Theirs(settings, call, formula, rows.total, reasons, steps)
    formula = "about " + mean_loss(rows) + penalty(named["l1"], named["l2"]) + bias
    return Theirs(settings, f"vw --loss_function logistic{options}", formula, 1.0, reasons, steps)
