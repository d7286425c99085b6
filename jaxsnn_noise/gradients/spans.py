"""Sensitivity over ranges of leaves: Sobol's indices and derivative-based measures, by the same runs."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from jaxsnn_noise import paths, provenance
from jaxsnn_noise._checks import count, fail, names, real_numbers
from jaxsnn_noise.engine.simulation import Simulation, validate
from jaxsnn_noise.gradients.differences import FiniteDifference
from jaxsnn_noise.gradients.estimator import Task
from jaxsnn_noise.gradients.jackknife import jackknifed
from jaxsnn_noise.gradients.programs import over_trials, placed, values_of
from jaxsnn_noise.gradients.quantities import Quantity, moments
from jaxsnn_noise.gradients.result import confidence_level
from jaxsnn_noise.gradients.samples import OverSamples

if TYPE_CHECKING:
    import xarray as xr

STEP = 0.02
"""Half the distance of differences, in widths of the range."""


def global_sensitivity(
    sim: Simulation, outputs: Sequence[Any], ranges: Mapping[str, Any], *, points: int, trials: int,
    key: Any, over: Sequence[str] | None = None, confidence: float = 0.95, at_once: int = 1000,
) -> xr.Dataset:  # fmt: skip
    r"""Which leaves matter while all of them vary in ranges: variance-based and derivative-based indices.

    With leaves uniform in their ranges, each entry set to one number, and the output :math:`f` averaged over trials with **common** random
    numbers: Sobol's first and total indices (``scipy.stats.sobol_indices``, estimators of Saltelli and Jansen on a Sobol' sequence,
    bootstrap intervals), the mean slope :math:`\bar f_i = E[\partial_i f]` and the derivative-based measure
    :math:`\nu_i = E[(\partial_i f)^2]`, which bounds the total index, :math:`S_{T,i} \le \frac{(b_i - a_i)^2}{\pi^2}\frac{\nu_i}{Var f}`.
    Slopes are differences over 4 % of the range, and their square is the product of those of two disjoint halves of the trials, so
    that the noise of a slope does not add to it.

    Args:
        sim: The simulation.
        outputs: As for :func:`sensitivity`.
        ranges: From path to lower and upper end.
        points: Sample points, a power of 2; there are ``points (3 leaves + 2)`` evaluations.
        trials: For each evaluation, even. What the mean over them leaves of the noise counts as interaction.
        key: Root key, for trials and points.
        over: As for :func:`sensitivity`.
        confidence: Of the intervals.
        at_once: Trials that are computed at once.

    Returns:
        A dataset over ``output`` and ``leaf``: ``first_order`` and ``total_order`` with ``_low`` and ``_high``, ``mean_slope``, ``dgsm``,
        ``dgsm_error``, ``dgsm_bound`` (of the total index), and over ``leaf``: ``low`` and ``high``.

    Raises:
        InputError: ends that are no range, or outside of that of the leaf; fewer than two leaves; points that are no power of 2.

    References: Sobol' 2001, doi:10.1016/S0378-4754(00)00270-6; Saltelli et al. 2010, doi:10.1016/j.cpc.2009.09.018; Sobol' and Kucherenko
    2009, doi:10.1016/j.matcom.2009.01.023 (derivative-based measures).
    """
    import scipy.stats
    import xarray

    leaves, low, high = _box(ranges)
    size = count("global_sensitivity.points", points, least=2)
    if size & (size - 1):
        fail("global_sensitivity.points", "must be a power of 2", points)
    if count("global_sensitivity.trials", trials, least=4) % 2:
        fail("global_sensitivity.trials", "must be even: two halves of it give slopes that are independent", trials)
    level = confidence_level("global_sensitivity", confidence)
    task = FiniteDifference().task(  # the checks of an estimator that takes any leaf
        placed(sim, leaves, (low + high) / 2),
        outputs,
        leaves,
        trials=trials,
        key=key,
        over=every_axis(sim, over),
        at_once=at_once,
    )
    for corner in (low, high):
        validate(placed(task.sim, leaves, corner))
    rng = np.random.default_rng(np.asarray(task.root, np.uint32).tolist())
    calls: list[tuple[np.ndarray, np.ndarray]] = []  # SciPy asks for its two matrices of sample points first

    def function(x: np.ndarray) -> np.ndarray:
        found = np.stack([_outputs(task, _moments_at(task, one).mean(axis=0)) for one in x.T], axis=1)
        calls.append((x, found))
        return found

    box = [scipy.stats.uniform(a, b - a) for a, b in zip(low, high, strict=True)]
    found = scipy.stats.sobol_indices(func=function, n=size, dists=box, rng=rng)
    interval = found.bootstrap(confidence_level=level, n_resamples=500)
    variance = np.concatenate([values for _, values in calls[:2]], axis=1).var(axis=1)
    slopes = _slopes(task, calls[0][0].T, low, high)  # [point, half, leaf, output]
    product = slopes[:, 0] * slopes[:, 1]
    dgsm, error = product.mean(axis=0).T, (product.std(axis=0, ddof=1) / np.sqrt(size)).T
    with np.errstate(divide="ignore", invalid="ignore"):
        bound = dgsm * (high - low) ** 2 / (np.pi**2 * variance[:, None])
    varies = np.where(variance > 0, 1.0, np.nan)[:, None]  # SciPy says 0 where nothing varies
    two = ("output", "leaf")
    table = {
        "first_order": (two, np.atleast_2d(found.first_order) * varies),
        "total_order": (two, np.atleast_2d(found.total_order) * varies),
        "mean_slope": (two, slopes.mean(axis=(0, 1)).T), "dgsm": (two, dgsm), "dgsm_error": (two, error),
        "dgsm_bound": (two, bound), "low": ("leaf", low), "high": ("leaf", high),
    }  # fmt: skip
    for name in ("first_order", "total_order"):
        ends = getattr(interval, name).confidence_interval
        table |= {
            f"{name}_low": (two, np.atleast_2d(ends.low) * varies),
            f"{name}_high": (two, np.atleast_2d(ends.high) * varies),
        }
    coords = {"output": [one.name for one in task.wanted], "leaf": list(leaves)}
    attrs = {
        "points": size,
        "trials": trials,
        "over": list(task.over.names),
        "confidence": level,
        "evaluations": size * (3 * len(leaves) + 2),
    }
    return xarray.Dataset(table, coords=coords, attrs=attrs | provenance.origin())


def agreement(local: xr.Dataset, wide: xr.Dataset) -> xr.Dataset:
    """Whether the sensitivity at a point says what the indices over ranges say: the same signs, and the same order.

    Leaves are ranked by ``|derivative| (high - low)``, at the point, and by the total index. They may differ for a good reason: a leaf
    that acts at the rim of its range, or with others, is not seen at the point.

    Args:
        local: of :func:`sensitivity`.
        wide: of :func:`global_sensitivity`, with the outputs and leaves of ``local``.

    Returns:
        A dataset over ``output`` and ``leaf``: ``same_sign``, ``clear`` (whether the interval of the derivative is beside 0), and ``rank``
        and ``rank_total`` from 1 for the largest; over ``output``: ``rank_correlation`` (Spearman).

    Raises:
        InputError: results of other outputs or leaves.
    """
    import scipy.stats
    import xarray

    for what, dataset, variable in (("local", local, "derivative"), ("wide", wide, "total_order")):
        if variable not in getattr(dataset, "data_vars", {}):
            fail(
                f"agreement.{what}",
                "must be the result of sensitivity, and of global_sensitivity",
                type(dataset).__name__,
            )
    for name in ("output", "leaf"):
        if set(local[name].values) != set(wide[name].values):
            fail(f"agreement: {name}", "must be the same in both", (list(local[name].values), list(wide[name].values)))
    wide = wide.sel(output=local.output, leaf=local.leaf)
    order = functools.partial(scipy.stats.rankdata, axis=1, nan_policy="omit")
    by_slope = (np.abs(local.derivative) * (wide.high - wide.low)).transpose("output", "leaf").copy(deep=True)
    by_slope.values = order(-by_slope.values)
    by_index = wide.total_order.transpose("output", "leaf").copy(data=order(-wide.total_order.values))
    return xarray.Dataset(
        {
            "same_sign": np.sign(local.derivative) == np.sign(wide.mean_slope),
            "clear": (local.derivative_low > 0) | (local.derivative_high < 0),
            "rank": by_slope,
            "rank_total": by_index,
            "rank_correlation": xarray.corr(by_slope, by_index, "leaf"),
        }
    )


def every_axis(sim: Any, over: Sequence[str] | None) -> tuple[str, ...]:
    """The axes that are given, or the trials and those of all imperfections."""
    if over is not None:
        return names("over", over)
    drawn = {part.axis for part in getattr(sim, "imperfections", {}).values()} - {None}
    return ("trial", *sorted(str(axis) for axis in drawn))


def _box(ranges: Any) -> tuple[tuple[str, ...], np.ndarray, np.ndarray]:
    who = "global_sensitivity.ranges"
    if not isinstance(ranges, Mapping) or len(ranges) < 2:
        fail(who, "must map at least two paths to lower and upper ends", ranges)
    for path, ends in ranges.items():
        real_numbers(f"{who}[{path!r}]", ends)
        if np.shape(ends) != (2,) or not np.isfinite(ends).all() or not ends[0] < ends[1]:
            fail(f"{who}[{path!r}]", "must be a lower and an upper end", ends)
    low, high = np.array([list(ends) for ends in ranges.values()], float).T
    return tuple(ranges), low, high


def _moments_at(task: Task, x: np.ndarray) -> np.ndarray:
    program = functools.partial(values_of, placed(task.sim, task.leaves, x), moments, task.wanted, task.over, task.root)
    return np.asarray(over_trials(program, task.trials, task.at_once))


def _outputs(task: Task, means: np.ndarray) -> np.ndarray:
    """The outputs from the means of their moments."""
    return np.array([np.real(one.of(means[x])) for one, x in zip(task.wanted, task.blocks(), strict=True)])


def _slopes(task: Task, points: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Differences around points, moved into the range where they lie at its rim, from each half of the trials."""
    slopes = np.empty((len(points), 2, len(low), len(task.wanted)))
    halves = np.arange(task.trials) % 2
    for p, point in enumerate(points):
        for i, h in enumerate(STEP * (high - low)):
            ends = []
            middle = np.clip(point[i], low[i] + h, high[i] - h)
            for side in (-h, h):
                x = point.copy()
                x[i] = middle + side
                ends.append(_moments_at(task, x))
            apart = float(np.float32(middle + h)) - float(np.float32(middle - h))
            for half in (0, 1):
                there, here = (_outputs(task, end[halves == half].mean(axis=0)) for end in (ends[1], ends[0]))
                slopes[p, half, i] = (there - here) / apart
    return slopes


def paired(
    sims: Sequence[Simulation], wanted: Quantity, leaves: Sequence[str], over: tuple[str, ...], trials: int, key: Any,
    samples: OverSamples | None = None, at_once: int = 1000,
) -> tuple[np.ndarray, np.ndarray, float, float]:  # fmt: skip
    """An output of two simulations with common random numbers, its errors, and by how much the second is lower, with its error."""
    seen = []
    for sim in sims:
        task = FiniteDifference().task(
            sim, [wanted], leaves, trials=trials, key=key, over=over, at_once=at_once, samples=samples
        )
        seen.append(_moments_at(task, np.array([float(np.asarray(paths.get(sim, leaf)).mean()) for leaf in leaves])))

    def of(*means: np.ndarray) -> np.ndarray:
        first, second = (np.real(wanted.of(mean)) for mean in means)
        return np.array([first, second, first - second])

    if wanted.linear:
        first, second = (one[:, 0] for one in seen)
        whole, error = task.over.spread(np.stack([first, second, first - second], axis=1))
    else:
        whole, error = jackknifed(of, *(task.over.blocks(one) for one in seen))
    return whole[:2], error[:2], float(whole[2]), float(error[2])
