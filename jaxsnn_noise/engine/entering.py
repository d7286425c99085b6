"""What enters from outside: which inputs go where, and the sum of their values in a step."""

from __future__ import annotations

import functools
import operator
from collections.abc import Mapping
from typing import Any

import jax.numpy as jnp

from jaxsnn_noise._checks import fail
from jaxsnn_noise._typing import Key, Values
from jaxsnn_noise.coding import Input
from jaxsnn_noise.engine.addresses import Step
from jaxsnn_noise.engine.network import Network, Port
from jaxsnn_noise.engine.seams import current_context

Inputs = Mapping[str, Input]


def goes_to(name: str, signal: Input) -> str:
    """The population or port that an input of this name enters."""
    return name if signal.to is None else signal.to


def entering(inputs: Inputs) -> dict[str, dict[str, Input]]:
    """From populations and ports to their inputs, in the order of names, in which their values are added."""
    found: dict[str, dict[str, Input]] = {}
    for name in sorted(inputs):
        found.setdefault(goes_to(name, inputs[name]), {})[name] = inputs[name]
    return found


def largest(signals: Inputs) -> int | None:
    """The largest whole number that the sum of inputs can hold in a step; ``None`` if one of them is analog."""
    each = [signal.largest for signal in signals.values()]
    return None if None in each else sum(n for n in each if n is not None)


def constant(signals: Inputs) -> bool:
    """Whether the sum of inputs is the same in all steps."""
    return all(signal.constant for signal in signals.values())


def summed(
    signals: Inputs, memory: Mapping[str, Any], keys: Mapping[str, Key], at: Step, size: int, dt: float
) -> tuple[Values, dict[str, Any]]:
    """What the inputs of one population or port give in a step, added in the order of names, and their next memories."""
    context = current_context(jnp.zeros(size, jnp.float32), dt)
    values, following = [], {}
    for name in sorted(signals):
        tick = at.tick(keys[f"inputs.{name}"])
        value, following[name] = signals[name].step(memory[name], at.index, tick, context, dt)
        values.append(_whole(value, signals[name].largest))
    return functools.reduce(operator.add, values), following


def check_inputs(network: Network, inputs: Inputs, steps: int, dt: float) -> None:
    """Every input fits the population or port that it enters, and every port has one.

    Raises:
        InputError: an input that goes nowhere, that has the name of one place and enters another, or that does not fit.
    """
    parts = network.populations
    for name, signal in inputs.items():
        who = f"inputs.{name}"
        if not isinstance(signal, Input):
            fail(who, "must be an input, e.g. coding.Constant(1.1)", type(signal).__name__)
        if not name.isidentifier():
            fail("inputs", "names must be identifiers (they are parts of paths)", name)
        if signal.to is None and name not in parts:
            rule = "must have the name of a population or port, or say by to= which one it enters"
            fail(who, rule, name, known=parts)
        if signal.to is not None and signal.to not in parts:
            fail(f"{who}.to", "must name a population or port", signal.to, known=parts)
        target = goes_to(name, signal)
        if target != name and name in parts:
            fail(f"{who}.to", f"an input that enters another one must not have the name of {name!r}", target)
        if signal.spikes and not isinstance(parts[target], Port):
            fail(who, "a population takes a current [nA]; spikes enter through a Port", type(signal).__name__)
        signal.check(who, parts[target].size, steps)
        signal.check_step(who, steps, dt)
    for name in network.ports():
        if name not in entering(inputs):
            fail(f"inputs.{name}", "a port needs an input", None)


def _whole(value: Values, largest: int | None) -> Values:
    """The value of a signal, NaN where it is larger than it said: sums over it would not be exact."""
    return value if largest is None else jnp.where(value <= largest, value, jnp.nan)
