"""The largest step in which a stepper follows a model: beyond it what relaxes in the model grows from step to step."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxsnn_noise._checks import fail
from jaxsnn_noise.neurons.neuron import Neuron
from jaxsnn_noise.neurons.steppers import Stepper
from jaxsnn_noise.signals import no_drive

SLACK = 1e-3
"""By how much of itself a deviation may grow in a step beyond what it grows in the model."""


def largest_step(stepper: Stepper, neuron: Neuron, *, most: float = 10.0) -> float:
    """The largest ``dt`` [ms], to 1 %, at which small deviations grow no faster than in the model; at most ``most``.

    Of the linearised flow and the linearised step at the state where the model is stiffest (:meth:`Neuron.stiffest`), for the
    stiffest of the neurons: the largest absolute eigenvalue of the step is that of the flow over the step, or at most 1. Stable is
    not yet accurate: halve a step, and see whether results stay.

    Args:
        stepper: Such as ``EulerMaruyama()``.
        neuron: A model with a drift.
        most: Where the search ends [ms].

    Example:
        >>> from jaxsnn_noise.neurons import EulerMaruyama, HodgkinHuxley
        >>> 0.02 < largest_step(EulerMaruyama(), HodgkinHuxley(1)) < 0.1
        True
    """
    rates = np.linalg.eigvals(_jacobian(_flow(neuron), neuron.stiffest()))

    def follows(dt: float) -> bool:
        return _follows(stepper, neuron, rates, dt)

    if follows(most):
        return most
    low, high = 0.0, most
    while high - low > 0.005 * high and high > 1e-6:
        middle = 0.5 * (low + high) if low else 0.1 * high
        low, high = (middle, high) if follows(middle) else (low, middle)
    return low


def check_step(who: str, stepper: Stepper, neuron: Neuron, dt: float) -> None:
    """Raise :class:`InputError` if the stepper cannot follow the model in steps of ``dt`` [ms]; it names the largest step."""
    if any(isinstance(leaf, jax.core.Tracer) for leaf in jax.tree.leaves(neuron)):
        return
    rates = np.linalg.eigvals(_jacobian(_flow(neuron), neuron.stiffest()))
    if not _follows(stepper, neuron, rates, dt):
        largest = largest_step(stepper, neuron, most=dt)
        rule = f"follows {type(neuron).__name__} in steps dt of at most {largest:.2g} ms: in larger ones it blows up"
        fail(who, f"{type(stepper).__name__} {rule}", dt)


def _follows(stepper: Stepper, neuron: Neuron, rates: np.ndarray, dt: float) -> bool:
    drift = _flow(neuron)

    def step(state: Any) -> Any:
        return stepper.step(state, drift, lambda s: jnp.zeros_like(neuron.potential(s)), neuron.kicked, dt)

    grown = np.abs(np.linalg.eigvals(_jacobian(step, neuron.stiffest()))).max(axis=-1)
    allowed = np.maximum(1.0, np.exp(np.minimum(rates.real * dt, 50.0)).max(axis=-1))
    return bool(np.all(grown <= allowed * (1.0 + SLACK)))


def _flow(neuron: Neuron) -> Callable[[Any], Any]:
    nothing = no_drive(neuron.size)
    return lambda state: neuron.drift(state, nothing)


def _jacobian(function: Callable[[Any], Any], state: Any) -> np.ndarray:
    """Of a map of states that are [neuron] in each part: [neuron, part, part]."""
    leaves, structure = jax.tree.flatten(state)

    def column(place: int) -> np.ndarray:
        along = [jnp.ones_like(x) if k == place else jnp.zeros_like(x) for k, x in enumerate(leaves)]
        moved = jax.jvp(function, (state,), (jax.tree.unflatten(structure, along),))[1]
        return np.stack([np.asarray(x, np.float64) for x in jax.tree.leaves(moved)], axis=-1)

    return np.stack([column(place) for place in range(len(leaves))], axis=-1)
