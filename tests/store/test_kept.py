"""What was written is listed with its hash: whatever changed since is named and not used."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
import torch

from mobench.errors import Problems
from mobench.records.listed_files import is_as_sealed, sealed
from mobench.store import CellFolder, RunFolder
from mobench.store.cell_folder import DamagedFile
from mobench.store.kept import KEPT, KeptFiles
from mobench.store.kept_adapters import keep_adapters
from mobench.store.mending import mend

PEFT = {"peft_type": "LORA"}
IDENTITY = {"organism": "o", "task": "t", "method": "lora", "lr": 1e-3, "seed": 0, "steps": 8}


def row(step: int, prompt: str = "p") -> dict[str, Any]:
    return {"cell": "c", "step": step, "kind": "attack", "prompt": prompt, "outcome": 1}


def ended(steps: tuple[int, ...] = (0, 1, 8)) -> Any:
    return {
        "schema": "mobench.result/1",
        "cell": "c",
        "status": "done",
        "diverged_at": None,
        "checkpoints": list(steps),
        "losses": [0.5, 0.25],
    }


def finished(run: RunFolder, name: str = "c", **identity: Any) -> CellFolder:
    """A cell of two checkpoints, trained and measured."""
    cell = run.cell(name)
    cell.path.mkdir(parents=True)
    (cell.path / "cell.json").write_text(json.dumps({"id": name, **IDENTITY, **identity}))
    for step in (1, 8):
        cell.keep_adapter(step, {"w": torch.full((64,), float(step))}, PEFT)
    cell.finish_training({"diverged_at": None, "losses": [0.5, 0.25]})
    for step in (1, 8):
        cell.keep_rows(f"{step:06d}-attack", [row(step, f"p{n}") for n in range(3)])
    cell.finish(ended())
    return cell


DAMAGES = {
    "deleted": lambda path: path.unlink(),
    "emptied": lambda path: path.write_bytes(b""),
    "cut": lambda path: path.write_bytes(path.read_bytes()[:-9]),
    "edited": lambda path: path.write_bytes(path.read_bytes()[:-1] + b"x"),
    "zeros": lambda path: path.write_bytes(bytes(path.stat().st_size)),
    "longer": lambda path: path.write_bytes(path.read_bytes() * 2),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_rows_are_refused_by_name_and_measured_again(tmp_path: Path, damage: str) -> None:
    run = RunFolder(tmp_path)
    cell = finished(run)
    path = cell.path / "rows" / "000008-attack.jsonl"
    DAMAGES[damage](path)
    with pytest.raises(Problems, match=path.name):
        cell.rows()
    notes = mend(run)
    assert [path.name in note for note in notes] == [True]
    assert not cell.done
    assert cell.trained, "its checkpoints are there: it need not be trained again"
    assert not cell.has_rows("000008-attack")
    assert cell.has_rows("000001-attack")
    cell.keep_rows("000008-attack", [row(8)])
    cell.finish(ended())
    assert len(cell.rows()) == 4
    assert mend(run) == []


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("name", ["trained.json", "adapters/step-000008/adapter_model.safetensors"])
def test_a_cell_whose_training_is_damaged_is_made_anew(
    tmp_path: Path, name: str, damage: str
) -> None:
    run = RunFolder(tmp_path)
    cell = finished(run)
    DAMAGES[damage](cell.path / name)
    assert list(cell.faults()) == [cell.path / name]
    assert any(name.split("/")[-1] in note for note in mend(run))
    assert not cell.path.exists()


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_result_is_taken_back_and_the_cell_stays(tmp_path: Path, damage: str) -> None:
    run = RunFolder(tmp_path)
    cell = finished(run)
    DAMAGES[damage](cell.result_path)
    if damage != "deleted":
        with pytest.raises(Problems, match=r"result\.json"):
            cell.result()
        assert any("result.json" in note for note in mend(run))
    assert not cell.done
    assert cell.has_rows("000008-attack")
    assert cell.trained


def test_what_was_never_written_by_a_run_does_not_count_and_is_not_lost(tmp_path: Path) -> None:
    run = RunFolder(tmp_path)
    cell = finished(run)
    mine = cell.path / "rows" / "000008-attack copy.jsonl"
    mine.write_text(json.dumps(row(8)) + "\n")
    with pytest.raises(Problems, match="not in the list"):
        cell.rows()
    assert any(mine.name in note for note in mend(run))
    assert len(cell.rows()) == 6
    assert mine.with_name(f"{mine.name}.not-listed").is_file()


def test_large_files_are_read_only_where_their_time_differs(tmp_path: Path) -> None:
    """Reading every checkpoint for a report would take as long as copying them."""
    cell = finished(RunFolder(tmp_path))
    path = cell.adapter(8) / "adapter_model.safetensors"
    status, content = path.stat(), path.read_bytes()
    path.write_bytes(content[:-1] + b"x")
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert cell.faults() == {}, "by length and time it is the same"
    with pytest.raises(DamagedFile, match="not what was written"):
        cell.read_adapter(8)
    os.utime(path)
    assert list(cell.faults()) == [path]
    path.write_bytes(content)
    assert cell.faults() == {}, "a copy with another time is the same file"


def test_a_cell_from_before_files_were_listed_is_taken_as_it_is(tmp_path: Path) -> None:
    run = RunFolder(tmp_path)
    cell = finished(run)
    (cell.path / KEPT).unlink()
    cell.result_path.write_text(json.dumps(ended()))
    (cell.path / "rows" / "000001-attack.jsonl").write_text(json.dumps(row(1)) + "\n")
    assert not cell.is_listed
    assert len(cell.rows()) == 4
    assert mend(run) == []
    assert cell.done


def test_a_file_that_was_written_and_not_listed_any_more_is_not_believed(tmp_path: Path) -> None:
    """Whoever is killed between a file and its line makes the file again."""
    cell = RunFolder(tmp_path).cell("c")
    cell.keep_rows("a", [row(1)])
    (cell.path / "rows" / "b.jsonl").write_text(json.dumps(row(2)) + "\n")
    assert cell.has_rows("a")
    assert not cell.has_rows("b")
    with (cell.path / KEPT).open("a") as file:
        file.write('{"file": "rows/c.jsonl", "by')
    cell.keep_rows("b", [row(2)])
    assert cell.has_rows("b"), "the half line before it does not swallow its own"


def test_cells_that_go_on_from_one_are_made_anew_with_it(tmp_path: Path) -> None:
    run = RunFolder(tmp_path)
    for name, parent, arm in (
        ("first", None, "organism"),
        ("cooled", "first", "cooldown"),
        ("other", None, "organism"),
        ("undone", "other", "reversal"),
    ):
        finished(run, name, arm=arm, **({"parent": parent} if parent else {}))
    (run.cell("cooled").path / "trained.json").write_text("{")
    mend(run)
    # A cooldown needs the moments of what it goes on from, which are gone.
    assert sorted(cell.path.name for cell in run.cells()) == ["other", "undone"]
    (run.cell("other").path / "trained.json").write_text("{")
    mend(run)
    assert run.cells() == []


def test_rows_whose_checkpoint_was_not_kept_are_trained_again(tmp_path: Path) -> None:
    run = RunFolder(tmp_path)
    cell = finished(run)
    keep_adapters(cell, [8])
    assert [path.name for path in (cell.path / "adapters").iterdir()] == ["step-000008"]
    assert cell.faults() == {}
    assert mend(run) == []
    (cell.path / "rows" / "000008-attack.jsonl").write_text("")
    mend(run)
    assert cell.trained
    (cell.path / "rows" / "000001-attack.jsonl").write_text("")
    mend(run)
    assert not cell.path.exists()


def test_rows_of_untrained_models_are_listed_beside_each_other(tmp_path: Path) -> None:
    run = RunFolder(tmp_path)
    for who in ("organism", "base"):
        run.reference(who).keep_rows("attack", [row(0)])
    assert (tmp_path / "reference" / KEPT).is_file()
    (run.reference("base").path / "rows" / "attack.jsonl").unlink()
    with pytest.raises(Problems, match=r"base/rows/attack\.jsonl: it is missing"):
        run.rows([])
    assert len(mend(run)) == 1
    assert not run.reference("base").has_rows("attack")
    assert run.reference("organism").has_rows("attack")


def test_a_sealed_record_is_told_from_one_that_was_edited() -> None:
    record = sealed({"a": 0.1, "b": [1, None, "é"]})
    assert is_as_sealed(json.loads(json.dumps(record)))
    assert not is_as_sealed({**record, "a": 0.2})
    assert not is_as_sealed({**record, "c": 1})
    assert is_as_sealed({"a": 0.1}), "from before there were seals"


def test_a_damaged_line_leaves_its_file_unlisted(tmp_path: Path) -> None:
    kept = KeptFiles(tmp_path)
    for name in ("a", "b"):
        (tmp_path / name).write_text(name)
        kept.keep(tmp_path / name)
    kept.path.write_text(kept.path.read_text().replace('"bytes": 1', '"bytes": x', 1))
    assert kept.fault(tmp_path / "a") == "it is not in the list of what was written"
    assert kept.fault(tmp_path / "b") is None
