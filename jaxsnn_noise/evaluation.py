"""How good a classifier or a regressor is, with intervals: from what it answers for each sample.

The answers come from ``training.Fitted.predict``, or by :func:`answers` from any array of outputs: a loop of one's own, a
larger model, a Monte Carlo study. The functions take the dataset of either.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from jaxsnn_noise import reduce
from jaxsnn_noise._checks import count, fail, names
from jaxsnn_noise.engine.samples import array_of

if TYPE_CHECKING:
    import xarray as xr

__all__ = [
    "answers",
    "by_draws",
    "confusion_matrix",
    "scores",
]


def answers(outputs: Any, labels: Any, *, dims: Sequence[str] = ("sample",)) -> xr.Dataset:
    """What a classifier answers, from its outputs: the class with the largest one (the first of equal ones).

    Args:
        outputs: [sample, class], or more leading dimensions: [seed, sample, class], [device, sample, class].
        labels: [sample]: the right classes, whole numbers in [0, classes - 1].
        dims: Names of the leading dimensions of ``outputs``, ``"sample"`` among them.

    Returns:
        Dataset with ``readout`` (the outputs), ``prediction``, ``target`` and ``correct``.

    Raises:
        InputError: no numbers, outputs that are NaN (no answer is the right one), labels that do not fit.

    Example:
        >>> found = answers([[0.1, 0.9], [0.8, 0.2], [0.3, 0.7]], [1, 0, 0])
        >>> found.correct.values.tolist()
        [True, True, False]
    """
    import xarray as xr

    values, right, names = array_of("answers.outputs", outputs), array_of("answers.labels", labels), tuple(dims)
    if values.dtype.kind not in "fiu" or np.isnan(values).any():
        fail("answers.outputs", "must be real numbers and none of them NaN", outputs)
    if names.count("sample") != 1 or len(set(names)) != len(names) or values.ndim != len(names) + 1:
        rule = f"must name the dimensions of outputs {values.shape} before the last, 'sample' among them"
        fail("answers.dims", rule, names)
    samples = values.shape[names.index("sample")]
    if right.shape != (samples,) or right.dtype.kind not in "iu":
        fail("answers.labels", f"must be whole numbers of the shape ({samples},)", (right.shape, str(right.dtype)))
    if right.size and not (right.min() >= 0 and right.max() < values.shape[-1]):
        fail("answers.labels", f"must lie in [0, {values.shape[-1] - 1}], one per class", right)
    found = xr.Dataset({"readout": ((*names, "class"), values), "target": ("sample", right)})
    found["prediction"] = (names, np.argmax(values, axis=-1))
    found["correct"] = found.prediction == found.target
    return found


def scores(found: xr.Dataset, *, over: Sequence[str] | str = ("sample",), confidence: float = 0.95) -> xr.Dataset:
    """Accuracy and loss with their intervals over samples, and over whatever else is random.

    Over samples alone an interval speaks of other samples for this network. With ``over=("seed", "sample")`` it speaks of
    other trained networks too, with ``("device", "sample")`` of other chips: both dimensions are random, and crossed. The
    accuracy has the Wilson interval of :func:`reduce.proportion`, the loss the t-interval of :func:`reduce.mean_and_error`.

    Args:
        found: From :func:`answers` or ``Fitted.predict`` with targets.
        over: The random dimensions; all others are kept.
        confidence: Coverage of the intervals.

    Returns:
        Dataset with the dimension ``score`` (``"accuracy"`` and ``"loss"``, as far as they are there): ``mean``,
        ``standard_error``, ``low``, ``high`` and ``n``.

    Raises:
        InputError: answers without targets; dimensions that are not there, or have fewer than two members.

    Example:
        >>> found = answers([[0.1, 0.9], [0.8, 0.2], [0.3, 0.7]] * 20, [1, 0, 0] * 20)
        >>> best = scores(found).sel(score="accuracy")
        >>> round(float(best["mean"]), 3), round(float(best.low), 3), round(float(best.high), 3)
        (0.667, 0.541, 0.773)
    """
    import xarray as xr

    dims, parts = names("scores.over", over), {}
    if "correct" in found:
        parts["accuracy"] = reduce.proportion(found["correct"], dims, confidence=confidence)
    if "loss" in found:
        parts["loss"] = reduce.mean_and_error(found["loss"], dims, confidence=confidence)
    if not parts:
        fail("scores", "needs what was right: answers with labels, or predict with targets", sorted(found))
    kept = ["mean", "standard_error", "low", "high", "n"]
    together = xr.concat([part[kept].drop_attrs() for part in parts.values()], "score")
    return together.assign_coords(score=list(parts)).assign_attrs(confidence=confidence, over=list(dims))


def by_draws(
    found: xr.Dataset,
    counts: Sequence[int] | None = None,
    *,
    draw: str = "draw",
    over: Sequence[str] | str = ("sample",),
    vote: bool = False,
    confidence: float = 0.95,
) -> xr.Dataset:
    """Accuracy of the mean of several answers of a noisy network, by their number, and what they gain over one answer.

    The draws are put into groups of each size in their order, none in two (:func:`reduce.ensembled`); the answer of a group is the
    largest mean output, or that with the most votes. The accuracy of a sample is the mean over groups; intervals are Student's t
    over ``over``, of the gain paired on the same draws.

    Args:
        found: Answers with targets and a dimension of draws: ``Fitted.predict(data, key=, draws=16)``, or :func:`answers` of outputs
            [draw, sample, class].
        counts: Numbers of draws, distinct, at most as many as there are; powers of two unless given. Those left over are dropped.
        draw: Name of the dimension of draws.
        over: The random dimensions; all others but draws are kept.
        vote: Each draw has one vote; else outputs are averaged.
        confidence: Coverage of the intervals.

    Returns:
        Dataset over ``draws``: ``mean``, ``standard_error``, ``low`` and ``high`` of the accuracy [1], and with ``gain_`` before
        them those of its difference to single draws.

    Raises:
        InputError: no draws, targets or outputs; counts that are none.

    Example:
        >>> outputs = np.random.default_rng(0).normal(size=(8, 50, 3)) + 0.7 * np.eye(3)[[0, 1] * 25]
        >>> several = by_draws(answers(outputs, [0, 1] * 25, dims=("draw", "sample")))
        >>> bool(several["mean"].sel(draws=8) > several["mean"].sel(draws=1))
        True
    """
    import xarray as xr

    who, dims = "by_draws", names("by_draws.over", over)
    if "readout" not in found or "target" not in found or draw not in found["readout"].dims or draw in dims:
        rule = f"must have targets, and outputs over {draw!r}: predict(data, key=key, draws=16)"
        fail(f"{who}: answers", rule, {str(k): v.dims for k, v in found.data_vars.items()})
    most = found.sizes[draw]
    sizes = [2**i for i in range(most.bit_length())] if counts is None else list(counts)
    for size in sizes:
        count(f"{who}.counts", size, most=most)
    if not sizes or len(set(sizes)) < len(sizes):
        fail(f"{who}.counts", "must be numbers of draws, each once", counts)
    single = _right(found, 1, draw, vote)
    columns: list[xr.Dataset] = []
    for size in sizes:
        right = _right(found, size, draw, vote)
        gain = reduce.mean_and_error(right - single, dims, confidence=confidence)
        both = reduce.mean_and_error(right, dims, confidence=confidence)
        kept = ["mean", "standard_error", "low", "high"]
        columns.append(both[kept].drop_attrs().merge(gain[kept].drop_attrs().rename({k: f"gain_{k}" for k in kept})))
    attrs = {"confidence": confidence, "over": list(dims), "vote": int(vote)}
    return xr.concat(columns, "draws").assign_coords(draws=sizes).assign_attrs(attrs)


def _right(found: xr.Dataset, size: int, draw: str, vote: bool) -> xr.DataArray:
    """Share of groups of draws that answer right."""
    outputs = reduce.ensembled(found["readout"], "class", copies=size, over=draw, vote=vote)
    return (outputs.argmax("class") == found["target"]).mean("ensemble")


def confusion_matrix(
    found: xr.Dataset, *, classes: int | None = None, over: Sequence[str] | str = ("sample",)
) -> xr.DataArray:
    """How often samples of one class were taken for another.

    Args:
        found: From :func:`answers` or ``Fitted.predict`` with labels as targets.
        classes: Number of classes; that of the outputs unless given.
        over: Dimensions that are counted; all others are kept.

    Returns:
        Counts with the dimensions ``target`` and ``predicted`` after those that are kept; the sum of a row is how often
        its class was shown.

    Raises:
        InputError: no labels; classes fewer than there are; dimensions that are not there.

    Example:
        >>> confusion_matrix(answers([[0.1, 0.9], [0.8, 0.2], [0.3, 0.7]], [1, 0, 0])).values.tolist()
        [[1, 1], [0, 1]]
    """
    import xarray as xr

    if "prediction" not in found or "target" not in found:
        fail("confusion_matrix", "needs labels: answers with labels, or predict with labels as targets", sorted(found))
    counted_over = names("confusion_matrix.over", over)
    prediction, target = xr.broadcast(found["prediction"], found["target"])
    for name in counted_over:
        if name not in prediction.dims:
            fail("confusion_matrix.over", "must be dimensions of the answers", name, known=map(str, prediction.dims))
    size = found.sizes.get("class", 0) if classes is None else count("confusion_matrix.classes", classes)
    size = size or 1 + int(max(prediction.max(), target.max()))
    if max(prediction.max(), target.max()) >= size:
        fail("confusion_matrix.classes", "must be as many as there are", size)
    rest = [name for name in prediction.dims if name not in counted_over]
    pair = (target * size + prediction).transpose(*rest, *counted_over).values
    rows = pair.reshape(*[prediction.sizes[name] for name in rest], -1)
    counted = np.apply_along_axis(np.bincount, -1, rows, minlength=size**2)
    coords = {name: prediction.coords[name] for name in rest if name in prediction.coords}
    shape = (*counted.shape[:-1], size, size)
    return xr.DataArray(
        counted.reshape(shape), dims=(*rest, "target", "predicted"), coords=coords, attrs={"units": "1"}
    )


def __dir__() -> list[str]:
    return __all__
