"""Rates, lines through their logarithms, agreement of trains, and the spread of thresholds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from jaxsnn_noise import reduce

if TYPE_CHECKING:
    import xarray as xr


def rate(sums: xr.Dataset) -> xr.DataArray:
    """Spikes per axon and second [Hz]."""
    return 1000.0 * sums["spikes"] / sums["time"]


def cv(sums: xr.Dataset) -> xr.DataArray:
    """Standard deviation over mean of all intervals [1]."""
    mean = sums["total"] / sums["count"]
    variance = sums["squares"] / sums["count"] - mean**2
    return variance.clip(min=0.0) ** 0.5 / mean


def off_the_line(sums: xr.Dataset) -> xr.DataArray:
    """Pseudo-values [area, block] of the logarithm of the rate less its line in the area, by least squares [1]."""
    import xarray

    area = sums["area"].values
    design = np.vander(area, 2)
    rest = np.eye(len(area)) - design @ np.linalg.pinv(design)
    off = xarray.DataArray(rest, dims=("area", "other"), coords={"area": area})

    def estimate(part: xr.Dataset) -> xr.DataArray:
        logs = _log(rate(part)).rename(area="other").drop_vars("other")
        return xarray.dot(off, logs, dim="other")

    return reduce.pseudovalues(sums, estimate)


def _log(values: xr.DataArray) -> xr.DataArray:
    return values.copy(data=np.log(values.values))


def slope(sums: xr.Dataset) -> xr.DataArray:
    """Pseudo-values [block] of the slope of the logarithm of the rate [1/um2]."""
    x = sums["area"] - sums["area"].mean()
    return reduce.pseudovalues(sums, lambda part: (x * _log(rate(part))).sum("area") / (x**2).sum("area"))


def distance(one: xr.Dataset, other: xr.Dataset) -> xr.DataArray:
    """Largest difference of the distribution functions of intervals, Kolmogorov's distance [area]."""
    laws = [part["histogram"].sum("block") for part in (one, other)]
    first, second = ((law / law.sum("bin")).cumsum("bin") for law in laws)
    gap: xr.DataArray = abs(first - second)
    return gap.max("bin")


def agreement(spikes: xr.DataArray, width: float) -> xr.DataArray:
    """Correlation [patch, pair] of the trains of two axons each, smoothed with a Gaussian of ``width`` bins (Schreiber et al. 2003).

    NaN where one of the two does not fire.
    """
    import xarray
    from scipy import ndimage

    smooth = ndimage.gaussian_filter1d(spikes.transpose("patch", "trial", "bin").values.astype(float), width, axis=-1)
    first, second = smooth[:, 0::2], smooth[:, 1::2]
    norm = np.sqrt((first**2).sum(-1) * (second**2).sum(-1))
    with np.errstate(invalid="ignore", divide="ignore"):
        found = (first * second).sum(-1) / norm
    return xarray.DataArray(found, dims=("patch", "pair"), coords={"patch": spikes["patch"]})


def relative_spread(fired: np.ndarray, tries: int, ladder: np.ndarray) -> tuple[float, float]:
    """Threshold [unit of the ladder] and its relative spread of numbers fired [amplitude], by maximum likelihood.

    ``P = g + (1 - g) Phi((a - threshold)/(spread threshold))``: a normal threshold (Verveen and Derksen 1968), and spikes that come
    without a pulse, of which the first of the ladder, 0, tells.
    """
    from scipy import optimize, special

    start = float(np.interp(0.5 * tries, np.maximum.accumulate(fired[1:]), ladder[1:]))

    def loss(x: np.ndarray) -> float:
        guess, spread = special.expit(x[2]), np.exp(x[1])
        p = guess + (1 - guess) * special.ndtr((ladder - x[0]) / (spread * abs(x[0])))
        p = np.clip(np.where(ladder > 0, p, guess), 1e-9, 1 - 1e-9)
        return -float(np.sum(fired * np.log(p) + (tries - fired) * np.log1p(-p)))

    guess = (fired[0] + 0.5) / (tries + 1.0)
    found = optimize.minimize(loss, [start, np.log(0.05), special.logit(guess)], method="Nelder-Mead", options={"maxiter": 2000, "xatol": 1e-5, "fatol": 1e-7})  # fmt: skip
    return float(found.x[0]), float(np.exp(found.x[1]))


def spreads(data: xr.Dataset) -> xr.Dataset:
    """Pseudo-values [large, block] of the threshold [uA/cm2] and of the logarithm of its relative spread [1]."""
    import xarray

    ladder, tries = data["amplitude"].values, int(data.attrs["tries"])
    fired = data["fired"].transpose("large", "block", "amplitude").values
    n = fired.shape[1]
    found = np.empty((*fired.shape[:2], 2))
    for i, counts in enumerate(fired):
        whole = np.array(_threshold(counts.sum(0), n * tries, ladder))
        for b in range(n):
            found[i, b] = n * whole - (n - 1) * np.array(_threshold(counts.sum(0) - counts[b], (n - 1) * tries, ladder))
    names = ("threshold", "log_spread")
    columns: dict[str, Any] = {name: (("large", "block"), found[..., k]) for k, name in enumerate(names)}
    return xarray.Dataset(columns, {"large": data["large"].values})


def _threshold(fired: np.ndarray, tries: int, ladder: np.ndarray) -> tuple[float, float]:
    threshold, spread = relative_spread(fired, tries, ladder)
    return threshold, float(np.log(spread))


def exponent(found: xr.Dataset) -> xr.DataArray:
    """Slope [block] of the logarithm of the spread in that of the area [1]."""
    x = np.log(found["large"])
    x = x - x.mean()
    return (x * found["log_spread"]).sum("large") / (x**2).sum("large")
