"""What relaxes exponentially: many small steps are one large one, also where a step is a hundred-thousandth of the time constant.

A factor ``exp(-dt/tau)`` in single precision has lost what the last assertion looks for.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from helpers.discovery import label, members
from helpers.seams import keys
from jaxsnn_noise import neurons, noise, paths, random, synapses
from jaxsnn_noise.neurons.membrane import LinearMembrane
from jaxsnn_noise.opacity import opaque_zero
from jaxsnn_noise.parameters import declarations
from jaxsnn_noise.relaxation import faded, relaxed
from jaxsnn_noise.signals import Drive, Frame, Seen

SLOW = 1e5  # tau/dt
STEPS = 100_000


def slow(part):
    """With its time constants (but not its refractory time) as long, in their proportion."""
    declared = {path: said for path, said in declarations(part).items() if said.unit == "ms" and "tau" in path}
    longest = max(float(jnp.max(paths.get(part, path))) for path in declared)
    return paths.replace(part, {path: paths.get(part, path) * (SLOW / longest) for path in declared})


def after(step, state, steps, dt):
    return jax.jit(lambda s: jax.lax.scan(lambda s, _: (step(s, dt), None), s, None, length=steps)[0])(state)


def same_at_the_end(step, state):
    """``STEPS`` steps of 1 ms and one of ``STEPS`` ms, within 2e-4 of what lies between start and end."""
    many, one = after(step, state, STEPS, 1.0), step(state, float(STEPS))
    moved = 0.0
    for start, x, y in zip(*(jax.tree.leaves(tree) for tree in (state, many, one)), strict=True):
        reach = np.abs(np.asarray(y) - np.asarray(start)).max()
        moved = max(moved, reach)
        np.testing.assert_allclose(x, y, atol=2e-4 * reach, rtol=0)
    assert moved > 0.05


EXACT = [c for c in members(neurons.Neuron) if issubclass(c, LinearMembrane) and c is not neurons.PolynomialLIF]
"""Whose flow is exact; a polynomial is held over a step."""


@pytest.mark.parametrize("cls", EXACT, ids=label)
@pytest.mark.parametrize("conductance", [None, 0.3])
def test_a_membrane_and_what_it_carries(cls, conductance):
    neuron = slow(cls.example())
    ones, tick = jnp.ones(neuron.size), random.tick(keys(1)[0], 0)
    drive = Drive(0.7 * ones, None if conductance is None else conductance * ones)
    state = neuron.rest()
    if hasattr(state, "lift"):
        state = paths.replace(state, {"lift": ones})
    same_at_the_end(lambda s, dt: neuron.integrate(s, drive, tick, dt), state)


@pytest.mark.parametrize(
    "kinetics",
    [synapses.Exponential(5.0), synapses.Conductance(5.0, 2.0), synapses.Conductance(5.0, 2.0, tau_rise=1.0)],
)
def test_what_a_synapse_keeps(kinetics):
    kinetics, nothing = slow(kinetics), jnp.zeros(3)
    state = jax.tree.map(lambda x: x + 1.0, kinetics.init(3))
    same_at_the_end(lambda s, dt: kinetics.step(s, nothing, Seen(nothing, nothing), dt)[1], state)


def test_the_traces_of_a_learning_synapse():
    learning = slow(synapses.PairSTDP.example())
    prepared, nothing = learning.prepared(1), jnp.zeros(5)
    state = paths.replace(learning.init(prepared, keys(1)[0], 1.0), {"arrived": jnp.ones(5), "fired": jnp.ones(5)})
    silent = Frame(nothing, nothing, nothing, nothing, nothing, jnp.int32(0))
    learnt = after(lambda s, dt: learning.learn(prepared, s, nothing, {"b": silent}, dt), state, STEPS, 1.0)
    np.testing.assert_allclose(learnt.arrived, np.exp(-STEPS / float(learning.tau_plus)), rtol=1e-5)
    np.testing.assert_allclose(learnt.fired, np.exp(-STEPS / float(learning.tau_minus)), rtol=1e-5)


def test_the_memory_of_a_coloured_source():
    colour, zero = noise.OrnsteinUhlenbeck(SLOW), opaque_zero(keys(1)[0])
    nothing = jnp.zeros(3)
    kept = after(lambda s, dt: colour.step(s, nothing, dt, zero)[1], jnp.ones(3), STEPS, 1.0)
    np.testing.assert_allclose(kept, np.exp(-1.0), rtol=1e-5)


@pytest.mark.parametrize(("slower", "allowed"), [(1e3, 1e-6), (1e5, 1e-5), (1e6, 2e-3)])
def test_what_the_limits_say_of_slow_variables(slower, allowed):
    """One time constant from 0 towards 1, against the exponential in double precision."""
    n = int(slower)
    found = after(lambda v, dt: relaxed(v, jnp.float32(1), jnp.float32(slower), dt), jnp.float32(0), n, 1.0)
    assert abs(float(found) / -np.expm1(-1.0) - 1) < allowed
    factor = after(lambda v, dt: 1.0 + (v - 1.0) * jnp.exp(-dt / jnp.float32(slower)), jnp.float32(0), n, 1.0)
    assert abs(float(factor) / -np.expm1(-1.0) - 1) > allowed  # the form that it took the place of


def test_it_ends_where_it_is_held_to():
    """Also after a step that is much longer than the time constant, and without one at all."""
    x, towards = jnp.asarray([-65.0, 3.0, 0.0]), jnp.asarray([-50.0, 3.0, 1.5])
    np.testing.assert_array_equal(relaxed(x, towards, jnp.float32(1.0), 1e3), towards)
    np.testing.assert_array_equal(relaxed(x, towards, jnp.float32(1.0), 0.0), x)
    np.testing.assert_array_equal(faded(x, jnp.float32(1.0), 1e3), 0.0 * x)
    assert random.STREAM_VERSION == 1  # no number of any stream is moved by it
