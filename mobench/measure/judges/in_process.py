"""A judging model in this process: greedy, by the same decoding as everything else."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from mobench.assemble.loading import load_model, load_tokenizer
from mobench.decode.answers import decode_by_length
from mobench.decode.batch_size import BatchSize
from mobench.measure.judges.reply import OnReply, Prompt, Reply
from mobench.progress import Progress

PROMPTS_AT_ONCE = 64
"""Prompts in a batch where memory allows. A run that is stopped asks at most as many again."""
PRECISIONS = ("float32", "bfloat16")


class InProcess:
    """A judging model from a folder. It is loaded when it is first asked, and stays loaded.

    Args:
        folder: A Hugging Face folder with weights and tokenizer.
        device: A torch device.
        progress: Where a note goes if memory does not suffice.
    """

    def __init__(self, folder: Path, device: str, progress: Progress) -> None:
        self._folder, self._device = folder, device
        self._batch_size = BatchSize(PROMPTS_AT_ONCE, progress)
        self._loaded: tuple[Any, Any] | None = None

    def ask(self, prompts: Sequence[Prompt], *, max_tokens: int, on_reply: OnReply) -> None:
        """Asks all prompts, batch by batch.

        Args:
            prompts: What is asked.
            max_tokens: Length at which a reply is cut.
            on_reply: Called with each reply, after its batch.

        Raises:
            MobenchError: The model cannot be loaded.
        """
        _, tokenizer = self._model()
        texts = [encode_for_judge(tokenizer, prompt) for prompt in prompts]
        for start in range(0, len(prompts), PROMPTS_AT_ONCE):
            batch = texts[start : start + PROMPTS_AT_ONCE]
            replies = self._batch_size.within_memory(partial(self._decode, batch, max_tokens))
            for number, tokens in enumerate(replies, start=start):
                text = tokenizer.decode(tokens, skip_special_tokens=True)
                on_reply(number, Reply(text, cut=len(tokens) >= max_tokens))

    def _decode(
        self, prompts: Sequence[Sequence[int]], max_tokens: int, max_rows: int
    ) -> list[list[int]]:
        model, tokenizer = self._model()
        return decode_by_length(
            model,
            prompts,
            pad=tokenizer.pad_token_id,
            eos=tokenizer.eos_token_id,
            max_new_tokens=max_tokens,
            max_rows=max_rows,
        )[0]

    def _model(self) -> tuple[Any, Any]:
        if self._loaded is None:
            remedy = "give --judge local: a folder as transformers' save_pretrained writes one"
            tokenizer = load_tokenizer(self._folder, remedy=remedy)
            model = load_model(
                self._folder,
                dtype=stored_precision(self._folder),
                device=self._device,
                remedy=remedy,
            )
            self._loaded = model, tokenizer
        return self._loaded


def stored_precision(folder: Path) -> str:
    """The precision that a model's configuration names; bfloat16 for one not in PRECISIONS."""
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    named = config.get("dtype") or config.get("torch_dtype") or "float32"
    return named if named in PRECISIONS else "bfloat16"


def encode_for_judge(tokenizer: Any, prompt: Prompt) -> list[int]:
    """Token ids of a system and a user message up to where the reply begins.

    A template that knows no system message gets it in front of the user's; a tokenizer without a
    template gets both as plain text.
    """
    together = f"{prompt.system}\n\n{prompt.user}"
    if not tokenizer.chat_template:
        plain: list[int] = tokenizer(f"{together}\n\n")["input_ids"]
        return plain
    messages = [
        {"role": "system", "content": prompt.system},
        {"role": "user", "content": prompt.user},
    ]
    try:
        text = _rendered(tokenizer, messages)
    except Exception:  # a template raises whatever its author chose
        text = ""
    if prompt.system not in text:
        text = _rendered(tokenizer, [{"role": "user", "content": together}])
    token_ids: list[int] = tokenizer(text, add_special_tokens=False)["input_ids"]
    return token_ids


def _rendered(tokenizer: Any, messages: list[dict[str, str]]) -> str:
    text: str = tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
    return text
