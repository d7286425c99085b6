"""Several chips as one: averages and votes of their outputs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from jaxsnn_noise._checks import count, fail, flag

if TYPE_CHECKING:
    import xarray as xr


def ensembled(
    outputs: xr.DataArray, classes: str, *, copies: int, over: str = "device", vote: bool = False
) -> xr.DataArray:
    """Outputs of ensembles of chips: the mean of theirs, or the shares of their votes.

    Chips are grouped in their order, ``copies`` to an ensemble and no chip in two, so that ensembles are as independent as chips;
    those left over are dropped. An ensemble has ``copies`` times the area of a chip, and takes as many readings. With independent
    deviations the standard deviation of a mean falls by ``1/sqrt(copies)``: 29 % for 2, 42 % for 3, 50 % for 4.

    Args:
        outputs: [..., device, ..., class], e.g. the mean potentials of readouts.
        classes: Name of the dimension of classes.
        copies: Chips in an ensemble, >= 1.
        over: Name of the dimension of chips.
        vote: Each chip has one vote, for its largest output; of equal shares ``argmax`` takes the first class. Else the
            mean.

    Returns:
        As ``outputs``, with the dimension ``ensemble`` in place of the chips; the attributes have ``copies`` and ``area`` (in chips).

    Raises:
        InputError: no such dimensions; more copies than chips.

    Example:
        >>> import xarray as xr
        >>> chips = xr.DataArray([[0.0, 1.0], [0.2, 0.1], [0.0, 0.3]], dims=("device", "class"))
        >>> ensembled(chips, "class", copies=3, vote=True).values.round(2).tolist()
        [[0.33, 0.67]]
    """
    who = "reduce.ensembled"
    copies, vote = count(f"{who}: copies", copies), flag(f"{who}: vote", vote)
    dims = getattr(outputs, "dims", ())
    if not {classes, over} <= set(dims) or classes == over:
        fail(f"{who}: outputs", f"must be an array with the dimensions {over!r} and {classes!r}", dims)
    groups = outputs.sizes[over] // copies
    if not groups:
        fail(f"{who}: copies", f"must be at most the number of chips, {outputs.sizes[over]}", copies)
    values = outputs.transpose(over, ..., classes)
    if vote:
        best = values.argmax(classes)
        values = (values.copy(data=np.broadcast_to(np.arange(values.sizes[classes]), values.shape)) == best).astype(
            float
        )
    kept = values.isel({over: slice(0, groups * copies)}).drop_vars([over], errors="ignore")
    shaped = kept.coarsen({over: copies}).mean()
    order = ["ensemble" if dim == over else dim for dim in dims]
    return shaped.rename({over: "ensemble"}).transpose(*order).assign_attrs(copies=copies, area=copies)
