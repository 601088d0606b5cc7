"""A folder in the cache is complete or not there, whoever else makes it at the same time."""

from __future__ import annotations

from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from mobench.assemble.finished_folder import finished_note, make_folder


def weights(value: float) -> Any:
    def fill(into: Path) -> dict[str, Any]:
        save_file({"w": torch.tensor([value])}, into / "model.safetensors")
        return {"value": value}

    return fill


def test_who_is_slower_takes_what_the_other_made(tmp_path: Path) -> None:
    """The other's folder may be in use: it is neither removed nor replaced."""
    folder = tmp_path / "organism"

    def fill(into: Path) -> dict[str, Any]:
        make_folder(folder, weights(1.0))
        return dict(weights(2.0)(into))

    note = make_folder(folder, fill)
    assert note["value"] == 1.0
    assert finished_note(folder) == note
    assert float(load_file(folder / "model.safetensors")["w"]) == 1.0
    assert [path.name for path in tmp_path.iterdir()] == ["organism"]


def test_a_damaged_folder_is_made_again(tmp_path: Path) -> None:
    folder = tmp_path / "organism"
    make_folder(folder, weights(1.0))
    save_file({"w": torch.tensor([9.0])}, folder / "model.safetensors")
    assert finished_note(folder) is None
    assert make_folder(folder, weights(2.0))["value"] == 2.0
    assert finished_note(folder) is not None


def test_a_maker_that_fails_leaves_nothing(tmp_path: Path) -> None:
    def fill(into: Path) -> dict[str, Any]:
        weights(1.0)(into)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        make_folder(tmp_path / "organism", fill)
    assert list(tmp_path.iterdir()) == []


def test_a_finish_never_removes_a_folder_that_another_process_finished(tmp_path: Path) -> None:
    """Both looked before either was there; the second one's look is older than the first's end."""
    folder = tmp_path / "organism"

    def fill(into: Path) -> dict[str, Any]:
        made = weights(2.0)(into)
        make_folder(folder, weights(1.0))
        before.append((folder / "model.safetensors").stat().st_ino)
        return made

    before: list[int] = []
    note = make_folder(folder, fill)
    assert note["value"] == 1.0
    assert [(folder / "model.safetensors").stat().st_ino] == before, "it may be read already"
    assert [path.name for path in tmp_path.iterdir()] == ["organism"]


def test_a_folder_whose_tokenizer_was_damaged_is_made_again(tmp_path: Path) -> None:
    folder = tmp_path / "organism"

    def fill(into: Path) -> dict[str, Any]:
        (into / "tokenizer.json").write_text("{}")
        return dict(weights(1.0)(into))

    make_folder(folder, fill)
    assert finished_note(folder) is not None
    (folder / "tokenizer.json").write_text("[]")
    assert finished_note(folder) is None
    make_folder(folder, fill)
    (folder / "tokenizer.json").unlink()
    assert finished_note(folder) is None


def test_two_processes_that_replace_what_is_not_whole_end_with_one_whole_folder(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "organism"
    folder.mkdir()
    (folder / "model.safetensors").write_bytes(b"half")
    threads = [
        Thread(target=make_folder, args=(folder, weights(float(number)))) for number in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert finished_note(folder) is not None
    assert [path.name for path in tmp_path.iterdir()] == ["organism"]
