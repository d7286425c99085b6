"""Claims on critical areas. Cells and bounds were fixed before the first run."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

import jaxsnn_noise as jn
from jaxsnn_noise.study import Claim, Judgement, Verdict

from . import chips, orders
from .measuring import YIELD, least, primary

if TYPE_CHECKING:
    import xarray as xr

    from . import Config

    Data = Mapping[str, xr.Dataset]

LIKE = 0.1
"""What counts as the same area, relative."""
TWICE = 2.0
"""Area for 99 % over that of the median chip."""
RISES = 0.05
"""Share of chips that may fail at a larger area than one at which they pass."""


def areas_for(areas: xr.Dataset, process: str, temperature: float, share: float) -> np.ndarray:
    """Area for a yield and its order-statistic interval [um2] (seed, 3)."""
    brackets = areas["area"].sel(process=process, temperature=temperature)
    return np.array([orders.quantile(one, share) for one in brackets.transpose("seed", "device", "end").values])


def variance(process: str, temperature: float) -> float:
    """Of the logarithm of a current [um2 over the area]: what sets the area, were nothing else changed."""
    return float(chips.transistor(process).log_spread(1.0, 1.0, temperature)) ** 2


def not_monotone(data: Data, config: Config) -> xr.DataArray:
    """Whether a chip fails at a larger area than one at which it passes (seed, device)."""
    bar = np.array([least(float(x), config) for x in data["areas"]["nominal"]])
    good = data["grid"]["accuracy"].transpose("seed", "area", "device")
    passes = good.values >= bar[:, None, None]
    falls = (passes[:, :-1] & ~passes[:, 1:]).any(axis=1)
    return good.isel(area=0, drop=True).copy(data=falls)


def _networks(values: np.ndarray, config: Config, judged: Callable[[Any], Judgement]) -> Judgement:
    """A judgement of one number per network."""
    import xarray as xr

    if not np.isfinite(values).all():
        return jn.reduce.unmeasured(f"areas up to {config.largest:g} um2 that suffice in every network")
    if len(values) < 2:
        return jn.reduce.unmeasured("at least two networks")
    found = judged(xr.DataArray(values, dims="network"))
    speaks = f"networks made like these {len(values)}, for these {config.images} images"
    return dataclasses.replace(found, spread=float(values.std(ddof=1)), speaks_for=speaks)


def _temperature(data: Data, config: Config) -> Judgement:
    process, cold, hot = config.processes[0], config.temperatures[0], config.temperatures[-1]
    if cold == hot:
        return jn.reduce.unmeasured("two temperatures")
    ratio = areas_for(data["areas"], process, cold, YIELD)[:, 0] / areas_for(data["areas"], process, hot, YIELD)[:, 0]
    law = variance(process, cold) / variance(process, hot)
    detail = f"{process}, {cold:g} over {hot:g} K, over the ratio of the variances, {law:.2f}"
    return _networks(
        ratio / law, config, lambda x: jn.reduce.judge_within(x, 1 - LIKE, 1 + LIKE, random="network", detail=detail)
    )


def _process(data: Data, config: Config) -> Judgement:
    if len(config.processes) < 2:
        return jn.reduce.unmeasured("two processes")
    (first, second), temperature = config.processes[:2], primary(config)[1]
    one, other = (areas_for(data["areas"], name, temperature, YIELD)[:, 0] for name in (first, second))
    law = variance(first, temperature) / variance(second, temperature)
    detail = f"{first} over {second} at {temperature:g} K, over the ratio of the variances, {law:.2f}"
    return _networks(
        one / other / law,
        config,
        lambda x: jn.reduce.judge_within(x, 1 - LIKE, 1 + LIKE, random="network", detail=detail),
    )


def _tail(data: Data, config: Config) -> Judgement:
    far, middle = (areas_for(data["areas"], *primary(config), share)[:, 0] for share in (YIELD, 0.5))
    return _networks(far / middle, config, lambda x: jn.reduce.judge(x, TWICE, jn.reduce.at_least, random="network"))


def _width(data: Data, config: Config) -> Judgement:
    found = areas_for(data["areas"], *primary(config), YIELD)
    half = 100 * 0.5 * (found[:, 2] - found[:, 1]) / found[:, 0]
    detail = f"half of the 95 % interval of the area for 99 %, {config.chips} chips"
    return _networks(
        half,
        config,
        lambda x: jn.reduce.judge(x, 100 * LIKE, jn.reduce.at_most, random="network", units="%", detail=detail),
    )


def _monotone(data: Data, config: Config) -> Judgement:
    falls = not_monotone(data, config)
    if falls.sizes["seed"] < 2:
        return jn.reduce.unmeasured("at least two networks")
    shares = jn.reduce.proportion(falls, ["seed", "device"], nested={"device": "seed"}, edge_intraclass=0.0)
    found = jn.reduce.at_most(shares, RISES, confidence=0.975)
    estimate, low, high = (100 * float(found[name]) for name in ("estimate", "lower", "upper"))
    return Judgement(
        Verdict(str(found["verdict"].item())), estimate, low, high, f"95 % interval: at most {100 * RISES:g} %", "%",
        f"chips on a grid of {config.grid} areas", p_reproduced=float(found["p_reproduced"]), p_refuted=float(found["p_refuted"]),
        speaks_for=f"networks made like these {falls.sizes['seed']}, for these {config.images} images",
        spread=float(100 * falls.astype(float).mean("device").std("seed", ddof=1)),
    )  # fmt: skip


def _fresh(data: Data, config: Config) -> Judgement:
    values = 100 * data["grid"]["yield"].sel(chips="fresh").values
    detail = "yield of fresh chips at the area for 99 % of each network"
    return _networks(
        values, config, lambda x: jn.reduce.judge_within(x, 98.5, 99.5, random="network", units="%", detail=detail)
    )


OURS = "prediction of this study"
CLAIMS = (
    Claim("variance_over_temperature", "The area for 99 % goes with temperature as the variance of a current does, about 1/T^2 (within 10 %).",
          "Pelgrom et al. 1989, doi:10.1109/JSSC.1989.572629, with weak inversion", _temperature),
    Claim("variance_over_process", "The areas for 99 % of two processes stand as the variances of their currents (within 10 %).",
          "Pelgrom et al. 1989, doi:10.1109/JSSC.1989.572629", _process),
    Claim("tail", "The area for 99 % is at least twice that of the median chip.", OURS, _tail),
    Claim("chips_suffice", "The chips of this preset (1000) give the area for 99 % within 10 %.", OURS, _width),
    Claim("monotone", "At most 5 % of the chips fail at a larger area than one at which they pass.", OURS, _monotone),
    Claim("fresh_chips", "At the area for 99 % so found 98.5 to 99.5 % of fresh chips are good.", OURS, _fresh),
)  # fmt: skip
