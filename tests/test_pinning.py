"""Pinned functions: the same values and gradients, and the same bits in every program."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsnn_noise as jn
from helpers.nets import recurrent
from jaxsnn_noise import random
from jaxsnn_noise.engine.addresses import Address, Keys
from jaxsnn_noise.engine.member import impaired
from jaxsnn_noise.engine.pinning import pinned_function, pinned_tree
from jaxsnn_noise.opacity import opaque, opaque_zero

ROOT = random.root(7)
ZERO = opaque_zero(ROOT)
X = jnp.linspace(-3, 3, 1001)


def formula(x, y):
    return jnp.exp(-x) * y + x * y / (1.0 + x * x), {"power": x**3 - y}


def test_the_opaque_zero_is_zero_for_every_root():
    roots = jnp.stack([jnp.arange(300, dtype=jnp.uint32)] * 2, axis=1)
    np.testing.assert_array_equal(jax.vmap(opaque_zero)(roots), np.zeros(300))


def test_opaque_is_the_identity_with_identity_derivative():
    np.testing.assert_array_equal(opaque(X, ZERO), X)
    np.testing.assert_array_equal(jax.grad(lambda x: (opaque(x, ZERO) * 2).sum())(X), np.full(1001, 2.0))
    assert opaque(jnp.arange(3), ZERO).dtype == jnp.int32


@pytest.mark.slow
def test_a_pinned_function_is_the_function_and_so_is_its_gradient():
    y = jnp.cos(X)
    plain, pinned = formula(X, y), pinned_function(formula, zero=ZERO)(X, y)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6), plain, pinned)
    slope = lambda f: jax.grad(lambda x: f(x, y)[0].sum())(X)  # noqa: E731
    np.testing.assert_allclose(slope(pinned_function(formula, zero=ZERO)), slope(formula), rtol=1e-4, atol=1e-5)


def test_pinned_bits_do_not_depend_on_jit_batch_or_what_stands_around():
    pinned = lambda x, y, zero: pinned_function(formula, zero=zero)(x, y)[0]  # noqa: E731
    y = jnp.cos(X)
    reference = pinned(X, y, ZERO)
    surrounded = jax.jit(lambda x, y, zero: (pinned(x, y, zero), pinned(x, y, zero) * y + x))
    batched = jax.jit(jax.vmap(pinned, (0, 0, None)))
    np.testing.assert_array_equal(surrounded(X, y, ZERO)[0], reference)
    np.testing.assert_array_equal(batched(X[:, None], y[:, None], ZERO)[:, 0], reference)


def test_a_pinned_tree_keeps_what_is_no_array():
    tree = {"x": X, "name": "static", "f": jnp.tanh}
    out = pinned_tree(lambda t, y: {**t, "x": t["x"] * y}, tree, zero=ZERO)(jnp.float32(2.0))
    assert out["name"] == "static"
    assert out["f"] is jnp.tanh
    np.testing.assert_array_equal(out["x"], 2 * X)


@pytest.mark.slow
@pytest.mark.parametrize("law", [jn.laws.LogNormal(0.2), jn.laws.TruncatedNormal(0.2, low=0.5, high=1.5)])
def test_a_chip_has_the_same_bits_alone_and_among_others(law):
    mismatch = jn.hardware.Mismatch("network.cells.neuron.tau_mem", law, per="neuron")
    sim = recurrent(2000, imperfections={"mismatch": mismatch})

    def taus(device):
        keys = Keys(ROOT, Address.of({"device": device}), ())
        return impaired(sim, keys).cells()["cells"].neuron.tau_mem

    alone = [eqx.filter_jit(taus)(jnp.uint32(i)) for i in range(3)]
    among = eqx.filter_jit(jax.vmap(taus))(jnp.arange(3, dtype=jnp.uint32))
    np.testing.assert_array_equal(among, alone)
    assert len(np.unique(among)) > 5000
