"""Named parameter sets of published firing patterns."""

from __future__ import annotations

from typing import NamedTuple


class Pattern(NamedTuple):
    """Parameters of a model, arguments in the units of the package, and the step of current [nA] that shows the pattern."""

    parameters: dict[str, float]
    current: float
