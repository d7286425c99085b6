"""Fields of a study's configuration say which values they take, and a configuration is checked before anything runs.

The rule stands at the field, and is read there by everything that takes a value: a preset, a TOML file, the command line,
a configuration made in Python. Types are those of the annotations, without silent conversion.
"""

from __future__ import annotations

import copy
import dataclasses
import math
import re
import typing
from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from jaxsnn_noise.study.notes import field_notes
from jaxsnn_noise.study.protocol import refuse

if TYPE_CHECKING:
    from jaxsnn_noise.ranges import Range
else:  # brings JAX, for which listings must not wait
    Range = Any

_KEY = "option"


@dataclasses.dataclass(frozen=True)
class Option:
    """What a field says of its values; see :func:`option`."""

    range: Range | None
    choices: tuple[Any, ...]
    least: int
    distinct: bool
    rising: bool

    def rule(self, whole: bool) -> str:
        """All that is asked, in words; empty if nothing is."""
        parts = [self.in_range(whole).rule] if self.range is not None else []
        parts += [f"one of {', '.join(map(str, self.choices))}"] if self.choices else []
        parts += [f"at least {self.least} of them"] if self.least else []
        parts += ["rising"] if self.rising else ["each once"] if self.distinct else []
        return ", ".join(parts)

    def in_range(self, whole: bool) -> Range:
        """The range, of whole numbers where the annotation says so."""
        assert self.range is not None
        return dataclasses.replace(self.range, whole=True) if whole else self.range


def option(
    default: Any = dataclasses.MISSING,
    range: Range | None = None,
    *,
    choices: Iterable[Any] = (),
    least: int = 0,
    distinct: bool = False,
    rising: bool = False,
) -> Any:
    """A field of ``Config`` with the values that it takes; of a tuple or a dict, those that each entry takes.

    Whatever the field says, NaN is refused, and so is every value of another type than the annotation. A rule that
    joins several fields stands in ``__post_init__`` and raises ``ValueError``.

    Args:
        default: Default of the field.
        range: ``Range(1)``, ``positive``, ``nonnegative``, ``fraction``, ``between(low, high)`` ... of
            :mod:`jaxsnn_noise.parameters`; of an ``int``, whole numbers in it. Its unit is the last thing in the docstring
            of the field, in brackets.
        choices: The names (or numbers) that are allowed.
        least: How many entries there are at least.
        distinct: Whether no two entries are equal.
        rising: Whether each entry is larger than the one before.

    Example:
        >>> from dataclasses import dataclass
        >>> from jaxsnn_noise.parameters import Range, nonnegative
        >>> @dataclass(frozen=True)
        ... class Config:
        ...     levels: tuple[float, ...] = option((0.0, 0.1), nonnegative, least=2, rising=True)
        ...     filter: str = option("none", choices=("none", "tanh"))
        ...     trials: int = option(20, Range(1))
        >>> try:
        ...     check_config("mine", Config(filter="tan"))
        ... except ValueError as error:
        ...     print(error)
        mine: filter: unknown name; got 'tan'. Did you mean 'tanh'? Known: none, tanh
    """
    if isinstance(choices, str):
        refuse("option.choices", "must be several names, as a tuple", choices)
    if range is not None and not hasattr(range, "holds"):
        refuse("option.range", "must be a Range, such as positive or Range(1), of jaxsnn_noise.parameters", range)
    said = {_KEY: Option(range, tuple(choices), least, distinct, rising)}
    if isinstance(default, (dict, list, set)):
        return dataclasses.field(default_factory=lambda: copy.deepcopy(default), metadata=said)
    return dataclasses.field(default=default, metadata=said)


def check_config(who: str, config: Any, prefix: str = "") -> None:
    """Every value of a configuration is one that its field takes.

    Args:
        who: Opens the messages.
        config: An instance of a dataclass whose types are right.
        prefix: Stands before the names of fields ("--" on the command line).

    Raises:
        InputError: who, the dotted name of the field, its rule with the unit, the value, near matches.
    """
    kind = type(config)
    hints, notes = typing.get_type_hints(kind), field_notes(kind)
    for field in dataclasses.fields(kind):
        value, here = getattr(config, field.name), f"{who}: {prefix}{field.name}"
        entries = list(_entries(value))
        for label, entry in entries:
            if dataclasses.is_dataclass(entry):
                check_config(who, entry, f"{prefix}{field.name}{label}.")
            elif isinstance(entry, float) and math.isnan(entry):
                refuse(here, "must be a number, and NaN is none (use None for a value that is not given)", value)
        said: Option | None = field.metadata.get(_KEY)
        if said is not None:
            _check(
                here, said, value, [entry for _, entry in entries], _is_whole(hints[field.name]), _unit(notes, field)
            )


def rules(kind: type) -> dict[str, str]:
    """What each field of a dataclass means and takes: its docstring, and its rule as a sentence."""
    notes, hints = field_notes(kind), typing.get_type_hints(kind)
    found = {}
    for field in dataclasses.fields(kind):
        said: Option | None = field.metadata.get(_KEY)
        rule = said.rule(_is_whole(hints[field.name])) if said is not None else ""
        text = notes.get(field.name, "")
        found[field.name] = f"{text} {rule[:1].upper()}{rule[1:]}.".strip() if rule else text
    return found


def undeclared(kind: Any, prefix: str = "") -> list[str]:
    """Dotted names of the fields with numbers or texts that say nothing of their values."""
    found = []
    hints = typing.get_type_hints(kind)
    for field in dataclasses.fields(kind):
        hint = hints[field.name]
        if dataclasses.is_dataclass(hint):
            found += undeclared(hint, f"{prefix}{field.name}.")
        elif _KEY not in field.metadata and {int, float, str} & set(_kinds(hint)):
            found.append(prefix + field.name)
    return found


def _check(here: str, said: Option, value: Any, entries: list[Any], whole: bool, unit: str) -> None:
    given = [entry for entry in entries if entry is not None]
    for entry in given:
        if said.choices and entry not in said.choices:
            refuse(here, "unknown name", entry, known=said.choices)
    if said.range is not None and given:
        from jaxsnn_noise._checks import inside

        for entry in given:
            inside(here, entry, said.in_range(whole), unit)
    if len(entries) < said.least:
        refuse(here, f"must have at least {said.least} {'entry' if said.least == 1 else 'entries'}", value)
    if said.rising and any(b <= a for a, b in pairwise(given)):
        refuse(here, "must rise from entry to entry", value)
    if said.distinct and len(set(given)) < len(given):
        refuse(here, "must have no entry twice", value)


def _entries(value: Any) -> Iterator[tuple[str, Any]]:
    """The values in a field with their labels: itself, or those of an array or a table, of any depth."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from ((f".{key}{label}", entry) for label, entry in _entries(inner))
    elif isinstance(value, (tuple, list)):
        for index, inner in enumerate(value):
            yield from ((f"[{index}]{label}", entry) for label, entry in _entries(inner))
    else:
        yield "", value


def _kinds(hint: Any) -> Iterator[Any]:
    """The types in an annotation; those that a literal lists are none."""
    if typing.get_origin(hint) is typing.Literal:
        return
    inner = typing.get_args(hint)
    if not inner:
        yield hint
    for one in inner:
        yield from _kinds(one)


def _is_whole(hint: Any) -> bool:
    kinds = set(_kinds(hint))
    return int in kinds and float not in kinds


def _unit(notes: Mapping[str, str], field: dataclasses.Field[Any]) -> str:
    found = re.search(r"\[([^\[\]]+)\]\.?$", notes.get(field.name, ""))
    return found[1] if found and found[1] != "1" else ""
