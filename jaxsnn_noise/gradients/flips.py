"""Derivatives by flipping single decisions: what a spike is worth is seen by running on without it."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any, Self

import equinox as eqx
import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float

from jaxsnn_noise import paths, random
from jaxsnn_noise._checks import count, fail
from jaxsnn_noise.engine.network import Population
from jaxsnn_noise.engine.simulation import Simulation, validate, with_statistics
from jaxsnn_noise.firing import Density, Firing, NoisyThreshold, Stopped
from jaxsnn_noise.gradients.controls import by_entries
from jaxsnn_noise.gradients.decisions import ChosenProbabilities, EveryDecision
from jaxsnn_noise.gradients.estimator import Estimator, Samples, Task
from jaxsnn_noise.gradients.passing import NoiseDensity, passed
from jaxsnn_noise.gradients.programs import results_of
from jaxsnn_noise.gradients.quantities import moments
from jaxsnn_noise.gradients.samples import Over
from jaxsnn_noise.gradients.score import check_leaves
from jaxsnn_noise.parameters import parameter, real
from jaxsnn_noise.random import Tick
from jaxsnn_noise.signals import Crossing, Decision


class Flipped(Firing):
    """A rule some of whose decisions are turned round, or nudged for a derivative; for :class:`Flip`.

    Args:
        rule: What decides.
        step: Steps of the decisions, from the start of the warm-up; -1 is none [place].
        neuron: Their neurons [place].
        turned: 1 where the decision is turned round [place].
        nudge: Added to the spike [place].

    Example:
        >>> Flipped(NoisyThreshold(0.3), [2.0], [0.0], [1.0], [0.0]).random
        True
    """

    rule: Firing
    step: Float[Array, " place"] = parameter("1", real, shape=None)
    neuron: Float[Array, " place"] = parameter("1", real, shape=None)
    turned: Float[Array, " place"] = parameter("1", real, shape=None)
    nudge: Float[Array, " place"] = parameter("1", real, shape=None)

    @property
    def random(self) -> bool:  # type: ignore[override]
        return self.rule.random

    @property
    def gradient(self) -> Any:
        """What passes backward through a spike: that of the rule."""
        return getattr(self.rule, "gradient", None)

    def __call__(self, crossing: Crossing, key: Tick, dt: float) -> Decision:
        said = self.rule(crossing, key, dt)
        now = key.index.astype(jnp.float32)
        entities = jnp.arange(crossing.margin.shape[-1], dtype=jnp.float32)
        here = ((self.step == now)[:, None] & (self.neuron[:, None] == entities[None, :])).astype(
            jnp.float32
        )  # [place, neuron]
        turn = lax.stop_gradient(jnp.max(here * self.turned[:, None], axis=0)) > 0
        spikes = jnp.where(turn, jnp.float32(1) - lax.stop_gradient(said.spikes), said.spikes)
        return Decision(spikes + jnp.sum(here * self.nudge[:, None], axis=0), said.probability, said.log_probability)

    @classmethod
    def example(cls) -> Self:
        none: Any = jnp.zeros(1)
        return cls(NoisyThreshold(0.3), none - 1, none, none, none)


class Flip(Estimator):
    r"""The derivative of the expectation, without bias, by what single decisions are worth; by each entry of the leaves (weights).

    .. math:: \frac{d\,E f}{d\theta} = E\Big[\frac{df}{d\theta}\Big|_{\text{decisions}} + \sum_{t,i} \big(f(s_{ti} = 1) - f(s_{ti} = 0)\big)\frac{dp_{ti}}{d\theta}\Big]

    Of all decisions of a trial, ``paths`` are chosen with the probability :math:`q_{ti} \propto p(1 - p)`, each is turned round, and the
    rest of the run is run again with the same noise: :math:`\Delta_{ti}`. With the derivative :math:`\lambda_{ti}` of ``f`` by that spike which
    :class:`NoiseDensity` has as control variate, the gradient of a trial is that of ``NoiseDensity``, less its bias:
    :math:`\nabla_{NDL} + \frac1K \sum_k \frac{\Delta_k - \lambda_k}{q_k}\,\nabla p_k`.

    For nonlinear losses of single trials with many weights, and to certify a training gradient. For rates of networks its variance grows
    with the number of neurons: take :class:`FiniteDifference` or :class:`Score`. ``Gradient.entries`` has the derivatives by each entry.
    ``diagnostics``: ``"moved"`` [output], the share of alternatives that changed it; ``"simulations"``.

    Args:
        paths: Alternatives of each trial.
        control: ``NoiseDensity()``, or ``None`` without control variate.

    Raises:
        InputError: a population whose spikes are decided by noise on the membrane (what stays of the noise in the membrane would have to
            be drawn anew with the decision), or inside a step; an output that is no expectation itself; leaves as for :class:`Score`.

    References: Arya, Schauer, Schaefer, Rackauckas 2022, arXiv:2210.08572 (alternative paths); Titsias, Lazaro-Gredilla 2015, arXiv:1503.01494
    (local expectations); Gu et al. 2016, arXiv:1511.05176 (control variate).

    Example:
        >>> Flip().paths
        4
    """

    paths: int = eqx.field(static=True, default=4, converter=functools.partial(count, "Flip.paths"))
    control: Any = NoiseDensity()

    def __check_init__(self) -> None:
        if self.control is not None and not isinstance(self.control, NoiseDensity):
            fail("Flip.control", "must be gradients.NoiseDensity() or None", self.control)

    def check(self, sim: Simulation, outputs: Sequence[str], leaves: Sequence[str]) -> None:
        del outputs
        spiking = _spiking(sim)
        if not spiking:
            fail("Flip", "needs a population that spikes; Pathwise serves without", sorted(sim.network.cells()))
        for name, part in spiking.items():
            if not part.firing.random or part.firing.inside or part.firing.between:
                rule = (
                    "needs rules that draw by themselves at the end of a step, such as NoisyThreshold: noise on a membrane stays in it, and would "
                    "have to be drawn anew with the decision; Score and FiniteDifference serve"
                )
                fail("Flip", rule, f"{type(part.firing).__name__} of {name}")
        check_leaves("Flip", sim, leaves)
        validate(passed(sim, Stopped(), detach=False))

    def samples(self, task: Task) -> Samples:
        for one in task.wanted:
            if not one.linear:
                rule = "must be an expectation itself: Score serves for functions of some"
                fail("Flip.outputs", rule, one.name)
        program = functools.partial(
            _flipped, task.sim, task.leaves, task.wanted, task.over, task.root, self.paths, self.control is not None
        )
        slopes, entries, seen = by_entries(program, task)
        told = {"moved": seen[1].mean(axis=0), "simulations": (3 + self.paths) * task.trials}
        return Samples(seen[0], slopes, told, entries=entries)

    @classmethod
    def example(cls) -> Self:
        return cls()


def _spiking(sim: Simulation) -> dict[str, Population]:
    return {k: part for k, part in sim.network.cells().items() if part.neuron.spiking}


@eqx.filter_jit
def _flipped(
    sim: Simulation, leaves: tuple[str, ...], wanted: Any, over: Over, root: Any, places: int, control: bool,
    trials: jax.Array,
) -> tuple[list[jax.Array], tuple[jax.Array, jax.Array]]:  # fmt: skip
    """Of each trial the derivatives [trial, output, ...] by leaf; its moments, and whether alternatives moved them."""
    smooth = passed(sim, Density(), detach=False) if control else passed(sim, Stopped(), detach=False)
    stopped, none = passed(sim, Stopped(), detach=False), jnp.zeros(places, jnp.float32)
    values = [paths.get(sim, leaf) for leaf in leaves]

    def run(base: Simulation, made: Any, trial: jax.Array, given: list[jax.Array], *, checkpoint: bool = False) -> Any:
        moved = made(paths.replace(base, dict(zip(leaves, given, strict=True))))
        return results_of(moved, root, trial, over, checkpoint=checkpoint), moved

    def of_trial(trial: jax.Array) -> Any:
        at, s, q = _choose(stopped, trial, over, root, places)

        def passing(given: list[jax.Array], nudge: jax.Array) -> jax.Array:
            nudged = functools.partial(_turned, at=at, turned=none, nudge=nudge)
            results, moved = run(smooth, nudged, trial, given, checkpoint=True)
            return moments(results, wanted, moved)

        f, back = jax.vjp(passing, values, none)
        unit = jnp.eye(len(f), dtype=f.dtype)
        direct, worth = jax.vmap(back)(unit)  # [output, ...], [output, place]

        def alternative(k: jax.Array) -> jax.Array:
            one = (jnp.arange(places) == k).astype(jnp.float32)
            results, moved = run(stopped, functools.partial(_turned, at=at, turned=one, nudge=none), trial, values)
            return moments(results, wanted, moved)

        other = jax.vmap(alternative)(jnp.arange(places))  # [place, output]
        gain = (other - f[None, :]) * (1 - 2 * s)[:, None]
        known = worth.T if control else jnp.zeros_like(gain)
        weight = (gain - known) / (q * places)[:, None]

        def chosen(given: list[jax.Array]) -> jax.Array:
            results, _ = run(stopped, functools.partial(_watched, at=at), trial, given, checkpoint=True)
            return sum((results[f"chosen_{name}"] for name in at), start=none)

        _, pull = jax.vjp(chosen, values)
        rest = jax.vmap(lambda w: pull(w)[0])(weight.T)
        return jax.tree.map(jnp.add, direct, rest), (f, jnp.mean((other != f[None, :]).astype(jnp.float32), axis=0))

    return jax.vmap(of_trial)(trials)


def _choose(
    sim: Simulation, trial: jax.Array, over: Over, root: Any, places: int
) -> tuple[dict[str, Any], jax.Array, jax.Array]:
    """Steps and neurons of chosen decisions by population [place], what was decided, and the probability of the choice."""
    spiking = _spiking(sim)
    every = {f"every_{name}": EveryDecision(population=name) for name in spiking}
    results = results_of(with_statistics(sim, {**sim.statistics, **every}), root, trial, over)
    p, s = (jnp.concatenate([getattr(results[name], k).ravel() for name in every]) for k in ("probability", "spikes"))
    weight = p * (1 - p)
    total = jnp.cumsum(weight)
    key = random.stream(random.member(root, **dict.fromkeys(over.names, trial)), "flips")
    u = random.uniforms(key, (places,))
    last = total[-1]
    index = jnp.minimum(jnp.searchsorted(total, u * last, side="right"), len(p) - 1)
    some = (last > 0) & (weight[index] > 0)
    q = jnp.where(some, weight[index] / jnp.where(last > 0, last, 1.0), 1.0)
    at, first = {}, 0
    for name, part in spiking.items():
        local, size = index - first, part.size
        inside = (local >= 0) & (local < sim.total_steps * size) & some
        step, neuron = jnp.where(inside, local // size, -1), jnp.where(inside, local % size, 0)
        at[name] = (step.astype(jnp.float32), neuron.astype(jnp.float32))
        first += sim.total_steps * size
    return at, s[index], q


def _turned(sim: Simulation, at: dict[str, Any], turned: jax.Array, nudge: jax.Array) -> Simulation:
    rules = {
        name: Flipped(sim.network.cells()[name].firing, step, neuron, turned, nudge)
        for name, (step, neuron) in at.items()
    }
    return eqx.tree_at(lambda s: [s.network.populations[name].firing for name in at], sim, [rules[name] for name in at])


def _watched(sim: Simulation, at: dict[str, Any]) -> Simulation:
    watched = {
        f"chosen_{name}": ChosenProbabilities(step, neuron, population=name) for name, (step, neuron) in at.items()
    }
    return with_statistics(sim, {**sim.statistics, **watched})
