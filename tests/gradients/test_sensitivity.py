"""Sensitivities: quantities against exact ones, errors, programs that are shared, indices over ranges, and what is refused."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest
import xarray as xr

import jaxsnn_noise as jn
from jaxsnn_noise import gradients, theory
from jaxsnn_noise.distributions import Logistic
from jaxsnn_noise.gradients import (
    CVOfIntervals,
    FanoOfCounts,
    FiniteDifference,
    MeanOfIntervals,
    NoiseDensity,
    Score,
    programs,
)

AT: dict[str, Any] = {"mean": 0.9, "tau_mem": 10.0, "v_threshold": 1.0, "v_reset": 0.0}
KINDS = ("threshold", "membrane")
Z = 4.0


def neuron(kind: str, size: int = 1, **options: Any) -> jn.Simulation:
    cells = jn.neurons.LIF(size, tau_mem=10.0)
    if kind == "threshold":
        population = jn.Population(cells, firing=jn.NoisyThreshold(0.36, distribution=Logistic()))
    else:
        population = jn.Population(cells, noise={"m": jn.noise.VoltageNoise(jn.noise.Diffusion(0.2))})
    options = {"duration": 200.0, "dt": 1.0, "statistics": {"n": jn.statistics.SpikeCount()}} | options
    return jn.Simulation(jn.Network({"c": population}), {"c": jn.coding.Constant(0.9)}, **options)


def leaves(kind: str) -> list[str]:
    noise = {"threshold": "network.c.firing.scale", "membrane": "network.c.noise.m.amplitude.sigma"}[kind]
    return [noise, "inputs.c.values", "network.c.neuron.tau_mem", "network.c.neuron.v_threshold"]


@functools.cache
def exact(kind: str) -> theory.GridRenewal:
    if kind == "threshold":
        return theory.threshold_noise_renewal(0.36, **AT, dt=1.0, duration=200.0, logistic=True)
    return theory.membrane_noise_renewal(0.2, **AT, dt=1.0, duration=200.0)


OUTPUTS = ["n", MeanOfIntervals(), CVOfIntervals(), FanoOfCounts()]
FIELDS = ("count", "interval_mean", "interval_cv", "fano")


def known(kind: str) -> tuple[np.ndarray, np.ndarray]:
    """Values [output] and derivatives [output, leaf]."""
    whole = exact(kind)
    first = {"threshold": "threshold_std", "membrane": "sigma"}[kind]
    slopes = [whole.slopes[name] for name in (first, "mean", "tau_mem", "v_threshold")]
    return np.array([getattr(whole, f) for f in FIELDS]), np.array([[getattr(s, f) for s in slopes] for f in FIELDS])


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_counts_intervals_and_irregularity_have_their_exact_derivatives(kind: str) -> None:
    """Two kinds of 20 comparisons at 4 errors: a false alarm in 400. The errors are small, so it can fail."""
    values, slopes = known(kind)
    found = Score()(neuron(kind), OUTPUTS, leaves(kind), trials=10_000, key=1)
    assert found.outputs == ("n", "interval", "cv", "fano")
    assert (np.abs(found.value - values) < Z * found.value_error).all(), (found.value, values)
    assert (np.abs(found.gradient - slopes) < Z * found.error).all(), (found.gradient, slopes, found.error)
    assert (found.error[:2] < 0.03 * np.abs(slopes[:2])).all()
    assert (found.error[2, 0] < 0.06 * np.abs(slopes[2, 0])).all()
    wrong = NoiseDensity()(neuron(kind), [CVOfIntervals()], leaves(kind), trials=4000, key=2)
    assert (np.abs(wrong.gradient[0, 1] - slopes[2, 1]) > 10 * wrong.error[0, 1]).all()


@pytest.mark.slow
def test_the_error_of_a_ratio_is_that_of_its_scatter() -> None:
    """A ratio of normals, 400 times: the jackknife's error is that over the repetitions within 20 %, and the naive one is not."""
    from jaxsnn_noise.gradients.estimator import _output
    from jaxsnn_noise.gradients.samples import Over

    rng = np.random.default_rng(3)
    quantity = MeanOfIntervals()
    seen, said = [], []
    for _ in range(400):
        z = rng.standard_normal((200, 3))
        values = np.stack(
            [2 + z[:, 0], 6 + 3 * z[:, 0] + 0.5 * z[:, 1]], axis=1
        )  # number and total: their ratio varies little
        slopes = np.stack([1 + z[:, 0], 2 * z[:, 1] + z[:, 2]], axis=1)[:, None, :]
        value, error, slope, slope_error = _output(quantity, Over(), values, slopes)
        seen.append([value, slope[0]])
        said.append([error, slope_error[0]])
    scatter, claimed = np.std(seen, axis=0), np.sqrt(np.mean(np.square(said), axis=0))
    np.testing.assert_allclose(claimed, scatter, rtol=0.2)
    np.testing.assert_allclose(np.mean(seen, axis=0), [3.0, -1.5], atol=0.02)
    assert abs(3 / 2 / 200**0.5 / scatter[0] - 1) > 0.5


@pytest.fixture
def traced(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    runs: list[int] = []
    real = programs.run

    def counted(*args: Any) -> Any:
        runs.append(1)
        return real(*args)

    monkeypatch.setattr(programs, "run", counted)
    return runs


@pytest.mark.slow
def test_ten_leaves_and_other_values_are_traced_once(traced: list[int]) -> None:
    sim = neuron("membrane", size=3, duration=7.0)
    ten = [*leaves("membrane")]
    found = FiniteDifference()(sim, ["n"], ten, trials=6, key=1)
    assert sum(traced) == 1
    other = jn.paths.replace(sim, {"network.c.noise.m.amplitude.sigma": 0.3})
    again = FiniteDifference(0.05, order=2)(other, ["n"], [*ten, "network.c.neuron.resistance"], trials=6, key=2)
    assert sum(traced) == 1
    assert found.gradient.shape == (1, 4)
    assert again.gradient.shape == (1, 5)
    NoiseDensity()(sim, ["n"], ten, trials=6, key=1)
    NoiseDensity()(other, ["n"], ten, trials=6, key=3)
    assert sum(traced) == 2


def chips() -> jn.Simulation:
    law = jn.laws.LogNormal(cv=0.2)
    mismatch = {"m": jn.hardware.Mismatch("network.c.neuron.v_threshold", law, per="neuron")}
    return neuron("threshold", size=5, imperfections=mismatch, duration=50.0)


def test_a_spread_of_chips_is_a_leaf_over_chips_and_not_of_one() -> None:
    with pytest.raises(jn.InputError, match=r"would be that of one chip: give over=\('trial', 'device'\)"):
        FiniteDifference()(chips(), ["n"], ["imperfections.m.law.cv"], trials=10, key=0)
    found = gradients.sensitivity(chips(), ["n"], ["imperfections.m.law.cv", "inputs.c.values"], trials=30, key=0)
    assert found.attrs["over"] == ["trial", "device"]


@pytest.mark.slow
def test_trials_are_the_members_of_all_axes() -> None:
    runs = [jn.simulate(chips(), key=0, address={"trial": j, "device": j})["n"].mean() for j in range(3)]
    few = FiniteDifference()(chips(), ["n"], ["inputs.c.values"], trials=3, key=0, over=("trial", "device"))
    np.testing.assert_allclose(few.value[0], np.mean(runs), rtol=1e-6)


@pytest.mark.slow
def test_mismatch_and_correlation_by_scores_agree_with_differences() -> None:
    pairs = [(chips(), ["n"], ["imperfections.m.law.cv", "inputs.c.values"], ("trial", "device"))]
    shared = jn.noise.VoltageNoise(jn.noise.Diffusion(0.2), correlation=jn.noise.SharedFraction(0.4))
    cells = jn.Population(jn.neurons.LIF(5, tau_mem=10.0), noise={"m": shared})
    sums = {"n": jn.statistics.SpikeCount()}
    sim = jn.Simulation(
        jn.Network({"c": cells}), {"c": jn.coding.Constant(0.9)}, duration=60.0, dt=1.0, statistics=sums
    )
    pairs.append(
        (sim, ["n", VarianceOfMean()], ["network.c.noise.m.correlation.c", *leaves("membrane")[:2]], ("trial",))
    )
    for one, outputs, paths, over in pairs:
        score = Score()(one, outputs, paths, trials=20_000, key=5, over=over)
        by_difference = FiniteDifference()(one, outputs, paths, trials=20_000, key=6, over=over)
        gap = score.gradient - by_difference.gradient
        assert (np.abs(gap) < Z * np.hypot(score.error, by_difference.error)).all(), (score, by_difference)
        assert np.abs(score.gradient[-1, 0]) > 5 * score.error[-1, 0]


class VarianceOfMean(gradients.Quantity):
    """The variance over trials of the mean count: what a common part of the noise makes."""

    @property
    def name(self) -> str:
        return "variance"

    def units(self, sim: jn.Simulation) -> str:
        return "1"

    def size(self, sim: jn.Simulation) -> int:
        return 2

    def statistics(self, sim: jn.Simulation) -> dict[str, Any]:
        return {"n": sim.statistics["n"]}

    def moments(self, results: Any, sim: jn.Simulation) -> Any:
        mean = jnp.mean(results["n"])
        return jnp.stack([mean, mean * mean])

    def of(self, means: np.ndarray) -> Any:
        return means[..., 1] - means[..., 0] ** 2

    @classmethod
    def example(cls) -> Any:
        return cls()


def test_a_result_is_labelled_and_a_file(tmp_path: Path) -> None:
    found = gradients.sensitivity(
        neuron("threshold", duration=50.0), ["n", FanoOfCounts()], leaves("threshold"), trials=200, key=1
    )
    assert dict(found.sizes) == {"output": 2, "leaf": 4}
    assert found.units.values.tolist() == ["1", "1"]
    drive = found.sel(output="n", leaf="inputs.c.values")
    assert drive.derivative_low < drive.derivative < drive.derivative_high
    np.testing.assert_allclose(drive.elasticity, drive.derivative * 0.9 / found.value.sel(output="n"), rtol=1e-6)
    np.testing.assert_allclose(drive.derivative_high - drive.derivative, 1.95996 * drive.derivative_error, rtol=1e-5)
    assert {"step_bias", "value_low", "at"} <= set(found.data_vars)
    assert found.attrs["estimator"].startswith("FiniteDifference")
    found.to_netcdf(tmp_path / "kept.nc")
    xr.testing.assert_identical(xr.load_dataset(tmp_path / "kept.nc").derivative, found.derivative)
    figure, axes = jn.figures.new_figure()
    one = found.sel(output="n")
    _, table = jn.figures.tornado(
        axes, one.leaf.values, one.elasticity, one.elasticity_low, one.elasticity_high, x_label="elasticity"
    )
    assert table["label"].iloc[0] == one.leaf.values[np.argmax(np.abs(one.elasticity.values))]
    assert len(jn.figures.png(figure)) > 1000


@pytest.mark.slow
def test_margins_and_losses_of_a_classifier() -> None:
    sim = classifier()
    loss = gradients.TrialLoss(jn.training.losses.CrossEntropy("output", scale=5.0), 1)
    margin = gradients.Margin("readout", 1)
    found = Score()(sim, [margin, loss], ["network.hidden.firing.scale", "inputs.input.values"], trials=2000, key=1)
    reference = FiniteDifference()(sim, [margin, loss], found.leaves, trials=2000, key=2)
    assert (np.abs(found.gradient - reference.gradient) < Z * np.hypot(found.error, reference.error)).all()
    runs = [np.asarray(jn.simulate(sim, key=1, address={"trial": j})["readout"]) for j in range(4)]
    few = FiniteDifference()(sim, [margin, loss], found.leaves, trials=4, key=1)
    margins = [r[1] - max(r[0], r[2]) for r in runs]
    crosses = [np.log(np.exp(5 * (r - r[1])).sum()) for r in runs]
    np.testing.assert_allclose(few.value, [np.mean(margins), np.mean(crosses)], rtol=1e-4)


def classifier() -> jn.Simulation:
    hidden = jn.Population(jn.neurons.LIF(6, tau_mem=5.0), firing=jn.NoisyThreshold(0.3, distribution=Logistic()))
    output = jn.Population(jn.neurons.LeakyIntegrator(3, tau_mem=10.0))
    rng = np.random.default_rng(1)
    wires = {
        "first": jn.synapses.Dense("input", "hidden", rng.normal(0.8, 0.6, (6, 4)), delay=0.0),
        "second": jn.synapses.Dense("hidden", "output", rng.normal(0.0, 1.0, (3, 6)), delay=0.0),
    }
    network = jn.Network({"input": jn.Port(4), "hidden": hidden, "output": output}, wires)
    readout = {"readout": jn.statistics.Mean("v", population="output")}
    return jn.Simulation(
        network, {"input": jn.coding.Constant([0.9, 0.1, 0.5, 0.3])}, duration=12.0, dt=1.0, statistics=readout
    )


@pytest.mark.slow
def test_indices_over_ranges_are_those_of_the_exact_count() -> None:
    ranges = {
        "network.c.firing.scale": (0.25, 0.45),
        "inputs.c.values": (0.7, 1.1),
        "network.c.neuron.tau_mem": (8.0, 12.0),
    }
    sim = neuron("threshold", duration=60.0)
    found = gradients.global_sensitivity(sim, ["n"], ranges, points=64, trials=400, key=3)
    import scipy.stats

    def truth(x: np.ndarray) -> np.ndarray:
        at = [{**AT, "mean": m, "tau_mem": t} for _, m, t in x.T]
        return np.array([
            theory.threshold_noise_renewal(s, **a, dt=1.0, duration=60.0, logistic=True).count
            for s, a in zip(x[0], at, strict=True)
        ])  # fmt: skip

    box = [scipy.stats.uniform(a, b - a) for a, b in ranges.values()]
    known = scipy.stats.sobol_indices(func=truth, n=64, dists=box, rng=np.random.default_rng(5))
    np.testing.assert_allclose(found.total_order[0], known.total_order, atol=0.08)
    assert (found.total_order_low <= found.total_order).all()
    assert (found.dgsm_bound > found.total_order - 0.05).all()
    local = gradients.sensitivity(sim, ["n"], list(ranges), trials=2000, key=4)
    table = gradients.agreement(local, found)
    assert table.same_sign.all()
    np.testing.assert_array_equal(table["rank"], table.rank_total)
    middle = {**AT, "dt": 1.0, "duration": 60.0, "logistic": True}
    slope = theory.threshold_noise_renewal(0.35, **middle).slopes["mean"].count
    np.testing.assert_allclose(found.mean_slope.sel(leaf="inputs.c.values"), slope, rtol=0.1)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: NoiseDensity()(neuron("threshold", statistics={"cv": jn.statistics.IntervalCV()}), ["cv"], leaves("threshold")[:1], trials=20, key=0), "lets no derivative pass"),
        (lambda: gradients.sensitivity(neuron("threshold"), ["n"], leaves("threshold"), trials=10, key=0, estimator="score"), "must be an estimator"),
        (lambda: gradients.sensitivity(neuron("threshold"), ["n"], leaves("threshold"), trials=10, key=0, confidence=95), "between 0 and 1"),
        (lambda: gradients.sensitivity(neuron("threshold"), [3], leaves("threshold"), trials=10, key=0), "outputs"),
        (lambda: gradients.sensitivity(neuron("threshold"), ["n", "n"], leaves("threshold"), trials=10, key=0), "each once"),
        (lambda: gradients.sensitivity(neuron("threshold"), [FanoOfCounts("d")], leaves("threshold"), trials=10, key=0), "FanoOfCounts.population"),
        (lambda: gradients.sensitivity(neuron("threshold"), ["n"], leaves("threshold"), trials=10, key=0, over=("trial", "chip")), "names of axes"),
        (lambda: gradients.sensitivity(neuron("threshold"), ["n"], leaves("threshold"), trials=10, key=0, over=("device",)), "must hold 'trial'"),
        (lambda: gradients.sensitivity(neuron("threshold"), [gradients.Margin("n", 0)], leaves("threshold"), trials=10, key=0), "at least two"),
        (lambda: gradients.TrialLoss("ce", 0), "TrialLoss.loss"),
        (lambda: gradients.global_sensitivity(neuron("threshold"), ["n"], {"inputs.c.values": (1.0, 2.0)}, points=8, trials=4, key=0), "at least two paths"),
        (lambda: gradients.global_sensitivity(neuron("threshold"), ["n"], {"inputs.c.values": (2.0, 1.0), "network.c.firing.scale": (0.1, 0.2)}, points=8, trials=4, key=0), "a lower and an upper end"),
        (lambda: gradients.global_sensitivity(neuron("threshold"), ["n"], {"inputs.c.values": (1.0, 2.0), "network.c.firing.scale": (0.1, 0.2)}, points=9, trials=4, key=0), "power of 2"),
        (lambda: gradients.global_sensitivity(neuron("threshold"), ["n"], {"inputs.c.values": (1.0, 2.0), "network.c.firing.scale": (-0.1, 0.2)}, points=8, trials=4, key=0), "scale"),
        (lambda: gradients.global_sensitivity(neuron("threshold"), ["n"], {"inputs.c.values": (1.0, 2.0), "network.c.firing.scale": (0.1, 0.2)}, points=8, trials=4, key=0, confidence=95), "between 0 and 1"),
        (lambda: gradients.agreement(xr.Dataset(), xr.Dataset()), "result of sensitivity"),
    ],
)  # fmt: skip
def test_what_has_no_meaning_is_refused(call: Any, message: str) -> None:
    with pytest.raises(jn.InputError, match=message):
        call()


def test_a_ratio_without_spikes_is_told() -> None:
    quiet = jn.paths.replace(neuron("threshold", duration=20.0), {"network.c.neuron.v_threshold": 5.0})
    with pytest.warns(UserWarning, match="fano is NaN"):
        found = FiniteDifference()(quiet, [FanoOfCounts()], ["inputs.c.values"], trials=4, key=0)
    assert np.isnan(found.value[0])
