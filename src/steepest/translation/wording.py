"""Formulas with their numbers, as text."""

from __future__ import annotations

from typing import Any

from steepest.translation.penalised import Penalised, Rows

__all__ = [
    "assigned",
    "called",
    "listed",
    "mean_loss",
    "number",
    "our_formula",
    "penalised_bias",
    "penalty",
    "sum_loss",
]


def number(value: float) -> str:
    """Ten digits, as many as a reader compares; the parameters themselves hold all.

    >>> number(0.02), number(1 / 3)
    ('0.02', '0.3333333333')
    """
    return f"{float(value):.10g}"


def assigned(value: Any) -> str:
    """A parameter's value as it is written in a call: every digit of a number, a list for several."""
    if isinstance(value, tuple):
        return "[" + ", ".join(assigned(each) for each in value) + "]"
    if isinstance(value, float):
        return "float('inf')" if value == float("inf") else repr(float(value))
    return repr(value)


def called(name: str, settings: tuple[tuple[str, Any], ...]) -> str:
    """name(a=1, b=2)."""
    return f"{name}({', '.join(f'{key}={assigned(value)}' for key, value in settings)})"


def listed(factors: tuple[float, ...]) -> str:
    """f = (1, 0, 2); of many columns the first ones."""
    shown = ", ".join(number(each) for each in factors[:6])
    return f"f = ({shown}{', …' if len(factors) > 6 else ''})"


def sum_loss(rows: Rows, times: float = 1.0) -> str:
    """C Σᵢ sᵢ Lᵢ; weights only where there are any."""
    before = "" if times == 1.0 else f"{number(times)} "
    return f"{before}Σᵢ {'sᵢ ' if rows.weighted else ''}Lᵢ"


def mean_loss(rows: Rows, divisor: float | None = None) -> str:
    """1/W Σᵢ sᵢ Lᵢ."""
    return f"1/{number(rows.total if divisor is None else divisor)} {sum_loss(rows)}"


def penalty(l1: float, l2: float, factors: tuple[float, ...] | None = None, scale: str = "") -> str:
    """' + l1 Σⱼ |wⱼ| + l2 · ½ Σⱼ wⱼ²', by columns where there are factors; empty where nothing is penalised.

    `scale` is what multiplies wⱼ where the penalty refers to standardised columns.
    """
    absolute = f"|{scale}wⱼ|"
    square = f"({scale}wⱼ)²" if scale else "wⱼ²"
    if factors is None:
        parts = [_times(l1) + f"Σⱼ {absolute}"] * (l1 > 0.0) + [_times(l2, "· ") + f"½ Σⱼ {square}"] * (l2 > 0.0)
        return "".join(f" + {part}" for part in parts)
    parts = [_times(l1) + absolute] * (l1 > 0.0) + [_times(l2, "· ") + f"½ {square}"] * (l2 > 0.0)
    return f" + Σⱼ fⱼ ({' + '.join(parts)}), {listed(factors)}" if parts else ""


def penalised_bias(scaling: float, first: bool) -> str:
    """The penalty of b = scaling · v where v is penalised as a weight is, by L1 (`first`) or L2.

    >>> penalised_bias(1.0, True), penalised_bias(10.0, False)
    ('|b|', '½ (b/10)²')
    """
    v = "b" if scaling == 1.0 else f"b/{number(scaling)}"
    return f"|{v}|" if first else f"½ {v}²" if scaling == 1.0 else f"½ ({v})²"


def our_formula(objective: Penalised, rows: Rows) -> str:
    """1/W Σᵢ sᵢ Lᵢ + Σⱼ fⱼ (l1 |wⱼ| + l2 · ½ wⱼ²), with numbers.

    >>> our_formula(Penalised(l1=0.5, l2=1.0, standardize=True), Rows.of(10))
    '1/10 Σᵢ Lᵢ + 0.5 Σⱼ |σⱼ wⱼ| + ½ Σⱼ (σⱼ wⱼ)², σⱼ with divisor W'
    """
    scale = "σⱼ " if objective.standardize else ""
    added = penalty(objective.l1, objective.l2, objective.penalty_factors, scale)
    scaled = ", σⱼ with divisor W" if scale and added else ""
    return mean_loss(rows) + added + scaled + ("" if objective.intercept else ", b = 0")


def _times(value: float, sign: str = "") -> str:
    return "" if value == 1.0 else f"{number(value)} {sign}"
