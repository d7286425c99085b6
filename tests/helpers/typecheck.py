"""The type checker that the import hook puts on every function of the package while tests run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Self

from beartype import beartype


def checked(function: Callable[..., Any]) -> Callable[..., Any]:
    """``beartype`` without ``Self``, which it understands in decorated classes only; the hook decorates functions."""
    hints = function.__annotations__
    function.__annotations__ = {name: hint for name, hint in hints.items() if hint not in ("Self", Self)}
    return beartype(function)
