"""How much each leaf moves each output: derivatives and elasticities with intervals, as a labelled result."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import special

from jaxsnn_noise import provenance
from jaxsnn_noise._checks import fail
from jaxsnn_noise.engine.simulation import Simulation
from jaxsnn_noise.gradients.differences import FiniteDifference
from jaxsnn_noise.gradients.estimator import Estimator
from jaxsnn_noise.gradients.result import confidence_level
from jaxsnn_noise.gradients.spans import every_axis

if TYPE_CHECKING:
    import xarray as xr


def sensitivity(
    sim: Simulation, outputs: Sequence[Any], leaves: Sequence[str], *, trials: int, key: Any,
    estimator: Any = None, over: Sequence[str] | None = None, samples: Any = None, confidence: float = 0.95,
    at_once: int = 1000,
) -> xr.Dataset:  # fmt: skip
    r"""Derivatives and elasticities of expectations with respect to leaves, each with an interval.

    The elasticity :math:`\frac{\theta}{f}\frac{df}{d\theta}` is the relative change of an output per relative change of a leaf, so leaves
    of different units can be ranked. It is never the raw ``jax.grad`` of a run, whose spikes pass what the firing rule says.

    Args:
        sim: The simulation.
        outputs: Names of statistics (their mean over entries), or quantities: ``FanoOfCounts()``, ``CVOfIntervals()``, ``Margin(...)``, ...
        leaves: Dotted paths: amplitudes, correlations, time constants, weights, spreads of imperfections, ...
        trials: Independent trials, at least 2.
        key: Root key.
        estimator: ``FiniteDifference()`` unless given, which takes any leaf; ``Score()`` for many leaves of few neurons.
        over: Axes on which each trial has an index of its own; by default the trials and those of all imperfections, so that the
            expectation is over chips. ``("trial",)`` is of one chip.
        samples: As for estimators: a data set, over which the expectation is, too.
        confidence: Of the intervals.
        at_once: Trials that are computed at once: memory against speed.

    Returns:
        A dataset over ``output`` and ``leaf``: ``derivative``, ``elasticity`` and their ``_error``, ``_low`` and ``_high`` (of the
        elasticity at the value as estimated: its own error, of second order here, is left out; NaN where the value is 0), over
        ``output``: ``value`` with the same, and over ``leaf``: ``at``, the mean of its entries. Intervals are normal ones.

    Raises:
        InputError: as the estimator does.

    Example:
        >>> import jaxsnn_noise as jn
        >>> cells = jn.Population(jn.neurons.LIF(1), firing=jn.NoisyThreshold(0.3))
        >>> drive = {"cells": jn.coding.Constant(0.9)}
        >>> sim = jn.Simulation(jn.Network({"cells": cells}), drive, duration=50.0, dt=1.0, statistics={"rate": jn.statistics.Rate()})
        >>> found = sensitivity(sim, ["rate"], ["inputs.cells.values"], trials=100, key=0)
        >>> bool(found.derivative_low.item() > 0)
        True
    """
    import xarray

    chosen = FiniteDifference() if estimator is None else estimator
    if not isinstance(chosen, Estimator):
        fail("sensitivity.estimator", "must be an estimator, e.g. gradients.Score()", estimator)
    level = confidence_level("sensitivity", confidence)
    drawn = every_axis(sim, over)
    found = chosen(sim, outputs, leaves, trials=trials, key=key, over=drawn, samples=samples, at_once=at_once)
    scale = found.at[None, :] / np.where(found.value == 0, np.nan, found.value)[:, None]
    both, reach = ("output", "leaf"), special.ndtri(0.5 + level / 2)
    table: dict[str, Any] = {"at": ("leaf", found.at)}
    for name, dims, middle, error in (
        ("value", ("output",), found.value, found.value_error),
        ("derivative", both, found.gradient, found.error),
        ("elasticity", both, found.gradient * scale, np.abs(found.error * scale)),
    ):
        ends = {"_error": error, "_low": middle - reach * error, "_high": middle + reach * error}
        table |= {name: (dims, middle)} | {name + end: (dims, values) for end, values in ends.items()}
    for name, told in found.diagnostics.items():
        if np.shape(told) == (len(found.outputs), len(found.leaves)):
            table[name] = (both, told)
        elif np.shape(told) == (len(found.outputs),):
            table[name] = ("output", told)
    single = {k: v for k, v in found.diagnostics.items() if np.ndim(v) == 0}
    coords = {"output": list(found.outputs), "leaf": list(found.leaves), "units": ("output", list(found.units))}
    attrs = {"estimator": repr(chosen), "trials": found.trials, "over": list(drawn), "confidence": level, **single}
    attrs |= {} if samples is None else {"samples": found.samples, "errors_count": found.counts}
    return xarray.Dataset(table, coords=coords, attrs=attrs | provenance.origin())
