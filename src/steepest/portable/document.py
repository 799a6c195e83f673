"""The parts of a model as plain data, and back. What may be in a document is checked in `data/model_fields.py`."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from steepest.portable.parts import Ending, Made, Minimised, Parity, Provenance, Reach
from steepest.proof.certificate import Certificate
from steepest.scaling import Scaling
from steepest.types import Floats

__all__ = ["Parts", "parts_of", "plain", "read_only", "written"]

Parts = tuple[Made, Minimised, Ending, Certificate, float | None, Provenance, Reach | None, Parity]


def read_only(values: ArrayLike) -> Floats:
    """A copy that nobody can change."""
    array = np.array(values, dtype=np.float64)
    array.flags.writeable = False
    return array


def plain(values: Floats | None, infinite: bool = False) -> Any:
    """An array as lists; where it may be `infinite`, None stands there."""
    if values is None or not infinite:
        return None if values is None else values.tolist()
    return [value if math.isfinite(value) else None for value in values.tolist()]


def written(
    minimised: Minimised, ending: Ending, certificate: Certificate, verifiable_gap: float | None, rows: Provenance
) -> dict[str, Any]:
    """The objects `objective`, `fit`, `certificate` and `data` of a model file."""
    return {
        "objective": {
            "l2": float(minimised.l2),
            "l1": float(minimised.l1),
            "factors": plain(minimised.factors),
            "lower": plain(minimised.lower, infinite=True),
            "upper": plain(minimised.upper, infinite=True),
            "intercept": minimised.intercept,
            "standardize": minimised.standardize,
            "class_weights": None if minimised.class_weights is None else list(minimised.class_weights),
            "strengths": plain(minimised.strengths),
        },
        "fit": {
            "method": ending.method,
            "learning_rate": ending.learning_rate,
            "iterations": ending.iterations,
            "passes": ending.passes,
            "status": ending.status,
            "cost": float(ending.cost),
            "value": float(ending.value),
        },
        "certificate": {
            "gap": _finite(certificate.gap),
            "max_probability_error": float(certificate.max_probability_error),
            "max_coefficient_error": _finite(certificate.max_coefficient_error),
            "exists": certificate.exists,
            "verifiable_gap": verifiable_gap,
        },
        "data": {
            "file": rows.file,
            "weights": rows.weights,
            "rows": rows.rows,
            "counts": None if rows.counts is None else list(rows.counts),
            "form": rows.form,
            "sha256": rows.sha256,
            "ranges": None if rows.ranges is None else [None if each is None else list(each) for each in rows.ranges],
            "centre": None if rows.frame is None else plain(rows.frame.centre),
            "scale": None if rows.frame is None else plain(rows.frame.scale),
        },
    }


def parts_of(document: dict[str, Any]) -> Parts:
    """The parts in a checked document."""
    made, fitted, claim = document["made"], document["fit"], document["certificate"]
    gap, error = claim["gap"], claim["max_coefficient_error"]
    certificate = Certificate(
        math.inf if gap is None else gap,
        claim["max_probability_error"],
        math.inf if error is None else error,
        claim["exists"],
    )
    ending = Ending(
        fitted["method"], fitted["learning_rate"], fitted["iterations"], fitted["status"], fitted["cost"],
        fitted["value"], fitted["passes"],
    )  # fmt: skip
    reach = document["reach"]
    return (
        Made(made["steepest"], made["date"]),
        _minimised(document["objective"]),
        ending,
        certificate,
        claim["verifiable_gap"],
        _provenance(document["data"]),
        None if reach is None else Reach(read_only(reach["weights"]), reach["intercept"]),
        _parity(document["parity"]),
    )


def _minimised(objective: dict[str, Any]) -> Minimised:
    def array(name: str, missing: float = 0.0) -> Floats | None:
        values = objective[name]
        return None if values is None else read_only([missing if value is None else value for value in values])

    weights = objective["class_weights"]
    return Minimised(
        objective["l2"], objective["l1"], array("factors"), array("lower", -math.inf), array("upper", math.inf),
        objective["intercept"], objective["standardize"], None if weights is None else tuple(weights),
        array("strengths"),
    )  # fmt: skip


def _provenance(data: dict[str, Any]) -> Provenance:
    frame = None if data["centre"] is None else Scaling(read_only(data["centre"]), read_only(data["scale"]))
    ranges = data["ranges"]
    return Provenance(
        data["file"], data["weights"], data["rows"], None if data["counts"] is None else tuple(data["counts"]),
        data["sha256"], data["form"],
        None if ranges is None else tuple(None if each is None else (each[0], each[1]) for each in ranges), frame,
    )  # fmt: skip


def _parity(parity: dict[str, Any]) -> Parity:
    rows, z, probability = (tuple(tuple(row) for row in parity[name]) for name in ("rows", "z", "probability"))
    return Parity(rows, z, probability, parity["missing"], parity["unseen"], parity["out_of_range"])


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
