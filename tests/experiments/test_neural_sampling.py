"""The study of neural sampling: its estimates and its exact sums, and judges that can say no."""

from __future__ import annotations

import dataclasses
import itertools
from typing import Any

import jax
import numpy as np
import pytest
import xarray

import jaxsnn_noise as jn
from experiments import neural_sampling as module
from experiments.neural_sampling import digits, machines, pictures
from jaxsnn_noise import theory
from jaxsnn_noise.study import Progress, Verdict, load, run_study
from jaxsnn_noise.verdicts import NOT_MEASURED

CONFIG = dataclasses.replace(module.DEFAULT, machines=30, trials=40, lif_trials=20)


@pytest.mark.slow
def test_the_tiny_preset_ends_in_verdicts(tmp_path: Any) -> None:
    loaded = load("neural_sampling")
    run = run_study(loaded, loaded.preset("tiny"), tmp_path / "out")
    assert not run.errors
    assert {claim.name for claim in run.claims} == {c.name for c in module.CLAIMS}
    assert (tmp_path / "out" / "report.html").stat().st_size > 10_000


@pytest.mark.slow
def test_targets_are_those_of_the_machines_that_run() -> None:
    config = dataclasses.replace(module.TINY, machines=2)
    w, b = machines.all_drawn(config)
    build, *_ = machines.builders(config, machines.guessed())["abstract"]
    sim, axis = jn.Simulation(build(0), {}, duration=10.0, dt=1.0), jn.Realisations(2, build, name="machine")
    from jaxsnn_noise import random
    from jaxsnn_noise.engine.addresses import Address

    for k in range(2):
        made = axis.apply(sim, Address.of(), jax.numpy.int32(k), random.root(config.seed))[0]
        np.testing.assert_allclose(made.network.projections["couplings"].weights, w[k], rtol=1e-6)
        np.testing.assert_allclose(made.network.populations["units"].neuron.v_rest, b[k], rtol=1e-6)


def counts(p: np.ndarray, trials: int, n: int, seed: int, copies: int = 1) -> np.ndarray:
    """Independent samples [machine, trial, bin, state], each ``copies`` times in a row."""
    rng = np.random.default_rng(seed)
    return np.stack([copies * rng.multinomial(n // copies, one, size=(trials, machines.BINS)) for one in p])


def made_up(copies: int = 1, off: float = 0.0, floor: float = 0.6, better: float = 0.15, right: float = 0.7) -> Any:
    """Samples of 3 units with known correlation, of laws mixed with a flat one, and labels of chance ``right``."""
    config = dataclasses.replace(CONFIG, units=3)
    p = theory.boltzmann_probabilities(np.zeros((30, 3, 3)), np.random.default_rng(1).normal(size=(30, 3)))
    mixed = lambda share: (1 - share) * p + share / 8  # noqa: E731
    found: dict[str, Any] = {}
    laws = {"independent": p, "abstract": mixed(off), "exponential": mixed(floor), "rectangular": mixed(better)}
    for k, (name, law) in enumerate(laws.items()):
        found[name] = (
            ("machine", f"trial_{name}", "bin", "state"),
            counts(law, 40, 400, k, copies if name == "abstract" else 1),
        )
        found[f"target_{name}"] = (("machine", "state"), p)
    rng = np.random.default_rng(7)
    kinds = ["sampled", "exact", "mean", "original", "half"]
    label = rng.integers(10, size=300)
    chance = np.array([right, 0.75, 0.4, 0.9, 0.75])[:, None]
    answer = np.where(rng.random((1, 300)) < chance, label, (label + 1) % 10)
    digits_ = xarray.Dataset(
        {"answer": (("completion", "image"), answer), "label": ("image", label)}, {"completion": kinds}
    )
    return {"machines": xarray.Dataset(found), "digits": digits_}, config  # fmt: skip


def verdicts(data: Any, config: Any) -> dict[str, Verdict]:
    return {c.name: c.judge(data, config).verdict for c in module.CLAIMS}


def test_the_judges_say_yes_to_what_agrees_and_no_to_what_does_not() -> None:
    assert set(verdicts(*made_up(right=0.74)).values()) == {Verdict.REPRODUCED}
    bad = verdicts(*made_up(off=0.2, floor=0.0, better=0.3, right=0.3))
    assert bad.pop("independent_units") is Verdict.REPRODUCED
    assert set(bad.values()) == {Verdict.NOT_REPRODUCED}


def test_correlated_samples_have_their_correlation_time() -> None:
    data, _ = made_up(copies=4)
    found = machines.correlation_times(data["machines"], "abstract")
    np.testing.assert_allclose(found.mean(), 4.0, rtol=0.05)
    kl, expected = machines.rule(data["machines"], "abstract")
    np.testing.assert_allclose(kl.mean() / expected.mean(), 1.0, atol=0.08)


def small() -> tuple[digits.Machine, np.ndarray]:
    rng = np.random.default_rng(3)
    w, b, c = rng.normal(size=(digits.SIDE**2, 2)), rng.normal(size=digits.SIDE**2), rng.normal(size=2)
    seen = (rng.random((2, digits.SIDE**2)) < 0.3).astype(np.float32)
    return tuple(jax.numpy.asarray(x, jax.numpy.float32) for x in (0.2 * w, b, c)), seen  # type: ignore[return-value]


@pytest.mark.slow
def test_exact_completions_are_the_plain_sum_over_hidden_units() -> None:
    machine, seen = small()
    w, b, c = (np.asarray(x, float) for x in machine)
    known = digits.KNOWN
    for image, found in zip(seen, digits.exact(machine, seen), strict=True):
        total, mean = 0.0, 0.0
        for h in itertools.product((0.0, 1.0), repeat=2):
            pixels = b[~known] + w[~known] @ h
            weight = np.exp(c @ h + image[known] @ w[known] @ h + np.log1p(np.exp(pixels)).sum())
            total, mean = total + weight, mean + weight / (1 + np.exp(-pixels))
        np.testing.assert_allclose(found, mean / total, rtol=1e-4)


@pytest.mark.slow
def test_digits_are_completed_by_spikes_as_by_the_exact_sum_judged_and_drawn() -> None:
    """What the tiny preset leaves out; units without couplings and with biases of 12 are on, or off, but for e^-12 of the time."""
    config = dataclasses.replace(module.TINY, hidden=4, images=10, training=100, epochs=30, presentation=20)
    seen = (np.random.default_rng(4).random((10, digits.SIDE**2)) < 0.3).astype(np.float32)
    sure = np.where(np.random.default_rng(5).random(digits.SIDE**2) < 0.3, 12.0, -12.0)
    machine: Any = tuple(
        jax.numpy.asarray(x, jax.numpy.float32) for x in (np.zeros((digits.SIDE**2, 4)), sure, np.zeros(4))
    )
    for completed in (digits.sampled(machine, seen, config, Progress()), digits.exact(machine, seen)):
        np.testing.assert_allclose(completed, np.tile(sure[~digits.KNOWN] > 0, (10, 1)), atol=1e-3)
    found = digits.measured(config, Progress())
    assert found["shown"].values.tolist() == ["sampled", "exact", "mean", "original"]
    known = found["completed"].isel(pixel=digits.KNOWN)
    assert (known == known.sel(shown="original")).all()
    judged = [claim.judge({"digits": found}, config) for claim in module.CLAIMS[4:]]
    assert all(judgement.why != NOT_MEASURED for judgement in judged)
    assert pictures._digits(found).table is not None


def test_the_conditional_machine_is_that_of_the_whole() -> None:
    machine, seen = small()
    w, b, c = (np.asarray(x, float) for x in machine)
    weights, biases = digits.conditional(machine, seen)
    rng, known = np.random.default_rng(0), digits.KNOWN
    inner, h = (rng.random((2, int((~known).sum()))) < 0.5).astype(float), np.array([[1.0, 0.0], [0.0, 1.0]])

    def energy(k: int) -> float:
        v = seen[0].astype(float)
        v[~known] = inner[k]
        return float(b @ v + c @ h[k] + v @ w @ h[k])

    z = np.concatenate([inner, h], axis=1)
    conditional = [0.5 * one @ weights @ one + biases[0] @ one for one in z]
    assert conditional[1] - conditional[0] == pytest.approx(energy(1) - energy(0), rel=1e-5)


@pytest.mark.slow
def test_the_likelihood_is_one_over_all_images_and_training_raises_it() -> None:
    rng = np.random.default_rng(2)
    machine = tuple(
        jax.numpy.asarray(x, jax.numpy.float32)
        for x in (rng.normal(size=(6, 3)), rng.normal(size=6), rng.normal(size=3))
    )
    every = jax.numpy.asarray(list(itertools.product((0.0, 1.0), repeat=6)), jax.numpy.float32)
    each = [np.exp(float(digits.log_likelihood(machine, image[None], digits.states(3)))) for image in every]  # type: ignore[arg-type]
    assert sum(each) == pytest.approx(1.0, rel=1e-4)
    _, course = digits.trained(np.asarray(every)[[0, -1]], dataclasses.replace(module.TINY, hidden=3, epochs=40))
    assert course[-1] > course[0] + 1.0


def test_without_digits_their_claims_stay_open() -> None:
    config = dataclasses.replace(module.TINY, hidden=0)
    assert [c.judge({}, config).why for c in module.CLAIMS[4:]] == [NOT_MEASURED] * 3


def test_a_configuration_without_meaning_is_refused() -> None:
    with pytest.raises(ValueError, match="multiple of 40"):
        dataclasses.replace(module.DEFAULT, durations=150)
