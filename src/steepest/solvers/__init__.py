"""Solvers are generators: each yields a question about theta and is sent the answer; none ever sees a row.

One line here registers a solver: what it needs of the objective, and how it is made. `iterations`, tolerances,
budgets and Ctrl-C are the driver's business.
"""

from collections.abc import Callable
from dataclasses import dataclass

from steepest.solvers.gradient_descent import gradient_descent
from steepest.solvers.momentum import MOMENTUM, momentum
from steepest.solvers.nesterov import nesterov
from steepest.solvers.newton import newton
from steepest.solvers.step_size import Curvature, largest_curvature
from steepest.types import Floats, Solver

__all__ = ["METHODS", "Curvature", "Method", "largest_curvature"]


@dataclass(frozen=True, slots=True)
class Method:
    """A solver by name.

    start       (theta, learning_rate) -> Solver; learning_rate is None where the method has none
    limit       the largest stable learning rate is limit / lambda_max; 0 where the method chooses its own steps
    spans       whether it only ever adds multiples of gradients to the start (see `gram.py`)
    """

    name: str
    start: Callable[[Floats, float], Solver]
    limit: float
    spans: bool


METHODS = {
    method.name: method
    for method in (
        Method("gd", gradient_descent, 2.0, spans=True),
        Method("momentum", momentum, 2.0 * (1.0 + MOMENTUM), spans=True),
        Method("nesterov", nesterov, 4.0 / 3.0, spans=True),
        Method("newton", lambda theta, _: newton(theta), 0.0, spans=False),
    )
}
