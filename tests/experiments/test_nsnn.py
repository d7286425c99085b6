"""The study of noisy networks: its members are those of the package, pairs share all but the noise, and its judges can say no."""

from __future__ import annotations

import dataclasses
import functools
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsnn_noise as jn
from experiments import nsnn as module
from experiments.nsnn import asking, attacking, networks
from experiments.nsnn.networks import KINDS, TWIN, VARIANTS, Group
from helpers.statistical import assert_mean, assert_proportion
from jaxsnn_noise.study import Verdict, load, run_study

CONFIG = dataclasses.replace(module.DEFAULT, networks=8, attacked=8, images=40, draws=4)
SMALL = dataclasses.replace(module.TINY, hidden=30, steps=5)
GROUPS = CONFIG.groups()


def made_up(noisy: float, robust: float, twin: float = 0.0) -> Any:
    """Data in which noisy networks lie so many points above the twin, on clean images and on others, and the twin above the baseline."""
    import xarray

    rng, data = np.random.default_rng(0), {}
    for group, stds in GROUPS:
        right = 0.7 + 0.01 * rng.normal(size=(1, 1, 1, 8, 40)) + 1e-3 * rng.normal(size=(len(stds), 3, 6, 8, 40))
        right[:, :2, 0] += noisy / 100
        right[:, :2, 1:] += robust / 100
        several = right[:, :, :1] + np.reshape([0.0, 0.5, 1.0], (3, 1, 1)) * robust / 100
        several = several + 1e-3 * rng.normal(size=several.shape)
        columns: dict[str, Any] = {"correct": (("std", "kind", "test", "seed", "sample"), right)}
        columns["several"] = (("std", "kind", "draws", "seed", "sample"), several)
        columns["published"] = (
            ("test", "seed", "sample"),
            right[0, 2] - twin / 100 + 1e-3 * rng.normal(size=right[0, 2].shape),
        )
        columns["quiet"] = (("std", "variant", "seed", "sample"), right[:, :2, 0] - twin / 100)
        coords = {"std": list(stds), "kind": list(KINDS), "variant": list(VARIANTS), "test": list(asking.TESTS)}
        data[group.name] = xarray.Dataset(columns, coords | {"draws": [1, 2, 4], "seed": range(8)})
    held = 0.5 + 1e-3 * rng.normal(size=(2, 3, 8, 5, 40))
    held[:, :2] += robust / 100
    columns = {
        "correct": (("std", "kind", "seed", "attack", "sample"), held),
        "masked": (("std", "kind", "seed"), np.zeros((2, 3, 8))),
    }
    coords = {"std": list(GROUPS[0][1]), "kind": list(KINDS), "seed": range(8), "attack": list(attacking.ATTACKS)}
    return data | {"attacks": xarray.Dataset(columns, coords)}


def verdicts(data: Any) -> dict[str, Verdict]:
    return {c.name: c.judge(data, CONFIG).verdict for c in module.CLAIMS}


def test_the_judges_say_yes_and_no() -> None:
    good = verdicts(made_up(0.0, 3.0, twin=0.5))
    assert set(good.values()) == {Verdict.REPRODUCED}
    bad = verdicts(made_up(-4.0, -3.0, twin=-0.5))
    agree = {"variants_agree", "noise_off"}
    assert {name for name, verdict in bad.items() if verdict is Verdict.REPRODUCED} == agree
    assert {verdict for name, verdict in bad.items() if name not in agree} == {Verdict.NOT_REPRODUCED}
    data = made_up(0.0, 3.0)
    first = data[Group().name]
    first["correct"].loc[{"kind": VARIANTS[1], "std": 0.4}] -= 0.05
    first["quiet"][:] -= 0.05
    found = verdicts(data)
    for name in ("competitive", "variants_agree", "robust_flipped_spikes", "noise_off"):
        assert found[name] is Verdict.NOT_REPRODUCED
    assert found["any_law"] is Verdict.REPRODUCED
    masked = made_up(0.0, 3.0)
    masked["attacks"]["correct"].loc[{"attack": "search", "kind": list(VARIANTS)}] = 0.3
    found = verdicts(masked)
    assert found["robust_gradient"] is Verdict.REPRODUCED
    assert found["robust_cube"] is Verdict.NOT_REPRODUCED


def test_what_is_left_out_is_not_judged() -> None:
    data = {name: part for name, part in made_up(0.0, 3.0, twin=0.5).items() if name == Group().name}
    config = dataclasses.replace(CONFIG, laws=(), architectures=(), sets=())
    left_out = {"any_law", "any_architecture", "other_images", "robust_sphere", "robust_gradient", "robust_cube"}
    for claim in module.CLAIMS:
        assert (claim.judge(data, config).verdict is Verdict.UNDECIDED) == (claim.name in left_out)
    with pytest.raises(ValueError, match="attacked must be 0"):
        dataclasses.replace(module.DEFAULT, attacked=25)


@pytest.mark.slow
def test_images_are_perturbed_as_said_and_none_is_in_both_parts() -> None:
    data = asking.images(Group(), module.DEFAULT)
    values = data["test"][0][:100]
    shown = asking.perturbed(module.DEFAULT, values)
    assert list(shown) == list(asking.TESTS)
    for name in ("clean", "flipped spikes", "membrane noise"):
        np.testing.assert_array_equal(shown[name], values)
    middle = values == 0.0
    assert_proportion(int((shown["Gaussian pixels"][middle] > 0.3).sum()), int(middle.sum()), 0.158655)
    hit = shown["salt and pepper"] != values
    assert_proportion(int(hit[middle].sum()), int(middle.sum()), 0.1)  # of dark pixels the half that becomes white
    there, left = (values != 0).sum(axis=1), (shown["dropped pixels"] != 0).sum(axis=1)
    assert np.abs(left - 0.5 * there).max() <= 0.5
    assert not {row.tobytes() for row in data["train"][0]} & {row.tobytes() for row in data["test"][0]}


def test_presets_and_groups_change_one_factor_at_a_time() -> None:
    assert GROUPS[0] == (Group(), module.DEFAULT.stds)
    for group, stds in GROUPS[1:]:
        assert sum(getattr(group, f.name) != f.default for f in dataclasses.fields(group)) == 1
        assert stds == (module.DEFAULT.other,)
    assert len({group.name for group, _ in GROUPS}) == 7
    assert networks.number(GROUPS[1][0], CONFIG) == CONFIG.other_networks


@functools.cache
def _programs() -> Any:
    @eqx.filter_jit
    def spikes_and_slope(sim: jn.Simulation, image: Any) -> Any:
        def value(weights: Any) -> Any:
            made = jn.paths.replace(sim, {"network.input_to_hidden.weights": weights})
            made = eqx.tree_at(lambda s: s.inputs, made, {"input": jn.coding.Constant(image)})
            shown = {"s": jn.statistics.Trace("spikes", population="hidden"), **sim.statistics}
            found = jn.simulate(made, key=3, statistics=shown)
            return jnp.square(found["output"]).sum(), found["s"].spikes

        (_, spikes), slope = jax.value_and_grad(value, has_aux=True)(sim.network.projections["input_to_hidden"].weights)
        return spikes, slope

    return spikes_and_slope


@pytest.mark.slow
@pytest.mark.parametrize("law", ["Gaussian", "uniform"])
def test_members_are_noise_driven_networks_and_their_twins(law: str) -> None:
    image = np.random.default_rng(0).uniform(0.0, 0.6, 784).astype(np.float32)
    plain = jn.Simulation(
        networks.plain("feed-forward", SMALL.hidden, 1), {"input": jn.coding.Constant(np.zeros(784))},
        duration=float(SMALL.steps), dt=1.0, statistics={"output": jn.statistics.Mean("v", population="output")},
    )  # fmt: skip
    std, of = 0.4, networks.LAWS[law]()
    wanted = {
        VARIANTS[0]: jn.networks.noise_driven(plain, std, state_std=0.0, distribution=of),
        VARIANTS[1]: jn.networks.noise_driven(plain, std, state_std=std, distribution=of),
    }
    wanted[TWIN] = jn.networks.deterministic_twin(wanted[VARIANTS[1]])
    seen = []
    for kind, expected in wanted.items():
        (spikes, slope), (others, steep) = (
            _programs()(sim, image) for sim in (networks.member(Group(law=law), SMALL, kind, std, 1), expected)
        )
        np.testing.assert_array_equal(spikes, others)
        np.testing.assert_allclose(slope, steep, rtol=1e-4, atol=1e-5 * float(jnp.abs(steep).max()))
        assert np.asarray(spikes).any()
        assert np.asarray(slope).any()
        seen.append(np.asarray(spikes))
    assert (seen[0] != seen[2]).any()


@pytest.mark.slow
def test_pairs_share_weights_images_and_order() -> None:
    config = dataclasses.replace(SMALL, networks=2, samples=60, epochs=1, batch=30, rate=1e-8)
    data = asking.images(Group(), config)["train"]
    fits = [networks.trained(Group(), config, kind, 0.4, data) for kind in (VARIANTS[0], TWIN)]
    first, second = (of.leaves["network.input_to_hidden.weights"] for of in fits)
    np.testing.assert_allclose(first, second, atol=1e-6)
    assert np.abs(first[0] - first[1]).max() > 1e-3
    weak = [networks.trained(Group(), config, kind, std, data) for kind, std in ((VARIANTS[0], 1e-6), (TWIN, 1e-6))]
    np.testing.assert_array_equal(weak[0].history["loss"], weak[1].history["loss"])  # the same images in the same order


@pytest.mark.slow
def test_disturbances_are_what_they_say() -> None:
    network = networks.member(Group(), dataclasses.replace(SMALL, hidden=500), TWIN, 0.4, 0).network
    sources = asking.disturbance(network, 0.1, 0.0)
    assert sorted(sources) == ["hidden"]
    sim = jn.Simulation(
        jn.with_noise(network, sources), {"input": jn.coding.Constant(np.full(784, 0.3))}, duration=100.0, dt=1.0,
        statistics={"s": jn.statistics.Trace(("spikes", "output"), population="hidden")},
    )  # fmt: skip
    found = jn.simulate(sim, key=0)["s"]
    spikes, output = np.asarray(found.spikes), np.asarray(found.output)
    for there in (0.0, 1.0):
        here = spikes == there
        assert here.sum() > 1000
        assert_proportion(int((output[here] != there).sum()), int(here.sum()), 0.1)
    quiet = jn.Population(
        jn.neurons.LIF(400, tau_mem=1e-3, v_threshold=1e9), noise=asking.disturbance(network, 0.0, 0.4)["hidden"]
    )
    membrane = jn.Simulation(jn.Network({"c": quiet}), duration=50.0, dt=1.0)
    v = jn.simulate(membrane, key=0, statistics={"v": jn.statistics.Trace("v", population="c")})["v"].v
    assert_mean(np.square(np.asarray(v, float)).ravel(), 0.16)


@pytest.mark.slow
def test_the_tiny_preset_ends_in_verdicts(tmp_path: Any) -> None:
    loaded = load("nsnn")
    run = run_study(loaded, loaded.preset("tiny"), tmp_path / "out")
    assert not run.errors
    assert all(claim.judgement is not None for claim in run.claims)
    assert (tmp_path / "out" / "report.html").stat().st_size > 10_000
