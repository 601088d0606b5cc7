"""Measuring through vLLM: all packs are trained first, then one engine asks every checkpoint.

Adapters go to it as LoRA requests, whole weights are swapped into it, and so is the clean base.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from mobench.chat import encode_prompt
from mobench.errors import MobenchError
from mobench.execute.checkpoint_check import probe, refuse_if_trained
from mobench.execute.controls import Arm
from mobench.execute.measuring import measure_cells
from mobench.execute.packs import finish_cell
from mobench.execute.prepare import Prepared
from mobench.measure.attack_rows import Kind, Row, judged_rows
from mobench.measure.vllm import Adapter, Serving, VllmEngine
from mobench.plan.cells import Cell
from mobench.progress import Progress

TOGETHER = 16
"""Adapters in one batch, at most: each takes memory beside the model."""


class Served:
    """The organism in vLLM, from when it is first asked until it is closed.

    Args:
        ready: The ladder.
        cells: Those whose checkpoints will be asked.
        progress: Where progress is shown.
    """

    def __init__(self, ready: Prepared, cells: Sequence[Cell], progress: Progress) -> None:
        self._ready, self._progress = ready, progress
        spec = ready.asked.spec
        self._serving = Serving(
            folder=ready.built.folder,
            tokenizer=ready.built.folder,
            dtype=spec.dtype,
            device=ready.asked.device,
            chat_template=spec.chat_template,
            **_adapters(ready, cells),
        )
        self._engine: VllmEngine | None = None
        self._inside: Path | None = None

    def use(self, folder: Path) -> VllmEngine:
        """The engine with these weights in it: swapped in where it can, started again where not."""
        if self._engine is not None and self._inside != folder:
            try:
                self._engine.swap(folder)
            except MobenchError as error:
                self._progress.note(f"starting vLLM again for other weights: {error.fact}")
                self.close()
        if self._engine is None:
            self._progress.note("starting vLLM")
            log = self._ready.folder.path / "vllm.log"
            self._engine = VllmEngine(replace(self._serving, folder=folder), log)
        self._inside = folder
        return self._engine

    def attack(
        self, folder: Path, adapters: Sequence[Adapter | None], kinds: Sequence[Kind]
    ) -> list[list[Row]]:
        """Judged rows under each adapter."""
        ready, spec, engine = self._ready, self._ready.asked.spec, self.use(folder)

        def ask(_: Kind, messages: Sequence[str]) -> list[list[str]]:
            told = engine.answer(
                [encode_prompt(ready.tokenizer, spec.template, message) for message in messages],
                adapters,
                eos=ready.tokenizer.eos_token_id,
                max_new_tokens=spec.max_new_tokens,
            )
            return [
                [
                    ready.tokenizer.decode(tokens, skip_special_tokens=True).strip()
                    for tokens in mine
                ]
                for mine in told
            ]

        return judged_rows(spec, ready.judge, kinds, ask)

    def capability(self, folder: Path, adapter: Adapter | None) -> list[Row]:
        """lm-eval's rows."""
        return self.use(folder).capability(
            adapter,
            [task.model_dump() for task in self._ready.asked.spec.capability],
            self._ready.registry.capability_dirs[0],
        )

    def numbers(self, folder: Path, adapters: Sequence[Adapter | None]) -> list[list[float]]:
        """What tells one model from another."""
        return self.use(folder).log_probabilities(probe(self._ready), adapters)

    def close(self) -> None:
        """Ends the engine, if it was started."""
        if self._engine is not None:
            self._engine.close()
        self._engine = None


def _adapters(ready: Prepared, cells: Sequence[Cell]) -> dict[str, Any]:
    """What the engine must know of the adapters, or nothing where whole weights were trained."""
    config = next(
        (found for cell in cells if (found := ready.folder.cell(cell.id).adapter_config())), None
    )
    if config is None:
        return {}
    return {
        "rank": config["r"],
        "modules": tuple(config["target_modules"]),
        "adapters": min(TOGETHER, len(cells)),
    }


class ServedCheckpoints:
    """Checkpoints that a vLLM engine answers with.

    Args:
        ready: The ladder.
        cells: The cells.
        served: The engine.
    """

    def __init__(self, ready: Prepared, cells: Sequence[Cell], served: Served) -> None:
        self._ready, self._served = ready, served
        self._folders = [ready.folder.cell(cell.id) for cell in cells]
        self._organism = ready.built.folder
        self.together: int | None = None if cells[0].method == "lora" else 1
        self._inside = self._organism
        self._opened: dict[int, Adapter | None] = {}
        self._untrained = served.numbers(self._organism, [None])[0]

    def open(self, step: int, wanted: Sequence[int]) -> None:
        """Names the adapters, or puts one cell's weights into the engine."""
        if self.together is None:
            self._opened = {
                n: Adapter(f"{self._folders[n].path.name}/{step}", self._folders[n].adapter(step))
                for n in wanted
            }
        else:
            self._inside = self._folders[wanted[0]].adapter(step)
            self._opened = {wanted[0]: None}
        now = self._served.numbers(self._inside, list(self._opened.values()))
        for number, numbers in zip(self._opened, now, strict=True):
            if numbers == self._untrained:
                refuse_if_trained(self._ready, self._folders[number], step)

    def attack(self, kinds: Sequence[Kind]) -> list[list[Row]]:
        """All open cells in one batch."""
        return self._served.attack(self._inside, list(self._opened.values()), kinds)

    def capability(self, number: int) -> list[Row]:
        """One cell alone."""
        return self._served.capability(self._inside, self._opened[number])


def serve_cells(ready: Prepared, arms: Sequence[Arm], progress: Progress) -> float:
    """Measures trained cells, and what was before training, through one engine.

    Args:
        ready: The ladder.
        arms: Trained cells, of any budgets; those on other weights than the organism's last.
        progress: Where progress is shown.

    Returns:
        Seconds spent.
    """
    started = time.monotonic()
    # The engine needs the memory that training had.
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    every = [cell for arm in arms for cell in arm.cells]
    with closing(Served(ready, every, progress)) as served:
        _reference(ready, served, "organism", ready.built.folder, progress)
        for arm in arms:
            for mine in _by_budget(arm.cells):
                checkpoints = ServedCheckpoints(arm.ready, mine, served)
                measure_cells(arm.ready, mine, checkpoints, progress)
                for cell in mine:
                    finish_cell(ready, cell)
        if ready.built.clean is not None:
            _reference(ready, served, "base", ready.built.clean, progress)
    return time.monotonic() - started


def _by_budget(cells: Sequence[Cell]) -> list[list[Cell]]:
    """Cells with the same checkpoints, in order of their steps."""
    groups: dict[int, list[Cell]] = {}
    for cell in sorted(cells, key=lambda cell: cell.steps):
        groups.setdefault(cell.steps, []).append(cell)
    return list(groups.values())


def _reference(ready: Prepared, served: Served, who: str, where: Path, progress: Progress) -> None:
    """Rows of the organism or of its clean base, unless they are there."""
    folder = ready.folder.reference(who)
    parts = [part for part in ("attack", "capability") if not folder.has_rows(part)]
    if not parts:
        return
    with progress.phase(f"measuring the {who} before training", len(parts)) as tick:
        for part in parts:
            rows = (
                served.capability(where, None)
                if part == "capability"
                else served.attack(where, [None], ("attack", "control"))[0]
            )
            folder.keep_rows(part, [{"cell": who, "step": 0, **row} for row in rows])
            tick()
