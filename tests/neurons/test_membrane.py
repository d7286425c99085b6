"""The linear membrane: what a current and noise do to it in a step, with and without a conductance."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

from jaxsnn_noise import random
from jaxsnn_noise.neurons import LIF, AdaptiveLIF, LeakyIntegrator
from jaxsnn_noise.signals import Drive

TICK = random.tick(random.root(0), 0)
CURRENT, CONDUCTANCE = jnp.asarray([-0.5, 0.3, 2.0]), jnp.asarray([0.0, 0.4, 3.0])
DRIVES = {"current": Drive(CURRENT), "conductance": Drive(CURRENT, CONDUCTANCE)}


@pytest.mark.parametrize("cls", [LIF, AdaptiveLIF, LeakyIntegrator])
@pytest.mark.parametrize("kind", DRIVES)
@pytest.mark.parametrize("dt", [0.1, 5.0])
def test_gain_and_diffuse_are_those_of_the_flow(cls: Any, kind: str, dt: float) -> None:
    neuron, drive = cls(3, tau_mem=[5.0, 10.0, 20.0], resistance=[2.0, 1.5, 0.5]), DRIVES[kind]
    more = Drive(drive.current + 1.0, drive.conductance)
    low, high = (neuron.potential(neuron.integrate(neuron.rest(), one, TICK, dt)) for one in (drive, more))
    np.testing.assert_allclose(neuron.gain(drive, dt), high - low, rtol=1e-4)
    # what a kick leaves after s is exp(-s/tau): its square, integrated over the step, by the rule of the trapezoid
    s = np.linspace(0.0, dt, 2001)
    leak = 1.0 if drive.conductance is None else 1.0 + np.asarray(neuron.resistance) * np.asarray(drive.conductance)
    left = np.exp(-2 * s[:, None] * leak / np.asarray(neuron.tau_mem))
    np.testing.assert_allclose(neuron.diffuse(drive, dt), np.sqrt(np.trapezoid(left, s, axis=0)), rtol=1e-4)
