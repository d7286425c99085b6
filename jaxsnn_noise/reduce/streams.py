"""Fano factor, reliability and PSTH of labelled results: :mod:`jaxsnn_noise.reduce.folds` with names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from jaxsnn_noise._checks import count, fail, names, number, positive
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
    found = stream("reduce.fano_factor", FanoFactor(groups), counts, over, (), confidence, chunk)
    return found.assign_attrs(estimate="fano_factor")


def reliability(
    binned: xr.DataArray,
    over: str = "trial",
    *,
    bins: str | Sequence[str] | None = None,
    kernel: float | None = None,
    bin_ms: float | None = None,
    confidence: float = 0.95,
    chunk: int | None = None,
    groups: int = 32,
) -> xr.Dataset:
    """Trial-to-trial reliability of binned or smoothed spike trains, with its chance level; see :class:`Reliability`.

    With ``kernel`` trains are smoothed first, which is the measure of Schreiber et al. (2003): take bins much shorter than the
    kernel, e.g. ``BinnedCounts(dt)``. What is smeared over an end of the record is cut off.

    Args:
        binned: Counts or smoothed rates per bin.
        over: The random dimension.
        bins: The dimension that makes a train a vector, the only one whose name starts with ``bin`` unless given;
            ``("bin_counts", "cells_neuron")`` compares whole populations: bins of time first.
        kernel: Standard deviation of the Gaussian that trains are smoothed with [ms]; ``None``: they are taken as they are.
        bin_ms: Width of a bin [ms], for the kernel; default the spacing of the labels of the bins.
        confidence: Coverage of the two-sided interval.
        chunk: Members read at a time (any number gives the same bits); default all.
        groups: Jackknife groups.

    Returns:
        Dataset over the other dimensions: ``reliability``, ``standard_error``, ``low``, ``high``, ``reliability_active``,
        ``chance``, ``above_chance``, ``above_chance_error`` [1], ``df``, ``n``, ``n_silent``, ``n_missing``.

    Raises:
        InputError: ``over`` is no dimension of at least two members, or ``bins`` no other dimension; a kernel that is not
            positive, or bins whose width is not known.

    Example:
        >>> import xarray as xr
        >>> trains = xr.DataArray([[0, 2, 0], [0, 1, 0], [0, 0, 0]], dims=("trial", "bin"))
        >>> found = reliability(trains)
        >>> round(float(found["reliability_active"]), 9), int(found["n_silent"])
        (1.0, 1)
        >>> round(float(found["chance"]), 9)
        0.111111111
    """
    who = "reduce.reliability"
    check_array(who, binned)
    chosen = bins_of(who, binned, bins) if bins is None or isinstance(bins, str) else names(f"{who}: bins", bins)
    along = (chosen,) if isinstance(chosen, str) else tuple(chosen)
    series = int(np.prod([binned.sizes[name] for name in along[1:] if name in binned.sizes]))
    if kernel is not None:
        binned = smoothed(who, binned, along[0], kernel, bin_ms)
    found = stream(who, Reliability(groups, series), binned, over, along, confidence, chunk)
    return found.assign_attrs(estimate="reliability", **({} if kernel is None else {"kernel_ms": float(kernel)}))


def smoothed(who: str, binned: xr.DataArray, bins: str, kernel: float, bin_ms: float | None) -> xr.DataArray:
    """Trains convolved with a Gaussian of the standard deviation ``kernel`` [ms], cut off at the ends of the record."""
    from scipy import ndimage

    positive(f"{who}: kernel", number(f"{who}: kernel", kernel), "ms")
    if bins not in binned.dims:
        fail(f"{who}: bins", "unknown dimension", bins, known=map(str, binned.dims))
    width = spacing(who, binned, bins) if bin_ms is None else number(f"{who}: bin_ms", bin_ms)
    positive(f"{who}: bin_ms", width, "ms")
    values, axis = binned.to_numpy().astype(np.float64), binned.get_axis_num(bins)
    return binned.copy(data=ndimage.gaussian_filter1d(values, kernel / width, axis=axis, mode="constant", truncate=6.0))


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
        ``n_missing``, ``dispersion`` (the Fano factor that the interval takes).

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
    bins = bins_of(who, binned, bins)
    if not isinstance(bins, str) or bins not in binned.dims:
        fail(f"{who}: bins", "unknown dimension", bins, known=map(str, binned.dims))
    fold = PSTH(spacing(who, binned, bins) if bin_ms is None else bin_ms)
    found = stream(who, fold, binned, over, (bins,), confidence, chunk)
    for name in ("rate", "standard_error", "low", "high"):
        found[name].attrs["units"] = "Hz"
    return found.transpose(*(name for name in binned.dims if name != over)).assign_attrs(
        estimate="rate", bin_ms=fold.bin_ms
    )


def bins_of(who: str, binned: xr.DataArray, bins: str | None) -> str:
    """The dimension of the bins: the one that is given, or the only one that is called so."""
    if bins is not None:
        return bins
    found = [str(dim) for dim in binned.dims if str(dim).split("_")[0] == "bin"]
    if len(found) != 1:
        fail(f"{who}: bins", "must name the dimension of the bins", found, known=map(str, binned.dims))
    return found[0]


def fold_members(
    fold: MemberFold,
    array: xr.DataArray,
    over: str = "trial",
    *,
    along: str | Sequence[str] = (),
    confidence: float = 0.95,
    chunk: int | None = None,
) -> xr.Dataset:
    """Run any :class:`MemberFold` over one random dimension of labelled results, chunk by chunk.

    A result that lies in a store and is opened lazily is read ``chunk`` members at a time.

    Args:
        fold: The fold, of the package or of your own.
        array: Results with named dimensions.
        over: The random dimension, whose indices are the members.
        along: Dimensions that make one member of a cell a vector (bins, neurons); they come last in what ``update``
            gets, as one axis.
        confidence: Given to ``finalize``.
        chunk: Members read at a time; default all.

    Returns:
        What ``finalize`` returns, by name: over the other dimensions, and over those of ``along`` where the fold keeps
        its vectors.

    Raises:
        InputError: ``fold`` is no member fold, ``over`` no dimension of at least two members, ``along`` no other
            dimension.

    Example:
        >>> import xarray as xr
        >>> from jaxsnn_noise.reduce import FanoFactor
        >>> float(fold_members(FanoFactor(), xr.DataArray([4, 6, 5, 9], dims="trial"))["mean_count"])
        6.0
    """
    who = "reduce.fold_members"
    if not isinstance(fold, MemberFold):
        fail(f"{who}: fold", "must be a MemberFold, such as FanoFactor()", type(fold).__name__)
    return stream(who, fold, array, over, names(f"{who}: along", along), confidence, chunk)


def stream(
    who: str,
    fold: MemberFold,
    array: xr.DataArray,
    over: str,
    along: tuple[str, ...],
    confidence: float,
    chunk: int | None = None,
) -> xr.Dataset:
    """Run ``fold`` over ``over`` in chunks, ``along`` last in each member (and in what keeps it)."""
    import xarray as xr

    check_array(who, array)
    check_confidence(who, confidence)
    if not isinstance(over, str):
        fail(f"{who}: over", "needs one random dimension (summarise over others with mean_and_error)", over)
    random_dimensions(who, array, over)
    what = "along" if who == "reduce.fold_members" else "bins"
    for name in along:
        if name not in array.dims or name == over:
            known = [str(d) for d in array.dims if d != over]
            fail(f"{who}: {what}", "must be a dimension other than the random one", name, known=known)
    if len(set(along)) < len(along):
        fail(f"{who}: {what}", "must name each dimension once", along)
    size = array.sizes[over]
    step = size if chunk is None else count(f"{who}: chunk", chunk)
    cells = [name for name in array.dims if name != over and name not in along]
    ordered = array.transpose(over, *cells, *along)
    shape, lengths = (tuple(array.sizes[name] for name in names) for names in (cells, along))
    vector = (int(np.prod(lengths)),) if along else ()
    acc = fold.init(shape + vector)
    for first in range(0, size, step):
        block = ordered.isel({over: slice(first, first + step)}).to_numpy()
        acc = fold.update(acc, block.reshape(-1, *shape, *vector), first)
    found: dict[str, Any] = {}
    for name, made in fold.finalize(acc, confidence).items():
        value = np.asarray(made)
        kept = bool(along) and value.ndim > len(cells)
        found[name] = ([*cells, *along], value.reshape(shape + lengths)) if kept else (cells, value)
    dims = {dim for names, _ in found.values() for dim in names}
    labels = array.isel({name: 0 for name in array.dims if name not in dims}, drop=True).coords
    return xr.Dataset(found, coords=labels, attrs={"over": over, "confidence": confidence})


def spacing(who: str, binned: xr.DataArray, bins: str) -> float:
    """The bin width [ms] from evenly spaced labels."""
    even = bins in binned.coords and binned.sizes[bins] > 1
    gaps = np.diff(binned[bins].to_numpy().astype(np.float64)) if even else np.zeros(1)
    if np.all(gaps > 0) and np.allclose(gaps, gaps[0], rtol=1e-4):
        return float(np.mean(gaps))
    return fail(f"{who}: bin_ms", f"is needed, as dimension {bins!r} has no evenly spaced labels [ms]", None)
