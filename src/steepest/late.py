"""Modules that are loaded when something of them is first needed: what a small fit does without costs it no time."""

from __future__ import annotations

from importlib import import_module
from typing import Any

__all__ = ["Late"]


class Late:
    """Stands for a module until a name of it is asked for.

    >>> Late("math").sqrt(4.0)
    2.0
    """

    def __init__(self, name: str) -> None:
        self._module_name = name

    def __getattr__(self, name: str) -> Any:
        value = getattr(import_module(self._module_name), name)
        setattr(self, name, value)
        return value
