"""Where a member stands: which streams are redrawn on which axes."""

import jax.numpy as jnp
import numpy as np
import pytest

from jaxsnn_noise import random
from jaxsnn_noise.engine.addresses import Address, Keys, Step

ROOT = random.root(9)


def key(name, frozen=(), paired=frozenset(), **indices):
    address = Address(Address.of(indices).indices, frozenset(paired))
    return tuple(np.asarray(Keys(ROOT, address, frozen)(name)))


def test_a_stream_is_redrawn_on_every_axis():
    keys = {key("noise.cells.x", trial=t, device=d) for t in range(3) for d in range(3)}
    assert len(keys) == 9
    assert key("noise.cells.x", trial=1) == tuple(
        np.asarray(random.stream(random.member(ROOT, trial=1), "noise.cells.x"))
    )


def test_streams_of_one_member_differ():
    assert len({key(name, trial=1) for name in ("noise.a.x", "noise.a.y", "noise.b.x", "inputs.a", "firing.a")}) == 5


@pytest.mark.parametrize(
    ("frozen", "same"),
    [
        ((), {}),
        ((("inputs", ()),), {"trial": True, "device": True}),
        ((("inputs", ("device",)),), {"trial": True}),
        ((("inputs.cells", ()),), {"trial": True, "device": True}),
        ((("input", ()),), {}),  # no prefix: names end at a dot
        ((("inputs", ()), ("inputs.cells", ("trial",))), {"device": True}),  # the longest prefix counts
    ],
)
def test_a_frozen_stream_is_redrawn_on_the_axes_that_are_named(frozen, same):
    here = key("inputs.cells", frozen, trial=0, device=0)
    for axis in ("trial", "device"):
        other = key("inputs.cells", frozen, **{"trial": 0, "device": 0, axis: 1})
        assert (other == here) is same.get(axis, False)
        assert key("noise.cells.x", frozen, **{"trial": 0, "device": 0, axis: 1}) != key(
            "noise.cells.x", frozen, trial=0, device=0
        )


def test_noise_is_common_along_a_paired_axis():
    assert key("noise.x", paired={"device"}, trial=1, device=0) == key("noise.x", paired={"device"}, trial=1, device=5)
    assert key("noise.x", paired={"device"}, trial=1, device=0) == key("noise.x", trial=1)


def test_a_chip_depends_on_its_own_axis_alone():
    def chip(paired=(), **indices):
        keys = Keys(ROOT, Address(Address.of(indices).indices, frozenset(paired)), ())
        return tuple(np.asarray(keys.of_device("imperfections.m", "device")))

    assert chip(device=1, trial=0) == chip(device=1, trial=7) == chip(paired={"device"}, device=1)
    assert chip(device=1) != chip(device=2)
    assert chip() == chip(trial=3)


def test_a_step_counts_from_the_start_of_the_run():
    steps = [Step(jnp.uint32(block), lane) for block in (0, 3) for lane in (0, 1)]
    assert [int(s.index) for s in steps] == [0, 1, 6, 7]
    tick = steps[3].tick(ROOT)
    assert (int(tick.block), tick.lane) == (3, 1)
