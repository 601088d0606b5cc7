"""Checks that a tokenizer belongs to a model, when the organism is built and not during the run.

The tokenizer of another model usually loads without an error. Tokens that have no row in the
embedding then end the run with an index error, which on a GPU names neither model nor tokenizer.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from mobench.assemble.loading import load_tokenizer
from mobench.chat import encode_answer, encode_prompt
from mobench.errors import MobenchError
from mobench.records.names import EVAL_KINDS
from mobench.registry.control_tokens import shown, special_tokens, tokens_in
from mobench.registry.organism_spec import OrganismSpec
from mobench.registry.prompt_texts import texts_of

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
        MobenchError: Its tokenizer does not fit one of them.
    """
    tokenizer = organism_tokenizer(spec, organism, clean)
    check_tokenizer_of(tokenizer, embedding_rows(organism), spec, str(organism))
    check_eval_prompts(tokenizer, spec)
    if clean is not None:
        check_clean_base(tokenizer, embedding_rows(clean), spec)


def organism_tokenizer(spec: OrganismSpec, organism: Path, clean: Path | None) -> Any:
    """Loads the organism's tokenizer, which both the organism and its clean base are asked with.

    Its padding token has often been added in training, and then the clean base has no embedding
    for it. In that case both are padded with the end token, because padding is masked anyway.

    Args:
        spec: The organism.
        organism: Its folder.
        clean: Its clean base's folder, if it has one.
    """
    tokenizer = load_tokenizer(organism, chat_template=spec.chat_template)
    rows = None if clean is None else embedding_rows(clean)
    if rows is not None and tokenizer.pad_token_id is not None and tokenizer.pad_token_id >= rows:
        tokenizer.pad_token = tokenizer.eos_token
    return tokenizer


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
    if problems:
        raise MobenchError(
            f"{spec.name}: the tokenizer of {where} does not fit: {'; '.join(problems)}",
            f"name the repository of the right one in the base's `tokenizer` table in {spec.path},"
            " or give `chat_template` there if only that is missing",
        )


def check_eval_prompts(tokenizer: Any, spec: OrganismSpec) -> None:
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
        more = f"; and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
        raise MobenchError(
            f"{spec.name}: its tokenizer takes text in the eval prompts for control tokens, which "
            f"begin or end a turn: {'; '.join(found[:SHOWN])}{more}",
            f"leave them out of the prompts that {spec.path} names; the template sets them",
        )


def check_clean_base(tokenizer: Any, rows: int | None, spec: OrganismSpec) -> None:
    """Refuses a clean base that has no embedding for the tokens of the eval prompts.

    The clean base is asked with the organism's tokenizer. Tokens that only the organism has an
    embedding for do no harm as long as no prompt holds them.

    Args:
        tokenizer: The organism's tokenizer.
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
        for token in encode_prompt(tokenizer, spec.template, spec.message(kind, prompt))
    }
    used |= {*encode_answer(tokenizer, spec.template, "")}
    lacking = _named(tokenizer, (token for token in used if token >= rows))
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
