"""DuckDB, as it is used here: alone in memory, without extensions from the network; and what it says, in one line."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

from steepest.data.files.arrow_stream import StreamError
from steepest.data.files.inputs import Input, check_unchanged
from steepest.data.quoting import safe
from steepest.errors import DataError

__all__ = ["connected", "engine_error", "reason"]

LONGEST = 200
INTERRUPTED = "Query interrupted"  # what DuckDB makes of Ctrl-C while it waits for rows
FIXED = {
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "preserve_insertion_order": True,
}


@contextmanager
def connected(one: Input, threads: int | None = None, memory: int | None = None) -> Iterator[Any]:
    """A connection to read one file with; what goes wrong is a DataError that names the file."""
    duckdb = import_module("duckdb")
    config: dict[str, Any] = dict(FIXED)
    if threads is not None:
        config["threads"] = threads
    if memory is not None:
        config["memory_limit"] = f"{memory // 1000}kB"
    connection = duckdb.connect(":memory:", config=config)
    try:
        connection.execute("SET enable_progress_bar = false")  # it would be drawn into the output
        yield connection
    except (engine_error(), StreamError) as error:
        check_unchanged(one)  # a file that was cut off meanwhile looks damaged
        raise DataError(f"{one.shown}: {reason(str(error))}") from None
    except RuntimeError as error:
        if str(error) == INTERRUPTED:
            raise KeyboardInterrupt from None
        raise
    finally:
        connection.close()


def engine_error() -> type[Exception]:
    """The class of what DuckDB raises."""
    error: type[Exception] = import_module("duckdb").Error
    return error


def reason(said: str) -> str:
    """The first sentence of what DuckDB says, without its advice."""
    line = next((line for line in said.splitlines() if line.strip()), "it cannot be read")
    return f"it cannot be read ({safe(line.strip(), LONGEST)}); is it damaged? Write it again, or fetch it again"
