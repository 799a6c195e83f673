"""Where the program meets the shell: exit codes, one line for an error, no traceback, quiet pipes, Ctrl-C.

0 good    1 data or run error    2 usage    3 no finite optimum exists
130 interrupted (128 + SIGINT)    141 reader gone (128 + SIGPIPE)
"""

from __future__ import annotations

import atexit
import gc
import io
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import click

from steepest.errors import DataError

__all__ = ["BROKEN_PIPE", "FAILED", "INTERRUPTED", "SEPARATED", "Surface", "complain"]

FAILED = 1
SEPARATED = 3
INTERRUPTED = 130
BROKEN_PIPE = 141


class Surface(click.Group):
    """The group of commands, with our endings instead of click's."""

    def main(self, args: Sequence[str] | None = None, prog_name: str | None = None, **extra: Any) -> Any:  # type: ignore[override]
        """Run the command and leave with its exit code."""
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, io.TextIOWrapper):  # a name in a script that the terminal lacks is no reason to fail
                stream.reconfigure(errors="backslashreplace")
        extra["standalone_mode"] = False
        code = self._guarded(args, prog_name or "steepest", extra)
        if code == INTERRUPTED and args is None:  # a process of its own
            _leave_at_once(code)
        sys.exit(code)

    def _guarded(self, args: Sequence[str] | None, prog_name: str, extra: dict[str, Any]) -> int:
        try:
            return super().main(args, prog_name, **extra) or 0
        except click.ClickException as error:
            error.show()
            return error.exit_code
        except click.Abort:
            return INTERRUPTED

    def invoke(self, ctx: click.Context) -> int:
        """Run the command asked for; its exit code. Here, for click has endings of its own around it."""
        try:
            code: int = super().invoke(ctx) or 0
            sys.stdout.flush()
            return code
        except DataError as error:
            complain(str(error))
        except KeyboardInterrupt:
            complain("interrupted")
            return INTERRUPTED
        except MemoryError:
            complain("the memory does not suffice for this table; give fewer rows or columns")
        except BrokenPipeError:
            _forget_output()
            return BROKEN_PIPE
        except OSError as error:
            complain(f"the output cannot be written ({error.strerror or error})")
            _forget_output()
        return FAILED


def complain(text: str) -> None:
    """One line on standard error."""
    click.echo(f"steepest: {text}", err=True)


def _leave_at_once(code: int) -> None:
    """What an ordinary end does that others see: files closed and removed, output flushed. Threads, gigabytes and
    compiled code are left to the system: to take them apart took 0.5 … 1.4 s of the second in which Ctrl-C is to work.
    """
    gc.collect()  # temporary files
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    os._exit(code)


def _forget_output() -> None:
    """Nothing more can be written: keep Python from trying once more when it ends."""
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (OSError, ValueError):  # standard output is no file, as in tests
        sys.stdout = io.StringIO()
