"""Fano factor, reliability and PSTH of labelled results: :mod:`jaxsnn_noise.reduce.folds` with names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from jaxsnn_noise._checks import count, fail
from jaxsnn_noise.reduce.design import check_array, check_confidence, random_dimensions
from jaxsnn_noise.reduce.folds import PSTH, FanoFactor, MemberFold, Reliability

if TYPE_CHECKING:
    import xarray as xr


def fano_factor(
    counts: xr.DataArray,
    over: str = "trial",
    *,
    confidence: float = 0.95,
    chunk: int | None = None,
    groups: int = 32,
) -> xr.Dataset:
    """Fano factor of spike counts over one random dimension; see :class:`FanoFactor`.

    Over ``"trial"`` it is that of each chip. To say how it varies between chips give the result to
    :func:`mean_and_error` with ``over="device"``; pooling chips and trials would mix the two kinds of scatter.

    Args:
        counts: Spike counts, whole numbers (NaN where missing).
        over: The random dimension.
        confidence: Coverage of the two-sided interval.
        chunk: Members read at a time (any number gives the same bits); default all.
        groups: Jackknife groups.

    Returns:
        Dataset over the other dimensions: ``fano_factor``, ``standard_error``, ``low``, ``high``, ``mean_count``,
        ``variance`` [1], ``df``, ``n``, ``n_missing``.

    Raises:
        InputError: ``over`` is no dimension of at least two members; counts that are negative or not whole.

    Example:
        >>> import xarray as xr
        >>> float(fano_factor(xr.DataArray([4, 6, 5, 9], dims="trial"))["mean_count"])
        6.0
    """
    found, _ = _stream("reduce.fano_factor", FanoFactor(groups), counts, over, (), confidence, chunk)
    return found.assign_attrs(estimate="fano_factor")


def reliability(
    binned: xr.DataArray,
    over: str = "trial",
    *,
    bins: str | Sequence[str] | None = None,
    confidence: float = 0.95,
    chunk: int | None = None,
    groups: int = 32,
) -> xr.Dataset:
    """Trial-to-trial reliability of binned (or smoothed) spike trains; see :class:`Reliability`.

    Args:
        binned: Counts or smoothed rates per bin.
        over: The random dimension.
        bins: The dimension that makes a train a vector, the only one whose name starts with ``bin`` unless given;
            ``("bin_counts", "cells_neuron")`` compares whole populations.
        confidence: Coverage of the two-sided interval.
        chunk: Members read at a time (any number gives the same bits); default all.
        groups: Jackknife groups.

    Returns:
        Dataset over the other dimensions: ``reliability``, ``standard_error``, ``low``, ``high``,
        ``reliability_active`` [1], ``df``, ``n``, ``n_silent``, ``n_missing``.

    Raises:
        InputError: ``over`` is no dimension of at least two members, or ``bins`` no other dimension.

    Example:
        >>> import xarray as xr
        >>> trains = xr.DataArray([[0, 2, 0], [0, 1, 0], [0, 0, 0]], dims=("trial", "bin"))
        >>> found = reliability(trains)
        >>> round(float(found["reliability_active"]), 9), int(found["n_silent"])
        (1.0, 1)
    """
    who = "reduce.reliability"
    check_array(who, binned)
    chosen = _bins(who, binned, bins) if bins is None or isinstance(bins, str) else bins
    along = (chosen,) if isinstance(chosen, str) else tuple(chosen)
    found, _ = _stream(who, Reliability(groups), binned, over, along, confidence, chunk)
    return found.assign_attrs(estimate="reliability")


def psth(
    binned: xr.DataArray,
    over: str = "trial",
    *,
    bins: str | None = None,
    bin_ms: float | None = None,
    confidence: float = 0.95,
    chunk: int | None = None,
) -> xr.Dataset:
    """Rate per bin over one random dimension [Hz]; see :class:`PSTH`.

    Args:
        binned: Spike counts per bin, whole numbers (NaN where missing).
        over: The random dimension.
        bins: The dimension of the bins; the only one whose name starts with ``bin`` unless given.
        bin_ms: Width of a bin [ms]; default the spacing of the labels of ``bins`` (bin centres or edges [ms]).
        confidence: Coverage of the two-sided interval.
        chunk: Members read at a time (any number gives the same bits); default all.

    Returns:
        Dataset over the other dimensions: ``rate``, ``standard_error``, ``low``, ``high`` [Hz], ``df``, ``n``,
        ``n_missing``.

    Raises:
        InputError: ``over`` is no dimension of at least two members, ``bins`` no other dimension, labels of ``bins``
            that are missing or not evenly spaced while ``bin_ms`` is not given; counts that are negative or not whole.

    Example:
        >>> import xarray as xr
        >>> psth(xr.DataArray([[1, 0], [0, 0]], dims=("trial", "bin")), bin_ms=5.0)["rate"].values.tolist()
        [100.0, 0.0]
    """
    who = "reduce.psth"
    check_array(who, binned)
    bins = _bins(who, binned, bins)
    if bins not in binned.dims:
        fail(f"{who}: bins", "unknown dimension", bins, known=map(str, binned.dims))
    fold = PSTH(_spacing(who, binned, bins) if bin_ms is None else bin_ms)
    found, order = _stream(who, fold, binned, over, (bins,), confidence, chunk, keep=True)
    for name in ("rate", "standard_error", "low", "high"):
        found[name].attrs["units"] = "Hz"
    return found.transpose(*order).assign_attrs(estimate="rate", bin_ms=fold.bin_ms)


def _bins(who: str, binned: xr.DataArray, bins: str | None) -> str:
    """The dimension of the bins: the one that is given, or the only one that is called so."""
    if bins is not None:
        return bins
    found = [str(dim) for dim in binned.dims if str(dim).split("_")[0] == "bin"]
    if len(found) != 1:
        fail(f"{who}: bins", "must name the dimension of the bins", found, known=map(str, binned.dims))
    return found[0]


def _stream(
    who: str,
    fold: MemberFold,
    array: xr.DataArray,
    over: str,
    along: tuple[str, ...],
    confidence: float,
    chunk: int | None,
    keep: bool = False,
) -> tuple[xr.Dataset, list[Any]]:
    """Run ``fold`` over ``over`` in chunks, ``along`` last in each member (``keep``: and in the result)."""
    import xarray as xr

    check_array(who, array)
    check_confidence(who, confidence)
    if not isinstance(over, str):
        fail(f"{who}: over", "needs one random dimension (summarise over others with mean_and_error)", over)
    random_dimensions(who, array, over)
    for name in along:
        if name not in array.dims or name == over:
            known = [str(d) for d in array.dims if d != over]
            fail(f"{who}: bins", "must be a dimension other than the random one", name, known=known)
    size = array.sizes[over]
    step = size if chunk is None else count(f"{who}: chunk", chunk)
    cells = [name for name in array.dims if name != over and name not in along]
    ordered = array.transpose(over, *cells, *along)
    shape = tuple(array.sizes[name] for name in cells)
    vector = (int(np.prod([array.sizes[name] for name in along])),) if along else ()
    acc = fold.init(shape + vector)
    for first in range(0, size, step):
        block = ordered.isel({over: slice(first, first + step)}).to_numpy()
        acc = fold.update(acc, block.reshape(-1, *shape, *vector), first)
    dims = [*cells, *along] if keep else cells
    labels = array.isel({name: 0 for name in array.dims if name not in dims}, drop=True).coords
    made = {name: (dims, np.asarray(value)) for name, value in fold.finalize(acc, confidence).items()}
    found = xr.Dataset(made, coords=labels, attrs={"over": over, "confidence": confidence})
    return found, [name for name in array.dims if name in dims]


def _spacing(who: str, binned: xr.DataArray, bins: str) -> float:
    """The bin width [ms] from evenly spaced labels."""
    even = bins in binned.coords and binned.sizes[bins] > 1
    gaps = np.diff(binned[bins].to_numpy().astype(np.float64)) if even else np.zeros(1)
    if np.all(gaps > 0) and np.allclose(gaps, gaps[0], rtol=1e-4):
        return float(np.mean(gaps))
    return fail(f"{who}: bin_ms", f"is needed, as dimension {bins!r} has no evenly spaced labels [ms]", None)
