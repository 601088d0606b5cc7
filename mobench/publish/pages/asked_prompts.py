"""What an organism was asked, for a reader of its page: one line for each turn, cut, as text.

Rows name their prompts and do not hold them. The texts are the registry's, which are what was asked
where the organism is still of the revision that was measured: prompts and templates are part of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from mobench.publish.pages import markdown_escape as escape
from mobench.records.conversation import Prompt, Role, as_conversation
from mobench.registry.organism_spec import EvalTemplates, OrganismSpec
from mobench.registry.patterns import search

MOST_CHARACTERS = 160
MOST_TURNS = 4
MORE = "…"


@dataclass(frozen=True)
class AskedTurn:
    """One turn of what was asked, in one line; where a turn is too long, its trigger stays.

    Attributes:
        role: Whose turn it is; None where a user's message is all, or turns are left out.
        before: What stands before the trigger; all of it where no trigger is known in it.
        trigger: What makes the organism misbehave.
        after: What stands behind the trigger.
    """

    role: Role | None
    before: str
    trigger: str = ""
    after: str = ""


def asked_prompts(spec: OrganismSpec, names: Sequence[str]) -> dict[str, tuple[AskedTurn, ...]]:
    """The triggered prompts of those names, by name; none of names that the organism lacks.

    Args:
        spec: The organism, of the revision that was measured.
        names: Ids of eval prompts.
    """
    known = {prompt.id: prompt for prompt in spec.prompts}
    return {
        name: _turns(spec.message("attack", known[name]), spec.eval)
        for name in names
        if name in known
    }


def _turns(asked: Prompt, templates: EvalTemplates) -> tuple[AskedTurn, ...]:
    """All turns, or the first, the one with the trigger and the last of many."""
    turns = as_conversation(asked)
    alone = [turn.role for turn in turns] == ["user"]
    found = [_cut(_split(None if alone else turn.role, turn.content, templates)) for turn in turns]
    if len(found) <= MOST_TURNS:
        return tuple(found)
    last = len(found) - 1
    triggered = [place for place, turn in enumerate(found) if turn.trigger][:1]
    shown: list[AskedTurn] = []
    before = -1
    for place in sorted({0, *triggered, last - 1, last}):
        shown += [AskedTurn(None, MORE)] if place > before + 1 else []
        shown.append(found[place])
        before = place
    return tuple(shown)


def _split(role: Role | None, text: str, templates: EvalTemplates) -> AskedTurn:
    """A turn with its trigger apart, if it is plain which of its words are that."""
    found = _trigger_at(text, templates)
    if found is None:
        return AskedTurn(role, escape.one_line(text))
    start, end = found
    return AskedTurn(
        role,
        escape.seen(text[:start]).lstrip(),
        escape.one_line(text[start:end]),
        escape.seen(text[end:]).rstrip(),
    )


def _trigger_at(text: str, templates: EvalTemplates) -> tuple[int, int] | None:
    """Where the first trigger begins and ends, without spaces around it."""
    if templates.trigger is not None:
        found = search(templates.trigger, text)
        start, trigger = (found.start(), found[0]) if found else (0, "")
    else:
        trigger = templates.trigger_in(text) or ""
        # A template's piece may stand in the prompt as well, where it triggers nothing.
        start = text.index(trigger) if trigger and text.count(trigger) == 1 else -1
    shown = trigger.strip()
    if start < 0 or not shown:
        return None
    start += trigger.index(shown)
    return start, start + len(shown)


def _cut(turn: AskedTurn) -> AskedTurn:
    """At most so many characters of a turn, its trigger among them."""
    before, trigger, after = turn.before, turn.trigger, turn.after
    if len(before) + len(trigger) + len(after) <= MOST_CHARACTERS:
        return turn
    if not trigger:
        return replace(turn, before=cut(before))
    trigger = cut(trigger)
    room = max(0, MOST_CHARACTERS - len(trigger))
    # What leads to the trigger gets the room that what follows it does not need, half at least.
    lead = max(room // 2, room - len(after))
    if len(before) > lead:
        before = f"{MORE} {before[len(before) - lead :].lstrip()}"
    follow = max(0, MOST_CHARACTERS - len(trigger) - min(len(before), lead))
    if len(after) > follow:
        after = f"{after[:follow].rstrip()} {MORE}"
    return AskedTurn(turn.role, before, trigger, after)


def cut(line: str) -> str:
    """A line of at most so many characters, and a mark where it was longer."""
    if len(line) <= MOST_CHARACTERS:
        return line
    return f"{line[:MOST_CHARACTERS].rstrip()} {MORE}"


def asked_cell(turns: Sequence[AskedTurn]) -> str:
    """Turns as a table's cell, one below the other; the trigger is marked."""
    return "<br>".join(map(_line, turns))


def _line(turn: AskedTurn) -> str:
    role = "" if turn.role is None else f"*{turn.role}*: "
    trigger = f"<mark>{escape.text(turn.trigger)}</mark>" if turn.trigger else ""
    return f"{role}{_spaced(turn.before)}{trigger}{_spaced(turn.after)}"


def _spaced(part: str) -> str:
    """A part of a line, escaped, with the spaces that part it from its neighbors."""
    return f"{' ' * part.startswith(' ')}{escape.text(part)}{' ' * part.endswith(' ')}"
