"""The three answers that data give to a claim. Apart, because listings of studies need them without any array library."""

from __future__ import annotations

import enum


class Verdict(enum.StrEnum):
    """What the data say of a claim, for the networks and settings simulated and no others.

    ``UNDECIDED`` is an answer: the interval is too wide to tell.
    """

    REPRODUCED = "reproduced"
    NOT_REPRODUCED = "not reproduced"
    UNDECIDED = "undecided"
