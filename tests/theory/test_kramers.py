"""Times over a barrier against Siegert's formula, each other and a plain simulation."""

from __future__ import annotations

import numpy as np
import pytest

from jaxsnn_noise import theory
from jaxsnn_noise._checks import InputError


def well(x: np.ndarray) -> np.ndarray:
    """Barrier 0.25, curvatures 2 at the bottoms and 1 at the top."""
    return 0.25 * (x**2 - 1.0) ** 2


def test_the_passage_of_a_leaky_membrane_is_that_of_siegert() -> None:
    sigmas = np.array([0.2, 0.5, 1.0])
    found = theory.passage_time(lambda x: x**2 / (2 * 5.0), start=0.0, end=1.0, lowest=-12.0, sigma=sigmas)
    wanted = 1000.0 / theory.siegert_rate_hz(0.0, sigma=sigmas, tau_mem=5.0, v_threshold=1.0, v_reset=0.0)
    np.testing.assert_allclose(found, wanted, rtol=1e-8)


def test_free_diffusion_against_a_wall_has_a_closed_form() -> None:
    # from the wall to L: L^2/(2 D); from x0: (L^2 - x0^2)/(2 D)
    flat = lambda x: np.zeros_like(x)  # noqa: E731
    assert theory.passage_time(flat, start=0.0, end=2.0, lowest=0.0, sigma=0.5) == pytest.approx(4.0 / 0.25, rel=1e-12)
    assert theory.passage_time(flat, start=1.0, end=2.0, lowest=0.0, sigma=0.5) == pytest.approx(3.0 / 0.25, rel=1e-12)


def test_kramers_is_the_limit_of_weak_noise_and_half_of_it_leads_to_the_top() -> None:
    sigma = np.array([0.3, 0.2, 0.14])
    exact = theory.passage_time(well, start=-1.0, end=1.0, lowest=-3.0, sigma=sigma)
    ratio = exact / theory.kramers_time(0.25, sigma=sigma, well=2.0, top=1.0)
    excess = (ratio - 1.0) * 0.25 / (sigma**2 / 2)  # the next order is D/barrier
    assert np.all(np.diff(ratio) < 0)
    assert excess[1] == pytest.approx(excess[2], rel=0.1)
    assert ratio[2] < 1.02
    top = theory.passage_time(well, start=-1.0, end=0.0, lowest=-3.0, sigma=sigma)
    np.testing.assert_allclose(top / exact, 0.5, atol=3e-3)


def test_the_formula_itself() -> None:
    found = theory.kramers_time([0.25, 0.5], sigma=0.5, well=2.0, top=1.0)
    np.testing.assert_allclose(found, 2 * np.pi / np.sqrt(2.0) * np.exp([2.0, 4.0]))
    assert theory.kramers_time(1000.0, sigma=0.1, well=1.0, top=1.0) == np.inf


@pytest.mark.slow
def test_a_simulated_particle_takes_that_long() -> None:
    rng, dt, sigma, n = np.random.default_rng(1), 0.002, 0.7, 3000
    x, time = np.full(n, -1.0), np.zeros(n)
    alive = np.arange(n)
    while len(alive):
        time[alive] += dt
        moved = x[alive] - (x[alive] ** 3 - x[alive]) * dt + sigma * np.sqrt(dt) * rng.normal(size=len(alive))
        # what passed between the ends of a step, by the bridge
        passed = (moved >= 1.0) | (
            rng.random(len(alive)) < np.exp(-2 * np.maximum(1 - moved, 0) * (1 - x[alive]) / (sigma**2 * dt))
        )
        x[alive] = moved
        alive = alive[~passed]
    wanted = theory.passage_time(well, start=-1.0, end=1.0, lowest=-4.0, sigma=sigma)
    error = time.std() / np.sqrt(n)
    assert abs(time.mean() - wanted) < 4.9 * error + 0.003 * wanted  # 0.3 %: Euler's step
    assert abs(time.mean() - 1.2 * wanted) > 4.9 * error + 0.003 * wanted


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"end": -1.0}, r"must lie above start \[mV\]"),
        ({"lowest": 0.5}, "must not lie below lowest"),
        ({"sigma": 0.0}, "sigma: must be"),
        ({"potential": 3.0}, "must be a function"),
        ({"potential": lambda x: x * np.nan}, "finite"),
        ({"potential": lambda x: 1.0}, "for each x"),
    ],
)
def test_bad_input(change: dict, words: str) -> None:
    given = {"potential": well, "start": -1.0, "end": 1.0, "lowest": -3.0, "sigma": 0.5} | change
    with pytest.raises(InputError, match=words):
        theory.passage_time(**given)
    with pytest.raises(InputError, match="well"):
        theory.kramers_time(1.0, sigma=1.0, well=0.0, top=1.0)
