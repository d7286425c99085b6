"""What users get wrong: for each mistake, how it is made and what they are told.

Run as a program it makes every mistake without the type checker of the tests (which would speak first), and prints what
was raised as JSON.
"""

# mypy: disable-error-code="arg-type,dict-item"
# (the wrong types are the point)

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import jax
import numpy as np

import jaxsnn_noise as jn
from jaxsnn_noise import coding, laws, noise
from jaxsnn_noise.hardware import Mismatch
from jaxsnn_noise.neurons import LIF, LeakyIntegrator
from jaxsnn_noise.synapses import Dense

NAN = float("nan")
SIGMA = "network.cells.noise.x.amplitude.sigma"
MASKED = np.ma.array([1.0, 2.0, 3.0], mask=[False, True, False])
Mistake = tuple[Callable[[], Any], str]


def population(**options: Any) -> jn.Population:
    """Three cells."""
    return jn.Population(LIF(3), **options)


def network(**options: Any) -> jn.Network:
    """Three cells with membrane noise."""
    return jn.Network({"cells": population(noise={"x": noise.VoltageNoise(noise.Diffusion(0.1))}, **options)})


def simulation(**options: Any) -> jn.Simulation:
    """Ten steps of three cells."""
    return jn.Simulation(**({"network": network(), "duration": 10.0, "dt": 1.0} | options))


def with_port(signal: Any) -> jn.Simulation:
    """A port of three channels."""
    parts = {"port": jn.Port(3), "cells": population()}
    return simulation(network=jn.Network(parts, {"feed": Dense("port", "cells", np.eye(3))}), inputs={"port": signal})


def projection(source: str = "a", target: str = "b", size: Any = (3, 4), **options: Any) -> jn.Network:
    """Four cells that feed three."""
    parts = {"a": jn.Population(LIF(4)), "b": population(), "port": jn.Port(4)}
    return jn.Network(parts, {"feed": Dense(source, target, np.ones(size), **options)})


def monte_carlo(*axes: Any, sim: Any = None, **options: Any) -> Any:
    """A small study."""
    sim = simulation(statistics={"rate": jn.statistics.Rate()}) if sim is None else sim
    return jn.monte_carlo(sim, list(axes), key=0, progress=False, **options)


def mismatched(law: Any, path: str = "network.cells.neuron.tau_mem", **options: Any) -> jn.Simulation:
    """A simulation with mismatch."""
    return simulation(imperfections={"m": Mismatch(path, law, **({"per": "neuron"} | options))})


def built(key: Any, size: int = 4) -> jn.Network:
    """A network of another size than the simulation's."""
    return jn.Network({"cells": jn.Population(LIF(size), noise={"x": noise.VoltageNoise(noise.Diffusion(0.1))})})


MISTAKES: dict[str, Mistake] = {
    # policies and sources
    "a number for an amplitude": (lambda: noise.CurrentNoise(0.1), r"CurrentNoise.amplitude: must be of the kind Amplitude, e.g. "),
    "a word for an amplitude": (lambda: noise.CurrentNoise("strong"), r"CurrentNoise.amplitude: must be of the kind"),
    "a class for an amplitude": (lambda: noise.CurrentNoise(noise.PerStep), r"CurrentNoise.amplitude: must be of the kind"),
    "a word for a coupling": (lambda: noise.CurrentNoise(noise.PerStep(0.1), coupling="multiplicative"), r"coupling: must be of the kind"),
    "a word for the calculus": (lambda: noise.VoltageNoise(noise.Diffusion(0.1), coupling=noise.Multiplicative("ito")), r"interpretation: must be of the kind Interpretation, e.g. Ito\(...\), Stratonovich\(...\)"),
    "a correlation for a colour": (lambda: noise.CurrentNoise(noise.PerStep(0.1), colour=noise.Independent()), r"colour: must be of the kind Colour, e.g. "),
    "a number for a correlation": (lambda: noise.CurrentNoise(noise.PerStep(0.1), correlation=0.3), r"correlation: must be of the kind Correlation, e.g. "),
    "a colour for a distribution": (lambda: noise.CurrentNoise(noise.PerStep(0.1), distribution=noise.White()), r"distribution: must be of the kind Distribution, e.g. "),
    "two amplitudes in one": (lambda: noise.PerStep([0.1, 0.2]), r"PerStep.sigma: must be one number; got .*0.1, 0.2"),
    "a word for a number": (lambda: noise.PerStep("0.1V"), r"PerStep.sigma: must be real numbers; got '0.1V'"),
    "a diffusion at the threshold": (lambda: noise.ThresholdNoise(noise.Diffusion(0.1)), r"ThresholdNoise.amplitude: Diffusion has no limit for small steps at the threshold seam; use PerStep"),
    # populations
    "no neurons": (lambda: LIF(0), r"LIF.size: must be a whole number >= 1; got 0"),
    "half a neuron": (lambda: LIF(2.5), r"LIF.size: must be a whole number >= 1; got 2.5"),
    "a negative time constant": (lambda: LIF(3, tau_mem=-1.0), r"LIF.tau_mem: must be finite and > 0 \[ms\]; got"),
    "a time constant that is NaN": (lambda: LIF(3, tau_mem=[1.0, NAN, 2.0]), r"LIF.tau_mem: must be finite and > 0 \[ms\]"),
    "time constants for other neurons": (lambda: LIF(3, tau_mem=[1.0, 2.0]), r"LIF.tau_mem: must be one number or one per neuron \(shape \(3,\)\); got \(2,\)"),
    "a reset above the threshold": (lambda: LIF(3, v_reset=2.0), r"LIF.v_reset: must lie below v_threshold = 1 \[mV\] .*; got 2.0"),
    "a reset above the threshold of one neuron": (lambda: LIF(3, v_reset=[0.0, 0.5, 0.2], v_threshold=[1.0, 2.0, 0.1]), r"LIF.v_reset: must lie below v_threshold = 0.1 \[mV\] .*; got 0.2"),
    "a threshold in mV and no rest": (lambda: LIF(3, v_threshold=-50.0), r"LIF.v_reset: must lie below v_threshold = -50 \[mV\] \(it is v_rest unless given\); got 0.0"),
    "a truth value for a time constant": (lambda: LIF(3, tau_mem=True), r"LIF.tau_mem: must be real numbers; got True"),
    "a truth value among time constants": (lambda: LIF(3, tau_mem=[20.0, True, 10.0]), r"LIF.tau_mem: must be real numbers"),
    "a text for a time constant": (lambda: LIF(3, tau_mem="20"), r"LIF.tau_mem: must be real numbers; got '20'"),
    "a masked time constant": (lambda: LIF(3, tau_mem=MASKED), r"LIF.tau_mem: must have no masked entries .*; got '1 masked of 3'"),
    "masked weights": (lambda: Dense("a", "b", np.ma.masked_less(np.eye(3), 0.5)), r"Dense.weights: must have no masked entries .*; got '6 masked of 9'"),
    "a masked leaf": (lambda: jn.paths.replace(network(), {"cells.neuron.tau_mem": MASKED}), r"cells.neuron.tau_mem: must have no masked entries"),
    "a truth value for a leaf": (lambda: jn.paths.replace(network(), {"cells.neuron.tau_mem": True}), r"cells.neuron.tau_mem: must be real numbers; got True"),
    "a fraction of an index": (lambda: jn.paths.replace(jn.synapses.Sparse.example(), {"rows": 0.5}), r"rows: must be whole numbers, as the leaf is"),
    "a masked law": (lambda: laws.Empirical(MASKED), r"Empirical.values: must have no masked entries"),
    "a negative refractory time": (lambda: LIF(3, refractory=-1.0), r"LIF.refractory: must be finite and >= 0 \[ms\]"),
    "a word for a neuron": (lambda: jn.Network({"cells": jn.Population("lif")}), r"Population.neuron: must be of the kind Neuron, e.g. .*; got 'lif'"),
    "a number for a firing rule": (lambda: network(firing=0.3), r"Population.firing: must be of the kind Firing, e.g. .*HardThreshold\(...\).*; got 0.3"),
    "a number for an initial law": (lambda: network(initial={"v": 0.5}), r"network.cells.initial.v: must be an absolute law"),
    "an unknown initial field": (lambda: network(initial={"V": laws.Fixed(0.5)}), r"network.cells.initial: unknown name; got 'V'.*Known:.*v"),
    "a number for a pre-filter": (lambda: network(prefilter=3), r"network.cells.prefilter: must be a function"),
    "a number for a source": (lambda: jn.Network({"cells": population(noise={"x": 0.1})}), r"Population.noise\[.x.\]: must be of the kind Source"),
    "release noise on a population": (lambda: jn.Network({"cells": population(noise={"x": noise.ReleaseNoise(noise.PerStep(0.1))})}), r"noise.x: must be a current, voltage, threshold or spike source"),
    "threshold noise on a readout": (lambda: jn.Network({"out": jn.Population(LeakyIntegrator(2), noise={"x": noise.ThresholdNoise(noise.PerStep(0.1))})}), r"network.out.noise.x: a neuron that never fires has no such seam"),
    "a name with a blank": (lambda: jn.Network({"my cells": population()}), r"network: names must be identifiers"),
    # networks
    "no population": (lambda: jn.Network({"port": jn.Port(3)}), r"network: needs at least one population of neurons"),
    "a neuron for a population": (lambda: jn.Network({"cells": LIF(3)}), r"network.cells: must be a Population or a Port"),
    "an empty port": (lambda: jn.Port(0), r"Port.size: must be a whole number >= 1"),
    "weights for a projection": (lambda: jn.Network({"cells": population()}, {"feed": np.ones((3, 3))}), r"network.feed: must be a projection"),
    "an unknown source": (lambda: projection(source="aa"), r"network.feed.source: unknown name; got 'aa'. Did you mean 'a'"),
    "an unknown target": (lambda: projection(target="c"), r"network.feed.target: unknown name; got 'c'"),
    "a port as target": (lambda: projection(target="port"), r"network.feed.target: unknown name; got 'port'"),
    "weights the other way round": (lambda: projection(size=(4, 3)), r"network.feed.weights: must have the shape \[target, source\] = \(3, 4\); got \(4, 3\)"),
    "weights that are NaN": (lambda: jn.Network({"cells": population()}, {"feed": Dense("cells", "cells", np.full((3, 3), NAN))}), r"Dense.weights: must be finite \[nA\]"),
    "one name for two": (lambda: jn.Network({"cells": population()}, {"cells": Dense("cells", "cells", np.eye(3))}), r"network.cells: a projection needs a name of its own"),
    "a negative delay": (lambda: projection(delay=-1.0), r"network.feed.delay: must be finite and >= 0 \[ms\]"),
    "a cycle without delay": (lambda: jn.Network({"cells": population()}, {"loop": Dense("cells", "cells", np.eye(3), delay=0.0)}), r"network: projections without delay must form no cycle; give one of them a delay \[ms\]; got 'cells -> loop -> cells'"),
    "a delay far below a step": (lambda: simulation(network=projection(delay=1e-9), inputs={"port": coding.Constant(0.0)}), r"network.feed.delay: must be 0 or at least dt = 1 ms \[ms\]; got 1e-09"),
    "a delay in words": (lambda: projection(delay="2 ms"), r"Dense.delay: must be one number or None; got '2 ms'"),
    "a truth value for a delay": (lambda: projection(delay=True), r"Dense.delay: must be one number or None; got True"),
    "a delay of half a step": (lambda: simulation(network=projection(delay=1.5), inputs={"port": coding.Constant(0.0)}), r"network.feed.delay: must be a multiple of dt = 1 ms \[ms\]; got 1.5"),
    "voltage noise on a projection": (lambda: projection(noise={"x": noise.VoltageNoise(noise.PerStep(0.1))}), r"network.feed.noise.x: must be a release source"),
    "one layer": (lambda: jn.networks.feedforward([5], key=0), r"feedforward.sizes: needs at least an input and an output size"),
    "an empty layer": (lambda: jn.networks.feedforward([5, 0, 3], key=0), r"feedforward.sizes: must be a whole number >= 1; got 0"),
    "no gain": (lambda: jn.networks.feedforward([5, 3], key=0, gain=0.0), r"feedforward.gain: must be finite and > 0"),
    # statistics
    "a mask of neurons": (lambda: jn.statistics.Trace(neurons=np.array([True, False, True])), r"Trace.neurons: must be indices; those of a mask are numpy.flatnonzero\(mask\)"),
    "a list as a mask": (lambda: jn.statistics.Trace(neurons=[True, False, True]), r"Trace.neurons: must be indices"),
    "half a neuron traced": (lambda: jn.statistics.Trace(neurons=[0.5]), r"Trace.neurons: must be a whole number >= 0; got 0.5"),
    "a masked index": (lambda: jn.statistics.Trace(neurons=np.ma.array([0, 1], mask=[False, True])), r"Trace.neurons: must have no masked entries"),
    "one neuron traced": (lambda: jn.statistics.Trace(neurons=1), r"Trace.neurons: must be a sequence of indices"),
    "a slice of neurons": (lambda: jn.statistics.Trace(neurons=slice(0, 2)), r"Trace.neurons: must be a sequence of indices"),
    "a mask of synapses": (lambda: jn.statistics.Trace("state.weights", projection="feed", synapses=np.eye(3)[0] > 0), r"Trace.synapses: must be indices"),
    "a bin of truth": (lambda: jn.statistics.BinnedCounts(True), r"BinnedCounts.bin: must be one number; got True"),
    "a bin in words": (lambda: jn.statistics.CountCorrelation("5 ms"), r"CountCorrelation.bin: must be one number; got '5 ms'"),
    # time
    "half a step": (lambda: simulation(duration=10.5), r"duration: must be a multiple of dt = 1 ms \[ms\]; got 10.5"),
    "no duration": (lambda: simulation(duration=0.0), r"duration: must be finite and > 0 \[ms\]; got 0.0"),
    "a negative step": (lambda: simulation(dt=-1.0), r"dt: must be finite and > 0 \[ms\]; got -1.0"),
    "a step that is NaN": (lambda: simulation(dt=NAN), r"dt: must be finite and > 0 \[ms\]; got nan"),
    "a duration in words": (lambda: simulation(duration="10 ms"), r"duration: must be one number; got '10 ms'"),
    "two steps": (lambda: simulation(dt=[0.5, 1.0]), r"dt: must be one number; got \[0.5, 1.0\]"),
    "a negative warm-up": (lambda: simulation(warmup=-1.0), r"warmup: must be finite and >= 0 \[ms\]; got -1.0"),
    "half a step of warm-up": (lambda: simulation(warmup=0.5), r"warmup: must be a multiple of dt"),
    "more steps than a stream has": (lambda: simulation(duration=1e9), r"steps: a stream addresses"),
    # inputs
    "an input for nobody": (lambda: simulation(inputs={"cell": coding.Constant(1.0)}), r"inputs.cell: must have the name of a population or port, or say by to= .*; got 'cell'. Did you mean 'cells'"),
    "a number for an input": (lambda: simulation(inputs={"cells": 1.1}), r"inputs.cells: must be an input, e.g. coding.Constant\(1.1\)"),
    "spikes where a current is expected": (lambda: simulation(inputs={"cells": coding.PoissonSpikes(5.0)}), r"inputs.cells: a population takes a current \[nA\]; spikes enter through a Port"),
    "a spike train where a current is expected": (lambda: simulation(inputs={"cells": coding.SpikeTrain(np.zeros((10, 3)))}), r"inputs.cells: a population takes a current"),
    "spikes in a time series": (lambda: coding.TimeSeries(np.zeros((10, 3), bool)), r"TimeSeries.values: must be currents or analog values; spikes go into SpikeTrain"),
    "a masked current": (lambda: coding.Constant(MASKED), r"Constant.values: must have no masked entries"),
    "masked spikes": (lambda: coding.SpikeTrain(np.ma.masked_equal(np.eye(3), 0)), r"SpikeTrain.values: must have no masked entries"),
    "complex spikes": (lambda: coding.SpikeTrain(np.eye(3) * 1j), r"SpikeTrain.values: must be real numbers"),
    "spikes in words": (lambda: coding.SpikeTrain([["1", "0"]]), r"SpikeTrain.values: must be real numbers"),
    "a masked sample": (lambda: coding.Constant([0.0] * 3).shown(MASKED), r"Constant.values: must have no masked entries"),
    "masked samples": (lambda: jn.Samples(MASKED[None]), r"Samples.data: must have no masked entries"),
    "a masked batch": (lambda: jn.apply(with_port(coding.Constant(1.0)).network, MASKED[None], key=0), r"apply.batch: must have no masked entries"),
    "a masked sweep": (lambda: jn.Sweep("network.cells.neuron.tau_mem", MASKED), r"Sweep.values: must have no masked entries"),
    "a sweep of truth values": (lambda: jn.Sweep("network.cells.neuron.tau_mem", [True, True]), r"Sweep.values: must be real numbers"),
    "half a spike": (lambda: with_port(coding.SpikeTrain(np.full((10, 3), 0.5))), r"SpikeTrain.values: must be whole numbers in \[0, 1\]: spikes are 0 or 1 \[1\]"),
    "an input that enters nothing": (lambda: simulation(inputs={"bias": coding.Constant(1.0, to="cell")}), r"inputs.bias.to: must name a population or port; got 'cell'. Did you mean 'cells'"),
    "an input that is no word": (lambda: simulation(inputs={"my bias": coding.Constant(1.0, to="cells")}), r"inputs: names must be identifiers"),
    "an input of one name and another place": (lambda: simulation(network=projection(), inputs={"a": coding.Constant(1.0, to="b"), "port": coding.Constant(1.0)}), r"inputs.a.to: an input that enters another one must not have the name of 'a'; got 'b'"),
    "samples of one of two inputs": (lambda: monte_carlo(jn.Samples([[1.0] * 3]), sim=simulation(inputs={"one": coding.Constant([1.0] * 3, to="cells"), "cells": coding.Constant(1.0)})), r"Samples.path: must name the values of one input; got None. Known: inputs.cells.values, inputs.one.values"),
    "one sample as a batch": (lambda: jn.apply(with_port(coding.Constant(1.0)).network, np.ones(3), key=0), r"apply.batch: must be \[sample, ...\] with a value for each of the 3 channels; one sample is batch.None"),
    "a batch with a NaN": (lambda: jn.apply(with_port(coding.Constant(1.0)).network, np.array([[0.0, 1.0, 2.0], [0.0, NAN, 1.0]]), key=0), r"inputs.port.values: must be finite"),
    "a batch of half spikes": (lambda: jn.apply(with_port(coding.Constant(1.0)).network, np.stack([np.ones((25, 3)), np.full((25, 3), 0.5)]), encode=coding.SpikeTrain, key=0), r"apply.batch for inputs.port.values: must be whole numbers in \[0, 1\]: spikes are 0 or 1"),
    "a batch with masked entries": (lambda: jn.apply(with_port(coding.Constant(1.0)).network, np.ma.masked_equal(np.eye(3), 1.0), key=0), r"apply.batch: must have no masked entries; .*got '3 masked of 9'"),
    "a batch of unequal rows": (lambda: jn.apply(with_port(coding.Constant(1.0)).network, [[1.0] * 3, [1.0]], key=0), r"apply.batch: must be an array .rows of equal lengths."),
    "a batch of texts": (lambda: jn.apply(with_port(coding.Constant(1.0)).network, np.full((2, 3), "1"), key=0), r"apply.batch: must be real numbers; got '<U1'"),
    "a batch that leaves float32": (lambda: jn.apply(with_port(coding.Constant(1.0)).network, np.full((2, 3), 1e300), key=0), r"inputs.port.values: must be finite"),
    "a traced batch of another width": (lambda: jax.jit(lambda x: jn.apply(with_port(coding.Constant(1.0)).network, x, key=0))(np.ones((2, 4))), r"inputs.port.values: must be one number or have the shape .3,."),
    "a traced sample as a batch": (lambda: jax.jit(lambda x: jn.apply(with_port(coding.Constant(1.0)).network, x, key=0))(np.ones(3)), r"apply.batch: must be \[sample, ...\] with a value for each of the 3 channels"),
    "statistics of a batch as a list": (lambda: jn.apply(with_port(coding.Constant(1.0)).network, np.ones((2, 3)), statistics=[jn.statistics.Rate()], key=0), r"apply.statistics: must be a mapping from names; got 'list'"),
    "an encoder that is none": (lambda: jn.apply(with_port(coding.Constant(1.0)).network, np.ones((2, 3)), encode=3, key=0), r"apply.encode: must be a function of the values of one sample"),
    "samples with masked entries": (lambda: jn.Samples(np.ma.masked_equal(np.eye(3), 1.0)), r"Samples.data: must have no masked entries"),
    "complex samples": (lambda: jn.Samples(np.eye(3) * 1j), r"Samples.data: must be real numbers; got 'complex128'"),
    "samples of texts": (lambda: jn.Samples(np.full((2, 3), "1")), r"Samples.data: must be real numbers"),
    "a batch of negative rates": (lambda: jn.apply(with_port(coding.Constant(1.0)).network, np.array([[1.0] * 3, [1.0, 2.0, -1.0]]), encode=coding.PoissonSpikes, key=0), r"apply.batch for inputs.port.values: must be finite and >= 0 \[Hz\]"),
    "a complex batch": (lambda: jn.apply(with_port(coding.Constant(1.0)).network, np.ones((2, 3)) * 1j, key=0), r"apply.batch: must be real numbers; got 'complex128'"),
    "an empty batch": (lambda: jn.apply(with_port(coding.Constant(1.0)).network, np.ones((0, 3)), key=0), r"apply.batch: needs at least one sample"),
    "a further input of the batch's name": (lambda: jn.apply(with_port(coding.Constant(1.0)).network, np.ones((2, 3)), inputs={"port": coding.Constant(1.0)}, key=0), r"apply.inputs: must be other inputs than the one that shows the batch"),
    "a port without input": (lambda: simulation(network=projection()), r"inputs.port: a port needs an input"),
    "a current for other neurons": (lambda: simulation(inputs={"cells": coding.Constant([1.0, 2.0])}), r"inputs.cells.values: must be one number or have the shape \(3,\); got \(2,\)"),
    "a series of another length": (lambda: simulation(inputs={"cells": coding.TimeSeries(np.zeros((9, 3)))}), r"inputs.cells.values: must have the shape \(10, 3\) \[time, neuron\]; got \(9, 3\)"),
    "a train of another length": (lambda: with_port(coding.SpikeTrain(np.zeros((9, 3)))), r"inputs.port.values: must have the shape \(10, 3\)"),
    "an input that is NaN": (lambda: simulation(inputs={"cells": coding.Constant(NAN)}), r"Constant.values: must be finite"),
    "a negative rate": (lambda: with_port(coding.PoissonSpikes(-5.0)), r"PoissonSpikes.values: must be finite and >= 0 \[Hz\]"),
    "a stimulus of voltage noise": (lambda: simulation(inputs={"cells": coding.Fluctuating(1.0, noise.VoltageNoise(noise.PerStep(0.1)))}), r"inputs.cells.source: must be a source of the current seam"),
    "a fluctuating mean for other neurons": (lambda: simulation(inputs={"cells": coding.Fluctuating([1.0, 2.0], noise.CurrentNoise(noise.PerStep(0.1)))}), r"inputs.cells.values: must be one number or have the shape \(3,\)"),
    # imperfections, statistics, streams
    "a number for an imperfection": (lambda: simulation(imperfections={"m": 0.1}), r"imperfections.m: must be an imperfection"),
    "a number for a law": (lambda: Mismatch("network.cells.neuron.tau_mem", 0.1, per="neuron"), r"Mismatch.law: must be a law"),
    "mismatch of an unknown parameter": (lambda: mismatched(laws.LogNormal(0.1), "network.cells.neuron.tau"), r"path 'network.cells.neuron.tau': no such name under network.cells.neuron; got 'tau'.*tau_mem"),
    "mismatch of a path below the network": (lambda: mismatched(laws.LogNormal(0.1), "cells.neuron.tau_mem"), r"imperfections.m.path: must start at the simulation, with 'network.'; got 'cells.neuron.tau_mem'. Did you mean 'network.cells.neuron.tau_mem'"),
    "a sweep of a path below the network": (lambda: monte_carlo(jn.Sweep("cells.neuron.tau_mem", [10.0])), r"path 'cells.neuron.tau_mem': must start at the Simulation; got 'cells.neuron.tau_mem'. Did you mean 'network.cells.neuron.tau_mem'"),
    "mismatch of a population": (lambda: mismatched(laws.LogNormal(0.1), "network.cells.neuron"), r"imperfections.m.path: must lead to a parameter"),
    "mismatch per layer": (lambda: mismatched(laws.LogNormal(0.1), per="layer"), r"Mismatch.per: unknown name; got 'layer'"),
    "mismatch that makes time constants negative": (lambda: mismatched(laws.Normal(0.2)), r"imperfections.m.law: must keep network.cells.neuron.tau_mem in its range in every draw"),
    "a negative cv": (lambda: laws.LogNormal(-0.1), r"LogNormal.cv: must be finite and >= 0"),
    "a word for a statistic": (lambda: simulation(statistics={"rate": "rate"}), r"statistics.rate: must be a statistic"),
    "a statistic of nobody": (lambda: simulation(statistics={"rate": jn.statistics.Rate(population="cell")}), r"statistics.rate.population: unknown name; got 'cell'. Did you mean 'cells'"),
    "a statistic of one of two": (lambda: simulation(network=projection(), inputs={"port": coding.Constant(0.0)}, statistics={"rate": jn.statistics.Rate()}), r"statistics.rate.population: must name one of \['a', 'b'\]"),
    "two results of one name": (lambda: simulation(statistics={"v": jn.statistics.VoltageMoments(), "v_variance": jn.statistics.Rate()}), r"statistics.v_variance: needs another name: a result of 'v' has this one; got 'v_variance'"),
    "a result with the name of a dimension": (lambda: simulation(statistics={"cells_neuron": jn.statistics.Rate()}), r"statistics.cells_neuron: needs another name: a dimension of results has this one"),
    "a result with the name of the time": (lambda: jn.simulate(simulation(), key=0, statistics={"time": jn.statistics.Rate()}), r"statistics.time: needs another name: a dimension"),
    "a result with the name of a statistic's bins": (lambda: simulation(statistics={"bin_rate": jn.statistics.Rate(), "rate": jn.statistics.PopulationRate(5.0)}), r"statistics.bin_rate: needs another name: a dimension"),
    "a result with a name of health": (lambda: simulation(statistics={"health": jn.statistics.Rate()}), r"statistics.health: needs another name: those that start with 'health' are taken"),
    "an axis with the name of a projection's synapses": (lambda: monte_carlo(jn.Trials(2, name="feed_synapse"), sim=with_port(coding.PoissonSpikes(5.0))), r"needs another name.*got 'feed_synapse'"),
    "a frozen stream that is none": (lambda: simulation(frozen={"noise.cell": ()}), r"frozen: must be a stream or a prefix of one; got 'noise.cell'"),
    "a word for frozen axes": (lambda: simulation(frozen={"noise": "trial"}), r"frozen\['noise'\]: must be a tuple of names of axes"),
    "a number for a network": (lambda: simulation(network=3), r"network: must be a Network"),
    # simulate and monte_carlo
    "no key": (lambda: jn.simulate(simulation(), key=None), r"key: must be one JAX key"),
    "a negative seed": (lambda: jn.simulate(simulation(), key=-1), r"key: a seed must lie in \[0, 2\*\*64\); got -1"),
    "many keys": (lambda: jn.simulate(simulation(), key=jax.random.split(jax.random.key(0))), r"key: must be one JAX key"),
    "a negative trial": (lambda: jn.simulate(simulation(), key=0, address={"trial": -1}), r"address\['trial'\]: must be a whole number in \[0, 2\*\*32\); got -1"),
    "half a trial": (lambda: jn.simulate(simulation(), key=0, address={"trial": 1.5}), r"address\['trial'\]: must be a whole number"),
    "sigma made negative by replace": (lambda: jn.simulate(jn.paths.replace(simulation(), {SIGMA: -0.1}), key=0), r"network.cells.noise.x.amplitude.sigma: must be finite and >= 0 \[mV/sqrt\(ms\)\]; got"),
    "sigma made NaN by replace": (lambda: jn.simulate(jn.paths.replace(simulation(), {SIGMA: NAN}), key=0), r"network.cells.noise.x.amplitude.sigma: must be finite"),
    "an output that is none": (lambda: jn.as_function(simulation(), [SIGMA], ["rates"], key=0), r"as_function.outputs: unknown name; got 'rates'"),
    "a number for an axis": (lambda: monte_carlo(5), r"monte_carlo.axes: must be axes, e.g. Trials\(50\); got 5"),
    "a network for a simulation": (lambda: monte_carlo(jn.Trials(2), sim=network()), r"monte_carlo: takes a Simulation"),
    "no workers": (lambda: monte_carlo(jn.Trials(2), workers=0), r"monte_carlo.workers: must be a whole number >= 1; got 0"),
    "half a trial in a study": (lambda: jn.Trials(2.5), r"Trials.n: must be a whole number; got 2.5"),
    "words to sweep": (lambda: jn.Sweep(SIGMA, ["low", "high"]), r"Sweep.values: must be real numbers"),
    "two sweeps of one leaf": (lambda: monte_carlo(jn.Sweep(SIGMA, [0.1], name="a"), jn.Sweep(SIGMA, [0.2], name="b")), rf"monte_carlo.axes: the axes 'a' and 'b' both set {SIGMA}"),
    "a sweep and a zipped one of one leaf": (lambda: monte_carlo(jn.Sweep(SIGMA, [0.1], name="a"), jn.Vary({SIGMA: [0.2]}, name="b")), r"the axes 'a' and 'b' both set"),
    "two builders of a network": (lambda: monte_carlo(jn.Realisations(2, lambda k: built(k, 3)), jn.Realisations(2, lambda k: built(k, 3), name="b")), r"both set network"),
    "a builder of another size": (lambda: monte_carlo(jn.Realisations(2, built)), r"Realisations.builder: must build networks of the same structure and sizes"),
    "an axis with the name of a result": (lambda: monte_carlo(jn.Trials(2, name="rate")), r"monte_carlo.axes: Trials: needs another name.*got 'rate'"),
    "an axis with the name of a dimension": (lambda: monte_carlo(jn.Trials(2, name="cells_neuron")), r"needs another name.*got 'cells_neuron'"),
    "devices that do not differ": (lambda: monte_carlo(jn.Devices(2, name="chip"), sim=mismatched(laws.LogNormal(0.1))), r"Devices.name: must be the axis of an imperfection.*got 'chip'"),
    "a swept law that leaves its range": (lambda: monte_carlo(jn.Sweep("imperfections.m.law.cv", [0.1, -0.1]), sim=mismatched(laws.LogNormal(0.1))), r"imperfections.m.law.cv: must be finite and >= 0"),
    "a swept rate below zero": (lambda: monte_carlo(jn.Sweep("inputs.port.values", [1.0, -1.0], name="r"), sim=with_port(coding.PoissonSpikes(5.0))), r"inputs.port.values: must be finite and >= 0 \[Hz\]"),
    "samples of negative rates": (lambda: monte_carlo(jn.Samples([[1.0] * 3, [1.0, 2.0, -1.0]]), sim=with_port(coding.PoissonSpikes([5.0] * 3))), r"Samples.data for inputs.port.values: must be finite and >= 0 \[Hz\]"),
    "samples of half spikes": (lambda: monte_carlo(jn.Samples(np.stack([np.ones((10, 3)), np.full((10, 3), 0.5)])), sim=with_port(coding.SpikeTrain(np.zeros((10, 3))))), r"Samples.data for inputs.port.values: must be whole numbers in \[0, 1\]: spikes are 0 or 1"),
    "samples that are NaN": (lambda: jn.Samples([[NAN]]), r"Samples.data: must be finite"),
    "a number for a flag": (lambda: jn.Devices(20, paired=1), r"Devices.paired: must be True or False; got 1"),
    "a word for a flag": (lambda: jn.Scan(pinned="yes"), r"Scan.pinned: must be True or False; got 'yes'"),
    "a number for a reset's flag": (lambda: jn.neurons.ResetToValue(detach=0), r"Reset.detach: must be True or False; got 0"),
    "a number for progress": (lambda: jn.monte_carlo(simulation(), [jn.Trials(2)], key=0, progress=0), r"monte_carlo.progress: must be True or False; got 0"),
    "no cases": (lambda: jn.Cases({}), r"Cases: needs at least one simulation"),
    "a network as a case": (lambda: jn.monte_carlo(jn.Cases({"a": network()}), [], key=0), r"Cases.simulations\[.a.\]: must be of the kind Simulation"),
    "cases among the axes": (lambda: monte_carlo(jn.Cases({"a": simulation()})), r"monte_carlo.axes: hold no Cases: they are the first argument, in place of the simulation; got 'case'"),
    "cases with the name of an axis": (lambda: monte_carlo(jn.Trials(2, name="case"), sim=jn.Cases({"a": simulation()})), r"Cases.name: needs another name: an axis has this one; got 'case'"),
    "cases with the name of a result": (lambda: monte_carlo(sim=jn.Cases({"a": simulation(statistics={"rate": jn.statistics.Rate()})}, name="rate")), r"monte_carlo.axes: Cases: needs another name.*got 'rate'"),
    "no simulation": (lambda: jn.monte_carlo(None, [jn.Trials(2)], key=0), r"monte_carlo: takes a Simulation, or Cases of them; got None"),
    "a batch without a port": (lambda: jn.apply(network(), np.zeros((2, 3)), key=0), r"apply.shown: must name the port .or population. that the batch enters, unless .*; got None. Known: cells"),
}  # fmt: skip


def raised(mistake: Callable[[], Any]) -> tuple[str, str]:
    """Type and message of what a mistake raises."""
    try:
        mistake()
    except Exception as error:
        return type(error).__name__, str(error)
    return "nothing", ""


if __name__ == "__main__":
    print(json.dumps({name: raised(mistake) for name, (mistake, _) in MISTAKES.items()}))
