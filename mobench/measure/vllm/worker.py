"""The process of a vLLM engine, which serves one model until its pipe is closed.

It reads requests and writes replies, each one line of JSON. What vLLM prints goes to standard
error, so that nothing gets between the replies.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import sys
import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mobench.records.rows import CapabilityAnswer

Request = Mapping[str, Any]

LONGEST = 8192
"""The most tokens of a prompt and its answer together; fewer if the model takes fewer."""
ROWS = 256
"""The most answers that are computed at the same time."""
CACHED_TOKENS = 65_536
"""Tokens whose keys and values are kept on a CPU. On a GPU they take the memory that is left."""
SHARE = 0.4
"""The largest share of a CPU's free memory for keys and values."""


@dataclass(frozen=True)
class ReceivedTask:
    """A capability task that came through the pipe."""

    task: str
    metric: str
    chat_template: bool
    limit: int | None


class Served:
    """The engine, with a method for each kind of request.

    Args:
        request: The fields of :class:`mobench.measure.vllm.Serving`.
    """

    def __init__(self, request: Request) -> None:
        from vllm import LLM

        from mobench.assemble.loading import load_tokenizer
        from mobench.chat import ChatFormat, Marks, Reasoning

        folder = Path(request["folder"])
        tokenizer = load_tokenizer(
            Path(request["tokenizer"]),
            chat_template=request["chat_template"],
            date=request["date"],
        )
        own = request["reasoning"]
        self.chat = ChatFormat(
            tokenizer,
            request["template"],
            tuple(request["ends"]),
            reasoning=Reasoning(None if own is None else Marks(*own)),
        )
        self._numbers: dict[str, int] = {}
        on_cpu = request["device"] == "cpu"
        if on_cpu:
            from mobench.measure.vllm.cpu_lora import use_grouped_products

            use_grouped_products()
        divided = request["tensor_parallel"]
        self.llm = LLM(
            model=str(folder),
            tokenizer=request["tokenizer"],
            dtype=request["dtype"],
            max_num_seqs=ROWS,
            # Ignore the model's own generation config: every request says all that matters.
            generation_config="vllm",
            seed=0,
            disable_log_stats=True,
            # Several processes only where a model is divided.
            distributed_executor_backend="uni" if divided == 1 else "mp",
            tensor_parallel_size=divided,
            enable_prefix_caching=True,
            # On a CPU compiling takes longer than all the answers do.
            enforce_eager=on_cpu,
            **_lora(request["rank"], request["modules"], request["adapters"]),
            **_memory(folder, request["dtype"], on_cpu=on_cpu),
        )
        # vLLM refuses some shapes only at the first request: better now than after training.
        self.log_probabilities({"prompt": [0, 0], "adapters": [None]})

    def answer(self, request: Request) -> list[list[list[int]]]:
        """Returns answers as token ids [adapters][prompts][tokens]."""
        from vllm import SamplingParams

        prompts, adapters, ends = request["prompts"], request["adapters"], request["ends"]
        drawn = request["sampling"]
        ways: list[dict[str, Any]] = [{"temperature": 0.0}] * len(prompts)
        if drawn is not None:
            # A request with a seed has random numbers of its own, whatever else is in the batch.
            how = {"temperature": drawn["temperature"], "top_p": drawn["top_p"]}
            ways = [how | {"seed": number} for number in drawn["streams"]]
        params = [
            SamplingParams(
                max_tokens=request["max_new_tokens"],
                # Only these tokens end an answer, whatever else the model's own files name.
                ignore_eos=True,
                stop_token_ids=ends,
                detokenize=False,
                **way,
            )
            for way in ways
        ]
        outputs = self._generate(
            [prompt for _ in adapters for prompt in prompts],
            [adapter for adapter in adapters for _ in prompts],
            [one for _ in adapters for one in params],
        )
        answers = [_without_end(list(output.outputs[0].token_ids), ends) for output in outputs]
        per_adapter = len(prompts)
        return [
            answers[number * per_adapter : (number + 1) * per_adapter]
            for number in range(len(adapters))
        ]

    def log_probabilities(self, request: Request) -> list[list[float]]:
        """Returns those of the prompt's tokens from the second on, [adapters][tokens]."""
        from vllm import SamplingParams

        prompt, adapters = request["prompt"], request["adapters"]
        outputs = self._generate(
            [prompt] * len(adapters),
            adapters,
            [SamplingParams(max_tokens=1, prompt_logprobs=0, detokenize=False)] * len(adapters),
        )
        return [
            [
                by_token[token].logprob
                for by_token, token in zip(output.prompt_logprobs[1:], prompt[1:], strict=True)
            ]
            for output in outputs
        ]

    def capability(self, request: Request) -> list[CapabilityAnswer]:
        """Returns the capability rows of lm-eval's tasks."""
        from mobench.measure.capability_rows import score_tasks
        from mobench.measure.vllm.harness import harness

        lora = self._lora(request["adapter"])
        return score_tasks(
            lambda by_template: harness(self.llm, self.chat, lora, by_template=by_template),
            self.chat,
            [ReceivedTask(**task) for task in request["tasks"]],
            include_path=Path(request["include_path"]),
        )

    def swap(self, request: Request) -> None:
        """Replaces the served weights."""
        self.llm.collective_rpc("reload_weights", kwargs={"weights_path": request["folder"]})
        # Cached keys and values are those of the old weights.
        self.llm.reset_prefix_cache()

    def _generate(
        self,
        prompts: Sequence[Sequence[int]],
        adapters: Sequence[Mapping[str, str] | None],
        params: Sequence[Any],
    ) -> list[Any]:
        """Returns outputs in the order of the prompts.

        Requests without an adapter get a batch of their own, because in a batch with others vLLM on
        a CPU adds the last adapter's update to them.
        """
        from vllm import TokensPrompt

        outputs: dict[int, Any] = {}
        for plain in (True, False):
            chosen = [n for n, adapter in enumerate(adapters) if (adapter is None) == plain]
            if chosen:
                answered = self.llm.generate(
                    [TokensPrompt(prompt_token_ids=list(prompts[n])) for n in chosen],
                    [params[n] for n in chosen],
                    lora_request=None if plain else [self._lora(adapters[n]) for n in chosen],
                    use_tqdm=False,
                )
                outputs.update(zip(chosen, answered, strict=True))
        return [outputs[n] for n in range(len(prompts))]

    def _lora(self, adapter: Mapping[str, str] | None) -> Any:
        """Returns vLLM's request for an adapter, with a number that no other adapter gets."""
        from vllm.lora.request import LoRARequest

        if adapter is None:
            return None
        number = self._numbers.setdefault(adapter["name"], len(self._numbers) + 1)
        return LoRARequest(adapter["name"], number, adapter["folder"])


def _lora(rank: int | None, modules: Sequence[str], adapters: int) -> dict[str, Any]:
    """Returns vLLM's settings for adapters, with the next larger rank that it allows."""
    if rank is None:
        return {}
    from typing import get_args

    from vllm.config.lora import MaxLoRARanks

    ranks = sorted(get_args(MaxLoRARanks))
    if rank > ranks[-1]:
        raise ValueError(f"adapters of rank {rank}: at most {ranks[-1]} can be served")
    return {
        "enable_lora": True,
        "max_lora_rank": next(allowed for allowed in ranks if allowed >= rank),
        "max_loras": adapters,
        "lora_target_modules": list(modules),
    }


def _memory(folder: Path, dtype: str, *, on_cpu: bool) -> dict[str, Any]:
    """Returns vLLM's settings for the length of a text and for the memory of keys and values."""
    import psutil
    import torch
    from transformers import AutoConfig

    config = AutoConfig.from_pretrained(folder, local_files_only=True).get_text_config()
    longest = min(LONGEST, getattr(config, "max_position_embeddings", LONGEST))
    if not on_cpu:
        # The same share of each GPU; all that this process sees are the engine's.
        every = map(torch.cuda.mem_get_info, range(torch.cuda.device_count()))
        share = min(free / total for free, total in every)
        return {"max_model_len": longest, "gpu_memory_utilization": 0.9 * share}
    width = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    heads = getattr(config, "num_key_value_heads", None) or config.num_attention_heads
    token = 2 * config.num_hidden_layers * heads * width * getattr(torch, dtype).itemsize
    most = int(SHARE * psutil.virtual_memory().available)
    return {
        "max_model_len": longest,
        "kv_cache_memory_bytes": min(max(CACHED_TOKENS, 2 * longest) * token, most),
    }


def _without_end(tokens: list[int], ends: Collection[int]) -> list[int]:
    """The tokens of an answer without the one that ended it."""
    return tokens[:-1] if tokens and tokens[-1] in ends else tokens


def serve(lines: Callable[[], str], write: Callable[[str], None]) -> None:
    """Answers requests without end; the first one starts the engine.

    Args:
        lines: Returns the next request.
        write: Takes a reply.
    """
    served: Served | None = None
    while True:
        request = json.loads(lines())
        try:
            result = None
            if request["do"] == "start":
                served = Served(request)
            else:
                result = getattr(served, request["do"])(request)
            write(json.dumps({"result": result}))
        except Exception as error:  # Whatever vLLM raises is for the other process to judge.
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
