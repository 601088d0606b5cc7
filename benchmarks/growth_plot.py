"""The growth of a run's cost as a picture: what was measured, and what was planned."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

TITLES = {
    "rungs": "learning rates",
    "seeds": "seeds",
    "checkpoints": "checkpoints of a run",
    "prompts": "eval prompts",
    "params": "weights of the model",
}
MEASURED, PLANNED = "#0072b2", "#d55e00"


def draw(found: Mapping[str, Any], path: Path) -> None:
    """One panel for each axis, both scales logarithmic.

    Args:
        found: From `benchmarks.growth`.
        path: The picture's file.
    """
    from matplotlib.figure import Figure
    from matplotlib.ticker import FormatStrFormatter, LogLocator, NullFormatter, NullLocator

    axes = found["axes"]
    figure = Figure(figsize=(2.6 * len(axes), 3.0), layout="constrained")
    panels = figure.subplots(1, len(axes), sharey=True, squeeze=False)[0]
    for panel, (axis, points) in zip(panels, axes.items(), strict=True):
        key = "params" if axis == "width" else axis
        x = [point[key] for point in points]
        panel.plot(x, [p["planned"] for p in points], "-", color=PLANNED, label="planned")
        panel.plot(x, [p["measured"] for p in points], "o", color=MEASURED, label="measured")
        panel.set_xscale("log")
        panel.set_yscale("log")
        panel.set_xticks(x, [_short(value) for value in x])
        panel.xaxis.set_minor_locator(NullLocator())
        panel.yaxis.set_major_locator(LogLocator(subs=(1.0, 3.0)))
        panel.yaxis.set_major_formatter(FormatStrFormatter("%g"))
        panel.yaxis.set_minor_formatter(NullFormatter())
        panel.set_xlabel(TITLES[key])
        panel.grid(True, linewidth=0.4, alpha=0.4)
    panels[0].set_ylabel("seconds")
    panels[0].legend(frameon=False)
    figure.suptitle(f"Time of a run of {found['organism']}: training and measuring", fontsize=11)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=150)


def _short(value: int) -> str:
    if value >= 1_000_000:
        return f"{value / 1e6:.1f}M"
    return f"{value / 1e3:.0f}k" if value >= 10_000 else str(value)
