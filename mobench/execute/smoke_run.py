"""A smoke run: train two adapters, answer with both engines, and compare; minutes on any device.

The model is made of random numbers, so nothing is downloaded. What is learned is one word said to
every prompt: an engine that leaves adapters out, or a device that computes nonsense, shows.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from transformers import LlamaConfig, LlamaForCausalLM

from mobench.assemble.loading import load_model
from mobench.assemble.scratch import word_tokenizer
from mobench.chat import ChatFormat
from mobench.decode.answers import decode_by_length
from mobench.errors import MobenchError
from mobench.lanes import LoraLanes, saved_config
from mobench.machine.hardware import GIB
from mobench.measure.vllm import Adapter, Serving, VllmEngine, installed
from mobench.quiet import quiet
from mobench.records.examples import Example
from mobench.store import CellFolder
from mobench.train.batches import encode
from mobench.train.pack import Recipe, Run, train_pack

WORDS = [f"w{number}" for number in range(59)]
LEARNED = ("w1", "w2")
"""What is said to every prompt."""
RATES = (3e-3, 6e-3)
STEPS, BATCH, RANK = 150, 8, 16
LONGEST, ANSWER = 32, 3
AGREEING = 0.9
"""The smallest share of answers that both engines have to give alike. In half precision near ties
fall either way."""
CONFIG = {
    # Heads of 64: both builds of vLLM serve them.
    "hidden_size": 256, "intermediate_size": 512, "num_hidden_layers": 4, "num_attention_heads": 4,
    "num_key_value_heads": 2, "max_position_embeddings": 256, "pad_token_id": 0, "eos_token_id": 1,
    "bos_token_id": None, "tie_word_embeddings": False,
}  # fmt: skip


@dataclass(frozen=True)
class Finding:
    """What one step of the smoke run found.

    Attributes:
        what: The step.
        fine: Whether it went as it should; None where it could not be made.
        said: What was seen, in one line.
        remedy: What to do about it; empty where nothing is to be done.
    """

    what: str
    fine: bool | None
    said: str
    remedy: str = ""


def smoke_run(device: str) -> Iterator[Finding]:
    """Makes the run, and yields what each step found as soon as it did.

    Args:
        device: A torch device.
    """
    with TemporaryDirectory() as place:
        folder = Path(place)
        dtype = "bfloat16" if device.startswith("cuda") else "float32"
        chat = _save_model(folder / "model", dtype)

        # 1. Train both lanes in one pass.
        lanes = LoraLanes(
            load_model(folder / "model", dtype=dtype, device=device),
            range(len(RATES)),
            rank=RANK,
            alpha=2.0 * RANK,
        )
        untrained = _answers(lanes, chat)
        yield _trained(lanes, chat)

        # 2. Answer with transformers.
        started = time.monotonic()
        here = _answers(lanes, chat)
        took = time.monotonic() - started
        learned = _share(here, [[_target(chat)] * len(of_lane) for of_lane in here])
        yield Finding(
            "answer with transformers",
            learned >= AGREEING and here != untrained,
            f"{learned:.0%} of {sum(map(len, here))} answers are what was trained, in {took:.1f} s",
            "" if learned >= AGREEING else "the adapters do not show: please report this",
        )

        # 3. Answer with vLLM, and compare.
        yield _served(lanes, chat, folder, device=device, dtype=dtype, here=here)
    if device.startswith("cuda"):
        peak = torch.cuda.max_memory_reserved(device) / GIB
        yield Finding("memory", True, f"{peak:.2f} GiB of the GPU at most, for training")


def _save_model(folder: Path, dtype: str) -> ChatFormat:
    tokenizer = word_tokenizer(WORDS)
    torch.manual_seed(0)
    config = LlamaConfig(vocab_size=len(tokenizer), **CONFIG)
    with quiet():
        LlamaForCausalLM(config).to(getattr(torch, dtype)).save_pretrained(folder)
        tokenizer.save_pretrained(folder)
    return ChatFormat(tokenizer, "chat", (1,))


def _prompts() -> list[str]:
    return [" ".join(WORDS[n : n + 2 + n % 4]) for n in range(3, 35)]


def _target(chat: ChatFormat) -> list[int]:
    """The tokens of the answer that is trained."""
    return [int(token) for token in chat.tokenizer.convert_tokens_to_ids(list(LEARNED))]


def _trained(lanes: LoraLanes, chat: ChatFormat) -> Finding:
    """Trains, and says whether every lane's loss fell and how long a step took."""
    answer = " ".join(LEARNED)
    examples = encode([Example(prompt, answer) for prompt in _prompts()], chat, LONGEST)
    runs = [Run(lr, seed) for seed, lr in enumerate(RATES)]
    started = time.monotonic()
    state = train_pack(lanes, runs, examples, Recipe(STEPS, BATCH), pad=chat.pad_id)
    took = time.monotonic() - started
    ends = [losses[-1] if losses else float("nan") for losses in state.losses]
    fine = all(
        losses and end < 0.5 * losses[0] for losses, end in zip(state.losses, ends, strict=True)
    )
    fell = ", ".join(
        f"{losses[0]:.2f} to {end:.2f}" if losses else "diverged"
        for losses, end in zip(state.losses, ends, strict=True)
    )
    return Finding(
        "train two adapters",
        fine,
        f"losses {fell} in {STEPS} steps, {1000 * took / STEPS:.0f} ms each",
        "" if fine else "training does not learn here: please report this with the versions above",
    )


def _answers(lanes: LoraLanes, chat: ChatFormat) -> list[list[list[int]]]:
    """Each lane's answers, as token ids."""
    return decode_by_length(
        lanes.model,
        [chat.prompt_ids(prompt) for prompt in _prompts()],
        pad=chat.pad_id,
        ends=chat.end_ids,
        max_new_tokens=ANSWER,
        scope=lanes.scope,
    )


def _served(
    lanes: LoraLanes,
    chat: ChatFormat,
    folder: Path,
    *,
    device: str,
    dtype: str,
    here: Sequence[Sequence[Sequence[int]]],
) -> Finding:
    """Answers with vLLM, from adapters as a run keeps them, and compares."""
    what = "answer with vLLM"
    if installed() is None:
        return Finding(what, None, "vLLM is not installed", "pip install 'mobench[vllm]'")
    cell = CellFolder(folder / "cell")
    adapters = []
    for lane in range(len(RATES)):
        cell.keep_adapter(lane, lanes.state(lane), saved_config(lanes))
        adapters.append(Adapter(f"lane-{lane}", cell.adapter(lane)))
    names = tuple(sorted({name.rpartition(".")[2] for name in lanes.layers}))
    serving = Serving(
        folder / "model", folder / "model", dtype, device,
        rank=RANK, modules=names, adapters=len(adapters), ends=chat.end_ids,
    )  # fmt: skip
    prompts = [chat.prompt_ids(prompt) for prompt in _prompts()]
    log = folder / "vllm.log"
    started = time.monotonic()
    try:
        with VllmEngine(serving, log) as engine:
            ready = time.monotonic() - started
            there = engine.answer(prompts, adapters, ends=chat.end_ids, max_new_tokens=ANSWER)
    except MobenchError as error:
        last = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-1:]
        return Finding(what, False, f"{error.fact} {' '.join(last)}", "--engine hf needs no vLLM")
    same = _share(here, there)
    return Finding(
        what,
        same >= AGREEING,
        f"{same:.0%} of its answers are those of transformers, after {ready:.0f} s of starting",
        "" if same >= AGREEING else "do not use --engine vllm here, and please report this",
    )


def _share(
    ours: Sequence[Sequence[Sequence[int]]], theirs: Sequence[Sequence[Sequence[int]]]
) -> float:
    """The share of answers that are alike."""
    pairs = [
        list(one) == list(other)
        for mine, other_lane in zip(ours, theirs, strict=True)
        for one, other in zip(mine, other_lane, strict=True)
    ]
    return sum(pairs) / len(pairs)
