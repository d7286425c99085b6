"""Spike-time precision: the events of a response that is repeated, and the jitter of the spikes in each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from jaxsnn_noise._checks import fail, number, positive
from jaxsnn_noise.reduce.design import check_array, random_dimensions
from jaxsnn_noise.reduce.folds import whole
from jaxsnn_noise.reduce.streams import bins_of, smoothed, spacing

if TYPE_CHECKING:
    import xarray as xr
    from pandas import DataFrame


def spike_events(
    binned: xr.DataArray,
    over: str = "trial",
    *,
    bins: str | None = None,
    kernel: float = 3.0,
    least: float = 3.0,
    bin_ms: float | None = None,
) -> DataFrame:
    """The events of a repeated response with their reliability and the precision of their spike times.

    An event is a stretch of time in which the rate over trials, smoothed with a Gaussian, exceeds ``least`` times its mean over
    the record (Mainen and Sejnowski 1995). Its spikes are those of all trials within it; jitter is their standard deviation,
    and precision its inverse. Take bins much shorter than the jitter (``BinnedCounts(dt)``): a bin of width ``w`` adds ``w^2/12``
    to its square, which is not taken off.

    Args:
        binned: Spike counts per bin, whole numbers (NaN where missing).
        over: The random dimension: trials under a frozen stimulus.
        bins: The dimension of the bins; the only one whose name starts with ``bin`` unless given.
        kernel: Standard deviation of the Gaussian [ms].
        least: How many times the mean rate the rate exceeds in an event [1], > 0.
        bin_ms: Width of a bin [ms]; default the spacing of the labels of ``bins``.

    Returns:
        One row per event, in the order of cells and time, with a column per other dimension (of its labels), and ``event`` (from 0
        in each cell), ``time`` (the mean of its spikes, at the middle of their bins), ``start``, ``stop``, ``jitter``,
        ``jitter_error`` [ms], ``reliability`` (share of trials with a spike in it) [1], ``spikes``. Jitter is NaN for a single
        spike; its error is ``jitter/sqrt(2 (spikes - 1))``, that of Gaussian times.

    Raises:
        InputError: ``over`` is no dimension of at least two members; counts that are negative or not whole; a kernel, a factor or
            a width that is not positive.

    References:
        Mainen & Sejnowski (1995), Science 268:1503, doi:10.1126/science.7770778.

    Example:
        >>> import xarray as xr
        >>> trains = np.zeros((3, 100), int)
        >>> trains[[0, 1, 2, 0, 1], [20, 21, 22, 70, 70]] = 1
        >>> found = spike_events(xr.DataArray(trains, dims=("trial", "bin")), bin_ms=1.0)
        >>> found[["time", "jitter", "reliability"]].round(3).values.tolist()
        [[21.5, 1.0, 1.0], [70.5, 0.0, 0.667]]
    """
    from pandas import DataFrame

    who = "reduce.spike_events"
    check_array(who, binned)
    bins = bins_of(who, binned, bins)
    random_dimensions(who, binned, over)
    if bins == over:
        fail(f"{who}: bins", "must be a dimension other than the random one", bins)
    positive(f"{who}: least", number(f"{who}: least", least))
    cells = [str(dim) for dim in binned.dims if dim not in (over, bins)]
    present, counts = whole(who, binned.transpose(*cells, over, bins).to_numpy())
    rate = smoothed(who, binned.mean(over), bins, kernel, bin_ms).transpose(*cells, bins).to_numpy()
    width = spacing(who, binned, bins) if bin_ms is None else float(bin_ms)
    rows = []
    for cell in np.ndindex(*(binned.sizes[name] for name in cells)):
        at = zip(cells, cell, strict=True)
        labels = {name: binned[name].to_numpy()[i] if name in binned.coords else i for name, i in at}
        kept = present[cell].all(axis=-1)
        rows += [labels | event for event in _events(counts[cell][kept], rate[cell], least, width)]
    columns = [*cells, "event", "time", "start", "stop", "jitter", "jitter_error", "reliability", "spikes"]
    return DataFrame(rows, columns=columns)


def _events(counts: np.ndarray, rate: np.ndarray, least: float, width: float) -> list[dict[str, Any]]:
    """Of trials [trial, bin] whose rate over them is ``rate``."""
    high = np.concatenate([[False], rate > least * rate.mean(), [False]])
    edges = np.flatnonzero(np.diff(high.astype(int))).reshape(-1, 2)
    middles = (np.arange(counts.shape[1]) + 0.5) * width
    found: list[dict[str, Any]] = []
    for first, last in edges:
        inside = counts[:, first:last]
        times = np.repeat(np.broadcast_to(middles[first:last], inside.shape).ravel(), inside.ravel())
        if not len(times):
            continue
        jitter = times.std(ddof=1) if len(times) > 1 else np.nan
        error = jitter / np.sqrt(2.0 * (len(times) - 1)) if len(times) > 1 else np.nan
        found.append({
            "event": len(found), "time": times.mean(), "start": first * width, "stop": last * width, "jitter": jitter,
            "jitter_error": error, "reliability": (inside.sum(axis=1) > 0).mean(), "spikes": len(times),
        })  # fmt: skip
    return found
