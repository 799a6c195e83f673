"""Modules that are loaded when something of them is first needed: what a small fit does without costs it no time."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType
from typing import Any

__all__ = ["Late"]


class Late:
    """Stands for a module, which is loaded when a name of it is asked for; names are set and deleted in the module.

    >>> Late("math").sqrt(4.0)
    2.0
    """

    __slots__ = ("_stands_for",)

    def __init__(self, name: str) -> None:
        object.__setattr__(self, "_stands_for", name)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._module(), name)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self._module(), name, value)

    def __delattr__(self, name: str) -> None:
        delattr(self._module(), name)

    def _module(self) -> ModuleType:
        return import_module(object.__getattribute__(self, "_stands_for"))
