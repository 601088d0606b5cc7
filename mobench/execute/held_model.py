"""The model that a process has loaded: one at a time, and kept from one pack to the next."""

from __future__ import annotations

from pathlib import Path

from transformers import PreTrainedModel

from mobench.assemble.loading import load_model
from mobench.gate.request import RunRequest
from mobench.lanes import Stack
from mobench.machine.memory_errors import free_memory


class HeldModel:
    """Loads models, and hands the one that it holds out again where nothing has changed it.

    A base under LoRA is frozen, so that once its lanes are taken off it is what was loaded. A 70B
    takes minutes to read, and a ladder has many packs.

    Args:
        request: Says in which precision models are, and where.
    """

    def __init__(self, request: RunRequest) -> None:
        self._request = request
        self._held: tuple[Path, PreTrainedModel] | None = None
        self._steady = False

    def get(self, weights: Path) -> PreTrainedModel:
        """Returns the model of a folder; any other one is let go before it is loaded."""
        if self._held is None or self._held[0] != weights or not self._steady:
            self.drop()
            spec, device = self._request.spec, self._request.device
            self._held = weights, load_model(weights, dtype=spec.dtype, device=device)
            self._steady = _is_steady(self._held[1])
        return self._held[1]

    def give_back(self, lanes: Stack) -> None:
        """Takes the lanes off the model that they were put on; one that they changed is let go."""
        if self._held is None or not lanes.take_off():
            self.drop()

    def drop(self) -> None:
        """Lets the model go, with all that nothing else refers to."""
        self._held = None
        # Models hold themselves in cycles, and the next one would lie beside it.
        free_memory()


def _is_steady(model: PreTrainedModel) -> bool:
    """Whether asking a model that was just loaded leaves it as it is.

    lm-eval ties the head to the embedding where the configuration says so, also where the file
    holds another head and loading has kept it.
    """
    into, out = model.get_input_embeddings(), model.get_output_embeddings()
    told = bool(getattr(model.config, "tie_word_embeddings", False))
    return not told or out is None or out.weight is into.weight
