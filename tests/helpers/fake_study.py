"""A study that costs nothing, written to a file, with places where a test can put in a mistake."""

from __future__ import annotations

from pathlib import Path

SOURCE = '''
"""A study for tests."""
from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr

from jaxsnn_noise import figures
from jaxsnn_noise.study import Claim, Judgement, Picture

TITLE = "A study of <nothing> & more"
COST = {"tiny": "1 s", "default": "2 s", "full": "3 s"}


@dataclass(frozen=True)
class Inner:
    levels: tuple[float, ...] = (0.0, 0.1, 0.2)
    """Noise intensities [1]."""
    note: str | None = None
    """A remark."""

    def __post_init__(self):
        if min(self.levels) < 0:
            raise ValueError("levels must be >= 0")


@dataclass(frozen=True)
class Config:
    inner: Inner = Inner()
    """Noise inside."""
    trials: int = 20
    """Trials per level [1]."""
    seed: int = 0
    """Root seed [1]."""


TINY, DEFAULT, FULL = Config(trials=3), Config(), Config(trials=200)


def build(config):
    return None


def measure(config, progress):
    rng = np.random.default_rng(config.seed)
    levels = list(config.inner.levels)
    values = rng.normal(size=(config.trials, len(levels))) + np.array(levels)
    values[0, 0] = np.nan
    dims = ("trial", "level")
    attrs = {"seed": config.seed, "stream_version": 1}
    return xr.Dataset({"rate": (dims, values)}, {"level": levels}, attrs)


def plot(data, config):
    figure, axes = figures.new_figure()
    mean, error = data["rate"].mean("trial").values, 0.1
    x = data["level"].values
    _, table = figures.line_with_interval(
        axes, x, mean, mean - error, mean + error, x_label="D [1]", y_label="rate [Hz]", series="a < b"
    )
    return {"rate": Picture(figure, table, "Rate <against> noise.")}


def small(data, config):
    mean = float(data["rate"].mean())
    return Judgement.at_most(5.0, mean, mean - 1, mean + 1, units="Hz", detail="n < 21 & more")


CLAIMS = (
    Claim("small", "The rate is <small>.", "arXiv:2604.13612", small),
    Claim("large", "The rate is large.", "doi:10.1038/nmeth.1618", lambda d, c: Judgement.above(5.0, 0.5, 0.1, 0.9)),
    Claim("open", "The rate is open.", "prediction of this study", lambda d, c: Judgement.above(0.0, 0.5, -0.1, 0.9)),
)


def methods(config, data):
    return f"n = {config.trials} trials were drawn,\\n    v(t + dt) = a v(t) + <noise>\\nwith seed {config.seed}."


def tables(data, config):
    return {"by_level": pd.DataFrame({"level [1]": data["level"].values, "what": ["<b>x</b>"] * data.sizes["level"]})}
'''


def write(folder: Path, *exchanges: tuple[str, str], name: str = "fake.py", more: str = "") -> Path:
    """Write the study to a file.

    Args:
        folder: Where to.
        *exchanges: Pairs of a piece of the source and what stands there instead.
        name: Name of the file.
        more: Source to append; what it defines again replaces what was there.
    """
    source = SOURCE
    for old, new in exchanges:
        assert old in source, f"the study has no {old!r}"
        source = source.replace(old, new)
    path = folder / name
    path.write_text(source + more, encoding="utf-8")
    return path
