"""Whole spikes that are lost, inserted, moved or not released: laws, conservation, exact sums, what is refused."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsnn_noise as jn
from helpers.seams import keys
from helpers.statistical import assert_correlation, assert_mean, assert_proportion, negative_control
from jaxsnn_noise import noise, random
from jaxsnn_noise._checks import InputError
from jaxsnn_noise.engine.plan import largest
from jaxsnn_noise.noise import Context

SLOW = pytest.mark.slow


def through(source, train, dt):
    """What leaves [step, neuron] of the clean spikes of an even number of steps, and the memory."""
    key = keys(1)[0]

    def block(memory, part):
        number, spikes = part
        left = []
        for lane in (0, 1):
            drawn, memory = source.draw(memory, Context(spikes[lane]), random.Tick(key, number, lane), dt)
            left.append(spikes[lane] + drawn)
        return memory, jnp.stack(left)

    def run(train):
        blocks = train.reshape(-1, 2, train.shape[1])
        start = source.init(key, train.shape[1], dt)
        return jax.lax.scan(block, start, (jnp.arange(len(blocks), dtype=jnp.uint32), blocks))

    memory, left = jax.jit(run)(jnp.asarray(train, jnp.float32))
    return np.asarray(left).reshape(train.shape), memory


TRAIN = (np.random.default_rng(0).random((200, 2000)) < 0.1).astype(np.float32)


@pytest.mark.parametrize("p", [0.0, 0.2, 1.0])
@pytest.mark.parametrize("make", [noise.SpikeDrop, noise.BernoulliRelease])
def test_each_spike_is_lost_with_its_probability_and_silence_stays(make, p):
    left, _ = through(make(p), TRAIN, 0.5)
    assert set(np.unique(left)) <= {0.0, 1.0}
    assert not left[TRAIN == 0].any()
    lost = int((TRAIN - left).sum())
    assert_proportion(lost, int(TRAIN.sum()), p)
    if p == 0.2:
        negative_control(lambda a: assert_proportion(lost, int(TRAIN.sum()), a * p))
        first, second = left[0, TRAIN[0] * TRAIN[1] > 0], left[1, TRAIN[0] * TRAIN[1] > 0]
        assert_proportion(int((first * second).sum()), len(first), 0.8**2)  # steps are independent


def test_a_count_is_released_as_a_whole_or_not_at_all():
    left, _ = through(noise.BernoulliRelease(0.5), 3 * TRAIN, 0.5)
    assert set(np.unique(left)) == {0.0, 3.0}


@pytest.mark.parametrize(("rate", "dt"), [(200.0, 0.1), (50.0, 1.0), (0.0, 1.0)])
def test_spikes_are_inserted_in_silent_steps_at_their_rate(rate, dt):
    left, _ = through(noise.SpikeInsertion(rate), TRAIN, dt)
    assert set(np.unique(left)) == {0.0, 1.0}
    np.testing.assert_array_equal(left[TRAIN > 0], 1.0)
    silent, added = int((TRAIN == 0).sum()), int(left[TRAIN == 0].sum())
    p = -np.expm1(-rate * dt / 1000)
    assert_proportion(added, silent, p)
    if rate:
        negative_control(lambda a: assert_proportion(added, silent, a * p))


@pytest.mark.parametrize(("dt", "share"), [(0.5, 1.0), (0.25, 0.6), (1.0, 1.0)])
def test_jitter_delays_each_spike_by_a_uniform_number_of_steps(dt, share):
    window, size = 2.0, 40_000
    last = round(window / dt)
    train = np.zeros((2 * last + 4, size), np.float32)
    train[1] = 1.0
    left, _ = through(noise.SpikeJitter(window, share), train, dt)
    np.testing.assert_array_equal(left.sum(axis=0), 1.0)  # each arrives, and once
    late = left.argmax(axis=0) - 1
    for k in range(last + 1):
        p = share / (last + 1) + (1 - share) * (k == 0)
        assert_proportion(int((late == k).sum()), size, p)
    if share == 1.0:
        assert_mean(dt * late, window / 2)
        assert_mean((dt * late - window / 2) ** 2, dt**2 * last * (last + 2) / 12)
        negative_control(lambda a: assert_mean((a * (dt * late - window / 2)) ** 2, dt**2 * last * (last + 2) / 12))
    assert (late >= 0).all()


def test_no_jittered_spike_is_lost_or_made_and_those_on_their_way_are_in_the_memory():
    left, memory = through(noise.SpikeJitter(4.0), TRAIN, 0.5)
    assert memory.waiting.shape == (8, 2000)
    assert memory.waiting.sum() > 0
    np.testing.assert_array_equal(left.sum(axis=0) + np.asarray(memory.waiting).sum(axis=0), TRAIN.sum(axis=0))
    assert left.max() > 1  # spikes meet: a count
    # spikes of a neuron move by themselves
    pairs = np.zeros((20, 20_000), np.float32)
    pairs[0] = pairs[10] = 1.0
    moved, _ = through(noise.SpikeJitter(4.0), pairs, 0.5)
    assert_correlation(moved[:10].argmax(axis=0), moved[10:].argmax(axis=0), 0.0)


def test_a_window_of_nothing_moves_nothing():
    left, memory = through(noise.SpikeJitter(0.0), TRAIN, 0.5)
    np.testing.assert_array_equal(left, TRAIN)
    assert memory.waiting.shape == (0, 2000)


def driven(sources, dt=0.5, **options):
    """Thirty cells that fire, their targets, and the output and the currents that arrive."""
    cells = jn.Population(
        jn.neurons.LIF(30, tau_mem=5.0), noise={"v": noise.VoltageNoise(noise.Diffusion(0.4))} | sources
    )
    weights = np.random.default_rng(1).uniform(0.1, 0.2, (9, 30))
    feed = jn.synapses.Dense("cells", "targets", weights)
    network = jn.Network({"cells": cells, "targets": jn.Population(jn.neurons.LIF(9))}, {"feed": feed})
    statistics = {
        "out": jn.statistics.Trace(("output", "spikes"), population="cells"),
        "in": jn.statistics.Trace(("current",), population="targets"),
    }
    drive = {"cells": jn.coding.Constant(1.5)}
    return jn.Simulation(network, drive, dt=dt, **({"duration": 100.0, "statistics": statistics} | options))


def test_sums_are_told_the_counts_that_jitter_makes():
    assert largest(driven({"late": noise.SpikeJitter(8.0)}), "cells") == 17
    assert largest(driven({"loss": noise.SpikeDrop(0.3), "more": noise.SpikeInsertion(20.0)}), "cells") == 1


@SLOW
def test_sums_of_counts_that_jitter_makes_have_the_same_bits_in_any_batch():
    sim = driven({"late": noise.SpikeJitter(8.0)})
    one, many = jn.simulate(sim, key=0), jn.monte_carlo(sim, [jn.Trials(3)], key=0, progress=False, chunk=3)
    assert np.asarray(one["out"]["output"]).max() > 1
    alone = jn.simulate(sim, key=0, address={"trial": 2})
    np.testing.assert_array_equal(alone["in"]["current"], many["in_current"].values[2])
    whole = jn.simulate(sim, key=0, backend=jn.Scan(schedule=jn.ByComponent()))
    np.testing.assert_array_equal(whole["in"]["current"], one["in"]["current"])


@SLOW
def test_a_run_in_pieces_delivers_what_was_on_its_way():
    sim = driven({"late": noise.SpikeJitter(8.0)})
    whole = np.asarray(jn.simulate(sim, key=0)["out"]["output"])
    state = jn.start(sim, key=0)
    state, first = jn.advance(sim, state, 30.0)
    state, second = jn.advance(sim, state, 70.0)
    np.testing.assert_array_equal(np.concatenate([first["out"]["output"], second["out"]["output"]]), whole)


@pytest.mark.slow
def test_loss_and_insertion_together_leave_zero_or_one_and_clean_spikes_reset():
    results = jn.simulate(driven({"loss": noise.SpikeDrop(0.3), "more": noise.SpikeInsertion(20.0)}), key=0)
    output, spikes = (np.asarray(results["out"][k]) for k in ("output", "spikes"))
    assert set(np.unique(output)) == {0.0, 1.0}
    assert (output < spikes).any()
    assert (output > spikes).any()
    clean = jn.simulate(driven({}), key=0)
    np.testing.assert_array_equal(spikes, clean["out"]["spikes"])


TWO = {
    "loss and jitter": {"a": noise.SpikeDrop(0.1), "b": noise.SpikeJitter(1.0)},
    "two losses": {"a": noise.SpikeDrop(0.1), "b": noise.SpikeDrop(0.2)},
    "loss and a graded spike": {"a": noise.SpikeDrop(0.1), "b": noise.SpikeNoise(noise.PerStep(0.1))},
}


@pytest.mark.parametrize("case", sorted(TWO))
def test_what_would_still_see_a_spike_that_is_taken_is_refused(case):
    with pytest.raises(
        InputError, match=r"noise.a: takes spikes away, which other sources at the spike seam would still see"
    ):
        jn.Population(jn.neurons.LIF(2), noise=TWO[case]).check("network.cells")


def test_two_failures_of_one_release_are_refused():
    release = {"a": noise.BernoulliRelease(0.1), "b": noise.ReleaseNoise(noise.PerStep(0.1))}
    feed = jn.synapses.Dense("a", "b", np.eye(2), noise=release)
    with pytest.raises(InputError, match=r"feed.noise.a: takes spikes away, .* the release seam"):
        jn.Network({"a": jn.Port(2), "b": jn.Population(jn.neurons.LIF(2))}, {"feed": feed})


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda: noise.SpikeDrop(1.1), r"SpikeDrop.probability: must lie in \[0, 1\]"),
        (lambda: noise.BernoulliRelease(-0.1), r"BernoulliRelease.failure: must lie in \[0, 1\]"),
        (lambda: noise.SpikeInsertion(-1.0), r"SpikeInsertion.rate_hz: must be finite and >= 0 \[Hz\]"),
        (lambda: noise.SpikeJitter(-1.0), r"SpikeJitter.window: must be finite and >= 0 \[ms\]"),
        (lambda: noise.SpikeJitter(1.0, 2.0), r"SpikeJitter.probability: must lie in \[0, 1\]"),
        (lambda: driven({"late": noise.SpikeJitter(0.7)}), r"window: must be a multiple of dt = 0.5 ms \[ms\]"),
        (lambda: driven({"late": noise.SpikeJitter(1000.0)}), r"late.window: must be at most 1000 steps of 0.5 ms"),
    ],
)
def test_parameters_out_of_range_are_refused(make, told):
    with pytest.raises(InputError, match=told):
        make()
