"""How much two equal transistors differ in three open manufacturing processes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from jaxsnn_noise._checks import one_of, positive
from jaxsnn_noise.datasets import _files

_ONE_OF_A_PAIR = 0.7071  # as in the model file: a device has 1/sqrt(2) of the deviation between two


@dataclass(frozen=True)
class Transistor:
    """Standard deviations of one transistor of drawn width W and length L, Pelgrom's law.

    ``sigma = slope / sqrt((W + extra_width) (L + extra_length))``; Pelgrom, Duinmaijer and Welbers 1989,
    doi:10.1109/JSSC.1989.572629.

    Attributes:
        threshold_slope: of the threshold voltage [mV um].
        gain_slope: of the current factor, relative [um]. SKY130 has no such term; there it is the slope of the oxide
            thickness, to which the current factor is inversely proportional.
        extra_width: difference between effective and drawn width [um].
        extra_length: difference between effective and drawn length [um].
        coefficients: the coefficients of the model file, with its names and units. A pair stands where two files of
            SKY130 disagree; the slopes above take the larger value, so that a spread is not understated.
    """

    threshold_slope: float
    gain_slope: float
    extra_width: float
    extra_length: float
    coefficients: Mapping[str, Any]

    def threshold_sigma(self, width: float, length: float) -> float:
        """Standard deviation of the threshold voltage [mV] for drawn ``width`` and ``length`` [um]."""
        return self.threshold_slope / self._root_area(width, length)

    def gain_sigma(self, width: float, length: float) -> float:
        """Relative standard deviation of the current factor [1] for drawn ``width`` and ``length`` [um]."""
        return self.gain_slope / self._root_area(width, length)

    def _root_area(self, width: float, length: float) -> float:
        positive("width", width + self.extra_width, "um, effective")
        positive("length", length + self.extra_length, "um, effective")
        return math.sqrt((width + self.extra_width) * (length + self.extra_length))


@dataclass(frozen=True)
class MismatchTable:
    """Transistor mismatch of SKY130, GF180MCU and IHP SG13G2, from their model files; Apache-2.0.

    Attributes:
        processes: transistors by name, by process (``sky130``, ``gf180mcu``, ``ihp_sg13g2``).
        units: per process, the units and form of :attr:`Transistor.coefficients`, in the words of the table.

    Example:
        >>> from jaxsnn_noise import datasets
        >>> nmos = datasets.load("pdk_mismatch").transistor("ihp_sg13g2", "lv_nmos")
        >>> nmos.threshold_sigma(width=4.0, length=1.0)
        1.95
    """

    processes: Mapping[str, Mapping[str, Transistor]]
    units: Mapping[str, str]

    def transistor(self, process: str, name: str) -> Transistor:
        """The transistor ``name`` of ``process``.

        Raises:
            InputError: no such process or transistor; the message gives near matches.
        """
        one_of("process", process, self.processes)
        one_of(f"transistor of {process}", name, self.processes[process])
        return self.processes[process][name]


def pdk_mismatch() -> MismatchTable:
    """The table, brought to one form."""
    stored = _files.table("pdk_mismatch")
    forms = {"sky130": _sky130, "gf180mcu": _gf180mcu, "ihp_sg13g2": _ihp_sg13g2}
    processes = {
        process: {name: forms[process](found) for name, found in entry["fets"].items()}
        for process, entry in stored.items()
    }
    return MismatchTable(processes, {process: entry["unit"] for process, entry in stored.items()})


def _sky130(found: Mapping[str, Any]) -> Transistor:
    return Transistor(1000 * _larger(found["vth0"]), _larger(found["toxe"]), 0.0, 0.0, found)


def _gf180mcu(found: Mapping[str, Any]) -> Transistor:
    return Transistor(
        threshold_slope=1000 * _ONE_OF_A_PAIR * found["vth"],
        gain_slope=_ONE_OF_A_PAIR * found["k"],
        extra_width=-1e6 * found["w"],
        extra_length=-1e6 * found["l"],
        coefficients=found,
    )


def _ihp_sg13g2(found: Mapping[str, Any]) -> Transistor:
    return Transistor(1000 * found["delvto"], found["factuo"], 0.0, 0.0, found)


def _larger(value: float | list[float]) -> float:
    return max(value) if isinstance(value, list) else value
