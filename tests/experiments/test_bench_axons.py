"""W5: the same scheme in ours, in the NumPy loop and as code for Brian2, and rates compared before times."""

from __future__ import annotations

import dataclasses

import jax.numpy as jnp
import numpy as np
import pytest

from experiments.bench import compare, models
from experiments.bench.axons import PAIRS, Axons
from experiments.bench.systems import brian2_axons, numpy_axons, ours_axons
from jaxsnn_noise.neurons import channels

ONE = Axons(neurons=100, steps=3000)


def rate(program, problem: Axons, seeds: int) -> tuple[float, float]:
    rates = [problem.rate_hz(np.asarray(program.run(seed))) for seed in range(1, seeds + 1)]
    return float(np.mean(rates)), float(np.std(rates, ddof=1) / seeds**0.5)


def apart(a: tuple[float, float], b: tuple[float, float]) -> float:
    return abs(a[0] - b[0]) / (a[1] ** 2 + b[1] ** 2) ** 0.5


def test_all_start_at_rest_and_pairs_are_those_of_the_channels() -> None:
    shares = ONE.data()["shares"]
    start = channels.TransitionLangevin().start(jnp.zeros(1), channels.Counts(jnp.ones(1), jnp.ones(1)))
    na, k = start.states()
    np.testing.assert_allclose(shares, [float(x[0]) for x in (*na, *k)], rtol=1e-5)
    assert len(PAIRS) == 14
    up, down = (x[:, 0] for x in numpy_axons._rates(np.zeros(1)))
    flux = [up[i] * shares[low] - down[i] * shares[high] for i, (low, high, *_) in enumerate(PAIRS)]
    np.testing.assert_allclose(flux, 0.0, atol=1e-12)  # detailed balance at rest


def test_the_code_for_brian2_is_the_step_of_the_loop() -> None:
    """Run as Python, its normals taken from the generator of the loop."""
    problem = Axons(neurons=5, steps=1, area=3.0)
    x = np.random.default_rng(0).dirichlet(np.ones(8), 5).T, np.random.default_rng(1).dirichlet(np.ones(5), 5).T
    shares = np.concatenate(x)
    shares[0] -= 0.9  # a negative share counts as 0 under the root
    v, z = np.linspace(-10.0, 90.0, 5), np.random.default_rng(2).standard_normal((14, 5))
    drawn = iter(z)
    names = {f"x{i}": row.copy() for i, row in enumerate(shares)}
    names |= {"v": v.copy(), "armed": np.zeros(5), "inf": np.inf, "exp": np.exp, "sqrt": np.sqrt, "clip": np.clip}
    names |= {"exprel": lambda a: np.expm1(a) / a, "randn": lambda: next(drawn), "int": lambda a: a.astype(float)}
    exec(brian2_axons.code(problem), names)
    moved_v = numpy_axons._flow(v, shares, problem.drive, 0.005)
    up, down = numpy_axons._rates(moved_v)
    moved = numpy_axons._drifted(shares, up, down, 0.005)
    number = np.array([60.0 if low < 8 else 18.0 for low, *_ in PAIRS])[:, None] * problem.area
    low, high = ([pair[side] for pair in PAIRS] for side in (0, 1))
    intensity = up * np.maximum(moved[low], 0) + down * np.maximum(moved[high], 0)
    moved = numpy_axons._exchanged(moved, np.sqrt(intensity * 0.01 / number) * z)
    moved = numpy_axons._drifted(moved, up, down, 0.005)
    np.testing.assert_allclose([names[f"x{i}"] for i in range(13)], moved, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(names["v"], numpy_axons._flow(moved_v, moved, problem.drive, 0.005), rtol=1e-9)
    np.testing.assert_array_equal(names["armed"], names["v"] < 20.0)


@pytest.mark.slow
def test_without_noise_ours_fires_as_the_loop() -> None:
    plain = Axons(neurons=2, steps=6000, area=1e12, drive=10.0)
    assert np.array_equal(ours_axons.w5(plain, plain.data()).run(0), numpy_axons.w5(plain, plain.data()).run(0))
    other = dataclasses.replace(plain, drive=30.0)
    assert not np.array_equal(ours_axons.w5(other, {}).run(0), numpy_axons.w5(plain, plain.data()).run(0))


@pytest.mark.slow
def test_ours_and_the_loop_agree_and_another_membrane_does_not() -> None:
    reference = rate(numpy_axons.w5(ONE, ONE.data()), ONE, 5)
    assert apart(reference, rate(ours_axons.w5(ONE, {}), ONE, 40)) <= compare.SIGMAS
    other = dataclasses.replace(ONE, area=10.0)
    assert apart(reference, rate(ours_axons.w5(other, {}), other, 40)) > compare.SIGMAS


@pytest.mark.slow
def test_what_models_cost_is_told_for_each(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(models, "STEPS", {name: models.STEPS[name] for name in ("LIF", "Deterministic")})
    found = models.measure(2, lambda text: None, neurons=4, steps=20)
    assert [one["model"] for one in found] == list(models.STEPS)
    text = models.table(found)
    assert all(f"| {name} | " in text for name in models.STEPS)
    slow = {one["model"]: 0.0 * np.array(one["seconds"]) + 2e-6 for one in found}
    line = models.table([{"model": "LIF", "dt": 0.1, "seconds": slow["LIF"]}]).splitlines()[-1]
    assert line == "| LIF | 0.1 | 2e+03 [2e+03 to 2e+03] | 20 |"
