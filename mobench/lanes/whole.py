"""One run of full fine-tuning on a plain model, which can be of any architecture."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import nn
from transformers import PreTrainedModel

from mobench.lanes.scope import Scope


class WholeModel:
    """A stack whose only lane is the model itself, of any architecture and with tied weights too.

    Args:
        model: The organism; trained in place, in its own memory.
    """

    def __init__(self, model: PreTrainedModel) -> None:
        self.model = model.requires_grad_(True)
        self.scope = Scope(1)
        self._parameters = {name: _as_lane(p) for name, p in model.named_parameters()}

    def trainable(self) -> dict[str, nn.Parameter]:
        """Every weight of the model, [1, …], under its Hugging Face name; tied ones once."""
        return dict(self._parameters)

    def state(self, lane: int) -> dict[str, torch.Tensor]:
        """The weights under their Hugging Face names, copied to the CPU."""
        return {k: v[lane].detach().cpu().clone() for k, v in self._parameters.items()}

    def load(self, lane: int, state: Mapping[str, torch.Tensor]) -> None:
        """Puts whole weights into the model.

        Raises:
            ValueError: The names are not exactly this model's.
        """
        load_exactly(self._parameters, lane, state)

    def take_off(self) -> bool:
        """Does nothing: these weights were trained.

        Returns:
            False: the model is another one.
        """
        return False


def _as_lane(weight: nn.Parameter) -> nn.Parameter:
    """Returns the weight as [1, …] in the same memory, to which its gradients are handed on."""
    lane = nn.Parameter(weight.detach()[None])

    def hand_on(_: torch.Tensor) -> None:
        assert weight.grad is not None
        lane.grad = weight.grad[None] if lane.grad is None else lane.grad.add_(weight.grad)
        weight.grad = None

    weight.register_post_accumulate_grad_hook(hand_on)  # type: ignore[no-untyped-call]
    return lane


def load_exactly(
    parameters: Mapping[str, nn.Parameter], lane: int, state: Mapping[str, torch.Tensor]
) -> None:
    """Copies weights into one lane of stacked parameters.

    Raises:
        ValueError: The names differ. A model of which only some weights match would be measured as
            if all of them did.
    """
    if state.keys() != parameters.keys():
        different = sorted(state.keys() ^ parameters.keys())
        raise ValueError(
            f"weights and model differ in {len(different)} tensors, first {different[0]!r}"
        )
    with torch.no_grad():
        for name, value in parameters.items():
            value[lane].copy_(state[name])
