"""scikit-learn's callbacks (`sklearn.callback`, from 1.9 on, experimental): progress bars, monitors, early stops.

A fit is a task whose subtasks are its updates, as in scikit-learn's own LogisticRegression: a subtask begins with the
weights before an update and ends with those after it, and an empty one follows the last. In older versions, and where
nobody listens, nothing happens.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from steepest.estimator.arrival import Arrived
from steepest.types import Floats

try:
    from sklearn.callback import CallbackSupportMixin, with_callbacks
except ImportError:  # scikit-learn before 1.9

    class CallbackSupportMixin:  # type: ignore[no-redef]
        """Nothing to support."""

    def with_callbacks(method: Any) -> Any:
        """The method itself."""
        return method


__all__ = ["CallbackSupportMixin", "Tasks", "tasks_of", "with_callbacks"]

Attributes = Callable[[Floats, Floats], dict[str, Any]]


class Tasks:
    """The tree of tasks of one fit: `update` at every iterate, `close` at the end.

    attributes   (coef, intercept) -> the fitted attributes of the estimator that callbacks are given
    """

    def __init__(self, estimator: Any, arrived: Arrived, y: Any, most: int | None, attributes: Attributes) -> None:
        self.root = estimator._init_callback_context(max_subtasks=most)
        metadata = None if arrived.weight is None else {"sample_weight": arrived.weight}
        self.seen = {"estimator": estimator, "X": arrived.model, "y": y, "metadata": metadata}
        self.attributes = attributes
        self.open: Any = None
        self.root.call_on_fit_task_begin(**self.seen)

    def update(self, coef: Floats, intercept: Floats) -> bool:
        """The iterate before an update; whether a callback asks to stop."""
        stop = self._end(coef, intercept)
        self._begin(coef, intercept)
        return stop

    def close(self, coef: Floats, intercept: Floats) -> None:
        """The last iterate; the estimator holds it already."""
        if self.open is None:  # no update was made: a subtask all the same, as scikit-learn has it
            self._begin(coef, intercept)
        self._end(coef, intercept)
        self._begin(coef, intercept)
        self.open.call_on_fit_task_end(estimator=self.seen["estimator"])
        self.root.call_on_fit_task_end(**self.seen, reconstruction_attributes={})

    def _begin(self, coef: Floats, intercept: Floats) -> None:
        self.open = self.root.subcontext(task_name="lbfgs-iter")
        self.open.call_on_fit_task_begin(**self.seen, reconstruction_attributes=self.attributes(coef, intercept))

    def _end(self, coef: Floats, intercept: Floats) -> bool:
        if self.open is None:
            return False
        made = self.attributes(coef, intercept)
        return bool(self.open.call_on_fit_task_end(**self.seen, reconstruction_attributes=made))


def tasks_of(estimator: Any, arrived: Arrived, y: Any, most: int | None, attributes: Attributes) -> Tasks | None:
    """The tasks of a fit that somebody listens to, else None."""
    given = estimator.__dict__
    if "_skl_callbacks" not in given and "_parent_callback_ctx" not in given:
        return None
    return Tasks(estimator, arrived, y, most, attributes)
