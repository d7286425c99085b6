"""The study of noise as a regulariser: members learn as by themselves, strengths come from their own images, judges can say no."""

from __future__ import annotations

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import jaxsnn_noise as jn
from experiments import noise_regularisation as module
from experiments.noise_regularisation import claims, members
from helpers.statistical import assert_mean
from jaxsnn_noise import random
from jaxsnn_noise.study import Verdict, load, run_study

TINY = dataclasses.replace(module.TINY, updates=4)
CONFIG = dataclasses.replace(module.DEFAULT, networks=8, images=40)


def made_up(**points: float) -> Any:
    """Data in which each method lies so many points above none with few images, and none of them with many."""
    import xarray

    rng = np.random.default_rng(0)
    shape = (len(module.METHODS), len(CONFIG.sizes), 8, 2, 40)
    right = 0.7 + 0.01 * rng.normal(size=(1, 1, 8, 1, 40)) + 1e-3 * rng.normal(size=shape)
    for method, gain in points.items():
        right[module.METHODS.index(method), :-1] += gain / 100
    dims = ("regulariser", "size", "seed", "tested", "sample")
    coords = {"regulariser": list(module.METHODS), "size": list(CONFIG.sizes), "tested": list(module.TESTED)}
    return {"final": xarray.Dataset({"correct": (dims, right)}, coords | {"seed": range(8)})}


def verdicts(data: Any) -> dict[str, Verdict]:
    return {c.name: c.judge(data, CONFIG).verdict for c in module.CLAIMS}


def test_the_judges_say_yes_and_no() -> None:
    assert set(verdicts(made_up(noise=3.0, decay=1.0, dropout=3.0)).values()) == {Verdict.REPRODUCED}
    worse = verdicts(made_up(noise=-3.0, decay=1.0, dropout=1.0))
    assert worse.pop("noise_does_nothing_with_many") is Verdict.REPRODUCED
    assert set(worse.values()) == {Verdict.NOT_REPRODUCED}
    data = made_up(noise=3.0)
    data["final"]["correct"].loc[{"regulariser": "noise", "size": CONFIG.sizes[-1]}] += 0.03
    assert verdicts(data)["noise_does_nothing_with_many"] is Verdict.NOT_REPRODUCED
    assert float(claims.gain(data, 200).mean()) == pytest.approx(3.0, abs=0.1)


def test_strengths_come_from_images_of_their_own() -> None:
    import xarray

    accuracy = np.zeros((3, 2, 2, 1))
    accuracy[0, 1, 0], accuracy[1, :, 0] = 1.0, 0.5
    dims = {"accuracy": (("regulariser", "trial", "size", "network"), accuracy)}
    strengths = {"strength": (("regulariser", "trial"), [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])}
    found = module.chosen(xarray.Dataset(dims | strengths)).transpose("regulariser", "size").values
    np.testing.assert_array_equal(found, [[2.0, 1.0], [3.0, 3.0], [5.0, 5.0]])
    data = members.images(module.DEFAULT)
    rows = {name: {row.tobytes() for row in values} for name, (values, _) in data.items()}
    assert len(data["train"][1]) == 5000
    assert not rows["tune"] & rows["test"]
    assert not rows["train"] & (rows["tune"] | rows["test"])
    assert module.FULL.tuners < module.APART


def test_a_neuron_that_is_dropped_is_out_for_the_whole_presentation() -> None:
    source, size, p = members.Dropout(0.3), 4000, 0.3
    key = random.stream(random.root(1), "x")
    mask = source.init(key, size, 1.0)
    context = type("Context", (), {"value": jnp.full(size, 2.0)})()
    added, after = source.draw(mask, context, random.tick(key, 0), 1.0)
    np.testing.assert_array_equal(2.0 + added, 2.0 * mask)
    assert after is mask
    assert_mean(np.asarray(mask, float), 1 - p)
    with pytest.raises(jn.InputError, match="probability"):
        members.Dropout(1.2)


def test_presets_that_cannot_be_compared_are_refused() -> None:
    with pytest.raises(ValueError, match="same number of strengths"):
        dataclasses.replace(module.DEFAULT, decay=(0.1,))
    with pytest.raises(ValueError, match="primary"):
        dataclasses.replace(module.DEFAULT, primary=150)


@pytest.mark.slow
def test_a_member_is_a_network_that_is_trained_by_itself_with_adamw() -> None:
    config = dataclasses.replace(TINY, updates=6)
    values, labels = map(jnp.asarray, members.images(config)["train"])
    decayed = members.member(3, 30, "decay", 2.0)
    told: list[int] = []
    flat = members.learnt(config, (values, labels), [decayed, members.member(3, 30, "none")], told.append)
    root = random.member(random.root(config.seed), network=3)
    words = random.bits(random.tick(random.stream(root, "images"), 0), random.entities(5000))
    own = np.argsort(np.asarray(words), kind="stable")[:30]
    weights = {
        path: random.normals(random.stream(root, path), shape) * (5.0 / shape[1] ** 0.5)
        for path, shape in ((members.FIRST, (config.hidden, 784)), (members.SECOND, (10, config.hidden)))
    }
    network = members.simulation(config, 0).network
    rate = optax.cosine_decay_schedule(config.rate, config.updates)
    optimiser = optax.adamw(rate, weight_decay=2.0)
    state = optimiser.init(weights)
    short = {path: path.removeprefix("network.") for path in weights}

    def loss(weights: Any, at: Any) -> Any:
        shown = jn.paths.replace(network, {short[path]: w for path, w in weights.items()})
        logits = 10.0 * jn.apply(shown, values[at], key=0, duration=float(config.steps))["output"]
        return optax.softmax_cross_entropy_with_integer_labels(logits, labels[at]).mean()

    slope = jax.jit(jax.grad(loss))
    for number in range(config.updates):
        u = np.asarray(
            random.uniforms(random.stream(random.member(root, step=number), "batch"), (config.batch,)), float
        )
        with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
            move, state = optimiser.update(slope(weights, own[(30 * u).astype(int)]), state, weights)
        weights = optax.apply_updates(weights, move)
    wanted = np.concatenate([np.asarray(weights[path]).ravel() for path in (members.FIRST, members.SECOND)])
    np.testing.assert_allclose(flat[0], wanted, rtol=2e-3, atol=2e-5)
    assert np.abs(flat[1] - flat[0]).max() > 1e-2
    assert told == [2]


@pytest.mark.slow
def test_noise_and_dropout_act_in_training_and_blocks_change_nothing() -> None:
    data = members.images(TINY)
    three = [members.member(1, 30, m, 0.5) for m in ("noise", "dropout", "none")]
    together = members.learnt(TINY, data["train"], three, lambda done: None)
    alone = members.learnt(dataclasses.replace(TINY, at_once=1), data["train"], three, lambda done: None)
    np.testing.assert_allclose(together, alone, rtol=1e-4, atol=1e-5)
    for row in together[:2]:
        assert np.abs(row - together[2]).max() > 1e-3
    quiet = members.correct(TINY, data["tune"], together, [1, 1, 1], (0.0, 3.0))
    assert quiet.shape == (3, 2, 20)
    std = 2.0
    membrane = {"hidden": {"m": jn.noise.VoltageNoise(jn.noise.Diffusion(members.diffusion(std)))}}
    free = jn.Population(jn.neurons.LeakyIntegrator(400, tau_mem=members.TAU), noise=membrane["hidden"])
    sim = jn.Simulation(jn.Network({"free": free}), duration=200.0, dt=1.0, warmup=60.0)
    found = jn.simulate(sim, key=0, statistics={"v": jn.statistics.Trace("v", population="free", every=50)})["v"].v
    assert_mean(np.square(np.asarray(found, float)).ravel(), std**2)


@pytest.mark.slow
def test_after_dropout_the_output_weights_are_scaled_by_the_share_that_stays() -> None:
    config = dataclasses.replace(TINY, updates=1, rate=1e-9, at_once=2)
    both = [members.member(1, 30, "dropout", 0.4), members.member(1, 30, "none")]
    dropped, whole = members.learnt(config, members.images(config)["train"], both, lambda done: None)
    cut = 784 * config.hidden
    np.testing.assert_allclose(dropped[:cut], whole[:cut], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(dropped[cut:], 0.6 * whole[cut:], rtol=1e-5, atol=1e-6)


@pytest.mark.slow
def test_the_tiny_preset_ends_in_verdicts(tmp_path: Any) -> None:
    loaded = load("noise_regularisation")
    run = run_study(loaded, loaded.preset("tiny"), tmp_path / "out")
    assert not run.errors
    assert all(claim.judgement is not None for claim in run.claims)
    assert (tmp_path / "out" / "report.html").stat().st_size > 10_000
