"""How the contract suites find the members of a family: by themselves, in every file of the package."""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import pkgutil
from types import ModuleType
from typing import Any, TypeVar

import numpy as np

import jaxsnn_noise
from jaxsnn_noise.parameters import fields_of
from jaxsnn_noise.ranges import Range

T = TypeVar("T")


def members(base: type[T], within: str = "jaxsnn_noise") -> list[type[T]]:
    """The concrete classes below ``base`` (itself included) in the package ``within``, by name.

    Files that no ``__init__`` mentions are imported too, so a member in a new file cannot hide.
    """
    _import_all(jaxsnn_noise)
    found = {cls for cls in _below(base) if cls.__module__.split(".")[0] == within}
    return sorted(found, key=lambda cls: (cls.__module__, cls.__qualname__))


def example(cls: Any) -> Any:
    """The member's own example, or one made of its declarations: a policy need not write any."""
    if hasattr(cls, "example"):
        return cls.example()
    said = dict(fields_of(cls))
    return cls(**{field.name: _inside(said[field.name].range) for field in _needed(cls)})


def _needed(cls: Any) -> list[dataclasses.Field[Any]]:
    missing = dataclasses.MISSING
    return [f for f in dataclasses.fields(cls) if f.default is missing and f.default_factory is missing]


def _inside(range_: Any) -> float:
    ends = range_.ends() if isinstance(range_, Range) else None
    assert ends is not None, "a parameter whose range depends on others needs an example"
    middle = 0.5 * (max(ends[0], -4.0) + min(ends[1], 4.0))
    return float(np.floor(middle)) if range_.whole else middle


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
