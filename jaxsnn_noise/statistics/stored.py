"""The same folds over a raster that was stored."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Shaped

from jaxsnn_noise._checks import concrete, fail, positive
from jaxsnn_noise.statistics.fold import VARIABLES, About, Frame, Statistic

Course = Shaped[Array, "time neuron"] | Shaped[np.ndarray, "time neuron"]
PerNeuron = Shaped[Array, " neuron"] | Shaped[np.ndarray, " neuron"]


def over_raster(
    statistic: Statistic,
    raster: Course,
    *,
    dt: float,
    voltage: Course | None = None,
    current: Course | None = None,
    threshold: Course | None = None,
    output: Course | None = None,
    inside: Course | None = None,
    fan_out: PerNeuron | None = None,
    recorded: Mapping[str, Course] | None = None,
) -> Any:
    """A statistic of a stored raster: the fold of the simulation loop as one scan over the stored steps.

    The result is that of the statistic inside the loop, to the bit. Gradients reach the raster and the other time
    courses as far as the statistic lets them through. Batch with ``jax.vmap`` over members.

    Args:
        statistic: which one.
        raster: [time, neuron] spikes, 0 or 1 of any dtype (``unpack`` a packed raster first).
        dt: length of a step [ms].
        voltage: [time, neuron] membrane potential [mV], for the statistics that read "v".
        current: [time, neuron] input current [nA], for those that read "current".
        threshold: [time, neuron] threshold [mV], for those that read "threshold".
        output: [time, neuron] what targets received [1], for those that read "output".
        inside: [time, neuron] times of spikes within their steps [ms], in (0, dt] where there is one; statistics of intervals and
            latencies read them. Without them spikes lie at the ends of their steps.
        fan_out: [neuron] number of synapses that a spike of the neuron drives.
        recorded: from dotted names, such as "state.lift", to their [time, neuron].

    Returns:
        What ``statistic.finalize`` gives.

    Raises:
        InputError: the raster is not [time, neuron] of 0 and 1; a shape differs; the statistic reads what is not given.

    >>> import jax.numpy as jnp
    >>> from jaxsnn_noise.statistics import Rate, over_raster
    >>> print(over_raster(Rate(), jnp.array([[1, 0], [1, 1]]), dt=1.0))
    [1000.  500.]
    """
    positive("over_raster.dt", dt, "ms")
    spikes = _spikes(raster)
    given = {"output": output, "v": voltage, "current": current, "threshold": threshold, "inside": inside}
    courses = {
        name: _like("over_raster." + name, value, spikes.shape) for name, value in given.items() if value is not None
    }
    courses["spikes"] = spikes
    if inside is not None:
        _check_inside(courses["inside"], spikes, float(dt))
    for name, value in (recorded or {}).items():
        courses[name] = _like(f"over_raster.recorded[{name!r}]", value, spikes.shape)
    if fan_out is not None:
        fan_out = _like("over_raster.fan_out", fan_out, spikes.shape[1:])
    for name in statistic.reads:
        if name not in courses and not (name == "fan_out" and fan_out is not None):
            argument = f"recorded={{{name!r}: ...}}" if "." in name else f"{'voltage' if name == 'v' else name}="
            fail("over_raster", f"{type(statistic).__name__} reads {name!r}: give {argument}", None)
    about = About(size=spikes.shape[1], steps=spikes.shape[0], dt=float(dt), fan_out=fan_out, inside=inside is not None)
    return _fold(statistic, courses, about)


@eqx.filter_jit
def _fold(statistic: Statistic, courses: dict[str, Array], about: About) -> Any:
    unknown = jnp.full(about.size, jnp.nan, jnp.float32)

    def step(acc: Any, seen: tuple[Array, dict[str, Array]]) -> tuple[Any, None]:
        index, values = seen
        dotted = {name: value for name, value in values.items() if "." in name}
        shown: dict[str, Any] = {name: values.get(name, None if name == "inside" else unknown) for name in VARIABLES}
        frame = Frame(**shown, index=index, recorded=dotted)
        return statistic.update(acc, frame, about), None

    acc, _ = jax.lax.scan(step, statistic.init(about), (jnp.arange(about.steps, dtype=jnp.int32), courses))
    return statistic.finalize(acc, about)


def _spikes(raster: Array | np.ndarray) -> Array:
    if jnp.ndim(raster) != 2 or 0 in jnp.shape(raster):
        fail("over_raster", "the raster must be [time, neuron] with at least one of each", jnp.shape(raster))
    values = concrete(raster)
    if values is not None and not bool(((values == 0) | (values == 1)).all()):
        fail("over_raster", "the raster must hold 0 and 1 only", values)
    return jnp.asarray(raster).astype(jnp.float32)


def _check_inside(inside: Array, spikes: Array, dt: float) -> None:
    times, there = concrete(inside), concrete(spikes)
    if (
        times is not None
        and there is not None
        and not bool((((times > 0) & (times <= dt * (1 + 1e-6))) | (there == 0)).all())
    ):
        fail("over_raster.inside", f"must lie in (0, dt] = (0, {dt:g}] ms where there is a spike", times)


def _like(who: str, value: Array | np.ndarray, shape: tuple[int, ...]) -> Array:
    if jnp.shape(value) != shape:
        fail(who, f"must have the shape {shape}, as the raster says", jnp.shape(value))
    return jnp.asarray(value).astype(jnp.float32)
