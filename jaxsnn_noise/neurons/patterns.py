"""Named parameter sets of published firing patterns."""

from __future__ import annotations

from typing import NamedTuple


class Pattern(NamedTuple):
    """Parameters of a model, and the current that shows the pattern.

    Attributes:
        parameters: Arguments of the model, in the units of the package.
        current: The step of current [nA].
    """

    parameters: dict[str, float]
    current: float
