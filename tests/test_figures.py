from __future__ import annotations

import itertools
import subprocess
import sys

import matplotlib
import numpy as np
import pandas as pd
import pytest
import xarray as xr

import jaxsnn_noise as jn
from jaxsnn_noise import figures
from jaxsnn_noise._checks import InputError

# dichromats' view of linear RGB (Machado, Oliveira, Fernandes 2009, doi:10.1109/TVCG.2009.113, severity 1)
VISION = {
    "all cones": np.eye(3),
    "no red cones": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "no green cones": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
    "no blue cones": np.array(
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]
    ),
}


def lab(colour: np.ndarray) -> np.ndarray:
    """CIE L*a*b* of linear sRGB (D65)."""
    xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]) @ colour
    f = np.cbrt(xyz / np.array([0.9505, 1.0, 1.089]))
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@pytest.mark.parametrize("vision", VISION)
def test_the_colours_are_told_apart_with_any_vision(vision):
    linear = [np.array(matplotlib.colors.to_rgb(c)) ** 2.2 for c in figures.PALETTE]
    seen = [lab(np.clip(VISION[vision] @ c, 0, 1)) for c in linear]
    distances = {pair: np.linalg.norm(seen[pair[0]] - seen[pair[1]]) for pair in itertools.combinations(range(7), 2)}
    assert min(distances.values()) > 9  # 2.3 is the least difference that an eye notices


def test_red_and_green_would_not_be():
    """The test above can fail: a plain red and a plain green of one lightness are one colour without green cones."""
    red, green = (lab(VISION["no green cones"] @ (np.array(c) ** 2.2)) for c in ([0.75, 0.2, 0.2], [0.38, 0.45, 0.1]))
    assert np.linalg.norm(red - green) < 9


def test_every_series_has_a_look_of_its_own_besides_its_colour():
    assert len(set(figures.PALETTE)) == len(set(figures.MARKERS)) == len(set(figures.LINES)) == 7


def test_a_line_comes_with_its_interval_and_its_table():
    figure, axes = figures.new_figure()
    x, y = np.array([1.0, 2.0, 3.0]), np.array([1.0, np.nan, 3.0])
    same, table = figures.line_with_interval(axes, x, y, y - 1, y + 1, x_label="D [1]", y_label="rate [Hz]", series="a")
    assert same is axes
    assert list(table.columns) == ["series", "D [1]", "rate [Hz]", "low", "high"]
    np.testing.assert_array_equal(table["rate [Hz]"], y)
    np.testing.assert_array_equal(axes.get_lines()[0].get_ydata(), y)
    assert len(axes.collections) == 1
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("D [1]", "rate [Hz]")
    assert figure.axes == [axes]


def test_a_series_looks_the_same_in_all_axes_and_has_one_legend():
    figure, (left, right) = figures.new_figure(1, 2)
    x = np.arange(2.0)
    for axes, names in ((left, "ab"), (right, "bca")):
        for name in names:
            figures.line_with_interval(axes, x, x, x, x, x_label="x", y_label="y", series=name)
    colour = {(i, line.get_label()): line.get_color() for i, a in enumerate((left, right)) for line in a.get_lines()}
    assert colour[0, "a"] == colour[1, "a"] == figures.BLUE
    assert colour[0, "b"] == colour[1, "b"] != colour[1, "c"]
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["a", "b", "c"]
    assert left.get_legend() is None


def test_categories_are_points_with_bars():
    _, axes = figures.new_figure()
    names = np.array(["none", "tanh"])
    y = np.array([1.0, 2.0])
    _, table = figures.line_with_interval(axes, names, y, y - 1, y + 2, x_label="filter", y_label="y")
    assert [tick.get_text() for tick in axes.get_xticklabels()] == ["none", "tanh"]
    assert list(table.columns) == ["filter", "y", "low", "high"]
    assert list(table["filter"]) == ["none", "tanh"]


def test_columns_must_be_equally_long():
    _, axes = figures.new_figure()
    with pytest.raises(ValueError, match="equally long"):
        figures.line_with_interval(axes, np.arange(3), np.arange(2), np.arange(2), np.arange(2), x_label="", y_label="")
    with pytest.raises(ValueError, match="one-dimensional"):
        figures.forest(axes, ["a"], np.ones((1, 1)), np.ones((1, 1)), np.ones((1, 1)), x_label="")


def test_a_raster_has_one_mark_per_spike_at_the_end_of_its_step():
    _, axes = figures.new_figure()
    spikes = np.zeros((5, 3))
    spikes[0, 2] = spikes[4, 1] = 1
    _, table = figures.raster(axes, spikes, dt=0.5, start=10.0)
    assert table.to_dict("list") == {"time [ms]": [10.5, 12.5], "neuron": [2, 1]}
    np.testing.assert_array_equal(axes.collections[0].get_offsets(), [[10.5, 2], [12.5, 1]])
    with pytest.raises(ValueError, match=r"\[time, neuron\]"):
        figures.raster(axes, np.zeros(3), dt=1.0)
    assert axes.get_ylabel() == "neuron"


@pytest.mark.parametrize("bad", [np.nan, 0.5, 2.0, np.inf, -1.0])
def test_what_is_no_spike_is_not_drawn_as_one(bad):
    spikes = np.zeros((5, 3))
    spikes[1, 1] = bad
    with pytest.raises(
        InputError, match=r"figures.raster: spikes must be 0 or 1 \(NaN are no spikes, nor are counts\)"
    ):
        figures.raster(figures.new_figure()[1], spikes, dt=1.0)


def test_rows_are_labelled_as_what_they_are():
    """Trials are no neurons."""
    spikes = np.eye(4)
    for given, label in (({"rows": "trial"}, "trial"), ({}, "neuron")):
        _, axes = figures.new_figure()
        _, table = figures.raster(axes, spikes, dt=1.0, **given)
        assert axes.get_ylabel() == label
        assert list(table.columns) == ["time [ms]", label]
    _, axes = figures.new_figure()
    figures.raster(axes, xr.DataArray(spikes, dims=("time", "device")), dt=1.0)
    assert axes.get_ylabel() == "device"


def spike_table():
    """Two populations, the third of three trials silent, and so is the last neuron of the second population."""
    table = pd.DataFrame({
        "trial": [0, 0, 1, 1], "population": ["e", "i", "e", "e"], "neuron": [1, 0, 1, 2], "time": [1.0, 2.5, 4.0, 9.0],
    })  # fmt: skip
    table.attrs = {"sizes": {"e": 3, "i": 2}, "members": {"trial": [0, 1, 2]}, "start": 0.0, "stop": 10.0, "dt": 0.5}
    return table


def test_a_table_has_a_row_for_each_neuron_and_trial_silent_ones_too():
    figure, axes = figures.new_figure()
    _, drawn = figures.raster(axes, spike_table())
    assert drawn["row"].tolist() == [3, 9, 4, 7]  # e 1 trial 0; i 0 trial 0; e 1 trial 1; e 2 trial 1
    assert axes.get_ylim() == (-0.5, 14.5)
    assert axes.get_xlim() == (0.0, 10.0)
    assert axes.get_ylabel() == "population, neuron, trial"
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["e", "i"]
    offsets = {c.get_label(): c.get_offsets().tolist() for c in axes.collections}
    assert offsets == {"e": [[1.0, 3], [4.0, 4], [9.0, 7]], "i": [[2.5, 9]]}
    _, axes = figures.new_figure()
    _, drawn = figures.raster(axes, spike_table(), silent=False)
    assert drawn["row"].tolist() == [0, 3, 1, 2]
    assert axes.get_ylim() == (-0.5, 3.5)


def test_rows_and_colours_may_be_chosen():
    figure, axes = figures.new_figure()
    one = spike_table().query("population == 'e' and neuron == 1")
    _, drawn = figures.raster(axes, one, rows="trial", colour="trial")
    assert drawn["row"].tolist() == [0, 1]
    assert axes.get_ylim() == (-0.5, 2.5)
    assert [label.get_text() for label in axes.get_yticklabels()] == ["0", "1", "2"]
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["trial 0", "trial 1"]
    assert axes.get_ylabel() == "trial"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"rows": "neuron"}, "must tell apart all that the table has several of: select one trial, or add it to rows"),
        ({"rows": ("trial", "neuron")}, "select one population"),
        ({"rows": "neurons"}, "unknown column; got 'neurons'. Did you mean 'neuron'"),
        ({"colour": "kind"}, "unknown column; got 'kind'"),
        ({"dt": 1.0}, "is for arrays"),
    ],
)
def test_rows_in_which_neurons_or_trials_fall_together_are_refused(options, message):
    with pytest.raises(InputError, match=message):
        figures.raster(figures.new_figure()[1], spike_table(), **options)


def test_a_table_without_times_and_an_array_without_steps_are_refused():
    axes = figures.new_figure()[1]
    with pytest.raises(InputError, match="needs a column of times"):
        figures.raster(axes, spike_table().drop(columns="time"))
    with pytest.raises(InputError, match="NaN is no spike"):
        figures.raster(axes, spike_table().assign(time=np.nan))
    with pytest.raises(InputError, match=r"dt: must be given with an array \[ms\]"):
        figures.raster(axes, np.eye(3))
    with pytest.raises(InputError, match="an array has rows of one kind"):
        figures.raster(axes, np.eye(3), dt=1.0, colour="population")
    many = pd.DataFrame({"neuron": range(8), "time": 1.0})
    with pytest.raises(InputError, match="at most 7 groups"):
        figures.raster(axes, many, colour="neuron")


def test_many_spikes_are_drawn_as_an_image():
    figure, axes = figures.new_figure()
    figures.raster(axes, np.ones((100, 100)), dt=1.0)
    assert len(figures.svg(figure)) < 300_000


def test_a_heatmap_has_a_row_per_cell_and_hatches_what_is_missing():
    figure, axes = figures.new_figure()
    values = np.array([[1.0, np.nan, 3.0], [4.0, 5.0, 6.0]])
    _, table = figures.heatmap(
        axes,
        values,
        rows=["a", "b"],
        columns=[0.1, 0.2, 0.4],
        row_label="site",
        column_label="D [1]",
        value_label="y [%]",
    )
    assert list(table.columns) == ["site", "D [1]", "y [%]"]
    np.testing.assert_array_equal(table["y [%]"], values.ravel())
    assert list(table["site"]) == ["a"] * 3 + ["b"] * 3
    assert len(axes.patches) == 1
    assert len(axes.texts) == 5
    assert figure.axes[1].get_ylabel() == "y [%]"
    with pytest.raises(ValueError, match="row=1"):
        figures.heatmap(axes, values, rows=["a"], columns=[1], row_label="", column_label="", value_label="")


def test_a_diverging_heatmap_is_neutral_at_its_centre():
    _, axes = figures.new_figure()
    figures.heatmap(
        axes, [[-1.0, 3.0]], rows=["a"], columns=["b", "c"], row_label="", column_label="", value_label="", centre=1.0
    )
    (image,) = axes.images
    assert image.get_clim() == (-1.0, 3.0)
    assert image.get_cmap().name == figures.DIVERGING


def test_a_forest_shows_what_the_bound_decides():
    _, axes = figures.new_figure()
    _, table = figures.forest(
        axes,
        ["in", "out", "open"],
        [1.0, 5.0, 2.0],
        [0.5, 4.0, -np.inf],
        [1.5, np.inf, 3.0],
        x_label="loss [1]",
        bound=1.2,
    )
    assert list(table.columns) == ["label", "loss [1]", "low", "high", "bound"]
    assert [text.get_text() for text in axes.get_yticklabels()] == ["in", "out", "open"]
    points = [line for line in axes.get_lines() if line.get_marker() == "o"]
    assert [point.get_markerfacecolor() for point in points] == ["white", figures.BLUE, "white"]
    assert sum(line.get_marker() in "<>" for line in axes.get_lines() if line.get_marker() != "None") == 2
    low, high = axes.get_ylim()
    assert low > high  # first line on top


def test_the_same_numbers_give_the_same_file():
    def draw() -> str:
        figure, axes = figures.new_figure()
        figures.line_with_interval(axes, [1.0, 2.0], [1.0, 2.0], [0.0, 1.0], [2.0, 3.0], x_label="x", y_label="y")
        return figures.svg(figure)

    assert draw() == draw()
    assert "<text" not in draw()  # letters are outlines


def test_nothing_global_is_left_behind():
    code = (
        "import sys; from jaxsnn_noise import figures; assert 'matplotlib' not in sys.modules\n"
        "import matplotlib; rc = matplotlib.rcParams\n"
        "settings = lambda: {k: rc[k] for k in rc if k != 'backend'}; before = settings()\n"  # it would choose one
        "figure, axes = figures.new_figure(); figures.forest(axes, ['a'], [1.], [0.], [2.], x_label='x')\n"
        "assert figures.png(figure).startswith(b'\\x89PNG')\n"
        "assert 'matplotlib.pyplot' not in sys.modules; assert settings() == before\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_few_courses_are_lines_with_a_table():
    figure, axes = figures.new_figure()
    values = np.array([[1.0, 2.0], [np.nan, 3.0], [4.0, 5.0]])
    same, table = figures.courses(axes, values, time=[1.0, 2.0, 3.0], label="v [mV]", names=["a", 7])
    assert same is axes
    assert list(table.columns) == ["time [ms]", "entry", "v [mV]"]
    assert list(table["entry"]) == ["a"] * 3 + [7] * 3
    assert list(table["time [ms]"]) == [1.0, 2.0, 3.0] * 2
    np.testing.assert_array_equal(table["v [mV]"], values.T.ravel())
    for line, course in zip(axes.get_lines(), values.T, strict=True):
        np.testing.assert_array_equal(line.get_xdata(), [1.0, 2.0, 3.0])
        np.testing.assert_array_equal(line.get_ydata(), course)
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("time [ms]", "v [mV]")
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["a", "7"]


def test_many_courses_are_their_quantiles():
    figure, axes = figures.new_figure()
    values = np.tile(np.arange(101.0), (3, 1)) + np.array([[0.0], [10.0], [20.0]])
    values[1] = np.nan
    values[2, :81] = np.nan  # 80 of 101 are missing: quantiles are those of the rest
    _, table = figures.courses(axes, values, time=[2.0, 4.0, 6.0], label="weight [nA]")
    assert list(table.columns) == ["time [ms]", "5 %", "25 %", "median", "75 %", "95 %"]
    np.testing.assert_array_equal(table.to_numpy()[0], [2.0, 5.0, 25.0, 50.0, 75.0, 95.0])
    assert np.isnan(table.to_numpy()[1, 1:]).all()
    np.testing.assert_allclose(table.to_numpy()[2, 1:], 20.0 + 81.0 + np.array([0.05, 0.25, 0.5, 0.75, 0.95]) * 19.0)
    np.testing.assert_array_equal(axes.get_lines()[0].get_ydata(), table["median"])
    reached = [band.get_paths()[0].vertices[:, 1] for band in axes.collections]
    assert [(y.min(), y.max()) for y in reached] == [(5.0, 95.0), (25.0, 75.0)]  # up to the gap
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["5 to 95 %", "middle half", "median"]


@pytest.mark.parametrize(("entries", "lines"), [(6, 6), (7, 1)])
def test_as_many_courses_are_lines_as_can_be_told_apart(entries, lines):
    _, axes = figures.new_figure()
    figures.courses(axes, np.zeros((2, entries)), time=[1.0, 2.0], label="v [mV]")
    assert len(axes.get_lines()) == lines


def test_an_entry_looks_the_same_in_all_axes_and_a_lone_one_needs_no_legend():
    figure, (left, right) = figures.new_figure(1, 2)
    figures.courses(left, np.zeros((2, 1)), time=[1.0, 2.0], label="v [mV]")
    assert not figure.legends
    figures.courses(left, np.zeros((2, 4)), time=[1.0, 2.0], label="v [mV]")
    figures.courses(right, np.zeros((2, 2)), time=[1.0, 2.0], label="w [nA]", names=[3, "new"])
    looks = {(i, line.get_label()): line.get_color() for i, a in enumerate((left, right)) for line in a.get_lines()}
    assert looks[0, "3"] == looks[1, "3"]
    assert len({looks[0, str(i)] for i in range(4)} | {looks[1, "new"]}) == 5
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["0", "1", "2", "3", "new"]


@pytest.mark.parametrize(
    ("values", "time", "names", "message"),
    [
        (np.zeros(3), np.zeros(3), None, r"figures.courses: values must be \[time, entry\] with one time each"),
        (np.zeros((3, 2)), np.zeros(2), None, r"one time each; got \(\(3, 2\), \(2,\)\)"),
        (np.zeros((3, 2)), np.zeros(3), ["a"], r"figures.courses.names: must be one per entry \(2\); got 1"),
    ],
)
def test_courses_that_do_not_fit_are_refused(values, time, names, message):
    _, axes = figures.new_figure()
    with pytest.raises(jn.InputError, match=message):
        figures.courses(axes, values, time=time, label="v [mV]", names=names)


def bands_and_bars(axes) -> tuple[int, int]:
    kinds = [type(one).__name__ for one in axes.collections]
    return sum(k in ("PolyCollection", "FillBetweenPolyCollection") for k in kinds), kinds.count("LineCollection")


def drawn(offsets) -> tuple[int, int]:
    """How many bands and bars there are after lines with intervals of width 2 at some heights."""
    figure, axes = figures.new_figure()
    x = np.array([0.0, 1.0, 2.0])
    for number, offset in enumerate(offsets):
        y = np.full(3, float(offset))
        figures.line_with_interval(axes, x, y, y - 1, y + 1, x_label="x", y_label="y", series=f"s{number}")
    assert figures.png(figure, 30)
    return bands_and_bars(axes)


@pytest.mark.slow
def test_at_most_four_bands_lie_over_each_other():
    assert drawn([0.0, 0.1, 0.2, 0.3]) == (4, 0)
    assert drawn([0.0, 0.1, 0.2, 0.3, 0.4]) == (0, 5)
    assert drawn([0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 9.0]) == (0, 7)
    assert drawn([0.0, 3.0, 6.0, 9.0, 12.0, 15.0]) == (6, 0)  # they do not overlap
    assert drawn([0.0, 0.0, 0.0, 0.0, 2.0]) == (5, 0)  # the fifth begins where the four end


def test_bands_overlap_where_their_points_are_elsewhere_and_not_where_values_are_missing():
    figure, axes = figures.new_figure()
    for number in range(5):  # points of their own; an interval holds between them
        x = np.array([0.0, 1.0 + 0.1 * number, 3.0])
        y = np.array([0.0, np.nan, 0.0]) if number == 4 else np.zeros(3)
        figures.line_with_interval(axes, x[::-1], y, y - 1, y + 1, x_label="x", y_label="y", series=f"s{number}")
    assert bands_and_bars(axes) == (0, 5)  # at both ends all five are there
    figure, axes = figures.new_figure()
    for number in range(5):
        x = np.array([0.0, 1.0]) + 2 * number
        figures.line_with_interval(axes, x, x, x - 1, x + 1, x_label="x", y_label="y", series=f"s{number}")
    assert bands_and_bars(axes) == (5, 0)
    assert figure


def test_a_line_of_estimates_is_that_of_their_ends() -> None:
    import xarray as xr

    found = xr.Dataset({name: ("level", [v, v + 1.0]) for name, v in (("mean", 2.0), ("low", 1.0), ("high", 4.0))})
    labels = {"x_label": "D [1]", "y_label": "rate [Hz]", "series": "a"}
    _, (left, right) = figures.new_figure(1, 2)
    _, one = figures.line_of_estimates(left, [0.0, 1.0], found, **labels)
    _, other = figures.line_with_interval(right, [0.0, 1.0], found["mean"], found["low"], found["high"], **labels)
    assert one.equals(other)
    assert one["high"].tolist() == [4.0, 5.0]
