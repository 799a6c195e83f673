"""The one place where modules are loaded late: command bodies, and what draws."""

from importlib import import_module
from typing import Any

__all__ = ["command", "module"]


def module(name: str) -> Any:
    """The module `steepest.cli.<name>`."""
    return import_module(f"steepest.cli.{name}")


def command(name: str, options: Any) -> int:
    """Run the body of a command; its exit code."""
    code: int = module(name).run(options)
    return code
