"""The far side of a vLLM engine: a process that serves one model until its pipe is closed.

One line of JSON in, one line of JSON out. What vLLM prints goes to standard error, so nothing can
get between the answers.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Request = Mapping[str, Any]

LONGEST = 8192
"""Tokens of a prompt and its answer, at most; less where the model has less."""
ROWS = 256
"""Answers under way at once."""
CACHED_TOKENS = 65_536
"""Tokens whose keys and values are kept on a CPU; on a GPU whatever memory is left."""
SHARE = 0.4
"""Part of a CPU's free memory that they may take."""


@dataclass(frozen=True)
class AskedTask:
    """A capability task as it came through the pipe."""

    task: str
    metric: str
    chat_template: bool
    limit: int | None


class Served:
    """The engine and what is asked of it.

    Args:
        given: The fields of `mobench.measure.vllm.Serving`.
    """

    def __init__(self, given: Request) -> None:
        from vllm import LLM

        from mobench.assemble.loading import load_tokenizer

        folder = Path(given["folder"])
        self.tokenizer = load_tokenizer(
            Path(given["tokenizer"]), chat_template=given["chat_template"]
        )
        self._numbers: dict[str, int] = {}
        on_cpu = given["device"] == "cpu"
        if on_cpu:
            from mobench.measure.vllm.cpu_lora import use_grouped_products

            use_grouped_products()
        self.llm = LLM(
            model=str(folder),
            tokenizer=given["tokenizer"],
            dtype=given["dtype"],
            max_num_seqs=ROWS,
            # What a model's own file would change silently is left out; every request says all.
            generation_config="vllm",
            seed=0,
            disable_log_stats=True,
            distributed_executor_backend="uni",
            enable_prefix_caching=True,
            # Compiling takes a CPU longer than all the answers do.
            enforce_eager=on_cpu,
            **_lora(given["rank"], given["modules"], given["adapters"]),
            **_memory(folder, given["dtype"], on_cpu=on_cpu),
        )
        # Some shapes are refused only when a first token is wanted: better now than after training.
        self.log_probabilities({"prompt": [0, 0], "adapters": [None]})

    def answer(self, given: Request) -> list[list[list[int]]]:
        """Token ids [adapters][prompts][tokens]."""
        from vllm import SamplingParams

        prompts, adapters, eos = given["prompts"], given["adapters"], given["eos"]
        greedily = SamplingParams(
            temperature=0.0,
            max_tokens=given["max_new_tokens"],
            # Only this token ends an answer, whatever else the model's own files name.
            ignore_eos=True,
            stop_token_ids=[eos],
            detokenize=False,
        )
        outputs = self._generate(
            [prompt for _ in adapters for prompt in prompts],
            [adapter for adapter in adapters for _ in prompts],
            greedily,
        )
        answers = [_without_end(list(output.outputs[0].token_ids), eos) for output in outputs]
        per_adapter = len(prompts)
        return [
            answers[number * per_adapter : (number + 1) * per_adapter]
            for number in range(len(adapters))
        ]

    def log_probabilities(self, given: Request) -> list[list[float]]:
        """Of the prompt's tokens from the second on, [adapters][tokens]."""
        from vllm import SamplingParams

        prompt, adapters = given["prompt"], given["adapters"]
        outputs = self._generate(
            [prompt] * len(adapters),
            adapters,
            SamplingParams(max_tokens=1, prompt_logprobs=0, detokenize=False),
        )
        return [
            [
                by_token[token].logprob
                for by_token, token in zip(output.prompt_logprobs[1:], prompt[1:], strict=True)
            ]
            for output in outputs
        ]

    def capability(self, given: Request) -> list[dict[str, Any]]:
        """lm-eval's rows."""
        from mobench.measure.capability_rows import score_tasks
        from mobench.measure.vllm.harness import harness

        lora = self._lora(given["adapter"])
        return score_tasks(
            lambda: harness(self.llm, self.tokenizer, lora),
            self.tokenizer,
            [AskedTask(**task) for task in given["tasks"]],
            include_path=Path(given["include_path"]),
        )

    def swap(self, given: Request) -> None:
        """Other weights in the place of the served ones."""
        self.llm.collective_rpc("reload_weights", kwargs={"weights_path": given["folder"]})
        # Keys and values of the old weights would answer for the new ones.
        self.llm.reset_prefix_cache()

    def _generate(
        self,
        prompts: Sequence[Sequence[int]],
        adapters: Sequence[Mapping[str, str] | None],
        params: Any,
    ) -> list[Any]:
        """Outputs in the order of the prompts; requests without an adapter in a batch of their own.

        vLLM's CPU products give rows without an adapter the last one's update when they share a
        batch with rows that have one.
        """
        from vllm import TokensPrompt

        outputs: dict[int, Any] = {}
        for plain in (True, False):
            chosen = [n for n, adapter in enumerate(adapters) if (adapter is None) == plain]
            if chosen:
                answered = self.llm.generate(
                    [TokensPrompt(prompt_token_ids=list(prompts[n])) for n in chosen],
                    params,
                    lora_request=None if plain else [self._lora(adapters[n]) for n in chosen],
                    use_tqdm=False,
                )
                outputs.update(zip(chosen, answered, strict=True))
        return [outputs[n] for n in range(len(prompts))]

    def _lora(self, adapter: Mapping[str, str] | None) -> Any:
        """VLLM's request for an adapter. The number is its key: it is never given twice."""
        from vllm.lora.request import LoRARequest

        if adapter is None:
            return None
        number = self._numbers.setdefault(adapter["name"], len(self._numbers) + 1)
        return LoRARequest(adapter["name"], number, adapter["folder"])


def _lora(rank: int | None, modules: Sequence[str], adapters: int) -> dict[str, Any]:
    """Settings for adapters; vLLM knows certain ranks only, and the next larger one is served."""
    if rank is None:
        return {}
    from typing import get_args

    from vllm.config.lora import MaxLoRARanks

    known = sorted(get_args(MaxLoRARanks))
    if rank > known[-1]:
        raise ValueError(f"adapters of rank {rank}: at most {known[-1]} can be served")
    return {
        "enable_lora": True,
        "max_lora_rank": next(most for most in known if most >= rank),
        "max_loras": adapters,
        "lora_target_modules": list(modules),
    }


def _memory(folder: Path, dtype: str, *, on_cpu: bool) -> dict[str, Any]:
    """How long a text may be, and how much memory keys and values may take."""
    import psutil
    import torch
    from transformers import AutoConfig

    config = AutoConfig.from_pretrained(folder, local_files_only=True).get_text_config()
    longest = min(LONGEST, getattr(config, "max_position_embeddings", LONGEST))
    if not on_cpu:
        free, total = torch.cuda.mem_get_info()
        return {"max_model_len": longest, "gpu_memory_utilization": 0.9 * free / total}
    width = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    heads = getattr(config, "num_key_value_heads", None) or config.num_attention_heads
    token = 2 * config.num_hidden_layers * heads * width * getattr(torch, dtype).itemsize
    most = int(SHARE * psutil.virtual_memory().available)
    return {
        "max_model_len": longest,
        "kv_cache_memory_bytes": min(max(CACHED_TOKENS, 2 * longest) * token, most),
    }


def _without_end(tokens: list[int], eos: int) -> list[int]:
    """The tokens of an answer without the one that ended it."""
    return tokens[:-1] if tokens and tokens[-1] == eos else tokens


def serve(lines: Callable[[], str], write: Callable[[str], None]) -> None:
    """Does what each line asks, and writes what came of it; the first line starts the engine.

    Args:
        lines: Gives the next line.
        write: Takes an answer.
    """
    served: Served | None = None
    while True:
        given = json.loads(lines())
        try:
            told = None
            if given["do"] == "start":
                served = Served(given)
            else:
                told = getattr(served, given["do"])(given)
            write(json.dumps({"told": told}))
        except Exception as error:  # vLLM raises whatever its parts raise; the other side decides
            import traceback

            traceback.print_exc()
            first = next((line for line in str(error).splitlines() if line.strip()), "")
            write(json.dumps({"error": f"{type(error).__name__}: {first.strip()}"}))


def main() -> None:
    """Serves until the pipe is closed, then ends the whole process group."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    lines: queue.Queue[str] = queue.Queue()

    def read() -> None:
        for line in sys.stdin:
            lines.put(line)
        os.killpg(0, signal.SIGKILL)

    def write(text: str) -> None:
        answers.write(text + "\n")
        answers.flush()

    threading.Thread(target=read, daemon=True).start()
    serve(lines.get, write)


if __name__ == "__main__":
    main()
