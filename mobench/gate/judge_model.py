"""Who judges a run: the behavior alone, or a model that the user chose, and its published name."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mobench.measure.judges import AnyJudge, JudgeChoice, ModelJudge
from mobench.measure.judges.reply import Asker
from mobench.measure.judges.requirements import check_judge
from mobench.progress import Progress
from mobench.registry import OrganismSpec, Registry, Rubric
from mobench.registry.weights_files import weights_hash
from mobench.store.replies import ReplyLog

REPLIES = "replies.jsonl"
"""What a judging model said before training, beside the rows that it was said of."""


@dataclass(frozen=True)
class JudgeModel:
    """A judging model, bound to one organism and its rubric.

    Attributes:
        name: Kind and model, as results print them: without host and path.
        choice: What the user chose.
        rubric: The instructions that it judges by.
        spec: The organism whose answers it judges.
        registry: Where the organism's behavior is looked up.
        asker: Sends prompts to the model.
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


def judge_model_for(
    spec: OrganismSpec,
    registry: Registry,
    choice: JudgeChoice | None,
    device: str,
    progress: Progress,
) -> JudgeModel | None:
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

        folder = Path(choice.location)
        asker = InProcess(folder, device, progress)
        # By its weights: another model under the same folder's name is another judge.
        name = f"local/{choice.model}@{weights_hash(folder)[:12]}"
    else:
        from mobench.measure.judges.endpoint import Endpoint

        asker, name = Endpoint(choice, choice.key(os.environ)), f"openai/{choice.model}"
    return JudgeModel(name, choice, rubric, spec, registry, asker)


def judge_bytes(choice: JudgeChoice | None) -> int:
    """Returns the memory that a judge takes beside the organism; 0 where it is in no local folder.

    Args:
        choice: What the user chose.
    """
    if choice is None or choice.kind != "local":
        return 0
    from mobench.measure.judges.in_process import weight_bytes

    try:
        return weight_bytes(Path(choice.location))
    except Exception:  # Whatever is wrong with the folder is said by what loads the model.
        return 0


def judge_for(
    model: JudgeModel | None, spec: OrganismSpec, registry: Registry, replies: Path, *older: Path
) -> AnyJudge:
    """Whatever judges an organism's answers.

    Args:
        model: The judging model; None where the behavior decides alone.
        spec: The organism.
        registry: Where its behavior is looked up.
        replies: Where a model's replies are kept.
        older: Where else they are looked up.
    """
    return registry.judge(spec) if model is None else model.keeping(replies, *older)
