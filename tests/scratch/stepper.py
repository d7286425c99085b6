"""A stepper: the midpoint rule."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax

from jaxsnn_noise._typing import Values
from jaxsnn_noise.neurons.steppers import Drift, Kick, Stepper


class ScratchStepper(Stepper):
    """``v <- v + f(v*) dt + g(v*) dW`` with ``v* = v + f(v) dt/2 + g(v) dW/2``: second order, and of Stratonovich."""

    def step(
        self, state: Any, drift: Drift, kick: Kick, kicked: Callable[[Any, Values], Any], dt: Values | float
    ) -> Any:
        half = kicked(jax.tree.map(lambda x, f: x + 0.5 * dt * f, state, drift(state)), 0.5 * kick(state))
        return kicked(jax.tree.map(lambda x, f: x + dt * f, state, drift(half)), kick(half))
