"""Configurations of studies: presets, TOML files, and the record of what was resolved.

A TOML file holds any part of a configuration; what it does not name keeps the value of the preset. ``to_toml`` writes
all of it, and reading that back gives an equal configuration, whatever the preset. TOML has no null: ``None`` is
written as the string ``"None"``, as on the command line, so an optional *string* field cannot hold the text ``None``.
"""

from __future__ import annotations

import dataclasses
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jaxsnn_noise.study.protocol import near_names, refuse
from jaxsnn_noise.study.strict import structure
from jaxsnn_noise.study.toml import to_toml, toml_value


def read_toml(file: str | Path, base: Any) -> Any:
    """``base`` with the values of a TOML file put over it.

    Args:
        file: A TOML file with any part of the configuration.
        base: The configuration (a preset) whose values hold where the file says nothing.

    Raises:
        InputError: If the file is missing or not TOML, or a key is unknown (its dotted path and near matches are
            named), or a value has the wrong type or breaks a rule of the configuration.
    """
    path = Path(file).expanduser()
    if not path.is_file():
        near = near_names(path.name, (f.name for f in path.parent.glob("*.toml")))
        refuse("config", f"no such file (in {path.parent})", path.name, known=near)
    try:
        mapping = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        refuse(f"config {path.name}", "must be a TOML file", str(error))
    return override(base, mapping, f"config {path.name}")


def override(base: Any, mapping: Mapping[str, Any], who: str = "config") -> Any:
    """``base`` with some of its fields replaced, nested fields as nested mappings.

    Raises:
        InputError: As ``read_toml``; ``who`` opens the message.
    """
    known = paths(base)
    _refuse_unknown(base, mapping, "", known, who)
    return structure(who, _merged(base, mapping), type(base))


def paths(config: Any, prefix: str = "") -> list[str]:
    """Dotted names of all fields, outer ones first."""
    found = []
    for field in dataclasses.fields(config):
        value = getattr(config, field.name)
        found.append(prefix + field.name)
        if dataclasses.is_dataclass(value):
            found += paths(value, f"{prefix}{field.name}.")
    return found


def differences(a: Any, b: Any) -> list[str]:
    """Dotted names of the fields in which two configurations of one type differ."""
    plain_a, plain_b = _leaves(a), _leaves(b)
    same = {
        k for k in plain_a.keys() & plain_b.keys() if plain_a[k] == plain_b[k] or repr(plain_a[k]) == repr(plain_b[k])
    }
    return sorted((plain_a.keys() | plain_b.keys()) - same)  # by repr too: nan is not equal to itself


def check_round_trip(who: str, config: Any) -> None:
    """Writing a configuration and reading it back gives an equal one.

    Raises:
        InputError: If it does not (a field of a type that TOML cannot tell apart, such as a union of dataclasses).
    """
    try:
        back = override(config, tomllib.loads(to_toml(config)), who)
    except (TypeError, LookupError) as error:
        refuse(
            who,
            "must hold numbers, strings, booleans, paths, enums, tuples, dicts and dataclasses of these",
            error,
        )
    if changed := differences(config, back):
        refuse(
            who,
            "written as TOML it must be read back as it was; annotate these fields with plain types",
            changed,
        )


def _refuse_unknown(base: Any, mapping: Mapping[str, Any], prefix: str, known: list[str], who: str) -> None:
    fields = {f.name for f in dataclasses.fields(base)}
    for key, value in mapping.items():
        if key not in fields:
            refuse(who, "unknown key", prefix + key, known=known)
        inner = getattr(base, key)
        if dataclasses.is_dataclass(inner):
            if not isinstance(value, Mapping):
                refuse(f"{who}: {prefix}{key}", f"must be a table with {', '.join(paths(inner))}", value)
            _refuse_unknown(inner, value, f"{prefix}{key}.", known, who)


def _merged(base: Any, mapping: Mapping[str, Any]) -> dict[str, Any]:
    """The base as nested dicts of dataclass fields, with the mapping over it."""
    merged = {}
    for field in dataclasses.fields(base):
        value = getattr(base, field.name)
        if dataclasses.is_dataclass(value) and not isinstance(value, type):
            merged[field.name] = _merged(value, mapping.get(field.name, {}))
        else:
            merged[field.name] = mapping[field.name] if field.name in mapping else _plain(value)
    return merged


def _plain(value: Any) -> Any:
    return tomllib.loads(f"x = {toml_value(value)}")["x"]  # one road for values, from a preset or from a file


def _leaves(config: Any) -> dict[str, Any]:
    found = {}
    for path in paths(config):
        value = config
        for name in path.split("."):
            value = getattr(value, name)
        if not dataclasses.is_dataclass(value):
            found[path] = value
    return found
