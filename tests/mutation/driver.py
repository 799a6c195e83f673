"""What every file of mutants does with its two tables: CHECKS by module, and MUTANTS of (name, module, old, new text).

    test_the_unchanged_source_passes, test_mutant_is_caught, test_names_are_unique = checks_of(CHECKS, MUTANTS)

A changed source runs as a module of its own, in this process; nothing on disk is touched.
"""

import sys
import types
from pathlib import Path

import numpy as np
import pytest

import steepest
from steepest.conformance import check_solver  # noqa: F401 - loads what modules of the package need

SOURCE = Path(steepest.__file__).parent


def load(name, old="", new=""):
    """The module of that file with `old` replaced by `new`; it is in no way registered."""
    source = (SOURCE / name).read_text(encoding="utf-8")
    if old:
        assert source.count(old) == 1, f"{name} holds {old!r} {source.count(old)} times: rewrite this mutant"
        source = source.replace(old, new)
    module = types.ModuleType(f"mutant_of_{name.replace('/', '_').removesuffix('.py')}")
    module.np = np
    sys.modules[module.__name__] = module  # dataclasses look their module up
    try:
        exec(compile(source, name, "exec"), module.__dict__)
    finally:
        del sys.modules[module.__name__]
    return module


def checks_of(checks, mutants, loaded=load):
    """The tests of a file of mutants: unchanged sources pass, every mutant is caught, and no name stands twice.

    `checks` are functions of what `loaded` returns, by module.
    """
    names = [mutant[0] for mutant in mutants]

    @pytest.mark.parametrize("name", checks)
    def unchanged(name):
        checks[name](loaded(name))

    @pytest.mark.parametrize(("name", "old", "new"), [mutant[1:] for mutant in mutants], ids=names)
    def caught(name, old, new):
        module = loaded(name, old, new)
        # A verdict, or a refusal of what is read-only: a NameError would tell of a mutant's text, not of what it does.
        with np.errstate(all="ignore"), pytest.raises((AssertionError, ValueError)):
            checks[name](module)

    def unique():
        assert len(set(names)) == len(names)
        assert {mutant[1] for mutant in mutants} == set(checks)

    return unchanged, caught, unique
