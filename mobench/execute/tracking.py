"""A hook for trackers of experiments: each finished cell is handed to one, with its curves.

``--track tensorboard:FOLDER`` writes what TensorBoard shows. Other packages register a function
under the entry point group :data:`GROUP`; docs/guide.md has one of six lines.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import entry_points
from typing import Any, Protocol

from mobench.errors import MobenchError, did_you_mean
from mobench.execute.arms import Arm
from mobench.records.cells import Cell
from mobench.records.names import LADDER
from mobench.store import CellFolder

GROUP = "mobench.trackers"


@dataclass(frozen=True)
class TrackedCell:
    """A finished cell.

    Attributes:
        run: Name of the run's folder.
        name: Such as ``lr=1e-03-seed=0``, with its arm in front where it is a control.
        about: The cell's identity: organism, task, rate, seed, method and so on.
        losses: Mean training loss of each step, from step 1 on.
        curves: By ``attack``, ``control`` and ``capability``: step → mean outcome.
    """

    run: str
    name: str
    about: Mapping[str, Any]
    losses: Sequence[float]
    curves: Mapping[str, Mapping[int, float]]


class Tracker(Protocol):
    """Takes finished cells. It is called once for each, in the process that finished it."""

    def __call__(self, place: str, cell: TrackedCell) -> None:
        """Hands a cell on; ``place`` is what the user typed behind the tracker's name."""


def track(option: str, arm: Arm, cell: Cell) -> None:
    """Hands a finished cell to the tracker that the user named.

    Args:
        option: ``NAME:PLACE``.
        arm: The cell's arm.
        cell: The cell.

    Raises:
        MobenchError: There is no such tracker, or it lacks a package.
    """
    place = option.partition(":")[2]
    tracker_of(option)(place, tracked(arm.ladder.folder.path.name, arm.folder(cell), cell))


def tracker_of(option: str) -> Tracker:
    """The tracker that an option names.

    Raises:
        MobenchError: There is none of that name.
    """
    name = option.partition(":")[0]
    if name == "tensorboard":
        return to_tensorboard
    known = {point.name: point for point in entry_points(group=GROUP)}
    if name not in known:
        names = ", ".join(sorted({"tensorboard", *known}))
        raise MobenchError(
            f"--track {option}: no tracker {name!r}.{did_you_mean(name, names.split(', '))}",
            f"there are: {names}; a package adds one by the entry point group {GROUP}",
        )
    tracker: Tracker = known[name].load()
    return tracker


def tracked(run: str, folder: CellFolder, cell: Cell) -> TrackedCell:
    """Reads a finished cell's curves."""
    answers: dict[str, dict[int, list[float]]] = defaultdict(lambda: defaultdict(list))
    for row in folder.rows():
        if row["outcome"] is not None:
            answers[row["kind"]][row["step"]].append(float(row["outcome"]))
    curves = {
        kind: {step: sum(values) / len(values) for step, values in sorted(steps.items())}
        for kind, steps in answers.items()
    }
    arm = "" if cell.arm == LADDER else f"{cell.arm}-"
    name = f"{arm}lr={cell.lr:.0e}-seed={cell.seed}"
    return TrackedCell(run, name, cell.record(), folder.training()["losses"], curves)


def to_tensorboard(place: str, cell: TrackedCell) -> None:
    """Writes a cell as one run of TensorBoard.

    Raises:
        MobenchError: TensorBoard is not installed.
    """
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError as error:
        raise MobenchError(
            f"--track tensorboard needs a package that is not installed: {error}",
            "pip install tensorboard",
        ) from error
    with SummaryWriter(f"{place or 'tensorboard'}/{cell.run}/{cell.name}") as writer:
        for step, loss in enumerate(cell.losses, start=1):
            writer.add_scalar("loss", loss, step)
        for kind, curve in cell.curves.items():
            for step, value in curve.items():
                writer.add_scalar(kind, value, step)
