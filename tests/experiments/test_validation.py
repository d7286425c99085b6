"""The table of theory against simulation: it is whole, its scores mean what they say, and it sees a theory that is wrong."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
from scipy import stats

from experiments import validation as module
from experiments.validation import rules
from experiments.validation.rows import Quantity, adjusted, deviation, estimate
from helpers.discovery import label, members
from jaxsnn_noise import coding, distributions, firing, noise, synapses
from jaxsnn_noise.firing.hazards import Hazard
from jaxsnn_noise.study import Progress, Verdict, load, run_study
from jaxsnn_noise.verdicts import NOT_MEASURED

FAMILIES = (
    noise.Source, noise.Amplitude, noise.Coupling, noise.Colour, noise.Correlation, noise.Kernel, distributions.Distribution,
    synapses.Kinetics, synapses.Projection, firing.Firing, Hazard, coding.Input,
)  # fmt: skip
ROOMS = (noise, distributions, synapses, firing, coding)
FOUND = {cls for family in FAMILIES for cls in members(family)}
PUBLIC = {cls for cls in FOUND if any(getattr(room, cls.__name__, None) is cls for room in ROOMS)}


def uncovered(rows: Any, names: set[str]) -> set[str]:
    """Names that have neither a row nor a reason."""
    return names - {name for row in rows for name in row.covers} - set(module.WITHOUT_ROW)


@pytest.mark.parametrize("cls", sorted(PUBLIC, key=label), ids=label)
def test_every_public_member_has_a_row_or_a_reason(cls: type) -> None:
    assert not uncovered(module.rows().values(), {cls.__name__}), (
        f"{cls.__name__} needs a row in experiments/validation, or a reason in WITHOUT_ROW"
    )


def test_what_is_missing_is_noticed_and_what_is_named_exists() -> None:
    rows = module.rows().values()
    assert uncovered([row for row in rows if row.name != "telegraph"], {"Telegraph"}) == {"Telegraph"}
    named = {name for row in rows for name in row.covers} | set(module.WITHOUT_ROW)
    known = {cls.__name__ for cls in PUBLIC} | {"Ito", "Stratonovich"}  # how a coupling is read: no family of its own
    assert named <= known, f"no public class: {named - known}"
    assert not {name for row in rows for name in row.covers} & set(module.WITHOUT_ROW) - {"Dense"}


def test_every_quantity_has_a_finite_theory_and_a_scale() -> None:
    names = [(row.name, q.name) for row in module.rows().values() for q in row.quantities]
    assert len(set(names)) == len(names)
    for row in module.rows().values():
        for q in row.quantities:
            assert np.isfinite(q.theory), (row.name, q.name)
            assert q.size > 0, (row.name, q.name)
            assert 0 <= q.margin <= 0.05, (row.name, q.name)


def test_a_deviation_is_in_standard_errors_less_what_is_allowed() -> None:
    assert deviation(1.3, 0.1, 1.0, 0.0, 100)[0] == pytest.approx(3.0)
    assert deviation(0.7, 0.1, 1.0, 0.1, 100)[0] == pytest.approx(-2.0)
    assert deviation(1.05, 0.1, 1.0, 0.1, 100) == (0.0, 1.0)
    z, p = deviation(1.3, 0.1, 1.0, 0.0, 10)
    assert p == pytest.approx(2 * stats.t.sf(z, 9))
    assert deviation(13.0, 0.0, 13.0, 0.0, 10) == (0.0, 1.0)  # nothing is random
    assert deviation(13.5, 0.0, 13.0, 0.0, 10) == (np.inf, 0.0)


def test_the_jackknife_of_a_mean_is_its_standard_error_and_takes_the_bias_of_a_ratio() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(5.0, 1.0, (50, 1))
    plain = Quantity("mean", 5.0, "mV", lambda x: x)
    smooth = dataclasses.replace(plain, combine=lambda a: float(a[0]))
    np.testing.assert_allclose(estimate(plain, x), estimate(smooth, x), rtol=1e-9)
    square = dataclasses.replace(plain, combine=lambda a: float(a[0] ** 2))
    many = rng.normal(1.0, 1.0, (4000, 10, 1))
    values, errors = np.array([estimate(square, one) for one in many]).T
    assert abs(values.mean() - 1.0) < 4.5 * values.std() / np.sqrt(len(many))
    assert np.mean(errors) == pytest.approx(values.std(), rel=0.1)


def test_holm_is_the_smallest_times_all_of_them_and_never_falls() -> None:
    np.testing.assert_allclose(adjusted(np.array([0.04, 0.01, 0.02])), [0.04, 0.03, 0.04])
    np.testing.assert_allclose(adjusted(np.array([0.5, 0.9])), [1.0, 1.0])


def test_under_the_null_the_table_is_wrong_as_often_as_it_says() -> None:
    """500 tables of 60 quantities that are all right: 5 % of them may call one a deviation, and 10 % would be too many."""
    rng = np.random.default_rng(1)
    p = 2 * stats.t.sf(np.abs(rng.standard_t(39, (500, 60))), 39)
    wrong = sum(adjusted(one).min() < 0.05 for one in p)
    assert wrong <= stats.binom.isf(1e-4, 500, 0.05)
    assert stats.binom.sf(wrong, 500, 0.1) > 1e-3


def test_intervals_are_the_first_ones_and_short_trains_are_refused() -> None:
    spikes = np.zeros((1, 100, 1))
    spikes[0, [3, 10, 12, 20, 31, 40, 55, 90], 0] = 1
    np.testing.assert_allclose(rules.intervals(spikes)[0, 0], rules.DT * np.array([7, 2, 8, 11, 9, 15]))
    with pytest.raises(ValueError, match="fewer than 7 spikes"):
        rules.intervals(spikes[:, :50])


def made_up(config: module.Config, factor: float) -> Any:
    """What ``measure`` would give if every quantity were ``factor`` times theory, with errors of 1 % of the scale."""
    data = {}
    for name, names in config.chosen().items():
        room = module.rooms()[name]
        quantities = [(row, q) for row in names for q in room.rows[row].quantities]
        rng = np.random.default_rng(2)
        averaged = []
        for _, q in quantities:
            noise = rng.normal(size=config.trials)
            noise = (noise - noise.mean()) / noise.std(ddof=1) * 0.01 * q.size * np.sqrt(config.trials)
            averaged.append(q.theory + (factor - 1) * q.size + noise)
        plain = [(row, dataclasses.replace(q, combine=None)) for row, q in quantities]
        data[name] = module._estimates(room, plain, averaged, config, {})
    return data


def verdicts(data: Any, config: module.Config) -> dict[str, Verdict]:
    return {claim.name: claim.judge(data, config).verdict for claim in module.CLAIMS}


def test_the_judges_say_yes_to_theory_and_no_to_a_theory_that_is_off() -> None:
    config = module.Config(trials=50)
    assert set(verdicts(made_up(config, 1.0), config).values()) == {Verdict.REPRODUCED}
    off = verdicts(made_up(config, 1.3), config)
    assert set(off.values()) == {Verdict.NOT_REPRODUCED}
    edge = verdicts(made_up(config, 1.2), config)
    assert edge.pop("nothing_deviates") is Verdict.NOT_REPRODUCED
    assert set(edge.values()) == {Verdict.UNDECIDED}


def test_a_room_that_is_left_out_is_not_measured() -> None:
    config = module.TINY
    found = {c.name: c.judge(made_up(config, 1.0), config) for c in module.CLAIMS}
    assert found["colours_within"].verdict is Verdict.REPRODUCED
    assert found["firing_within"].why == NOT_MEASURED


def test_the_tiny_preset_ends_in_verdicts(tmp_path: Any) -> None:
    loaded = load("validation")
    run = run_study(loaded, loaded.preset("tiny"), tmp_path / "out")
    assert not run.errors
    found = {claim.name: claim.judgement for claim in run.claims}
    assert found["nothing_deviates"] is not None
    assert found["nothing_deviates"].verdict is Verdict.REPRODUCED
    assert (tmp_path / "out" / "report.html").stat().st_size > 10_000


@pytest.mark.slow
@pytest.mark.parametrize("room", module.rooms())
def test_a_theory_that_is_a_fifth_off_is_seen_in_every_row(room: str) -> None:
    """300 trials of each room: each row agrees with theory, and some quantity of it would not with another fifth."""
    config = module.Config(trials=300, rows=tuple(module.rooms()[room].rows))
    data = module.measure(config, Progress())
    whole = module.table(data, config)
    assert (whole["verdict"] == "agrees").all(), whole[whole["verdict"] != "agrees"].to_string()
    shifted = {k: part.assign(theory=part["theory"] + 0.2 * part["scale"]) for k, part in data.items()}
    seen = module.table(shifted, config)
    blind = set(seen["row"]) - set(seen.loc[seen["verdict"] == "deviates", "row"])
    assert not blind
