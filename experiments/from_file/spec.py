"""What a chip has to do, from one line: ``accuracy >= 0.9 nominal``."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from jaxsnn_noise._checks import fail

MEASURED = {
    "accuracy": "share of samples that are answered rightly",
    "error": "share of samples that are answered wrongly",
    "agreement": "share of samples that are answered as by the network as programmed",
}
GOOD = {"accuracy": (">=", ">"), "agreement": (">=", ">"), "error": ("<=", "<")}
"""The comparisons that make sense: the other way round a broken chip would pass."""
ROUNDING = 1e-9
_ALIKE = {"=>": ">=", "=<": "<=", "≥": ">=", "≤": "<="}


@dataclass(frozen=True)
class Spec:
    """A bound on a measured share.

    Attributes:
        what: A name of :data:`MEASURED`.
        comparison: ``>=``, ``>``, ``<=`` or ``<``.
        number: The bound, or how many times the nominal value [1].
        nominal: Whether it is times the nominal value, that of the network as programmed.
    """

    what: str
    comparison: str
    number: float
    nominal: bool

    def bound(self, nominal: float) -> float:
        """The bound [1], with the nominal value of what is measured."""
        return self.number * nominal if self.nominal else self.number

    def check(self, nominal: float) -> None:
        """Raise :class:`InputError` where no chip could pass."""
        bound = self.bound(nominal)
        if (self.comparison == ">=" and bound > 1 + ROUNDING) or (self.comparison == ">" and bound >= 1):
            fail(
                "spec", f"can be met by no chip: {self.what} would have to be {self.comparison} {bound:.3g}", str(self)
            )
        if self.comparison == "<" and bound <= 0:
            fail("spec", f"can be met by no chip: {self.what} would have to be < {bound:.3g}", str(self))

    def passes(self, values: np.ndarray, nominal: float) -> np.ndarray:
        """Which values [1] meet it; equal is equal up to rounding."""
        distance = np.asarray(values) - self.bound(nominal)
        if self.comparison in (">=", "<="):
            return distance >= -ROUNDING if self.comparison == ">=" else distance <= ROUNDING
        return distance > ROUNDING if self.comparison == ">" else distance < -ROUNDING

    def __str__(self) -> str:
        return f"{self.what} {self.comparison} {self.number:g}{' nominal' if self.nominal else ''}"


def parse(text: str) -> Spec:
    """A spec: what is measured, a comparison, a number (or a percentage), and perhaps ``nominal``.

    Raises:
        InputError: a line of another form; an unknown word (with near matches); a comparison by which broken chips pass; a number
            out of its range.

    Example:
        >>> parse("accuracy >= 90 % nominal")
        Spec(what='accuracy', comparison='>=', number=0.9, nominal=True)
    """
    who = "spec"
    words = re.findall(r"[<>=≥≤!~]+|[A-Za-z_]+(?![\d.])|%|[^\s<>=≥≤!~%]+", text)
    form = "must be WHAT COMPARISON NUMBER [nominal], as in 'accuracy >= 0.9 nominal' or 'error <= 5 %'"
    if len(words) < 3:
        fail(who, form, text)
    what, comparison, number, *rest = words
    if what not in MEASURED:
        fail(f"{who}: what is measured", "unknown name", what, known=MEASURED)
    comparison = _ALIKE.get(comparison, comparison)
    if comparison not in (">=", ">", "<=", "<"):
        fail(f"{who}: comparison", "unknown", comparison, known=(">=", ">", "<=", "<"))
    if comparison not in GOOD[what]:
        fail(
            f"{who}: comparison",
            f"must be {' or '.join(GOOD[what])} for {what}, or broken chips would pass",
            comparison,
        )
    try:
        value = float(number)
    except ValueError:
        fail(f"{who}: number", form, number)
    if rest[:1] == ["%"]:
        value, rest = value / 100.0, rest[1:]
    nominal = bool(rest)
    if nominal and rest[0] != "nominal":
        fail(f"{who}: after the number", "must be %, nominal or nothing", rest[0], known=("%", "nominal"))
    if len(rest) > 1:
        fail(who, form, text)
    if not np.isfinite(value) or value < 0 or (not nominal and value > 1):
        fail(
            f"{who}: number",
            "must be >= 0 [times nominal]" if nominal else "must be a share in [0, 1] (or in %)",
            number,
        )
    return Spec(what, comparison, value, nominal)
