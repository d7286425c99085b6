"""What is claimed, each by one number per network and the range that it must lie in."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from scipy import stats

import jaxsnn_noise as jn
from jaxsnn_noise.study import Claim, Judgement
from jaxsnn_noise.verdicts import compare, verdict

NEAR = 0.03
"""Relative distance from the theory."""
PAPER = "Brunel 2000, doi:10.1023/A:1008925309027"


def within(
    values: Any, least: float = -math.inf, most: float = math.inf, units: str = "", detail: str = ""
) -> Judgement:
    """The claim that a mean over networks lies in ``[least, most]``, by the t-interval of its values [network]."""
    x = np.asarray(values, float)
    mean, error, df = float(x.mean()), float(x.std(ddof=1)) / len(x) ** 0.5, len(x) - 1
    reach = float(stats.t.ppf(0.975, df)) * error
    low, high = mean - reach, mean + reach
    below, above = _score(least - mean, error, -1.0), _score(most - mean, error, 1.0)
    shown = max(stats.t.cdf(below, df), stats.t.sf(above, df))
    refuted = min(stats.t.sf(below, df), stats.t.cdf(above, df))
    span = (
        f"at least {least:g}"
        if most == math.inf
        else f"at most {most:g}"
        if least == -math.inf
        else f"in [{least:g}, {most:g}]"
    )
    return Judgement(
        verdict(*compare(low, high, least=least, most=most)),
        mean,
        low,
        high,
        f"95 % interval wholly {span} {units}".strip() + "; not reproduced if wholly elsewhere",
        units,
        detail,
        spread=x.std(ddof=1),
        detectable=(stats.t.ppf(0.975, df) + stats.t.ppf(0.8, df)) * error,
        speaks_for=f"networks drawn like these {len(x)}",
        p_reproduced=shown,
        p_refuted=refuted,
    )


def _score(distance: float, error: float, holds: float) -> float:
    """Standard errors to a bound; of values without spread infinitely many, and a bound that is met is kept."""
    if math.isinf(distance):
        return distance
    return distance / error if error > 0 else math.copysign(math.inf, distance or holds)


def of_panel(panel: str, name: str, *, least: float = -math.inf, most: float = math.inf, units: str = "") -> Any:
    """The judge of one quantity of one panel."""

    def judge(data: Any, config: Any) -> Judgement:
        if panel not in config.panels:
            return jn.reduce.unmeasured(f"panel {panel}")
        return within(data["panels"][name].sel(panel=panel), least, most, units)

    return judge


def from_theory(panel: str, quantity: str, *, least: float = -math.inf, most: float = math.inf) -> Any:
    """The judge of the relative distance of a panel's rate or CV from the self-consistent theory."""

    def judge(data: Any, config: Any) -> Judgement:
        from . import theory_of

        if panel not in config.panels:
            return jn.reduce.unmeasured(f"panel {panel}")
        wanted = theory_of(panel)["rate_hz" if quantity == "rate" else "cv"]
        values = data["panels"][quantity].sel(panel=panel)
        unit = " Hz" if quantity == "rate" else ""
        return within(
            values / wanted - 1, least, most, detail=f"{float(values.mean()):.4g}{unit}, in theory {wanted:.4g}{unit}"
        )

    return judge


def than_panel(panel: str, other: str, name: str, *, factor: float) -> Any:
    """The judge of the ratio of two panels, network by network."""

    def judge(data: Any, config: Any) -> Judgement:
        if panel not in config.panels or other not in config.panels:
            return jn.reduce.unmeasured(f"panels {panel} and {other}")
        of = data["panels"][name]
        return within(of.sel(panel=panel) / of.sel(panel=other), factor, detail=f"{panel} over {other}")

    return judge


def exponents(data: Any, way: str, name: str = "slow_correlation") -> np.ndarray:
    """Slopes [network] of the logarithm of the mean correlation over that of the size."""
    of = data["sizes"][name].sel(way=way).transpose("neurons", "network")
    x, y = np.log(of["neurons"].values), np.log(np.maximum(of.values, 1e-12))
    return ((x - x.mean())[:, None] * y).sum(0) / ((x - x.mean()) ** 2).sum()


def falls_with_size(way: str) -> Any:
    """The judge of the exponent of the mean correlation in the size: -1 within 0.15."""

    def judge(data: Any, config: Any) -> Judgement:
        if "sizes" not in data:
            return jn.reduce.unmeasured("sizes")
        of = data["sizes"]["slow_correlation"].sel(way=way).mean("network")
        course = ", ".join(f"{float(c):.5f} at {int(n)}" for n, c in zip(of["neurons"], of, strict=True))
        return within(exponents(data, way), -1.15, -0.85, detail=f"counts in {config.slow:g} ms: {course}")

    return judge


CLAIMS = (
    Claim("c_rate", "C fires at the self-consistent rate (within 3 %).", PAPER, from_theory("C", "rate", least=-NEAR, most=NEAR)),
    Claim("b_rate", "B fires faster than the theory of its steady state, by more than 3 %.", PAPER, from_theory("B", "rate", least=NEAR)),
    Claim("d_rate", "D fires more slowly than that theory, by more than 3 %.", PAPER, from_theory("D", "rate", most=-NEAR)),
    Claim("c_cv", "The theory's CV of intervals is that of C (within 10 %).", PAPER, from_theory("C", "cv", least=-0.1, most=0.1)),
    Claim("a_regular", "A is regular: CV at most 0.1.", PAPER, of_panel("A", "cv", most=0.1)),
    Claim("a_saturated", "A is near saturation: more than 0.6 of one spike per refractory time.", PAPER, of_panel("A", "rate", least=300.0, units="Hz")),
    Claim("a_counted", "No spike of A is lost where a large part of the network fires in one step.", "prediction of this study", of_panel("A", "miscounted", most=0.0)),
    Claim("a_together", "In A a tenth of all neurons or more fire in one step.", "prediction of this study", of_panel("A", "largest_step", least=0.1)),
    Claim("c_irregular", "C is irregular: CV at least 0.3.", f"{PAPER} (the bound is ours)", of_panel("C", "cv", least=0.3)),
    Claim("a_synchronous", "A is more synchronous than C, at least by a factor of 2.", f"{PAPER} (the factor is ours)", than_panel("A", "C", "synchrony", factor=2.0)),
    Claim("b_synchronous", "So is B, by 1.5.", f"{PAPER} (the factor is ours)", than_panel("B", "C", "synchrony", factor=1.5)),
    Claim("d_synchronous", "So is D, by 1.5.", f"{PAPER} (the factor is ours)", than_panel("D", "C", "synchrony", factor=1.5)),
    Claim("b_fast", "B oscillates fast: the spectral peak lies between 150 and 220 Hz.", f"{PAPER} (about 180 Hz)", of_panel("B", "peak_hz", least=150.0, most=220.0, units="Hz")),
    Claim("d_slow", "D oscillates slowly: the spectral peak lies between 10 and 40 Hz.", f"{PAPER} (about 22 Hz)", of_panel("D", "peak_hz", least=10.0, most=40.0, units="Hz")),
    Claim("b_peak", "The peak of B is at least five times that of C.", f"{PAPER} (the factor is ours)", than_panel("B", "C", "peak", factor=5.0)),
    Claim("falls_at_degree", "With the synapses of a neuron fixed, the mean pairwise correlation falls as 1/N (exponent -1 within 0.15).", "Brunel and Hakim 1999, doi:10.1162/089976699300016179", falls_with_size("degree")),
    Claim("falls_at_probability", "With the connection probability fixed, it falls as 1/N as well.", "Renart et al. 2010, doi:10.1126/science.1179850", falls_with_size("probability")),
)  # fmt: skip
