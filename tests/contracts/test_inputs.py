"""Laws that every input keeps. New members are found by themselves, through their ``example()`` (of 5 channels)."""

from __future__ import annotations

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from helpers.discovery import label, members
from helpers.seams import context, keys
from jaxsnn_noise import paths, random
from jaxsnn_noise._checks import InputError
from jaxsnn_noise.coding import Input
from jaxsnn_noise.noise import Seam
from jaxsnn_noise.parameters import check_tree

MEMBERS = members(Input)
each = pytest.mark.parametrize("cls", MEMBERS, ids=label)
SIZE, STEPS, DT = 5, 40, 0.5


@eqx.filter_jit
def signal(source, key):
    """The values [step, channel] of the whole run."""

    def block(memory, number):
        values = []
        for lane in (0, 1):
            index = 2 * number.astype(jnp.int32) + lane
            at = context(Seam.CURRENT, jnp.zeros(SIZE), DT)
            value, memory = source.step(memory, index, random.Tick(key, number, lane), at, DT)
            values.append(value)
        return memory, jnp.stack(values)

    out = jax.lax.scan(block, source.init(key, SIZE, DT), jnp.arange(STEPS // 2, dtype=jnp.uint32))[1]
    return out.reshape(STEPS, SIZE)


def test_the_known_inputs_are_found():
    known = {"Constant", "TimeSeries", "SpikeTrain", "SpikeTimes", "PoissonSpikes", "Fluctuating"}
    assert known <= {cls.__name__ for cls in MEMBERS}


@each
def test_the_example_fits_five_channels(cls):
    cls.example().check("inputs.cells", SIZE, STEPS)
    cls.example().check_step("inputs.cells", STEPS, DT)


@each
def test_values_are_finite_and_events_are_counts_up_to_the_largest(cls):
    values = np.asarray(signal(cls.example(), keys(1)[0]))
    assert np.isfinite(values).all()
    if cls.spikes:
        assert np.isin(values, np.arange(cls.example().largest + 1)).all()
    if cls.constant:
        assert (values == values[0]).all()


@each
def test_vmap_equals_a_loop_to_the_bit(cls):
    source = cls.example()
    batched = eqx.filter_jit(lambda ks: jax.vmap(lambda k: signal(source, k))(ks))
    np.testing.assert_array_equal(batched(keys(3)), [signal(source, key) for key in keys(3)])


@each
def test_it_is_told_apart_from_nan_with_its_path(cls):
    source = cls.example()
    for path, leaf in paths.leaves(source).items():
        with pytest.raises(InputError, match=rf"^inputs.cells.*{path.split('.')[-1]}"):
            check_tree("inputs.cells", paths.replace(source, {path: jnp.full_like(leaf, jnp.nan)}))


@each
def test_a_sample_shown_takes_the_place_of_the_one_before(cls):
    source = cls.example()
    one, other = (source.values * factor for factor in (0.5, 0.25))
    assert eqx.tree_equal(source.shown(one).shown(other), source.shown(other))
    assert jax.tree.structure(source.shown(one)) == jax.tree.structure(source)


@each
def test_it_enters_what_it_says(cls):
    source = cls.example()
    assert source.to is None
    fields = {k: v for k, v in vars(source).items() if k != "to"}
    assert cls(**fields, to="cells").to == "cells"


@each
def test_values_for_another_number_of_channels_are_refused(cls):
    source = cls.example()
    if not hasattr(source, "values"):
        return
    wrong = jnp.zeros((*source.values.shape[:-1], 4)) if source.values.ndim else jnp.zeros(4)
    with pytest.raises(InputError, match=r"inputs\.cells\.values: must"):
        eqx.tree_at(lambda s: s.values, source, wrong).check("inputs.cells", SIZE, STEPS)
