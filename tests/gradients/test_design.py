"""Budgets of noise: against the optimum in closed form, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import jaxsnn_noise as jn
from jaxsnn_noise import gradients
from jaxsnn_noise.gradients import Budget

A, B = "network.a.noise.m.amplitude.sigma", "network.b.noise.m.amplitude.sigma"


def membranes() -> jn.Simulation:
    """Two membranes whose squared potentials are summed: E = sum sigma_i^2 times a factor of each."""
    parts = {
        name: jn.Population(
            jn.neurons.LeakyIntegrator(1, tau_mem=tau), noise={"m": jn.noise.VoltageNoise(jn.noise.Diffusion(0.5))}
        )
        for name, tau in (("a", 5.0), ("b", 20.0))
    }
    last = {f"v_{name}": jn.statistics.Last("v", population=name) for name in parts}
    inputs = {name: jn.coding.Constant(0.0) for name in parts}
    return jn.Simulation(jn.Network(parts), inputs, duration=60.0, dt=1.0, statistics=last)


class Power(gradients.Quantity):
    """The summed mean square of the last potentials."""

    linear = True

    @property
    def name(self) -> str:
        return "power"

    def units(self, sim: jn.Simulation) -> str:
        return "mV^2"

    def statistics(self, sim: jn.Simulation) -> dict[str, Any]:
        return {"v_a": sim.statistics["v_a"], "v_b": sim.statistics["v_b"]}

    def moments(self, results: Any, sim: jn.Simulation) -> Any:
        return results["v_a"] ** 2 + results["v_b"] ** 2

    @classmethod
    def example(cls) -> Any:
        return cls()


@pytest.mark.slow
def test_a_sum_of_variances_has_its_known_optimum_and_the_gain_is_verified() -> None:
    """With costs c_i/sigma_i^2 = B w_i the sum of k_i sigma_i^2 is least at w_i ~ sqrt(c_i k_i)."""
    budget = Budget({A: 1.0, B: 2.0})
    found = gradients.spend(membranes(), Power(), budget, steps=8, trials=4000, key=1, estimator=gradients.Pathwise())
    k = np.array([tau / 2 * (1 - np.exp(-120.0 / tau)) for tau in (5.0, 20.0)])
    c = np.array([1.0, 2.0])
    share = np.sqrt(c * k) / np.sqrt(c * k).sum()
    total = (c / 0.25).sum()
    best = np.sqrt(c / (total * share))
    values = np.array([float(jn.paths.get(found.sim, leaf)) for leaf in (A, B)])
    np.testing.assert_allclose(values, best, rtol=0.03)
    np.testing.assert_allclose(budget.spent(values), total, rtol=1e-5)
    gain = (k * 0.25).sum() - (k * best**2).sum()
    assert found.verified.gain_low < gain < found.verified.gain_high
    assert found.verified.gain_low > 0
    np.testing.assert_allclose(found.path.share.sum("leaf"), 1.0)
    assert found.verified.output.sel(design="given") == pytest.approx((k * 0.25).sum(), rel=0.1)


class Distance(gradients.OfTarget):
    """The squared distance of ``v_a + 3 v_b`` from the target of a sample."""

    own = None

    @property
    def name(self) -> str:
        return "distance"

    def units(self, sim: jn.Simulation) -> str:
        return "mV^2"

    def check_targets(self, sim: jn.Simulation, targets: np.ndarray) -> None:
        """Any will do."""

    def statistics(self, sim: jn.Simulation) -> dict[str, Any]:
        return {"v_a": sim.statistics["v_a"], "v_b": sim.statistics["v_b"]}

    def moments(self, results: Any, sim: jn.Simulation) -> Any:
        return (results["v_a"] + 3 * results["v_b"] - self.asked(results)) ** 2

    @classmethod
    def example(cls) -> Any:
        return cls()


def over(values: list[float], targets: list[float], kind: Any = gradients.FixedSamples) -> Any:
    return kind(jn.Samples(np.array(values, np.float32), "inputs.a.values"), targets)


@pytest.mark.slow
def test_over_samples_the_optimum_is_that_of_the_variances_and_held_out_samples_are_those_told() -> None:
    """E = mean (m_s - t_s)^2 + sum of variances, whose shares are as the root of c k w^2."""
    budget, search = Budget({A: 1.0, B: 1.0}), over([0.5, 1.0, 2.0], [0.5, 1.2, 2.1])
    apart = over([1.0, 3.0], [2.0, 5.0], gradients.DrawnSamples)
    found = gradients.spend(
        membranes(),
        Distance(),
        budget,
        steps=8,
        trials=1500,
        key=3,
        estimator=gradients.Pathwise(),
        samples=search,
        held_out=apart,
    )
    k = np.array([tau / 2 * (1 - np.exp(-120.0 / tau)) for tau in (5.0, 20.0)]) * np.array([1.0, 9.0])
    share = np.sqrt(k) / np.sqrt(k).sum()
    best = np.sqrt(1 / (8.0 * share))
    np.testing.assert_allclose([float(jn.paths.get(found.sim, leaf)) for leaf in (A, B)], best, rtol=0.04)
    reached = 1 - np.exp(-60.0 / 5.0)
    given = np.mean([(reached * 1.0 - 2.0) ** 2, (reached * 3.0 - 5.0) ** 2]) + (k * 0.25).sum()
    assert found.verified.output.sel(design="given") == pytest.approx(given, rel=0.1)
    assert found.verified.gain == pytest.approx((k * (0.25 - best**2)).sum(), rel=0.15)
    assert (found.verified.attrs["samples_are"], found.verified.attrs["errors_count"]) == (
        "held out",
        "samples and trials",
    )
    assert (found.path.attrs["samples"], found.verified.attrs["samples"]) == (3, 2)


def test_what_is_not_seen_to_matter_is_not_starved() -> None:
    """A derivative within its error counts as one error: with errors of half the size of all, shares stay within a factor."""
    from jaxsnn_noise.gradients.design import _next

    share, values = np.full(4, 0.25), np.ones(4)
    slope, error = np.array([1.0, 0.1, -0.2, 0.0]), np.full(4, 0.5)
    new = _next(share, values, slope, error, 2.0, 0.5)
    np.testing.assert_allclose(new[0] / new[1:], 2**0.5)
    clear = _next(share, values, slope, np.zeros(4), 2.0, 0.5)
    assert clear[0] / clear[1] == pytest.approx(10**0.5)
    assert clear[2] == clear[3] < clear[1]
    np.testing.assert_array_equal(_next(share, values, -np.ones(4), np.zeros(4), 2.0, 0.5), share)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Budget({A: 1.0}), "at least two paths"),
        (lambda: Budget({A: 1.0, B: -2.0}), "must be positive"),
        (lambda: Budget({A: 1.0, B: 2.0}, power=0.0), "power"),
        (lambda: gradients.spend(membranes(), Power(), {A: 1.0}, steps=1, trials=4, key=0), "spend.budget"),  # type: ignore[arg-type]
        (lambda: gradients.spend(membranes(), "v_a", Budget({A: 1.0, "inputs.a.values": 1.0}), steps=1, trials=4, key=0), "leaves that are positive"),
        (lambda: gradients.spend(membranes(), "v_a", Budget({A: 1.0, B: 1.0}), steps=1, trials=4, key=0, rate=2.0), "rate"),
        (lambda: gradients.spend(membranes(), Distance(), Budget({A: 1.0, B: 1.0}), steps=1, trials=4, key=0), "needs the target"),
        (lambda: gradients.spend(membranes(), "v_a", Budget({A: 1.0, B: 1.0}), steps=1, trials=4, key=0, held_out=over([1.0], [1.0])), "needs samples of the search"),
        (lambda: gradients.spend(membranes(), Distance(), Budget({A: 1.0, B: 1.0}), steps=1, trials=4, key=0, samples=over([1.0, 2.0], [1.0, 2.0]), held_out=jn.Samples([1.0])), "spend.held_out"),
        (lambda: gradients.spend(membranes(), Distance(), Budget({A: 1.0, B: 1.0}), steps=1, trials=4, key=0, samples=over([1.0, 2.0], [1.0, 2.0]), held_out=gradients.DrawnSamples(jn.Samples([1.0, 2.0], "inputs.a.values"))), "needs the target"),
    ],
)  # fmt: skip
def test_what_has_no_meaning_is_refused(call: Any, message: str) -> None:
    with pytest.raises(jn.InputError, match=message):
        call()
