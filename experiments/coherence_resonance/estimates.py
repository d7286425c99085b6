"""Coefficients of variation of pooled intervals with the jackknife, where they are least, and the reference."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from jaxsnn_noise import reduce

if TYPE_CHECKING:
    import xarray as xr

REFERENCE: dict[float, tuple[float, float]] = {
    0.02: (0.4924, 0.0040), 0.03: (0.2967, 0.0023), 0.04: (0.2353, 0.0013), 0.05: (0.2062, 0.0015), 0.06: (0.1961, 0.0008),
    0.07: (0.1910, 0.0013), 0.08: (0.1911, 0.0011), 0.1: (0.1983, 0.0011), 0.15: (0.2182, 0.0011), 0.2: (0.2431, 0.0011),
    0.3: (0.2944, 0.0013), 0.5: (0.3859, 0.0019),
}  # fmt: skip
"""By the strength of the noise, CV of the intervals and its standard error: 23,000 to 50,000 intervals of a NumPy loop in double
precision that shares no code with the package (Euler and Maruyama, steps of 5e-4)."""


def cv(sums: xr.Dataset) -> xr.DataArray:
    """Standard deviation over mean of all intervals [1]."""
    mean = sums["total"] / sums["count"]
    variance = sums["squares"] / sums["count"] - mean**2
    return variance.clip(min=0.0) ** 0.5 / mean


def rate(sums: xr.Dataset) -> xr.DataArray:
    """Spikes per neuron and second [Hz]."""
    return 1000.0 * sums["spikes"] / sums["time"]


def least(sums: xr.Dataset, name: str) -> xr.DataArray:
    """Pseudo-values [block] of where a quadratic in the logarithm of ``name``, by least squares, has its minimum; NaN without one."""
    x = sums[name].values
    return reduce.pseudovalues(sums, lambda part: _vertex(cv(part), name, x))


def _vertex(values: xr.DataArray, name: str, x: Any) -> xr.DataArray:
    import xarray

    fit = xarray.DataArray(np.linalg.pinv(np.vander(np.log(x), 3)), dims=("power", name))
    square, slope, _ = (xarray.dot(fit.isel(power=k), values.drop_vars(name, errors="ignore"), dim=name) for k in range(3))  # fmt: skip
    return np.exp(-slope / (2.0 * square.where(square > 0)))


def references(strengths: Any) -> np.ndarray:
    """CV of the reference [strength]."""
    return np.array([REFERENCE[d][0] for d in strengths])
