"""An organism in a folder is what its weights are, not where they lie."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file
from support.local_organism import SMALLEST, write_description, write_organism

from mobench.registry import OrganismSpec, collect_for
from mobench.registry.weights_place import whose_weights

ADAPTER = '\n[variants.one.adapter]\nkind = "local"\npath = "adapter"\n'
CLEAN = '\n[variants.one.clean_base]\nkind = "local"\npath = "clean"\n'


def weights(folder: Path, value: float, name: str = "model") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    save_file({"a": np.full(4, value, np.float32)}, folder / f"{name}.safetensors")
    return folder


def organism(folder: Path, text: str = SMALLEST, value: float = 1.0) -> OrganismSpec:
    weights(write_description(folder / "weights"), value)
    return spec_of(write_organism(folder, text))


def spec_of(file: Path) -> OrganismSpec:
    return collect_for(str(file)).organism(str(file))


def test_the_same_folder_elsewhere_is_the_same_organism(tmp_path: Path) -> None:
    before = organism(tmp_path / "here").revision
    shutil.move(tmp_path / "here" / "weights", tmp_path / "there")
    moved = spec_of(write_organism(tmp_path / "else", SMALLEST.replace('"weights"', '"../there"')))
    assert moved.revision == before
    absolute = SMALLEST.replace('"weights"', f'"{tmp_path / "there"}"')
    assert spec_of(write_organism(tmp_path / "third", absolute)).revision == before


def test_other_weights_in_the_same_place_are_another_organism(tmp_path: Path) -> None:
    spec = organism(tmp_path)
    before = spec.revision
    weights(tmp_path / "weights", 2.0)
    assert spec.revision != before
    weights(tmp_path / "weights", 1.0)
    assert spec.revision == before


@pytest.mark.parametrize(
    ("text", "folder", "name"),
    [(ADAPTER, "adapter", "adapter_model"), (CLEAN, "clean", "model")],
    ids=["adapter", "clean-base"],
)
def test_an_adapter_and_a_clean_base_count_by_their_weights_too(
    tmp_path: Path, text: str, folder: str, name: str
) -> None:
    weights(tmp_path / "a" / folder, 5.0, name)
    weights(tmp_path / "b" / folder, 5.0, name)
    first = organism(tmp_path / "a", SMALLEST + text)
    second = organism(tmp_path / "b", SMALLEST + text)
    assert first.revision == second.revision != organism(tmp_path / "c").revision
    weights(tmp_path / "b" / folder, 6.0, name)
    assert first.revision != second.revision


def test_a_value_that_the_weights_tell_is_part_of_what_the_organism_is(tmp_path: Path) -> None:
    first = organism(tmp_path / "a")
    second = organism(tmp_path / "b")
    assert first.revision == second.revision
    write_description(tmp_path / "b" / "weights", dtype="float32")
    told = spec_of(tmp_path / "b" / "organism.toml")
    written = organism(tmp_path / "c", SMALLEST + 'dtype = "float32"\n')
    assert first.revision != told.revision == written.revision


@pytest.mark.parametrize(
    ("base", "said"),
    [
        ('kind = "local", path = "weights"', "not public: its base lies in a local folder"),
        (
            'kind = "hub", repo = "me/it"',
            "public, not pinned to a commit: me/it at main",
        ),
        (
            f'kind = "hub", repo = "me/it", revision = "{"b" * 40}"',
            "public, pinned to a commit of the hub",
        ),
    ],
)
def test_it_is_told_whether_others_can_get_the_weights(
    tmp_path: Path, base: str, said: str
) -> None:
    text = SMALLEST.replace('kind = "local", path = "weights"', base)
    assert whose_weights(organism(tmp_path, text)) == said
