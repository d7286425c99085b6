"""Writing a configuration as TOML, with what its fields mean as comments."""

from __future__ import annotations

import dataclasses
import json
import math
import re
from collections.abc import Mapping
from enum import Enum
from pathlib import Path
from typing import Any, get_args, get_type_hints

from jaxsnn_noise.study.options import rules
from jaxsnn_noise.study.protocol import refuse

NONE = "None"
"""What stands for ``None``, which TOML does not have; the command line has the same word."""


def to_toml(config: Any, header: str = "") -> str:
    """The whole configuration as TOML; attribute docstrings of the fields become comments.

    Args:
        config: An instance of a dataclass.
        header: Text for the first lines, as comments.
    """
    lines = [f"# {line}".rstrip() for line in header.splitlines()]
    _write_table(config, "", lines)
    return "\n".join(lines).strip() + "\n"


def _write_table(config: Any, prefix: str, lines: list[str]) -> None:
    kind: Any = type(config)
    notes = rules(kind)
    nested = []
    for field in dataclasses.fields(config):
        value = getattr(config, field.name)
        if dataclasses.is_dataclass(value):
            nested.append((field.name, value))
            continue
        if value == NONE and isinstance(value, str) and type(None) in get_args(get_type_hints(kind)[field.name]):
            refuse(
                f"config: {prefix}{field.name}",
                "an optional string cannot hold the text that stands for no value",
                value,
            )
        note = notes.get(field.name, "")
        lines.append(f"{_key(field.name)} = {toml_value(value)}" + (f"  # {note}" if note else ""))
    for name, value in nested:
        lines += ["", f"[{prefix}{_key(name)}]" + (f"  # {notes[name]}" if notes.get(name) else "")]
        _write_table(value, f"{prefix}{_key(name)}.", lines)


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else _text(name)


def _text(value: str) -> str:
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")  # JSON escapes all that TOML does, but this


def toml_value(value: Any) -> str:
    """One value in the syntax of TOML.

    Raises:
        TypeError: If TOML has no form for it.
    """
    if isinstance(value, Enum):
        value = value.value
    if hasattr(value, "item") and not getattr(value, "ndim", 1):  # a number of NumPy or JAX
        value = value.item()
    if value is None:
        return _text(NONE)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(int(value))
    if isinstance(value, float):
        return (
            repr(float(value))
            if math.isfinite(value)
            else {math.inf: "inf", -math.inf: "-inf"}.get(float(value), "nan")
        )
    if isinstance(value, (str, Path)):
        return _text(str(value))
    if isinstance(value, (tuple, list)):
        return "[" + ", ".join(map(toml_value, value)) + "]"
    if dataclasses.is_dataclass(value):
        value = {f.name: getattr(value, f.name) for f in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_key(str(k))} = {toml_value(v)}" for k, v in value.items()) + "}"
    raise TypeError(f"{type(value).__name__} has no form in TOML")
