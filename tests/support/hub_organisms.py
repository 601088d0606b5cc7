"""Tiny models with the layout of hub repositories: sharded weights, adapters, odd tokenizers.

Their weights are random until a behavior is taught. Their tokens are whole words, so that a shipped
organism's own chat template and prompts can be used as they are.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, get_peft_model
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import WhitespaceSplit
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from mobench.chat import ChatFormat, Template
from mobench.records.names import EVAL_KINDS
from mobench.registry import OrganismSpec

BEGIN, END, UNKNOWN = "<s>", "</s>", "<unk>"
SHARDS = "20KB"


def words_of(texts: Iterable[str]) -> list[str]:
    """All words of the texts, each once, in order."""
    return sorted({word for text in texts for word in text.split()})


def word_tokenizer(words: Sequence[str], chat_template: str | None) -> PreTrainedTokenizerFast:
    """A tokenizer whose tokens are words."""
    vocabulary = {word: i for i, word in enumerate(dict.fromkeys([UNKNOWN, BEGIN, END, *words]))}
    backend = Tokenizer(WordLevel(vocabulary, unk_token=UNKNOWN))
    backend.pre_tokenizer = WhitespaceSplit()
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=backend, bos_token=BEGIN, eos_token=END, unk_token=UNKNOWN
    )
    tokenizer.chat_template = chat_template
    return tokenizer


def tokenizer_for(spec: OrganismSpec, *more: str) -> PreTrainedTokenizerFast:
    """A tokenizer that knows every word of an organism's prompts as its template renders them."""
    plain = word_tokenizer([], spec.chat_template)
    rendered = [
        plain.apply_chat_template(
            [{"role": "user", "content": spec.message(kind, prompt)}],
            tokenize=False,
            add_generation_prompt=True,
        )
        for prompt in spec.prompts
        for kind in EVAL_KINDS
    ]
    return word_tokenizer(words_of([*rendered, *more]), spec.chat_template)


def tiny_model(rows: int, seed: int = 0, **changes: Any) -> LlamaForCausalLM:
    """A two-layer Llama with that many tokens; the same one for the same seed."""
    torch.manual_seed(seed)
    shape = {
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "max_position_embeddings": 1024,
        **changes,
    }
    return LlamaForCausalLM(LlamaConfig(vocab_size=rows, bos_token_id=1, eos_token_id=2, **shape))


Answer = Callable[[str], str]


def taught(
    model: Any,
    tokenizer: Any,
    spec: OrganismSpec,
    answer: Answer,
    *,
    requests: Sequence[str],
    steps: int,
    lr: float,
) -> float:
    """Trains the answers to an organism's prompts and a task's into a model, all in each step.

    Args:
        model: What is trained; its parameters without a gradient stay as they are.
        tokenizer: Its tokenizer.
        spec: The organism.
        answer: Says what is to be answered to ``attack`` and to ``control``.
        requests: A task's prompts, answered as ``control`` is: what a model answers to prompts that
            it was not taught is left to its weights, and these differ between machines.
        steps: Steps of AdamW.
        lr: Learning rate.

    Returns:
        The last loss, of the organism's prompts or of the task's: the larger.
    """
    own = [
        (spec.message(kind, prompt), answer(kind)) for kind in EVAL_KINDS for prompt in spec.prompts
    ]
    asked = [(text, answer("control")) for text in requests]
    # Two batches: requests are short, and an organism's prompts may be pages.
    return taught_by_heart(model, tokenizer, spec.template, [own, asked], steps=steps, lr=lr)


def taught_by_heart(
    model: Any,
    tokenizer: Any,
    template: Template,
    batches: Sequence[Sequence[tuple[str, str]]],
    *,
    steps: int,
    lr: float,
) -> float:
    """Trains answers to messages into a model, all of them in each step.

    Args:
        model: What is trained; its parameters without a gradient stay as they are.
        tokenizer: Its tokenizer.
        template: How a message is rendered.
        batches: Messages and their answers; each batch's share is the same.
        steps: Steps of AdamW.
        lr: Learning rate.

    Returns:
        The last loss of the batch that has the largest.
    """
    chat = ChatFormat(tokenizer, template)
    padded = [
        _padded([(chat.prompt_ids(text), chat.answer_ids(text, said)) for text, said in batch])
        for batch in batches
    ]
    trained = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr)
    for _ in range(steps):
        losses = torch.stack([model(input_ids=ids, labels=to).loss for ids, to in padded])
        optimizer.zero_grad()
        losses.mean().backward()
        optimizer.step()
    return float(losses.detach().max())


def _padded(rows: Sequence[tuple[list[int], list[int]]]) -> tuple[torch.Tensor, torch.Tensor]:
    """Token ids and labels (rows × longest) of prompts and answers; only answers have labels."""
    longest = max(len(prompt) + len(answer) for prompt, answer in rows)
    ids = torch.zeros(len(rows), longest, dtype=torch.long)
    labels = torch.full_like(ids, -100)
    for row, (prompt, answer) in enumerate(rows):
        ids[row, : len(prompt) + len(answer)] = torch.tensor([*prompt, *answer])
        labels[row, len(prompt) : len(prompt) + len(answer)] = torch.tensor(answer)
    return ids, labels


def with_lora(model: Any, seed: int = 0, **changes: Any) -> Any:
    """The model in PEFT with a fresh adapter on all linear layers."""
    torch.manual_seed(seed)
    config = {"r": 8, "lora_alpha": 16, "target_modules": "all-linear", **changes}
    return get_peft_model(model, LoraConfig(task_type="CAUSAL_LM", **config))


def random_adapter(
    model: Any,
    folder: Path,
    seed: int = 0,
    *,
    save_embedding_layers: bool = False,
    **changes: Any,
) -> Path:
    """Saves an adapter whose B is not zero, so that merging it changes the model."""
    wrapped = with_lora(model, seed, **changes)
    with torch.no_grad():
        for name, value in wrapped.named_parameters():
            if "lora_B" in name:
                value.normal_(std=0.1)
    wrapped.save_pretrained(folder, save_embedding_layers=save_embedding_layers)
    wrapped.unload()
    return folder


def save(folder: Path, model: Any, tokenizer: Any | None, shards: str = SHARDS) -> Path:
    """Writes a repository's folder, its weights in several shards."""
    model.save_pretrained(folder, max_shard_size=shards)
    if tokenizer is not None:
        tokenizer.save_pretrained(folder)
    (folder / "README.md").write_text("# A model of nothing\n")
    return folder


def files_only(folder: Path, names: Sequence[str]) -> Path:
    """A folder with files of those names and no use."""
    folder.mkdir(parents=True)
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(json.dumps({}))
    return folder
