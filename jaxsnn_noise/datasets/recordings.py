"""Time series of the real world: spoken vowels, a human motoneuron, a grasshopper's ear."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float32, Float64, Int16, UInt8

from jaxsnn_noise.datasets import _files
from jaxsnn_noise.datasets._split import stratified


@dataclass(frozen=True, eq=False)
class Utterances:
    """Utterances of different length, one after another.

    Attributes:
        frames: LPC cepstrum coefficients [1], about -1.9 to 2.2; NaN after the end of an utterance.
        lengths: number of frames of each utterance, 7 to 29.
        labels: speaker, 0 to 8.
        frame_shift: time from one frame to the next [ms].
    """

    frames: Float32[np.ndarray, "sample time channel"]
    lengths: Int16[np.ndarray, "sample"]
    labels: UInt8[np.ndarray, "sample"]
    frame_shift: float = 6.4

    def __len__(self) -> int:
        return len(self.labels)

    def subset(self, indices: Any) -> Utterances:
        """The utterances at ``indices`` (an integer array, a mask or a slice)."""
        return Utterances(self.frames[indices], self.lengths[indices], self.labels[indices], self.frame_shift)

    def split(self, validation: float = 0.2, *, key: Any = 0) -> tuple[Utterances, Utterances]:
        """Training and validation utterances, each speaker in the same proportion.

        Args:
            validation: fraction of each speaker's utterances that goes to validation, between 0 and 1.
            key: a JAX key or a whole number; the same key gives the same split everywhere.
        """
        rest, taken = stratified(self.labels, validation, key)
        return self.subset(rest), self.subset(taken)


@dataclass(frozen=True, eq=False)
class JapaneseVowels:
    """Nine men say /ae/; tell who speaks: 270 utterances to train on, 370 of other occasions to test on.

    12 LPC cepstrum coefficients of frames of 25.6 ms at a shift of 6.4 ms, stored with 11 significant bits. Kudo,
    Toyama and Shimbo 1999, doi:10.1016/S0167-8655(99)00077-X; UCI Machine Learning Repository, CC BY 4.0.

    Attributes:
        train: 30 utterances of each speaker, at most 26 frames.
        test: 24 to 88 utterances of each speaker, at most 29 frames.
    """

    train: Utterances
    test: Utterances


@dataclass(frozen=True, eq=False)
class Motoneuron:
    """Spikes of a human motoneuron round a magnetic stimulus to the brain, 469 times.

    Ventura, Davison and Boniface 1998 (Applied Statistics 47, 77); the data set ``neuro`` of the R package boot,
    unlimited distribution. The intervals have a mean of 118 ms and a CV of 0.19.

    Attributes:
        spike_times: time from the stimulus [ms]. Slots 0 to 2 hold the last three spikes before the stimulus, slots 3
            to 5 the first three after it; NaN where the window holds no such spike, on either side of a row.
        window: begin and end of the observation [ms].
    """

    spike_times: Float32[np.ndarray, "trial slot"]
    window: tuple[float, float] = (-250.0, 250.0)

    @property
    def counts(self) -> Int16[np.ndarray, "trial"]:
        """Number of spikes in the window, 2 to 6."""
        return np.isfinite(self.spike_times).sum(axis=1).astype(np.int16)


@dataclass(frozen=True, eq=False)
class SoundRecording:
    """What an auditory receptor heard, and when it fired.

    Attributes:
        spike_times: from the start of the recording [ms], resolved to 0.1 ms.
        amplitude: amplitude of the sound relative to its largest value [1]; entry i is the mean over the 0.5 ms that
            begin at i ``dt``.
        dt: sampling interval of ``amplitude`` [ms].
        cutoff_hz: highest frequency of the modulation [Hz].
    """

    spike_times: Float64[np.ndarray, "spike"]
    amplitude: Float32[np.ndarray, "time"]
    dt: float
    cutoff_hz: float


@dataclass(frozen=True, eq=False)
class Grasshopper:
    """Two recordings of 10 s of a grasshopper's auditory receptor under randomly modulated sound.

    One trial of each stimulus, which does not repeat: fit for spike-triggered averages and information rates, not for
    reliability across trials. From nitime (Rokem, Trumpis and Perez 2009), BSD 3-clause.

    Attributes:
        recordings: modulation up to 200 Hz (929 spikes) and up to 800 Hz (868 spikes).
    """

    recordings: tuple[SoundRecording, SoundRecording]


def japanese_vowels() -> JapaneseVowels:
    """The utterances, zero-based speakers, time before channel."""
    stored = _files.arrays("japanese_vowels")
    parts = [
        Utterances(
            frames=_files.read_only(stored[f"x_{part}"].swapaxes(1, 2).astype(np.float32)),
            lengths=stored[f"length_{part}"],
            labels=_files.read_only((stored[f"y_{part}"] - 1).astype(np.uint8)),
        )
        for part in ("train", "test")
    ]
    return JapaneseVowels(*parts)


def motoneuron() -> Motoneuron:
    """The spike times as published."""
    return Motoneuron(_files.arrays("motoneuron")["spike_ms"])


def grasshopper() -> Grasshopper:
    """The two recordings, times in ms."""
    stored = _files.arrays("grasshopper")
    first, second = (
        SoundRecording(
            spike_times=_files.read_only(stored[f"spikes_us_{which}"] / 1000.0),
            amplitude=_files.read_only(stored[f"stim_2khz_{which}"].astype(np.float32)),
            dt=0.5,
            cutoff_hz=cutoff_hz,
        )
        for which, cutoff_hz in ((1, 200.0), (2, 800.0))
    )
    return Grasshopper((first, second))
