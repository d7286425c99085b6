"""A network of a file on the chips of a process: yield at a spec, what spoils it, and what would mend it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

import jaxsnn_noise as jn
from jaxsnn_noise._checks import fail
from jaxsnn_noise.interop import LayeredNetwork, read_layered
from jaxsnn_noise.parameters import Range, between, fraction, positive
from jaxsnn_noise.study import Progress, option
from jaxsnn_noise.verdicts import holm

from . import circuits, fixes, pictures
from .claims import CLAIMS
from .pictures import tables
from .spec import parse

if TYPE_CHECKING:
    import xarray as xr

    from jaxsnn_noise.study import Picture

TITLE = "A network of yours on a process: yield at a spec, the worst parameter, and what would mend it"
COST = {"tiny": "10 s", "default": "30 s", "full": "10 min, estimated"}
EXAMPLE = Path(__file__).parent / "digits.npz"
"""Digits of 8 x 8 pixels, 32 hidden neurons; made by the program in docs/how-to/bring_your_network.md."""
settle = holm

__all__ = ["CLAIMS", "DEFAULT", "FULL", "TINY", "Config", "build", "measure", "methods", "plot", "settle", "tables"]


@dataclass(frozen=True)
class Config:
    """The network, the process, and the spec."""

    weights: str = option("")
    """The .npz file of the network, in the layout of interop.read_layered; empty: the example of digits."""
    process: str = option("sky130:nfet_01v8:subvt_mismatch")
    """TABLE[:TRANSISTOR[:CORNER]]: a .toml or .csv file, or sky130, gf180mcu, ihp_sg13g2."""
    spec: str = option("accuracy >= 0.95 nominal")
    """What a chip has to do: accuracy, error or agreement, a comparison, a number, and perhaps nominal."""
    wanted: float = option(0.95, fraction)
    """The yield that is wanted [1]."""
    width: float = option(1.0, positive)
    """Drawn width of the transistors as built [um]."""
    length: float = option(2.0, positive)
    """Drawn length [um]."""
    temperature: float = option(300.0, between(200.0, 500.0))
    """Of the chips [K]; the nominal values are those at 300 K."""
    areas: tuple[float, ...] = option((2.0, 4.0, 8.0), positive, least=1, rising=True)
    """Areas of larger transistors, times that as built [1]."""
    copies: int = option(4, Range(2))
    """Chips in an ensemble [1]; one of the areas, for comparison at equal area."""
    chips: int = option(100, Range(2))
    """Chips, or ensembles of chips [1]; parameters by themselves are measured on ``copies`` times as many."""
    images: int = option(500, Range(2))
    """Samples that each is tested on, the first of the file [1]; fewer where there are fewer."""
    calibration: int = option(50, Range(2))
    """Samples that a chip may be calibrated on [1], never those of the test."""
    seed: int = option(0, Range(0))
    """Root seed [1]."""
    weights_sha256: str = option("")
    """Checksum of the file of the network; empty: any."""
    process_sha256: str = option("")
    """Checksum of the file of the process; empty: any."""

    def __post_init__(self) -> None:
        parse(self.spec)
        if self.copies not in self.areas:
            raise ValueError("copies must be one of the areas, for the comparison at equal area")


TINY = Config(chips=12, images=60, calibration=20, areas=(4.0,))
DEFAULT = Config()
FULL = Config(chips=200, images=1000, areas=(1.5, 2.0, 3.0, 4.0, 6.0, 8.0, 16.0))


def network_of(config: Config) -> LayeredNetwork:
    """The network of the file.

    Raises:
        InputError: the file is another one than when the run began; see also ``read_layered``.
    """
    file = Path(config.weights).expanduser() if config.weights else EXAMPLE
    table = config.process.split(":")[0]
    for what, path, wanted in (
        ("weights", file, config.weights_sha256),
        ("process", Path(table), config.process_sha256),
    ):
        if wanted and path.is_file() and hashlib.sha256(path.read_bytes()).hexdigest() != wanted:
            fail(f"config: {what}", f"must be the file of the checksum {wanted[:12]}...; it was changed", str(path))
    return read_layered(file)


def build(config: Config) -> dict[str, jn.Simulation]:
    """The network on the circuits as built; device k of it, at the seed of the configuration, is chip k."""
    net = network_of(config)
    return {circuits.BUILT: net.simulation(imperfections=_circuits(net, config))}


def _circuits(net: LayeredNetwork, config: Config) -> dict[str, Any]:
    size = {"width": config.width, "length": config.length, "temperature": config.temperature}
    return circuits.circuits(net, circuits.transistor_of(config.process), **size)


def samples_of(net: LayeredNetwork, config: Config) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Inputs for calibration, inputs for the test, and the labels of these."""
    shown, rng = net.calibration, np.random.default_rng(config.seed)
    tested, labels = net.inputs, net.labels
    if shown is None:
        if len(tested) < 2 * config.calibration:
            rule = (
                f"must have at least {2 * config.calibration} samples, half of them for the test, or a key calibration"
            )
            fail("weights: inputs", rule, len(tested))
        shown, tested, labels = (
            part for part in (tested[-config.calibration :], tested[: -config.calibration], labels)
        )
    elif len(shown) > config.calibration:
        shown = shown[np.sort(rng.permutation(len(shown))[: config.calibration])]
    tested = tested[: config.images]
    return shown, tested, labels[: len(tested)]


def measure(config: Config, progress: Progress) -> dict[str, xr.Dataset]:
    """Answers of all chips in all cases, and those of repaired chips."""
    import xarray as xr

    net = network_of(config)
    sim = build(config)[circuits.BUILT]
    found: dict[str, Any] = dict(sim.imperfections)
    chosen = circuits.cases(found, config.areas, config.temperature)
    shown, tested, labels = samples_of(net, config)
    axes = [
        circuits.axis(found, chosen, width=config.width, length=config.length),
        jn.Devices(config.chips * config.copies),
        jn.Samples(np.concatenate([shown, tested]), path="inputs.input.values"),
    ]
    with progress.task("chips", unit="members") as task:
        store = progress.folder("chips")
        made = jn.monte_carlo(sim, axes, key=config.seed, progress=task.update, store=store)
    values = made["readout"].transpose("case", "device", "sample", "output_neuron").values
    if not np.isfinite(values).all():
        fail(
            "weights", "must keep the readout finite on every chip", f"{int((~np.isfinite(values)).sum())} that are not"
        )
    attributes, by_name = dict(made.attrs), {case.name: values[i] for i, case in enumerate(chosen)}
    nominal = by_name[circuits.NOMINAL][0, len(shown) :].argmax(axis=-1)
    right, spec = float((nominal == labels).mean()), parse(config.spec)
    spec.check({"accuracy": right, "error": 1.0 - right, "agreement": 1.0}[spec.what])
    alone = [case for case in chosen if case.kind == "alone"]
    answers = {case.name: by_name[case.name][:, len(shown) :].argmax(axis=-1) for case in alone}
    common = {"label": ("sample", labels), "nominal": ("sample", nominal)}
    dims = ("device", "sample")
    parameters = xr.Dataset(
        {"answer": (("parameter", *dims), np.stack(list(answers.values())).astype(np.int16)), **common},
        {"parameter": list(answers)},
    )
    rows = _fixes(by_name, len(shown), config)
    area = circuits.transistors(net) * config.width * config.length
    repaired = xr.Dataset(
        {
            "answer": (("fix", *dims), np.stack([row[3] for row in rows]).astype(np.int16)),
            "programmed": (("fix", "sample"), np.stack([row[4] for row in rows]).astype(np.int16)),
            "area": ("fix", np.array([row[1] * area for row in rows])),
            "measurements": ("fix", np.array([row[2] for row in rows])),
            **common,
        },
        {"fix": [row[0] for row in rows]},
    )
    attributes["seed"] = config.seed
    return {"parameters": parameters.assign_attrs(attributes), "fixes": repaired.assign_attrs(attributes)}


def _fixes(
    by_name: dict[str, np.ndarray], shown: int, config: Config
) -> list[tuple[str, float, int, np.ndarray, np.ndarray]]:
    """Name, area times as built, measurements of a chip, answers of the chips and of the network as programmed."""
    programmed, pool = by_name[circuits.NOMINAL][:1], by_name[circuits.BUILT]

    def plain(readout: np.ndarray) -> np.ndarray:
        return readout[: config.chips, shown:].argmax(axis=-1)

    def gained(readout: np.ndarray) -> np.ndarray:
        few = readout[: config.chips]
        calibration = jn.hardware.OutputCalibration.fitted(few[:, :shown], programmed[0, :shown])
        return calibration(few[:, shown:]).argmax(axis=-1)

    rows = []
    for name, area in ((circuits.BUILT, 1.0), *((f"area x{a:g}", a) for a in config.areas)):
        rows.append((name, area, 0, plain(by_name[name]), plain(programmed)[0]))
    for name, area in ((circuits.BUILT, 1.0), (f"area x{config.areas[0]:g}", config.areas[0])):
        called = "calibrated" if name == circuits.BUILT else f"calibrated, {name}"
        rows.append((called, area, shown, gained(by_name[name]), gained(programmed)[0]))
    groups, alike = fixes.grouped(config.chips, config.copies), np.zeros((1, config.copies), int)
    for name, rule in (("average", fixes.averaged), ("vote", fixes.voted)):
        answers, same = rule(pool[:, shown:], groups), rule(programmed[:, shown:], alike)[0]
        rows.append((f"{name} of {config.copies}", float(config.copies), 0, answers, same))
    return rows


def plot(data: dict[str, xr.Dataset], config: Config) -> dict[str, Picture]:
    """Yield of each fix over its area; what each parameter costs by itself; the chips."""
    return pictures.plot(data, config)


def methods(config: Config, data: dict[str, xr.Dataset]) -> str:
    """What was done, in words."""
    net, made_of = network_of(config), circuits.transistor_of(config.process)
    corner = f", corner {made_of.corner}" if made_of.corner else ""
    spread = float(made_of.log_spread(config.width, config.length, config.temperature))
    source = "the example of digits" if not config.weights else Path(config.weights).name
    return (
        f"The network of {source} ({'-'.join(map(str, net.sizes))}, {net.steps} steps of {net.dt:g} ms, read by {net.readout}) was put on "
        f"current-mode circuits of {made_of.process} ({made_of.name}{corner}{'; ' + made_of.bin if made_of.bin else ''}): one transistor for "
        f"each synapse, DPI membranes whose currents I_tau, I_th and I_spike set time constant, gain and threshold, {circuits.transistors(net)} "
        f"transistors of {config.width:g} x {config.length:g} um at {config.temperature:g} K, each current with a log-normal deviation of "
        f"{spread:.1%}. Signs of weights, input lines and the readout are exact; areas are those of these transistors alone. "
        f"{config.chips} chips ({config.chips * config.copies} for parameters by themselves) answered the same {data['fixes'].sizes['sample']} samples; the yield at '{parse(config.spec)}' is a share of chips with "
        "Wilson's 95 % interval, on these samples. In the cases of one parameter the others are as programmed, and chips keep their "
        "scores. Calibration fits gain and offset of each output to the readouts of the network as programmed, on "
        f"{int(data['fixes']['measurements'].max())} samples that are not those of the test, without labels. An ensemble is of {config.copies} chips, none of which is in two."
    )
