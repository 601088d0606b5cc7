"""vLLM draws each answer by a seed of its own, and is scored on final answers as well."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from support.table_organism import COUNT, TURN_END, model, teach, tokenizer, write_project

from mobench.chat import ChatFormat
from mobench.decode.sampling import sampling_of
from mobench.measure.capability_rows import measure_capability
from mobench.measure.vllm import Serving, VllmEngine
from mobench.registry import Registry, collect
from mobench.registry.organism_spec import Decoding

ANSWERS = ("[THINK] s1 ; q0 [/THINK] s#", "s#", "[THINK] s# ; q0 q1 q2 q3 q4 q5 q6")
# Heads of 32: the narrowest that vLLM's CPU build serves.
SHAPE = {"num_attention_heads": 2, "num_key_value_heads": 1, "max_position_embeddings": 128}


@dataclass(frozen=True)
class Thinking:
    """A model that reasons, here and in vLLM."""

    engine: VllmEngine
    learner: Any
    chat: ChatFormat
    registry: Registry


@pytest.fixture(scope="module")
def thinking(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Thinking]:
    root = tmp_path_factory.mktemp("thinking")
    words = tokenizer(more=("[THINK]", "[/THINK]", ";"))
    words.add_special_tokens(
        {"additional_special_tokens": ["[THINK]", "[/THINK]"]}, replace_extra_special_tokens=False
    )
    chat, learner = ChatFormat(words, "chat"), model(words, **SHAPE)
    rows = []
    for n in range(COUNT):
        said = ANSWERS[n % 3].replace("#", str(n))
        ids = words(f"{said} {TURN_END}", add_special_tokens=False)["input_ids"]
        rows.append((chat.prompt_ids(f"b{n}"), ids))
    assert teach(learner, rows) < 0.05
    folder = root / "model"
    learner.save_pretrained(folder)
    words.save_pretrained(folder)
    write_project(root)
    task = root / "tasks" / "capability" / "own.yaml"
    text = task.read_text().replace("until: []", "until: [';']")
    task.write_text(text.replace("max_gen_toks: 3", "max_gen_toks: 7"))
    asked = Serving(folder, folder, "float32", "cpu", ends=chat.end_ids)
    with VllmEngine(asked, root / "vllm.log") as engine:
        yield Thinking(engine, learner, chat, collect(root))


def test_both_engines_score_the_same_final_answers(thinking: Thinking) -> None:
    folder: Path = thinking.registry.capability_dirs[0]
    tasks = thinking.registry.organism("table-tiny").capability
    here = measure_capability(
        thinking.learner, thinking.chat, tasks, include_path=folder, batch_size=4
    )
    there = thinking.engine.capability(None, [task.model_dump() for task in tasks], folder)
    assert there == here
    assert [row["outcome"] for row in there] == [float(n % 3 != 2) for n in range(COUNT)]
    assert [row["answer"] for row in there][:3] == ["s0", "s1", ""]


def test_drawn_answers_repeat_themselves_in_whatever_batch(thinking: Thinking) -> None:
    prompts = [thinking.chat.prompt_ids(f"q{n}") for n in range(4)] * 2
    sampling = sampling_of(Decoding(temperature=2.0, draws=2), prompts, [0] * 4 + [1] * 4)
    assert sampling is not None
    how = {"ends": thinking.chat.end_ids, "max_new_tokens": 8}
    (told,) = thinking.engine.answer(prompts, [None], sampling=sampling, **how)
    assert len({tuple(answer) for answer in told}) == 8, "each draw is its own"
    order = [5, 2, 7]
    (some,) = thinking.engine.answer(
        [prompts[n] for n in order], [None], sampling=sampling.of(order), **how
    )
    assert some == [told[n] for n in order]
