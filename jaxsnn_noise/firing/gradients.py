"""What gradient passes through a spike: that of a surrogate, the density of the deciding noise, or none.

A spike is a decision, 0 or 1, and has no derivative. What stands in for it is a visible policy of the firing rule, which no
forward bit depends on.
"""

from __future__ import annotations

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jax import lax

from jaxsnn_noise._checks import fail
from jaxsnn_noise._typing import PerNeuron, Values
from jaxsnn_noise.distributions import Distribution
from jaxsnn_noise.surrogates import Surrogate


class Density(eqx.Module):
    """The derivative of the probability of the spike, ``F'(m/s)/s (dm - m/s ds)`` (noise-driven learning).

    Of a rule with a probability of its own (bridges, escape rates) it is the derivative of that. ``F`` is the distribution of the deciding noise, ``s`` its standard deviation and ``m`` the margin without it. Unbiased for
    one step. Reference: Ma, Yan, Tang 2023, doi:10.1016/j.patter.2023.100831.
    """


class Stopped(eqx.Module):
    """None: spikes are constants, and what the membrane keeps of the deciding noise is differentiated at fixed decisions.

    For estimators that add the derivative of the decisions' probability themselves.
    """


Gradient = Surrogate | Density | Stopped


def check_gradient(who: str, gradient: Any) -> None:
    """The policy is one."""
    if not isinstance(gradient, (Surrogate, Density, Stopped)):
        fail(
            who,
            "must be a surrogate, e.g. surrogates.SuperSpike(10.0), or firing.Density() or firing.Stopped()",
            gradient,
        )


def through(
    gradient: Gradient,
    spikes: PerNeuron,
    margin: PerNeuron,
    expected: PerNeuron,
    std: Values,
    distribution: Distribution,
) -> PerNeuron:
    """The spikes with the derivative that the policy gives them.

    Args:
        gradient: The policy.
        spikes: What was decided [neuron].
        margin: Potential minus threshold, all noise included, which a surrogate differentiates.
        expected: The margin without the deciding noise, which ``Density`` differentiates.
        std: Standard deviation of the deciding noise.
        distribution: Of the deciding noise.
    """
    if isinstance(gradient, Surrogate):
        return _with_surrogate(gradient, spikes, margin)
    if isinstance(gradient, Density):
        return _with_density(distribution, spikes, expected, std)
    return lax.stop_gradient(spikes)


def of_probability(gradient: Gradient, spikes: PerNeuron, margin: PerNeuron, probability: PerNeuron) -> PerNeuron:
    """The spikes of a rule that draws with a ``probability`` of its own, which ``Density`` differentiates as it stands."""
    if isinstance(gradient, Surrogate):
        return _with_surrogate(gradient, spikes, margin)
    spikes = lax.stop_gradient(spikes)
    if isinstance(gradient, Density):
        return _with_probability(spikes, probability)
    return spikes


@jax.custom_jvp
def _with_probability(spikes: PerNeuron, probability: PerNeuron) -> PerNeuron:
    return spikes


_with_probability.defjvps(None, lambda tangent, answer, spikes, probability: tangent)


@jax.custom_jvp
def _with_surrogate(surrogate: Surrogate, spikes: PerNeuron, margin: PerNeuron) -> PerNeuron:
    return spikes


@_with_surrogate.defjvp
def _with_surrogate_jvp(primals: tuple[Any, ...], tangents: tuple[Any, ...]) -> tuple[Values, Values]:
    surrogate, spikes, margin = primals
    return _with_surrogate(surrogate, spikes, margin), surrogate.derivative(margin) * tangents[2]


@jax.custom_jvp
def _with_density(distribution: Distribution, spikes: PerNeuron, expected: PerNeuron, std: Values) -> PerNeuron:
    return spikes


@_with_density.defjvp
def _with_density_jvp(primals: tuple[Any, ...], tangents: tuple[Any, ...]) -> tuple[Values, Values]:
    distribution, spikes, expected, std = primals
    safe = jnp.where(std > 0, std, 1.0)
    density = jnp.where(std > 0, distribution.pdf(expected / safe) / safe, jnp.zeros_like(expected))
    slope = tangents[2] - expected / safe * tangents[3]
    return _with_density(distribution, spikes, expected, std), density * slope
