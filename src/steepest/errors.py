"""What can be wrong with the user's data, as one sentence: what happened, with which values, and what to do."""

__all__ = ["DataError", "Overtime"]


class DataError(ValueError):
    """The data cannot be fitted, or a file cannot be used; the message is meant for the user, as it stands."""


class Overtime(Exception):  # noqa: N818 - no error: what was asked for
    """The budget ended while rows were being read for an answer; whoever drives the fit makes an end of it."""
