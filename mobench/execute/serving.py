"""The engine ``vllm``: all packs are trained first, then one process asks every checkpoint.

Adapters go to it as LoRA requests, whole weights are swapped into it, and so is the clean base.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import torch

from mobench.decode.sampling import sampling_of
from mobench.errors import MobenchError
from mobench.execute.arms import Arm
from mobench.execute.checkpoint_check import (
    UntrainedNumbers,
    probe_prompt,
    refuse_ignored_weights,
)
from mobench.execute.ladder import Ladder
from mobench.execute.measurement import measure_cells, measure_untrained
from mobench.execute.packs import finish_cell
from mobench.execute.shared_work import SharedWork
from mobench.gate.placement import SERVED_TOGETHER
from mobench.machine.memory_errors import free_memory
from mobench.measure.attack_rows import Question, judged_rows
from mobench.measure.vllm import Adapter, Serving, VllmEngine
from mobench.progress import Progress
from mobench.records.cells import Cell
from mobench.records.names import EvalKind
from mobench.records.rows import CapabilityAnswer, EvalAnswer
from mobench.store import CellFolder


class ServedEngine:
    """Measures through vLLM once everything is trained.

    Args:
        ladder: The ladder.
        work: Hands out what is to be measured.
        progress: Where progress is shown.
    """

    checkpoints = None

    def __init__(self, ladder: Ladder, work: SharedWork, progress: Progress) -> None:
        self._ladder, self._work, self._progress = ladder, work, progress

    def measure_untrained(self) -> None:
        """Nothing yet: the engine starts once everything is trained."""

    def measure_trained(self, arms: Sequence[Arm]) -> None:
        """Measures trained cells, and both models before training, through one vLLM process.

        Args:
            arms: Trained cells, of any budgets; those on other weights than the organism's last.
        """
        ladder, work, progress = self._ladder, self._work, self._progress
        # vLLM needs the memory that training had.
        free_memory()
        cells = [cell for arm in arms for cell in arm.cells]
        organism = ladder.organism
        with closing(ServedModel(ladder, cells, progress)) as served:
            measure_untrained(
                ladder, "organism", partial(ServedWeights, served, organism.folder), work, progress
            )
            budgets = [same_budget for arm in arms for same_budget in _by_budget(arm)]
            while (pack := work.next_pack(budgets, _is_done, _all_of)) is not None:
                with work.claimed(pack):
                    measure_cells(pack, ServedCheckpoints(pack, served), progress)
                    for cell in pack.cells:
                        finish_cell(pack, cell)
            if organism.clean is not None:
                load = partial(ServedWeights, served, organism.clean)
                measure_untrained(ladder, "base", load, work, progress)


class ServedModel:
    """The organism in vLLM, from when it is first asked until it is closed.

    Args:
        ladder: The ladder.
        cells: Those whose checkpoints will be asked.
        progress: Where progress is shown.
    """

    def __init__(self, ladder: Ladder, cells: Sequence[Cell], progress: Progress) -> None:
        self._ladder, self._progress = ladder, progress
        spec = ladder.suite.spec
        self._serving = Serving(
            folder=ladder.organism.folder,
            tokenizer=ladder.organism.folder,
            dtype=spec.dtype,
            device=ladder.request.device,
            tensor_parallel=ladder.request.tensor_parallel,
            chat_template=spec.chat_template,
            date=spec.date,
            ends=ladder.suite.chat.end_ids,
            template=spec.template,
            reasoning=spec.behavior.reasoning,
            **_adapters(ladder, cells),
        )
        self._engine: VllmEngine | None = None
        self._weights: Path | None = None

    def use(self, weights: Path) -> VllmEngine:
        """The engine with these weights in it: swapped in where it can, started again where not."""
        if self._engine is not None and self._weights != weights:
            try:
                self._engine.swap(weights)
            except MobenchError as error:
                self._progress.note(f"starting vLLM again for other weights: {error.fact}")
                self.close()
        if self._engine is None:
            judge = self._ladder.judge_model
            if judge is not None:
                # vLLM takes nearly all memory that it finds free.
                judge.asker.prepare()
            self._progress.note("starting vLLM")
            log = self._ladder.folder.path / "vllm.log"
            self._engine = VllmEngine(replace(self._serving, folder=weights), log)
        self._weights = weights
        return self._engine

    def attack(
        self, weights: Path, adapters: Sequence[Adapter | None], kinds: Sequence[EvalKind]
    ) -> list[list[EvalAnswer]]:
        """Judged rows under each adapter."""
        suite, engine = self._ladder.suite, self.use(weights)
        spec, chat = suite.spec, suite.chat

        def ask(questions: Sequence[Question]) -> list[list[str]]:
            prompts = [chat.prompt_ids(question.prompt) for question in questions]
            draws = [question.draw for question in questions]
            answers = engine.answer(
                prompts,
                adapters,
                ends=chat.end_ids,
                max_new_tokens=spec.max_new_tokens,
                sampling=sampling_of(spec.decoding, prompts, draws),
            )
            return [[chat.decode(tokens) for tokens in of_one] for of_one in answers]

        return judged_rows(chat, spec, suite.judge, kinds, ask)

    def capability(self, weights: Path, adapter: Adapter | None) -> list[CapabilityAnswer]:
        """lm-eval's rows."""
        suite = self._ladder.suite
        return self.use(weights).capability(
            adapter,
            [task.model_dump() for task in suite.spec.capability],
            suite.capability_dir,
        )

    def probe(self, weights: Path, adapters: Sequence[Adapter | None]) -> list[list[float]]:
        """Each model's numbers on the probe prompt, by which one is told from another."""
        prompt = probe_prompt(self._ladder.suite)
        return self.use(weights).log_probabilities(prompt, adapters)

    def close(self) -> None:
        """Ends the engine, if it was started."""
        if self._engine is not None:
            self._engine.close()
        self._engine = None


class ServedWeights:
    """A model in vLLM without an adapter.

    Args:
        served: The engine.
        weights: The model's folder.
    """

    def __init__(self, served: ServedModel, weights: Path) -> None:
        self._served, self._weights = served, weights

    def attack(self, kinds: Sequence[EvalKind]) -> list[list[EvalAnswer]]:
        """Its judged rows, in a list of one."""
        return self._served.attack(self._weights, [None], kinds)

    def capability(self, number: int) -> list[CapabilityAnswer]:  # noqa: ARG002 - there is only one model
        """lm-eval's rows."""
        return self._served.capability(self._weights, None)


class ServedCheckpoints:
    """Checkpoints that vLLM answers with.

    Args:
        arm: Trained cells of one budget.
        served: The engine.
    """

    def __init__(self, arm: Arm, served: ServedModel) -> None:
        self._arm, self._served = arm, served
        self._folders = [arm.folder(cell) for cell in arm.cells]
        self.together: int | None = None if arm.cells[0].method == "lora" else 1
        self._weights = arm.weights
        self._adapters: dict[int, Adapter | None] = {}
        # In batches of one and of all: on a GPU their kernels differ, and so do the numbers.
        sizes = (1, len(arm.cells) if self.together is None else 1)
        asked = [numbers for size in sizes for numbers in served.probe(arm.weights, [None] * size)]
        self._untrained = UntrainedNumbers([torch.tensor(numbers) for numbers in asked])

    def open(self, step: int, wanted: Sequence[int]) -> None:
        """Names the adapters, or puts one cell's weights into the engine."""
        for number in wanted:
            self._folders[number].check_adapter(step)  # vLLM reads them itself.
        if self.together is None:
            self._adapters = {
                n: Adapter(f"{self._folders[n].path.name}/{step}", self._folders[n].adapter(step))
                for n in wanted
            }
        else:
            self._weights = self._folders[wanted[0]].adapter(step)
            self._adapters = {wanted[0]: None}
        probed = self._served.probe(self._weights, list(self._adapters.values()))
        for number, numbers in zip(self._adapters, probed, strict=True):
            if self._untrained.are(torch.tensor(numbers)):
                refuse_ignored_weights(
                    self._folders[number],
                    step,
                    untrained=self._arm.weights,
                    dtype=self._arm.ladder.suite.spec.dtype,
                    noisy=self._untrained.noise > 0,
                )

    def attack(self, kinds: Sequence[EvalKind]) -> list[list[EvalAnswer]]:
        """All open cells in one batch."""
        return self._served.attack(self._weights, list(self._adapters.values()), kinds)

    def capability(self, number: int) -> list[CapabilityAnswer]:
        """One cell alone."""
        return self._served.capability(self._weights, self._adapters[number])


def _is_done(folder: CellFolder) -> bool:
    return folder.done


def _all_of(arm: Arm, cells: list[Cell]) -> list[Cell]:
    del arm
    return cells


def _adapters(ladder: Ladder, cells: Sequence[Cell]) -> dict[str, Any]:
    """What the engine must know of the adapters, or nothing where whole weights were trained."""
    configs = (ladder.folder.cell(cell.id).adapter_config() for cell in cells)
    config = next((config for config in configs if config), None)
    if config is None:
        return {}
    return {
        "rank": config["r"],
        "modules": tuple(config["target_modules"]),
        "adapters": min(SERVED_TOGETHER, len(cells)),
    }


def _by_budget(arm: Arm) -> list[Arm]:
    """The arm's cells with the same checkpoints, in order of their steps."""
    groups: dict[int, list[Cell]] = {}
    for cell in sorted(arm.cells, key=lambda cell: cell.steps):
        groups.setdefault(cell.steps, []).append(cell)
    return [arm.of(cells) for cells in groups.values()]
