"""Networks: named populations, ports and projections."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import equinox as eqx
import jax.numpy as jnp

from jaxsnn_noise._checks import concrete, count, fail, named, one_of, steps_of
from jaxsnn_noise.engine.deciding import deciding_source, needs_decision, undecided
from jaxsnn_noise.firing import Firing, HardThreshold
from jaxsnn_noise.kinds import check_fields
from jaxsnn_noise.neurons import Neuron, Stepper
from jaxsnn_noise.noise import Seam, Source
from jaxsnn_noise.parameters import Range, check_tree, declarations
from jaxsnn_noise.signals import Failure, WeightFailure, no_drive
from jaxsnn_noise.synapses import Combine, Kinetics, Projection, Sum


class Population(eqx.Module):
    """Neurons of one model with the noise at their seams.

    Args:
        neuron: The model.
        noise: Named sources of the current, voltage, threshold and spike seams. All sources at a seam see the same unperturbed
            value and are added in the order of their names.
        firing: Firing rule; ``None`` is ``HardThreshold()``.
        initial: From a field of the neuron's state to the law of its initial value; other fields start at rest.
        prefilter: Elementwise map of the summed current before any noise on it.
        stepper: How a model without an exact flow is moved, with its membrane noise inside the step, e.g.
            ``neurons.Heun()``. ``None``: by ``integrate``, and membrane noise is added after the flow.
        combine: How the inputs and the drives of the projections join; ``None`` is ``synapses.Sum()``.

    Imperfections put into ``failures`` which outputs do not follow their neurons any more.
    """

    neuron: Neuron
    noise: dict[str, Source]
    firing: Firing
    initial: dict[str, Any]
    prefilter: Any
    stepper: Stepper | None
    combine: Combine
    failures: tuple[Failure, ...]

    def __init__(
        self,
        neuron: Neuron,
        *,
        noise: Mapping[str, Source] | None = None,
        firing: Firing | None = None,
        initial: Mapping[str, Any] | None = None,
        prefilter: Any = None,
        stepper: Stepper | None = None,
        combine: Combine | None = None,
    ):
        self.neuron = neuron
        self.noise = named("Population.noise", noise, "sources, e.g. noise.VoltageNoise(...)")
        self.firing = HardThreshold() if firing is None else firing
        self.initial = named("Population.initial", initial, "laws, e.g. laws.Fixed(0.0)")
        self.prefilter = prefilter
        self.stepper = stepper
        self.combine = Sum() if combine is None else combine
        self.failures = ()
        check_fields("Population", self)

    @property
    def size(self) -> int:
        """Number of neurons."""
        return self.neuron.size

    def check(self, who: str) -> None:
        """Raise :class:`InputError` for a part that does not fit."""
        for part, kind in (("neuron", Neuron), ("firing", Firing), ("combine", Combine)):
            if not isinstance(getattr(self, part), kind):
                fail(f"{who}.{part}", f"must be a {kind.__name__}", getattr(self, part))
        if self.prefilter is not None and not callable(self.prefilter):
            fail(f"{who}.prefilter", "must be a function of the current, e.g. coding.Relu()", self.prefilter)
        for name, source in self.noise.items():
            _identifier(f"{who}.noise", name)
            if not isinstance(source, Source) or source.seam is Seam.RELEASE:
                fail(
                    f"{who}.noise.{name}",
                    "must be a current, voltage, threshold or spike source",
                    type(source).__name__,
                )
            source.check_size(f"{who}.noise.{name}", self.size)
            if not self.neuron.spiking and source.seam in (Seam.THRESHOLD, Seam.SPIKE):
                fail(f"{who}.noise.{name}", "a neuron that never fires has no such seam", type(source).__name__)
        _check_takers(f"{who}.noise", self.noise, Seam.SPIKE)
        self._check_firing(who)
        self._check_stepper(who)
        self._check_initial(who)

    def _check_initial(self, who: str) -> None:
        """Initial laws are of parts of the state, whose range they keep."""
        if not self.initial:
            return
        rest = self.neuron.rest()
        said = declarations(rest)
        for field, law in self.initial.items():
            one_of(f"{who}.initial", field, sorted({*vars(rest), *said}))
            if not hasattr(law, "draw"):
                fail(f"{who}.initial.{field}", "must be an absolute law, e.g. laws.UniformBetween(0.0, 1.0)", law)
            within = said[field].range if field in said else Range(finite=False)
            for end in map(concrete, law.support(jnp.zeros(self.size))):
                if end is not None and not within.holds(end):
                    rule = f"{within.asked(said[field].unit)}, and so must all that its law may draw"
                    fail(f"{who}.initial.{field}", rule, end)

    def _check_stepper(self, who: str) -> None:
        """The neuron gives a drift and the noise of its membrane a coefficient."""
        if self.stepper is None:
            return
        if not isinstance(self.stepper, Stepper):
            fail(f"{who}.stepper", "must be a stepper, e.g. neurons.Heun()", self.stepper)
        self.neuron.check_stepper(f"{who}.stepper")
        if self.firing.inside:
            fail(
                f"{who}.stepper",
                "takes whole steps, and the firing rule tells spike times inside",
                type(self.firing).__name__,
            )
        ito = self.stepper.ito
        for name, source in self.noise.items():
            if source.seam is not Seam.VOLTAGE:
                continue
            if source.coefficient(self.neuron.potential(self.neuron.rest()), ito=ito) is None:
                sense = "Ito" if ito else "Stratonovich"
                rule = f"must be a white Diffusion, additive or in the sense of {sense}, inside a step of {type(self.stepper).__name__}"
                fail(f"{who}.noise.{name}", rule, type(source).__name__)

    def _check_firing(self, who: str) -> None:
        """What the firing rule needs of the noise and of the neuron is there."""
        if self.neuron.spiking and needs_decision(self.firing) and deciding_source(self) is None:
            rule = "needs noise that decides, with a private white Gaussian part"
            fail(f"{who}.firing", rule, undecided(self))
        if self.firing.between:
            self._check_between(who)
        if not self.firing.inside:
            return
        if not self.neuron.partial_steps:
            fail(
                f"{who}.firing",
                "tells spike times inside a step, which needs a neuron with partial steps",
                type(self.neuron).__name__,
            )
        for name, source in self.noise.items():
            if source.seam is Seam.VOLTAGE and not source.divisible:
                rule = "must be a white Diffusion: the rest of a step after a spike inside it takes noise of its own"
                fail(f"{who}.noise.{name}", rule, type(source).__name__)

    def _check_between(self, who: str) -> None:
        """A bridge joins the ends of a step: a linear membrane, moved by white Gaussian noise and by nothing that jumps."""
        drive = no_drive(self.size)
        if not self.neuron.spiking:
            return
        if self.neuron.time_constant(drive) is None or self.neuron.gain(drive, 1.0) is None:
            rule = "looks between the ends of a step, which needs a linear membrane"
            fail(f"{who}.firing", rule, type(self.neuron).__name__)
        if self.stepper is not None:
            fail(
                f"{who}.firing",
                "looks between the ends of an exact step, not of a stepper's",
                type(self.stepper).__name__,
            )
        if not any(source.unbridged is None for source in self.noise.values()):
            rule = "looks between the ends of a step, which needs white Gaussian Diffusion noise on the voltage or the current"
            reasons = "; ".join(f"{name} {source.unbridged}" for name, source in sorted(self.noise.items()))
            fail(f"{who}.firing", rule, reasons or "no noise")
        for name, source in self.noise.items():
            if source.seam is Seam.THRESHOLD:
                rule = "is on the threshold, fresh in each step: between the ends of a step it has no path for a bridge"
                fail(f"{who}.noise.{name}", rule, type(source).__name__)
            smooth = source.seam is Seam.CURRENT and source.smooth
            if source.seam in (Seam.VOLTAGE, Seam.CURRENT) and source.unbridged is not None and not smooth:
                rule = f"{source.unbridged}; the firing rule {type(self.firing).__name__} joins the ends of a step by a Brownian bridge"
                fail(f"{who}.noise.{name}", rule, type(source).__name__)


class Port(eqx.Module):
    """Where signals from outside enter a network: channels that hold spikes or analog values, and no neurons.

    Args:
        size: Number of channels.
    """

    size: int = eqx.field(static=True)

    def __check_init__(self) -> None:
        count("Port.size", self.size)


class Network(eqx.Module):
    """Populations, ports and projections by name.

    Args:
        populations: From name to :class:`Population` or :class:`Port`.
        projections: From name to a projection, e.g. ``synapses.Dense``. Names differ from those of the populations, so that
            ``"network.hidden.neuron.tau_mem"`` and ``"network.recurrent.weights"`` are paths.

    Imperfections put into ``failures`` which weights are others for a time.

    Raises:
        InputError: a name used twice, an unknown source or target, sizes that do not fit.
    """

    populations: dict[str, Population | Port]
    projections: dict[str, Projection]
    failures: tuple[WeightFailure, ...]

    def __init__(
        self,
        populations: Mapping[str, Population | Port],
        projections: Mapping[str, Projection] | None = None,
    ):
        self.populations = named("Network.populations", populations, "populations and ports")
        self.projections = named("Network.projections", projections, "projections, e.g. synapses.Dense(...)")
        self.failures = ()
        self.check("network")

    def path_children(self) -> dict[str, Any]:
        """Children by name for dotted paths."""
        parts: dict[str, Any] = {k: (lambda n, k=k: n.populations[k], v) for k, v in self.populations.items()}
        parts |= {k: (lambda n, k=k: n.projections[k], v) for k, v in self.projections.items()}
        return parts

    def check(self, who: str) -> None:
        """Raise :class:`InputError` for a parameter outside its range, or parts that do not fit each other."""
        check_tree(who, self)
        for name, part in self.populations.items():
            _identifier(who, name)
            if isinstance(part, Population):
                part.check(f"{who}.{name}")
            elif not isinstance(part, Port):
                fail(f"{who}.{name}", "must be a Population or a Port", part)
        if not self.cells():
            fail(who, "needs at least one population of neurons", list(self.populations))
        for name, projection in self.projections.items():
            _identifier(who, name)
            if not isinstance(projection, Projection):
                fail(f"{who}.{name}", "must be a projection, e.g. synapses.Dense(...)", projection)
            if name in self.populations:
                fail(f"{who}.{name}", "a projection needs a name of its own", name)
            self._check_projection(f"{who}.{name}", projection)
        for name in self.cells():
            self._check_combine(who, name)
        self.order()

    def check_values(self, who: str, about: str) -> None:
        """:meth:`check` of a network that passed it, and of which one part has other values since: what they do not touch is left out."""
        part = {**self.populations, **self.projections}[about]
        check_tree(f"{who}.{about}", part, self)
        touched = {about}
        if isinstance(part, Population):
            part.check(f"{who}.{about}")
        for name, projection in self.projections.items():
            if about in (name, projection.source, projection.target):
                self._check_projection(f"{who}.{name}", projection)
                touched.add(projection.target)
        for name in sorted(touched & self.cells().keys()):
            self._check_combine(who, name)

    def _check_combine(self, who: str, name: str) -> None:
        onto = {k: p for k, p in self.projections.items() if p.target == name}
        self.cells()[name].combine.check(f"{who}.{name}.combine", onto)

    def cells(self) -> dict[str, Population]:
        """The populations of neurons."""
        return {k: p for k, p in self.populations.items() if isinstance(p, Population)}

    def ports(self) -> dict[str, Port]:
        """The ports."""
        return {k: p for k, p in self.populations.items() if isinstance(p, Port)}

    def fan_out(self, name: str) -> Any:
        """Number of synapses that a spike of each neuron of a population drives [neuron], or ``None`` without any."""
        counts = [p.fan_out() for p in self.projections.values() if p.source == name]
        return sum(counts[1:], counts[0]) if counts else None

    def delay_steps(self, name: str, dt: float) -> int:
        """Delay of a projection in steps; without a given delay one step from a population, none from a port."""
        projection = self.projections[name]
        if projection.delay is None:
            return 0 if isinstance(self.populations[projection.source], Port) else 1
        steps = steps_of(f"network.{name}.delay", projection.delay, dt)
        if projection.delay and not steps:
            fail(f"network.{name}.delay", f"must be 0 or at least dt = {dt:g} ms [ms]", projection.delay)
        return steps

    def order(self) -> list[str]:
        """The populations in the order of a step: sources of projections without delay first, then by name.

        Raises:
            InputError: projections without delay form a cycle; it names them.
        """
        cells = list(self.cells())
        waiting = {k: p for k, p in self.projections.items() if p.delay == 0 and p.source in cells}
        if not waiting:
            return cells
        ordered: list[str] = []
        while len(ordered) < len(cells):
            free = [n for n in cells if n not in ordered and not any(p.target == n for p in waiting.values())]
            if not free:
                cycle = _cycle(waiting)
                rule = "projections without delay must form no cycle; give one of them a delay [ms]"
                fail("network", rule, " -> ".join(cycle))
            ordered.append(free[0])
            waiting = {k: p for k, p in waiting.items() if p.source != free[0]}
        return ordered

    def _check_projection(self, who: str, projection: Projection) -> None:
        one_of(f"{who}.source", projection.source, self.populations)
        one_of(f"{who}.target", projection.target, self.cells())
        sizes = self.populations[projection.source].size, self.populations[projection.target].size
        projection.check(who, *sizes)
        if projection.sees_source and isinstance(self.populations[projection.source], Port):
            fail(f"{who}.source", "must be a population: a port has no potentials", projection.source)
        for population in projection.reads:
            one_of(f"{who}.reads", population, self.cells())
        target = self.cells()[projection.target]
        # asking a neuron for its thresholds takes a millisecond
        if type(projection.kinetics).check_target is not Kinetics.check_target:
            projection.kinetics.check_target(f"{who}.kinetics", target.neuron.threshold(target.neuron.rest()))
        if projection.kinetics.conductance and target.prefilter is not None:
            rule = f"a conductance cannot enter {projection.target}, whose pre-filter maps a current"
            fail(f"{who}.kinetics", rule, type(projection.kinetics).__name__)
        for name, source in projection.noise.items():
            _identifier(f"{who}.noise", name)
            if not isinstance(source, Source) or source.seam is not Seam.RELEASE:
                fail(f"{who}.noise.{name}", "must be a release source", type(source).__name__)
            source.check_size(f"{who}.noise.{name}", sizes[0])
        _check_takers(f"{who}.noise", projection.noise, Seam.RELEASE)


def _check_takers(who: str, noise: Mapping[str, Source], seam: Seam) -> None:
    """What takes spikes away stands alone at its seam, but for what acts in silent steps: others would still see those spikes."""
    there = {k: source for k, source in noise.items() if source.seam is seam}
    takers = [k for k, source in there.items() if source.takes]
    others = [k for k, source in there.items() if not (source.takes or source.silent_only)]
    if takers and len(takers) + len(others) > 1:
        rule = f"takes spikes away, which other sources at the {seam.value[0]} seam would still see"
        fail(f"{who}.{takers[0]}", rule, sorted({*takers[1:], *others}))


def _cycle(projections: Mapping[str, Projection]) -> list[str]:
    """One cycle of populations and projections, as a walk; every population with an incoming projection lies behind another."""
    into = {p.target: (k, p.source) for k, p in sorted(projections.items(), reverse=True)}
    walk = [next(iter(sorted(into)))]
    while walk.count(walk[-1]) < 2:
        name, source = into[walk[-1]]
        walk += [name, source]
    ring = walk[walk.index(walk[-1]) :]
    return ring[::-1]


def _identifier(who: str, name: str) -> None:
    if not name.isidentifier():
        fail(who, "names must be identifiers (they are parts of paths)", name)
