"""Who judges a run: the behavior alone, or a model that the user chose, and how it is named."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mobench.assemble.loading import weights_hash
from mobench.errors import MobenchError
from mobench.measure.judges import AnyJudge, JudgeChoice, ModelJudge
from mobench.measure.judges.needed import check_judge
from mobench.measure.judges.reply import Asker
from mobench.progress import Progress
from mobench.registry import OrganismSpec, Registry, Rubric
from mobench.score.verdict import NOT_JUDGED_AT_MOST
from mobench.store.replies import ReplyLog

REPLIES = "replies.jsonl"


@dataclass(frozen=True)
class Judging:
    """A judging model for one organism, whose replies are kept wherever it is put to work.

    Attributes:
        name: Kind and model: no host and no path, for they are in results.
        rubric: What it is told.
    """

    name: str
    choice: JudgeChoice
    rubric: Rubric
    spec: OrganismSpec
    registry: Registry
    asker: Asker

    @property
    def identity(self) -> str:
        """What answers are judged by, as a cell has it: two of these never share a curve."""
        return f"{self.name} {self.rubric.name}@{self.rubric.version}"

    def keeping(self, replies: Path, *older: Path) -> ModelJudge:
        """The judge, keeping its replies in one file and knowing those in older ones."""
        return ModelJudge(
            self.name,
            self.rubric,
            str(self.spec.behavior.args.get("about", "")),
            self.registry.score_judge(self.spec),
            self.asker,
            ReplyLog(replies, *older),
        )

    def record(self) -> dict[str, Any]:
        """The judge as the manifest tells it."""
        return {
            "name": self.name,
            "kind": self.choice.kind,
            "model": self.choice.model,
            "rubric": {
                **self.rubric.model_dump(mode="json"),
                "version": self.rubric.version,
                "prompt_hash": self.rubric.prompt_hash,
            },
            "args": dict(self.spec.behavior.args),
            "temperature": 0,
            "seed": 0,
        }


def judging_of(
    spec: OrganismSpec,
    registry: Registry,
    choice: JudgeChoice | None,
    device: str,
    progress: Progress,
) -> Judging | None:
    """The judging model of an organism; None where its behavior needs none.

    Raises:
        MobenchError: It needs one, and none was chosen; or the other way round.
    """
    check_judge(spec, registry, choice)
    rubric = registry.rubric(spec)
    if rubric is None or choice is None:
        return None
    asker: Asker
    if choice.kind == "local":
        from mobench.measure.judges.in_process import InProcess

        folder = Path(choice.where)
        asker = InProcess(folder, device, progress)
        # By its weights: another model under the same folder's name is another judge.
        name = f"local/{choice.model}@{weights_hash(folder)[:12]}"
    else:
        from mobench.measure.judges.endpoint import Endpoint

        asker, name = Endpoint(choice), f"openai/{choice.model}"
    return Judging(name, choice, rubric, spec, registry, asker)


def judge_for(
    judging: Judging | None, spec: OrganismSpec, registry: Registry, replies: Path, *older: Path
) -> AnyJudge:
    """Whatever judges an organism's answers.

    Args:
        judging: The judging model, or None where the behavior decides alone.
        spec: The organism.
        registry: Where its behavior is looked up.
        replies: Where a model's replies are kept.
        older: Where else they are looked up.
    """
    return registry.judge(spec) if judging is None else judging.keeping(replies, *older)


def judged_rate(rows: Sequence[Mapping[str, Any]], kind: str) -> float:
    """The share of judged answers of a kind in which the behavior shows."""
    found = [row["outcome"] for row in rows if row["kind"] == kind and row["outcome"] is not None]
    return float(sum(found) / len(found))


def refuse_unjudged(spec: OrganismSpec, rows: Sequence[Mapping[str, Any]]) -> None:
    """Refuses to go on from answers of the organism of which too many were not judged.

    Raises:
        MobenchError: More than :data:`NOT_JUDGED_AT_MOST` of a kind were not.
    """
    for kind in dict.fromkeys(row["kind"] for row in rows):
        mine = [row for row in rows if row["kind"] == kind]
        reasons = Counter(str(row["not_judged"]) for row in mine if row["outcome"] is None)
        lost = reasons.total()
        if lost > NOT_JUDGED_AT_MOST * len(mine):
            listed = ", ".join(f"{why}: {count}" for why, count in reasons.most_common())
            raise MobenchError(
                f"the judge did not judge {lost} of {spec.name}'s {len(mine)} {kind} answers "
                f"({listed})",
                "choose another --judge, or see to this one; nothing was trained",
            )


def counted_unjudged(rows: Sequence[Mapping[str, Any]]) -> int:
    """How many answers were not judged."""
    return sum(row["outcome"] is None for row in rows)
