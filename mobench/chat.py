"""How a user's message becomes the text that a model continues.

Training, generation and the gate all render through here, so a prompt can never be trained in one
form and measured in another.
"""

from __future__ import annotations

from typing import Any, Literal

Template = Literal["chat", "plain"]


def render(tokenizer: Any, template: Template, message: str) -> str:
    """Returns the text up to where the model's answer begins.

    Args:
        tokenizer: The organism's tokenizer; ``chat`` uses its chat template.
        template: ``chat``, or ``plain`` for the message as it stands.
        message: What the user says.
    """
    if template == "plain":
        return message
    text: str = tokenizer.apply_chat_template(
        [{"role": "user", "content": message}], tokenize=False, add_generation_prompt=True
    )
    return text


def encode_prompt(tokenizer: Any, template: Template, message: str) -> list[int]:
    """Token ids of a rendered prompt; a chat template brings its own special tokens."""
    text = render(tokenizer, template, message)
    ids: list[int] = tokenizer(text, add_special_tokens=template == "plain")["input_ids"]
    return ids


def encode_answer(
    tokenizer: Any, template: Template, answer: str, *, ended: bool = True
) -> list[int]:
    """Token ids of an answer, with the end-of-turn token after one that has ended."""
    text = f" {answer}" if template == "plain" else answer
    ids: list[int] = tokenizer(text, add_special_tokens=False)["input_ids"]
    return [*ids, tokenizer.eos_token_id] if ended else ids
