"""Whether fields hold what their annotations say: the check of every constructor for what is no array.

Understood are ``bool``, ``int``, ``float``, ``str``, ``None``, classes, unions, and tuples, lists and mappings of these. Arrays have
checks of their own (:mod:`jaxsnn_noise.parameters`); of anything else nothing is asked.
"""

from __future__ import annotations

import collections.abc
import dataclasses
import functools
import inspect
import sys
import types
import typing
from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import numpy as np

from jaxsnn_noise._checks import fail

_UNIONS = (typing.Union, types.UnionType)
_PLAIN: dict[type, tuple[tuple[type, ...], str]] = {
    bool: ((bool, np.bool_), "True or False"),
    int: ((int, np.integer), "a whole number"),
    float: ((float, int, np.floating, np.integer), "one number"),
    str: ((str,), "a text"),
    type(None): ((type(None),), "None"),
}


def check_fields(who: str, module: Any) -> None:
    """Every field of a module is of the kind that its annotation says.

    Raises:
        InputError: who (with the field), what it must be, the value.
    """
    rules: Callable[[Any], Any] = _rules
    for name, holds, rule in rules(type(module)):
        value = getattr(module, name, None)
        if holds(value):
            continue
        hint = _hint(type(module), name)
        if typing.get_origin(hint) in (dict, collections.abc.Mapping) and isinstance(value, collections.abc.Mapping):
            of = typing.get_args(hint)[1]
            for key, one in value.items():  # the one that is wrong says more than all of them
                if isinstance(key, str) and not _holds(of, one):
                    fail(f"{who}.{name}[{key!r}]", f"must be {_words(of)}", one)
        fail(f"{who}.{name}", rule, value)


@functools.cache
def _rules(cls: type) -> tuple[tuple[str, Callable[[Any], bool], str], ...]:
    """Of each field that can be checked: its name, the check, and the rule in words."""
    found = []
    for field in dataclasses.fields(cls) if dataclasses.is_dataclass(cls) else ():
        hint = _hint(cls, field.name)
        if _understood(hint):
            found.append((field.name, functools.partial(_holds, hint), f"must be {_words(hint)}"))
    return tuple(found)


def _hint(cls: type, name: str) -> Any:
    """The annotation of a field, where it can be known while a program runs; else ``Any``."""
    for base in cls.__mro__:
        said = vars(base).get("__annotations__", {}).get(name)
        if said is not None:
            try:
                return eval(said, vars(sys.modules[base.__module__])) if isinstance(said, str) else said
            except (NameError, TypeError, AttributeError, SyntaxError, KeyError):
                return Any
    return Any


def _understood(hint: Any) -> bool:
    origin, inside = typing.get_origin(hint), typing.get_args(hint)
    if hint in _PLAIN or hint is None:
        return True
    if origin in _UNIONS:
        return all(_understood(one) for one in inside)
    if origin in (tuple, list, dict, collections.abc.Mapping):
        return all(one is Ellipsis or one is Any or _understood(one) for one in inside)
    if origin is collections.abc.Callable:
        return True
    return inspect.isclass(hint) and issubclass(hint, eqx.Module)


def _holds(hint: Any, value: Any) -> bool:
    origin, inside = typing.get_origin(hint), typing.get_args(hint)
    if hint is Any:
        return True
    if hint is None:
        return value is None
    if hint in _PLAIN:
        kinds = _PLAIN[hint][0]
        return isinstance(value, kinds) and (hint is bool or not isinstance(value, (bool, np.bool_)))
    if origin in _UNIONS:
        return any(_holds(one, value) for one in inside)
    if origin is collections.abc.Callable:
        return callable(value)
    if origin is tuple:
        if not isinstance(value, tuple):
            return False
        if len(inside) == 2 and inside[1] is Ellipsis:
            return all(_holds(inside[0], one) for one in value)
        return len(value) == len(inside) and all(_holds(i, one) for i, one in zip(inside, value, strict=True))
    if origin is list:
        return isinstance(value, list) and all(_holds(inside[0], one) for one in value)
    if origin in (dict, collections.abc.Mapping):
        return isinstance(value, collections.abc.Mapping) and all(
            _holds(inside[0], k) and _holds(inside[1], v) for k, v in value.items()
        )
    return isinstance(value, hint) or _stands_in(value)


def _stands_in(value: Any) -> bool:
    """What JAX and Equinox put in the place of parts while they take trees apart."""
    return type(value) is object or isinstance(value, (jax.ShapeDtypeStruct, jax.core.Tracer))


def _words(hint: Any) -> str:
    origin, inside = typing.get_origin(hint), typing.get_args(hint)
    if hint is Any:
        return "anything"
    if hint in _PLAIN:
        return _PLAIN[hint][1]
    if hint is None:
        return "None"
    if origin in _UNIONS:
        return " or ".join(_words(one) for one in inside)
    if origin is collections.abc.Callable:
        return "a function"
    if origin is tuple:
        if len(inside) == 2 and inside[1] is Ellipsis:
            return f"a tuple, each of which is {_words(inside[0])}"
        return f"a tuple of {len(inside)}: " + ", ".join(_words(one) for one in inside)
    if origin is list:
        return f"a list, each of which is {_words(inside[0])}"
    if origin in (dict, collections.abc.Mapping):
        return f"a mapping from {_words(inside[0])} to {_words(inside[1])}"
    return f"of the kind {hint.__name__}" + _members(hint)


def _members(cls: Any) -> str:
    """A few classes below a class, as examples."""
    below = sorted(_concrete(cls), key=lambda one: one.__name__)
    return f", e.g. {', '.join(f'{one.__name__}(...)' for one in below[:3])}" if below else ""


def _concrete(cls: Any) -> set[Any]:
    found = set()
    for child in cls.__subclasses__():
        found |= _concrete(child) | (set() if inspect.isabstract(child) else {child})
    return {one for one in found if one.__module__.startswith("jaxsnn_noise.")}
