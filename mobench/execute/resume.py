"""A pack's state on disk: written at every checkpoint, found again by whoever goes on.

A pack that was cut into smaller ones left a state for more cells than each of them has. They take
their own lanes out of it, so that no step is taken twice.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from mobench.errors import MobenchError, Problems, first_line
from mobench.lanes import Lanes
from mobench.records.cells import Cell
from mobench.records.listed_files import SEAL, ListedFile, is_as_sealed, sealed
from mobench.records.short_hash import short_hash
from mobench.store import RunFolder
from mobench.store.atomic import write_json
from mobench.store.cell_folder import DamagedFile
from mobench.store.kept import fault_of, on_disk
from mobench.store.tensors import write_tensors
from mobench.train.optimizer import LaneAdamW, lanes_of
from mobench.train.pack import PackState


def pack_id(cells: Sequence[Cell]) -> str:
    """Names what a pack keeps while it is at work."""
    return short_hash([cell.id for cell in cells])


def keep_state(
    folder: RunFolder, cells: Sequence[Cell], optimizer: LaneAdamW, state: PackState
) -> None:
    """Writes a pack's state at a checkpoint whose adapters are already there."""
    path = folder.pack(pack_id(cells))
    # Moments first, progress last: the progress names a step only once all of it is there.
    write_tensors(_moments(path, state.step), optimizer.state())
    about = {"cells": [cell.id for cell in cells], "moments": on_disk(_moments(path, state.step))}
    write_json(path / "progress.json", sealed({**asdict(state), **about}))
    for old in path.glob("moments-*.safetensors"):
        if old != _moments(path, state.step):
            old.unlink()


def resume(
    folder: RunFolder,
    cells: Sequence[Cell],
    lanes: Lanes,
    optimizer: LaneAdamW,
    warn: Callable[[str], None],
) -> PackState:
    """Puts weights and moments back where these cells were stopped, in whatever pack that was.

    Args:
        folder: The run.
        cells: The cells, one for each lane.
        lanes: Take the weights.
        optimizer: Takes the moments.
        warn: Told what was kept and cannot be used.
    """
    ids = [cell.id for cell in cells]
    left = [kept for kept in _all(folder) if set(ids) <= set(kept.cells)]
    for kept in sorted(left, key=lambda kept: -kept.state.step):
        places = [kept.cells.index(identity) for identity in ids]
        try:
            state = _lanes_of(kept.state, places)
            # All is read before anything is changed: a state that cannot be used leaves no trace.
            moments = _read_moments(kept)
            weights = {
                lane: folder.cell(identity).read_adapter(state.step)
                for lane, identity in enumerate(ids)
                if state.step > 0 and state.diverged[lane] is None
            }
            optimizer.load(lanes_of(moments, places))
        except (OSError, ValueError, KeyError, IndexError, SafetensorError, MobenchError) as error:
            why = error.problems[0] if isinstance(error, Problems) else first_line(error)
            warn(f"{kept.path}: not gone on with: {why}; its cells are trained anew")
            continue
        for lane, state_of_lane in weights.items():
            lanes.load(lane, state_of_lane)
        return state
    return PackState.fresh(len(cells))


def forget_trained(folder: RunFolder) -> None:
    """Removes the states of packs whose cells are all trained."""
    for kept in _all(folder):
        if all(folder.cell(identity).trained for identity in kept.cells):
            folder.clear_pack(kept.path.name)


@dataclass(frozen=True)
class _Kept:
    """A state on disk; how its moments were written is None in those from before that was kept."""

    path: Path
    cells: tuple[str, ...]
    state: PackState
    moments: ListedFile | None


def _all(folder: RunFolder) -> list[_Kept]:
    """Every state that can be read."""
    found = []
    for path in map(folder.pack, folder.packs()):
        try:
            progress = json.loads((path / "progress.json").read_text(encoding="utf-8"))
            if not is_as_sealed(progress):
                continue
            progress.pop(SEAL, None)
            cells, moments = tuple(progress.pop("cells")), progress.pop("moments", None)
            found.append(_Kept(path, cells, PackState(**progress), moments))
        except (OSError, ValueError, TypeError, KeyError, AttributeError):
            continue
    return found


def _lanes_of(state: PackState, places: Sequence[int]) -> PackState:
    return PackState(
        state.step,
        [state.losses[place] for place in places],
        [state.diverged[place] for place in places],
        [state.moved[place] for place in places],
        state.seconds,
    )


def _read_moments(kept: _Kept) -> dict[str, torch.Tensor]:
    path = _moments(kept.path, kept.state.step)
    if kept.moments is not None and (what := fault_of(path, kept.moments)):
        raise DamagedFile(path, what)
    moments: dict[str, torch.Tensor] = load_file(path)
    return moments


def _moments(pack: Path, step: int) -> Path:
    return pack / f"moments-{step}.safetensors"
