"""What a user can call: the functions and classes behind all public names, as the reference knows them."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

EXTENSION = Path(__file__).parents[2] / "docs" / "_ext" / "public_names.py"


def callables() -> dict[str, Callable[..., Any]]:
    """From dotted name to public function or class."""
    found = {}
    for module, names in public_names().modules().items():
        for name in names:
            value = getattr(importlib.import_module(module), name)
            if callable(value) and getattr(value, "__module__", "").startswith("jaxsnn_noise"):
                found[f"{module}.{name}"] = value
    return found


def parameters(function: Callable[..., Any]) -> dict[str, inspect.Parameter]:
    """The parameters of a function, or of the constructor of a class."""
    try:
        return dict(inspect.signature(function).parameters)
    except ValueError:  # an exception without a constructor of its own
        return {}


def public_names() -> ModuleType:
    """The module that reads the public names from the sources."""
    spec = importlib.util.spec_from_file_location("public_names", EXTENSION)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
