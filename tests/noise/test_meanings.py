"""The table of meanings: what each amplitude, coupling and colour is at each seam, and what is refused."""

import itertools

import jax.numpy as jnp
import numpy as np
import pytest

from helpers.seams import TAU, context, keys
from jaxsnn_noise import noise, random
from jaxsnn_noise._checks import InputError
from jaxsnn_noise.noise import Seam

DT, SIGMA, TAU_C = 0.5, 0.3, 4.0
SEAMS = {
    Seam.RELEASE: noise.ReleaseNoise,
    Seam.CURRENT: noise.CurrentNoise,
    Seam.VOLTAGE: noise.VoltageNoise,
    Seam.THRESHOLD: noise.ThresholdNoise,
    Seam.SPIKE: noise.SpikeNoise,
}
DIFFUSIVE = (Seam.CURRENT, Seam.VOLTAGE)
AMPLITUDES = {
    "per step": noise.PerStep(SIGMA),
    "intensity": noise.Intensity(SIGMA**2 / 2),
    "diffusion": noise.Diffusion(SIGMA),
}
COUPLINGS = {"additive": noise.Additive(), "multiplicative": noise.Multiplicative()}
COLOURS = {"white": noise.White(), "coloured": noise.OrnsteinUhlenbeck(TAU_C)}
ALLOWED = [
    (seam, *rest)
    for seam, *rest in itertools.product(SEAMS, AMPLITUDES, COUPLINGS, COLOURS)
    if seam in DIFFUSIVE or rest[0] != "diffusion"
]
VALUE = np.array([0.5, -2.0, 0.0, 3.0], np.float32)


def std_of_table(seam, amplitude, coupling, colour):
    """The standard deviation of one step, written down from the table, for unit value of the seam if it scales."""
    if amplitude != "diffusion":
        return SIGMA
    if colour == "coloured":
        return SIGMA / np.sqrt(2 * TAU_C) * (DT if seam is Seam.VOLTAGE else 1.0)
    if seam is Seam.CURRENT:
        return SIGMA / np.sqrt(DT)
    if coupling == "multiplicative":
        return SIGMA * np.sqrt(DT)
    return SIGMA * np.sqrt(TAU / 2 * (1 - np.exp(-2 * DT / TAU)))


def source_of(seam, amplitude, coupling, colour):
    return SEAMS[seam](AMPLITUDES[amplitude], coupling=COUPLINGS[coupling], colour=COLOURS[colour])


class Given(noise.Distribution):
    """Innovations that are known: no noise in the test of what scales it."""

    def sample(self, at, entity):
        return jnp.array([1.0, -0.5, 2.0, 0.3]) * (1 + at.lane)

    cdf = pdf = None


def two_steps(source, at):
    """The perturbations of the first two steps."""
    memory, drawn = source.init(keys(1)[0], 4, DT), []
    for lane in (0, 1):
        x, memory = source.draw(memory, at, random.tick(keys(1)[0], lane), DT)
        drawn.append(np.asarray(x))
    return np.stack(drawn)


@pytest.mark.parametrize("combination", ALLOWED, ids=str)
def test_an_allowed_combination_means_what_the_table_says(combination):
    seam, amplitude, coupling, colour = combination
    at, policies = context(seam, VALUE, DT), {"colour": COLOURS[colour], "distribution": Given()}
    source = SEAMS[seam](AMPLITUDES[amplitude], coupling=COUPLINGS[coupling], **policies)
    scale = std_of_table(*combination) * (VALUE if coupling == "multiplicative" else np.ones(4))
    unit = two_steps(SEAMS[seam](noise.PerStep(1.0), **policies), at)
    np.testing.assert_allclose(two_steps(source, at), unit * scale, rtol=3e-6, atol=1e-9)
    moments = source.moments(at, DT)
    np.testing.assert_allclose(moments.variance, scale**2, rtol=3e-6)
    np.testing.assert_array_equal(moments.mean, np.zeros(4))
    assert float(moments.correlation_time) == (TAU_C if colour == "coloured" else 0.5 * DT)


@pytest.mark.parametrize("seam", [s for s in SEAMS if s not in DIFFUSIVE])
@pytest.mark.parametrize("coupling", sorted(COUPLINGS))
@pytest.mark.parametrize("colour", sorted(COLOURS))
def test_a_diffusion_where_steps_have_no_limit_is_refused(seam, coupling, colour):
    with pytest.raises(InputError, match=rf"{seam.value[0]} seam; use PerStep or Intensity"):
        SEAMS[seam](noise.Diffusion(SIGMA), coupling=COUPLINGS[coupling], colour=COLOURS[colour])


STRATONOVICH = noise.Multiplicative(noise.Stratonovich())
NO_STRATONOVICH = {
    "per step": lambda: noise.VoltageNoise(noise.PerStep(0.1), coupling=STRATONOVICH),
    "intensity": lambda: noise.VoltageNoise(noise.Intensity(0.1), coupling=STRATONOVICH),
    "current": lambda: noise.CurrentNoise(noise.Diffusion(0.1), coupling=STRATONOVICH),
    "spike": lambda: noise.SpikeNoise(noise.PerStep(0.1), coupling=STRATONOVICH),
    "coloured": lambda: noise.VoltageNoise(noise.Diffusion(0.1), coupling=STRATONOVICH, colour=COLOURS["coloured"]),
    "logistic": lambda: noise.VoltageNoise(noise.Diffusion(0.1), coupling=STRATONOVICH, distribution=noise.Logistic()),
}


@pytest.mark.parametrize("case", sorted(NO_STRATONOVICH))
def test_stratonovich_without_a_meaning_is_refused(case):
    with pytest.raises(
        InputError, match="Stratonovich has a meaning for a white Gaussian Diffusion on the voltage only"
    ):
        NO_STRATONOVICH[case]()


BAD_PARAMETERS = {
    "Diffusion.sigma": lambda x: noise.VoltageNoise(noise.Diffusion(x)),
    "PerStep.sigma": lambda x: noise.SpikeNoise(noise.PerStep(x)),
    "Intensity.D": lambda x: noise.ThresholdNoise(noise.Intensity(x)),
}


@pytest.mark.parametrize("bad", [-0.1, np.nan, np.inf])
@pytest.mark.parametrize("name", sorted(BAD_PARAMETERS))
def test_a_strength_out_of_range_is_refused(name, bad):
    with pytest.raises(InputError, match=rf"{name}: must be finite and >= 0"):
        BAD_PARAMETERS[name](bad)


@pytest.mark.parametrize("bad", [0.0, -1.0, np.nan])
def test_a_correlation_time_out_of_range_is_refused(bad):
    with pytest.raises(InputError, match=r"OrnsteinUhlenbeck.tau: must be finite and > 0 \[ms\]"):
        noise.CurrentNoise(noise.PerStep(0.1), colour=noise.OrnsteinUhlenbeck(bad))


@pytest.mark.parametrize("bad", [-0.1, 1.1, np.nan])
def test_a_shared_fraction_out_of_range_is_refused(bad):
    with pytest.raises(InputError, match=r"SharedFraction.c: must lie in \[0, 1\]"):
        noise.CurrentNoise(noise.PerStep(0.1), correlation=noise.SharedFraction(bad))


def test_multiplicative_noise_leaves_silence_silent():
    at = context(Seam.SPIKE, np.zeros(4), DT)
    source = noise.SpikeNoise(noise.PerStep(0.3), coupling=noise.Multiplicative(), distribution=Given())
    np.testing.assert_array_equal(two_steps(source, at), np.zeros((2, 4)))
