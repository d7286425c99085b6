"""Differences along a sweep or a set of cases, paired by common random numbers."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from jaxsnn_noise._checks import fail, names
from jaxsnn_noise.reduce.design import check_array, check_confidence, tabulate
from jaxsnn_noise.reduce.errors import clustered, mean_and_error

if TYPE_CHECKING:
    import xarray as xr


def paired_contrast(
    array: xr.DataArray,
    dim: str,
    reference: Any,
    over: str | Sequence[str] = ("device", "trial"),
    *,
    confidence: float = 0.95,
    nested: Mapping[str, str] | None = None,
) -> xr.Dataset:
    """Mean difference from a reference along ``dim``, paired member by member, with clustered errors.

    Sweeps and cases share their random numbers, so each member is its own control::

        difference[x, member] = array[x, member] - array[reference, member]
        Var(mean difference)  = clustered variance of the differences
        correlation           = (V_x + V_ref - V_difference) / (2 sqrt(V_x V_ref))
        variance_reduction    = (V_x + V_ref) / V_difference

    ``correlation`` is that of the errors of the two means; with one cluster root it is Pearson's correlation of the
    cluster means, with crossed roots (where the V are cut off, :mod:`jaxsnn_noise.reduce.errors`) it is clipped to [-1,
    1]. ``variance_reduction`` says how many times more members two independent runs would need for the same error
    (about ``1 / (1 - correlation)``; infinite where every difference is the same).

    Args:
        array: Results with named dimensions.
        dim: The paired dimension, in neither ``over`` nor random.
        reference: A label of ``dim`` (numbers match to one part in a million; a float32 sweep has no exact 0.1), or a
            position where ``dim`` has no labels. It is left out of the result: its contrast is 0 by definition.
        over: The random dimensions; each needs at least two members.
        confidence: Coverage of the two-sided interval.
        nested: Child to parent; default :data:`NESTED`.

    Returns:
        The dataset of :func:`mean_and_error` for the difference (a pair with either member missing is missing), with
        ``correlation`` and ``variance_reduction`` [1] added (NaN where undefined).

    Raises:
        InputError: unknown ``dim`` or ``reference``, ``dim`` among ``over``, a single label along ``dim``; see also
            :func:`jaxsnn_noise.reduce.design.tabulate`.

    Example:
        >>> import xarray as xr
        >>> rates = xr.DataArray([[8.0, 12.0], [9.0, 14.0]], dims=("sigma", "device"), coords={"sigma": [0.0, 0.1]})
        >>> found = paired_contrast(rates, "sigma", 0.0, "device")
        >>> float(found["mean"][0]), float(found["standard_error"][0])
        (1.5, 0.5)
    """
    who = "reduce.paired_contrast"
    check_confidence(who, confidence)
    check_array(who, array)
    if not isinstance(dim, str) or dim not in array.dims:
        fail(f"{who}: dim", "unknown dimension", dim, known=map(str, array.dims))
    if dim in names(f"{who}: over", over):
        fail(f"{who}: over", "must not hold the paired dimension", dim)
    at = _position(who, array, dim, reference)
    others = [i for i in range(array.sizes[dim]) if i != at]
    if not others:
        fail(f"{who}: dim", f"dimension {dim!r} needs another label than the reference", reference)
    swept = array.astype(np.float64).where(np.isfinite(array))
    first, second = swept.isel({dim: others}), swept.isel({dim: at}, drop=True)
    difference = (first - second).transpose(*array.dims).assign_attrs(array.attrs)
    found = mean_and_error(difference, over, confidence=confidence, nested=nested)
    pairs = [(first + 0.0 * second).transpose(*array.dims), (second + 0.0 * first).transpose(*array.dims)]
    v_first, v_second = (clustered(tabulate(who, part, over, nested))[1] for part in pairs)
    mean = found["mean"]
    v_difference = found["standard_error"].to_numpy().reshape(-1) ** 2
    with np.errstate(divide="ignore", invalid="ignore"):
        correlation = np.clip((v_first + v_second - v_difference) / (2 * np.sqrt(v_first * v_second)), -1, 1)
        reduction = (v_first + v_second) / v_difference
    return found.assign(
        correlation=(mean.dims, correlation.reshape(mean.shape)),
        variance_reduction=(mean.dims, reduction.reshape(mean.shape)),
    ).assign_attrs(dim=dim, reference=str(reference))


def _position(who: str, array: xr.DataArray, dim: Hashable, reference: Any) -> int:
    """Where ``reference`` stands along ``dim``."""
    if dim not in array.coords:
        if isinstance(reference, (int, np.integer)) and 0 <= reference < array.sizes[dim]:
            return int(reference)
        fail(
            f"{who}: reference",
            f"must be a position 0..{array.sizes[dim] - 1} ({dim!r} has no labels)",
            reference,
        )
    if np.ndim(np.asarray(reference, object)) or isinstance(reference, (list, tuple)):
        fail(f"{who}: reference", f"must be one label of dimension {dim!r}", reference)
    labels = array[dim].to_numpy()
    if labels.dtype.kind in "iuf" and isinstance(reference, (int, float, np.number)):
        same = np.isclose(labels.astype(np.float64), float(reference), rtol=1e-6, atol=0.0)
    else:
        same = labels == reference
    if np.sum(same) != 1:
        fail(f"{who}: reference", f"must be one label of dimension {dim!r}", reference, known=map(str, labels))
    return int(np.argmax(same))
