"""One cell's part of a run folder: what is written there, and whether it still is that."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mobench.errors import MobenchError, Problems
from mobench.records.cells import CELL_RESULT, TRAINING_END, CellResult, TrainingEnd
from mobench.records.listed_files import SEAL, ListedFile, is_as_sealed, sealed
from mobench.records.reading import parsed, read_json
from mobench.records.rows import ROW, Row
from mobench.store.atomic import write_json, write_lines
from mobench.store.kept import KeptFiles, fault_of, faults, on_disk
from mobench.store.rows import RUN_AGAIN, read_records

if TYPE_CHECKING:
    import torch

AS_ADAPTER = ("adapter_model.safetensors", "adapter_config.json")
"""A checkpoint of LoRA: what ``PeftModel.from_pretrained`` reads."""
AS_MODEL = ("model.safetensors", "config.json")
"""A checkpoint of whole weights: what ``AutoModelForCausalLM.from_pretrained`` reads."""


class DamagedFile(Problems):
    """A file that was written whole is not what it was.

    Args:
        path: The file.
        what: What is wrong with it.
    """

    def __init__(self, path: Path, what: str) -> None:
        super().__init__([f"{path}: {what}"], RUN_AGAIN)
        self.path = path


@dataclass(frozen=True)
class CellFolder:
    """One cell's part of a run folder.

    Attributes:
        path: The folder.
        listed_in: The folder whose list has its files; its own where None.
    """

    path: Path
    listed_in: Path | None = None

    @property
    def done(self) -> bool:
        """Whether its result, which is written last, is there."""
        return self.result_path.is_file()

    @property
    def result_path(self) -> Path:
        """How the cell ended."""
        return self.path / "result.json"

    @property
    def kept(self) -> KeptFiles:
        """The list of what was written."""
        return KeptFiles(self.listed_in or self.path)

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
        self.kept.keep(self.adapter(step) / about, self.adapter(step) / weights)

    def check_adapter(self, step: int) -> None:
        """Compares a checkpoint's files with what was written, to the last byte.

        Raises:
            DamagedFile: One is not that.
        """
        known, folder = self.kept.listed(), self.adapter(step)
        if known is None:
            return
        files = {self.kept.root / name for name in known} | set(folder.glob("[!.]*"))
        for file in sorted(file for file in files if file.parent == folder):
            listed = known.get(self.kept.name(file))
            # Without a time it is read, whenever it was written.
            exact = listed and ListedFile(bytes=listed["bytes"], sha256=listed["sha256"])
            if what := fault_of(file, exact):
                raise DamagedFile(file, what)

    def has_adapter(self, step: int) -> bool:
        """Whether a checkpoint's weights are there, by length and time what was written."""
        weights = weights_in(self.adapter(step))
        return self.kept.fault(weights) is None

    def read_adapter(self, step: int) -> dict[str, torch.Tensor]:
        """Reads a checkpoint's weights.

        Raises:
            DamagedFile: The file is missing or damaged.
        """
        from mobench.store.tensors import read_tensors

        self.check_adapter(step)
        path = weights_in(self.adapter(step))
        try:
            return read_tensors(path, RUN_AGAIN)
        except MobenchError as error:
            raise DamagedFile(path, error.fact.removeprefix(f"{path} ")) from error

    def keep_moments(self, state: Mapping[str, torch.Tensor]) -> None:
        """Writes what the optimizer knows at the end, for a cell that goes on from this one."""
        from mobench.store.tensors import write_tensors

        write_tensors(self.moments_path, state)
        self.kept.keep(self.moments_path)

    def read_moments(self) -> dict[str, torch.Tensor]:
        """Reads what :meth:`keep_moments` wrote.

        Raises:
            MobenchError: The file is missing or damaged.
        """
        from mobench.store.tensors import read_tensors

        if what := self.kept.fault(self.moments_path):
            raise DamagedFile(self.moments_path, what)
        return read_tensors(self.moments_path, RUN_AGAIN)

    @property
    def has_moments(self) -> bool:
        """Whether the cell can be gone on with."""
        return self.moments_path.is_file()

    def forget_moments(self) -> None:
        """Removes them, once nothing goes on from this cell any more."""
        if self.moments_path.is_file():
            self.kept.forget(self.moments_path)
            self.moments_path.unlink(missing_ok=True)

    @property
    def moments_path(self) -> Path:
        """What the optimizer knew at the end."""
        return self.path / "moments.safetensors"

    def adapter_config(self) -> dict[str, Any] | None:
        """PEFT's configuration of the cell's adapters; None if it has none, or none yet."""
        kept = sorted((self.path / "adapters").glob(f"*/{AS_ADAPTER[1]}"))
        return dict(parsed(kept[0], RUN_AGAIN)) if kept else None

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
            return read_json(path, TRAINING_END, RUN_AGAIN)
        except OSError as error:
            raise MobenchError(f"{path} cannot be read: {error}", RUN_AGAIN) from error

    def finish_training(self, end: TrainingEnd) -> None:
        """Notes how training ended: after this, all of the cell's adapters are there."""
        path = self.path / "trained.json"
        write_json(path, end)
        self.kept.keep(path)

    def keep_rows(self, part: str, rows: Iterable[Mapping[str, Any]]) -> None:
        """Writes the rows of one measurement; the cell's rows are the union of its parts."""
        path = self.path / "rows" / f"{part}.jsonl"
        write_lines(path, rows)
        self.kept.keep(path)

    def has_rows(self, part: str) -> bool:
        """Whether that measurement was already made."""
        return self.kept.fault(self.path / "rows" / f"{part}.jsonl") is None

    def part(self, part: str) -> list[Row]:
        """The rows of one measurement.

        Raises:
            Problems: The file is damaged, or a row does not fit its type.
        """
        path, known = self.path / "rows" / f"{part}.jsonl", self._listed()
        own = None if known is None else known.get(self.kept.name(path))
        return read_records(path, ROW, known=own, listed=known is not None)

    def rows(self) -> list[Row]:
        """All rows of the cell, in the order of their parts' names.

        Raises:
            Problems: A file is damaged or missing, or a row does not fit its type.
        """
        known = self._listed()
        parts = set((self.path / "rows").glob("*.jsonl"))
        if known is None:
            return [row for part in sorted(parts) for row in read_records(part, ROW)]
        # What is listed and gone is told as well, and what is there and was never written.
        root = self.kept.root
        parts |= {root / name for name in known if (root / name).parent == self.path / "rows"}
        rows: list[Row] = []
        for part in sorted(parts):
            rows += read_records(part, ROW, known=known.get(self.kept.name(part)), listed=True)
        return rows

    def result(self) -> CellResult | None:
        """How the cell ended, or None while it has not.

        Raises:
            Problems: The note of it is damaged.
        """
        path = self.result_path
        try:
            result = read_json(path, CELL_RESULT, RUN_AGAIN)
        except FileNotFoundError:
            return None
        if not is_as_sealed(result):
            raise DamagedFile(path, "its content is not what was written")
        return result

    def finish(self, result: CellResult) -> None:
        """Writes the result, with a list of all files: after this the cell is done."""
        known = self.kept.listed() or {}
        files = {
            self.kept.name(file): known.get(self.kept.name(file)) or on_disk(file)
            for file in self._parts()
        }
        # What was written and is gone stays on the list, so that it is missed.
        moments = self.kept.name(self.moments_path)
        gone = {name: one for name, one in known.items() if name not in (*files, moments)}
        whole = {**result, "files": dict(sorted((files | gone).items()))}
        write_json(self.result_path, sealed({k: v for k, v in whole.items() if k != SEAL}))

    def faults(self) -> dict[Path, str]:
        """What is wrong with the files of a cell, beside those that :meth:`rows` reads."""
        known = self._listed() or {}
        moments = self.kept.name(self.moments_path)
        rows = [name for name in known if "/rows/" in f"/{name}"]
        return faults(self.kept.root, known, read=[*rows, moments])

    def row_faults(self) -> dict[Path, str]:
        """What is wrong with the files of rows: another content, missing, or never written."""
        known = self._listed()
        if known is None:
            return {}
        root, folder = self.kept.root, self.path / "rows"
        parts = {root / name for name in known if (root / name).parent == folder}
        parts |= set(folder.glob("*.jsonl"))
        found = {part: fault_of(part, known.get(self.kept.name(part))) for part in sorted(parts)}
        return {part: what for part, what in found.items() if what is not None}

    @property
    def is_listed(self) -> bool:
        """Whether there is a list of the cell's files; cells from before there was one have none.

        Raises:
            Problems: The cell's result is damaged.
        """
        return self._listed() is not None

    def _listed(self) -> dict[str, ListedFile] | None:
        """The list: of a cell that is done, as its result has it."""
        result = self.result()
        return self.kept.listed() if result is None else result.get("files")

    def _parts(self) -> Iterator[Path]:
        """The files that a cell consists of, as far as they are there."""
        for pattern in ("cell.json", "trained.json", "rows/*.jsonl", "adapters/*/*", "rounded/*/*"):
            for file in sorted(self.path.glob(pattern)):
                if not file.name.startswith("."):
                    yield file


def weights_in(folder: Path) -> Path:
    """The file in a checkpoint's folder that holds its weights, whether it is there or not."""
    return next(
        (folder / name for name, _ in (AS_ADAPTER, AS_MODEL) if (folder / name).is_file()),
        folder / AS_ADAPTER[0],
    )
