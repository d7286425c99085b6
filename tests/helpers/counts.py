"""Counts of random events: drawn from inputs step by step, and held against the law that they should follow."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from scipy import stats

from helpers.seams import context
from helpers.statistical import FALSE_ALARM, Deviation
from jaxsnn_noise import random
from jaxsnn_noise.noise import Seam

KEY = random.stream(random.root(7), "inputs.port")


@eqx.filter_jit
def counted(source: Any, size: int, steps: int, dt: float, key: Any = KEY) -> jax.Array:
    """What an input gives [step, channel] in an even number of steps."""

    def block(memory: Any, number: jax.Array) -> tuple[Any, jax.Array]:
        values = []
        for lane in (0, 1):
            at = context(Seam.CURRENT, jnp.zeros(size), dt)
            index = 2 * number.astype(jnp.int32) + lane
            value, memory = source.step(memory, index, random.Tick(key, number, lane), at, dt)
            values.append(value)
        return memory, jnp.stack(values)

    out = jax.lax.scan(block, source.init(key, size, dt), jnp.arange(steps // 2, dtype=jnp.uint32))[1]
    return out.reshape(steps, size)


def assert_counts(sample: Any, pmf: Callable[[Any], Any], *, false_alarm: float = FALSE_ALARM) -> None:
    """Independent counts follow the probabilities ``pmf(k)``: Pearson's chi-square, of classes of at least ten expected."""
    found = np.bincount(np.asarray(sample).astype(int).ravel())
    size, top = found.sum(), max(len(found), 8)
    while size * (1 - np.sum(pmf(np.arange(top)))) > 1e-6 * size and top < 400:
        top *= 2
    expected = size * np.asarray(pmf(np.arange(top)), float)
    found = np.pad(found, (0, max(0, top - len(found))))[:top].astype(float)
    classes, wanted, got = [], 0.0, 0.0
    for e, f in zip(expected, found, strict=True):
        wanted, got = wanted + e, got + f
        if wanted >= 10:
            classes.append((wanted, got))
            wanted, got = 0.0, 0.0
    last = classes.pop() if classes else (0.0, 0.0)
    rest = size - sum(e for e, _ in classes)  # the last class takes the tail
    classes.append((rest, last[1] + got))
    if len(classes) < 2:
        raise ValueError(f"{size} counts make one class only")
    e, f = np.array(classes).T
    tail = stats.chi2.sf(np.sum((f - e) ** 2 / e), len(e) - 1)
    if tail < false_alarm:
        raise Deviation(
            f"chi-square of {len(e)} classes: tail probability {tail:.2g}; found {f}, expected {e.round(1)}"
        )
