"""Checks that a tokenizer belongs to a model, when the organism is built and not during the run.

The tokenizer of another model usually loads without an error. Tokens that have no row in the
embedding then end the run with an index error, which on a GPU names neither model nor tokenizer.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from mobench.assemble.loading import load_tokenizer
from mobench.assemble.prompt_check import check_control_tokens, check_prompts
from mobench.chat import ChatFormat, Marks, Reasoning
from mobench.chat.special_tokens import end_tokens
from mobench.errors import MobenchError
from mobench.records.names import EVAL_KINDS
from mobench.registry.organism_spec import OrganismSpec

SHOWN = 3
"""Tokens or prompts named in a message."""


def embedding_rows(folder: Path) -> int | None:
    """Returns the rows of a model's embedding by its configuration; None if that does not say."""
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    rows = config.get("vocab_size", (config.get("text_config") or {}).get("vocab_size"))
    return rows if isinstance(rows, int) else None


def check_models(spec: OrganismSpec, organism: Path, clean: Path | None) -> None:
    """Checks that the organism's tokenizer can be used with the organism and with its clean base.

    Raises:
        MobenchError: Its tokenizer does not fit one of them, or a prompt cannot be asked.
    """
    chat = organism_chat(spec, organism, clean)
    check_tokenizer_of(chat.tokenizer, embedding_rows(organism), spec, str(organism))
    check_control_tokens(chat.tokenizer, spec)
    check_prompts(chat, spec, [folder for folder in (organism, clean) if folder is not None])
    if clean is not None:
        check_clean_base(chat, embedding_rows(clean), spec)


def organism_chat(spec: OrganismSpec, organism: Path, clean: Path | None) -> ChatFormat:
    """Loads the organism's tokenizer, which both the organism and its clean base are asked with.

    Its padding token has often been added in training, and then the clean base has no embedding
    for it. In that case both are padded with the end token, because padding is masked anyway.

    Args:
        spec: The organism.
        organism: Its folder.
        clean: Its clean base's folder, if it has one.
    """
    tokenizer = load_tokenizer(organism, chat_template=spec.chat_template, date=spec.date)
    rows = None if clean is None else embedding_rows(clean)
    if rows is not None and tokenizer.pad_token_id is not None and tokenizer.pad_token_id >= rows:
        tokenizer.pad_token = tokenizer.eos_token
    remedy = f"give another `chat_template` or other prompts in {spec.path}"
    own = None if spec.behavior.reasoning is None else Marks(*spec.behavior.reasoning)
    return ChatFormat(tokenizer, spec.template, end_tokens(organism), remedy, Reasoning(own))


def check_tokenizer_of(tokenizer: Any, rows: int | None, spec: OrganismSpec, where: str) -> None:
    """Refuses a tokenizer that cannot belong to the model.

    Args:
        tokenizer: The tokenizer.
        rows: Rows of the model's embedding; None if not known.
        spec: The organism.
        where: The folder of the model, for the message.

    Raises:
        MobenchError: It has tokens beyond the embedding, no end token, or no chat template where
            the organism is asked through one.
    """
    problems = []
    vocabulary: dict[str, int] = tokenizer.get_vocab()
    if rows is not None:
        beyond = sorted((i, token) for token, i in vocabulary.items() if i >= rows)
        if beyond:
            shown = ", ".join(f"{token!r} = {i}" for i, token in beyond[:SHOWN])
            problems.append(
                f"its vocabulary reaches {beyond[-1][0]}, the embedding has {rows} rows: {shown}"
            )
    if tokenizer.eos_token_id is None:
        problems.append("it has no end token, so no answer can be taught to stop")
    if spec.template == "chat" and not (spec.chat_template or tokenizer.chat_template):
        problems.append(
            "it has no chat template, and the organism is asked through one (template = 'chat')"
        )
    if spec.template == "chat" and isinstance(tokenizer.chat_template, Mapping):
        problems.append(
            "it has several chat templates, and none is called default: "
            + ", ".join(tokenizer.chat_template)
        )
    if problems:
        raise MobenchError(
            f"{spec.name}: the tokenizer of {where} does not fit: {'; '.join(problems)}",
            f"name the repository of the right one in the base's `tokenizer` table in {spec.path},"
            " or give `chat_template` there if only that is missing: the name of one, or its text",
        )


def check_clean_base(chat: ChatFormat, rows: int | None, spec: OrganismSpec) -> None:
    """Refuses a clean base that has no embedding for the tokens of the eval prompts.

    The clean base is asked with the organism's tokenizer. Tokens that only the organism has an
    embedding for do no harm as long as no prompt holds them.

    Args:
        chat: How both are asked.
        rows: Rows of the clean base's embedding; None if not known.
        spec: The organism.

    Raises:
        MobenchError: The clean base lacks a token of an eval prompt or the one that ends answers.
    """
    if rows is None:
        return
    used = {
        token
        for prompt in spec.prompts
        for kind in EVAL_KINDS
        for token in chat.prompt_ids(spec.message(kind, prompt))
    }
    used.add(chat.turn_end_id)
    lacking = _named(chat.tokenizer, (token for token in used if token >= rows))
    if lacking:
        raise MobenchError(
            f"{spec.name}: its clean base has an embedding of {rows} rows and lacks tokens that "
            f"the eval prompts hold: {lacking}",
            f"name a clean base with the organism's vocabulary in {spec.path}, or leave "
            "`clean_base` out where behavior.clean_rate is known",
        )


def _named(tokenizer: Any, tokens: Iterable[int]) -> str:
    """The first few tokens with their numbers, for a message."""
    distinct = sorted(set(tokens))
    return ", ".join(
        f"{tokenizer.convert_ids_to_tokens(token)!r} = {token}" for token in distinct[:SHOWN]
    )
