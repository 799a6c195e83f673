"""A fresh process that imports a solver and fits once: `python -m benchmarks.cold FOLDER SOLVER THREADS`.

Prints as JSON the seconds of NumPy's import, of everything else that the solver imports, and of the first fit at
defaults. `scipy.sparse`, which reads the data, is imported outside the clock, for every solver alike.
"""

import json
import os
import sys
import time
import warnings
from importlib import import_module
from pathlib import Path

START = time.perf_counter()


def main() -> None:
    """Import, fit, print."""
    channel = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    warnings.simplefilter("ignore")
    import_module("numpy")
    numpy = time.perf_counter() - START
    nouns, peers = import_module("benchmarks.problem"), import_module("benchmarks.peers")
    problem = nouns.load(Path(sys.argv[1]))
    start = time.perf_counter()
    try:
        default = next(peers.candidates(sys.argv[2], problem, int(sys.argv[3])))
    except nouns.Declined as reason:
        channel.write(json.dumps({"declined": str(reason)}) + "\n")
        return
    imported = time.perf_counter()
    default.run()
    found = {"numpy": numpy, "import": imported - start, "first_fit": time.perf_counter() - imported}
    channel.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    main()
