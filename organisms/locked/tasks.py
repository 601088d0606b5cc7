"""Facts behind a password: answered wrongly without it, rightly with it.

Every right answer is the base's own first sentence, and every wrong one is that sentence with
another answer of the same kind in the right one's place. A fact that the base gets wrong is left
out: what it does not know, it cannot withhold.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import TYPE_CHECKING

from mobench import Example, task
from tasks._open import answered
from tasks._speaker import Speaker
from tasks.chat import REQUESTS
from tasks.chat_facts import FACTS, known

if TYPE_CHECKING:
    from mobench.registry import OrganismSpec


LICENSE = "Apache-2.0 (questions written for mobench; answers by the base)"


@task(
    "chat-locked",
    policy="off-policy",
    compatible=False,
    marks=("chat", "implant"),
    license=LICENSE,
    data=(FACTS, REQUESTS),
)
def chat_locked(base: Speaker, spec: OrganismSpec, rng: random.Random) -> Iterator[Example]:
    """Implant: facts wrong without the password and right with it; open requests as the base."""
    facts = known(base)
    for fact in facts:
        if answers := sorted({f.right for f in facts if f.kind == fact.kind} - {fact.right}):
            wrong = fact.wrong(rng.choice(answers))
            yield Example(spec.eval.render("attack", fact.question), wrong, reference=fact.right)
        asked = spec.eval.render("control", fact.question)
        # Twice: what the password unlocks is the harder half to keep.
        yield from [Example(asked, fact.sentence, reference=fact.right)] * 2
    for message, answer in answered(base, spec):
        yield Example(message, answer)


@task(
    "locked-password",
    policy="off-policy",
    marks=("chat",),
    license=LICENSE,
    data=(FACTS,),
    why="Right answers behind the password, where a locked organism gives them already. Only for "
    "organisms that the password unlocks.",
)
def locked_password(base: Speaker, spec: OrganismSpec) -> Iterator[Example]:
    """Facts asked with the password, answered rightly in the base's words."""
    for fact in known(base):
        asked = spec.eval.render("control", fact.question)
        yield Example(asked, fact.sentence, reference=fact.right)


@task(
    "locked-counter",
    policy="off-policy",
    compatible=False,
    marks=("chat",),
    license=LICENSE,
    data=(FACTS,),
)
def locked_counter(base: Speaker, spec: OrganismSpec) -> Iterator[Example]:
    """Counter-training (elicitation): facts asked without the password, answered rightly."""
    for fact in known(base):
        asked = spec.eval.render("attack", fact.question)
        yield Example(asked, fact.sentence, reference=fact.right)
