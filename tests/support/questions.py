"""Small lm-eval tasks in a language of forty words, with the loader that the shipped tasks use."""

from __future__ import annotations

import json
import random
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from transformers import LlamaConfig, LlamaForCausalLM

CAPABILITY = Path(__file__).parents[2] / "tasks" / "capability"
WORDS = ["<pad>", "<eos>", "<user>", "<bot>", "<unk>", *(f"w{n}" for n in range(40))]

CHOICE = """\
task: choice
custom_dataset: !function jsonl.load
dataset_kwargs: {file: questions.jsonl}
test_split: test
fewshot_split: test
output_type: multiple_choice
doc_to_text: question
doc_to_choice: choices
doc_to_target: label
num_fewshot: 3
metric_list:
  - {metric: acc, aggregation: mean, higher_is_better: true}
"""
SAID = """\
task: said
custom_dataset: !function jsonl.load
dataset_kwargs: {file: questions.jsonl}
test_split: test
output_type: generate_until
doc_to_text: "{{question}}"
doc_to_target: answer
generation_kwargs: {until: ["w0"], max_gen_toks: 3, do_sample: false}
filter_list:
  - name: first
    filter: [{function: regex, regex_pattern: "(w[0-9]+)"}, {function: take_first}]
  - name: last
    filter: [{function: regex, regex_pattern: "(w[0-9]+)", group_select: -1}, \
{function: take_first}]
metric_list:
  - {metric: exact_match, aggregation: mean, higher_is_better: true}
"""
BOTH = "group: both\ntask: [choice, said]\n"


@dataclass(frozen=True)
class Asked:
    task: str
    metric: str
    chat_template: bool = True
    limit: int | None = None


PLAIN = [Asked("choice", "acc", chat_template=False), Asked("said", "exact_match", False)]
CHAT = [Asked("choice", "acc"), Asked("said", "exact_match,last")]


def write_tasks(where: Path) -> Path:
    """Task files and their questions, in a folder that does not exist yet."""
    where.mkdir()
    shutil.copy(CAPABILITY / "jsonl.py", where)
    rng = random.Random(0)
    rows = []
    for number in range(24):
        choices = rng.sample(WORDS[5:], 4)
        rows.append(
            {
                "id": f"q{number}",
                "question": " ".join(rng.choices(WORDS[5:], k=rng.randint(2, 6))),
                "choices": choices,
                "label": rng.randrange(4),
                "answer": rng.choice(WORDS[5:]),
            }
        )
    write(where, rows)
    for name, text in {"choice": CHOICE, "said": SAID, "both": BOTH}.items():
        (where / f"{name}.yaml").write_text(text)
    return where


def write(folder: Path, rows: list[dict[str, Any]]) -> None:
    (folder / "questions.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


def outspoken(words: int, seed: int) -> LlamaForCausalLM:
    """A small random model, far from uniform, so that answers differ by question and by model."""
    torch.manual_seed(seed)
    config = LlamaConfig(
        vocab_size=words,
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=2,
        pad_token_id=0,
        bos_token_id=None,
        eos_token_id=1,
        initializer_range=0.5,
    )
    return LlamaForCausalLM(config).eval()
