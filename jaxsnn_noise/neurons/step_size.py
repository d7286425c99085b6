"""The largest step in which a stepper follows a model: beyond it what relaxes in the model grows from step to step."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from jaxsnn_noise._checks import fail
from jaxsnn_noise._typing import Scalar
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

    def follows(dt: float) -> bool:
        return _follows(stepper, neuron, dt)

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
    if not _follows(stepper, neuron, dt):
        largest = largest_step(stepper, neuron, most=dt)
        rule = f"follows {type(neuron).__name__} in steps dt of at most {largest:.2g} ms: in larger ones it blows up"
        fail(who, f"{type(stepper).__name__} {rule}", dt)


def _follows(stepper: Stepper, neuron: Neuron, dt: float) -> bool:
    flow, step = (np.asarray(x, np.float64) for x in _jacobians(stepper, neuron, jnp.float32(dt)))
    rates = np.linalg.eigvals(flow)
    grown = np.abs(np.linalg.eigvals(step)).max(axis=-1)
    allowed = np.maximum(1.0, np.exp(np.minimum(rates.real * dt, 50.0)).max(axis=-1))
    return bool(np.all(grown <= allowed * (1.0 + SLACK)))


@eqx.filter_jit  # every look at a simulation asks
def _jacobians(stepper: Stepper, neuron: Neuron, dt: Scalar) -> tuple[Array, Array]:
    """Of the flow [1/ms] and of a step of ``dt`` [ms] without drive and noise, where the model is stiffest."""
    nothing, state = no_drive(neuron.size), neuron.stiffest()

    def drift(state: Any) -> Any:
        return neuron.drift(state, nothing)

    def step(state: Any) -> Any:
        return stepper.step(state, drift, lambda s: jnp.zeros_like(neuron.potential(s)), neuron.kicked, dt)

    return _jacobian(drift, state), _jacobian(step, state)


def _jacobian(function: Callable[[Any], Any], state: Any) -> Array:
    """Of a map of states that are [neuron] in each part: [neuron, part, part]."""
    leaves, structure = jax.tree.flatten(state)

    def column(place: int) -> Array:
        along = [jnp.ones_like(x) if k == place else jnp.zeros_like(x) for k, x in enumerate(leaves)]
        moved = jax.jvp(function, (state,), (jax.tree.unflatten(structure, along),))[1]
        return jnp.stack(jax.tree.leaves(moved), axis=-1)

    return jnp.stack([column(place) for place in range(len(leaves))], axis=-1)
