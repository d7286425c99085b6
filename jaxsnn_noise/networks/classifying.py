"""A network that is shown samples and read: what classifiers of studies and trainings have in common."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from jaxsnn_noise._checks import fail, name, named, one_of, real_numbers
from jaxsnn_noise.coding import Constant, TimeSeries
from jaxsnn_noise.engine.network import Network
from jaxsnn_noise.engine.simulation import Simulation
from jaxsnn_noise.statistics import Mean, SpikeCount

__all__ = [
    "classifier",
]


def classifier(
    network: Network,
    sample: Any,
    *,
    duration: float,
    dt: float = 1.0,
    readout: str = "output",
    imperfections: Mapping[str, Any] | None = None,
    statistics: Mapping[str, Any] | None = None,
) -> Simulation:
    """A network with one port that is shown a sample, and read once at the end.

    The statistic ``readout`` is the mean potential of each neuron of the population ``readout``, or its count of spikes if it
    fires; its largest entry is the answer. ``Samples`` shows others in the place of the sample.

    Args:
        network: With one port.
        sample: Analog values: [channel], the same in all steps, or [time, channel], one row per step.
        duration: Of a presentation [ms].
        dt: Time step [ms].
        readout: The population that is read.
        imperfections: Of the chips that it runs on.
        statistics: Others beside the readout, by name.

    Raises:
        InputError: several ports or none; no such population; a sample of another shape.

    Example:
        >>> from jaxsnn_noise import networks
        >>> sim = classifier(networks.feedforward([4, 8, 3], key=0), np.zeros(4), duration=20.0)
        >>> sorted(sim.inputs), sim.total_steps
        (['input'], 20)
    """
    who = "classifier"
    if not isinstance(network, Network):
        fail(f"{who}.network", "must be a Network", type(network).__name__)
    ports = list(network.ports())
    if len(ports) != 1:
        fail(f"{who}.network", "must have exactly one port", ports)
    cells = network.cells()
    one_of(f"{who}.readout", name(f"{who}.readout", readout), cells)
    real_numbers(f"{who}.sample", sample)
    dimensions = np.ndim(sample)
    if dimensions not in (1, 2):
        fail(f"{who}.sample", "must be [channel] or [time, channel]", np.shape(sample))
    others = named(f"{who}.statistics", statistics, "statistics")
    if "readout" in others:
        fail(f"{who}.statistics", "must have other names than 'readout'", "readout")
    read = SpikeCount(population=readout) if cells[readout].neuron.spiking else Mean("v", population=readout)
    return Simulation(
        network,
        {ports[0]: Constant(sample) if dimensions == 1 else TimeSeries(sample)},
        duration=duration,
        dt=dt,
        imperfections=imperfections,
        statistics={"readout": read, **others},
    )


def __dir__() -> list[str]:
    return __all__
