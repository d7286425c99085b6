"""What a fault campaign shows: which sites matter, and which samples find the faults there."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from jaxsnn_noise._checks import fail, flag, in_range, number

if TYPE_CHECKING:
    import xarray as xr

MASKED, TOLERABLE, CRITICAL = "masked", "tolerable", "critical"
"""What a site can be."""


def classify_sites(
    answers: xr.DataArray, nominal: xr.DataArray, labels: Any, *, critical: float, masked: float = 0.0, sample: str = "sample"
) -> xr.Dataset:  # fmt: skip
    """Sites by what a fault there does to the answers of a network.

    ``"masked"``: at most a share ``masked`` of the answers is another than without the fault, by default none.
    ``"critical"``: the accuracy falls by more than ``critical``. ``"tolerable"``: neither. A fault that makes the accuracy better
    is not critical. The classes are those of these samples: what is masked by few may not be by more.

    Args:
        answers: [..., sample], the class that is answered with each fault; NaN is an answer of none.
        nominal: [sample] those without a fault, with the same noise.
        labels: [sample] the right ones.
        critical: Largest loss of accuracy that is not critical [1], 0 to 1.
        masked: Largest share of changed answers that counts as none [1], 0 to 1.
        sample: Name of the dimension of samples.

    Returns:
        Dataset over the other dimensions of ``answers``: ``kind``, ``changed`` (share of answers that are others [1]) and
        ``loss`` (of accuracy [1]); the thresholds are its attributes.

    Raises:
        InputError: no dimension of samples, another number of them, thresholds out of range.

    Example:
        >>> import xarray as xr
        >>> right = xr.DataArray([0, 1, 1, 0], dims="sample")
        >>> faulty = xr.DataArray([[0, 1, 1, 0], [0, 1, 1, 1], [1, 0, 1, 0]], dims=("site", "sample"))
        >>> classify_sites(faulty, right, right, critical=0.3)["kind"].values.tolist()
        ['masked', 'tolerable', 'critical']
    """
    who = "reduce.classify_sites"
    for name, threshold in (("critical", critical), ("masked", masked)):
        in_range(f"{who}: {name}", number(f"{who}: {name}", threshold), 0.0, 1.0, "1")
    for name, array in (("answers", answers), ("nominal", nominal)):
        if sample not in getattr(array, "dims", ()):
            fail(f"{who}: {name}", f"must be an array with the dimension {sample!r}", type(array).__name__)
    truth, size = np.asarray(labels), answers.sizes[sample]
    if truth.shape != (size,) or nominal.dims != (sample,) or nominal.sizes[sample] != size:
        rule = f"must be as many as there are samples, {size}"
        fail(f"{who}: labels", rule, (truth.shape, dict(nominal.sizes)))
    right = nominal.copy(data=truth)
    changed = (answers != nominal).mean(sample)
    loss = (nominal == right).mean() - (answers == right).mean(sample)
    # a loss is a whole number of samples: rounding must not move it across its threshold
    far, few = loss > critical + 1e-9, changed <= masked + 1e-9
    names = np.where(far, CRITICAL, np.where(few, MASKED, TOLERABLE))
    found = changed.to_dataset(name="changed").assign(loss=loss, kind=(changed.dims, names))
    found["changed"].attrs["units"] = found["loss"].attrs["units"] = "1"
    return found.assign_attrs(critical=float(critical), masked=float(masked), samples=size)


def detecting_samples(
    changed: xr.DataArray, *, site: str = "site", sample: str = "sample", exact: bool = False
) -> xr.Dataset:
    """Samples that together detect every fault that any sample detects: a small test set.

    Greedy: each next sample is the one that detects most faults that are not detected yet, the first of equal ones. Such a set has
    at most ``H(d) = 1 + 1/2 + ... + 1/d`` times as many samples as the smallest, where no sample detects more than d faults; how many
    the smallest has at least is told for the case at hand, from the dual of the linear programme. With ``exact`` it is
    the smallest, by integer programming: for some hundred samples and faults.

    Args:
        changed: [site, sample], whether the answer is another with the fault at a site. Leave out the sites that need not be
            detected: ``changed.isel(site=kind == "critical")``.
        site: Name of the dimension of faults.
        sample: Name of the dimension of samples.
        exact: Whether to look for a smallest set.

    Returns:
        Dataset along ``order``: the ``sample`` chosen (its position) and the number of faults ``detected`` so far. Attributes:
        ``faults``, ``undetectable`` (no sample detects them), ``at_least`` (samples in any such set), ``factor`` (``H(d)``),
        ``method``.

    Raises:
        InputError: another shape; entries that are neither true nor false; no solution of the integer programme.

    References:
        Chvatal (1979), doi:10.1287/moor.4.3.233 (greedy covers and their bound).

    Example:
        >>> import xarray as xr
        >>> seen = xr.DataArray([[1, 0, 1], [1, 1, 0], [0, 1, 0]], dims=("site", "sample")) == 1
        >>> detecting_samples(seen)["sample"].values.tolist()
        [0, 1]
    """
    who = "reduce.detecting_samples"
    exact = flag(f"{who}: exact", exact)
    if set(getattr(changed, "dims", ())) != {site, sample}:
        fail(
            f"{who}: changed", f"must be an array [{site}, {sample}]", getattr(changed, "dims", type(changed).__name__)
        )
    given = changed.transpose(site, sample).to_numpy()
    if given.dtype != bool and not np.isin(given, (0, 1)).all():
        fail(f"{who}: changed", "must be true or false", given.dtype)
    seen = given.astype(bool)
    faults = seen[seen.any(axis=1)]
    chosen, price = _greedy(faults)
    # prices over the dearest sample are a solution of the dual: a lower bound
    dearest = float((faults.T @ price).max()) if faults.size and len(faults) else 1.0
    at_least = math.ceil(len(chosen) / dearest - 1e-9)
    if exact and len(chosen) > at_least:
        chosen = _smallest(who, faults)
        at_least = len(chosen)
    most = int(faults.sum(axis=0).max()) if len(faults) else 0
    detected = [int(faults[:, chosen[: k + 1]].any(axis=1).sum()) for k in range(len(chosen))]
    import xarray as xr

    attributes = {
        "faults": len(seen), "undetectable": len(seen) - len(faults), "at_least": at_least,
        "factor": float(np.sum(1.0 / np.arange(1, most + 1))), "method": "exact" if exact else "greedy",
    }  # fmt: skip
    arrays = {"sample": ("order", np.array(chosen, int)), "detected": ("order", np.array(detected, int))}
    return xr.Dataset(arrays, attrs=attributes)


def _greedy(faults: np.ndarray) -> tuple[list[int], np.ndarray]:
    """The samples in the order in which they are chosen, and what each fault costs: a share of the sample that detects it."""
    chosen, price, waiting = [], np.zeros(len(faults)), np.ones(len(faults), bool)
    while waiting.any():
        gains = faults[waiting].sum(axis=0)
        best = int(np.argmax(gains))
        new = waiting & faults[:, best]
        price[new] = 1.0 / new.sum()
        waiting &= ~new
        chosen.append(best)
    return chosen, price


def _smallest(who: str, faults: np.ndarray) -> list[int]:
    """A smallest set of samples, those that detect most first."""
    from scipy.optimize import Bounds, LinearConstraint, milp

    rows = np.unique(faults, axis=0).astype(float)
    width = rows.shape[1]
    found = milp(
        np.ones(width), constraints=LinearConstraint(rows, lb=1.0), bounds=Bounds(0, 1), integrality=np.ones(width)
    )
    if found.x is None:
        fail(f"{who}: exact", "the integer programme has no solution", found.message)
    samples = np.flatnonzero(found.x > 0.5)
    chosen, _ = _greedy(faults[:, samples])
    return [int(samples[k]) for k in chosen]
