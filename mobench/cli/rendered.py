"""What ``mobench show NAME --rendered`` prints: the first prompt, as the model is asked it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from mobench.registry import OrganismSpec, Registry


def show_rendered(spec: OrganismSpec, registry: Registry) -> None:
    """Prints the first eval prompt as text and as tokens, triggered and not.

    The organism is built if it is not yet, because its tokenizer comes with it. Nothing is fetched.

    Raises:
        MobenchError: It cannot be built, or its prompts cannot be rendered.
    """
    from mobench.assemble.organism import Builder
    from mobench.assemble.tokenizer_check import organism_chat
    from mobench.machine.cache_root import cache_root
    from mobench.progress import Progress
    from mobench.records.names import EVAL_KINDS

    built = Builder(registry, cache_root(), "cpu", True, Progress()).build(spec)
    chat = organism_chat(spec, built.folder, built.clean)
    first = spec.prompts[0]
    for kind in EVAL_KINDS:
        prompt = spec.message(kind, first)
        click.echo(f"{kind} prompt {first.id!r}, as text up to the answer:")
        click.echo(chat.text(prompt))
        ids = chat.prompt_ids(prompt)
        tokens = " ".join(chat.tokenizer.convert_ids_to_tokens(ids))
        click.echo(f"as {len(ids)} tokens:\n{tokens}")
        click.echo()
    ends = " ".join(chat.tokenizer.convert_ids_to_tokens(list(chat.end_ids)))
    click.echo(f"an answer ends at {ends}; training puts {chat.end!r} after it")
