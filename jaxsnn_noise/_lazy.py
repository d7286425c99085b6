"""Public names that are loaded when they are first asked for (PEP 562).

A script uses a few neurons, sources and statistics of the dozens that there are; each is a file of classes, which take a
millisecond apiece to make.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Callable, Mapping
from typing import Any

from jaxsnn_noise.collecting import seldom_collected


def lazily(package: str, homes: Mapping[str, str]) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """The ``__getattr__`` and ``__dir__`` of a package whose names live in other modules.

    Args:
        package: Its ``__name__``.
        homes: From module, below the package or of another one of ours, to the names that it has, in one text; no name at all
            makes the module itself a public name. A name that is also that of a module below the package would be hidden by it.

    Returns:
        Both functions. Through the first are also found ``__all__``, and every module below the package, which otherwise were
        there or not by what had been imported before.
    """
    home = {name: module for module, names in homes.items() for name in names.split() or [module]}
    listed = sorted(home)

    def load(name: str) -> Any:
        if name == "__all__":
            return listed
        if name not in home and not _is_module(package, name):
            raise AttributeError(f"module {package!r} has no attribute {name!r}", name=name, obj=sys.modules[package])
        module = home.get(name, name)
        with seldom_collected():
            found = importlib.import_module(module if module.startswith("jaxsnn_noise.") else f"{package}.{module}")
        value = found if module == name else getattr(found, name)
        setattr(sys.modules[package], name, value)
        return value

    return load, lambda: listed


def _is_module(package: str, name: str) -> bool:
    """Whether a module of the package has this name."""
    return not name.startswith("_") and importlib.util.find_spec(f"{package}.{name}") is not None
