"""How much synaptic work a run causes: the usual proxy of energy on event-driven hardware."""

from __future__ import annotations

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxsnn_noise._checks import fail
from jaxsnn_noise.statistics.counts import SpikeSum
from jaxsnn_noise.statistics.fold import About


class SynapticOperations(SpikeSum):
    """Number of synaptic operations that the spikes of the population cause, ``sum_i N_i fan_out_i``.

    One operation is one spike that arrives at one synapse (Merolla et al. 2014). Gradients flow:
    ``d ops / d s_i(t) = fan_out_i``, so it can serve as an energy penalty.

    Args:
        population: the population that is watched; ``None``: the only one.

    Returns:
        float32 [] [operations].

    Raises:
        InputError: the fan-out is unknown; more than 2^24 measured steps.

    References:
        Merolla et al. (2014), doi:10.1126/science.1254642.

    >>> import jax.numpy as jnp
    >>> from jaxsnn_noise.statistics import SynapticOperations, over_raster
    >>> fan_out = jnp.array([10.0, 3.0])
    >>> print(over_raster(SynapticOperations(), jnp.array([[1, 0], [1, 1]]), dt=1.0, fan_out=fan_out))
    23.0
    """

    population: str | None = eqx.field(static=True, default=None)

    @property
    def reads(self) -> tuple[str, ...]:
        return ("spikes", "fan_out")

    @property
    def units(self) -> dict[str, str]:
        return {"": "operations"}

    def init(self, about: About) -> Float[Array, " neuron"]:
        _fan_out(about)
        return super().init(about)

    def finalize(self, acc: Array, about: About) -> Float[Array, ""]:
        return (acc * _fan_out(about).astype(jnp.float32)).sum()

    def dims(self, about: About) -> dict[str, tuple[str, ...]]:
        del about
        return {"": ()}


def _fan_out(about: About) -> Array:
    if about.fan_out is None:
        fail("SynapticOperations", "needs the fan-out of each neuron (number of synapses)", None)
    return about.fan_out
