"""Greedy answers, from a model alone or from all lanes of a stack in one batch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch

from mobench.chat import Template, encode_prompt


def generate(
    model: Any,
    tokenizer: Any,
    messages: Sequence[str],
    *,
    template: Template,
    max_new_tokens: int,
    lanes: int = 1,
    max_rows: int = 512,
    on_done: Callable[[int], None] = lambda _: None,
) -> list[list[str]]:
    """Answers every message greedily, once for each active lane.

    Messages of similar length share a batch; the order of the answers is that of the messages.

    Args:
        model: A Hugging Face causal LM; with a stack of lanes on it, set its scope first.
        tokenizer: Its tokenizer.
        messages: What the user says.
        template: How a message is rendered.
        max_new_tokens: Length at which an answer is cut.
        lanes: How many lanes are active on the model.
        max_rows: Rows in a batch, all lanes together.
        on_done: Called with the number of messages just answered.

    Returns:
        Answers [lanes][messages], without special tokens, stripped.
    """
    prompts = [encode_prompt(tokenizer, template, message) for message in messages]
    by_length = sorted(range(len(prompts)), key=lambda number: len(prompts[number]))
    answers = [[""] * len(prompts) for _ in range(lanes)]
    chunk = max(1, max_rows // lanes)
    training = model.training
    model.eval()
    for start in range(0, len(by_length), chunk):
        numbers = by_length[start : start + chunk]
        ids, mask = _left_pad([prompts[number] for number in numbers], tokenizer.pad_token_id)
        with torch.inference_mode():
            output = model.generate(
                input_ids=ids.repeat(lanes, 1).to(model.device),
                attention_mask=mask.repeat(lanes, 1).to(model.device),
                do_sample=False,
                max_new_tokens=max_new_tokens,
                pad_token_id=tokenizer.pad_token_id,
                eos_token_id=tokenizer.eos_token_id,
                # The model's own file may ask for sampling; here the same answer is wanted twice.
                repetition_penalty=1.0,
                temperature=None,
                top_p=None,
                top_k=None,
            )
        texts = tokenizer.batch_decode(output[:, ids.shape[1] :], skip_special_tokens=True)
        for position, text in enumerate(texts):
            lane, column = divmod(position, len(numbers))
            answers[lane][numbers[column]] = text.strip()
        on_done(len(numbers))
    model.train(training)
    return answers


def _left_pad(prompts: Sequence[list[int]], pad: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Pads on the left, so that every answer starts at the same column. Returns ids and mask."""
    longest = max(len(prompt) for prompt in prompts)
    ids = torch.tensor([[pad] * (longest - len(prompt)) + prompt for prompt in prompts])
    mask = torch.tensor([[0] * (longest - len(p)) + [1] * len(p) for p in prompts])
    return ids, mask
