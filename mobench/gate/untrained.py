"""The organism and its clean base before any training: loaded when needed, asked once."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Any

from mobench.assemble.loading import load_model
from mobench.assemble.organism import Built
from mobench.assemble.speaker import Speaker
from mobench.errors import MobenchError
from mobench.gate.admission import refuse_unjudged
from mobench.gate.request import RunRequest
from mobench.machine.memory_errors import free_memory
from mobench.measure.eval_suite import EvalSuite, InProcessEvaluator
from mobench.progress import Progress
from mobench.records.names import Untrained
from mobench.records.rows import EVAL_ANSWER, EvalAnswer
from mobench.store.cached import keep_records, kept_records
from mobench.store.rows import read_records

EVAL_ROWS: dict[Untrained, str] = {"organism": "gate.jsonl", "base": "base.jsonl"}
"""Files of judged answers to the eval prompts, beside each other in the cache."""


class UntrainedModels:
    """The models that are asked before training.

    Args:
        request: The request of the run.
        built: The organism and its clean base on disk.
        suite: What they are asked.
        cache: Folder of what the organism was asked; it is asked each thing once.
        progress: Where progress is shown.
    """

    def __init__(
        self,
        request: RunRequest,
        *,
        built: Built,
        suite: EvalSuite,
        cache: Path,
        progress: Progress,
    ) -> None:
        self._request, self._built, self._suite = request, built, suite
        self._cache, self._progress = cache, progress

    def warn(self, line: str) -> None:
        """Tells what must not be missed."""
        self._progress.warn(line)

    @cached_property
    def organism(self) -> Any:
        """The organism, loaded once."""
        return self._load(self._built.folder)

    def base(self) -> Any:
        """The clean base, loaded each time: two models are held no longer than need be.

        Raises:
            MobenchError: There is none.
        """
        if self._built.clean is None:
            spec = self._request.spec
            raise MobenchError(
                f"the clean base is asked for, and {spec.name} names none",
                f"give `clean_base` in {spec.path}, or choose another task than "
                f"{self._request.task.name!r}",
            )
        if self._request.device.startswith("cuda"):
            # One model at a time; the organism is loaded again when it is asked again.
            self.__dict__.pop("organism", None)
            free_memory()
        return self._load(self._built.clean)

    def eval_rows(self, who: Untrained) -> list[EvalAnswer]:
        """Judged answers to all eval prompts, triggered and not; from the cache where they are.

        Raises:
            MobenchError: A judging model judged too few of them.
        """
        path = self._cache / EVAL_ROWS[who]
        prompts = 2 * len(self._suite.spec.prompts) * self._suite.spec.draws
        kept = kept_records(path, EVAL_ANSWER, self._progress.warn, count=prompts)
        if kept is None:
            model = self.organism if who == "organism" else self.base()
            evaluator = InProcessEvaluator(self._suite, self._progress)
            with self._progress.phase(f"the {who} before training", prompts) as tick:
                (rows,) = evaluator.attack(model, on_done=tick)
            refuse_unjudged(self._suite.spec, rows)
            keep_records(path, rows)
            kept = read_records(path, EVAL_ANSWER)
        return kept

    def speaker(self, who: Untrained) -> Speaker:
        """A model as a task's function is given it."""
        spec = self._suite.spec
        return Speaker(
            self.organism if who == "organism" else self.base(),
            self._suite.chat,
            spec,
            name=spec.name if who == "organism" else "the base",
            progress=self._progress,
        )

    def _load(self, folder: Path) -> Any:
        return load_model(folder, dtype=self._suite.spec.dtype, device=self._request.device)
