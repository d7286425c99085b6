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

from jaxsnn_noise.study.options import check_config
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
    if isinstance(base, type) or not dataclasses.is_dataclass(base):
        refuse("read_toml.base", "must be a configuration, as study.preset(...) is", base)
    path = Path(file).expanduser()
    if not path.is_file():
        near = near_names(path.name, (f.name for f in path.parent.glob("*.toml")))
        refuse("config", f"no such file (in {path.parent})", path.name, known=near)
    return read_text(f"config {path.name}", path.read_bytes(), base)


def read_text(who: str, content: str | bytes, base: Any) -> Any:
    """``read_toml`` of a text, or of the bytes of a file; a byte-order mark before UTF-8 is passed over."""
    try:
        text = content if isinstance(content, str) else content.decode("utf-8-sig")
        mapping = tomllib.loads(text)
    except UnicodeDecodeError as error:
        assert isinstance(content, bytes)
        wide = content.startswith((b"\xff\xfe", b"\xfe\xff"))
        rule = ": this one begins as UTF-16, save it as UTF-8" if wide else ", in UTF-8"
        refuse(who, f"must be a TOML file{rule}", str(error))
    except tomllib.TOMLDecodeError as error:
        refuse(who, "must be a TOML file", str(error))
    return override(base, mapping, who)


def override(base: Any, mapping: Mapping[str, Any], who: str = "config") -> Any:
    """``base`` with some of its fields replaced, nested fields as nested mappings.

    Raises:
        InputError: As ``read_toml``; ``who`` opens the message.
    """
    known = paths(base)
    _refuse_unknown(base, mapping, "", known, who)
    made = structure(who, _merged(base, mapping), type(base))
    check_config(who, made)
    return made


def paths(config: Any, prefix: str = "") -> list[str]:
    """Dotted names of all fields, outer ones first."""
    found = []
    for field in dataclasses.fields(config):
        value = getattr(config, field.name)
        found.append(prefix + field.name)
        if dataclasses.is_dataclass(value):
            found += paths(value, f"{prefix}{field.name}.")
    return found


def differences(a: Any, b: Any) -> dict[str, tuple[Any, Any]]:
    """Dotted names of the fields in which two configurations of one type differ, with both values."""
    plain_a, plain_b = _leaves(a), _leaves(b)
    return {
        name: (plain_a.get(name), plain_b.get(name))
        for name in sorted(plain_a.keys() | plain_b.keys())
        if name not in plain_a or name not in plain_b or plain_a[name] != plain_b[name]
    }


def differences_text(changed: Mapping[str, tuple[Any, Any]]) -> str:
    """Differences in words: ``trials was 20 and is 3``."""
    return ", ".join(f"{name} was {old!r} and is {new!r}" for name, (old, new) in changed.items())


def check_round_trip(who: str, config: Any) -> None:
    """Writing a configuration and reading it back gives an equal one, whose fields take their values.

    Raises:
        InputError: If a value has another type than its field, or is none that it takes; or if it does not come back (a
            field of a type that TOML cannot tell apart, such as a union of dataclasses).
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
            list(changed),
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
