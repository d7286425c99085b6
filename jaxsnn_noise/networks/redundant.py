"""Networks in which neurons are there three times, and a majority of them speaks."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from jaxsnn_noise._checks import fail, is_a, one_of
from jaxsnn_noise.engine.network import Network, Population
from jaxsnn_noise.neurons import LIF, Neuron
from jaxsnn_noise.parameters import fields_of
from jaxsnn_noise.synapses import Dense, NoisyDense

__all__ = ["Redundant", "triplicated"]

VOTES = 3
_FORGETS = 1e-3
"""Time constant of a voter [ms]: it knows of its own step alone, of any step from a tenth of a millisecond on."""


class Redundant(eqx.Module):
    """A network with redundancy, and what it costs.

    Attributes:
        network: The network.
        neurons: Neurons and voters more than before.
        synapses: Synapses more than before, those of voters included.
    """

    network: Network
    neurons: int = eqx.field(static=True)
    synapses: int = eqx.field(static=True)


def triplicated(network: Network, population: str, neurons: Sequence[int] | None = None) -> Redundant:
    """Triple modular redundancy: neurons three times, with a voter that fires where at least two of them do.

    The first neurons of the population are those that were there, then come the second and the third copies of those that are
    triplicated. ``<population>_voter`` has one voter for each old neuron, which acts within the step; all that left the population
    leaves the voter now. Without noise in the copies the spikes of the voters are those of the old neurons, to the bit, and no
    fault of a single copy changes them. A voter is one of its own: its faults are those of the old neuron.

    What enters the population has to come by projections; inputs and statistics of a simulation name neurons, of which
    there are more now.

    Args:
        network: A network.
        population: A population that fires, with ``Dense`` or ``NoisyDense`` projections.
        neurons: Which to triplicate, e.g. those at critical sites; all unless given.

    Raises:
        InputError: a population that is none or never fires; neurons that are none, or named twice; other projections; parts with one
            value per neuron beside those of the neuron.

    References: von Neumann 1956, doi:10.1515/9781400882618-003; of critical neurons Spyrou et al. 2021, doi:10.23919/DATE51398.2021.9474081.

    Example:
        >>> from jaxsnn_noise.networks import feedforward
        >>> safe = triplicated(feedforward([4, 3, 2], key=0), "hidden", [1])
        >>> safe.network.populations["hidden"].size, safe.neurons, safe.synapses
        (5, 5, 13)
    """
    who = "networks.triplicated"
    is_a(f"{who}.network", network, Network, "networks.feedforward(...)")
    one_of(f"{who}.population", population, network.cells())
    cells = network.cells()[population]
    chosen = _chosen(f"{who}.neurons", neurons, cells)
    old = np.concatenate([np.arange(cells.size), *[chosen] * (VOTES - 1)])
    voter = f"{population}_voter"
    if voter in network.populations or voter in network.projections:
        fail(f"{who}.population", f"needs the name {voter} for its voters", population)
    populations: dict[str, Any] = {**network.populations, population: _copied(who, cells, old)}
    populations[voter] = Population(LIF(cells.size, tau_mem=_FORGETS, v_threshold=0.75))
    projections = {k: _moved(f"{who}: {k}", p, population, voter, old) for k, p in network.projections.items()}
    votes = np.where(np.arange(cells.size)[:, None] == old[None, :], 0.5, 0.0)
    single = np.setdiff1d(np.arange(cells.size), chosen)
    votes[single, single] = 1.0
    projections[f"{population}_to_voter"] = Dense(population, voter, votes, delay=0.0)
    made = Network(populations, projections)
    return Redundant(made, _neurons_of(made) - _neurons_of(network), _synapses_of(made) - _synapses_of(network))


def _chosen(who: str, neurons: Any, cells: Population) -> np.ndarray:
    if not cells.neuron.spiking:
        fail(
            who.replace("neurons", "population"), "must fire: there is nothing to vote on", type(cells.neuron).__name__
        )
    if neurons is None:
        return np.arange(cells.size)
    found = np.asarray(neurons)
    whole = found.ndim == 1 and found.size > 0 and found.dtype.kind in "iu"
    if not whole or found.min() < 0 or found.max() >= cells.size or len(np.unique(found)) < len(found):
        fail(who, f"must be numbers of neurons, each once, in [0, {cells.size - 1}]", neurons)
    return found


def _copied(who: str, cells: Population, old: np.ndarray) -> Population:
    """The population with its neurons in another order and number."""
    rest = eqx.tree_at(lambda p: p.neuron, cells, None)
    if any(eqx.is_array(leaf) and leaf.ndim for leaf in jax.tree.leaves(rest)):
        rule = "must have no noise, firing rule or initial law with one value per neuron: copies have none"
        fail(f"{who}.population", rule, type(cells.neuron).__name__)
    return eqx.tree_at(lambda p: p.neuron, cells, _picked(cells.neuron, old))


def _picked(neuron: Neuron, old: np.ndarray) -> Neuron:
    """The model with the parameters of these neurons."""
    per_neuron = {name for name, _ in fields_of(type(neuron))}
    given = {field.name: getattr(neuron, field.name) for field in dataclasses.fields(neuron) if field.name != "size"}
    for name in per_neuron:
        given[name] = None if given[name] is None else given[name][old]
    made: Neuron = type(neuron)(len(old), **given)
    return made


def _moved(who: str, projection: Any, population: str, voter: str, old: np.ndarray) -> Any:
    """A projection onto the copies, and from the voters."""
    if population not in (projection.source, projection.target):
        return projection
    if type(projection) not in (Dense, NoisyDense):
        fail(who, "must be Dense or NoisyDense", type(projection).__name__)
    options = {
        "kinetics": projection.kinetics,
        "delay": projection.delay,
        "noise": projection.noise,
        "sums": projection.sums,
    }
    onto = projection.target == population
    rows = lambda matrix: matrix[old] if onto and jnp.ndim(matrix) == 2 else matrix  # noqa: E731
    if isinstance(projection, NoisyDense):
        options |= {"additive": rows(projection.additive), "relative": projection.relative}
    source = voter if projection.source == population else projection.source
    return type(projection)(source, projection.target, rows(projection.weights), **options)


def _neurons_of(network: Network) -> int:
    return sum(cells.size for cells in network.cells().values())


def _synapses_of(network: Network) -> int:
    return sum(int(np.sum(np.asarray(p.fan_out()))) for p in network.projections.values())
