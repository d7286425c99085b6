"""How the contract suites find the members of a family: by themselves, in every file of the package."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from types import ModuleType
from typing import TypeVar

import jaxsnn_noise

T = TypeVar("T")


def members(base: type[T], within: str = "jaxsnn_noise") -> list[type[T]]:
    """The concrete classes below ``base`` (itself included) in the package ``within``, by name.

    Files that no ``__init__`` mentions are imported too, so a member in a new file cannot hide.
    """
    _import_all(jaxsnn_noise)
    found = {cls for cls in _below(base) if cls.__module__.split(".")[0] == within}
    return sorted(found, key=lambda cls: (cls.__module__, cls.__qualname__))


def label(cls: type) -> str:
    """The name of a member in the list of tests."""
    return cls.__qualname__


def _below(base: type[T]) -> set[type[T]]:
    found = set() if inspect.isabstract(base) else {base}
    for child in base.__subclasses__():
        found |= _below(child)
    return found


def _import_all(package: ModuleType) -> None:
    for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        if not module.name.split(".")[-1].startswith("_"):  # private files belong to one that is imported
            importlib.import_module(module.name)
