"""The fixed-point membrane against whole numbers of Python, which have no length: every bit."""

from __future__ import annotations

import math

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsnn_noise as jn
from helpers.pace import slow_but
from helpers.statistical import assert_mean, negative_control
from jaxsnn_noise import neurons, random, theory
from jaxsnn_noise._checks import InputError
from jaxsnn_noise.neurons import FixedPointLIF

STEPS, SIZE = 60, 4
STEP = 1.0
DRIVE = np.random.default_rng(3).uniform(-1.5, 3.5, (STEPS, SIZE)).astype(np.float32)
ROUNDED = {
    "down": neurons.RoundDown(),
    "zero": neurons.RoundTowardsZero(),
    "nearest": neurons.RoundToNearest(),
    "stochastic": neurons.StochasticRounding(),
}


def of_house(cells, drive=DRIVE):
    network = jn.Network({"cells": jn.Population(cells)})
    shown = {"x": jn.statistics.Trace(("v", "spikes"))}
    given = {"cells": jn.coding.TimeSeries(drive)}
    sim = jn.Simulation(network, given, duration=len(drive) * STEP, dt=STEP, statistics=shown)
    found = jn.simulate(sim, key=7)["x"]
    return np.asarray(found["v"]), np.asarray(found["spikes"])


def offsets(name, bits):
    """The offset of each step and neuron; of stochastic rounding the words of the stream of the house."""
    if name != "stochastic":
        return None
    key = random.stream(random.root(7), "neurons.cells")
    words = [np.asarray(random.bits(random.tick(key, t), random.entities(SIZE))) for t in range(STEPS)]
    return [[int(w) >> (32 - bits) for w in row] for row in words]


def by_hand(*, bits, fraction, leak_bits, tau, rounding, threshold, reset, subtract=False, drive=DRIVE):
    """Whole numbers: a product, an offset, a shift, and words that saturate."""
    scale, low, high = 2**fraction, -(2 ** (bits - 1)), 2 ** (bits - 1) - 1
    word = lambda x: max(low, min(high, round(float(x) * scale)))  # noqa: E731  (halves to even, as here)
    leak = round(-math.expm1(-STEP / tau) * 2**leak_bits)
    drawn = offsets(rounding, leak_bits)
    v = [0] * SIZE
    shown, fired = [], []
    for t, row in enumerate(drive):
        for i, current in enumerate(row):
            product = (word(current) - v[i]) * leak
            offset = {"down": 0, "zero": 2**leak_bits - 1 if product < 0 else 0, "nearest": 2 ** (leak_bits - 1)}
            offset["stochastic"] = 0 if drawn is None else drawn[t][i]
            v[i] = max(low, min(high, v[i] + ((product + offset[rounding]) >> leak_bits)))
        shown.append([x / scale for x in v])
        spikes = [x >= word(threshold) for x in v]
        fired.append(spikes)
        v = [
            (x - (word(threshold) - word(reset)) if subtract else word(reset)) if s else x
            for x, s in zip(v, spikes, strict=True)
        ]
    return np.array(shown), np.array(fired, float)


CASES = [
    (name, bits, fraction, leak_bits)
    for name in ROUNDED
    for bits, fraction, leak_bits in ((8, 5, 12), (16, 10, 12), (24, 20, 14), (6, 3, 4))
]


@pytest.mark.parametrize(("name", "bits", "fraction", "leak_bits"), slow_but(CASES, [("stochastic", 8, 5, 12)]))
def test_every_potential_and_spike_is_that_of_whole_numbers(name, bits, fraction, leak_bits):
    cells = FixedPointLIF(
        SIZE, tau_mem=4.3, v_threshold=1.3, v_reset=-0.4, bits=bits, fraction_bits=fraction, leak_bits=leak_bits,
        rounding=ROUNDED[name],
    )  # fmt: skip
    v, spikes = of_house(cells)
    expected = by_hand(
        bits=bits, fraction=fraction, leak_bits=leak_bits, tau=4.3, rounding=name, threshold=1.3, reset=-0.4
    )
    np.testing.assert_array_equal(v, expected[0])
    np.testing.assert_array_equal(spikes, expected[1])
    assert 5 < spikes.sum() < spikes.size


@pytest.mark.slow
def test_saturation_and_a_reset_by_subtraction_are_those_of_whole_numbers():
    drive = 40.0 * DRIVE  # beyond both ends of the words, -8 and 7.9375
    cells = FixedPointLIF(
        SIZE, tau_mem=1.5, v_threshold=7.5, bits=8, fraction_bits=4, reset=neurons.ResetBySubtraction()
    )
    v, spikes = of_house(cells, drive)
    expected = by_hand(
        bits=8, fraction=4, leak_bits=12, tau=1.5, rounding="down", threshold=7.5, reset=0.0, subtract=True, drive=drive
    )
    np.testing.assert_array_equal(v, expected[0])
    np.testing.assert_array_equal(spikes, expected[1])
    assert drive.min() < -8
    assert drive.max() > 8
    assert spikes.sum() > 5


@pytest.mark.slow
def test_many_bits_are_the_exact_membrane():
    cells = FixedPointLIF(SIZE, tau_mem=4.3, v_threshold=1.3, bits=24, fraction_bits=20, leak_bits=14)
    v, spikes = of_house(cells)
    exact, fired = of_house(neurons.LIF(SIZE, tau_mem=4.3, v_threshold=1.3))
    np.testing.assert_allclose(v, exact, atol=2e-4)
    np.testing.assert_array_equal(spikes, fired)


def decays(rounding, start, steps=400, tau=20.0, size=1, fraction=0):
    """A free membrane from a potential above rest, step by step."""
    cells = FixedPointLIF(size, tau_mem=tau, v_threshold=2000.0, bits=16, fraction_bits=fraction, rounding=rounding)
    state = eqx.tree_at(lambda s: s.v, cells.rest(), jnp.full(size, float(start)))
    still = jn.signals.no_drive(size)

    def one(state, t):
        state = cells.integrate(state, still, random.Tick(random.root(1), t, 0), 1.0)
        return state, state.v

    return np.asarray(jax.jit(lambda s: jax.lax.scan(one, s, jnp.arange(steps, dtype=jnp.uint32)))(state)[1])


@pytest.mark.slow
@pytest.mark.parametrize("tau", [5.0, 20.0, 70.0])
def test_a_leak_stops_at_its_dead_band(tau):
    towards_zero, nearest = theory.leak_deadband(1.0, tau_mem=tau, dt=1.0)
    assert decays(neurons.RoundTowardsZero(), 1000, tau=tau, steps=1200)[-1, 0] == towards_zero
    assert decays(neurons.RoundToNearest(), 1000, tau=tau, steps=1200)[-1, 0] == nearest
    assert decays(neurons.RoundDown(), 1000, tau=tau, steps=1200)[-1, 0] == 0
    assert decays(neurons.RoundTowardsZero(), towards_zero + 1, tau=tau, steps=1)[-1, 0] == towards_zero
    assert decays(neurons.RoundDown(), -1000, tau=tau, steps=1200)[-1, 0] == -towards_zero


@pytest.mark.slow
def test_stochastic_rounding_decays_in_the_mean_where_the_others_stand_still():
    size, steps = 4000, 30
    v = decays(neurons.StochasticRounding(), 10, steps=steps, size=size)[-1]
    word = float(theory.leak_word(20.0, dt=1.0))
    expected = 10 * (1 - word / 4096) ** steps

    def check(amplitude):
        assert_mean(amplitude * v, expected)

    check(1.0)
    negative_control(check)
    assert decays(neurons.RoundToNearest(), 10, steps=steps)[-1, 0] == 10


@pytest.mark.slow
def test_noise_on_the_membrane_is_rounded_to_words_and_saturates():
    cells = jn.Population(
        FixedPointLIF(SIZE, v_threshold=7.0, bits=8, fraction_bits=4),
        noise={"v": jn.noise.VoltageNoise(jn.noise.Diffusion(4.0))},
    )
    sim = jn.Simulation(
        jn.Network({"cells": cells}), duration=200.0, dt=1.0, statistics={"v": jn.statistics.Trace("v")}
    )
    v = np.asarray(jn.simulate(sim, key=0)["v"]["v"])
    np.testing.assert_array_equal(v * 16, np.round(v * 16))
    assert v.min() == -8.0
    assert v.max() == 127 / 16


@pytest.mark.slow
def test_gradients_pass_straight_through_and_stop_where_words_saturate():
    def last(drive, make):
        cells = make(3)
        state = cells.rest()
        for t in range(5):
            state = cells.integrate(state, jn.signals.Drive(drive[t]), random.tick(random.root(0), t), 1.0)
        return jnp.sum(state.v)

    drive = jnp.asarray(DRIVE[:5, :3])
    kinds = {"bits": 24, "fraction_bits": 18, "leak_bits": 14}
    fixed = lambda n, **k: FixedPointLIF(n, tau_mem=4.0, v_threshold=30.0, **{**kinds, **k})  # noqa: E731
    exact = jax.grad(last)(drive, lambda n: neurons.LIF(n, tau_mem=4.0, v_threshold=30.0))
    np.testing.assert_allclose(jax.grad(last)(drive, fixed), exact, rtol=1e-5)
    coarse = jax.grad(last)(drive, lambda n: fixed(n, bits=10, fraction_bits=3))
    np.testing.assert_allclose(coarse, exact, rtol=1e-5)  # those of the membrane without rounding
    assert np.all(np.asarray(jax.grad(last)(1e4 * jnp.ones((5, 3)), fixed)) == 0)
    tau = lambda make: jax.grad(lambda t: last(drive, lambda n: make(n, t)))(4.0)  # noqa: E731
    slopes = [
        tau(lambda n, t, k=k: k(n, tau_mem=t, v_threshold=30.0))
        for k in (neurons.LIF, lambda n, **a: FixedPointLIF(n, **a, **kinds))
    ]
    np.testing.assert_allclose(slopes[1], slopes[0], rtol=1e-3)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: FixedPointLIF(2, bits=1), r"^FixedPointLIF.bits: must be a whole number >= 2"),
        (lambda: FixedPointLIF(2, bits=25), r"^FixedPointLIF.bits: must be a whole number <= 24"),
        (lambda: FixedPointLIF(2, bits=8.0), r"^FixedPointLIF.bits: must be a whole number"),
        (lambda: FixedPointLIF(2, fraction_bits=-1), r"^FixedPointLIF.fraction_bits: must be a whole number >= 0"),
        (lambda: FixedPointLIF(2, leak_bits=15), r"^FixedPointLIF.leak_bits: must be a whole number <= 14"),
        (lambda: FixedPointLIF(2, v_threshold=9.0, bits=8, fraction_bits=4), r"^FixedPointLIF.v_threshold: must be a potential that words of 8 bits .* in \[-8, 7.9375\]"),
        (lambda: FixedPointLIF(2, v_threshold=0.4, fraction_bits=0), r"^FixedPointLIF.v_reset: must lie below v_threshold = 0"),
        (lambda: FixedPointLIF(2, rounding="down"), r"^FixedPointLIF.rounding: must be of the kind Rounding"),
        (lambda: FixedPointLIF(2, tau_mem=1e5).check_step("cells", 1.0), r"^cells.tau_mem: must be at most about 8192 \[ms\]"),
    ],
)  # fmt: skip
def test_what_no_word_holds_is_refused(make, message):
    with pytest.raises(InputError, match=message):
        make()


@pytest.mark.slow
def test_rules_that_need_a_linear_membrane_refuse_it():
    noise = {"v": jn.noise.VoltageNoise(jn.noise.Diffusion(0.3))}
    with pytest.raises(InputError, match="linear membrane"):
        jn.Network({"cells": jn.Population(FixedPointLIF(2), noise=noise, firing=jn.firing.BridgeThreshold())})
