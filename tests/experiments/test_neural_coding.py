"""The study of recordings: known neurons are found again, wrong ones foretell less, and what a recording cannot bear is refused."""

from __future__ import annotations

import functools
from types import SimpleNamespace
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest
import xarray as xr

import jaxsnn_noise as jn
from experiments import neural_coding as module
from experiments.neural_coding import baselines, claims, fitting, grasshopper, measures, neurons, recordings
from jaxsnn_noise import InputError
from jaxsnn_noise.study import Verdict, load, run_study

DT, SIZE = 0.5, 400
TASK = neurons.Task(SIZE, DT, grasshopper.REFRACTORY, 1, grasshopper.SHARED, delayed=True)
TRUTH = {"tau_mem": 4.0, "bias": 1.0, "delay": 5.0, "weight0": 3.0, "width": 0.2, "tau_adapt": 25.0, "jump": 3.0}
SURE = 4.4
"""Standard errors of a parameter: 7 parameters stay within in all but 1 of 10,000 tests."""


def vector(name: str) -> np.ndarray:
    free = neurons.free_of(name, TASK)
    return np.array([np.log(TRUTH[key]) if one.positive else TRUTH[key] for key, one in free.items()])


@functools.cache
def recorded(name: str, units: int = 240, seed: int = 0) -> recordings.Units:
    """Blocks of a known neuron under a smooth random input, as a recording of it would give them."""
    rng = np.random.default_rng(seed)
    kernel = np.exp(-0.5 * np.square(np.arange(-20, 21) / 5.0))
    x = np.stack([np.convolve(rng.normal(size=SIZE + 40), kernel, "valid") for _ in range(units)])
    features = np.float32(x / x.std())[:, :, None]
    nothing = jnp.full((units, SIZE), jnp.nan, jnp.float32)
    spikes = neurons.drawn(
        name, neurons.keyed(TASK), jnp.asarray(vector(name), jnp.float32), jnp.asarray(features), nothing, 1
    )[0]
    scored = np.broadcast_to(np.arange(SIZE) >= 50, (units, SIZE))
    return recordings.Units(features, np.asarray(spikes), scored, np.arange(units) % 2 == 0, DT * np.arange(SIZE))


@functools.cache
def found(name: str, truth: str = "adaptive") -> fitting.Fit:
    units = recorded(truth)
    return fitting.fitted(name, TASK, *units[:4])


@pytest.mark.slow
def test_the_parameters_of_a_known_neuron_are_found_within_their_errors() -> None:
    fit = found("adaptive")
    assert fit.done
    assert (np.abs(fit.theta - vector("adaptive")) < SURE * fit.error).all()
    assert (fit.error[:5] < 0.3).all()  # they say something
    given = [jnp.asarray(part[recorded("adaptive").train]) for part in recorded("adaptive")[:3]]
    information = neurons.scores("adaptive", neurons.keyed(TASK), jnp.asarray(fit.theta, jnp.float32), *given)[2]
    total = np.asarray(information, float).sum(axis=0) + np.eye(len(fit.theta)) / fitting.LOOSE**2
    np.testing.assert_allclose(fit.error, np.sqrt(np.diag(np.linalg.inv(total))), rtol=0.02)
    # 20 % off of the delay or the weight is seen
    for k, step in ((2, np.log(1.2)), (3, 0.2 * TRUTH["weight0"])):
        assert abs(fit.theta[k] - vector("adaptive")[k] - step) > SURE * fit.error[k]


@pytest.mark.slow
def test_a_wrong_neuron_foretells_less_and_so_does_a_filter() -> None:
    units = recorded("adaptive")
    likelihood = {
        "adaptive": found("adaptive").likelihood, "lif": found("lif").likelihood,
        "linear_nonlinear": baselines.linear_nonlinear(units, 40), "poisson": baselines.homogeneous(units),
    }  # fmt: skip
    spikes = (units.spikes * units.scored).sum(axis=1)
    data = {"grasshopper": xr.Dataset(
        {"likelihood": (("model", "block"), np.stack(list(likelihood.values()))), "spikes": ("block", spikes)},
        {"model": list(likelihood), "train": ("block", units.train), "neuron": ["lif", "adaptive"]},
    ).assign(done=("neuron", [found("lif").done, found("adaptive").done]))}  # fmt: skip
    for better, worse in (("adaptive", "lif"), ("lif", "linear_nonlinear"), ("linear_nonlinear", "poisson")):
        assert claims._ahead("grasshopper", better, worse)(data, None).verdict is Verdict.REPRODUCED
        assert claims._ahead("grasshopper", worse, better)(data, None).verdict is Verdict.NOT_REPRODUCED


@pytest.mark.slow
def test_the_gradient_and_the_information_are_those_of_the_likelihood() -> None:
    """At the truth the mean of the gradient is 0 and its covariance over blocks is the information."""
    units = recorded("adaptive")
    theta = jnp.asarray(vector("adaptive"), jnp.float32)
    value, slope, information = neurons.scores(
        "adaptive", neurons.keyed(TASK), theta, *(jnp.asarray(x) for x in units[:3])
    )
    per_block = np.asarray(information).mean(axis=0).diagonal()
    assert (np.abs(np.asarray(slope).sum(axis=0)) < SURE * np.sqrt(len(slope) * per_block)).all()
    # the ratio of variances of 240 blocks has a standard error of about 0.1 (0.15 where tails are long)
    np.testing.assert_allclose(np.asarray(slope).var(axis=0) / per_block, 1.0, atol=SURE * 0.15)
    assert np.isfinite(np.asarray(value)).all()


def test_a_statistic_over_trials_is_refused_where_there_is_one_trial() -> None:
    ear = jn.datasets.load("grasshopper").recordings[0]
    with pytest.raises(
        InputError, match=r"^reliability: .*at least two trials of one stimulus.*SoundRecording.*\(929,\)"
    ):
        recordings.several_trials("reliability", ear)
    assert recordings.several_trials("x", jn.datasets.load("motoneuron")).shape == (469, 6)
    one = xr.DataArray(recordings.binned(ear.spike_times, 0.0, 20000, 0.5), dims="bin")
    for call in (jn.reduce.psth, jn.reduce.reliability):
        with pytest.raises(InputError, match=r"over: unknown dimension.*a statistic over trials.*'trial'"):
            call(one, bin_ms=0.5)
    with pytest.raises(InputError, match="at least two trials"):
        jn.reduce.information_rate(np.zeros((1, 400)), np.zeros((1, 400)), dt=0.5, segment=64.0)


def test_what_a_trial_does_not_show_does_not_count() -> None:
    """Trials count from their first spike to the third after the stimulus."""
    times = np.array(
        [[np.nan, -180.0, -60.0, 25.5, 140.0, 240.2], [np.nan, np.nan, -90.3, 30.0, np.nan, np.nan]], np.float32
    )
    recording = SimpleNamespace(spike_times=np.tile(times, (10, 1)), window=(-250.0, 250.0))
    units = recordings.trials(recording, module.DEFAULT)
    assert [np.flatnonzero(row)[[0, -1]].tolist() for row in units.scored[:2]] == [[71, 490], [160, 499]]
    assert (units.spikes * units.scored).sum(axis=1)[:2].tolist() == [4, 1]
    fired = np.zeros((1, 20, 500))
    fired[:, :, [70, 255, 300, 400, 450]] = 1.0
    cut, seen = recordings.drawn_like(units, fired)
    assert np.flatnonzero(cut[0, 0]).tolist() == [255, 300, 400]
    assert np.flatnonzero(seen[0, 0])[-1] == 400
    with pytest.raises(InputError, match="two spikes in one step"):
        recordings.binned(np.array([1.1, 1.3]), 0.0, 10, 0.5)


def test_spikes_within_the_dead_time_are_refused() -> None:
    spikes = np.zeros((2, SIZE))
    spikes[1, [10, 14]] = 1.0
    with pytest.raises(InputError, match=r"longer than the refractory time of 2 ms; got 2 ms"):
        neurons.check_intervals(TASK, spikes)
    spikes[1, [14, 15]] = 0.0, 1.0
    neurons.check_intervals(TASK, spikes)


@pytest.mark.slow
def test_a_membrane_with_hardly_any_noise_fires_like_one_without() -> None:
    """At twice the threshold every 2 ms of dead time, a step, and tau ln 2 up to a step."""
    tau, sigma = 4.0, 0.01
    values = {
        "tau_mem": np.log(tau),
        "bias": 1.0 / (sigma * np.sqrt(tau)),
        "delay": 0.0,
        "weight0": 0.0,
        "sigma": np.log(sigma),
    }
    theta = jnp.array([values[key] for key in neurons.free_of("noisy", TASK)], jnp.float32)
    silent = jnp.zeros((2, SIZE, 1))
    fired = np.asarray(neurons.drawn_by_noise(neurons.keyed(TASK), theta, silent, silent[:, :, 0], 3))
    expected = SIZE * DT / (grasshopper.REFRACTORY + tau * np.log(2))
    assert fired.shape == (3, 2, SIZE)
    assert (np.abs(fired.sum(axis=-1) / expected - 1) < DT / 4).all()


def test_a_late_input_is_interpolated() -> None:
    x = np.arange(6.0)[:, None]
    np.testing.assert_allclose(np.asarray(neurons._late(jnp.asarray(x), 1.25))[:, 0], [0, 0, 0.75, 1.75, 2.75, 3.75])


def test_baselines_are_their_counts() -> None:
    """A Poisson process has the entropy of its rate; a histogram over an input that says nothing has about as much."""
    rng = np.random.default_rng(0)
    spikes = (rng.random((20, 200)) < 0.1).astype(np.float32)
    scored = np.broadcast_to(np.arange(200) >= 20, spikes.shape)
    units = recordings.Units(rng.normal(size=(20, 200, 1)), spikes, scored, np.arange(20) % 2 == 0, np.arange(200.0))
    p = (spikes * scored)[::2].sum() / scored[::2].sum()
    n = (spikes * scored).sum(axis=1)
    np.testing.assert_allclose(baselines.homogeneous(units), n * np.log(p) + (180 - n) * np.log1p(-p))
    assert np.isfinite(baselines.psth(units)).all()
    assert (baselines.lagged(np.arange(4.0)[None], 2)[0] == [[0, 0], [1, 0], [2, 1], [3, 2]]).all()


def test_fits_start_at_the_delay_of_the_training_average() -> None:
    units = recorded("adaptive")
    assert abs(grasshopper.first_delay(units, DT) - TRUTH["delay"]) <= 2.5
    late = units._replace(features=np.roll(units.features, -4, axis=1))  # the input comes 2 ms earlier
    assert grasshopper.first_delay(late, DT) == grasshopper.first_delay(units, DT) + 2.0


def test_pseudovalues_of_a_mean_are_the_values() -> None:
    x = np.random.default_rng(0).normal(size=9)
    np.testing.assert_allclose(measures.pseudovalues(lambda w: x[w].mean(), 9), x)


def test_a_decoder_tells_a_stimulus_that_is_written_in_spikes_and_nothing_of_others() -> None:
    rng = np.random.default_rng(1)
    spikes = (rng.random((12, 300)) < 0.2).astype(float)
    x = np.roll(spikes, -4, axis=1) + 0.1 * rng.normal(size=spikes.shape)  # a spike comes 4 steps after it
    weights, offset = measures.decoder(x[::2], spikes[::2], DT)
    told = measures.explained(x[1::2], spikes[1::2], DT, weights, offset)
    floor = measures.explained(x[1::2], np.roll(spikes[1::2], 1, axis=0), DT, weights, offset)
    assert told.mean() > 0.9
    assert floor.mean() < 0.0


def made_up(ahead: float, ratio: float) -> Any:
    """Data of 30 held-out pieces in which a neuron is ahead by so many bits a spike, and has so much of each statistic."""
    rng = np.random.default_rng(0)
    models = ["poisson", "linear_nonlinear", "psth", *neurons.EXTRA]
    made = {}
    for of, unit in claims.UNITS.items():
        base = rng.normal(-50.0, 2.0, size=60)
        gains = {"lif": ahead, "adaptive": 2 * ahead, "polynomial": 2 * ahead, "noisy": 2 * ahead}
        values = [base + 10 * np.log(2) * (gains.get(m, 0.0) + 0.05 * rng.normal(size=60)) for m in models]
        ratios = {
            f"ratio_{k}": ("held_out", ratio + 0.02 * rng.normal(size=30))
            for k in ("rate", "cv", "sta", "information", "fano")
        }
        ratios["noise_rate"] = ratios["ratio_rate"]
        data = xr.Dataset(
            {"likelihood": (("model", unit), np.stack(values)), "spikes": (unit, np.full(60, 10.0)), **ratios,
             "done": ("neuron", np.arange(4) > 0), "decoded": (("decoder", "held_out"), np.stack([ahead + 0.02 * rng.normal(size=30), 0.02 * rng.normal(size=30)]))},
            {"model": models, "train": (unit, np.arange(60) % 2 == 0), "decoder": ["recording", "shuffled"], "neuron": list(neurons.EXTRA)},
            {"simulated": "lif"},
        )  # fmt: skip
        made[of] = (
            data.expand_dims(recording=["200 Hz", "800 Hz"]).assign(spikes=data.spikes) if of == "grasshopper" else data
        )
    return made


@pytest.mark.parametrize(
    ("ahead", "ratio", "verdict"), [(0.5, 1.0, Verdict.REPRODUCED), (-0.5, 0.8, Verdict.NOT_REPRODUCED)]
)
def test_judges_can_say_yes_and_no(ahead: float, ratio: float, verdict: Verdict) -> None:
    data = made_up(ahead, ratio)
    assert "cut off before its optimum: lif" in module.CLAIMS[0].judge(data, None).detail
    assert {c.name: c.judge(data, None).verdict for c in module.CLAIMS} == dict.fromkeys(
        [c.name for c in module.CLAIMS], verdict
    )


@pytest.mark.slow
def test_the_tiny_preset_ends_in_verdicts(tmp_path: Any) -> None:
    loaded = load("neural_coding")
    run = run_study(loaded, loaded.preset("tiny"), tmp_path / "out")
    assert not run.errors
    assert {claim.name for claim in run.claims} == {c.name for c in module.CLAIMS}
    assert (tmp_path / "out" / "report.html").stat().st_size > 10_000
