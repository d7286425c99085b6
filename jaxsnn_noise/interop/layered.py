"""A trained feed-forward network as arrays, with the data to test it on: what comes from other packages and goes back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from jaxsnn_noise.coding import Constant, TimeSeries
from jaxsnn_noise.engine.network import Network, Population, Port
from jaxsnn_noise.engine.simulation import Simulation
from jaxsnn_noise.networks.layered import layer_names
from jaxsnn_noise.neurons import LIF, LeakyIntegrator, Reset, ResetBySubtraction, ResetToValue
from jaxsnn_noise.statistics import Last, Maximum, Mean, SpikeCount, Statistic
from jaxsnn_noise.synapses import Dense

RESETS: dict[str, Any] = {"zero": ResetToValue, "subtract": ResetBySubtraction}
"""Where a membrane goes after a spike, by the words of the file."""
READOUTS = ("mean_potential", "max_potential", "last_potential", "spike_count")
"""What is read of the last layer; it fires with the last of them only."""
INPUT, BIAS, OUTPUT = "input", "bias", "output"


@dataclass(frozen=True)
class LayeredNetwork:
    """Layers of leaky neurons, ``v <- e v + (1 - e) R (W x + b)`` with ``e = exp(-dt/tau_mem)``, and data to test them on.

    A neuron fires where ``v >= threshold`` and is reset; its spikes reach the next layer in the same step. The last layer fires
    only if spikes are counted; else it is a membrane that is read. Everything starts at 0. The class with the largest reading is
    the answer. A bias is a synapse from a line that is always 1.

    Attributes:
        weights: Of each layer, [target, source] [nA].
        biases: Of each layer, [target] [nA]; ``None``: it has none.
        tau_mem: Of each layer, [neuron] [ms].
        resistance: Of each layer, [neuron] [MOhm].
        threshold: Of each layer that fires, [neuron] [mV].
        reset: ``"zero"`` or ``"subtract"``.
        readout: One of ``mean_potential``, ``max_potential``, ``last_potential``, ``spike_count``.
        dt: Step [ms].
        steps: How many of them a sample is shown [1].
        inputs: [sample, channel], held; or [sample, time, channel].
        labels: [sample]: the right classes.
        calibration: Inputs of other samples, which chips may be calibrated on; ``None``: there are none.
    """

    weights: tuple[np.ndarray, ...]
    biases: tuple[np.ndarray | None, ...]
    tau_mem: tuple[np.ndarray, ...]
    resistance: tuple[np.ndarray, ...]
    threshold: tuple[np.ndarray, ...]
    reset: str
    readout: str
    dt: float
    steps: int
    inputs: np.ndarray
    labels: np.ndarray
    calibration: np.ndarray | None = None

    @property
    def sizes(self) -> tuple[int, ...]:
        """Channels of the input, and neurons of each layer."""
        return (self.weights[0].shape[1], *(len(w) for w in self.weights))

    @property
    def populations(self) -> tuple[str, ...]:
        """The names of the layers: ``hidden`` (or ``hidden_1``, ...) and ``output``."""
        return layer_names(len(self.weights))

    def network(self) -> Network:
        """The network: a port ``input``, layers, projections ``input_to_hidden``, ...; those of biases from a port ``bias``."""
        populations: dict[str, Population | Port] = {INPUT: Port(self.sizes[0])}
        projections, before = {}, INPUT
        if any(b is not None for b in self.biases):
            populations[BIAS] = Port(1)
        for k, name in enumerate(self.populations):
            populations[name] = Population(self._neuron(k))
            projections[f"{before}_to_{name}"] = Dense(before, name, self.weights[k], delay=0.0)
            if (bias := self.biases[k]) is not None:
                projections[f"{BIAS}_to_{name}"] = Dense(BIAS, name, bias[:, None], delay=0.0)
            before = name
        return Network(populations, projections)

    def simulation(self, network: Network | None = None, **more: Any) -> Simulation:
        """A simulation of it (or of another network of the same form), which reads ``readout``; ``more`` as of ``Simulation``."""
        network = self.network() if network is None else network
        shown = np.zeros(self.inputs.shape[1:], np.float32)
        inputs: dict[str, Any] = {INPUT: Constant(shown) if shown.ndim == 1 else TimeSeries(shown)}
        if BIAS in network.populations:
            inputs[BIAS] = Constant(1.0)
        return Simulation(
            network, inputs, duration=self.steps * self.dt, dt=self.dt, statistics={"readout": self._read()}, **more
        )

    def _neuron(self, k: int) -> LIF | LeakyIntegrator:
        size, own = len(self.weights[k]), {"tau_mem": self.tau_mem[k], "resistance": self.resistance[k]}
        if k >= len(self.threshold):
            return LeakyIntegrator(size, **own)
        reset: Reset = RESETS[self.reset]()
        return LIF(size, v_threshold=self.threshold[k], reset=reset, **own)

    def _read(self) -> Statistic:
        kinds: dict[str, Any] = {"mean_potential": Mean, "max_potential": Maximum, "last_potential": Last}
        if self.readout in kinds:
            found: Statistic = kinds[self.readout]("v", population=OUTPUT)
            return found
        return SpikeCount(population=OUTPUT)
