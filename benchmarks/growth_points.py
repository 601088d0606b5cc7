"""The points of the growth benchmark: one timed run each, with what was planned for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Point = Mapping[str, Any]
"""A run as ``benchmarks.growth.measure`` describes it: its size, its work, and its seconds."""


def extremes(axes: Mapping[str, Sequence[Point]]) -> dict[str, float]:
    """Returns the ratios of planned to measured time that lie farthest out.

    Args:
        axes: Axis → its points.
    """
    ratios = [point["ratio"] for points in axes.values() for point in points]
    return {
        "lowest_ratio": min(ratios),
        "highest_ratio": max(ratios),
        "worst_ratio": max(ratios, key=lambda ratio: max(ratio, 1 / ratio)),
    }
