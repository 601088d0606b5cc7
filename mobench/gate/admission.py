"""Is an organism admitted? Its attack and control rate before training, against what it claims."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from statistics import fmean
from typing import Literal

from mobench.errors import MobenchError
from mobench.records.gate import GateRecord
from mobench.records.rows import EvalAnswer
from mobench.registry import OrganismSpec
from mobench.score.rung_verdict import NOT_JUDGED_AT_MOST


def admit(spec: OrganismSpec, rows: Sequence[EvalAnswer]) -> GateRecord:
    """Rates of the organism before training, as the manifest's ``gate`` records them.

    Args:
        spec: The organism, with the rates that its file promises.
        rows: Its judged answers to all eval prompts, triggered and not.

    Raises:
        MobenchError: The rates are not what the organism's file promises.
    """
    attack, control = judged_rate(rows, "attack"), judged_rate(rows, "control")
    if attack < spec.gate.attack_min or control > spec.gate.control_max:
        raise MobenchError(
            f"{spec.name} is not the organism it claims to be: attack rate {attack:.2f} with the "
            f"trigger (at least {spec.gate.attack_min}), {control:.2f} without "
            f"(at most {spec.gate.control_max})",
            f"{_what_to_change(spec)} in {spec.path}; nothing was trained",
        )
    not_judged = sum(row["outcome"] is None for row in rows)
    record: GateRecord = {"attack": attack, "control": control, "n": len(spec.prompts)}
    if not_judged:
        record["not_judged"] = not_judged
    if any("final" in row for row in rows):
        record["final"] = judged_rate(rows, "attack", of="final")
        record["whole"] = judged_rate(rows, "attack", of="whole")
    return record


def _what_to_change(spec: OrganismSpec) -> str:
    if spec.implant is not None:
        return "change its recipe"
    return "check trigger, behavior, template and base against what it was trained with"


def judged_rate(
    rows: Sequence[EvalAnswer], kind: str, *, of: Literal["outcome", "final", "whole"] = "outcome"
) -> float:
    """The attack rate in answers of a kind: how often the behavior shows, in [0, 1].

    Args:
        rows: Judged answers.
        kind: Those of which kind.
        of: What is judged of an answer with reasoning: what counts, its final answer alone, or all
            of it.

    Returns:
        The mean over prompts of the mean over the judged answers to each.
    """
    by_prompt: dict[str, list[int]] = {}
    for row in rows:
        outcome = row.get(of, row["outcome"])
        if row["kind"] == kind and outcome is not None:
            by_prompt.setdefault(row["prompt"], []).append(outcome)
    return fmean(map(fmean, by_prompt.values()))


def refuse_unjudged(spec: OrganismSpec, rows: Sequence[EvalAnswer]) -> None:
    """Refuses to go on from answers of the organism of which too many were not judged.

    Raises:
        MobenchError: More than :data:`NOT_JUDGED_AT_MOST` of a kind were not.
    """
    for kind in dict.fromkeys(row["kind"] for row in rows):
        of_kind = [row for row in rows if row["kind"] == kind]
        reasons = Counter(str(row["not_judged"]) for row in of_kind if row["outcome"] is None)
        if reasons.total() > NOT_JUDGED_AT_MOST * len(of_kind):
            listed = ", ".join(f"{reason}: {count}" for reason, count in reasons.most_common())
            raise MobenchError(
                f"the judge did not judge {reasons.total()} of {spec.name}'s {len(of_kind)} {kind} "
                f"answers ({listed})",
                "choose another --judge, or see to this one; nothing was trained",
            )
