"""To what the deviation of each element of a leaf belongs: its neuron, itself, the chip, or shares of all of them."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
from jaxtyping import Array, UInt32

from jaxsnn_noise import random
from jaxsnn_noise._checks import fail, one_of
from jaxsnn_noise._typing import Values
from jaxsnn_noise.hardware.imperfection import WAFER
from jaxsnn_noise.hardware.leaves import leaf_of, neurons_of, size_of
from jaxsnn_noise.hardware.split import VarianceSplit
from jaxsnn_noise.laws import Law

LEVELS = ("neuron", "synapse", "chip")


def level_of(who: str, per: Any) -> tuple[str, VarianceSplit | None]:
    """``per=`` as a word and, where the word is ``"parts"``, the split.

    Raises:
        InputError: neither one of the words nor a split.
    """
    if isinstance(per, VarianceSplit):
        return "parts", per
    one_of(who, per, LEVELS)
    return per, None


def wafer_of(split: VarianceSplit | None) -> str | None:
    """The axis of wafers where a part of the variance is theirs, else ``None``."""
    return WAFER if split is not None and split.wafer is not None else None


def farthest_of(split: VarianceSplit | None) -> Values | float:
    """No score lies farther from 0."""
    return random.LARGEST_NORMAL if split is None else split.farthest


def parts_of(network: Any, path: str) -> tuple[UInt32[Array, "..."], UInt32[Array, "..."]]:
    """The neuron of each element of a leaf, and the number of each element."""
    leaf = leaf_of(network, path)
    elements = random.entities(leaf.size).array().reshape(leaf.shape)
    neurons = neurons_of(network, path)
    return elements if neurons is None else neurons, elements


def entities_of(network: Any, path: str, per: str) -> UInt32[Array, "..."]:
    """The entity of each element of a leaf at one of the :data:`LEVELS`."""
    neurons, elements = parts_of(network, path)
    return {"neuron": neurons, "synapse": elements, "chip": jnp.zeros_like(elements)}[per]


def layer_of(path: str) -> str:
    """The population or projection that holds a leaf."""
    return path.split(".")[1]


def check_level(who: str, per: str, split: VarianceSplit | None, network: Any, path: str) -> None:
    """Raise :class:`InputError` for a leaf that has no such parts: one number for a whole layer has neither neurons nor synapses."""
    own = {"neuron", "synapse"} & ({*split.levels} if split is not None else {per})
    if leaf_of(network, path).ndim == 0 and own:
        rule = f'must be "chip", or parts above the neuron: {path} is one number for the whole layer'
        fail(who, rule, sorted(own) if split is not None else per)
    if split is not None:
        split.check_together(who)
        split.check_fits(who, path, size_of(network, path), weights=neurons_of(network, path) is not None)


def independent(who: str, law: Law) -> None:
    """Raise :class:`InputError` for a law with scores of its own, which would not be asked for them."""
    if type(law).scores is not Law.scores:
        fail(who, "must have no scores of its own here: they are drawn together", type(law).__name__)
