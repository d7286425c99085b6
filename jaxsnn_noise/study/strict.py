"""Values read from a file turned into dataclasses, with no silent conversion, and errors that say where."""

from __future__ import annotations

import dataclasses
import re
import types
from collections.abc import Mapping
from functools import cache
from typing import Any, NoReturn, Union, get_args, get_origin

from jaxsnn_noise.study.protocol import refuse
from jaxsnn_noise.study.toml import NONE


def structure(who: str, plain: Mapping[str, Any], kind: type) -> Any:
    """An instance of the dataclass ``kind`` from nested plain values.

    Raises:
        InputError: If a value has the wrong type, a key is unknown or missing, or the dataclass refuses a value; the
            message opens with ``who`` and the dotted path.
    """
    from cattrs import BaseValidationError
    from cattrs.errors import StructureHandlerNotFoundError

    try:
        return _converter().structure(plain, kind)
    except BaseValidationError as error:
        _refuse_cause(who, plain, error)
    except StructureHandlerNotFoundError as error:
        refuse(who, "has a field of a type that a file cannot hold", error.type_)


@cache
def _converter() -> Any:
    """A cattrs converter that refuses extra keys and converts no type silently (``"3"`` is no number)."""
    from cattrs import Converter

    converter = Converter(forbid_extra_keys=True)
    converter.register_structure_hook(float, lambda v, _: float(_exactly(v, (int, float), "must be a number")))
    converter.register_structure_hook(int, lambda v, _: _exactly(v, (int,), "must be a whole number"))
    converter.register_structure_hook(str, lambda v, _: _exactly(v, (str,), "must be a string"))
    converter.register_structure_hook(bool, lambda v, _: _exactly(v, (bool,), "must be true or false"))
    converter.register_structure_hook_func(_is_union, lambda v, kind: _union(converter, v, kind))
    converter.register_structure_hook_func(
        lambda k: _origin(k) in (tuple, list), lambda v, kind: _array(converter, v, kind)
    )
    converter.register_structure_hook_func(lambda k: _origin(k) is dict, lambda v, kind: _table(converter, v, kind))
    return converter


def _exactly(value: Any, kinds: tuple[type, ...], rule: str) -> Any:
    if (isinstance(value, bool) and bool not in kinds) or not isinstance(value, kinds):
        raise TypeError(rule)
    return value


def _origin(kind: Any) -> Any:
    return get_origin(kind)


def _is_union(kind: Any) -> bool:
    return get_origin(kind) in (Union, types.UnionType)


def _union(converter: Any, value: Any, kind: Any) -> Any:
    members = get_args(kind)
    if type(None) in members and value == NONE:
        return None
    errors = []
    for member in members:
        if member is not type(None):
            try:
                return _one(converter, value, member)
            except Exception as error:
                errors.append(error)
    if len(errors) == 1:
        raise errors[0]
    raise TypeError(f"must be one of {', '.join(getattr(m, '__name__', str(m)) for m in members)}")


def _array(converter: Any, value: Any, kind: Any) -> Any:
    _exactly(value, (list,), "must be an array")
    members = get_args(kind)
    if get_origin(kind) is tuple and members[-1] is not Ellipsis:
        if len(value) != len(members):
            raise TypeError(f"must have {len(members)} entries")
    else:
        members = members[:1] * len(value)
    return get_origin(kind)(_one(converter, v, m, i) for i, (v, m) in enumerate(zip(value, members, strict=True)))


def _table(converter: Any, value: Any, kind: Any) -> Any:
    _exactly(value, (dict,), "must be a table")
    return {key: _one(converter, v, get_args(kind)[1], key) for key, v in value.items()}


def _one(converter: Any, value: Any, kind: Any, index: int | str | None = None) -> Any:
    """One member of an array, table or union; an error remembers where it happened, as those of cattrs do."""
    from cattrs.errors import IterableValidationError, IterableValidationNote

    try:
        if dataclasses.is_dataclass(kind) and not isinstance(value, dict):
            raise TypeError("must be a table")
        return converter.structure(value, kind)
    except Exception as error:
        if index is None:
            raise
        error.add_note(IterableValidationNote(f"at {index}", index, kind))
        raise IterableValidationError("in an array or table", [error], kind) from None


def _first_leaf(error: BaseException, path: str = "") -> tuple[str, BaseException]:
    """The first innermost error of a cattrs group, with the dotted path at which it happened."""
    from cattrs.errors import AttributeValidationNote, IterableValidationNote

    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
        for note in getattr(error, "__notes__", []):
            if isinstance(note, IterableValidationNote):
                path += f"[{note.index}]" if isinstance(note.index, int) else f".{note.index}"
            elif isinstance(note, AttributeValidationNote):
                path += f".{note.name}"
    return path.removeprefix("."), error


def _refuse_cause(who: str, merged: Mapping[str, Any], error: BaseException) -> NoReturn:
    from cattrs.errors import ForbiddenExtraKeysError

    where, cause = _first_leaf(error)
    at = f"{who}: {where}" if where else who
    if isinstance(cause, ForbiddenExtraKeysError):
        refuse(
            at,
            "unknown key",
            sorted(cause.extra_fields)[0],
            known=[f.name for f in dataclasses.fields(cause.cl)],
        )
    if isinstance(cause, KeyError):
        refuse(at, "this key is missing", cause.args[0])
    value: Any = merged
    for name in re.findall(r"[^.\[\]]+", where):
        value = value[int(name) if isinstance(value, list) else name]
    refuse(at, str(cause), value)
