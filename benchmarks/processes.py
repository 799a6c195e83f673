"""The other end of `worker.py`: start a process for a solver, ask it for a setting, end it when it takes too long."""

from __future__ import annotations

import json
import os
import selectors
import subprocess
import sys
from pathlib import Path
from typing import Any

__all__ = ["Worker", "cold_start", "environment"]

ROOT = Path(__file__).parents[1]
LOADING = 180.0  # seconds for loading the data and warming up
POOLS = ("OMP", "OPENBLAS", "MKL", "NUMBA", "BLIS", "VECLIB_MAXIMUM")


def environment(threads: int) -> dict[str, str]:
    """The environment in which every thread pool has `threads` threads."""
    paths = [str(ROOT), str(ROOT / "src"), os.environ.get("PYTHONPATH", "")]
    pools = {f"{pool}_NUM_THREADS": str(threads) for pool in POOLS}
    return os.environ | pools | {"PYTHONPATH": os.pathsep.join(path for path in paths if path)}


class Worker:
    """A process with the data of one cell and one solver; a context that ends it."""

    def __init__(self, folder: Path, solver: str, threads: int, tiny: bool, log: Any) -> None:
        command = [sys.executable, "-m", "benchmarks.worker", str(folder), solver, str(threads)]
        self.folder, self.solver = folder, solver
        self._process = subprocess.Popen(
            command + ["--tiny"] * tiny, cwd=ROOT, env=environment(threads), stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=log,
        )  # fmt: skip
        self._rest = b""
        hello = self._receive(LOADING)
        self.declined: str | None = hello.get("declined") or hello.get("error")
        self.settings: list[tuple[str, str]] = [(v, s) for v, s in hello.get("settings", [])]

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, *what: object) -> None:
        self.end()

    @property
    def alive(self) -> bool:
        """Can it be asked?"""
        return self._process.poll() is None

    def run(self, setting: int, timeout: float) -> dict[str, Any]:
        """What the worker measured, or {"error": why}."""
        try:
            self._send(f"{setting}\n".encode())
        except (BrokenPipeError, OSError):
            return {"error": "the process has ended"}
        return self._receive(timeout)

    def end(self) -> None:
        """Kill it if it still runs."""
        if self.alive:
            self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()

    def _send(self, line: bytes) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(line)
        self._process.stdin.flush()

    def _receive(self, timeout: float) -> dict[str, Any]:
        assert self._process.stdout is not None
        with selectors.DefaultSelector() as selector:
            selector.register(self._process.stdout, selectors.EVENT_READ)
            while b"\n" not in self._rest:
                if not selector.select(timeout):
                    self._process.kill()
                    self._process.wait()
                    return {"error": f"more than {timeout:.3g} s"}
                more = os.read(self._process.stdout.fileno(), 65536)
                if not more:
                    return {"error": f"the process died (exit code {self._process.wait()})"}
                self._rest += more
        line, self._rest = self._rest.split(b"\n", 1)
        found: dict[str, Any] = json.loads(line)
        return found


def cold_start(folder: Path, solver: str, threads: int, timeout: float) -> dict[str, Any]:
    """Import and first fit in a fresh process."""
    command = [sys.executable, "-m", "benchmarks.cold", str(folder), solver, str(threads)]
    try:
        done = subprocess.run(
            command, cwd=ROOT, env=environment(threads), capture_output=True, timeout=timeout, check=False
        )
        found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    except (subprocess.TimeoutExpired, IndexError, ValueError) as error:
        return {"error": type(error).__name__}
    return found
