"""From questions to judgements: one primary cell each, what the second recipe says, and what is only described."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from jaxsnn_noise import reduce
from jaxsnn_noise.study import Judgement, Verdict
from jaxsnn_noise.verdicts import DEPENDS

from .claims import SECOND, Asked, Data, Lacking, Networks, Question
from .digit_networks import PLACES

if TYPE_CHECKING:
    from pandas import DataFrame

Judge = Callable[[Data, Any], Judgement]


def primary(ask: Question, *, second: bool = True) -> Judge:
    """The judge of a question: standardised pixels, filters on the image, the primary intensity, networks random.

    Other intensities are described in the detail. ``second``: the networks of the second recipe have to show the same,
    for themselves (they are few); else the claim depends on the network.
    """

    def judge(data: Data, config: Any) -> Judgement:
        try:
            asked = ask(Networks(data), config)
        except Lacking as lack:
            return reduce.unmeasured(str(lack))
        found = answered(asked, config.primary)
        details, agrees = [found.detail, _by_level(asked, config.primary)], True
        if second:
            said, agrees = _second(ask, data, config, found.verdict)
            details.append(said)
        made = replace(found, detail="; ".join(d for d in details if d))
        return made if agrees else replace(made, verdict=Verdict.UNDECIDED, why=DEPENDS)

    return judge


def _second(ask: Question, data: Data, config: Any, verdict: Verdict) -> tuple[str, bool]:
    """What the second recipe says, and whether a verdict may stand beside it."""
    try:
        asked = ask(Networks(data, recipe=SECOND), config)
    except Lacking:
        return "not asked of a second recipe", True
    alone = answered(replace(asked, values=asked.values.mean("seed")), config.primary).verdict
    words = f"second recipe ({asked.values.sizes['seed']} networks): {_interval(answered(asked, config.primary))}"
    return f"{words}, for these alone: {alone.value}", verdict in (alone, Verdict.UNDECIDED)


def answered(asked: Asked, level: float) -> Judgement:
    """The judgement of a question at one intensity, for networks like these."""
    values = asked.values.sel(D=level, drop=True)
    return reduce.judge(values, asked.bound, asked.test, units=asked.units, called="images", detail=asked.detail)


def weights_give_variance(data: Data, config: Any) -> Judgement:
    """The variance of the readouts under additive output noise is what the weights say, within a fifth."""
    try:
        part = Networks(data).part("none")
    except Lacking as lack:
        return reduce.unmeasured(str(lack))
    ratio = (part["readout_variance"] / part["predicted_variance"]).sel(D=config.primary, drop=True)
    return reduce.judge_within(ratio, 0.8, 1.25, called="images", detail="measured over predicted variance")


def described(data: Data, config: Any, questions: Mapping[str, Question]) -> DataFrame:
    """Every question for every reading, recipe and intensity: estimates and intervals that nobody judges."""
    import pandas

    rows, seen = [], set()
    readings = [(pixels, place, "") for pixels, place in itertools.product(config.pixels, PLACES)]
    for name, ask in questions.items():
        for pixels, place, recipe in [*readings, ("standardised", "image", SECOND)]:
            find = Networks(data, pixels, place, recipe)
            try:
                asked = ask(find, config)
            except Lacking:
                continue
            if (used := (name, *find.used)) in seen:
                continue
            seen.add(used)
            for level in asked.values["D"].values:
                found = answered(asked, level)
                rows.append(
                    {
                        "claim": name,
                        "pixels": pixels,
                        "filters on": place,
                        "recipe": "second" if recipe else "first",
                        "D": float(level),
                        "networks": asked.values.sizes["seed"],
                        "estimate": found.estimate,
                        "low": found.low,
                        "high": found.high,
                        "units": found.units,
                        "sd over networks": found.spread,
                        "bound": asked.bound,
                        "claim says": "at most" if asked.test is reduce.at_most else "at least",
                        "shown": _shown(found.detail),
                    }
                )
    return pandas.DataFrame(rows)


def _by_level(asked: Asked, level: float) -> str:
    others = [d for d in asked.values["D"].values if d != level]
    if not others:
        return ""
    return "at other D: " + ", ".join(f"{d:g}: {_interval(answered(asked, d))}" for d in others)


def _interval(found: Judgement) -> str:
    return f"{float(found.estimate):.1f} [{float(found.low):.1f}, {float(found.high):.1f}]"


def _shown(detail: str) -> str:
    return next((part[7:] for part in detail.split("; ") if part.startswith("shown: ")), "")
