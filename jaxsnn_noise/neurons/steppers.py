"""Steppers of models that have no exact flow, with the noise of the membrane inside the step."""

from __future__ import annotations

import abc
from collections.abc import Callable
from typing import Any, Self

import jax

from jaxsnn_noise._typing import Values
from jaxsnn_noise.parameters import Ranged

Drift = Callable[[Any], Any]
"""From a state to its time derivative, a tree of the same structure [per ms]."""
Kick = Callable[[Any], Values]
"""From a state to what the noise of this step adds to its membrane [mV]."""


class Stepper(Ranged):
    """Moves a state by one step of ``dv = f(v) dt + g(v) dW``."""

    @abc.abstractmethod
    def step(self, state: Any, drift: Drift, kick: Kick, kicked: Callable[[Any, Values], Any], dt: float) -> Any:
        """The state after ``dt`` [ms]; ``kick(state)`` is ``g(v) dW`` with the increments of this step, ``kicked`` adds it."""

    @classmethod
    def example(cls) -> Self:
        """An instance for the tests."""
        return cls()


class Heun(Stepper):
    """Stochastic Heun: predict by an Euler step, then take the mean of the slopes at both ends.

    ``v* = v + f(v) dt + g(v) dW``; ``v <- v + (f(v) + f(v*)) dt/2 + (g(v) + g(v*)) dW/2``. Converges to the Stratonovich
    solution, with the strong order 1 for one noise, and to second order without noise.

    Reference: Kloeden and Platen 1992, doi:10.1007/978-3-662-12616-5.
    """

    def step(self, state: Any, drift: Drift, kick: Kick, kicked: Callable[[Any, Values], Any], dt: float) -> Any:
        slope, noise = drift(state), kick(state)
        ahead = kicked(jax.tree.map(lambda x, f: x + dt * f, state, slope), noise)
        mean = jax.tree.map(lambda a, b: 0.5 * (a + b), slope, drift(ahead))
        return kicked(jax.tree.map(lambda x, f: x + dt * f, state, mean), 0.5 * (noise + kick(ahead)))
