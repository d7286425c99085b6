"""How much of the scatter lies between chips and how much within: variance components by mean squares."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from jaxsnn_noise.reduce.design import dataset, tabulate
from jaxsnn_noise.reduce.errors import contributions, effect_sets, mean_squares

if TYPE_CHECKING:
    import xarray as xr


def variance_components(
    array: xr.DataArray,
    over: str | Sequence[str] = ("device", "trial"),
    *,
    nested: Mapping[str, str] | None = None,
) -> xr.Dataset:
    """The variance of every random effect, with intraclass correlations and the design effect.

    A component is named by the dimensions whose indices it depends on: over ``("device", "trial")``, ``"device"`` is
    the scatter between chips and ``"device:trial"`` the scatter of trials within a chip; crossed dimensions bring their
    interactions (``"sample"``, ``"device:sample"``, ...). From the mean squares of the complete table, largest set
    first and cut off at zero (Searle, Casella & McCulloch 1992, doi:10.1002/9780470316856, ch. 4)::

        variance_S   = max(0, (MS_S - sum_{T > S} members_T * variance_T) / members_S)
        intraclass_S = sum_{T <= S} variance_T / total,          total = sum_S variance_S
        design_effect = sum_S (variance_S / clusters_S) / (total / members)

    with ``members_S`` the members that share the indices in S. ``intraclass`` is the correlation of two members that
    share exactly those indices (1 for the last component: a member with itself). ``design_effect`` is the factor by
    which a pooled squared standard error is too small; over ``("device", "trial")`` it is ``1 + (trials - 1) rho``.

    Args:
        array: Results with named dimensions.
        over: The random dimensions; each needs at least two members.
        nested: Child to parent; default :data:`NESTED`.

    Returns:
        Dataset over the other dimensions: ``variance`` [unit^2] and ``intraclass`` [1] along ``component``; ``total``
        [unit^2], ``design_effect`` [1], ``n``, ``n_missing``. NaN in a cell where a member is
        missing (mean squares of a table with holes are not those above): select complete devices or samples
        first. NaN also for the ratios of a cell without any scatter.

    Raises:
        InputError: see :func:`jaxsnn_noise.reduce.design.tabulate`.

    Example:
        >>> import xarray as xr
        >>> found = variance_components(xr.DataArray([[8.0, 10.0], [11.0, 15.0]], dims=("device", "trial")))
        >>> found["component"].values.tolist(), found["variance"].values.tolist()
        (['device', 'device:trial'], [5.5, 5.0])
    """
    import xarray as xr

    who = "reduce.variance_components"
    table = tabulate(who, array, over, nested)
    sets = effect_sets(table)
    found = mean_squares(table.values, table.present, sets)
    sizes = table.present.shape[1:]
    clusters = {members: int(np.prod([sizes[axis] for axis in members])) for members in sets}
    parts = contributions(found)
    share = {s: np.sum([c * found[t][0] for t, c in parts[s].items()], axis=0) for s in sets}
    complete = table.n_missing == 0
    variance = {s: np.where(complete, share[s] * clusters[s], np.nan) for s in sets}
    total = np.sum(list(variance.values()), axis=0)
    members = int(np.prod(sizes))
    with np.errstate(divide="ignore", invalid="ignore"):
        design_effect = np.sum(list(share.values()), axis=0) / (total / members)
        intraclass = {s: np.sum([variance[t] for t in sets if t <= s], axis=0) / total for s in sets}
    each = [
        dataset(table.template, {}, variance=variance[s], intraclass=intraclass[s]).assign_coords(
            component=":".join(table.names[axis] for axis in sorted(s))
        )
        for s in sets
    ]
    whole = dataset(table.template, {}, total=total, design_effect=design_effect, n=table.n, n_missing=table.n_missing)
    return xr.merge([xr.concat(each, dim="component"), whole]).assign_attrs(clustered_by=list(table.roots))
