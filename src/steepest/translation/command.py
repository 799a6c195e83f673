"""Options as they are written on a command line: `-s 0 -c 0.5 -R`, `--bfgs --l2 1e-3`."""

from __future__ import annotations

import shlex
from collections.abc import Collection

__all__ = ["spelled"]


def spelled(text: str, flags: Collection[str]) -> dict[str, str | bool]:
    """The options of a command line by their names, without dashes; what is in `flags` takes no value.

    Raises ValueError for a word that is no option, or an option that lacks its value.

    >>> spelled("--bfgs --l2=1e-3 -b 18", {"bfgs"})
    {'bfgs': True, 'l2': '1e-3', 'b': '18'}
    """
    words, found = shlex.split(text), dict[str, str | bool]()
    while words:
        word = words.pop(0)
        if not word.startswith("-"):
            raise ValueError(f"{word!r} in {text!r} is no option: leave files and other arguments out")
        name, equals, value = word.lstrip("-").partition("=")
        if name in flags:
            found[name] = True
        elif equals or words:
            found[name] = value if equals else words.pop(0)
        else:
            raise ValueError(f"{word} in {text!r} lacks its value")
    return found
