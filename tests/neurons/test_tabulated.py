"""A table in the place of a learned polynomial: its values, its error, the neuron that reads it."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsnn_noise as jn
from jaxsnn_noise.neurons import Polynomial, PolynomialLIF, Tabulated

C = [0.4, -0.5, 0.3]
X = np.linspace(-1.4, 1.4, 4001).astype(np.float32)


def test_it_is_linear_between_its_entries_and_constant_beyond() -> None:
    entries = np.array([[0.1, -0.2], [0.4, 0.3], [-0.3, 0.0], [0.2, 0.1]], np.float32)
    table = Tabulated(entries, reach=1.2)
    for i in range(2):
        expected = np.interp(X, table.points, entries[:, i])
        found = jax.vmap(lambda x: table(jnp.full(2, x)))(jnp.asarray(X))[:, i]
        np.testing.assert_allclose(found, expected, atol=1e-6)
        one = Tabulated(entries[:, i], reach=1.2)
        np.testing.assert_allclose(one(jnp.asarray(X)), expected, atol=1e-6)
        inside = np.asarray([x for x in X if abs(x) < 1.2 and np.abs(x - table.points).min() > 1e-3], np.float32)
        np.testing.assert_allclose(
            one.slope(jnp.asarray(inside)), jax.vmap(jax.grad(one))(jnp.asarray(inside)), rtol=1e-4, atol=1e-5
        )


@pytest.mark.parametrize("per", ["layer", "neuron"])
def test_its_error_is_that_of_interpolation_and_rounding(per: str) -> None:
    curve = Polynomial(C if per == "layer" else [[c, -c] for c in C], bound=None)
    x = jnp.asarray(X) if per == "layer" else jnp.stack([jnp.asarray(X)] * 2, axis=1)
    values = curve(x) if per == "layer" else jax.vmap(curve)(x)
    bend = np.abs(2 * C[1] + 6 * C[2] * np.linspace(-1, 1, 101)).max()
    for entries in (3, 9, 33):
        for bits in (None, 5):
            table = Tabulated.of(curve, entries, bits=bits)
            found = table(x) if per == "layer" else jax.vmap(table)(x)
            most = bend * (2 / (entries - 1)) ** 2 / 8
            most += 0.0 if bits is None else float(np.abs(values).max()) / (2**bits - 2)
            worst = float(np.abs(found - values).max())
            assert worst <= most * 1.001 + 1e-6
            assert worst > 0.1 * most  # the bound is not far off
    assert len(np.unique(np.asarray(Tabulated.of(curve, 33, bits=3).entries))) <= 7


def test_a_neuron_with_a_fine_table_fires_as_that_with_the_polynomial() -> None:
    rng = np.random.default_rng(0)
    drive = jn.coding.TimeSeries(rng.uniform(0.0, 2.0, (300, 20)).astype(np.float32))

    def spikes(curve: Polynomial | Tabulated) -> np.ndarray:
        cells = jn.Population(PolynomialLIF(20, polynomial=curve))
        sim = jn.Simulation(jn.Network({"c": cells}), {"c": drive}, duration=300.0, dt=1.0)
        return np.asarray(jn.simulate(sim, key=0, statistics={"n": jn.statistics.SpikeCount()})["n"])

    curve = Polynomial(C)
    np.testing.assert_array_equal(spikes(Tabulated.of(curve, 2001)), spikes(curve))
    assert np.any(spikes(Tabulated.of(Polynomial.zero(), 2001)) != spikes(curve))


REFUSED = {
    r"Tabulated\.entries: must be \[entry\] or \[entry, neuron\], with at least two": lambda: Tabulated([0.1]),
    r"Tabulated\.reach: must be": lambda: Tabulated([0.1, 0.2], reach=0.0),
    r"Tabulated\.of: entries: must be a whole number >= 2": lambda: Tabulated.of(Polynomial(C), 1),
    r"Tabulated\.of: bits": lambda: Tabulated.of(Polynomial(C), 5, bits=1),
    r"polynomial\.entries: must be \[entry\] or \[entry, 3\]": lambda: PolynomialLIF(3, polynomial=Tabulated(np.zeros((4, 2)))),
    r"polynomial: is unstable": lambda: jn.simulate(
        jn.Simulation(
            jn.Network({"c": jn.Population(PolynomialLIF(2, polynomial=Tabulated([-2.0, 0.0, 2.0])))}),
            {"c": jn.coding.Constant(0.5)}, duration=10.0, dt=1.0,
        ), key=0,
    ),
}  # fmt: skip


@pytest.mark.parametrize("rule", REFUSED)
def test_what_does_not_fit_is_refused(rule: str) -> None:
    with pytest.raises(jn.InputError, match=rule):
        REFUSED[rule]()
