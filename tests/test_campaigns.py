"""Fault campaigns are axes: one program for all sites, every site at most once, strata, growth and replay."""

from __future__ import annotations

import math
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

import jaxsnn_noise as jn
from jaxsnn_noise import hardware
from jaxsnn_noise._checks import InputError
from jaxsnn_noise.hardware import SingleSite
from jaxsnn_noise.statistics import SpikeCount

TRACES: list[int] = []


class Counted(SpikeCount):
    """Spike counts, that tell how often they are traced."""

    def init(self, about: Any) -> Any:
        TRACES.append(about.size)
        return super().init(about)


def network(*sizes: int) -> jn.Network:
    return jn.networks.feedforward(list(sizes), key=3, readout=jn.neurons.LIF)


def simulation(sizes: tuple[int, ...] = (6, 4, 3), steps: int = 8, **faults: Any) -> jn.Simulation:
    image = 6.0 * np.linspace(0.0, 1.0, sizes[0]) / (sizes[0] / 6.0) ** 0.5
    return jn.Simulation(
        network(*sizes), {"input": jn.coding.Constant(image)}, duration=float(steps), dt=1.0,
        imperfections=faults, statistics={"count": Counted(population="output")},
    )  # fmt: skip


NEURONS, SYNAPSES = (
    ("hidden", "output"),
    ("network.input_to_hidden.weights", "network.hidden_to_output.weights"),
)
NOWHERE = SingleSite(-1)
FLIPS = simulation(flip=hardware.FlippedBits(SYNAPSES, NOWHERE))


def run(sim: jn.Simulation, *axes: Any, **options: Any) -> Any:
    return jn.monte_carlo(sim, axes, key=2, progress=False, **options)


def test_all_sites_compile_once_and_are_what_each_site_is_by_itself():
    sim = simulation(dead=hardware.DeadNeurons(NEURONS, NOWHERE))
    axis = jn.AllSites(sim, "dead")
    TRACES.clear()
    found = run(sim, axis)["count"]
    assert len(TRACES) <= 8  # shapes, costs and the program: of one member, not of seven
    before = len(TRACES)
    again = run(sim, jn.AllSites(sim, "dead"))["count"]
    assert len(TRACES) == before
    np.testing.assert_array_equal(found, again)
    assert found["site"].values.tolist() == list(range(7))
    assert found["site_layer"].values.tolist() == ["hidden"] * 4 + ["output"] * 3
    assert found["site_neuron"].values.tolist() == [0, 1, 2, 3, 0, 1, 2]
    for site in (1, 5):
        alone = jn.paths.replace(sim, {"imperfections.dead.sites.site": site})
        np.testing.assert_array_equal(found[site], jn.simulate(alone, key=2)["count"])
    assert np.all(found.values[[4, 5, 6], [0, 1, 2]] == 0)
    assert np.any(found.values[0] != jn.simulate(sim, key=2)["count"])


@pytest.mark.slow
def test_a_campaign_over_138_neurons_and_10000_synapses_compiles_once_each():
    sim = simulation(
        (784, 128, 10), 25,
        dead=hardware.DeadNeurons(NEURONS, NOWHERE), gone=hardware.DeadSynapses(SYNAPSES, NOWHERE),
    )  # fmt: skip
    first = jn.AllSites(sim, "dead"), jn.RandomSites(sim, "gone", 10_000)
    assert [axis.size for axis in first] == [138, 10_000]
    for axis in first:
        TRACES.clear()
        few = run(sim, jn.RandomSites(sim, axis.imperfection, 4))  # what one member takes to trace
        once = len(TRACES)
        TRACES.clear()
        found = run(sim, axis)["count"]
        assert len(TRACES) <= once
        assert found.sizes["site"] == axis.size
        assert few["count"].sizes["site"] == 4
    total = found["site_layer"].values
    assert set(total) == set(SYNAPSES)


def test_random_sites_are_all_once_and_a_larger_campaign_begins_with_a_smaller_one():
    numbers = {n: jn.RandomSites(FLIPS, "flip", n, seed=3).coordinate() for n in (5, 60, 288)}
    assert sorted(numbers[288]) == list(range((6 * 4 + 4 * 3) * 8))
    np.testing.assert_array_equal(numbers[288][:60], numbers[60])
    np.testing.assert_array_equal(numbers[60][:5], numbers[5])
    assert np.any(jn.RandomSites(FLIPS, "flip", 60, seed=4).coordinate() != numbers[60])
    assert np.any(np.diff(numbers[60]) < 0)


@pytest.mark.parametrize(("by", "strata"), [("layer", 2), ("bit", 8), (("layer", "bit"), 16)])
@pytest.mark.parametrize("equal", [True, False])
def test_every_beginning_is_spread_over_the_strata(by, strata, equal):
    axis = jn.RandomSites(FLIPS, "flip", 288, by=by, equal=equal)
    said = axis.columns()
    keys = [said[f"site_{name}"] for name in ((by,) if isinstance(by, str) else by)]
    labels = np.unique([" ".join(map(str, row)) for row in zip(*keys, strict=True)], return_inverse=True)[1]
    sizes = np.bincount(labels)
    assert len(sizes) == strata
    assert sorted(axis.coordinate()) == list(range(288))
    for n in (16, 50, 120):
        counts = np.bincount(labels[:n], minlength=strata)
        wanted = np.full(strata, n / strata) if equal else n * sizes / 288
        if not equal or n / strata <= sizes.min():
            assert np.all(np.abs(counts - wanted) <= 1.0)
    within = {k: axis.coordinate()[labels == k] for k in range(strata)}
    assert any(np.any(np.diff(sites) < 0) for sites in within.values())  # random inside a stratum


def test_coordinates_say_where_a_site_is():
    axis = jn.RandomSites(FLIPS, "flip", 40, seed=9)
    said = axis.columns()
    for k, site in enumerate(axis.coordinate()):
        layer, shape, first = (SYNAPSES[0], (4, 6, 8), 0) if site < 192 else (SYNAPSES[1], (3, 4, 8), 192)
        assert said["site_layer"][k] == layer
        place = tuple(said[f"site_{what}"][k] for what in ("target", "source", "bit"))
        assert np.ravel_multi_index(place, shape) == site - first
    assert math.prod((4, 6, 8)) == 192


@pytest.mark.slow
def test_a_store_serves_a_larger_campaign_and_members_are_replayed(tmp_path):
    small = run(FLIPS, jn.RandomSites(FLIPS, "flip", 10), store=tmp_path)
    TRACES.clear()
    large = run(FLIPS, jn.RandomSites(FLIPS, "flip", 30), store=tmp_path)
    fresh = run(FLIPS, jn.RandomSites(FLIPS, "flip", 30))
    np.testing.assert_array_equal(large["count"], fresh["count"])
    np.testing.assert_array_equal(large["count"][:10], small["count"])
    site = int(large["site"][7])
    again = jn.replay(large, sel={"site": site}, statistics=FLIPS.statistics)["count"]
    np.testing.assert_array_equal(again.squeeze(), large["count"].sel(site=site))


@pytest.mark.slow
def test_sites_share_their_noise_unless_it_is_to_be_fresh():
    sim = simulation(dead=hardware.DeadNeurons("output", NOWHERE))
    noise = {"v": jn.noise.VoltageNoise(jn.noise.Diffusion(0.5))}
    sim = jn.with_noise(sim, {"hidden": noise})
    paired, fresh = (run(sim, jn.AllSites(sim, "dead", paired=paired))["count"].values for paired in (True, False))
    healthy = jn.simulate(sim, key=2)["count"]
    others = [np.delete(paired[k], k) for k in range(3)]
    assert all(np.array_equal(row, np.delete(healthy, k)) for k, row in enumerate(others))
    assert any(np.any(np.delete(fresh[k], k) != np.delete(healthy, k)) for k in range(3))


@pytest.mark.parametrize(
    ("axis", "message"),
    [
        (lambda: jn.AllSites(FLIPS, "flop"), r"^AllSites.imperfection: unknown name; got 'flop'. Did you mean 'flip'"),
        (lambda: jn.RandomSites(FLIPS, "flip", 289), r"^RandomSites.n: must be at most the number of sites, 288; got 289"),
        (lambda: jn.RandomSites(FLIPS, "flip", 0), r"^RandomSites.n: must be a whole number >= 1"),
        (lambda: jn.RandomSites(FLIPS, "flip", 5, by="row"), r"^RandomSites.by: unknown name; got 'row'"),
        (lambda: jn.AllSites(simulation(dead=hardware.DeadNeurons("hidden", hardware.Scattered(0.1))), "dead"), r"^AllSites.imperfection: must have its sites given by SingleSite"),
        (lambda: jn.AllSites(simulation(q=hardware.Quantised(SYNAPSES[0], 4)), "q"), r"^AllSites.imperfection: must be a fault"),
        pytest.param(lambda: jn.AllSites(simulation((6, 5, 3), flip=hardware.FlippedBits(SYNAPSES, NOWHERE)), "flip").check(FLIPS), r"^AllSites.sim: must be made for the sites that there are", marks=pytest.mark.slow),
        (lambda: jn.Sweep("imperfections.flip.sites.site", jnp.array([0, 288])).check(FLIPS), r"^imperfections.flip.sites.site: must be a site of the layers .*\[-1, 287\]; got 288"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused(axis, message):
    with pytest.raises(InputError, match=message):
        axis()
