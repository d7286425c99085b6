"""The packed raster and traces."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxsnn_noise._checks import InputError
from jaxsnn_noise.statistics import About, Raster, Trace, over_raster, unpack


@pytest.mark.parametrize("steps", [1, 7, 8, 9, 31, 32, 33, 64, 250])
def test_packing_is_that_of_numpy_and_unpacking_gives_it_back(steps: int) -> None:
    raster = np.random.default_rng(steps).random((steps, 6)) < 0.4
    packed = over_raster(Raster(), raster, dt=1.0)
    assert packed.dtype == jnp.uint8
    np.testing.assert_array_equal(packed, np.packbits(raster, axis=0, bitorder="little"))
    np.testing.assert_array_equal(unpack(packed, steps), raster)


def test_unpacking_keeps_leading_dimensions() -> None:
    rasters = np.random.default_rng(0).random((2, 3, 20, 4)) < 0.5
    packed = np.packbits(rasters, axis=-2, bitorder="little")
    np.testing.assert_array_equal(unpack(jnp.asarray(packed), 20), rasters)
    np.testing.assert_array_equal(unpack(packed, 20), rasters)


def test_unpacking_refuses_what_is_no_packed_raster() -> None:
    packed = jnp.zeros((3, 4), jnp.uint8)
    for steps in (16, 25):
        with pytest.raises(InputError, match="last of 3 bytes"):
            unpack(packed, steps)
    with pytest.raises(InputError, match="uint8"):
        unpack(jnp.zeros((3, 4), jnp.int32), 20)
    with pytest.raises(InputError, match="uint8"):
        unpack(jnp.zeros(4, jnp.uint8), 20)


def test_a_raster_of_a_batch_is_one_bit_per_spike() -> None:
    rasters = np.random.default_rng(1).random((4, 100, 3)) < 0.3
    packed = jax.vmap(lambda r: over_raster(Raster(), r, dt=1.0))(jnp.asarray(rasters))
    assert packed.nbytes == 4 * 13 * 3
    np.testing.assert_array_equal(unpack(packed, 100), rasters)


@pytest.mark.parametrize("every", [1, 3, 10, 23])
@pytest.mark.parametrize("neurons", [None, (4, 0)])
def test_traces_are_the_courses_at_the_stated_times(every: int, neurons: tuple[int, ...] | None) -> None:
    rng = np.random.default_rng(2)
    spikes, v, current = rng.random((23, 5)) < 0.5, rng.normal(size=(23, 5)), rng.normal(size=(23, 5))
    statistic = Trace(("current", "v", "spikes"), neurons=neurons, every=every)
    traces = over_raster(statistic, spikes, dt=0.5, voltage=v, current=current)
    columns = list(range(5)) if neurons is None else list(neurons)
    coords = statistic.coords(About(size=5, steps=23, dt=0.5))
    assert coords["neuron"] == columns
    rows = [round(time / 0.5) - 1 for time in coords["time"]]
    for got, course in ((traces.v, v), (traces.current, current), (traces.spikes, spikes)):
        np.testing.assert_array_equal(got, course[np.ix_(rows, columns)].astype(np.float32))
    assert set(traces) == {"current", "v", "spikes"}
    with pytest.raises(AttributeError, match="no variable 'threshold'"):
        _ = traces.threshold
    with pytest.raises(InputError, match="Traces: unknown name; got 'outptu'"):
        _ = traces["outptu"]


def test_traces_pass_gradients_to_their_samples_only() -> None:
    v = jnp.ones((6, 2), jnp.float32)
    statistic = Trace(neurons=(1,), every=2)
    expected = np.zeros((6, 2))
    expected[1::2, 1] = 1
    slope = jax.grad(lambda v: over_raster(statistic, jnp.zeros((6, 2)), dt=1.0, voltage=v).v.sum())(v)
    np.testing.assert_array_equal(slope, expected)


def test_one_variable_may_stand_for_itself() -> None:
    assert Trace("current").variables == ("current",)
    assert Trace(["v", "output"], neurons=range(2)).neurons == (0, 1)


def test_traces_refuse_what_they_cannot_record() -> None:
    with pytest.raises(InputError, match="Did you mean 'current'"):
        Trace(("currents",))
    with pytest.raises(InputError, match="each named once"):
        Trace(("v", "v"))
    with pytest.raises(InputError, match="each named once"):
        Trace(neurons=())
    with pytest.raises(InputError, match="whole number >= 0"):
        Trace(neurons=(-1,))
    with pytest.raises(InputError, match="whole number >= 1"):
        Trace(every=0)
    about = About(size=3, steps=10, dt=1.0)
    with pytest.raises(InputError, match="number of them, 3"):
        Trace(neurons=(3,)).init(about)
    with pytest.raises(InputError, match="10 measured steps"):
        Trace(every=11).init(about)
