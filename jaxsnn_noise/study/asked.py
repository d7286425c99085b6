"""A configuration as the command line asks for it: every field with its meaning and its rule as help."""

from __future__ import annotations

import dataclasses
import typing
from typing import Annotated, Any

from jaxsnn_noise.study.options import rules
from jaxsnn_noise.study.protocol import refuse


def as_asked(kind: type) -> type:
    """The dataclass with help at its fields, as a class below it whose instances may hold any values."""
    import tyro

    hints, texts = typing.get_type_hints(kind), rules(kind)
    fields: list[Any] = []
    for one in dataclasses.fields(kind):
        hint = hints[one.name]
        shown: Any = as_asked(hint) if isinstance(hint, type) and dataclasses.is_dataclass(hint) else hint
        if texts[one.name]:
            shown = Annotated[shown, tyro.conf.arg(help=texts[one.name])]
        fields.append((one.name, shown, _plain(one)))
    free = {"__post_init__": lambda self: None}  # the parser has no words for what it raises
    return dataclasses.make_dataclass(kind.__name__, fields, bases=(kind,), namespace=free, frozen=True)


def remade(config: Any, kind: type, who: str = "") -> Any:
    """The values of a configuration in another class of the same fields.

    Raises:
        InputError: The class refuses them; ``who`` opens the message.
    """
    hints = typing.get_type_hints(kind)
    values = {one.name: getattr(config, one.name) for one in dataclasses.fields(kind)}
    for name, value in values.items():
        if dataclasses.is_dataclass(hints[name]):
            values[name] = remade(value, hints[name], f"{who}{'.' if who[-1:].isalnum() else ''}{name}")
    try:
        return kind(**values)
    except ValueError as error:
        from jaxsnn_noise._checks import InputError

        if isinstance(error, InputError):
            raise
        refuse(who.rstrip("- :") or "config", str(error), values)


def _plain(one: dataclasses.Field[Any]) -> Any:
    options = {name: getattr(one, name) for name in ("default", "default_factory", "init", "repr", "kw_only")}
    return dataclasses.field(**options, metadata=dict(one.metadata))
