"""LIBLINEAR: C times the *sum* of the losses; the bias is a column like any other, unless -R."""

from __future__ import annotations

from typing import Any

from steepest.translation.command import spelled
from steepest.translation.penalised import Penalised, Rows, RowsLike
from steepest.translation.strengths import STANDARDIZED, alike, one_number, origin
from steepest.translation.translation import Theirs, Tool, Translation
from steepest.translation.wording import assigned, penalised_bias, penalty, sum_loss

__all__ = ["TOOL", "from_liblinear", "to_liblinear"]

TOOL = Tool(
    key="liblinear",
    name="LIBLINEAR",
    formula="-s 0 and 7: C Σᵢ sᵢ Lᵢ + ½ Σⱼ wⱼ²;   -s 6: C Σᵢ sᵢ Lᵢ + Σⱼ |wⱼ|",
    differs=(
        "a sum of losses: l2 or l1 = 1/(C W)",
        "no intercept by default (-B -1); with -B 1 it is penalised as the weights are, unless -R is given; -s 7 has "
        "no -R",
        "L1 or L2, never both; always a penalty",
        "-w1, -w-1 are weights of the classes; weights of rows exist in its edition with instance weights alone",
        "-e 0.01 by default stopped 1e-5 above the optimum on the table of our tests: ask for less to compare",
    ),
    sources=("https://www.csie.ntu.edu.tw/~cjlin/liblinear/", "https://github.com/cjlin1/liblinear/blob/master/README"),
    checked="2.50 (liblinear-official)",
    defaults={"s": 1, "c": 1.0, "B": -1.0, "R": False},
    aside=frozenset({"e", "q", "p", "n", "v", "m"}),
)

LOGISTIC = {0: "L2", 6: "L1", 7: "L2"}


def from_liblinear(rows: RowsLike, options: str = "", *, standardized: bool = False, **parameters: Any) -> Translation:
    """`train` with these options, as a command line or by name (s, c, B, R), as an objective of ours.

    l2 (-s 0, 7) or l1 (-s 6) = 1/(C W). `rows` is their number, or their weights (-w of the classes multiplied in).
    Raises ValueError for an option that is not known here, out of range, or of another loss.

    >>> from_liblinear(50, "-s 6 -c 0.5 -B 1 -R").objective.options
    {'l1': 0.04}
    >>> from_liblinear(50, "-s 7 -c 0.5 -B 1").reasons
    ('the intercept is penalised too, by ½ b²; -R switches that off, with -s 0 and 6',)
    """
    about, asked = Rows.of(rows), TOOL.read(spelled(options, {"R", "q", "C"}) | parameters)
    solver, C, bias = int(one_number("s", asked["s"])), one_number("c", asked["c"]), one_number("B", asked["B"])
    if solver not in LOGISTIC:
        raise ValueError(f"-s {solver} is no logistic regression: those are -s 0, 6 and 7")
    if not C > 0.0:
        raise ValueError(f"-c {C} must be > 0")
    if asked["R"] and (solver == 7 or bias != 1.0):
        raise ValueError(f"-R with -s {solver} -B {bias:g}: LIBLINEAR takes it with -s 0 or 6, and -B 1, alone")
    settings = (("s", solver), ("c", C), ("B", bias), ("R", bool(asked["R"])))
    strength = 1.0 / (C * about.total)
    l1, l2 = (strength, 0.0) if LOGISTIC[solver] == "L1" else (0.0, strength)
    added = penalised_bias(bias, LOGISTIC[solver] == "L1") if bias >= 0.0 and not asked["R"] else ""
    objective = Penalised(l1, l2, None, standardized, bias >= 0.0)
    reasons = origin(objective)
    if added:
        reasons += (f"the intercept is penalised too, by {added}; -R switches that off, with -s 0 and 6",)
    theirs = _theirs(settings, about, f" + {added}" if added else "", reasons, standardized)
    return Translation(TOOL, about, objective, theirs, standardized)


def to_liblinear(objective: Penalised, rows: RowsLike) -> Translation:
    """The options whose minimiser on these rows is that of ours: L1 or L2 alone, and never nothing.

    >>> to_liblinear(Penalised(l2=0.04), 50).call
    'train -s 0 -c 0.5 -B 1 -R'
    >>> to_liblinear(Penalised(l1=0.1, l2=0.1), 50).reasons
    ('LIBLINEAR has L1 or L2, not both: l1=0.1 is left out',)
    """
    about = Rows.of(rows)
    even, reasons = alike(objective, TOOL.name)
    strength, solver = (even.l2, 0) if even.l2 else (even.l1, 6)
    if even.l1 and even.l2:
        reasons += (f"LIBLINEAR has L1 or L2, not both: l1={even.l1!r} is left out",)
    if not strength:
        solver = 0
        reasons += ("LIBLINEAR always has a penalty: -c 1e10 makes it small, and the fit slow",)
    C = 1.0 / (strength * about.total) if strength else 1e10
    settings = (("s", solver), ("c", C), ("B", 1.0 if even.intercept else -1.0), ("R", even.intercept))
    standardized = objective.standardize
    return Translation(TOOL, about, objective, _theirs(settings, about, "", reasons, standardized), standardized)


def _theirs(
    settings: tuple[tuple[str, Any], ...], rows: Rows, added: str, reasons: tuple[str, ...], standardized: bool
) -> Theirs:
    named = dict(settings)
    l1, l2 = (1.0, 0.0) if LOGISTIC[named["s"]] == "L1" else (0.0, 1.0)
    formula = sum_loss(rows, named["c"]) + penalty(l1, l2) + added
    bias = f"{named['B']:g}"
    call = f"train -s {named['s']} -c {assigned(named['c'])} -B {bias}{' -R' if named['R'] else ''}"
    steps = (STANDARDIZED,) * standardized
    if rows.weighted:
        steps += ("the weights of rows need LIBLINEAR's edition with instance weights",)
    return Theirs(settings, call, formula, named["c"] * rows.total, reasons, steps)
