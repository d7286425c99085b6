"""Which dimensions are random and nested in which, and the table of members that every error is made of.

A member of an ensemble carries one index per random dimension. A dimension is *nested* in another when the same index
means something else under each of its values (trial 3 of chip 1 and trial 3 of chip 2 share nothing: fresh noise per
chip), and *crossed* when the index keeps its meaning (sample 3 is the same stimulus on every chip and in every trial).
With every set of dimensions that can share something goes one random effect::

    y[i, j, ...] = mu + sum_S effect_S,       Var(effect_S) = variance_S >= 0

The *roots* are the random dimensions that are nested in no other. For complete tables the variance of the mean needs
the roots only: averaging a nested dimension inside its parent loses nothing, because the scatter of the parents' means
already contains it. So errors of means are made from the table of root means, one axis per root.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from jaxsnn_noise._checks import fail, named, number
from jaxsnn_noise._checks import names as names_of

if TYPE_CHECKING:
    import xarray as xr

NESTED: Mapping[str, str] = {"trial": "device"}
"""The house's nested dimensions, child to parent; every other pair of random dimensions is crossed.

``sample`` is crossed with everything: its stimulus is shared. ``seed`` (a training) and ``realisation`` are clusters of
their own, nested in nothing, and ``device`` is *crossed* with them: a chip draws its imperfections from its device
index alone, so chip 3 has the same draws under every seed, and an error clustered by seed only would miss what the
chips share. Where chips were drawn anew for each seed, say ``nested={"trial": "device", "device": "seed"}``. Taking a
nested dimension for a crossed one costs degrees of freedom; the reverse makes the error too small.
"""


@dataclass(frozen=True)
class Table:
    """Members (or cluster means): an axis for all cells, then the random dimensions, parents first.

    A cell is one combination of the indices that are not random.

    Attributes:
        values: Real or boolean [cell, *names].
        present: Which entries count: finite members, or clusters with at least one [cell, *names].
        names: Names of the random axes.
        parent: Child to closest parent among ``names``.
        n: Finite members [cell].
        n_missing: Non-finite members [cell].
        template: The array at the first index of every random dimension: labels and attributes of the cells.
    """

    values: np.ndarray
    present: np.ndarray
    names: tuple[str, ...]
    parent: Mapping[str, str]
    n: np.ndarray
    n_missing: np.ndarray
    template: xr.DataArray

    @property
    def roots(self) -> tuple[str, ...]:
        """The random dimensions that are nested in no other."""
        return tuple(name for name in self.names if name not in self.parent)

    def root_means(self) -> Table:
        """Nested dimensions averaged inside their parents, deepest first, each child with equal weight."""
        values, present = self.values, self.present
        for _ in range(len(self.names) - len(self.roots)):
            values, present = cluster_means(values, present, (-1,))
            values, present = values[..., 0], present[..., 0]
        return replace(self, values=values, present=present, names=self.roots, parent={})


def check_array(who: str, array: Any) -> None:
    """``array`` is a real (or boolean) :class:`xarray.DataArray`."""
    if hasattr(array, "data_vars"):
        fail(who, "needs one variable of the dataset (an xarray.DataArray), such as dataset['name']",
             list(array.data_vars), known=array.data_vars)  # fmt: skip
    if not hasattr(array, "dims") or not hasattr(array, "coords"):
        fail(who, "needs an xarray.DataArray with named dimensions", type(array).__name__)
    if array.dtype.kind not in "biuf":
        fail(who, "needs real numbers or booleans", array.dtype)


def check_confidence(who: str, confidence: float) -> float:
    """``confidence`` lies strictly between 0 and 1."""
    found = number(f"{who}: confidence", confidence)
    if not 0.0 < found < 1.0:
        fail(f"{who}: confidence", "must lie strictly between 0 and 1 [1]", confidence)
    return found


def random_dimensions(who: str, array: xr.DataArray, over: str | Sequence[str]) -> tuple[str, ...]:
    """The names in ``over``, each a dimension of ``array`` with at least two members."""
    names = names_of(f"{who}: over", over)
    if not names:
        fail(f"{who}: over", "must name at least one random dimension", names, known=map(str, array.dims))
    for name in names:
        if name not in array.dims:
            lacks = " (a statistic over trials needs a recording of several)" if name == "trial" else ""
            fail(f"{who}: over", f"unknown dimension{lacks}", name, known=map(str, array.dims))
        if array.sizes[name] < 2:
            fail(
                f"{who}: over",
                f"dimension {name!r} needs at least two members for an error",
                array.sizes[name],
            )
    if len(set(names)) < len(names):
        fail(f"{who}: over", "must name each dimension once", names)
    return names


def parents(who: str, names: Sequence[str], array: xr.DataArray, nested: Mapping[str, str] | None) -> dict[str, str]:
    """For each nested name its closest ancestor in ``names``; ``nested=None`` stands for :data:`NESTED`."""
    if nested is not None:
        nested = named(f"{who}: nested", nested, "names of dimensions, child to parent")
        if not all(isinstance(parent, str) for parent in nested.values()):
            fail(f"{who}: nested", "must map names to names of dimensions, child to parent", nested)
    known = {*map(str, array.dims), *NESTED, *NESTED.values()}
    for name in {name for pair in nested.items() for name in pair} - known if nested is not None else ():
        fail(f"{who}: nested", "unknown dimension", name, known=known)
    links = NESTED if nested is None else nested
    closest = {name: [a for a in _ancestors(who, name, links) if a in names] for name in names}
    return {name: chain[0] for name, chain in closest.items() if chain}


def tabulate(who: str, array: xr.DataArray, over: str | Sequence[str], nested: Mapping[str, str] | None) -> Table:
    """The members of ``array`` with their random axes last, parents before children.

    Raises:
        InputError: ``array`` is not a real DataArray; ``over`` is empty, repeats a name, or names an unknown dimension
            or one with a single member; ``nested`` names an unknown dimension or makes a circle.
    """
    check_array(who, array)
    names = random_dimensions(who, array, over)
    parent = parents(who, names, array, nested)
    order = tuple(sorted(names, key=lambda name: (_depth(name, parent), names.index(name))))
    cells = [name for name in array.dims if name not in names]
    values = array.transpose(*cells, *order).to_numpy().reshape(-1, *(array.sizes[name] for name in order))
    present = np.isfinite(values)
    n = present.reshape(len(present), -1).sum(axis=1)
    template = array.isel(dict.fromkeys(names, 0), drop=True)
    return Table(values, present, order, parent, n, present[:1].size - n, template)


def cluster_means(values: np.ndarray, present: np.ndarray, axes: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Means of the present entries along ``axes`` (kept), and whether there are any (0 where not)."""
    number = present.sum(axis=axes, keepdims=True)
    total = np.sum(values, axis=axes, keepdims=True, where=present, dtype=np.float64)
    return total / np.maximum(number, 1), number > 0


def dataset(template: xr.DataArray, attributes: Mapping[str, Any], **variables: np.ndarray) -> xr.Dataset:
    """A dataset over the cells of ``template`` from variables [cell]; ``_IN_UNITS`` keep the array's units."""
    import xarray as xr

    units = {name: value for name, value in template.attrs.items() if name == "units"}
    made = {
        name: (template.dims, value.reshape(template.shape), units if name in _IN_UNITS else {})
        for name, value in variables.items()
    }
    return xr.Dataset(made, coords=template.coords, attrs=dict(attributes))


_IN_UNITS = ("mean", "standard_error", "low", "high", "estimate", "lower", "upper")


def _depth(name: str, parent: Mapping[str, str]) -> int:
    return 0 if name not in parent else 1 + _depth(parent[name], parent)


def _ancestors(who: str, name: str, links: Mapping[str, str]) -> list[str]:
    chain: list[str] = []
    while (above := links.get(chain[-1] if chain else name)) is not None:
        if above in chain or above == name:
            fail(f"{who}: nested", f"dimension {above!r} must not be nested in itself", dict(links))
        chain.append(above)
    return chain
