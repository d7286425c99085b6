"""Studies: one file says what is simulated, what is measured, what is shown, and which claims are tested.

A study is one Python file, or a folder whose ``__init__.py`` is one. ``jaxsnn-noise run my_study.py`` runs it from
anywhere; a file in ``experiments/`` is a built-in study and is run by its name. This is a whole one::

    from dataclasses import dataclass

    import numpy as np
    import xarray as xr

    from jaxsnn_noise import figures
    from jaxsnn_noise.study import Claim, Judgement, Picture

    TITLE = "Averaging shrinks noise"
    COST = {"tiny": "1 s", "default": "1 s", "full": "1 s"}         # optional, for `jaxsnn-noise list`


    @dataclass(frozen=True)
    class Config:
        sizes: tuple[int, ...] = (1, 4, 16)
        \"\"\"How many numbers are averaged [1].\"\"\"
        repeats: int = 200
        \"\"\"Independent averages per size [1].\"\"\"
        seed: int = 0
        \"\"\"Root seed [1].\"\"\"


    TINY, DEFAULT, FULL = Config(repeats=50), Config(), Config(repeats=5000)


    def build(config):
        return None                                                  # here: the Simulation, or a dict of them


    def measure(config, progress):
        rng = np.random.default_rng(config.seed)
        spread, error = [], []
        for size in progress.track(config.sizes, "averages", unit="sizes"):
            s = rng.normal(size=(config.repeats, size)).mean(axis=1).std(ddof=1)
            spread.append(s)
            error.append(1.96 * s / np.sqrt(2 * (config.repeats - 1)))
        columns = {"spread": ("size", spread), "error": ("size", error)}
        return xr.Dataset(columns, {"size": list(config.sizes)}, {"seed": config.seed})


    def plot(data, config):
        figure, axes = figures.new_figure()
        s, e = data["spread"].values, data["error"].values
        x_label, y_label = "numbers averaged [1]", "standard deviation of the average [1]"
        _, table = figures.line_with_interval(
            axes, data["size"].values, s, s - e, s + e, x_label=x_label, y_label=y_label
        )
        caption = f"Spread of the average; band: 95 % interval of n = {config.repeats} repeats."
        return {"spread": Picture(figure, table, caption)}


    def halved(data, config):
        s, e = data["spread"].sel(size=4).item(), data["error"].sel(size=4).item()
        return Judgement.at_most(0.6, s, s - e, s + e)


    CLAIMS = (Claim("halved", "Four numbers halve the spread.", "prediction of this study", halved),)


    def methods(config, data):
        return f"Averages of normal numbers were drawn {config.repeats} times per size (seed {config.seed})."

Parts of the file:

``TITLE``
    a string, written as a literal (``list`` reads it without running the file)
``COST`` (optional)
    a literal dict from preset to words about how long it takes
``Config``
    a frozen dataclass, nested if it helps; each field has a docstring with its unit
``TINY``, ``DEFAULT``, ``FULL``
    instances of ``Config``: for a test, an answer in minutes, everything
``build(config)``
    what is simulated: a ``Simulation``, a dict of them, or None; called first, so cheap
``measure(config, progress)``
    the long computation: an ``xarray.Dataset``, or a dict of them by name
``plot(data, config)``
    a dict from file name to ``Picture``
``CLAIMS``
    a tuple of ``Claim``, each with ``judge(data, config) -> Judgement``
``methods(config, data)``
    the methods paragraph; a line indented by four spaces is an equation
``tables(data, config)`` (optional)
    a dict from file name to ``pandas.DataFrame``
``settle(judgements)`` (optional)
    takes the judgements of all claims by name, and returns them with what they say together
    (:func:`jaxsnn_noise.verdicts.holm`)
``bytes_needed(config)`` (optional)
    room on disk that the results will take [B]

``data`` is always what was read back from disk, so figures and verdicts rest on the numbers that are kept.
``progress.stage(name, compute)`` saves the dataset of a finished part at once; after an interruption ``--resume`` reads
it back and computes only the rest. Inside of one ``monte_carlo`` the same is had by ``store=progress.folder("grid")``;
``with progress.task("grid", unit="members") as task`` and ``progress=task.update`` show how far it is. The report
appends versions, device and seed to the methods paragraph by itself; for that the dataset carries the attributes
``seed``, ``stream_version`` and so on, as those of ``monte_carlo`` do.

To run a study from Python: ``run_study(load("my_study.py"), config, "results/mine")``.
"""

from jaxsnn_noise.study.catalog import builtin, find, listing, load
from jaxsnn_noise.study.config import read_toml
from jaxsnn_noise.study.notes import field_notes
from jaxsnn_noise.study.options import option
from jaxsnn_noise.study.outputs import Existing
from jaxsnn_noise.study.progress import Lines, Live, Progress, Silent, display_for
from jaxsnn_noise.study.protocol import Claim, ClaimResult, Judgement, Picture, Study, StudyError, Verdict
from jaxsnn_noise.study.runner import Run, run_study
from jaxsnn_noise.study.toml import to_toml

__all__ = [
    "Claim",
    "ClaimResult",
    "Existing",
    "Judgement",
    "Lines",
    "Live",
    "Picture",
    "Progress",
    "Run",
    "Silent",
    "Study",
    "StudyError",
    "Verdict",
    "builtin",
    "display_for",
    "field_notes",
    "find",
    "listing",
    "load",
    "option",
    "read_toml",
    "run_study",
    "to_toml",
]


def __dir__() -> list[str]:
    return __all__
