"""Counts, rates and binned counts against loops over the raster."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxsnn_noise._checks import InputError
from jaxsnn_noise.statistics import (
    About,
    BinnedCounts,
    PopulationRate,
    Rate,
    SpikeCount,
    SynapticOperations,
    over_raster,
    windows,
)

RASTER = np.random.default_rng(3).random((120, 5)) < np.array([0.0, 0.05, 0.3, 0.7, 1.0])


def test_counts_and_rates_are_those_of_a_loop() -> None:
    counts = [0] * 5
    for row in RASTER:
        for neuron, spike in enumerate(row):
            counts[neuron] += int(spike)
    np.testing.assert_array_equal(over_raster(SpikeCount(), RASTER, dt=0.1), counts)
    rates = [1000 * count / (120 * 0.1) for count in counts]
    np.testing.assert_allclose(over_raster(Rate(), RASTER, dt=0.1), rates, rtol=2e-7)


def test_a_neuron_that_always_fires_has_the_rate_of_the_grid() -> None:
    assert over_raster(Rate(), np.ones((1000, 1)), dt=1.0)[0] == 1000
    assert over_raster(Rate(), np.zeros((1000, 1)), dt=1.0)[0] == 0


@pytest.mark.parametrize(("width", "bin"), [(1, 0.1), (4, 0.4), (40, 4.0), (120, 12.0)])
def test_binned_counts_are_those_of_a_loop(width: int, bin: float) -> None:
    expected = np.zeros((120 // width, 5))
    for step, row in enumerate(RASTER):
        expected[step // width] += row
    np.testing.assert_array_equal(over_raster(BinnedCounts(bin), RASTER, dt=0.1), expected)
    rate = expected.mean(axis=1) / (bin / 1000)
    np.testing.assert_allclose(over_raster(PopulationRate(bin), RASTER, dt=0.1), rate, rtol=3e-7)


def test_bins_lie_at_their_middle() -> None:
    assert BinnedCounts(4.0).coords(About(size=5, steps=120, dt=0.1)) == {"bin": [2.0, 6.0, 10.0]}
    assert PopulationRate(6.0).coords(About(size=5, steps=120, dt=0.1)) == {"bin": [3.0, 9.0]}


@pytest.mark.parametrize("statistic", [BinnedCounts, PopulationRate])
@pytest.mark.parametrize(
    ("bin", "rule"),
    [(0.25, "multiple of dt"), (0.5, "whole bins"), (24.0, "whole bins"), (0.0, "> 0"), (np.nan, "finite")],
)
def test_bins_that_do_not_fit_are_refused(statistic: type, bin: float, rule: str) -> None:
    with pytest.raises(InputError, match=rule):
        statistic(bin).init(About(size=5, steps=128, dt=0.1))


def test_counts_refuse_what_float32_cannot_number() -> None:
    about = About(size=1, steps=2**24 + 2, dt=0.1)
    for statistic in (SpikeCount(), Rate(), BinnedCounts(0.2), PopulationRate(0.2)):
        with pytest.raises(InputError, match="2\\^24"):
            statistic.init(about)
    with pytest.raises(InputError, match="1 to 2"):
        SpikeCount().init(About(size=1, steps=0, dt=0.1))


def test_operations_are_spikes_times_synapses() -> None:
    fan_out = np.array([7, 0, 2, 11, 3])
    expected = sum(int(fan_out[neuron]) for row in RASTER for neuron in np.flatnonzero(row))
    assert over_raster(SynapticOperations(), RASTER, dt=0.1, fan_out=fan_out) == expected
    slope = jax.grad(lambda s: over_raster(SynapticOperations(), s, dt=0.1, fan_out=fan_out))(jnp.ones((3, 5)))
    np.testing.assert_array_equal(slope, np.tile(fan_out, (3, 1)))
    with pytest.raises(InputError, match="fan_out"):
        over_raster(SynapticOperations(), RASTER, dt=0.1)


def test_gradients_of_counts_are_their_definition() -> None:
    spikes = jnp.asarray(RASTER, jnp.float32)
    slope = jax.grad(lambda s: over_raster(Rate(), s, dt=0.1)[2])(spikes)
    np.testing.assert_allclose(slope[:, 2], 1000 / 12.0, rtol=1e-6)
    assert not slope[:, [0, 1, 3, 4]].any()
    slope = jax.grad(lambda s: over_raster(BinnedCounts(4.0), s, dt=0.1)[1, 3])(spikes)
    expected = np.zeros((120, 5))
    expected[40:80, 3] = 1
    np.testing.assert_array_equal(slope, expected)


def test_the_large_array_is_touched_under_a_condition_even_in_a_batch() -> None:
    acc = windows.start(jnp.zeros(5, jnp.float32), 4)
    spikes = jnp.zeros((3, 5), jnp.float32)

    def batched(index_axis: int | None) -> str:
        step = jax.vmap(lambda s, i: windows.advance(acc, s, i, 10), in_axes=(0, index_axis))
        index = jnp.zeros((3,) if index_axis == 0 else (), jnp.int32)
        return str(jax.make_jaxpr(step)(spikes, index))

    assert "cond[" in batched(None)
    assert "cond[" not in batched(0)  # the assertion above can fail: an index per member loses the condition
