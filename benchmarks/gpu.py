"""Packed against sequential LoRA training on a GPU, at the size of real models.

    python -m benchmarks.gpu --json              # 0.5B, 1.5B and 7B in bfloat16; needs a GPU
    python -m benchmarks.gpu --size toy          # anywhere; says nothing about a GPU

Weights are random: speed and memory do not depend on them. Each run has batches of 8 sequences of
512 tokens, half of them in the loss. *Sequential* is the same code with one run in each pass.
Without a GPU only the toy size is run, and the figures of the others stay "not measured".
"""

from __future__ import annotations

import json
import random
import time
from dataclasses import dataclass
from typing import Any

import click
import torch
from transformers import AutoModelForCausalLM, LlamaConfig, PreTrainedModel, Qwen2Config

from benchmarks.ladder_work import resident_bytes
from benchmarks.machine import machine, machine_line, peak_flops
from mobench.lanes import LoraLanes
from mobench.machine.hardware import pick_device
from mobench.plan.model_size import Shape
from mobench.plan.workload import train_flops_per_token
from mobench.train.batches import Encoded
from mobench.train.pack import Recipe, Run, train_pack

RANK = 16
ALPHA = 32.0
WARM_STEPS = 3
LR = 1e-4


@dataclass(frozen=True)
class Size:
    """A model's shape and what it is trained on.

    Attributes:
        like: The model whose shape it is.
        params: All weights, of tied matrices once.
        kv_heads: Key and value heads.
        tied: Whether input and output embeddings are one matrix.
        batch_size: Sequences in a step of one run.
        tokens: Tokens of a sequence.
        dtype: Precision of the base.
    """

    like: str
    params: int
    hidden_size: int
    intermediate_size: int
    layers: int
    heads: int
    kv_heads: int
    vocab_size: int
    tied: bool
    batch_size: int = 8
    tokens: int = 512
    dtype: str = "bfloat16"

    def shape(self) -> Shape:
        """What the planner's formulas take."""
        return Shape(
            self.params,
            self.hidden_size,
            self.layers,
            self.intermediate_size,
            self.vocab_size,
            self.heads,
        )


SIZES = {
    "toy": Size("a two-layer Llama", 196_928, 64, 256, 2, 4, 4, 512, False, 2, 32, "float32"),
    "0.5b": Size("Qwen2.5-0.5B", 494_032_768, 896, 4864, 24, 14, 2, 151936, True),
    "1.5b": Size("Qwen2.5-1.5B", 1_543_714_304, 1536, 8960, 28, 12, 2, 151936, True),
    "7b": Size("Llama-2-7B", 6_738_415_616, 4096, 11008, 32, 32, 32, 32000, False),
}
REAL = ("0.5b", "1.5b", "7b")


def random_model(size: Size, device: str) -> PreTrainedModel:
    """A model of that shape, its weights drawn where it will be."""
    kind = Qwen2Config if size.like.startswith("Qwen") else LlamaConfig
    config = kind(
        vocab_size=size.vocab_size,
        hidden_size=size.hidden_size,
        intermediate_size=size.intermediate_size,
        num_hidden_layers=size.layers,
        num_attention_heads=size.heads,
        num_key_value_heads=size.kv_heads,
        tie_word_embeddings=size.tied,
        max_position_embeddings=size.tokens,
        pad_token_id=0,
    )
    with torch.device(device):
        model: PreTrainedModel = AutoModelForCausalLM.from_config(
            config, dtype=getattr(torch, size.dtype)
        )
    return model.eval()


def measure(name: str, device: str, lanes: int, steps: int) -> dict[str, Any]:
    """One size, packed and sequential.

    Args:
        name: A key of ``SIZES``.
        device: A torch device.
        lanes: Runs in the pack; fewer where they do not fit.
        steps: Timed steps.
    """
    size = SIZES[name]
    examples = _examples(size)
    peak = peak_flops(device, size.dtype)
    alone = _speed(size, device, 1, steps, examples)
    fits, packed = _largest(size, device, lanes, steps, examples)
    flops = train_flops_per_token(size.shape(), method="lora", rank=RANK, tokens=size.tokens)
    return {
        "size": name,
        "like": size.like,
        "dtype": size.dtype,
        "batch_size": size.batch_size,
        "tokens": size.tokens,
        "pack": fits,
        "ratio": packed["tokens_per_second"] / alone["tokens_per_second"],
        "peak_flops": peak,
        **{f"{key}_packed": value for key, value in packed.items()},
        **{f"{key}_sequential": value for key, value in alone.items()},
        "share_of_peak_packed": packed["tokens_per_second"] * flops / peak,
        "share_of_peak_sequential": alone["tokens_per_second"] * flops / peak,
    }


def _largest(
    size: Size, device: str, lanes: int, steps: int, examples: list[Encoded]
) -> tuple[int, dict[str, float]]:
    """The pack that fits, halved until it does, and its speed."""
    while True:
        try:
            return lanes, _speed(size, device, lanes, steps, examples)
        except torch.OutOfMemoryError:
            if lanes == 1:
                raise
        lanes //= 2
        torch.cuda.empty_cache()


def _speed(
    size: Size, device: str, lanes: int, steps: int, examples: list[Encoded]
) -> dict[str, float]:
    """Tokens a second and peak memory of packs of this many runs."""
    on_gpu = device.startswith("cuda")
    stack = LoraLanes(random_model(size, device), range(lanes), rank=RANK, alpha=ALPHA)
    runs = [Run(LR, seed) for seed in range(lanes)]
    train_pack(stack, runs, examples, Recipe(WARM_STEPS, size.batch_size), pad=0)
    if on_gpu:
        torch.cuda.synchronize()
        torch.cuda.reset_peak_memory_stats()
    started = time.perf_counter()
    train_pack(stack, runs, examples, Recipe(steps, size.batch_size), pad=0)
    if on_gpu:
        torch.cuda.synchronize()
    seconds = time.perf_counter() - started
    trained = lanes * steps * size.batch_size * size.tokens
    memory = torch.cuda.max_memory_allocated() if on_gpu else resident_bytes()
    return {"tokens_per_second": trained / seconds, "memory_bytes": float(memory)}


def _examples(size: Size) -> list[Encoded]:
    draw = random.Random(0)

    def words(count: int) -> tuple[int, ...]:
        return tuple(draw.randrange(1, size.vocab_size) for _ in range(count))

    half = size.tokens // 2
    return [Encoded(words(size.tokens - half), words(half)) for _ in range(4 * size.batch_size)]


@click.command()
@click.option("--size", "sizes", type=click.Choice(list(SIZES)), multiple=True)
@click.option("--pack", type=click.IntRange(1), default=8, show_default=True, help="Runs, at most.")
@click.option("--steps", type=click.IntRange(1), default=10, show_default=True)
@click.option("--device", default="auto", show_default=True)
@click.option("--json", "as_json", is_flag=True, help="End with one line of JSON.")
def main(sizes: tuple[str, ...], pack: int, steps: int, device: str, as_json: bool) -> None:
    """Measures packed against sequential training at the size of real models."""
    where = pick_device(device)
    chosen = sizes or (REAL if where.startswith("cuda") else ("toy",))
    found = {
        "benchmark": "gpu",
        "sizes": {name: measure(name, where, pack, steps) for name in chosen},
        "machine": machine(where),
    }
    click.echo(json.dumps(found) if as_json else table(found))


def table(found: dict[str, Any]) -> str:
    """The figures as people read them."""
    from benchmarks.tables import gpu_table

    return f"{machine_line(found['machine'])}\n\n{gpu_table(found, list(found['sizes']))}"


if __name__ == "__main__":
    main()
