"""Quantal release: each synapse has sites that are full or empty, depress and facilitate."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float32

from jaxsnn_noise import random
from jaxsnn_noise._checks import count, fail, named
from jaxsnn_noise._typing import Key, Scalar, Values
from jaxsnn_noise.counting import binomial
from jaxsnn_noise.opacity import opaque, opaque_zero
from jaxsnn_noise.parameters import Range, nonnegative, parameter, positive, variable
from jaxsnn_noise.random import Tick
from jaxsnn_noise.signals import Seen
from jaxsnn_noise.synapses.kinetics import Held, Kinetics
from jaxsnn_noise.synapses.projection import OfMatrix, range_of_weights, unit_of_weights
from jaxsnn_noise.synapses.sums import ExactSums, Sums, Weights, dot

MOST_SITES = 64
"""Sites that one quantile in single precision can tell apart."""


class Sites(eqx.Module):
    """The state, as the last spike of each source left it.

    Attributes:
        full: Sites of each synapse that hold a vesicle [target, source].
        use: Release probability of a full site at the last spike [source]; 0 before the first one.
        silent: Time since that spike [source] in ms.
    """

    full: Float32[Array, "target source"] = variable("1", "synapse")
    use: Float32[Array, "source"] = variable("1", "source")
    silent: Float32[Array, "source"] = variable("ms", "source")


class Quantal(OfMatrix):
    r"""All-to-all projection of stochastic synapses: ``sites`` release sites each, Tsodyks-Markram depression and facilitation.

    A spike of source ``j``, a time :math:`h` after its last one, finds in the synapse onto target ``i`` the full sites :math:`a_{ij}` that it left:

    .. math:: a_{ij} \leftarrow a_{ij} + B(N - a_{ij},\, 1 - e^{-h/\tau_{rec}}), \qquad
              u_j \leftarrow U + u_j (1 - U) e^{-h/\tau_{fac}},

    .. math:: k_{ij} \sim B(a_{ij},\, u_j), \qquad a_{ij} \leftarrow a_{ij} - k_{ij}, \qquad \mathrm{arrivals}_i = \sum_j W_{ij}\, k_{ij},

    with binomial draws ``B(n, p)``, independent for all synapses and spikes. It starts full and without facilitation. The mean is the
    deterministic model of Tsodyks and Markram; one spike at rest releases ``N U`` quanta with the coefficient of variation
    ``sqrt((1-U)/(N U))`` (``theory.release_steady_state``, ``quantal_release_moments``, ``poisson_depression``).

    Arrivals are sums of whole numbers of quanta, up to ``sites``: the grid of exact sums is told, and a run has the same spikes
    in any batch. What arrives is a spike or not, 1 or 0: counts are refused, and a graded value (of release noise) makes the
    arrivals NaN, which ``health`` counts. Gradients with respect to ``use`` and the time constants are those of the mean
    number of quanta. A step costs all synapses times ``sites``, whether there are spikes or not.

    Args:
        source: Name of the source population or port.
        target: Name of the target population.
        weights: Of one quantum [target, source]; unit as the kinetics says. 0 is no synapse.
        sites: Number of release sites ``N`` of each synapse, 1 to 64.
        use: Release probability ``U`` of a full site at rest [1], in (0, 1].
        tau_rec: Time constant at which an empty site refills [ms], > 0.
        tau_fac: Decay of facilitation [ms], >= 0; 0 is no facilitation.
        kinetics: As of :class:`Dense`.
        delay: As of :class:`Dense` [ms].
        noise: Named release sources that leave spikes whole, such as ``noise.BernoulliRelease``.
        sums: ``ExactSums()`` or ``NativeSums()``.

    Raises:
        InputError: U outside (0, 1], sites below 1 or beyond 64, weights of another shape; a source that gives counts.

    References: Fuhrmann et al. 2002, doi:10.1152/jn.00258.2001; Loebel et al. 2009, doi:10.3389/neuro.10.027.2009; Tsodyks,
    Pawelzik, Markram 1998, doi:10.1162/089976698300017502.

    Example:
        >>> Quantal("a", "b", [[0.1, 0.2]], sites=5, use=0.5, tau_rec=800.0).sites
        5
    """

    source: str = eqx.field(static=True)
    target: str = eqx.field(static=True)
    weights: Weights = parameter(unit_of_weights, range_of_weights, shape=None, absent=True)
    sites: int = eqx.field(static=True)
    use: Scalar = parameter("1", Range(0.0, 1.0, low_open=True))
    tau_rec: Scalar = parameter("ms", positive)
    tau_fac: Scalar = parameter("ms", nonnegative)
    kinetics: Kinetics
    delay: float | None = eqx.field(static=True)
    noise: dict[str, Any]
    sums: Sums

    def __init__(
        self,
        source: str,
        target: str,
        weights: Any,
        *,
        sites: int,
        use: Any,
        tau_rec: Any,
        tau_fac: Any = 0.0,
        kinetics: Kinetics | None = None,
        delay: float | None = None,
        noise: Mapping[str, Any] | None = None,
        sums: Sums | None = None,
    ):
        self.source, self.target, self.delay, self.weights = source, target, delay, weights
        self.sites = count("Quantal.sites", sites)
        if sites > MOST_SITES:
            fail("Quantal.sites", f"must be at most {MOST_SITES}", sites)
        self.use, self.tau_rec, self.tau_fac = use, tau_rec, tau_fac
        self.kinetics = Held() if kinetics is None else kinetics
        self.noise = named("Quantal.noise", noise, "sources, e.g. noise.BernoulliRelease(...)")
        self.sums = ExactSums() if sums is None else sums

    def prepared(self, largest: int = 1) -> Weights:
        if largest > 1:
            fail("Quantal.source", "must give spikes, 0 or 1 in a step, and no counts", f"up to {largest} in a step")
        return self.sums.prepare(self.weights, self.sites)

    def init(self, prepared: Weights, key: Key, dt: float) -> Sites:
        del key, dt
        nothing = jnp.zeros(prepared.shape[1], jnp.float32)
        return Sites(jnp.full(prepared.shape, self.sites, jnp.float32), nothing, nothing)

    def arrivals(self, prepared: Weights, released: Values) -> Values:
        """The most that may arrive: all sites release."""
        return self.sites * dot(prepared, released)

    def transmit(
        self, prepared: Weights, state: Sites, released: Values, seen: Seen, key: Tick, dt: float
    ) -> tuple[Values, Sites]:
        del seen
        spikes, zero, shape = released > 0, opaque_zero(key.key), prepared.shape
        whole = (released == 0) | (released == 1)
        apart = state.silent + dt
        kept = jnp.where(self.tau_fac > 0, jnp.exp(-apart / jnp.where(self.tau_fac > 0, self.tau_fac, 1.0)), 0.0)
        use = self.use + opaque(state.use * (1.0 - self.use) * kept, zero)
        refilled = -jnp.expm1(-apart / self.tau_rec)
        entities = random.entities(shape[0] * shape[1])
        first, second = (
            random.uniform(at, entities).reshape(shape) for at in (random.channel(key, 1), random.channel(key, 2))
        )
        full = state.full + binomial(first, self.sites - state.full, _rows(refilled, shape), self.sites)
        quanta = binomial(second, full, _rows(use, shape), self.sites)
        arriving = jnp.sum(prepared * jnp.where(spikes[None, :], quanta, 0.0), axis=1)
        after = Sites(
            jnp.where(spikes[None, :], full - quanta, state.full),
            jnp.where(spikes, use, state.use),
            jnp.where(spikes, 0.0, apart),
        )
        return jnp.where(jnp.all(whole), arriving, jnp.nan), after

    def check(self, who: str, source_size: int, target_size: int) -> None:
        super().check(who, source_size, target_size)
        self.sums.check(who, self.weights)

    @classmethod
    def example(cls) -> Self:
        return cls("a", "b", np.eye(5) * 0.5, sites=3, use=0.6, tau_rec=100.0, tau_fac=50.0)


def _rows(per_source: Values, shape: tuple[int, ...]) -> Values:
    """One number per source as one per synapse."""
    return jnp.broadcast_to(per_source[None, :], shape)
