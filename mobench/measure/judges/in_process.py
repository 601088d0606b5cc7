"""A judging model in this process: greedy, by the same decoding as everything else."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch

from mobench.assemble.loading import load_model, load_tokenizer
from mobench.chat import ChatFormat, Template
from mobench.chat.special_tokens import end_tokens
from mobench.decode.answers import decode_by_length
from mobench.decode.batch_size import BatchSize
from mobench.errors import MobenchError
from mobench.measure.judges.reply import OnReply, Prompt, Reply
from mobench.progress import Progress
from mobench.records.conversation import Message
from mobench.registry.weights_files import parameter_count

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
        self._loaded: tuple[Any, ChatFormat] | None = None

    def prepare(self) -> None:
        """Loads the model.

        Raises:
            MobenchError: It cannot be loaded.
        """
        self._model()

    def ask(self, prompts: Sequence[Prompt], *, max_tokens: int, on_reply: OnReply) -> None:
        """Asks all prompts, batch by batch.

        Args:
            prompts: What is asked.
            max_tokens: Length at which a reply is cut.
            on_reply: Called with each reply, after its batch.

        Raises:
            MobenchError: The model cannot be loaded.
        """
        _, chat = self._model()
        texts = [encode_for_judge(chat, prompt) for prompt in prompts]
        opened = chat.opened("?")
        for start in range(0, len(prompts), PROMPTS_AT_ONCE):
            batch = texts[start : start + PROMPTS_AT_ONCE]
            replies = self._batch_size.within_memory(partial(self._decode, batch, max_tokens))
            for number, tokens in enumerate(replies, start=start):
                text = chat.words(tokens)
                if opened is not None and not chat.reasoning.split(text).reasoned:
                    # What the template opened, a reply that was cut does not close.
                    text = f"{opened.opens}\n{text}"
                on_reply(number, Reply(text, cut=len(tokens) >= max_tokens))

    def _decode(
        self, prompts: Sequence[Sequence[int]], max_tokens: int, max_rows: int
    ) -> list[list[int]]:
        model, chat = self._model()
        return decode_by_length(
            model,
            prompts,
            pad=chat.pad_id,
            ends=chat.end_ids,
            max_new_tokens=max_tokens,
            max_rows=max_rows,
        )[0]

    def _model(self) -> tuple[Any, ChatFormat]:
        if self._loaded is None:
            remedy = "give --judge local: a folder as transformers' save_pretrained writes one"
            tokenizer = load_tokenizer(self._folder, remedy=remedy)
            model = load_model(
                self._folder,
                dtype=stored_precision(self._folder),
                device=self._device,
                remedy=remedy,
            )
            template: Template = "chat" if tokenizer.chat_template else "plain"
            self._loaded = model, ChatFormat(tokenizer, template, end_tokens(self._folder))
        return self._loaded


def weight_bytes(folder: Path) -> int:
    """Returns the memory that a judging model's weights take once they are loaded.

    Args:
        folder: Its folder.

    Raises:
        OSError: A file cannot be read.
        SafetensorError: A file is damaged.
    """
    precision: torch.dtype = getattr(torch, stored_precision(folder))
    return parameter_count(folder) * precision.itemsize


def stored_precision(folder: Path) -> str:
    """The precision that a model's configuration names; bfloat16 for one not in PRECISIONS."""
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    named = config.get("dtype") or config.get("torch_dtype") or "float32"
    return named if named in PRECISIONS else "bfloat16"


def encode_for_judge(chat: ChatFormat, prompt: Prompt) -> list[int]:
    """Token ids of a system and a user message up to where the reply begins.

    A template that knows no system message gets it in front of the user's; a tokenizer without a
    template gets both as plain text.
    """
    together = f"{prompt.system}\n\n{prompt.user}"
    if chat.template == "plain":
        return chat.prompt_ids(f"{together}\n\n")
    turns = (Message("system", prompt.system), Message("user", prompt.user))
    try:
        knows_system = prompt.system in chat.text(turns)
    except MobenchError:  # the template refuses the system's turn
        knows_system = False
    return chat.prompt_ids(turns if knows_system else together)
