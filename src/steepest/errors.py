"""What can be wrong with the user's data, as one sentence: what happened, with which values, and what to do."""

__all__ = ["DataError"]


class DataError(ValueError):
    """The data cannot be fitted, or a file cannot be used; the message is meant for the user, as it stands."""
