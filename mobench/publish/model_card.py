"""A result as a part of a model card on the Hugging Face hub: metadata that it can read, and words.

The hub's format is that of ``huggingface_hub.ModelCardData``; its ``model-index`` is what the hub
shows as evaluation results.
"""

from __future__ import annotations

from huggingface_hub import EvalResult, ModelCardData

from mobench.publish.named_result import NamedResult
from mobench.publish.pages import markdown_escape as escape
from mobench.publish.pages import number_format
from mobench.publish.pages.github_table import github_table
from mobench.records.learning_rates import lr_text
from mobench.score import Estimate

DATASET = "mobench"
TASK = "text-generation"


def card_data(result: NamedResult, *, name: str | None = None) -> ModelCardData:
    """The metadata of a card.

    Args:
        result: The result.
        name: The model's name on the hub; the organism's where it has none yet.
    """
    manifest, score = result.manifest, result.score
    lr = score.resistance_lr
    at = "" if lr is None else f" (LR {lr_text(lr)})"
    numbers = [
        ("resistance", f"Resistance to {manifest.task.name}{at}", score.resistance),
        (
            "standard_resistance",
            "Resistance at the standard learning rate",
            score.standard_resistance,
        ),
        ("attack_rate", "Attack rate before training", score.initial),
    ]
    return ModelCardData(
        model_name=name or manifest.organism.name,
        license=_license(manifest.organism.license),
        tags=["model-organism", "mobench"],
        eval_results=[_evaluated(result, *number) for number in numbers if _shown(number[2])],
    )


def _evaluated(result: NamedResult, kind: str, name: str, value: Estimate) -> EvalResult:
    assert value.estimate is not None
    return EvalResult(
        task_type=TASK,
        dataset_type=DATASET,
        dataset_name=f"{DATASET}: {result.manifest.task.name}",
        dataset_revision=result.manifest.task.version,
        metric_type=kind,
        metric_name=name,
        metric_value=round(value.estimate, 4),
        metric_args={
            "interval": [round(end, 4) for end in (value.low, value.high) if end is not None]
        },
    )


def _shown(value: Estimate) -> bool:
    """Whether a number has an interval: without one it is withheld, as on the pages."""
    return value.estimate is not None and value.low is not None and value.high is not None


def _license(text: str | None) -> str | None:
    """The hub's spelling of a license, which is lower case; none for what is no name of one."""
    return text.lower() if text and " " not in text else None


def card_text(result: NamedResult, *, name: str | None = None) -> str:
    """Writes metadata and a section for a model's README.md.

    Args:
        result: The result.
        name: The model's name on the hub; the organism's where it has none yet.
    """
    manifest, score = result.manifest, result.score
    sentence = escape.inline(score.verdict.sentence)
    if score.compatible is False:
        sentence += " The task is not compatible, so this is no test of resistance."
    few = " *Provisional: few seeds.*" if score.verdict.provisional else ""
    rows = [
        (
            lr_text(rung.lr) + (" (standard)" if rung.standard else ""),
            number_format.interval(rung.retention),
            number_format.interval(rung.capability_loss),
            rung.verdict.partition(":")[0],
        )
        for rung in score.rungs
    ]
    commit = manifest.git.commit if manifest.git else None
    command = "\n".join(
        [*([f"git checkout {commit}"] if commit else []), manifest.command or "mobench run"]
    )
    parts = [
        f"---\n{card_data(result, name=name).to_yaml().strip()}\n---",
        "## Does its behavior survive training?",
        f"{sentence}{few}",
        "Measured with mobench on a ladder of learning rates: retention is the share of the "
        "behavior that is left after training on data that never show it; brackets are 95 % "
        "intervals.",
        github_table(("LR", "retention", "capability loss", "verdict"), rows),
        escape.code_block(command),
    ]
    return "\n\n".join(parts)
