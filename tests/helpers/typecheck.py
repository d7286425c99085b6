"""The type checker that the import hook puts on every function of the package while tests run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Self

from beartype import BeartypeConf, beartype

_CHECK = beartype(conf=BeartypeConf(is_pep484_tower=True))  # a whole number will do where a float is asked for


def checked(function: Callable[..., Any]) -> Callable[..., Any]:
    """``beartype`` without ``Self``, which it understands in decorated classes only; the hook decorates functions."""
    hints = function.__annotations__
    function.__annotations__ = {name: hint for name, hint in hints.items() if hint not in ("Self", Self)}
    return _CHECK(function)
