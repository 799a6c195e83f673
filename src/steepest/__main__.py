"""The command `steepest`, also as `python -m steepest`: Ctrl-C is obeyed from here on, while the rest still loads."""

import sys
from importlib import import_module

__all__ = ["run"]

INTERRUPTED = 130


def run() -> None:
    """Load the command line and hand over to it."""
    try:
        main = import_module("steepest.cli").main
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    main(prog_name="steepest")


if __name__ == "__main__":
    run()
