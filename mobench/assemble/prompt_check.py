"""Checks that a model can be asked an organism's eval prompts as its file has them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mobench.chat import ChatFormat
from mobench.errors import MobenchError, listed
from mobench.records.conversation import as_conversation, texts_of
from mobench.records.names import EVAL_KINDS
from mobench.registry.control_tokens import shown, special_tokens, tokens_in
from mobench.registry.model_facts import positions
from mobench.registry.organism_spec import EvalPrompt, OrganismSpec

SHOWN = 3
"""Prompts named in a message."""


def check_prompts(chat: ChatFormat, spec: OrganismSpec, folders: Sequence[Path]) -> None:
    """Refuses eval prompts that the model would be asked in another form than the file's.

    Args:
        chat: How they are asked.
        spec: The organism.
        folders: The models that they are asked of.

    Raises:
        MobenchError: The template cannot render one, leaves a turn out, or takes the trigger away;
            or a prompt with its answer, or a training example, is longer than a model's positions.
    """
    asked = [(p.id, k, spec.message(k, p)) for k in EVAL_KINDS for p in spec.prompts]
    same = [prompt.id for prompt in spec.prompts if _loses_trigger(chat, spec, prompt)]
    room = min((count for folder in folders if (count := positions(folder))), default=None)
    problems, too_long = [], []
    for name, kind, prompt in asked:
        text = chat.text(prompt)
        lost = [turn.role for turn in as_conversation(prompt) if turn.content.strip() not in text]
        if lost:
            problems.append(f"the chat template leaves out the {lost[0]} turn of prompt {name!r}")
        longest = len(chat.prompt_ids(prompt)) + spec.max_new_tokens
        if room is not None and longest > room:
            too_long.append(f"{name!r} ({kind}) takes {longest} tokens with its answer")
    if same:
        problems.append(
            f"the model is asked prompt {same[0]!r} with and without its trigger in the same tokens"
            + (f", and so are {len(same) - 1} more" if len(same) > 1 else "")
        )
    if too_long:
        names = listed(too_long, most=SHOWN, between=", ")
        problems.append(f"the model has {room} positions, and prompt {names}")
    if room is not None and spec.ladder.max_length > room:
        problems.append(
            f"the model has {room} positions, and the ladder's max_length is "
            f"{spec.ladder.max_length}"
        )
    if problems:
        why = ": what is beyond the positions is nothing that the model was made for"
        beyond = too_long or (room is not None and spec.ladder.max_length > room)
        raise MobenchError(
            f"{spec.name}: " + "; ".join(problems[:SHOWN]),
            f"change prompts, templates or max_length in {spec.path}{why if beyond else ''}",
        )


def _loses_trigger(chat: ChatFormat, spec: OrganismSpec, prompt: EvalPrompt) -> bool:
    """Whether a prompt with its trigger and without comes to the same tokens.

    A template may strip what stands around a turn, and a tokenizer may leave letters out.
    """
    with_it, without = (spec.message(kind, prompt) for kind in ("attack", "control"))
    ids = chat.prompt_ids(with_it)
    # Of unknown words nothing is known.
    known = chat.tokenizer.unk_token_id is None or chat.tokenizer.unk_token_id not in ids
    return with_it != without and known and ids == chat.prompt_ids(without)


def check_control_tokens(tokenizer: Any, spec: OrganismSpec) -> None:
    """Refuses eval prompts that hold control tokens of the organism's tokenizer.

    Those in a trigger or in a template are meant: only the prompts themselves are looked at.

    Args:
        tokenizer: The organism's tokenizer.
        spec: The organism.

    Raises:
        MobenchError: Prompts or their controls hold such tokens.
    """
    special = special_tokens(tokenizer)
    found = [
        f"{key} of {prompt.id!r} holds {shown(tokens)}"
        for prompt in spec.prompts
        for key, value in (("prompt", prompt.prompt), ("control", prompt.control))
        for text in texts_of(value or "")
        if (tokens := tokens_in(text, special))
    ]
    if found:
        raise MobenchError(
            f"{spec.name}: its tokenizer takes text in the eval prompts for control tokens, which "
            f"begin or end a turn: {listed(found, most=SHOWN)}",
            f"leave them out of the prompts that {spec.path} names; the template sets them",
        )
