"""The table of the bars of gradients: it is whole, and a bar that does not hold is seen."""

from __future__ import annotations

import numpy as np
import pytest

from experiments.bench import gradients


def test_a_bar_that_does_not_hold_is_seen() -> None:
    known, error = np.array([1.0, -2.0]), np.array([0.02, 0.03])
    fine = gradients._compared("x", known + np.array([0.03, 0.05]), known, error)
    assert fine.holds
    assert "at most 1.7 errors" in fine.measured
    assert not gradients._compared("x", known + np.array([0.09, 0.0]), known, error).holds
    assert not gradients._compared("x", known, known, 10 * error).holds  # errors too large to tell
    text = gradients.table([vars(fine), vars(gradients.Line(2, "y", "> 10 errors", "3 errors", False))])
    assert text.splitlines()[2].endswith("| yes |")
    assert text.splitlines()[3].endswith("| **no** |")


@pytest.mark.slow
def test_the_quick_table_is_made() -> None:
    said: list[str] = []
    lines = gradients.measure(said.append, gradients.TINY)
    assert {line["bar"] for line in lines} == {1, 10}
    assert said == ["gradients: unbiased", "gradients: siegert"]
