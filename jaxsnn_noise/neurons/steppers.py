"""Steppers of models that have no exact flow, with the noise of the membrane inside the step."""

from __future__ import annotations

import abc
from collections.abc import Callable
from typing import Any, ClassVar, Self

import equinox as eqx
import jax
import jax.numpy as jnp

from jaxsnn_noise._checks import count
from jaxsnn_noise._typing import Values
from jaxsnn_noise.parameters import Ranged
from jaxsnn_noise.relaxation import grown
from jaxsnn_noise.roots import square_root

Drift = Callable[[Any], Any]
"""From a state to its time derivative, a tree of the same structure [per ms]."""
Kick = Callable[[Any], Values]
"""From a state to what the noise of this step adds to its membrane [mV]."""
Kicked = Callable[[Any, Values], Any]
"""From a state and what is added to its membrane [mV] to the state after that."""


class Stepper(Ranged):
    """Moves a state by one step of ``dv = f(v) dt + g(v) dW``: a pure function of the increments of the step."""

    ito: ClassVar[bool] = False
    """Whether it converges to the solution of Ito, and not to that of Stratonovich."""

    @abc.abstractmethod
    def step(self, state: Any, drift: Drift, kick: Kick, kicked: Kicked, dt: Values | float) -> Any:
        """The state after ``dt`` [ms]; ``kick(state)`` is ``g(v) dW`` with the increments of this step, ``kicked`` adds it."""

    @classmethod
    def example(cls) -> Self:
        """An instance for the tests."""
        return cls()


class EulerMaruyama(Stepper):
    """Euler and Maruyama: ``v <- v + f(v) dt + g(v) dW``.

    Converges to the Ito solution, with the strong order 1/2 (1 for additive noise) and the weak order 1. What relaxes with
    the rate ``k`` is followed while ``k dt < 2``, and to 10 % of its variance only while ``k dt < 0.2``.

    References: Maruyama 1955, doi:10.1007/BF02846028; Kloeden and Platen 1992, doi:10.1007/978-3-662-12616-5.
    """

    ito: ClassVar[bool] = True

    def step(self, state: Any, drift: Drift, kick: Kick, kicked: Kicked, dt: Values | float) -> Any:
        noise = kick(state)
        return kicked(jax.tree.map(lambda x, f: x + dt * f, state, drift(state)), noise)


class Heun(Stepper):
    """Stochastic Heun: predict by an Euler step, then take the mean of the slopes at both ends.

    ``v* = v + f(v) dt + g(v) dW``; ``v <- v + (f(v) + f(v*)) dt/2 + (g(v) + g(v*)) dW/2``. Converges to the Stratonovich
    solution, with the strong order 1 for one noise, and to second order without noise. What relaxes with the rate ``k`` is
    followed while ``k dt < 2``.

    Reference: Kloeden and Platen 1992, doi:10.1007/978-3-662-12616-5.
    """

    def step(self, state: Any, drift: Drift, kick: Kick, kicked: Kicked, dt: Values | float) -> Any:
        slope, noise = drift(state), kick(state)
        ahead = kicked(jax.tree.map(lambda x, f: x + dt * f, state, slope), noise)
        mean = jax.tree.map(lambda a, b: 0.5 * (a + b), slope, drift(ahead))
        return kicked(jax.tree.map(lambda x, f: x + dt * f, state, mean), 0.5 * (noise + kick(ahead)))


class ExponentialEuler(Stepper):
    r"""Exponential Euler: every part of the state relaxes by itself, the others held over a substep.

    With :math:`k_i = \partial f_i/\partial x_i` (by automatic differentiation) and the substep :math:`h = dt/n`, ``n`` times

    .. math:: x_i \leftarrow x_i + f_i(x)\, \frac{e^{k_i h} - 1}{k_i},

    and then the noise that the membrane gathers in the step, of the state :math:`x_0` at its start:

    .. math:: v \leftarrow v + g(v_0)\, \Delta W\, \sqrt{\frac{e^{2 k_v dt} - 1}{2 k_v dt}}.

    A part whose equation is linear in itself is exact while the others stand still (gates at a potential, a potential at
    conductances), and an Ornstein-Uhlenbeck process has its law at any dt. Converges to the Ito solution, with the strong order
    1/2 (1 for additive noise) and the weak order 1. What relaxes by itself is stable at any ``dt``; what is coupled need not be.

    Args:
        substeps: Into how many substeps the flow of a step is divided; the noise is that of the whole step.

    Raises:
        InputError: no whole number of substeps.

    Reference: Rush and Larsen 1978, doi:10.1109/TBME.1978.326270 (gates).

    Example:
        >>> ExponentialEuler(substeps=4).substeps
        4
    """

    ito: ClassVar[bool] = True
    substeps: int = eqx.field(default=1, static=True)

    def __check_init__(self) -> None:
        count("ExponentialEuler.substeps", self.substeps)

    def step(self, state: Any, drift: Drift, kick: Kick, kicked: Kicked, dt: Values | float) -> Any:
        noise, start = kick(state), relaxation_rates(drift, state)
        # how much of the noise of the step is left at its end, by the rate of the kicked part at its start
        gathered = _of_kicked(kicked, state, jax.tree.map(lambda k: square_root(grown(2.0 * k * dt)), start))
        h = dt / self.substeps
        for substep in range(self.substeps):
            rates = relaxation_rates(drift, state) if substep else start
            state = jax.tree.map(lambda x, f, k: x + h * f * grown(k * h), state, drift(state), rates)
        return kicked(state, noise * gathered)


def relaxation_rates(drift: Drift, state: Any) -> Any:
    """Of each part of the state how its slope changes with itself, ``df_i/dx_i`` [1/ms]: a tree like the state."""
    leaves, structure = jax.tree.flatten(state)

    def own(place: int) -> Values:
        along = [jnp.ones_like(x) if k == place else jnp.zeros_like(x) for k, x in enumerate(leaves)]
        slopes = jax.jvp(drift, (state,), (jax.tree.unflatten(structure, along),))[1]
        found: Values = jax.tree.leaves(slopes)[place]
        return found

    return jax.tree.unflatten(structure, [own(place) for place in range(len(leaves))])


def _of_kicked(kicked: Kicked, state: Any, values: Any) -> Values:
    """Of a tree like the state the part that a kick moves."""
    nothing = jnp.zeros_like(jax.tree.leaves(values)[0])
    moved = jax.jvp(lambda kick: kicked(state, kick), (nothing,), (jnp.ones_like(nothing),))[1]
    shares = [share * value for share, value in zip(jax.tree.leaves(moved), jax.tree.leaves(values), strict=True)]
    return sum(shares[1:], shares[0])
