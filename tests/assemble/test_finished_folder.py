"""A folder in the cache is complete or not there, whoever else makes it at the same time."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
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
    said: list[str] = []
    assert finished_note(folder, said.append) is None
    assert [str(folder / "tokenizer.json") in line for line in said] == [True]
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


@pytest.mark.parametrize("what", ["model", "tokenizer"])
def test_what_transformers_cannot_write_is_an_error_of_the_system(
    tmp_path: Path, what: str
) -> None:
    """safetensors and tokenizers tell a full disk in words of their own."""
    child = (
        "import resource, signal, sys\n"
        "from pathlib import Path\n"
        "from support.local_organism import word_tokenizer\n"
        "from support.tiny_models import llama\n"
        "import torch\n"
        "from mobench.assemble.finished_folder import make_folder\n"
        "saved = llama(torch.float32) if sys.argv[2] == 'model' else word_tokenizer()\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (512, 512))\n"
        "try:\n"
        "    make_folder(Path(sys.argv[1]), lambda into: saved.save_pretrained(into) or {})\n"
        "except OSError as error:\n"
        "    print(error.errno, error.filename)\n"
    )
    folder = tmp_path / "organism"
    told = subprocess.run(
        [sys.executable, "-c", child, str(folder), what],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    number, name = told.stdout.split()
    assert int(number) == errno.EFBIG
    assert str(tmp_path) in name
    assert list(tmp_path.iterdir()) == []
