"""The toy suites' scores are those of lm-eval's own command line, question by question."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from support.toys import REGISTRY, TOYS

from mobench.assemble.loading import load_model, load_tokenizer
from mobench.assemble.organism import Builder
from mobench.chat import ChatFormat
from mobench.measure.capability_rows import measure_capability
from mobench.progress import Progress
from mobench.registry.organism_spec import Capability

NAME = "wronglang-tiny"
"""It knows the words of most suites; where it does not, both ask it the same unknown ones."""


def test_the_command_line_of_lm_eval_gives_the_same_scores(cache: Path, tmp_path: Path) -> None:
    spec = REGISTRY.organism(NAME)
    folder = Builder(REGISTRY, cache, "cpu", True, Progress(enabled=False)).build(spec).folder
    asked: dict[str, Capability] = {
        one.task: one for name in TOYS for one in REGISTRY.organism(name).capability
    }
    command = [
        *(sys.executable, "-m", "lm_eval", "--model", "hf", "--batch_size", "64"),
        *("--model_args", f"pretrained={folder}", "--device", "cpu"),
        *("--include_path", str(REGISTRY.capability_dirs[0]), "--tasks", ",".join(asked)),
        *("--apply_chat_template", "--log_samples", "--output_path", str(tmp_path / "out")),
    ]
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    rows = measure_capability(
        load_model(folder, dtype="float32", device="cpu"),
        ChatFormat(load_tokenizer(folder), "chat"),
        list(asked.values()),
        include_path=REGISTRY.capability_dirs[0],
        batch_size=64,
    )
    assert len(rows) == 100 * len(asked)
    for task, one in asked.items():
        assert one.chat_template
        (log,) = (tmp_path / "out").rglob(f"samples_{task}_*.jsonl")
        samples = [json.loads(line) for line in log.read_text().splitlines()]
        theirs = {sample["doc"]["id"]: float(sample[one.metric]) for sample in samples}
        assert {r["prompt"]: r["outcome"] for r in rows if r["task"] == task} == theirs
    for task in (one.task for one in spec.capability):
        mine = [row["outcome"] for row in rows if row["task"] == task]
        assert 0 < sum(mine) < len(mine) or task == "toy_french_answer"
