"""What a translation says: both objectives with their numbers, and whether they have the same minimiser."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from steepest.translation.penalised import Penalised, Rows
from steepest.translation.wording import assigned, number, our_formula

__all__ = ["Theirs", "Tool", "Translation"]


@dataclass(frozen=True, slots=True)
class Tool:
    """A foreign tool: what it minimises, in its own words.

    key, name     for programs; for people
    formula       its objective, with its own names of the parameters
    differs       where its conventions are not ours
    sources       its documentation
    checked       the version whose optima this translation reproduced
    defaults      its parameters that shape the objective, at its own defaults
    aside         its parameters that do not (tolerances, seeds, threads, ...)
    aliases       other spellings of its parameters
    """

    key: str
    name: str
    formula: str
    differs: tuple[str, ...]
    sources: tuple[str, ...]
    checked: str
    defaults: Mapping[str, Any]
    aside: frozenset[str]
    aliases: Mapping[str, str] = field(default_factory=dict)

    def read(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Its parameters with the defaults filled in; raises ValueError for one that is not known here."""
        named = {self.aliases.get(name, name): value for name, value in given.items()}
        unknown = sorted(set(named) - set(self.defaults) - self.aside)
        if unknown:
            raise ValueError(
                f"the translation of {self.name} does not know {', '.join(unknown)}: what shapes its objective is "
                f"{', '.join(self.defaults)}"
            )
        return dict(self.defaults) | {name: value for name, value in named.items() if name in self.defaults}


@dataclass(frozen=True, slots=True)
class Theirs:
    """The other side of a translation.

    settings   their parameters, by their names
    call       how it is written there
    formula    their objective with its numbers
    multiple   theirs = multiple * ours at every (w, b), where it is exact
    reasons    why the two cannot be the same; none where it is exact
    steps      what is to be done besides, for both to see the same thing
    """

    settings: tuple[tuple[str, Any], ...]
    call: str
    formula: str
    multiple: float
    reasons: tuple[str, ...] = ()
    steps: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Translation:
    """An objective of ours and one of theirs, side by side.

    tool           whose parameters these are
    rows           of which rows: m, their total weight, ...
    objective      ours
    theirs         theirs
    standardized   their columns have been standardised beforehand (a step that their parameters do not show)

    >>> from steepest.translation import from_sklearn
    >>> told = from_sklearn(100, C=0.5)
    >>> told.exact, told.objective.l2, told.multiple
    (True, 0.02, 50.0)
    >>> print(told.explain())
    scikit-learn   LogisticRegression(C=0.5)
      theirs   0.5 Σᵢ Lᵢ + ½ Σⱼ wⱼ²
      ours     1/100 Σᵢ Lᵢ + 0.02 · ½ Σⱼ wⱼ²
      so       steepest.fit(X, y, l2=0.02)
      exact    theirs = 50 × ours at every (w, b): they have the same minimiser
    """

    tool: Tool
    rows: Rows
    objective: Penalised
    theirs: Theirs
    standardized: bool = False

    @property
    def exact(self) -> bool:
        """Whether both have the same minimiser on any data; where not, `reasons` says why."""
        return not self.theirs.reasons

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why they cannot be the same; none where it is exact."""
        return self.theirs.reasons

    @property
    def steps(self) -> tuple[str, ...]:
        """What is to be done besides setting parameters."""
        return self.theirs.steps

    @property
    def multiple(self) -> float:
        """theirs(w, b) / ours(w, b), where it is exact: to compare the values that the two report."""
        return self.theirs.multiple

    @property
    def parameters(self) -> dict[str, Any]:
        """Theirs, by their names."""
        return dict(self.theirs.settings)

    @property
    def call(self) -> str:
        """How it is written there."""
        return self.theirs.call

    @property
    def formula_theirs(self) -> str:
        """Their objective with its numbers."""
        return self.theirs.formula + ("" if self.objective.intercept else ", b = 0")

    @property
    def formula_ours(self) -> str:
        """Our objective with its numbers."""
        return our_formula(self.objective, self.rows)

    def explain(self) -> str:
        """Both formulas with their numbers, the two calls, and whether they are the same."""
        weights = ", sample_weight=s" if self.rows.weighted else ""
        options = "".join(f", {name}={assigned(value)}" for name, value in self.objective.options.items())
        lines = [
            f"{self.tool.name}   {self.call}",
            f"  theirs   {self.formula_theirs}",
            f"  ours     {self.formula_ours}",
            f"  so       steepest.fit(X, y{options}{weights})",
        ]
        lines += [f"  besides  {step}" for step in self.steps]
        if self.exact:
            times = f"theirs = {number(self.multiple)} × ours" if self.multiple != 1.0 else "theirs = ours"
            lines.append(f"  exact    {times} at every (w, b): they have the same minimiser")
        lines += [f"  not the same: {reason}" for reason in self.reasons]
        return "\n".join(lines)
