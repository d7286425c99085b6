"""Spikes that were recorded in the place of those that a neuron would fire: the likelihood of a recording."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float

from jaxsnn_noise._checks import concrete, fail, named, one_of, real_numbers
from jaxsnn_noise.engine.network import Population
from jaxsnn_noise.engine.simulation import Simulation, is_simulation
from jaxsnn_noise.firing import Firing, NoisyThreshold
from jaxsnn_noise.neurons import refractory
from jaxsnn_noise.parameters import parameter, real
from jaxsnn_noise.random import Tick
from jaxsnn_noise.signals import Crossing, Decision

_SMALLEST, _LARGEST = np.float32(1e-37), np.float32(1.0 - 2.0**-24)


class Recorded(Firing):
    """A rule whose decisions were recorded; where they were not it decides itself. For :func:`clamped`, which checks what is given.

    ``log_probability`` is that of the recorded decision under the rule. Probabilities are kept 1e-37 from 0 and 6e-8 from 1 there.

    Args:
        rule: What gives the probability, and decides where nothing was recorded.
        spikes: 1 spike, 0 none, -1 not recorded [time, neuron], from the first step of the warm-up on.

    Example:
        >>> Recorded(NoisyThreshold(0.3), [[1.0], [0.0]]).random
        True
    """

    rule: Firing
    spikes: Float[Array, "time neuron"] = parameter("1", real, shape=None)

    @property
    def random(self) -> bool:  # type: ignore[override]
        return self.rule.random

    @property
    def gradient(self) -> Any:
        """What passes backward through a spike that is drawn: that of the rule. None passes through a recorded one."""
        return getattr(self.rule, "gradient", None)

    def __call__(self, crossing: Crossing, key: Tick, dt: float) -> Decision:
        said = self.rule(crossing, key, dt)
        known = lax.dynamic_index_in_dim(self.spikes, key.index, keepdims=False)
        given = known >= 0
        spikes = jnp.where(given, known, said.spikes)
        if said.probability is None or said.log_probability is None:
            return Decision(spikes)
        p = jnp.clip(said.probability, _SMALLEST, _LARGEST)
        log_probability = jnp.where(known > 0, jnp.log(p), jnp.log1p(-p))
        return Decision(spikes, said.probability, jnp.where(given, log_probability, said.log_probability))

    @classmethod
    def example(cls) -> Self:
        return cls(NoisyThreshold(0.3), jnp.full((1, 1), -1.0))


def clamped(sim: Simulation, spikes: Mapping[str, Any]) -> Simulation:
    r"""The simulation with recorded spikes in the place of those that its neurons would fire: what a likelihood is made of.

    Membranes, adaptation and synapses see the recorded past; the firing rule says how probable each recorded decision was given
    it. So the variable ``log_probability`` (:class:`~jaxsnn_noise.statistics.Trace`) is, step by step, the term of the exact
    log-likelihood of the recording in steps of ``dt``,

    .. math:: \log L = \sum_t s_t \log p_t + (1 - s_t) \log(1 - p_t), \qquad p_t = P(s_t = 1 \mid s_{<t}, \text{input}),

    and its derivative by any parameter is exact: recorded spikes do not move. As ``dt`` goes to 0 the likelihood is that of a point
    process of the rate ``p/dt``, up to ``sum_t s_t log dt``. Terms of single steps are known to 6e-8 of the probability of no
    spike; a decision that the rule gives no chance at all has the logarithm of 1e-37, -85, and no derivative.

    Args:
        sim: Its clamped populations need a firing rule that draws (``EscapeRate``, ``NoisyThreshold``, ``SamplingRule``) and have
            no noise besides: given noise that is not recorded, probabilities would be those of one draw of it. What is random
            elsewhere, in inputs, synapses or populations that are not clamped, is drawn, and the likelihood is that given these draws.
        spikes: For each clamped population [time, neuron] (of one neuron also [time]), from the first step of the warm-up on: 1
            spike, 0 none, NaN where nothing was recorded and the rule draws.

    Returns:
        A simulation of the same statistics, whose clamped populations have the rule ``Recorded``; parameters of what it was are
        below ``firing.rule``.

    Raises:
        InputError: an unknown population, or one that does not spike, decides without drawing or inside a step, or has noise;
            another number of steps or neurons; two spikes in a step; a spike within the refractory time of the one before,
            which has no probability.

    References: Brown, Barbieri, Ventura, Kass, Frank 2002, doi:10.1162/08997660252741149; Gerstner, Kistler, Naud, Paninski 2014,
    *Neuronal Dynamics*, ch. 9 and 10, doi:10.1017/CBO9781107447615.

    Example:
        >>> import jaxsnn_noise as jn
        >>> rule = jn.EscapeRate(jn.firing.ExponentialHazard(at_threshold_hz=100.0, width=0.2))
        >>> cell = jn.Population(jn.neurons.LIF(1), firing=rule)
        >>> inputs = {"cells": jn.coding.Constant(0.9)}
        >>> sim = jn.Simulation(jn.Network({"cells": cell}), inputs, duration=3.0, dt=1.0)
        >>> sim = clamped(sim, {"cells": [0, 1, 0]})
        >>> seen = jn.simulate(sim, key=0, statistics={"seen": jn.statistics.Trace(("spikes", "log_probability"))})["seen"]
        >>> seen.spikes[:, 0].tolist(), [round(float(x), 4) for x in seen.log_probability[:, 0]]
        ([0.0, 1.0, 0.0], [-0.0008, -6.8749, -0.0008])
    """
    is_simulation("clamped.sim", sim)
    given = named("clamped.spikes", spikes, "names of populations, to their spikes")
    cells, rules = sim.network.cells(), {}
    for name, train in given.items():
        one_of("clamped.spikes", name, cells)
        who = f"clamped.spikes: {name}"
        _check_population(who, cells[name])
        rules[name] = Recorded(cells[name].firing, _checked(who, train, cells[name], sim))
    chosen = list(rules)
    return eqx.tree_at(lambda s: [s.network.populations[k].firing for k in chosen], sim, [rules[k] for k in chosen])


def _check_population(who: str, part: Population) -> None:
    rule = part.firing
    if not part.neuron.spiking:
        fail(who, "must spike", type(part.neuron).__name__)
    if isinstance(rule, Recorded):
        fail(who, "is clamped already", type(rule).__name__)
    if not rule.random or rule.inside or rule.between:
        needs = "needs a rule that draws at the end of a step: EscapeRate, NoisyThreshold or SamplingRule"
        fail(who, needs, type(rule).__name__)
    if part.noise:
        needs = "must have no noise besides its firing rule: what it was is not recorded (DiffusionHazard stands in for white noise)"
        fail(who, needs, ", ".join(sorted(part.noise)))


def _checked(who: str, train: Any, part: Population, sim: Simulation) -> Any:
    """[time, neuron] with -1 where nothing was recorded."""
    real_numbers(who, train, flags=True)
    found = jnp.asarray(train, jnp.float32)
    found = found[:, None] if found.ndim == 1 else found
    if found.shape != (sim.total_steps, part.size):
        fail(who, f"must be [time, neuron] = ({sim.total_steps}, {part.size}), warm-up included", found.shape)
    found = jnp.where(jnp.isnan(found), jnp.float32(-1), found)
    array = concrete(found)
    if array is None:
        return found
    if not np.isin(array, (-1.0, 0.0, 1.0)).all():
        fail(who, "must be 0, 1, or NaN where nothing was recorded (two spikes in a step: take a smaller dt)", array)
    held = getattr(part.neuron, "refractory", None)
    known = None if held is None else concrete(held)
    if known is not None:
        _check_held(who, array, np.broadcast_to(known, (part.size,)), sim.dt)
    return found


def _check_held(who: str, spikes: np.ndarray, held: np.ndarray, dt: float) -> None:
    """No spike in the steps for which the one before holds the membrane."""
    one = jnp.ones(len(held), jnp.float32)
    steps = np.asarray(refractory.after_spikes(0 * one, jnp.asarray(held), one, dt))
    for neuron in range(spikes.shape[1]):
        gaps = np.diff(np.flatnonzero(spikes[:, neuron] > 0))
        if gaps.size and gaps.min() <= steps[neuron]:
            rule = f"must have intervals longer than the refractory time of {held[neuron]:g} ms, in whole steps"
            fail(who, rule, f"{gaps.min() * dt:g} ms in neuron {neuron}")
