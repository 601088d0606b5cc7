"""Measuring with vLLM: one engine for all adapters, and one start for each merged checkpoint."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.measure_hf import whole
from benchmarks.measure_work import Work
from mobench.assemble.loading import load_tokenizer
from mobench.measure.vllm import Adapter, Serving, VllmEngine
from mobench.store.cell_folder import AS_ADAPTER

SCRIPT = """
import json, sys
from vllm import LLM, SamplingParams

def main():
    work, folder, out = json.load(open(sys.argv[1])), sys.argv[2], sys.argv[3]
    longest = json.load(open(folder + "/config.json"))["max_position_embeddings"]
    llm = LLM(
        model=folder,
        dtype=work["dtype"],
        enforce_eager=work["device"] == "cpu",
        max_model_len=min(2048, longest),
        gpu_memory_utilization=0.5,
        generation_config="vllm",
    )
    how = SamplingParams(
        temperature=0,
        max_tokens=work["max_new_tokens"],
        ignore_eos=True,
        stop_token_ids=[work["eos"]],
    )
    told = llm.generate([{"prompt_token_ids": prompt} for prompt in work["prompts"]], how)
    json.dump([list(output.outputs[0].token_ids) for output in told], open(out, "w"))

if __name__ == "__main__":
    main()
"""
"""What a researcher would run for each checkpoint: vLLM with its defaults. Compiling is off on a
CPU, where it would make each start longer still."""


def served(work: Work) -> dict[str, Any]:
    """One engine, counted from its start to its last answer."""
    config = json.loads((Path(work.checkpoints[0]) / AS_ADAPTER[1]).read_text(encoding="utf-8"))
    serving = Serving(
        Path(work.organism),
        Path(work.organism),
        work.dtype,
        work.device,
        rank=config["r"],
        modules=tuple(config["target_modules"]),
        adapters=len(work.checkpoints),
    )
    with TemporaryDirectory() as folder:
        began = time.perf_counter()
        with VllmEngine(serving, Path(folder) / "vllm.log") as engine:
            started = time.perf_counter()
            answers = engine.answer(
                work.prompts,
                [Adapter(str(n), Path(path)) for n, path in enumerate(work.checkpoints)],
                ends=[work.eos],
                max_new_tokens=work.max_new_tokens,
            )
        ended = time.perf_counter()
    return {"seconds": ended - began, "start_seconds": started - began, "answers": answers}


def starts(work: Work, path: Path, count: int) -> dict[str, Any]:
    """A process of its own for each merged checkpoint, counted from its start to its end.

    Args:
        work: What is asked.
        path: The file that `work` was written to.
        count: How many of the checkpoints are really measured.
    """
    seconds, answers = [], []
    tokenizer = load_tokenizer(Path(work.organism))
    with TemporaryDirectory() as folder:
        script, merged, out = (Path(folder) / name for name in ("start.py", "merged", "out.json"))
        script.write_text(SCRIPT, encoding="utf-8")
        for adapter in work.checkpoints[:count]:
            whole(replace(work, device="cpu"), adapter).save_pretrained(merged)
            tokenizer.save_pretrained(merged)
            began = time.perf_counter()
            subprocess.run(
                [sys.executable, str(script), str(path), str(merged), str(out)],
                check=True,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            seconds.append(time.perf_counter() - began)
            told = json.loads(out.read_text(encoding="utf-8"))
            answers.append([t[:-1] if t and t[-1] == work.eos else t for t in told])
    return {"seconds": sum(seconds), "each": seconds, "answers": answers}
