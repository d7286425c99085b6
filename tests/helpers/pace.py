"""Which values of a parametrised test run by default, and which with the slow tests."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

import pytest


def slow_but(values: Iterable[Any], quick: Collection[Any]) -> list[Any]:
    """The values as parameters of a test; all but the quick ones are marked slow.

    Raises:
        ValueError: If a quick value is not among them, as after a change of its name.
    """
    values = list(values)
    if absent := [value for value in quick if value not in values]:
        raise ValueError(f"not among the values: {absent}")
    return [value if value in quick else _slow(value) for value in values]


def _slow(value: Any) -> Any:
    return pytest.param(*(value if isinstance(value, tuple) else (value,)), marks=pytest.mark.slow)
