"""Noise on the gates themselves: quick, popular, and wrong by several times."""

from __future__ import annotations

from typing import ClassVar

import jax
import jax.numpy as jnp

from jaxsnn_noise import random
from jaxsnn_noise._typing import Values
from jaxsnn_noise.neurons.channels.deterministic import Gates, open_fractions, relaxed_gate, steady
from jaxsnn_noise.neurons.channels.rates import rates
from jaxsnn_noise.neurons.channels.scheme import Channels, Counts, Fractions
from jaxsnn_noise.opacity import opaque, opaque_zero
from jaxsnn_noise.random import Tick
from jaxsnn_noise.roots import square_root


class SubunitLangevin(Channels):
    r"""White noise on each gate, the open fractions still :math:`m^3 h` and :math:`n^4`. Known to be wrong: for comparison only.

    .. math:: \dot x = \alpha_x (1-x) - \beta_x x + \sqrt{\frac{\alpha_x (1-x) + \beta_x x}{N}}\, \xi_x,

    with the number ``N`` of the gate's channels, exact at a held potential but for the root, which is held over the step; a gate that leaves
    [0, 1] is set to the end. As if all gates of a kind in a membrane moved together: at rest the open fraction has a third of the
    variance of independent channels for potassium and less than a fifth for sodium, and other correlation times. Spontaneous spikes
    are 63 % of those of the chains at 10 um2, and 2 % at 100 um2.

    References: Fox and Lu 1994, doi:10.1103/PhysRevE.49.3421; what is wrong: Goldwyn and Shea-Brown 2011,
    doi:10.1371/journal.pcbi.1002247.
    """

    largest: ClassVar[float] = 0.05

    def start(self, v: Values, counts: Counts) -> Gates:
        del counts
        return steady(v)

    def step(self, state: Gates, v: Values, counts: Counts, key: Tick, dt: Values | float) -> Gates:
        size, zero = v.shape[-1], opaque_zero(key.key)
        z = random.normal(key, random.entities(3 * size)).reshape(3, size)
        gates = zip((state.m, state.h, state.n), rates(v), (counts.na, counts.na, counts.k), z, strict=True)
        return Gates(*(_moved(x, *rate, number, normal, dt, zero) for x, rate, number, normal in gates))

    def fractions(self, state: Gates, counts: Counts) -> Fractions:
        del counts
        return open_fractions(state)


def _moved(
    x: Values, opening: Values, closing: Values, number: Values, z: Values, dt: Values | float, zero: jax.Array
) -> Values:
    rate = opening + closing
    intensity = (opening * (1.0 - x) + closing * x) / number
    std = square_root(-0.5 * intensity / rate * jnp.expm1(-2.0 * rate * dt))
    return jnp.clip(relaxed_gate(x, opening, closing, dt) + opaque(std * z, zero), 0.0, 1.0)
