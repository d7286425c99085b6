"""The constructor of a neuron model, made of its fields."""

from __future__ import annotations

import dataclasses
import inspect
import types
from collections.abc import Callable
from typing import Any

from jaxsnn_noise._checks import count, fail
from jaxsnn_noise._typing import per_neuron
from jaxsnn_noise.parameters import as_parameter, fields_of


@dataclasses.dataclass(frozen=True)
class Follows:
    """The default of a parameter that has the values of another one unless it is given."""

    name: str

    def __repr__(self) -> str:
        return f"as {self.name}"


class FromFields:
    """``Model(size, *, name=value, ...)``: its arguments, their defaults and ``help`` are those of the class's fields."""

    def __get__(self, instance: Any, owner: type) -> Any:
        if owner not in _MADE:
            _MADE[owner] = _constructor(owner)
        made = _MADE[owner]
        return made if instance is None else types.MethodType(made, instance)


_MADE: dict[type, Callable[..., None]] = {}


def _constructor(cls: type) -> Callable[..., None]:
    def __init__(self: Any, size: int, **given: Any) -> None:
        _fill(self, size, given)

    __init__.__qualname__ = f"{cls.__qualname__}.__init__"
    __init__.__signature__ = _signature(cls)  # type: ignore[attr-defined]
    return __init__


def _fill(neuron: Any, size: int, given: dict[str, Any]) -> None:
    """Set every field: parameters as one value per neuron, others as given or by their default (``None`` is the default)."""
    name = type(neuron).__name__
    neuron.size = count(f"{name}.size", size)
    declared = dict(fields_of(type(neuron)))
    fields = [field for field in dataclasses.fields(neuron) if field.name != "size"]
    for unknown in given.keys() - {field.name for field in fields}:
        fail(name, "has no such argument", unknown, known=[field.name for field in fields])
    named = {field.name: field for field in fields}
    for field in fields:
        value = given.get(field.name)
        if field.name not in given or (value is None and field.name not in declared):
            value = _default(name, field)
        if isinstance(value, Follows):
            value = given[value.name] if value.name in given else _default(name, named[value.name])
        if field.name in declared and not (value is None and declared[field.name].optional):
            who = f"{name}.{field.name}"
            value = per_neuron(who, as_parameter(who, value), neuron.size)
        setattr(neuron, field.name, value)


def _default(name: str, field: dataclasses.Field[Any]) -> Any:
    if field.default_factory is not dataclasses.MISSING:
        return field.default_factory()
    if field.default is dataclasses.MISSING:
        fail(f"{name}.{field.name}", "has no default and must be given", None)
    return field.default


class _Made:
    """What a signature shows for a default that is made anew in each call: to make it here would start JAX on import."""

    def __init__(self, factory: Any):
        self.factory = factory

    def __repr__(self) -> str:
        return f"{self.factory.__qualname__}()"


def _signature(cls: type) -> inspect.Signature:
    first = [inspect.Parameter(name, inspect.Parameter.POSITIONAL_OR_KEYWORD) for name in ("self", "size")]
    rest = []
    for field in dataclasses.fields(cls):
        default = field.default
        if field.default_factory is not dataclasses.MISSING:
            default = _Made(field.default_factory)
        empty = inspect.Parameter.empty if default is dataclasses.MISSING else default
        if field.name != "size":
            rest.append(inspect.Parameter(field.name, inspect.Parameter.KEYWORD_ONLY, default=empty))
    return inspect.Signature([*first, *rest])
