"""The picture of the README: ``python docs/first_screen.py`` draws ``docs/first_screen.svg`` anew (or the file that is named)."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

import jaxsnn_noise as jn

SIGMA = "network.cell.noise.membrane.amplitude.sigma"
SPREADS = [0.0, 0.1, 0.2, 0.3, 0.4]


def cell(stimulus: jn.coding.Input, duration: float, **options: object) -> jn.Simulation:
    """One leaky integrate-and-fire neuron with white noise on its membrane."""
    noise = {"membrane": jn.noise.VoltageNoise(jn.noise.Diffusion(0.05))}
    neuron = jn.neurons.LIF(1, tau_mem=20.0, refractory=2.0)
    network = jn.Network({"cell": jn.Population(neuron, noise=noise)})
    return jn.Simulation(network, {"cell": stimulus}, duration=duration, dt=0.5, warmup=200.0, **options)


def trials() -> np.ndarray:
    """Spikes [time, trial] under one stimulus that is the same in all trials."""
    fluctuations = jn.noise.CurrentNoise(jn.noise.PerStep(0.8), colour=jn.noise.OrnsteinUhlenbeck(5.0))
    spikes = {"spikes": jn.statistics.Raster()}
    sim = cell(jn.coding.Fluctuating(0.8, fluctuations), 400.0, frozen={"inputs": ()}, statistics=spikes)
    data = jn.monte_carlo(sim, [jn.Trials(40)], key=0, progress=False)
    return np.asarray(jn.statistics.unpack(data["spikes"].values, data.attrs["steps"]))[:, :, 0].T


def rates() -> tuple[object, list[float]]:
    """Rates against noise with their intervals, and what the closed form says."""
    sim = cell(jn.coding.Constant(0.9), 1000.0, statistics={"rate": jn.statistics.Rate()})
    levels = [0.02, 0.05, 0.08, 0.12, 0.16, 0.2]
    data = jn.monte_carlo(sim, [jn.Sweep(SIGMA, levels, name="sigma"), jn.Trials(100)], key=0, progress=False)
    found = jn.reduce.mean_and_error(data["rate"].isel(cell_neuron=0), over="trial")
    theory = []
    for sigma in levels:
        threshold = jn.theory.grid_threshold(1.0, sigma, dt=0.5, mean=0.9, tau_mem=20.0)
        closed = {"tau_mem": 20.0, "v_threshold": threshold, "v_reset": 0.0, "refractory": 2.0}
        theory.append(float(jn.theory.siegert_rate_hz(0.9, sigma, **closed)))
    return found, theory


def yields() -> object:
    """The share of 100 chips that answer at most 2 % worse than what was programmed, against the spread of their weights."""
    digits = jn.datasets.load("digits")
    images, tested = (part.images.reshape(-1, 64) for part in (digits.train, digits.test))

    def build(key: object) -> jn.Simulation:
        network = jn.networks.feedforward([64, 32, 10], key=key)
        return jn.Simulation(network, {"input": jn.coding.Constant(np.zeros(64))}, duration=20.0, dt=1.0)

    loss = jn.training.losses.CrossEntropy(scale=10.0)
    fitted = jn.training.fit(
        build, (images, digits.train.labels), key=0, loss=loss, epochs=10, batch_size=64, progress=False
    )
    law = jn.laws.LogNormal(cv=0.0)
    mismatch = {
        name: jn.hardware.Mismatch(f"network.{name}.weights", law, per="synapse") for name in fitted.network.projections
    }
    sim = jn.Simulation(
        fitted.network,
        fitted.sim.inputs,
        imperfections=mismatch,
        duration=20.0,
        dt=1.0,
        statistics={"readout": jn.statistics.Mean("v", population="output")},
    )
    both = jn.Vary({f"imperfections.{name}.law.cv": SPREADS for name in mismatch}, name="cv", labels=SPREADS)
    axes = [both, jn.Devices(100), jn.Samples(tested, labels=digits.test.labels)]
    data = jn.monte_carlo(sim, axes, key=1, progress=False)
    accuracy = (data["readout"].argmax("output_neuron") == data["label"]).mean("sample")
    good = accuracy >= accuracy.sel(cv=0.0).max() - 0.02
    return jn.reduce.proportion(good, over="device")


def main(place: Path) -> None:
    """Draw the three panels."""
    figure, (left, middle, right) = jn.figures.new_figure(1, 3, height=2.6)
    jn.figures.raster(left, trials(), dt=0.5, rows="trial")
    left.set_title("one stimulus, 40 trials", loc="left", fontsize=9.0)
    found, theory = rates()
    jn.figures.line_with_interval(
        middle, found["sigma"], found["mean"], found["low"], found["high"],
        x_label="noise [mV/sqrt(ms)]", y_label="rate [Hz]",
    )  # fmt: skip
    middle.plot(found["sigma"], theory, "k--", linewidth=1.0)
    middle.set_title("dashed: closed form", loc="left", fontsize=9.0)
    good = yields()
    jn.figures.line_with_interval(
        right, good["cv"], good["mean"], good["low"], good["high"],
        x_label="mismatch of weights [1]", y_label="yield of chips [1]",
    )  # fmt: skip
    right.set_title("100 chips", loc="left", fontsize=9.0)
    place.write_text(jn.figures.svg(figure), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).with_suffix(".svg"))
