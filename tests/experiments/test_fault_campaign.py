"""The fault campaign: each row has one fault at the place it names, area is counted, and the judges can say no."""

from __future__ import annotations

import dataclasses
from typing import Any

import equinox as eqx
import numpy as np
import pytest

import jaxsnn_noise as jn
from experiments import fault_campaign as module
from experiments.fault_campaign import claims, measuring, networks
from jaxsnn_noise.study import Progress, Verdict, load, run_study
from jaxsnn_noise.verdicts import NOT_MEASURED

CONFIG = dataclasses.replace(module.DEFAULT, networks=8, images=60, hidden=(8, 6))
NETWORKS = 24


pytestmark = pytest.mark.slow  # each needs trained networks


@pytest.fixture(scope="module")
def network() -> Any:
    return jn.networks.feedforward([networks.SIDE**2, *CONFIG.hidden, 10], key=0)


@pytest.fixture(scope="module")
def rows(network: Any) -> tuple[Any, dict[str, list[Any]]]:
    config = dataclasses.replace(CONFIG, sites=30, bit_sites=3)
    return networks.campaign(networks.simulation(network, config, networks.faults()), config, 5)


def test_every_row_has_one_fault_and_layers_have_as_many(rows: Any) -> None:
    places, labels = rows
    sites = np.asarray(places.sites)
    assert (sites >= 0).sum(axis=1).tolist() == [0] + [1] * (len(sites) - 1)
    kinds, layers, bits = (np.array(labels[name]) for name in ("kind", "layer", "bit"))
    assert [networks.KINDS[k] for k in np.argmax(sites[1:] >= 0, axis=1)] == kinds[1:].tolist()
    for kind in networks.SYNAPSE_KINDS:
        for layer in networks.WEIGHTS:
            here = (kinds == kind) & (layers == layer)
            assert here.sum() == (24 if kind == "flipped bit" else 30)
            if kind == "flipped bit":
                assert np.bincount(bits[here], minlength=8).tolist() == [3] * 8
    assert ((kinds == "dead neuron").sum(), (kinds == "saturated neuron").sum()) == (24, 14)


def test_places_are_those_that_the_labels_name(rows: Any, network: Any) -> None:
    """The site of a row moves the leaf of its layer, and no other."""
    places, labels = rows
    faults = networks.faults()
    kinds, layers = np.array(labels["kind"]), np.array(labels["layer"])
    for kind, layer in (("dead synapse", networks.WEIGHTS[2]), ("dead synapse", networks.WEIGHTS[0])):
        row = int(np.flatnonzero((kinds == kind) & (layers == layer))[0])
        site = int(places.sites[row, networks.KINDS.index(kind)])
        fault = eqx.tree_at(lambda f: f.sites, faults[kind], jn.hardware.SingleSite(site))
        moved = fault.apply(network, jn.random.root(0))
        for name in networks.WEIGHTS:
            changed = (moved.projections[name].weights != network.projections[name].weights).sum()
            assert int(changed) == (name == layer)


def test_redundancy_has_its_area_and_voters_fail_as_small_things_do(network: Any) -> None:
    whole = networks.area(networks.protected(network, None)) / networks.area(network)
    half = {"hidden_1": np.arange(4), "hidden_2": np.arange(3)}
    some = networks.area(networks.protected(network, half)) / networks.area(network)
    assert whole == pytest.approx(3.0, abs=0.07)
    assert some == pytest.approx(2.0, abs=0.07)
    faults = networks.scattered(networks.protected(network, None), 0.02, outputs=False)
    chance = dict(zip(faults["dead"].populations, np.asarray(faults["dead"].sites.fraction).tolist(), strict=True))
    assert chance["hidden_1"] == pytest.approx(0.02)
    assert chance["output"] == 0.0
    assert chance["hidden_1_voter"] == pytest.approx(0.02 * 4 / 197)
    assert chance["hidden_2_voter"] == pytest.approx(0.02 * 4 / 9)


def made_up(rows: Any, *, good: bool) -> Any:
    """Data in which all claims hold, or none; 200 images, a few of which show the faults."""
    import xarray

    rng, labels, n = np.random.default_rng(0), rows[1], 200
    kinds, layers, bits = (np.array(labels[name]) for name in ("kind", "layer", "bit"))
    wrong = np.zeros((NETWORKS, len(kinds), n), bool)
    hits = {"saturated neuron": 30, "dead neuron": 4} if good else {"saturated neuron": 4, "dead neuron": 30}
    for kind, count in hits.items():
        wrong[:, kinds == kind, :count] = True
    output = (kinds == "dead neuron") & (layers == "output")
    wrong[:, output] = np.arange(n) < (40 if good else 1)
    if not good:
        wrong[:, (kinds == "dead synapse")] = np.arange(n) < 45
        low = np.flatnonzero((kinds == "flipped bit") & (bits < claims.LOW_BITS))
        for i, row in enumerate(low):
            wrong[:, row] = (np.arange(n) >= 5 * (i % 35)) & (np.arange(n) < 5 * (i % 35) + 25)
    label = np.arange(n) % 10
    answer = (label + wrong) % 10
    coords = {"seed": range(NETWORKS), **{name: ("fault", values) for name, values in labels.items()}}
    campaign = xarray.Dataset({"answer": (("seed", "fault", "sample"), answer), "label": ("sample", label)}, coords)
    options = ["plain", "half", "all", "mean of 2", "mean of 3"]
    correct = 0.8 + 0.01 * rng.normal(size=(5, NETWORKS, 2, n))
    correct[1:3] += 0.05 if good else -0.05
    repairs = xarray.Dataset(
        {"correct": (("option", "seed", "place", "sample"), correct)},
        {"option": options, "seed": range(NETWORKS), "place": ["hidden", "all"]},
    )
    return {"campaign": campaign, "repairs": repairs}


def verdicts(data: Any) -> dict[str, Verdict]:
    config = dataclasses.replace(CONFIG, images=200)
    return {c.name: c.judge(data, config).verdict for c in module.CLAIMS}


def test_the_judges_say_yes_and_no(rows: Any) -> None:
    yes, no = verdicts(made_up(rows, good=True)), verdicts(made_up(rows, good=False))
    assert set(yes.values()) == {Verdict.REPRODUCED}
    assert {name for name, verdict in no.items() if verdict is not Verdict.NOT_REPRODUCED} <= {
        "few_images",
        "images_serve_other_faults",
    }


def test_redundancy_that_is_left_out_leaves_its_claims_open(rows: Any) -> None:
    data = {"campaign": made_up(rows, good=True)["campaign"]}
    for claim in module.CLAIMS[-2:]:
        assert claim.judge(data, CONFIG).why == NOT_MEASURED
    with pytest.raises(ValueError, match="hidden must have two entries"):
        dataclasses.replace(module.DEFAULT, hidden=(4, 4, 4))


def test_rows_are_those_of_campaigns_and_single_faults(network: Any, rows: Any) -> None:
    """Every kind once, by the axis of the study and by a simulation whose only fault is there from the start."""
    places, labels = rows
    sim = networks.simulation(network, CONFIG, networks.faults())
    images = networks.images(dataclasses.replace(CONFIG, samples=10, images=20))["test"][0]
    found = jn.monte_carlo(sim, [places, jn.Samples(images)], key=measuring.key(CONFIG, 0), progress=False)["readout"]
    kinds = np.array(labels["kind"])
    for kind in ("saturated neuron", "transient neuron", "high synapse", "flipped bit", "threshold"):
        row = int(np.flatnonzero(kinds == kind)[1])
        site = int(places.sites[row, networks.KINDS.index(kind)])
        fault = eqx.tree_at(lambda f: f.sites, networks.faults()[kind], jn.hardware.SingleSite(site))
        alone = networks.simulation(network, CONFIG, {kind: fault})
        data = jn.monte_carlo(alone, [jn.Samples(images)], key=measuring.key(CONFIG, 0), progress=False)["readout"]
        np.testing.assert_allclose(found.isel(fault=row).values, data.values, rtol=1e-5, atol=1e-6)


def test_without_faults_every_redundancy_answers_as_the_network_does(rows: Any) -> None:
    """What the tiny preset leaves out: chips, plain, protected and together, in data and pictures."""
    config = dataclasses.replace(CONFIG, networks=1, steps=8, images=20, samples=10, chips=6, share=0.0)
    made = jn.networks.feedforward([networks.SIDE**2, *config.hidden, 10], key=0)
    images = networks.images(config)["test"][0]
    data = jn.monte_carlo(networks.simulation(made, config), [jn.Samples(images)], key=0, progress=False)
    labels = (measuring.answered(data) + np.arange(20) % 2) % 10  # every second one is wrong
    assert set(module.build(config)) == {"campaign", "redundant"}
    worst = [{"hidden_1": np.array([5, 1, 2, 0]), "hidden_2": np.array([3, 0, 1])}]
    repairs = measuring._repairs(config, Progress(), [made], (images, labels), worst)
    assert (repairs["correct"] == (np.arange(20) % 2 == 0)).all()
    assert repairs["option"].values.tolist() == [
        "plain",
        "half",
        "all",
        "mean of 2",
        "vote of 2",
        "mean of 3",
        "vote of 3",
    ]
    np.testing.assert_allclose(repairs["area"], [1, 2, 3, 2, 2, 3, 3], atol=0.07)
    data = made_up(rows, good=True) | {"repairs": repairs}
    assert set(module.plot(data, config)) == {"critical_sites", "bits", "area"}


def test_the_tiny_preset_ends_in_verdicts(tmp_path: Any) -> None:
    loaded = load("fault_campaign")
    run = run_study(loaded, loaded.preset("tiny"), tmp_path / "out")
    assert not run.errors
    assert all(claim.judgement is not None for claim in run.claims)
