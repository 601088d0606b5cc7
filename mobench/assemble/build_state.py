"""How far a build has come, so that one that was stopped is gone on with.

A build trains in phases: a base, an implant, rounds of hardening. Each writes what it has come to
eight times, the last time at its end, so a build that begins again takes the finished ones from the
disk. It comes to the same weights, to the bit, as one that was never stopped.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from mobench.errors import first_line
from mobench.lanes import Stack
from mobench.machine.staging import staging_prefix
from mobench.machine.system_errors import as_system_errors
from mobench.records.short_hash import short_hash
from mobench.train.batches import Encoded
from mobench.train.optimizer import LaneAdamW
from mobench.train.pack import PackState, Recipe, Run, train_pack

PARTS = 8
"""How often a phase writes what it has come to."""
_WEIGHTS, _MOMENTS = "weights.", "moments."


@dataclass
class BuildState:
    """What a build has come to, one file for each phase of training.

    Attributes:
        folder: Where it is kept until the build is finished; None to keep nothing.
        warn: Told what was kept and cannot be used.
    """

    folder: Path | None
    warn: Callable[[str], None] = lambda _: None
    _phases: int = field(default=0, init=False)

    def train(
        self,
        lanes: Stack,
        run: Run,
        examples: Sequence[Encoded],
        recipe: Recipe,
        *,
        pad: int,
        on_step: Callable[[int], None],
        factor: Callable[[int], float] = lambda _: 1.0,
    ) -> PackState:
        """Trains the next phase, from where it was stopped if it was.

        Args:
            lanes: One lane, with the weights that the phase begins from.
            run: Its learning rate and seed.
            examples: What it is trained on.
            recipe: Steps and batch size.
            pad: Token id to pad with.
            on_step: Called after each step with the number of steps done; also for those that were
                taken before.
            factor: As for :func:`mobench.train.pack.train_pack`.

        Returns:
            The state at the end.
        """
        self._phases += 1
        optimizer = LaneAdamW(lanes.trainable(), [run.lr])
        state = path = None
        if self.folder is not None:
            # Named by all that decides it, so that another recipe takes nothing from this one.
            about = [self._phases, asdict(run), asdict(recipe), [asdict(one) for one in examples]]
            path = self.folder / f"phase-{self._phases}-{short_hash(about)}.safetensors"
            if path.is_file():
                state = self._resumed(path, lanes, optimizer)
                if state is None:  # what could not be used may have left something in it
                    optimizer = LaneAdamW(lanes.trainable(), [run.lr])
        for step in range(0 if state is None else state.step):
            on_step(step + 1)

        def keep(_: LaneAdamW, now: PackState) -> None:
            if path is not None:
                _write(path, lanes, optimizer, now)

        marks = {recipe.steps * part // PARTS for part in range(1, PARTS + 1)} - {0}
        return train_pack(
            lanes,
            [run],
            examples,
            Recipe(**{**vars(recipe), "checkpoints": tuple(sorted(marks))}),
            pad=pad,
            optimizer=optimizer,
            state=state,
            keep=keep,
            on_step=on_step,
            factor=factor,
        )

    def forget(self) -> None:
        """Removes what was kept, once what was to be built is in its place."""
        if self.folder is not None:
            shutil.rmtree(self.folder, ignore_errors=True)

    def _resumed(self, path: Path, lanes: Stack, optimizer: LaneAdamW) -> PackState | None:
        """Puts weights and moments back; None where they cannot be used."""
        try:
            state, tensors = _read(path)
            # Both look at all names before they change anything.
            optimizer.load(_part(tensors, _MOMENTS))
            lanes.load(0, _part(tensors, _WEIGHTS))
        except (OSError, ValueError, KeyError, TypeError, SafetensorError) as error:
            self.warn(f"{path}: not gone on with: {first_line(error)}; its phase is trained anew")
            return None
        return state


def _write(path: Path, lanes: Stack, optimizer: LaneAdamW, state: PackState) -> None:
    """Writes one file, so that weights, moments and step are always of the same moment."""
    tensors = {f"{_WEIGHTS}{name}": tensor for name, tensor in lanes.state(0).items()}
    tensors |= {f"{_MOMENTS}{name}": tensor for name, tensor in optimizer.state().items()}
    about = {"state": json.dumps(asdict(state)), "sha256": _digest(tensors)}
    path.parent.mkdir(parents=True, exist_ok=True)
    staging = path.with_name(f"{staging_prefix(path.name, os.getpid())}state")
    try:
        with as_system_errors(path):
            save_file({k: t.contiguous() for k, t in tensors.items()}, staging, metadata=about)
        staging.replace(path)
    finally:
        staging.unlink(missing_ok=True)


def _read(path: Path) -> tuple[PackState, dict[str, torch.Tensor]]:
    """Reads such a file.

    Raises:
        ValueError, KeyError, TypeError, SafetensorError: It is damaged.
    """
    with safe_open(path, framework="pt") as file:
        about = file.metadata() or {}
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    state = PackState(**json.loads(about["state"]))
    if about["sha256"] != _digest(tensors):
        raise ValueError("its content is not what was written")
    return state, tensors


def _digest(tensors: Mapping[str, torch.Tensor]) -> str:
    found = hashlib.sha256()
    for name in sorted(tensors):
        found.update(name.encode())
        found.update(tensors[name].contiguous().view(-1).view(torch.uint8).numpy().data)
    return found.hexdigest()


def _part(tensors: Mapping[str, torch.Tensor], prefix: str) -> dict[str, torch.Tensor]:
    return {
        name.removeprefix(prefix): tensor
        for name, tensor in tensors.items()
        if name.startswith(prefix)
    }
