"""Spending a budget on noise: amplitudes that minimise an output under a constraint, by gradients with errors, then verified."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import equinox as eqx
import numpy as np
from scipy import special

from jaxsnn_noise import paths, provenance, random
from jaxsnn_noise._checks import count, fail, is_a, number, real_numbers
from jaxsnn_noise.engine.simulation import Simulation, is_simulation
from jaxsnn_noise.gradients.differences import FiniteDifference
from jaxsnn_noise.gradients.estimator import Estimator
from jaxsnn_noise.gradients.programs import placed
from jaxsnn_noise.gradients.quantities import Quantity, quantities
from jaxsnn_noise.gradients.result import confidence_level
from jaxsnn_noise.gradients.samples import OverSamples
from jaxsnn_noise.gradients.spans import every_axis, paired

if TYPE_CHECKING:
    import xarray as xr


class Budget(eqx.Module):
    r"""What leaves cost: :math:`\sum_i c_i\,\theta_i^{-p} \le B`, spent to the end.

    With ``power=2`` and amplitudes of noise it is the rule of circuits that area (Pelgrom) or current buys variance: a device ``n``
    times as large has a spread ``1/sqrt(n)`` as large.

    Args:
        costs: From path to ``c > 0``, the cost of a leaf of size 1, at least two.
        power: ``p > 0``.
        total: ``B``; what the leaves of the simulation cost unless given.
    """

    costs: Mapping[str, float]
    power: float = eqx.field(static=True, default=2.0, kw_only=True)
    total: float | None = eqx.field(static=True, default=None, kw_only=True)

    def __check_init__(self) -> None:
        if not isinstance(self.costs, Mapping) or len(self.costs) < 2:
            fail("Budget.costs", "must map at least two paths to costs", self.costs)
        given = {f"costs[{path!r}]": cost for path, cost in self.costs.items()} | {"power": self.power}
        for name, value in (given | ({} if self.total is None else {"total": self.total})).items():
            if not 0 < number(f"Budget.{name}", value) < np.inf:
                fail(f"Budget.{name}", "must be positive and finite", value)

    def spent(self, values: np.ndarray) -> float:
        """What leaves of these sizes cost."""
        return float((np.array(list(self.costs.values())) * values**-self.power).sum())


@dataclasses.dataclass(frozen=True, eq=False)
class Design:
    """What :func:`spend` found.

    Attributes:
        sim: The simulation with the leaves as designed.
        path: A dataset over ``step`` and ``leaf``: ``value`` of the leaves, their ``share`` of the budget, ``derivative`` of the output and
            its ``derivative_error``, and ``output`` and ``output_error`` over ``step``. Chosen by these trials: no verdict.
        verified: A dataset over ``design`` (``"given"``, ``"spent"``): the output with ``low`` and ``high``, and ``gain``, by how much
            ``"spent"`` is below ``"given"``, with an interval, all from fresh random numbers that played no part in the search.
    """

    sim: Simulation
    path: xr.Dataset
    verified: xr.Dataset


def spend(
    sim: Simulation, output: Any, budget: Any, *, steps: int, trials: int, key: Any, estimator: Any = None,
    rate: float = 0.5, over: Any = None, samples: Any = None, held_out: Any = None,
    verify: int | None = None, confidence: float = 0.95, at_once: int = 1000,
) -> Design:  # fmt: skip
    r"""Divide a budget among leaves so that an output is least, and verify it by plain Monte Carlo with fresh seeds.

    With the shares :math:`w_i`, :math:`\theta_i = (c_i/(B w_i))^{1/p}` spends the budget exactly. What a share more brings is
    :math:`m_i = -\frac{df}{dw_i} = \frac{\theta_i}{p\,w_i}\frac{df}{d\theta_i}`, and at the optimum all are equal, so each step takes
    :math:`w_i \leftarrow w_i\,(m_i/\bar m)^{\eta}` (renormalised), which is exact in one step with :math:`\eta = 1/2` where the output is a
    sum of variances. A derivative counts as one of its
    errors at least: what is not seen to matter is not starved, and a share falls to a tenth at most per step.
    The answer is the mean of the last half of the steps, as logarithms, since each is noisy.

    Args:
        sim: The simulation; every entry of a leaf of the budget gets one value.
        output: Name of a statistic, or a quantity, that is to be small (a loss, a Fano factor, minus a margin).
        budget: The constraint.
        steps: Of the search.
        trials: Of each step's gradient.
        key: Root key: steps and verification have keys of their own.
        estimator: ``FiniteDifference()`` unless given.
        rate: :math:`\eta`, in (0, 1].
        over: As for :func:`sensitivity`.
        samples: As for estimators: a data set, over which the output is an expectation, too; ``trials`` are then of each sample.
        held_out: Samples of the verification, which should play no part in the search; those of the search unless given: the
            verification is then of fresh noise alone.
        verify: Trials of the verification, four times ``trials`` unless given. Both designs see the same ones.
        confidence: Of its intervals.
        at_once: Runs that are computed at once: memory against speed.

    Raises:
        InputError: leaves that are not positive; what the estimator refuses.

    References: Pelgrom et al. 1989, doi:10.1109/JSSC.1989.572629 (area and spread).
    """
    import xarray

    chosen = FiniteDifference() if estimator is None else estimator
    is_a("spend.estimator", chosen, Estimator, "gradients.Score()")
    is_a("spend.budget", budget, Budget, 'gradients.Budget({"network.cells.noise.m.amplitude.sigma": 1.0, ...})')
    is_simulation("spend.sim", sim)
    (wanted,) = quantities("spend", sim, [output])
    leaves, axes, root = list(budget.costs), every_axis(sim, over), random.root(key)
    if not 0 < number("spend.rate", rate) <= 1:
        fail("spend.rate", "must lie in (0, 1]", rate)
    confidence_level("spend", confidence)
    start = np.array([_positive(sim, leaf) for leaf in leaves])
    costs = np.array([float(budget.costs[leaf]) for leaf in leaves])
    shown = _verification("spend.held_out", sim, wanted, leaves, axes, samples, held_out)
    size = 4 * trials if verify is None else count("spend.verify", verify, least=1 if shown is not None else 2)
    total = budget.spent(start) if budget.total is None else float(budget.total)
    share = costs * start**-budget.power
    share, shares = share / share.sum(), []
    rows: list[Any] = []
    for step in range(count("spend.steps", steps)):
        values = (costs / (total * share)) ** (1 / budget.power)
        found = chosen(
            placed(sim, leaves, values),
            [wanted],
            leaves,
            trials=trials,
            key=random.stream(root, f"step {step}"),
            over=axes,
            samples=samples,
            at_once=at_once,
        )
        rows.append((values, share, found))
        share = _next(share, values, found.gradient[0], found.error[0], budget.power, rate)
        shares.append(np.log(share))
    final = np.exp(np.mean(shares[len(shares) // 2 :], axis=0))
    final /= final.sum()
    sims = {
        "given": placed(sim, leaves, (costs / (total * rows[0][1])) ** (1 / budget.power)),
        "spent": placed(sim, leaves, (costs / (total * final)) ** (1 / budget.power)),
    }
    steps_of = {
        "value": (("step", "leaf"), np.array([row[0] for row in rows])),
        "share": (("step", "leaf"), np.array([row[1] for row in rows])),
        "derivative": (("step", "leaf"), np.array([row[2].gradient[0] for row in rows])),
        "derivative_error": (("step", "leaf"), np.array([row[2].error[0] for row in rows])),
        "output": ("step", np.array([row[2].value[0] for row in rows])),
        "output_error": ("step", np.array([row[2].value_error[0] for row in rows])),
    }
    attrs = {"budget": total, "output": wanted.name, "trials": trials} | provenance.origin()
    attrs |= {} if samples is None else {"samples": samples.samples.size, "errors_count": samples.counts}
    path = xarray.Dataset(steps_of, coords={"leaf": leaves}, attrs=attrs)
    key = random.stream(root, "verification")
    verified = _verified(sims, wanted, leaves, axes, size, key, confidence, shown, at_once)
    if shown is not None:
        which = "held out" if held_out is not None else "those of the search"
        verified.attrs |= {"samples": shown.samples.size, "samples_are": which, "errors_count": shown.counts}
    return Design(sims["spent"], path, verified)


def _verification(
    who: str, sim: Simulation, wanted: Quantity, leaves: list[str], axes: tuple[str, ...], samples: Any, held_out: Any
) -> OverSamples | None:
    """The samples of the verification, looked at before anything is computed."""
    if held_out is None:
        return samples
    if samples is None:
        fail(who, "needs samples of the search: the output must be an expectation over either", held_out)
    is_a(who, held_out, OverSamples, "gradients.DrawnSamples(jn.Samples(images), labels)")
    FiniteDifference().task(
        sim, [wanted], leaves, trials=held_out.least_of_functions, key=0, over=axes, at_once=1, samples=held_out
    )
    return held_out


def _positive(sim: Simulation, leaf: str) -> float:
    value = paths.get(sim, leaf)
    real_numbers(leaf, value)
    mean = float(np.asarray(value, np.float64).mean())
    if not (np.asarray(value) > 0).all():
        fail("spend.budget", "must be of leaves that are positive, as their cost is that of an inverse power", leaf)
    return mean


def _next(
    share: np.ndarray, values: np.ndarray, slope: np.ndarray, error: np.ndarray, power: float, rate: float
) -> np.ndarray:
    """The shares of the next step; what is not seen to matter is taken to matter by one error, or noise would starve it."""
    worth = values * np.maximum(slope, error) / (power * share)
    mean = float((share * np.maximum(worth, 0.0)).sum())
    if not mean > 0:
        return share
    new = share * np.clip((np.maximum(worth, 0.0) / mean) ** rate, 0.1, 10.0)
    return np.asarray(new / new.sum())


def _verified(
    sims: dict[str, Simulation], wanted: Quantity, leaves: list[str], axes: tuple[str, ...], trials: int, key: Any,
    confidence: float, samples: OverSamples | None, at_once: int,
) -> xr.Dataset:  # fmt: skip
    """The output of both designs with the same fresh random numbers, and by how much the second is lower."""
    import xarray

    values, errors, gain, gain_error = paired(list(sims.values()), wanted, leaves, axes, trials, key, samples, at_once)
    reach = special.ndtri(0.5 + confidence / 2)
    table: dict[str, Any] = {
        "output": ("design", values), "low": ("design", values - reach * errors), "high": ("design", values + reach * errors),
        "gain": gain, "gain_low": gain - reach * gain_error, "gain_high": gain + reach * gain_error,
        "value": (("design", "leaf"), np.array([[_positive(one, leaf) for leaf in leaves] for one in sims.values()])),
    }  # fmt: skip
    attrs = {"trials": trials, "confidence": confidence} | provenance.origin()
    return xarray.Dataset(table, coords={"design": list(sims), "leaf": leaves}, attrs=attrs)
