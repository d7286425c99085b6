"""The same network with other dynamic noise: sources added, exchanged and taken away, or all of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

import equinox as eqx

from jaxsnn_noise._checks import fail, named, one_of
from jaxsnn_noise.engine.deciding import needs_decision
from jaxsnn_noise.engine.network import Network, Population
from jaxsnn_noise.engine.simulation import Simulation, validate
from jaxsnn_noise.firing import HardThreshold
from jaxsnn_noise.noise import Source

System = TypeVar("System", Network, Simulation)
Sources = Mapping[str, Mapping[str, Source | None]]
"""From a population or projection to its named sources; ``None`` takes the one of that name away."""


def with_noise(system: System, sources: Sources) -> System:
    """The same network or simulation with other sources of noise; what is not named stays.

    A source of a new name is added, one of a known name takes its place (and its random numbers), and ``None`` takes it away. All
    else stays, weights among it: so a network is trained under some noise and tested under other, or none.

    Args:
        system: A network or a simulation.
        sources: From the name of a population to its sources of the current, voltage, threshold and spike seams by name, and
            from that of a projection to its release sources: ``{"hidden": {"membrane": noise.VoltageNoise(...)}}``.

    Raises:
        InputError: no such population or projection, a port; what is no source; ``None`` where no source has that name; a source
            that does not fit its place, as of a network that is built with it.

    Example:
        >>> from jaxsnn_noise import networks, noise
        >>> network = networks.feedforward([4, 8, 3], key=0)
        >>> noisy = with_noise(network, {"hidden": {"membrane": noise.VoltageNoise(noise.Diffusion(0.1))}})
        >>> sorted(noisy.populations["hidden"].noise)
        ['membrane']
        >>> quiet = with_noise(noisy, {"hidden": {"membrane": None}})
        >>> sorted(quiet.populations["hidden"].noise)
        []
    """
    if not isinstance(system, (Simulation, Network)):
        fail("with_noise", "takes a Network or a Simulation", system)
    network = system.network if isinstance(system, Simulation) else system
    noisy = dressed(system, checked_sources("with_noise.sources", network, sources))
    if isinstance(noisy, Simulation):
        validate(noisy)
    else:
        noisy.check("network")
    return noisy


def without_noise(system: System) -> System:
    """The same network or simulation without any dynamic noise: no sources, hard thresholds.

    Imperfections and inputs stay. :func:`with_noise` takes away single sources.
    """
    if not isinstance(system, (Simulation, Network)):
        fail("without_noise", "takes a Network or a Simulation", system)
    if isinstance(system, Simulation):
        return eqx.tree_at(lambda s: s.network, system, without_noise(system.network))
    populations = {}
    for name, part in system.populations.items():
        if isinstance(part, Population):
            noisy = part.firing.random or needs_decision(part.firing)
            firing = HardThreshold() if noisy else part.firing
            quiet = Population(
                part.neuron, firing=firing, initial=part.initial, prefilter=part.prefilter, stepper=part.stepper,
                combine=part.combine,
            )  # fmt: skip
            part = eqx.tree_at(_failures_of, quiet, part.failures)
        populations[name] = part
    projections = {k: eqx.tree_at(_noise_of, p, {}) for k, p in system.projections.items()}
    return eqx.tree_at(_failures_of, Network(populations, projections), system.failures)


def _failures_of(part: Any) -> Any:
    return part.failures


def checked_sources(who: str, network: Network, sources: Any) -> dict[str, dict[str, Source | None]]:
    """Sources by the names of parts that are there and may have some; that they fit is told by the network."""
    what = "their sources, e.g. {'hidden': {'membrane': noise.VoltageNoise(...)}}"
    known: dict[str, Any] = {**network.cells(), **network.projections}
    found = {}
    for name, given in named(who, sources, what).items():
        one_of(who, name, known)
        found[name] = named(f"{who}[{name!r}]", given, "sources, e.g. noise.VoltageNoise(...)")
        for label, source in found[name].items():
            if source is None:
                one_of(f"{who}[{name!r}]", label, known[name].noise)
            elif not isinstance(source, Source):
                fail(f"{who}[{name!r}][{label!r}]", "must be a source, or None to take one away", type(source).__name__)
    return found


def dressed(system: System, sources: Sources) -> System:
    """The system with sources that were looked at before; inside a compiled program too."""
    if not sources:
        return system
    if isinstance(system, Simulation):
        return eqx.tree_at(lambda s: s.network, system, dressed(system.network, sources))
    populations, projections = dict(system.populations), dict(system.projections)
    for name, given in sources.items():
        parts: dict[str, Any] = populations if name in populations else projections
        there: dict[str, Source | None] = {**parts[name].noise, **given}
        joined = {k: source for k, source in there.items() if source is not None}
        parts[name] = eqx.tree_at(_noise_of, parts[name], dict(sorted(joined.items())))
    return eqx.tree_at(lambda n: (n.populations, n.projections), system, (populations, projections))


def _noise_of(part: Any) -> Any:
    return part.noise
