"""Central differences under common random numbers."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, Self

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from jaxsnn_noise import paths
from jaxsnn_noise._checks import count, fail, number, one_of
from jaxsnn_noise._typing import Key
from jaxsnn_noise.engine.simulation import Simulation, validate
from jaxsnn_noise.gradients.estimator import Estimator, means, over_trials, results_of, shifted, spread
from jaxsnn_noise.gradients.result import Gradient


class FiniteDifference(Estimator):
    r"""Central differences with common random numbers.

    :math:`D_h = \frac{f(\theta + h) - f(\theta - h)}{2h}`, both with the same noise; of order 4 it is :math:`(4 D_h - D_{2h})/3`,
    whose bias falls as :math:`h^4`. It asks nothing of the simulation, so it serves for any leaf and statistic, and is hard to beat
    for up to three leaves, in networks above all, where its variance falls with the number of neurons. Small steps are *worse*:
    spikes are decisions, and the variance grows as 1/h (3 % and 1 % have 4.5 and 15 times that of 10 % for one LIF neuron).
    ``diagnostics["step_bias"]`` is :math:`|D_h - D_{2h}|/3` [output, leaf], about the bias of :math:`D_h` alone, and
    ``diagnostics["simulations"]`` the cost.

    Args:
        step: ``h`` over the mean of the entries of the leaf, in size.
        order: 2 or 4, of the error.

    Raises:
        InputError: a leaf that is 0 (the step is relative), or that leaves its range within 2 h.

    References: Glasserman 2003, *Monte Carlo Methods in Financial Engineering*, chapter 7 (common random numbers).

    Example:
        >>> FiniteDifference().order
        4
    """

    step: float = eqx.field(static=True, default=0.1, converter=partial(number, "FiniteDifference.step"))
    order: int = eqx.field(static=True, default=4, converter=partial(count, "FiniteDifference.order"))

    def __check_init__(self) -> None:
        if not 0 < self.step < 0.5:
            fail("FiniteDifference.step", "must lie between 0 and 0.5 of the leaf [1]", self.step)
        one_of("FiniteDifference.order", str(self.order), ("2", "4"))

    def check(self, sim: Simulation, outputs: Sequence[str], leaves: Sequence[str]) -> None:
        del outputs
        for leaf in leaves:
            value = paths.get(sim, leaf)
            size = self.step * float(np.abs(np.mean(value)))
            if size == 0:
                fail("FiniteDifference.leaves", "must not be 0, as the step is relative", leaf)
            for shift in (-2 * size, 2 * size):
                validate(paths.replace(sim, {leaf: value + jnp.float32(shift)}))

    def estimate(
        self, sim: Simulation, outputs: tuple[str, ...], leaves: tuple[str, ...], at: np.ndarray, trials: int, root: Key,
        at_once: int,
    ) -> Gradient:  # fmt: skip
        size = self.step * np.abs(at)
        places = [(k, m) for k in range(len(leaves)) for m in (-2.0, -1.0, 1.0, 2.0)]
        shifts = np.zeros((1 + len(places), len(leaves)), np.float32)
        for row, (k, m) in enumerate(places):
            shifts[row + 1, k] = m * size[k]

        def of_trial(trial: jax.Array) -> Any:
            def at_shift(shift: jax.Array) -> jax.Array:
                return means(results_of(shifted(sim, leaves, shift), root, trial), outputs)

            return jax.lax.map(at_shift, jnp.asarray(shifts))

        found = over_trials(of_trial, trials, at_once)  # [trial, shift, output]
        taken = found[:, 1:].reshape(trials, len(leaves), 4, len(outputs))
        apart = shifts[1:].reshape(len(leaves), 4, len(leaves)).astype(np.float64)
        wide, near = (np.einsum("kk->k", apart[:, i] - apart[:, j]) for i, j in ((3, 0), (2, 1)))
        one = (taken[:, :, 2] - taken[:, :, 1]) / near[None, :, None]
        two = (taken[:, :, 3] - taken[:, :, 0]) / wide[None, :, None]
        value, value_error = spread(found[:, 0])
        gradient, error = spread(one if self.order == 2 else (4 * one - two) / 3)
        told = {"step_bias": np.abs((one - two).mean(axis=0)).T / 3, "simulations": trials * len(shifts)}
        return Gradient(outputs, leaves, value, value_error, gradient.T, error.T, at, trials, told)

    @classmethod
    def example(cls) -> Self:
        return cls()
