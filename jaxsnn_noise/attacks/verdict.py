"""Accuracy under attacks, and whether those that follow gradients were misled."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from jaxsnn_noise import provenance, random, reduce
from jaxsnn_noise._checks import count, fail
from jaxsnn_noise.attacks.attack import Attack, Logits

if TYPE_CHECKING:
    import xarray as xr


def robustness(
    logits: Logits, images: Any, labels: Any, attacks: Mapping[str, Any], *, key: Any,
    others: Mapping[str, Logits] | None = None, draws: int = 16,
) -> xr.Dataset:  # fmt: skip
    """Accuracy under each attack, and under each made on another classifier, with what that says of gradients.

    Every attacked image is shown ``draws`` times with fresh noise, and the mean of the outputs is the answer.

    Args:
        logits: The classifier that is attacked.
        images: [sample, ...].
        labels: [sample]: the right classes.
        attacks: By name, of one radius and norm where they are to be compared; one that uses no gradient among them.
        key: Root key.
        others: By name, classifiers on which the attacks that use gradients are made too, to be transferred.
        draws: How often an image is shown.

    Returns:
        Over ``attack`` (``"none"``, the names, and ``"name from other"``) and ``sample``: ``correct``; over ``attack``: ``accuracy`` with
        ``low`` and ``high`` (95 %, over samples), ``uses_gradients``, and ``masked``: whether an attack that uses gradients of the classifier
        leaves more right, beyond the 95 % interval of the paired difference, than one of the same radius that does not use them. NaN where
        nothing can be compared.

    Raises:
        InputError: no attack, or one that is none; as the attacks do.
    """
    import xarray

    if not isinstance(attacks, Mapping) or not attacks:
        fail("robustness.attacks", "must be attacks by name", attacks)
    for name, attack in attacks.items():
        if not isinstance(attack, Attack):
            fail(f"robustness.attacks[{name!r}]", "must be an attack, e.g. attacks.FastGradient(0.1)", attack)
    count("robustness.draws", draws)
    root = random.root(key)
    shown: dict[str, Any] = {"none": jnp.asarray(images, jnp.float32)}
    of: dict[str, tuple[Attack | None, bool]] = {"none": (None, False)}
    for name, attack in attacks.items():
        shown[name] = attack(logits, images, labels, key=random.stream(root, name))
        of[name] = (attack, attack.uses_gradients)
        for other, model in (others or {}).items() if attack.uses_gradients else ():
            called = f"{name} from {other}"
            shown[called], of[called] = attack(model, images, labels, key=random.stream(root, called)), (attack, False)
    key = random.stream(root, "shown")
    correct = xarray.DataArray(
        np.stack([np.asarray(_answers(logits, x, key, draws)) == np.asarray(labels) for x in shown.values()]),
        dims=("attack", "sample"), coords={"attack": list(shown)},
    )  # fmt: skip
    share = reduce.proportion(correct, "sample")
    table: dict[str, Any] = {"correct": correct, "accuracy": share["mean"], "low": share["low"], "high": share["high"]}
    table["uses_gradients"] = ("attack", [uses for _, uses in of.values()])
    table["masked"] = ("attack", [_masked(name, of, correct) for name in shown])
    return xarray.Dataset(table, attrs={"draws": draws} | provenance.origin())


@eqx.filter_jit  # a classifier that is a module is compiled once for all its weights
def _answers(logits: Logits, images: Any, key: Any, draws: int) -> Any:
    each = lambda k: logits(images, random.member(key, draw=k))  # noqa: E731
    return jnp.argmax(jax.vmap(each)(jnp.arange(draws, dtype=jnp.uint32)).mean(axis=0), axis=-1)


def _masked(name: str, of: Mapping[str, tuple[Attack | None, bool]], correct: xr.DataArray) -> float:
    """1 where an attack of the same radius without these gradients leaves fewer right, 0 where none does, NaN without such."""
    attack, uses = of[name]
    if attack is None or not uses:
        return float("nan")
    rivals = [n for n, (other, its) in of.items() if other is not None and not its and other.radius == attack.radius]
    if not rivals:
        return float("nan")
    compared = correct.sel(attack=[name, *rivals]).astype(float)
    return float((reduce.paired_contrast(compared, "attack", name, "sample")["high"] < 0).any())
