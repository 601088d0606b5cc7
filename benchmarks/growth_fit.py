"""The planner's constants from runs that were timed."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import nnls

from benchmarks.growth_points import Point, extremes

if TYPE_CHECKING:
    from mobench.plan.workload import Workload

PICTURE = Path(__file__).parents[1] / "docs" / "images" / "growth.png"


def fit(points: Sequence[Point]) -> dict[str, float]:
    """Constants of `mobench.plan.duration` that give the points back best, by relative error.

    Training takes products / (share · speed) + bytes / traffic, measuring takes
    products / (share · speed) + calls · seconds; each is linear in the reciprocals of its
    constants. A constant whose part comes out as nothing is infinite.

    Args:
        points: From `benchmarks.growth`, on a CPU.
    """
    speeds = [p["flops_per_second"] for p in points]
    work, traffic = _least(
        [p["train_flops"] / speed for p, speed in zip(points, speeds, strict=True)],
        [p["train_bytes"] for p in points],
        [p["seconds_train"] for p in points],
    )
    answers, calls = _least(
        [p["measure_flops"] / speed for p, speed in zip(points, speeds, strict=True)],
        [p["capability_calls"] for p in points],
        [p["seconds_measure"] for p in points],
    )
    return {
        "CPU_TRAINING": _inverse(work),
        "CPU_TRAFFIC": _inverse(traffic),
        "CPU_MEASURING": _inverse(answers),
        "HARNESS_SECONDS": calls,
    }


def estimate(constants: Mapping[str, float], point: Point) -> float:
    """Seconds that the constants give for a point."""
    speed = point["flops_per_second"]
    seconds = (
        point["train_flops"] / speed / constants["CPU_TRAINING"]
        + point["train_bytes"] / constants["CPU_TRAFFIC"]
        + point["measure_flops"] / speed / constants["CPU_MEASURING"]
        + point["capability_calls"] * constants["HARNESS_SECONDS"]
    )
    return float(seconds)


def fit_kept(folder: Path) -> str:
    """Fits the constants to all kept points and says how well they do.

    Args:
        folder: Holds ``growth*.json``.
    """
    files = sorted(folder.glob("growth*.json"))
    named = [
        (f"{found['organism']}, {axis} {point['value']}", point)
        for found in (json.loads(path.read_text(encoding="utf-8")) for path in files)
        for axis, points in found["axes"].items()
        for point in points
    ]
    if not named:
        return f"no points in {folder.name}: run python -m benchmarks.suite --only growth"
    constants = fit([point for _, point in named])
    ratios = sorted((estimate(constants, p) / p["measured"], name) for name, p in named)
    lines = [f"{name} = {value:.3g}" for name, value in constants.items()]
    lines += [f"{len(named)} points; planned over measured:"]
    lines += [f"  {ratio:.2f}  {name}" for ratio, name in ratios]
    return "\n".join(lines)


def replan_kept(folder: Path) -> None:
    """Plans every kept run once more, by the constants as they are now, and redraws the picture.

    What was measured stays; a plan is arithmetic over the work that is kept with it.

    Args:
        folder: Holds ``growth*.json``.
    """
    from benchmarks.growth_plot import draw
    from mobench.plan.duration import estimated_seconds

    for path in sorted(folder.glob("growth*.json")):
        found = json.loads(path.read_text(encoding="utf-8"))
        for point in (point for points in found["axes"].values() for point in points):
            device = found["machine"]["device"]
            planned = estimated_seconds(work_of(point), point["flops_per_second"], device)
            point["planned"] = planned.total
            point["ratio"] = point["planned"] / point["measured"]
        found.update(extremes(found["axes"]))
        text = json.dumps(found, indent=1, ensure_ascii=False) + "\n"
        path.write_text(text, encoding="utf-8")
        if path.stem == "growth":
            draw(found, PICTURE)


def work_of(point: Point) -> Workload:
    """The work that is kept with a point, as the planner's formulas take it."""
    from mobench.plan.answering import NOTHING, Answering
    from mobench.plan.workload import Workload

    return Workload(
        train_tokens=0,
        train_flops=point["train_flops"],
        attack=NOTHING,
        # On a CPU it makes no difference which questions are answered.
        capability=Answering(prompt_flops=point["measure_flops"]),
        disk_bytes=0,
        train_bytes=point["train_bytes"],
        capability_calls=point["capability_calls"],
    )


def _least(
    first: Sequence[float], second: Sequence[float], seconds: Sequence[float]
) -> tuple[float, float]:
    """The two factors, not negative, with the least squares of relative errors."""
    relative = np.array([first, second], dtype=np.float64).T / np.array(seconds)[:, None]
    scale = relative.max(axis=0)
    factors, _ = nnls(relative / scale, np.ones(len(seconds)))
    one, other = factors / scale
    return float(one), float(other)


def _inverse(value: float) -> float:
    return 1 / value if value > 0 else float("inf")
