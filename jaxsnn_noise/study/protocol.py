"""What a study is made of: claims, judgements, pictures, and the checked module that holds them."""

from __future__ import annotations

import difflib
import math
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn, SupportsFloat

from jaxsnn_noise.verdicts import NOT_MEASURED, NUMBERS, Judgement, Verdict

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from pandas import DataFrame
else:  # heavy, and only names here
    Figure = DataFrame = Any


class StudyError(RuntimeError):
    """A study could not go on (a full disk, a failing stage). The message says what was saved before."""


def refuse(who: str, rule: str, got: Any, *, known: Any = None) -> NoReturn:
    """``_checks.fail``, imported when needed: it brings JAX, for which help and listings must not wait."""
    from jaxsnn_noise._checks import fail

    fail(who, rule, got, known=known)


def near_names(name: str, names: Iterable[str]) -> list[str] | None:
    """The names that look most like ``name``, or ``None``: for lists too long to be shown whole."""
    return difflib.get_close_matches(name, list(names), n=3, cutoff=0.5) or None


def printable(text: str) -> str:
    """The text with control characters written out (``\\x1b``), so that it cannot command a terminal.

    Line ends and tabs stay. Those that turn the direction of writing round are written out as well.

    Example:
        >>> printable("a" + chr(27) + "[2J") == "a" + chr(92) + "x1b[2J"
        True
    """
    return "".join(c if c in "\n\t" or not _commands(c) else ascii(c)[1:-1] for c in text)


def _commands(character: str) -> bool:
    kind = unicodedata.category(character)
    turns = unicodedata.bidirectional(character) in ("LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI")
    return turns or kind in ("Cc", "Cs", "Zl", "Zp")


def interval_text(
    estimate: SupportsFloat | None, low: SupportsFloat | None, high: SupportsFloat | None, units: str = ""
) -> str:
    """An estimate with its interval, rounded to two digits of its width: ``0.83 [0.71, 0.95] points``.

    ``None``, NaN and infinities are ends that are not there.
    """
    e, lo, hi = (float(v) if v is not None and math.isfinite(v) else None for v in (estimate, low, high))
    scale = hi - lo if hi is not None and lo is not None else abs(e) if e is not None else 0.0
    decimals = 1 - math.floor(math.log10(scale)) if scale > 0 else 2
    shown = {v: f"{v:.{max(decimals, 0)}f}" if decimals <= 6 else f"{v:.3g}" for v in (e, lo, hi) if v is not None}
    parts = [shown[e]] if e is not None else []
    if lo is not None and hi is not None:
        parts.append(f"[{shown[lo]}, {shown[hi]}]")
    elif hi is not None or lo is not None:
        parts.append(f"[at most {shown[hi]}]" if hi is not None else f"[at least {shown[lo]}]")  # type: ignore[index]
    return " ".join([*parts, units]).strip() if parts else "no number"


@dataclass(frozen=True)
class Claim:
    """One sentence of the literature that a study tests.

    Args:
        name: Short identifier, unique within the study (``"common_beats_independent"``).
        text: The claim in one sentence, as the source states it.
        source: Where it is from ("arXiv:2604.13612", "doi:10.1007/...", or "prediction of this study").
        judge: ``judge(data, config) -> Judgement``. If it raises, the report says undecided and shows the error.
    """

    name: str
    text: str
    source: str
    judge: Callable[[Any, Any], Judgement]


FAILED = "the judgement failed"
"""Why a claim is undecided whose judge raised an error."""


@dataclass(frozen=True)
class ClaimResult:
    """A claim with its judgement; without one, the claim is undecided and the error says why.

    Args:
        name: Name of the claim.
        text: The claim in words.
        source: Where it is from.
        judgement: What the judge returned; ``None`` if it raised.
        error: Text of the error, else empty.
    """

    name: str
    text: str
    source: str
    judgement: Judgement | None
    error: str = ""

    COLUMNS: ClassVar = (
        "name", "text", "source", "verdict", "why", "estimate", "low", "high", "units", "spread", "detectable",
        "speaks_for", "p_reproduced", "p_refuted", "rule", "detail", "error",
    )  # fmt: skip

    @property
    def verdict(self) -> Verdict:
        """The verdict; undecided if there is no judgement."""
        return self.judgement.verdict if self.judgement else Verdict.UNDECIDED

    @property
    def why(self) -> str:
        """Why it is undecided; empty if it is decided."""
        return self.judgement.why if self.judgement else FAILED

    @property
    def weight(self) -> tuple[tuple[str, str], ...]:
        """What a reader needs to weigh it, where it is known: name and text."""
        j = self.judgement
        if j is None:
            return ()
        numbers = {"SD over networks": float(j.spread), "could have seen": float(j.detectable)}
        return tuple(
            (name, f"{value:.2g} {j.units}".rstrip()) for name, value in numbers.items() if math.isfinite(value)
        )

    @property
    def interval(self) -> str:
        """Estimate, interval and unit in words."""
        j = self.judgement
        return interval_text(j.estimate, j.low, j.high, j.units) if j else "no number"

    def row(self) -> dict[str, Any]:
        """The result as one row of a table, with the columns ``COLUMNS``."""
        judged = self.judgement or Judgement(Verdict.UNDECIDED, math.nan, math.nan, math.nan, "")
        values = {name: getattr(self, name, None) or getattr(judged, name, "") for name in self.COLUMNS}
        return {
            **values,
            "verdict": self.verdict.value,
            **{n: getattr(judged, n) for n in NUMBERS},
        }


def outcome_sentence(claims: Sequence[ClaimResult]) -> str:
    """One sentence that counts the verdicts; what was not measured is counted apart, and why others are undecided."""
    if not claims:
        return "This study tests no claims."
    measured = [c for c in claims if c.why != NOT_MEASURED]
    left = len(claims) - len(measured)
    rest = f"{left} {'is' if left == 1 else 'are'} {NOT_MEASURED}" if left else ""
    if not measured:
        return f"Of {len(claims)} claims, {rest}." if len(claims) > 1 else f"The claim is {NOT_MEASURED}."
    counts = [(v, [c for c in measured if c.verdict is v]) for v in Verdict]
    parts = [f"{len(m)} {'is' if len(m) == 1 else 'are'} {v.value}{_reasons(m)}" for v, m in counts if m]
    listed = ", ".join(parts[:-1]) + (" and " if parts[:-1] else "") + parts[-1]
    one = measured[0]
    alone = f"The claim is {one.verdict.value}{_reasons([one])}"
    subject = f"Of {len(claims)} claims, {listed}" if len(claims) > 1 else alone
    return f"{subject}, for the networks and settings simulated here{f'; {rest}' if rest else ''}."


def _reasons(claims: Sequence[ClaimResult]) -> str:
    """Why claims are undecided, with how many there are of each if there are several reasons."""
    reasons = dict.fromkeys(c.why for c in claims if c.why)
    if not reasons:
        return ""
    if len(reasons) == 1:
        return f" ({next(iter(reasons))})"
    return f" ({', '.join(f'{sum(c.why == why for c in claims)} {why}' for why in reasons)})"


@dataclass(frozen=True)
class Picture:
    """A figure, the numbers that it shows, and what a reader should see in it.

    Args:
        figure: A Matplotlib figure (see ``jaxsnn_noise.figures``); saved as SVG and PNG.
        table: Tidy table of what the figure shows: one row per drawn value, columns with their units; saved as CSV.
        caption: One or more sentences, with n and the kind of interval.
    """

    figure: Figure
    table: DataFrame
    caption: str


@dataclass(frozen=True)
class Study:
    """A study file after its protocol was checked; made by ``jaxsnn_noise.study.load``."""

    name: str
    path: Path
    title: str
    config_type: type
    presets: Mapping[str, Any]
    build: Callable[[Any], Any]
    measure: Callable[[Any, Any], Any]
    plot: Callable[[Any, Any], Mapping[str, Picture]]
    claims: tuple[Claim, ...]
    methods: Callable[[Any, Any], str]
    tables: Callable[[Any, Any], Mapping[str, DataFrame]] | None = None
    bytes_needed: Callable[[Any], int] | None = None
    settle: Callable[[Mapping[str, Judgement]], Mapping[str, Judgement]] | None = None

    def preset(self, name: str) -> Any:
        """The named preset (``tiny``, ``default`` or ``full``).

        Raises:
            InputError: If there is no such preset.
        """
        if name not in self.presets:
            refuse("preset", f"study {self.name} has no such preset", name, known=self.presets)
        return self.presets[name]
