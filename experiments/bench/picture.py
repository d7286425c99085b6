"""Pictures of the results, in the house's style.

Imported when all workers are gone: it loads the package, and so JAX.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from .tables import UNITS


def draw(results: dict[str, Any], folder: Path) -> list[Path]:
    """``speed`` and ``scaling``, each as SVG and PNG, as far as there are results."""
    from jaxsnn_noise import figures

    drawn = {"speed": _speed(results, figures), "scaling": _scaling(results, figures)}
    files = []
    for name, figure in drawn.items():
        if figure is not None:
            (folder / f"{name}.svg").write_text(figures.svg(figure), encoding="utf-8")
            (folder / f"{name}.png").write_bytes(figures.png(figure))
            files += [folder / f"{name}.svg", folder / f"{name}.png"]
    return files


def _speed(results: dict[str, Any], figures: Any) -> Any:
    panels = {}
    for workload in UNITS:
        lines = [x for x in results.get(workload, {}).get("lines", []) if "unknown" not in x]
        if lines:
            panels[workload] = sorted(lines, key=lambda x: -x["speed"]["median"])
    if not panels:
        return None
    heights = [len(lines) for lines in panels.values()]
    figure, axes = figures.new_figure(len(panels), 1, height=0.6 + 0.3 * (sum(heights) + 3), height_ratios=heights)
    for place, (workload, lines) in zip([axes] if len(panels) == 1 else axes, panels.items(), strict=True):
        unit, factor = UNITS[workload]
        estimate, low, high = ([x["speed"][k] * factor for x in lines] for k in ("median", "low", "high"))
        names = [x["label"] for x in lines]
        ours = next((x for x in lines if not x["peer"] and x.get("ratio", {}).get("median") == 1.0), None)
        bound = {"bound": ours["speed"]["median"] * factor, "bound_label": ours["label"]} if ours else {}
        figures.forest(place, names, estimate, low, high, x_label=unit, **bound)
        place.set_xlim(left=0.0)
        place.set_title(workload.upper(), loc="left", fontsize=9.5)
    return figure


def _scaling(results: dict[str, Any], figures: Any) -> Any:
    points = [p for p in results.get("scaling", []) if "unknown" not in p]
    panels = list(dict.fromkeys((p["workload"], p["axis"]) for p in points))
    if not panels:
        return None
    figure, axes = figures.new_figure(len(panels), 2, height=0.6 + 2.2 * len(panels))
    for (workload, axis), row in zip(panels, axes if len(panels) > 1 else [axes], strict=True):
        unit, factor = UNITS[workload]
        chosen = [p for p in points if (p["workload"], p["axis"]) == (workload, axis)]
        for label in dict.fromkeys(p["label"] for p in chosen):
            mine = [p for p in chosen if p["label"] == label]
            x = [p["problem"][axis] for p in mine]
            speed = [[p["speed"][k] * factor for p in mine] for k in ("median", "low", "high")]
            memory = [p["peak_mb"] for p in mine]
            named = {"x_label": f"{axis} ({workload.upper()})", "series": label}
            figures.line_with_interval(row[0], x, *speed, y_label=unit, **named)
            figures.line_with_interval(row[1], x, memory, memory, memory, y_label="peak memory [MB]", **named)
        for place in row:
            place.set_xscale("log")
        row[0].set_yscale("log")
        row[1].set_ylim(bottom=0.0)
    return figure
