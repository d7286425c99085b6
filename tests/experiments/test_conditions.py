"""Noise at three stages in one program: the kinds are what their names say."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import jaxsnn_noise as jn
from experiments.internal_noise import conditions
from jaxsnn_noise.noise import Additive, Common, Coupling, Independent, Intensity, Multiplicative, VoltageNoise

SIZE, D = 6, 0.2


def simulation(noise: dict[str, Any], *, reset: Any = None, gain: float = 0.5, threshold: float = 1.0) -> jn.Simulation:
    """Neurons with ``v <- beta v + gain I``, each under its own current."""
    beta = 0.8
    neuron = jn.neurons.LIF(
        SIZE, tau_mem=-1.0 / np.log(beta), resistance=gain / (1 - beta), v_threshold=threshold, reset=reset
    )
    return jn.Simulation(
        jn.Network({"cells": jn.Population(neuron, noise=noise)}),
        {"cells": jn.coding.Constant(np.linspace(-1.0, 2.0, SIZE))},
        duration=60.0,
        dt=1.0,
        statistics={"v": jn.statistics.Trace(("v", "output", "spikes"))},
    )


def traces(sim: jn.Simulation, key: int = 3) -> Any:
    return jn.simulate(sim, key=key)["v"]


@pytest.mark.slow
@pytest.mark.parametrize("coupling", [Additive(), Multiplicative()])
@pytest.mark.parametrize("correlation", [Independent(), Common()])
@pytest.mark.parametrize("site", conditions.SITES)
def test_a_kind_chosen_by_its_leaves_is_the_kind_built_of_its_types(
    site: str, coupling: Coupling, correlation: Any
) -> None:
    words = type(coupling).__name__.lower(), type(correlation).__name__.lower()
    axis = conditions.as_axis("cells", [conditions.Condition(site, *words, D)])
    sim = simulation(conditions.silent_sources(), reset=jn.neurons.FlooredReset())
    chosen = traces(jn.paths.replace(sim, {path: values[0] for path, values in axis.values.items()}))
    built = conditions.SITES[site](Intensity(D), coupling=coupling, correlation=correlation)
    expected = traces(simulation({site: built}))
    assert np.any(np.asarray(expected.spikes) > 0)
    np.testing.assert_array_equal(chosen.spikes, expected.spikes)
    np.testing.assert_allclose(chosen.v, expected.v, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(chosen.output, expected.output, rtol=1e-5, atol=1e-5)


def test_additive_noise_on_the_current_is_membrane_noise_at_gain_squared_times_its_intensity() -> None:
    gain = 0.5
    current = traces(simulation({"same_numbers": jn.noise.CurrentNoise(Intensity(D))}, gain=gain))
    membrane = traces(simulation({"same_numbers": VoltageNoise(Intensity(gain**2 * D))}, gain=gain))
    np.testing.assert_allclose(current.v, membrane.v, rtol=1e-4, atol=1e-4)
    other = traces(simulation({"same_numbers": VoltageNoise(Intensity(D))}, gain=gain))
    assert np.abs(np.asarray(current.v) - np.asarray(other.v)).max() > 0.1


def test_the_factorial_has_every_kind_once_and_sets_only_its_own_site() -> None:
    found = list(conditions.factorial((0.1, 0.2)))
    assert len(set(found)) == len(found) == 3 * 2 * 2 * 2
    values = conditions.as_axis("hidden", found).values
    intensities = np.stack([values[f"network.hidden.noise.{site}.amplitude.D"] for site in conditions.SITES])
    np.testing.assert_array_equal((intensities > 0).sum(axis=0), 1)
    for i, condition in enumerate(found):
        row = list(conditions.SITES).index(condition.site)
        assert intensities[row, i] == pytest.approx(condition.intensity)
