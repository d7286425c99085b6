"""What is measured: a campaign on every network, and chips with faults at random, plain and protected."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import jax
import numpy as np

import jaxsnn_noise as jn

from . import networks

if TYPE_CHECKING:
    import xarray as xr

    from jaxsnn_noise.study import Progress

    from . import Config

PROTECTIONS = ("plain", "half", "all")
"""No redundancy; of the hidden neurons that matter most every second, or all, three times."""


def measure(config: Config, progress: Progress) -> dict[str, xr.Dataset]:
    """The campaign and the repairs, each kept as it is finished."""
    shown = networks.images(config)
    made = networks.trained(config, shown["train"])
    found = {"campaign": progress.stage("campaign", lambda: _campaign(config, progress, made, shown))}
    if config.chips:
        worst = _worst(found["campaign"], config)
        found["repairs"] = progress.stage("repairs", lambda: _repairs(config, progress, made, shown["test"], worst))
    return found


def key(config: Config, network: int) -> Any:
    """The root of the draws of a network."""
    return jax.random.fold_in(jax.random.key(config.seed), network)


def answered(data: Any) -> np.ndarray:
    """The class of the largest readout."""
    return np.asarray(data["readout"].argmax("output_neuron").values, np.int8)


def _campaign(config: Config, progress: Progress, made: Any, shown: Any) -> xr.Dataset:
    import xarray as xr

    labels: dict[str, list[Any]] = {}
    answers: list[np.ndarray] = []
    probed: list[np.ndarray] = []
    attributes: dict[Any, Any] = {}
    probe = shown["train"][0][: config.images]
    with progress.task("networks", unit="networks", total=len(made)) as task:
        for index, network in enumerate(made):
            sim = networks.simulation(network, config, networks.faults())
            places, labels = networks.campaign(sim, config, config.seed + index)
            for images, kept in ((shown["test"][0], answers), (probe, probed)):
                data = jn.monte_carlo(sim, [places, jn.Samples(images)], key=key(config, index), progress=False)
                kept.append(answered(data))
                attributes = data.attrs
            task.update(index + 1, len(made))
    neuron = np.isin(labels["kind"], ["none", "dead neuron", "saturated neuron"])
    right = shown["train"][1][: config.images]
    columns = {
        "answer": (("seed", "fault", "sample"), np.stack(answers)),
        "label": ("sample", shown["test"][1]),
        "correct_in_training": (("seed", "fault"), np.where(neuron, (np.stack(probed) == right).mean(-1), np.nan)),
    }
    coords = {"seed": np.arange(len(made)), **{name: ("fault", values) for name, values in labels.items()}}
    return xr.Dataset(columns, coords, {**attributes, "seed": config.seed})


def _worst(campaign: xr.Dataset, config: Config) -> list[dict[str, np.ndarray]]:
    """The half of each hidden layer, by network, that costs most on training images, dead and saturated taken together."""
    found = []
    for _, one in campaign["correct_in_training"].groupby("seed"):
        row = one.squeeze()
        chosen = {}
        for name, size in zip(networks.HIDDEN, config.hidden, strict=True):
            here = (row["layer"] == name).values
            both = sum(row.values[here & (row["kind"] == kind).values] for kind in ("dead neuron", "saturated neuron"))
            chosen[name] = np.argsort(both, kind="stable")[: size // 2]
        found.append(chosen)
    return found


def _repairs(config: Config, progress: Progress, made: Any, test: Any, worst: Any) -> xr.Dataset:
    import xarray as xr

    where = ("hidden", "all")
    readouts = {name: [] for name in PROTECTIONS}  # type: dict[str, list[Any]]
    area = dict.fromkeys(PROTECTIONS, 0.0)
    with progress.task("repairs", unit="networks", total=len(made)) as task:
        for index, network in enumerate(made):
            for name, chosen in zip(PROTECTIONS, (False, worst[index], None), strict=True):
                safe = network if chosen is False else networks.protected(network, chosen)
                area[name] = networks.area(safe)
                per_place = []
                for place in where:
                    faults = networks.scattered(safe, config.share, outputs=place == "all")
                    sim = networks.simulation(safe, config, faults)
                    axes = [jn.Devices(config.chips), jn.Samples(test[0])]
                    per_place.append(jn.monte_carlo(sim, axes, key=key(config, index), progress=False)["readout"])
                readouts[name].append(per_place)
            task.update(index + 1, len(made))
    options: dict[str, tuple[float, Any]] = {}
    for name in PROTECTIONS:
        options[name] = (area[name] / area["plain"], [[_right(r, test[1]) for r in one] for one in readouts[name]])
    for copies in (2, 3):
        for vote in (False, True):
            words = f"{'vote' if vote else 'mean'} of {copies}"
            gathered = [
                [_right(jn.reduce.ensembled(r, "output_neuron", copies=copies, vote=vote), test[1]) for r in one]
                for one in readouts["plain"]
            ]
            options[words] = (float(copies), gathered)
    correct = np.stack([values for _, values in options.values()])
    coords = {
        "option": list(options), "seed": np.arange(len(made)), "place": list(where),
        "area": ("option", [size for size, _ in options.values()]),
    }  # fmt: skip
    return xr.Dataset({"correct": (("option", "seed", "place", "sample"), correct)}, coords, {"seed": config.seed})


def _right(readout: Any, labels: np.ndarray) -> np.ndarray:
    """Share of the chips (ensembles) that answer each image right [sample]."""
    over = "ensemble" if "ensemble" in readout.dims else "device"
    answers = readout.argmax("output_neuron").transpose(over, "sample").values
    return np.asarray((answers == labels).mean(axis=0))
