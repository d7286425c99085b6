"""Noisy spiking networks (noise-driven learning), and the deterministic networks that differ from them in the forward noise alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import equinox as eqx

from jaxsnn_noise._checks import fail, is_a, names, nonnegative, one_of, positive
from jaxsnn_noise.distributions import Distribution, Gaussian
from jaxsnn_noise.engine.network import Network, Population
from jaxsnn_noise.engine.simulation import Simulation
from jaxsnn_noise.engine.sources import without_noise
from jaxsnn_noise.firing import Density, Firing, HardThreshold, NoisyThreshold
from jaxsnn_noise.noise import PerStep, VoltageNoise
from jaxsnn_noise.surrogates import density_of

__all__ = ["deterministic_twin", "noise_driven"]

System = TypeVar("System", Network, Simulation)
STATE = "state"
"""Name of the source of the noise that the membrane keeps."""


def noise_driven(
    system: System,
    std: Any,
    *,
    state_std: Any = None,
    distribution: Distribution | None = None,
    populations: Sequence[str] | str | None = None,
) -> System:
    """The network with noisy neurons: forward a draw, backward the density of the noise (noise-driven learning).

    In each step a neuron fires with the probability that noise lifts its margin above zero, ``P(s = 1) = F((v - theta)/std)``, and the
    derivative of its spike is that of this probability, ``f((v - theta)/std)/std`` (:class:`NoisyThreshold`). Two variants are published:

    * *escape*, ``state_std=None``: the membrane itself is free of noise.
    * *state and escape*, ``state_std=std``: noise of that standard deviation is also added to the membrane in each step, before the
      comparison, and stays there (:class:`VoltageNoise` called ``state``). For Gaussian noise the probability given the membrane
      before it is that of ``sqrt(std^2 + state_std^2)`` (``theory.double_noise_probability``).

    Weights, resets and all else stay. Published networks let gradients pass resets, ``ResetToValue(detach=False)``.

    Args:
        system: A network or simulation whose neurons fire at a hard threshold, e.g. from ``networks.feedforward``.
        std: Standard deviation of the noise of the comparison [mV], > 0.
        state_std: That of the noise that the membrane keeps [mV per step], >= 0; ``None``: there is none, and no such leaf.
        distribution: Of both noises, at unit variance; ``Gaussian()`` unless given.
        populations: Names of those that become noisy; all that fire unless given.

    Raises:
        InputError: standard deviations out of range; populations that are none, or do not fire at a hard threshold, or have a source
            called ``state``.

    References: Ma, Yan, Tang 2023, doi:10.1016/j.patter.2023.100831. Their code gives the parameter of each law, not its standard
    deviation: *noise conventions* in the documentation has the table.

    Example:
        >>> from jaxsnn_noise.networks import feedforward
        >>> noisy = noise_driven(feedforward([4, 8, 3], key=0), 0.3, state_std=0.3)
        >>> type(noisy.populations["hidden"].firing).__name__, sorted(noisy.populations["hidden"].noise)
        ('NoisyThreshold', ['state'])
    """
    who = "networks.noise_driven"
    law = Gaussian() if distribution is None else distribution
    is_a(f"{who}.distribution", law, Distribution, "distributions.Gaussian()")
    positive(f"{who}.std", std, "mV")
    if state_std is not None:
        nonnegative(f"{who}.state_std", state_std, "mV")
    network = _network_of(who, system)
    chosen = _chosen(f"{who}.populations", network, populations)

    def noisy(part: Population) -> Population:
        added = {} if state_std is None else {STATE: VoltageNoise(PerStep(state_std), distribution=law)}
        made = _with_firing(part, NoisyThreshold(std, law))
        return eqx.tree_at(lambda p: p.noise, made, dict(sorted({**part.noise, **added}.items())))

    for name in chosen:
        part = network.cells()[name]
        if not part.neuron.spiking or not isinstance(part.firing, HardThreshold):
            rule = "must be names of populations that fire at a hard threshold"
            fail(f"{who}.populations", rule, f"{name}: {type(part.firing).__name__}" if part.neuron.spiking else name)
        if state_std is not None and STATE in part.noise:
            fail(f"{who}.populations", f"must have no source called {STATE!r} yet", name)
    return _changed(system, {name: noisy(network.cells()[name]) for name in chosen})


def deterministic_twin(system: System) -> System:
    """The network without its noise, and with the same backward pass: what is left is the effect of the forward noise.

    All sources are gone, and each :class:`NoisyThreshold` is the :class:`HardThreshold` whose surrogate is the density of its noise
    (:func:`surrogates.density_of`), or the surrogate that it had. Weights and all else stay, so the twin of an untrained
    network is its matched baseline for training, and that of a trained one says what its noise is good for at test.

    Args:
        system: A network or simulation, noisy by :func:`noise_driven` or otherwise.

    Raises:
        InputError: firing rules that have no such twin (escape rates, bridges; ``HardThreshold(Density())``, whose noise is a source's); a noisy
            threshold of scale 0, or of a distribution without a surrogate.

    Example:
        >>> from jaxsnn_noise.networks import feedforward
        >>> twin = deterministic_twin(noise_driven(feedforward([4, 8, 3], key=0), 0.2))
        >>> round(float(twin.populations["hidden"].firing.gradient.sharpness), 3)
        3.536
    """
    who = "networks.deterministic_twin"
    network = _network_of(who, system)
    quiet = without_noise(network).cells()
    twins = {name: _with_firing(quiet[name], _hard(f"{who}: {name}", part)) for name, part in network.cells().items()}
    return _changed(without_noise(system), twins)


def _hard(who: str, part: Population) -> Firing:
    """The hard threshold with the backward pass of a rule."""
    firing = part.firing
    if not isinstance(firing, (HardThreshold, NoisyThreshold)):
        fail(
            who,
            "must fire by a HardThreshold or NoisyThreshold: no other has a deterministic twin",
            type(firing).__name__,
        )
    if not isinstance(firing.gradient, Density):
        return HardThreshold(firing.gradient)
    if isinstance(firing, HardThreshold):
        fail(
            who,
            "must have a surrogate of its own: the density is that of a source, which the twin has not",
            "Density()",
        )
    return HardThreshold(density_of(firing.distribution, firing.scale))


def _with_firing(part: Population, firing: Firing) -> Population:
    return eqx.tree_at(lambda p: p.firing, part, firing)


def _network_of(who: str, system: Any) -> Network:
    if not isinstance(system, (Simulation, Network)):
        fail(who, "takes a Network or a Simulation", system)
    return system.network if isinstance(system, Simulation) else system


def _chosen(who: str, network: Network, populations: Any) -> tuple[str, ...]:
    firing = [name for name, part in network.cells().items() if part.neuron.spiking]
    chosen = tuple(firing) if populations is None else names(who, populations)
    for name in chosen:
        one_of(who, name, network.cells())
    if not chosen:
        fail(who, "must be at least one population that fires", populations)
    return chosen


def _changed(system: System, parts: dict[str, Population]) -> System:
    of: Callable[[Any], Any] = lambda s: (s.network if isinstance(s, Simulation) else s).populations  # noqa: E731
    changed: System = eqx.tree_at(of, system, {**of(system), **parts})
    return changed
