"""What a study is found to return, without computing it."""

from __future__ import annotations

import equinox as eqx
import jax.numpy as jnp
import numpy as np

import jaxsnn_noise as jn
from jaxsnn_noise.ensemble.labels import fields
from jaxsnn_noise.statistics import About, Frame, Statistic

TRACES: list[int] = []


class Noted(Statistic):
    """The number of neurons, which notes every trace."""

    population: str | None = eqx.field(static=True, default=None)

    @property
    def unit(self) -> dict[str, str]:
        return {"": "1"}

    def init(self, about: About):
        return jnp.zeros(about.size, jnp.float32)

    def update(self, acc, frame: Frame, about: About):
        TRACES.append(about.steps)
        return acc

    def merge(self, a, b, about: About):
        return a + b

    def finalize(self, acc, about: About):
        return acc

    def dims(self, about: About) -> dict[str, tuple[str, ...]]:
        return {"": ("neuron",)}

    @classmethod
    def example(cls):
        return cls()


def _simulation(size: int = 3, tau: float = 20.0, duration: float = 4.0) -> jn.Simulation:
    network = jn.Network({"cells": jn.Population(jn.neurons.LIF(size, tau_mem=tau))})
    statistics = {"noted": Noted(), "raster": jn.statistics.Raster()}
    return jn.Simulation(network, {}, duration=duration, dt=1.0, statistics=statistics)


def test_other_values_are_not_traced_again_and_other_shapes_are() -> None:
    TRACES.clear()
    first = fields(_simulation(), jn.Scan())
    traced = len(TRACES)
    assert traced > 0
    again = fields(_simulation(tau=10.0), jn.Scan())
    assert len(TRACES) == traced
    assert {k: (f.shape, f.dtype, f.dims) for k, f in first.items()} == {
        k: (f.shape, f.dtype, f.dims) for k, f in again.items()
    }
    wider = fields(_simulation(size=5, duration=20.0), jn.Scan())
    assert len(TRACES) > traced
    assert first["raster"].shape == (1, 3)
    assert wider["raster"].shape == (3, 5)
    assert wider["noted"].dtype == np.float32


def test_another_backend_is_traced_for_itself() -> None:
    fields(_simulation(size=7), jn.Scan())
    traced = len(TRACES)
    fields(_simulation(size=7), jn.Scan(pinned=True))
    assert len(TRACES) > traced
