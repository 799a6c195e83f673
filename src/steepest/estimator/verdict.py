"""What the estimators warn of: a fit that was stopped too early, and an optimum that does not exist."""

from __future__ import annotations

import math
import warnings

from sklearn.exceptions import ConvergenceWarning

from steepest.estimator.solving import Settings, Solved

__all__ = ["NoFiniteOptimumWarning", "NotProvedWarning", "warn_of"]

# What programs that filter scikit-learn's warnings look for.
PHRASES = {
    "lbfgs": "lbfgs failed to converge after {n} iteration(s)",
    "newton-cg": "newton-cg failed to converge at iter = {n}",
    "newton-cholesky": "Newton solver did not converge after {n} iterations",
    "sag": "The max_iter was reached which means the coef_ did not converge",
    "saga": "The max_iter was reached which means the coef_ did not converge",
    "liblinear": "Liblinear failed to converge, increase the number of iterations",
}
ROUNDING = 1e-5  # a gap that floating point could not bring down further, and that still deserves a word


class NotProvedWarning(ConvergenceWarning):  # type: ignore[misc]
    """The fit ended before it was proved to be as near to the optimum as `tol` asks; `gap_` says how near it is."""


class NoFiniteOptimumWarning(ConvergenceWarning):  # type: ignore[misc]
    """The classes can be separated and nothing is penalised: coef_ is the last iterate of a way that has no end."""


def warn_of(solved: Solved, settings: Settings, solver: str, C: float) -> None:
    """Warn where the coefficients are not what they were asked to be; silent otherwise."""
    certificate = solved.certificate
    if certificate.exists == "disproved":
        warnings.warn(_separated(solved), NoFiniteOptimumWarning, stacklevel=4)
    elif solved.stopped == "callback":  # whoever asked knows
        return
    elif solved.stopped:
        warnings.warn(_stopped(solved, settings, solver), NotProvedWarning, stacklevel=4)
    elif certificate.gap > max(settings.gap, ROUNDING):
        warnings.warn(
            f"the fit ended ({solved.fits[0].status.value}), and {certificate.sentence}: coef_ may be good, but that "
            f"is not shown. A stronger penalty (C={C:g} now) or fewer columns can be proved.",
            NotProvedWarning,
            stacklevel=4,
        )


def _separated(solved: Solved) -> str:
    witness = solved.certificate.witness
    names = solved.fits[0].feature_names
    where = ""
    if witness is not None:
        some = ", ".join(names[j] for j in witness.columns[:5])
        more = f" and {len(witness.columns) - 5} more columns" if len(witness.columns) > 5 else ""
        where = f": {some}{more} {'separate' if witness.kind == 'complete' else 'partly separate'} the classes"
    return (
        f"no finite optimum exists{where}, and without a penalty the weights grow for ever. coef_ is the last iterate, "
        "not an estimate. Set a finite C, or leave out what separates."
    )


def _stopped(solved: Solved, settings: Settings, solver: str) -> str:
    which = f"the budget of {settings.budget} s" if solved.stopped == "budget" else f"max_iter={settings.max_iter}"
    phrase = PHRASES.get(solver, "stopped after {n} iteration(s)").format(n=solved.iterations)
    gap = solved.certificate.gap
    proved = f"at most {100.0 * gap:.2g} % above the optimum" if math.isfinite(gap) else "no bound on it is known"
    return (
        f"{phrase}. Ended by {which}: {proved}, where {100.0 * settings.gap:.2g} % was asked for. "
        f"Increase the number of iterations (max_iter) or the budget, or loosen tol."
    )
