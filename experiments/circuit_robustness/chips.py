"""Chips of a trained network: what deviates, in which form of the neuron, and the cases of it that are measured in one program."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Self

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

import jaxsnn_noise as jn
from jaxsnn_noise import hardware
from jaxsnn_noise.ensemble.axes.axis import Axis
from jaxsnn_noise.parameters import fraction, parameter, positive

from . import tasks

if TYPE_CHECKING:
    from . import Config

FORMS = ("leaky", "accumulating", "dpi")
"""``beta v + (1 - beta) R I``, ``beta v + I``, and the DPI neuron, in which one current makes time constant and gain."""
SINGLE = ("tau", "threshold", "gain", "weights per synapse", "weights per neuron")
ALL = "all"
"""Time constant, threshold, gain, and weights per synapse."""
TOGETHER = SINGLE[:4]
OFF = 24.0
"""Bits at which a weight is what it is."""
PROCESS = ("sky130", "nfet_01v8", "subvt_mismatch")
V_TH = 35.0
"""Deviation of a threshold voltage in the claim, 5 % of 0.7 V [mV]."""
DESIGN, HOT, COLD = 300.0, 350.0, 250.0
EXACT = 1e18
"""Width and length of a transistor without mismatch [um]."""
Case = Mapping[str, Any]
"""From leaves of imperfections to values; what is not named is as it is in the simulation."""


class Accumulating(hardware.Imperfection):
    r"""The form ``v <- beta v + I``: what a step adds does not know of the time constant.

    The exact flow of a LIF neuron adds ``(1 - beta) R I``. With :math:`R \to R\,((1-\beta_0)/(1-\beta))^s` its step adds what the
    design adds, for ``share`` s of 1, whatever the mismatch of tau; nothing changes for 0, or without mismatch.
    """

    stage: ClassVar[hardware.Stage] = hardware.Stage.AGED
    switches_off: ClassVar[bool] = True
    absolute: ClassVar[bool] = False
    population: str = eqx.field(static=True)
    share: Any = parameter("1", fraction, default=0.0)
    tau_mem: Any = parameter("ms", positive, default=20.0)
    dt: Any = parameter("ms", positive, default=1.0)

    @property
    def axis(self) -> None:
        """It draws nothing."""

    def apply(self, network: Any, key: Any) -> Any:
        del key
        cells = network.populations[self.population].neuron
        ratio = jnp.expm1(-self.dt / self.tau_mem) / jnp.expm1(-self.dt / cells.tau_mem)
        there = lambda n: n.populations[self.population].neuron.resistance  # noqa: E731
        return eqx.tree_at(there, network, cells.resistance * ratio**self.share)

    def check(self, who: str, network: Any) -> None:
        """The population is one of the study."""

    @classmethod
    def example(cls) -> Self:
        return cls("hidden")


class Chips(Axis):
    """Chips of several networks, one network after the other: member ``n chips + k`` is a chip of network n, of its own key.

    Args:
        weights: From paths to the values of each network [network, ...].
        chips: Chips of each.
        leaves: From paths to values of each chip [member, ...].
    """

    random: ClassVar[bool] = True
    weights: dict[str, Any]
    chips: int = eqx.field(static=True)
    leaves: dict[str, Any] = eqx.field(default_factory=dict)
    name: str = eqx.field(static=True, default="device")

    @property
    def size(self) -> int:
        return self.chips * len(next(iter(self.weights.values())))

    def sets(self, sim: jn.Simulation) -> tuple[str, ...]:
        del sim
        return (*self.weights, *self.leaves)

    def check(self, sim: jn.Simulation) -> None:
        """The first chip is one: weights were trained, trims are found between ends that are."""
        jn.paths.replace(sim, {path: values[0] for path, values in (self.weights | self.leaves).items()})

    def apply(self, sim: jn.Simulation, address: Any, index: jax.Array, root: Any) -> tuple[jn.Simulation, Any]:
        del root
        own = {path: values[index // self.chips] for path, values in self.weights.items()}
        own |= {path: values[index] for path, values in self.leaves.items()}
        return jn.paths.replace(sim, own), address.at(self.name, index)

    @classmethod
    def example(cls) -> Self:
        return cls({"inputs.input.values": jnp.zeros((2, 1))}, 1)


def family(form: str) -> str:
    """Whose trained networks a form has: the first two are the same network as long as nothing deviates."""
    return "dpi" if form == "dpi" else "lif"


def deviating(task: str, of: str) -> dict[str, list[str]]:
    """The imperfections that each parameter consists of, by name."""
    synapses, neurons = ([f"{kind}_{name}" for name in tasks.weights(task)] for kind in ("synapses", "neurons"))
    found = {name: [name] for name in SINGLE[:3]} | {SINGLE[3]: synapses, SINGLE[4]: neurons}
    return found | {ALL: [one for name in TOGETHER for one in found[name]]}


def imperfections(task: str, of: str) -> dict[str, Any]:
    """Everything that can deviate, with a spread of 0; ``of`` is the family."""
    law = jn.laws.LogNormal(0.0)
    found: dict[str, Any] = {}
    for name, leaf in zip(SINGLE, tasks.parameters(of), strict=False):
        found[name] = hardware.Mismatch(tasks.HIDDEN + leaf, law, per="neuron")
    for name in tasks.weights(task):
        for kind, per in (("synapses", "synapse"), ("neurons", "neuron")):
            found[f"{kind}_{name}"] = hardware.Mismatch(f"network.{name}.weights", law, per=per)
    if of == "lif":
        found["form"] = Accumulating("hidden", dt=tasks.dt(task))
    return found


def spread(task: str, form: str, parameter: str, level: float) -> Case:
    """The case in which one parameter (or all) deviates by a coefficient of variation."""
    of = family(form)
    case: dict[str, Any] = {f"imperfections.{name}.law.cv": level for name in deviating(task, of)[parameter]}
    return case if of == "dpi" else case | {"imperfections.form.share": float(form == "accumulating")}


def rows(forms: Sequence[str], of: str, levels: Sequence[float]) -> list[tuple[str, str, float]]:
    """Form, parameter and level of the cases of a family; what does not depend on the form is there once, for the first."""
    own = [form for form in forms if family(form) == of]
    wanted = [(own[0], name) for name in (*SINGLE, ALL)] + [
        (form, name) for form in own[1:] for name in (SINGLE[0], ALL)
    ]
    return [(form, name, level) for form, name in wanted for level in levels]


def at_area(cv: float, times: float) -> float:
    """The coefficient of variation with transistors so many times as large: the variance of the logarithm falls as their area grows."""
    return float(np.sqrt(np.expm1(np.log1p(cv**2) / times)))


def axis(sim: jn.Simulation, cases: Sequence[Case]) -> jn.Vary:
    """The cases as an axis: leaves that one does not name are as they are in the simulation."""
    named = sorted({path for case in cases for path in case})
    standard = {path: np.asarray(jn.paths.get(sim, path)) for path in named}
    values = {path: np.stack([np.broadcast_to(case.get(path, standard[path]), standard[path].shape) for case in cases])
              for path in named}  # fmt: skip
    return jn.Vary(
        {path: rows.astype(np.float32) for path, rows in values.items()}, name="case", labels=range(len(cases))
    )


def transistor() -> hardware.MOSFET:
    """The transistor of the circuits."""
    process, name, corner = PROCESS
    return jn.datasets.load("processes")[process].transistor(name, corner=corner)


def circuits() -> dict[str, Any]:
    """Every current that of a transistor of its own, none of which deviates; for images."""
    size: dict[str, Any] = {"width": EXACT, "length": EXACT, "temperature": DESIGN}
    currents = {"spike": EXACT, "tau": EXACT, "th": EXACT}
    each: dict[str, Any] = {"width": currents, "length": currents, "temperature": DESIGN}
    found = {"neurons": hardware.CurrentMode(hardware.dpi_leaves("hidden"), transistor(), per="neuron", **each)}
    for name in tasks.weights("mnist"):
        leaves = {f"network.{name}.weights": {"weight": 1.0}}
        found[name] = hardware.CurrentMode(leaves, transistor(), per="synapse", **size)
    return found


def circuit_cases(config: Config) -> dict[str, Case]:
    """Temperatures with and without mismatch of drawn transistors, and threshold voltages off by 35 mV."""
    made = transistor()
    effective = float(np.hypot(np.asarray(made.vth), np.asarray(made.voff)))  # mV um: both move the current alike
    side = effective / V_TH
    found: dict[str, Case] = {"nominal": _circuit(DESIGN, None)}
    for temperature in (COLD, DESIGN, HOT):
        found[f"mismatch at {temperature:g} K"] = _circuit(temperature, config.area**0.5)
        if temperature != DESIGN:
            found[f"no mismatch at {temperature:g} K"] = _circuit(temperature, None)
    found["35 mV, all transistors"] = _circuit(DESIGN, side)
    found["35 mV, threshold current"] = _circuit(DESIGN, side, only="spike")
    return found


def _circuit(temperature: float, side: float | None, only: str | None = None) -> Case:
    """Transistors of a width and length [um], or without mismatch; or the current ``only`` of the neurons alone."""
    found: dict[str, Any] = {}
    for name in ("neurons", *tasks.weights("mnist")):
        drawn = EXACT if side is None or (only is not None and name != "neurons") else side
        value: Any = drawn
        if name == "neurons":
            value = np.array([drawn if only in (None, current) else EXACT for current in ("spike", "tau", "th")])
        found |= {f"imperfections.{name}.{leaf}": value for leaf in ("width", "length")}
        found[f"imperfections.{name}.temperature"] = temperature
    return found


def words() -> dict[str, Any]:
    """Weights as words, as conductances that drift, with mismatch, and with flipped bits: all of it off; for images."""
    found: dict[str, Any] = {}
    for name in tasks.weights("mnist"):
        path = f"network.{name}.weights"
        found[f"bits_{name}"] = hardware.Quantised(path, OFF)
        found[f"synapses_{name}"] = hardware.Mismatch(path, jn.laws.LogNormal(0.0), per="synapse")
        found[f"pcm_{name}"] = hardware.PhaseChange(path, 0.0, programming=0.0, drift=0.0, reads=False)
        found[f"flips_{name}"] = hardware.FlippedBits(path, hardware.Scattered(0.0))
    return found


def word(**values: float) -> Case:
    """The case of weights with ``bits``, ``cv``, ``age`` (with ``programming`` and ``drift``), ``flips``."""
    leaves = {"bits": "bits_{}.bits", "cv": "synapses_{}.law.cv", "age": "pcm_{}.age", "programming": "pcm_{}.programming",
              "drift": "pcm_{}.drift", "flips": "flips_{}.sites.fraction"}  # fmt: skip
    return {f"imperfections.{leaves[what].format(name)}": value for name in tasks.weights("mnist")
            for what, value in values.items()}  # fmt: skip
