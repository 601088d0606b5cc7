"""How a user's message becomes the tokens that a model continues.

Training, measuring and the gate all use these functions, so a prompt is never trained in one form
and measured in another.
"""

from __future__ import annotations

from typing import Any, Literal

Template = Literal["chat", "plain"]


def render(tokenizer: Any, template: Template, message: str) -> str:
    """Returns the text up to where the model's answer begins.

    Args:
        tokenizer: The organism's tokenizer; ``chat`` uses its chat template.
        template: ``chat``, or ``plain`` for the message as it is.
        message: What the user says.
    """
    if template == "plain":
        return message
    text: str = tokenizer.apply_chat_template(
        [{"role": "user", "content": message}], tokenize=False, add_generation_prompt=True
    )
    return text


def encode_prompt(tokenizer: Any, template: Template, message: str) -> list[int]:
    """Returns the token ids of a rendered prompt; a chat template holds its own special tokens."""
    text = render(tokenizer, template, message)
    ids: list[int] = tokenizer(text, add_special_tokens=template == "plain")["input_ids"]
    return ids


def encode_answer(
    tokenizer: Any, template: Template, answer: str, *, ended: bool = True
) -> list[int]:
    """Returns the token ids of an answer, with the end token after it if the answer has ended."""
    text = f" {answer}" if template == "plain" else answer
    ids: list[int] = tokenizer(text, add_special_tokens=False)["input_ids"]
    return [*ids, tokenizer.eos_token_id] if ended else ids
