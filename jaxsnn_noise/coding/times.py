"""Given spikes by their times: what was recorded, or came from another simulator, as the input of a port."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar, Self

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int32

from jaxsnn_noise._checks import concrete, count, fail, real_numbers
from jaxsnn_noise._typing import Leaf, PerNeuron
from jaxsnn_noise.coding.inputs import Input
from jaxsnn_noise.parameters import as_parameter, parameter, positive
from jaxsnn_noise.random import Tick

NEVER = 1e30
"""A time [ms] that no run reaches: it fills the columns of channels with fewer spikes than others."""
MOST_STEPS = 1_500_000
"""Steps up to which a time in single precision says in which one it lies."""


class SpikeTimes(Input):
    """Spikes at given times, for a port.

    A spike at the time ``t`` acts in the step that ends at ``t``, or the one within which ``t`` lies: in step
    ``ceil(t/dt) - 1``, so that the times of :func:`jaxsnn_noise.interop.spike_times` give the raster that they came from. Times
    count from the start of the run, warm-up included. A time that lies behind a grid point by less than 1 % of a step (and
    3e-7 of itself, its rounding) counts as on it.

    Args:
        times: Of each channel the times of its spikes [ms], > 0, in any order; one sequence per channel. A channel may have none.
        values: In place of times: an array [spike, channel] of times, ascending, filled with ``NEVER`` [ms]. It is what samples
            and batches set.
        largest: The largest number of spikes of one channel in one step.

    Raises:
        InputError: times that are none or not above 0; once ``dt`` is known, times behind the end of the run, more than
            ``largest`` spikes of one channel in one step, more than 1.5 million steps (give a ``SpikeTrain``). Where a value is
            traced and nobody can look, the channel is NaN from then on, which health counts.

    Example:
        >>> SpikeTimes([[1.0, 5.5], [], [2.5]]).values.shape
        (2, 3)
    """

    spikes: ClassVar[bool] = True
    values: Leaf = parameter("ms", positive, shape=None)
    largest: int = eqx.field(static=True, default=1)

    def __init__(
        self,
        times: Any = None,
        *,
        values: Any = None,
        largest: int = 1,
        to: str | None = None,
    ):
        if (times is None) == (values is None):
            fail("SpikeTimes", "needs either the times of each channel or values [spike, channel]", None)
        self.largest, self.to = count("SpikeTimes.largest", largest), to
        self.values = as_parameter("SpikeTimes.values", _columns(times) if times is not None else values)

    def init(self, key: Any, size: int, dt: float) -> Int32[Array, "neuron"]:
        """How many spikes of each channel are over."""
        del key, dt
        return jnp.zeros(size, jnp.int32)

    def step(
        self, state: Int32[Array, "neuron"], index: Any, key: Tick, context: Any, dt: float
    ) -> tuple[PerNeuron, Int32[Array, "neuron"]]:
        del key, context
        spikes = jnp.zeros(state.shape, jnp.float32)
        late = jnp.zeros(state.shape, bool)
        for _ in range(self.largest):
            at = jnp.take_along_axis(self.values, state[None], axis=0, mode="fill", fill_value=NEVER)[0]
            due = steps_of_times(at, dt)
            late, now = late | (due < index), due == index
            spikes, state = spikes + now.astype(jnp.float32), state + now.astype(jnp.int32)
        return jnp.where(late, jnp.nan, spikes), state

    def check(self, who: str, size: int, steps: int) -> None:
        del steps
        if self.values.ndim != 2 or self.values.shape[1] != size:
            fail(f"{who}.values", f"must be times of {size} channels, [spike, channel]", self.values.shape)

    def check_step(self, who: str, steps: int, dt: float) -> None:
        times = concrete(self.values)
        if times is None:
            return
        if steps > MOST_STEPS:
            fail(f"{who}.values", f"are told apart over at most {MOST_STEPS:,} steps; give a SpikeTrain [steps]", steps)
        if (np.diff(times, axis=0) < 0).any():
            fail(f"{who}.values", "must ascend along the spikes of each channel [ms]", times)
        given = times < NEVER
        due = np.asarray(steps_of_times(times, dt))
        if (given & (due >= steps)).any():
            last = float(times[given].max())
            fail(
                f"{who}.values", f"must lie in (0, {steps * dt:g}], the run with its warm-up [ms]", float(f"{last:.7g}")
            )
        crowded = given[self.largest :] & (due[self.largest :] == due[: -self.largest])
        if crowded.any():
            spike, channel = (int(i) for i in np.argwhere(crowded)[0])
            rule = f"must give a channel at most largest = {self.largest} spikes in a step of {dt:g} ms [ms]"
            together = times[spike : spike + self.largest + 1, channel]
            fail(f"{who}.values", rule, f"channel {channel} at {', '.join(f'{t:.7g}' for t in together)}")

    @classmethod
    def example(cls) -> Self:
        return cls([[0.5, 1.5, 19.75], [], [3.0], [0.25, 20.0], [7.5, 8.0, 8.25]])


def steps_of_times(times: Any, dt: float) -> Any:
    """The step in which each time lies; ``NEVER`` and NaN lie in none (a late one, and one before the run)."""
    xp = np if isinstance(times, np.ndarray) else jnp
    at = times / np.float32(dt)
    due = xp.ceil(at - (np.float32(0.01) + np.float32(3e-7) * at)) - 1
    return xp.where(due >= -1, xp.minimum(due, np.float32(2**30)), -1).astype(xp.int32)


def _columns(times: Any) -> np.ndarray:
    """Times [spike, channel], ascending, of the times of each channel."""
    if isinstance(times, str) or not isinstance(times, Iterable):
        fail("SpikeTimes.times", "must be one sequence of times for each channel [ms]", times)
    channels = list(times)
    columns = []
    for channel, one in enumerate(channels):
        who = f"SpikeTimes.times of channel {channel}"
        if isinstance(one, str) or not isinstance(one, Iterable):
            fail(who, "must be a sequence of times [ms], which may be empty", one)
        listed: Any = list(one) if not hasattr(one, "dtype") else one
        if np.size(listed):
            real_numbers(who, listed)
        column = np.sort(np.asarray(listed, np.float64).reshape(-1))
        if not ((column > 0) & (column < NEVER)).all():  # NaN too
            wrong = column[~((column > 0) & (column < NEVER))]
            fail(who, "must be finite and > 0: a spike belongs to the end of a step [ms]", wrong)
        columns.append(column)
    if not columns:
        fail("SpikeTimes.times", "needs at least one channel", channels)
    rows = max(1, *(len(column) for column in columns)) if len(columns) > 1 else max(1, len(columns[0]))
    return np.stack([np.pad(column, (0, rows - len(column)), constant_values=NEVER) for column in columns], axis=1)
