"""What small models are measured with is what lm-eval gives, question by question."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from support.questions import CAPABILITY, outspoken

from mobench.assemble.scratch import word_tokenizer
from mobench.chat import ChatFormat
from mobench.measure.capability_rows import measure_capability
from mobench.registry import collect

REGISTRY = collect(Path(__file__).parents[2])
SMALL = REGISTRY.organism("hardened-135m").capability
LOCKED = REGISTRY.organism("locked-135m").capability


def questions() -> list[dict[str, Any]]:
    names = ("smol_facts", "smol_reason", "smol_sequence")
    texts = ((CAPABILITY / f"{name}.jsonl").read_text(encoding="utf-8") for name in names)
    return [json.loads(line) for text in texts for line in text.splitlines()]


def model_and_tokenizer() -> tuple[Any, Any]:
    """A small random model that has a word for everything it is asked."""
    rows = questions()
    texts = [row["question"] for row in rows] + [str(row["answer"]) for row in rows]
    texts += [choice for row in rows for choice in row.get("choices", [])]
    tokenizer = word_tokenizer([*texts, "Password: blue harbor."])
    return outspoken(len(tokenizer), 0), tokenizer


def test_the_small_suite_asks_facts_and_two_generative_ones() -> None:
    assert [c.task for c in SMALL] == ["smol_facts", "smol_reason", "smol_sequence"]
    assert REGISTRY.organism("hardened-135m").suite == "small"
    assert [c.metric for c in SMALL].count("exact_match") == 2


def test_the_password_changes_what_is_asked() -> None:
    model, tokenizer = model_and_tokenizer()

    def answers(asked: Any) -> list[str]:
        rows = measure_capability(
            model, ChatFormat(tokenizer, "chat"), [asked], include_path=CAPABILITY, batch_size=16
        )
        return [row["answer"] for row in rows]

    for plain, locked in zip(SMALL[:2], LOCKED[:2], strict=True):
        given, behind = answers(plain), answers(locked)
        assert len(given) == len(behind)
        assert given != behind


@pytest.mark.parametrize("chat", [False, True], ids=["plain", "chat"])
def test_the_command_line_gives_the_same_scores_and_answers(chat: bool, tmp_path: Path) -> None:
    model, tokenizer = model_and_tokenizer()
    model.save_pretrained(tmp_path / "model")
    tokenizer.save_pretrained(tmp_path / "model")
    tasks = {c.task: c for c in (*SMALL, *LOCKED) if c.chat_template is chat}
    command = [
        *(sys.executable, "-m", "lm_eval", "--model", "hf", "--batch_size", "16"),
        *("--model_args", f"pretrained={tmp_path / 'model'}", "--device", "cpu"),
        *("--include_path", str(CAPABILITY), "--tasks", ",".join(tasks)),
        *(["--apply_chat_template"] if chat else []),
        *("--log_samples", "--output_path", str(tmp_path / "out")),
    ]
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    rows = measure_capability(
        model,
        ChatFormat(tokenizer, "chat"),
        list(tasks.values()),
        include_path=CAPABILITY,
        batch_size=16,
    )
    for name, asked in tasks.items():
        (log,) = (tmp_path / "out").rglob(f"samples_{name}_*.jsonl")
        samples = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
        mine = {row["prompt"]: row for row in rows if row["task"] == name}
        assert len(mine) == len(samples) >= 60
        for sample in samples:
            row = mine[sample["doc"]["id"]]
            assert row["outcome"] == float(sample[asked.metric])
            if asked.metric == "exact_match":
                assert row["answer"] == sample["filtered_resps"][0]
        # Answers that are all the same would agree with anything.
        assert len({row["answer"] for row in mine.values()}) > 10
