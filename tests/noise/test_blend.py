"""A coupling that is a number is, at its ends, the couplings that are types."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from helpers.seams import keys
from jaxsnn_noise import InputError, noise, random
from jaxsnn_noise.noise import Additive, Blend, Context, Coupling, Multiplicative

X = jnp.asarray([0.3, -1.2, 2.0])
AT = Context(jnp.asarray([0.0, 1.5, -2.0]), white=jnp.full(3, 0.5), step=jnp.full(3, 0.7), rate=jnp.ones(3))
STD = jnp.float32(0.2)


@pytest.mark.parametrize(("share", "coupling"), [(0.0, Additive()), (1.0, Multiplicative())])
def test_its_ends_are_additive_and_multiplicative(share: float, coupling: Coupling) -> None:
    np.testing.assert_allclose(
        Blend(share).perturbation(X, STD, AT), coupling.perturbation(X, STD, AT), rtol=1e-6, atol=1e-8
    )
    np.testing.assert_array_equal(Blend(share).unit(AT), AT.step)  # whatever the share: it may be traced


def test_between_them_it_is_their_mean_and_the_share_has_a_gradient() -> None:
    ends = [np.asarray(Blend(m).perturbation(X, STD, AT)) for m in (0.0, 1.0)]
    np.testing.assert_allclose(Blend.example().perturbation(X, STD, AT), sum(ends) / 2, rtol=1e-6)
    slope = jax.jacfwd(lambda m: Blend(m).perturbation(X, STD, AT))(jnp.float32(0.3))
    np.testing.assert_allclose(slope, ends[1] - ends[0], rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("share", [-0.1, 1.1, np.nan])
def test_a_share_outside_of_zero_to_one_is_refused(share: Any) -> None:
    with pytest.raises(InputError, match=r"Blend.multiplicative: must lie in \[0, 1\]"):
        Blend(share)


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_a_source_of_it_has_the_moments_of_its_mixture_and_decides(share: float) -> None:
    source, tick = noise.CurrentNoise(noise.PerStep(0.2), coupling=Blend(share)), random.tick(keys(1)[0], 0)
    moments, scale = source.moments(AT, 0.5), 0.2 * (1 - share + share * np.asarray(AT.value))
    assert moments is not None
    np.testing.assert_allclose(moments.variance, scale**2, rtol=1e-6)
    parts = source.conditional(None, AT, tick, 0.5)
    assert not isinstance(parts, str)
    np.testing.assert_allclose(
        parts.shift + parts.std * parts.z, source.draw(None, AT, tick, 0.5)[0], rtol=1e-6, atol=1e-8
    )
    # a diffusion is that of Ito, which a stepper does not take
    assert noise.VoltageNoise(noise.Diffusion(0.2), coupling=Blend(share)).coefficient(X) is None
