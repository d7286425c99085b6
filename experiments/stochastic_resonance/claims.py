"""Judges of the claims about stochastic resonance, each of one cell or of all that it names, fixed before the run."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from jaxsnn_noise import reduce, theory
from jaxsnn_noise.study import Claim, Judgement

from .estimates import expected_snr, information, small_signal_snr, snr, vertex

if TYPE_CHECKING:
    import xarray as xr

TOLERANCE = 0.05
BEST, AROUND = 0.126, 0.01
BITS = 0.02
FAILS = 0.5


def ratio(means: xr.Dataset, config: Any, expected: np.ndarray) -> xr.DataArray:
    """Measured ratio over theory's [sigma or frequency, block]."""
    found = reduce.pseudovalues(means, lambda part: small_signal_snr(part, config))
    (name,) = (dim for dim in found.dims if dim != "block")
    return _plain(found / means[name].copy(data=expected), str(name))


def _plain(values: xr.DataArray, name: str) -> xr.DataArray:
    """Without the coordinates that do not name its cells."""
    return values.drop_vars([c for c in values.coords if c != name])


def snr_is_theory(data: Any, config: Any) -> Judgement:
    """At every noise the ratio of a slow weak signal is theory's."""
    values = ratio(data["noise"], config, expected_snr(config.sigmas, config))
    detail = f"measured over theory, a signal of {config.frequency_hz:g} Hz; sigma [mV]"
    return reduce.judge_within(values, 1 - TOLERANCE, 1 + TOLERANCE, random="block", detail=detail)


def best(means: xr.Dataset, config: Any) -> xr.DataArray:
    """Pseudo-values [block] of the best noise [mV]."""
    fitted = means.sel(sigma=list(config.fitted))
    values = reduce.pseudovalues(fitted, lambda part: vertex(small_signal_snr(part, config), config.fitted))
    return values.reset_coords(drop=True)


def best_noise(data: Any, config: Any) -> Judgement:
    """The best noise, from a quadratic in log sigma, lies near 0.126 mV."""
    found = reduce.judge_within(best(data["noise"], config), BEST - AROUND, BEST + AROUND, units="mV", random="block")
    low, high = float(found.low), float(found.high)
    fitted = np.array(config.fitted)
    square, slope, _ = np.polyfit(np.log(fitted), expected_snr(fitted, config), 2)
    fine = np.linspace(fitted[0], fitted[-1], 61)
    peak = fine[expected_snr(fine, config).argmax()]
    held = "holds" if low <= BEST <= high else "does not hold"
    detail = (
        f"the interval is {high - low:.4f} wide and {held} {BEST:g}; the same quadratic through theory has its maximum at "
        f"{np.exp(-slope / (2 * square)):.4f} mV, theory itself at {peak:.4f} mV"
    )
    return replace(found, detail=detail)


def frequencies_follow(data: Any, config: Any) -> Judgement:
    """At every frequency the ratio is that of linear response at it."""
    expected = expected_snr(config.primary, config, np.array(config.frequencies))
    values = ratio(data["frequency"], config, expected)
    detail = f"measured over theory at sigma {config.primary:g} mV; frequency [Hz]"
    return reduce.judge_within(values, 1 - TOLERANCE, 1 + TOLERANCE, random="block", detail=detail)


def slow_theory_fails(data: Any, config: Any) -> Judgement:
    """At the highest frequency the theory of slow signals promises more than twice what there is."""
    slow = expected_snr(config.primary, config)
    values = ratio(data["frequency"], config, np.full(len(config.frequencies), slow)).isel(frequency=-1, drop=True)
    detail = f"measured over theory of slow signals, at {config.frequencies[-1]:g} Hz and sigma {config.primary:g} mV"
    return reduce.judge(values, FAILS, reduce.at_most, random="block", detail=detail)


def bits(data: Any) -> xr.DataArray:
    """Information [bit] of the units' number [noise, block]."""
    return reduce.pseudovalues(data["units"], information)


def noise_helps_strong(data: Any, config: Any) -> Judgement:
    """Units about the mean of a strong signal say more of it under noise than without, and than under much."""
    found = bits(data)
    gain = found.sel(noise=config.primary_noise, drop=True) - found.isel(noise=[0, -1])
    peak = float(found["noise"][int(found.mean("block").argmax("noise"))])
    detail = f"at noise {config.primary_noise:g} less that at the noise shown; the largest of all is at {peak:g}"
    return reduce.judge(gain, 0.0, reduce.at_least, units="bit", random="block", detail=detail)


def information_is_theory(data: Any, config: Any) -> Judgement:
    """The information of the units is the exact one."""
    found = bits(data)
    exact = theory.threshold_array_information(config.units, np.array(config.noises))
    gap = found - found["noise"].copy(data=exact)
    detail = "measured less exact; noise over signal [1]"
    return reduce.judge_within(gap, -BITS, BITS, units="bit", random="block", detail=detail)


def noise_helps_network(data: Any, config: Any) -> Judgement:
    """A recurrent network passes a weak signal on better under some noise than under the least and the most."""
    if "network" not in data:
        return reduce.unmeasured("a recurrent network")
    found = network_snr(data, config)
    gain = found.sel(sigma=config.primary, drop=True) - found.isel(sigma=[0, -1])
    detail = f"ratio per squared amplitude at sigma {config.primary:g} mV less that at the sigma [mV] shown"
    return reduce.judge(gain, 0.0, reduce.at_least, units="Hz/mV^2", random="block", called="trials", detail=detail)


def network_snr(data: Any, config: Any) -> xr.DataArray:
    """Ratio of the summed spikes over the number of neurons [sigma, seed, block], pseudo-values."""
    found = reduce.pseudovalues(data["network"], lambda part: snr(part, config, density="pooled"))
    return _plain(found, "sigma")


GAMMAITONI = "Gammaitoni et al. 1998, doi:10.1103/RevModPhys.70.223"
CLAIMS = (
    Claim(
        "snr_is_theory",
        "The signal-to-noise ratio of a slow weak signal is eps^2 (dnu/dmu)^2/(4 CV^2 nu), at every noise (within 5 %).",
        "Siegert 1951, doi:10.1103/PhysRev.81.617; Fourcaud and Brunel 2002, doi:10.1162/089976602320264015 (the bound is ours)",
        snr_is_theory,
    ),
    Claim(
        "best_noise",
        "It has a maximum at sigma = 0.126 mV for a drive of 0.8 of the threshold (within 0.01).",
        f"{GAMMAITONI} (the number is ours, of a quadratic in log sigma)",
        best_noise,
    ),
    Claim(
        "frequencies_follow",
        "Faster signals have the ratio of linear response at their frequency (within 5 %).",
        "Lindner and Schimansky-Geier 2001, doi:10.1103/PhysRevLett.86.2934 (the bound is ours)",
        frequencies_follow,
    ),
    Claim(
        "slow_theory_fails",
        "For the fastest signal the theory of slow ones promises more than twice the ratio.",
        "prediction of this study",
        slow_theory_fails,
    ),
    Claim(
        "noise_helps_strong",
        "Threshold units with a common suprathreshold signal carry most information at a noise that is not zero.",
        "Stocks 2000, doi:10.1103/PhysRevLett.84.2310",
        noise_helps_strong,
    ),
    Claim(
        "information_is_theory",
        "Their information is that of a binomial number (within 0.02 bit at every noise).",
        "Stocks 2000, doi:10.1103/PhysRevLett.84.2310 (the bound is ours)",
        information_is_theory,
    ),
    Claim(
        "noise_helps_network",
        "A recurrent network passes a weak slow signal on best at a noise in between.",
        "prediction of this study (measured; no theory is claimed)",
        noise_helps_network,
    ),
)
