"""What a study is found to return, without computing it."""

from __future__ import annotations

from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsnn_noise as jn
from helpers.nets import recurrent
from jaxsnn_noise.ensemble.labels import fields
from jaxsnn_noise.ensemble.traced import traced as traced_program
from jaxsnn_noise.statistics import About, Frame, Statistic

TRACES: list[int] = []


class Noted(Statistic):
    """The number of neurons, which notes every trace."""

    population: str | None = eqx.field(static=True, default=None)

    @property
    def units(self) -> dict[str, str]:
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


def _fields(sim: jn.Simulation, backend: Any) -> dict[str, Any]:
    return fields(sim, traced_program(sim, (), backend))


def test_other_values_are_not_traced_again_and_other_shapes_are() -> None:
    TRACES.clear()
    first = _fields(_simulation(), jn.Scan())
    traced = len(TRACES)
    assert traced > 0
    again = _fields(_simulation(tau=10.0), jn.Scan())
    assert len(TRACES) == traced
    assert {k: (f.shape, f.dtype, f.dims) for k, f in first.items()} == {
        k: (f.shape, f.dtype, f.dims) for k, f in again.items()
    }
    wider = _fields(_simulation(size=5, duration=20.0), jn.Scan())
    assert len(TRACES) > traced
    assert first["raster"].shape == (1, 3)
    assert wider["raster"].shape == (3, 5)
    assert wider["noted"].dtype == np.float32


def test_another_backend_is_traced_for_itself() -> None:
    _fields(_simulation(size=7), jn.Scan())
    traced = len(TRACES)
    _fields(_simulation(size=7), jn.Scan(pinned=True))
    assert len(TRACES) > traced


def _dims(statistics: dict[str, Statistic], populations: tuple[str, ...] = ("cells",)) -> dict[str, tuple[str, ...]]:
    network = jn.Network({name: jn.Population(jn.neurons.LIF(3)) for name in populations})
    sim = jn.Simulation(network, {}, duration=20.0, dt=0.1, statistics=statistics)
    return {name: field.dims for name, field in _fields(sim, jn.Scan()).items()}


WATCHED: dict[str, Statistic] = {
    "rate": jn.statistics.Rate("cells"),
    "v": jn.statistics.VoltageMoments("cells"),
    "counts": jn.statistics.BinnedCounts(5.0, "cells"),
    "pairs": jn.statistics.CountCorrelationMatrix(5.0, "cells"),
    "raster": jn.statistics.Raster("cells"),
    "course": jn.statistics.Trace(("v",), population="cells"),
    "some": jn.statistics.Trace(("v",), neurons=(2, 0), population="cells"),
    "order": jn.statistics.Trace(("v",), neurons=(2, 1, 0), population="cells"),
    "seldom": jn.statistics.Trace(("v",), every=10, population="cells"),
    "health_cells": jn.statistics.Health(saturation=0.3, population="cells"),
}
CALLED = {
    "rate": ("cells_neuron",),
    "v_mean": ("cells_neuron",),
    "v_variance": ("cells_neuron",),
    "counts": ("bin_counts", "cells_neuron"),
    "pairs": ("cells_neuron", "cells_partner"),
    "raster": ("byte", "cells_neuron"),
    "course_v": ("time", "cells_neuron"),
    "some_v": ("time", "cells_neuron_some"),
    "order_v": ("time", "cells_neuron_order"),
    "seldom_v": ("time_seldom", "cells_neuron"),
    **{f"health_cells_{field}": () for field in ("nonfinite", "silent", "saturated")},
}


def test_dimensions_are_called_by_a_rule() -> None:
    assert _dims(WATCHED) == CALLED


@pytest.mark.parametrize("name", WATCHED)
def test_names_do_not_depend_on_what_else_is_there(name: str) -> None:
    more = _dims({name: WATCHED[name]}, ("cells", "others", "cells_too"))
    alone = {k: v for k, v in more.items() if not k.startswith("health") or name.startswith("health")}
    assert alone
    assert {k: CALLED.get(k, ()) for k in alone} == alone


@pytest.mark.slow
def test_every_shared_dimension_has_one_coordinate() -> None:
    sim = recurrent(4, duration=20.0, statistics={k: v for k, v in WATCHED.items() if k != "order"})
    data = jn.monte_carlo(sim, [jn.Trials(2)], key=0, progress=False)
    assert "cells_neuron" not in data.coords
    assert list(data["cells_neuron_some"].values) == [2, 0]
    np.testing.assert_array_equal(data["time"], np.arange(1.0, 21.0))
    np.testing.assert_array_equal(data["time_seldom"], [10.0, 20.0])
    np.testing.assert_array_equal(data["bin_counts"], [2.5, 7.5, 12.5, 17.5])
    assert {data[name].attrs["units"] for name in ("time", "time_seldom", "bin_counts")} == {"ms"}
