"""Stacked whole models, for full fine-tuning of a small model in many runs at once."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import nn
from transformers import PreTrainedModel

from mobench.lanes.norm import RMS_NORMS
from mobench.lanes.scope import Scope
from mobench.lanes.whole import load_exactly


class StackedLinear(nn.Module):
    """A linear layer with its own weight [lanes, out, in] (and bias) for each lane."""

    def __init__(self, base: nn.Linear, scope: Scope) -> None:
        super().__init__()
        self.scope = scope
        self.weight = _stack(base.weight, scope.total)
        self.bias = None if base.bias is None else _stack(base.bias, scope.total)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Maps [lanes * rows, …, in] to [lanes * rows, …, out]."""
        weight = self.scope.pick(self.weight)
        rows = x.reshape(weight.shape[0], -1, weight.shape[2])
        if self.bias is None:
            y = torch.bmm(rows, weight.transpose(1, 2))
        else:
            y = torch.baddbmm(self.scope.pick(self.bias)[:, None], rows, weight.transpose(1, 2))
        return y.view(*x.shape[:-1], weight.shape[1])


class StackedEmbedding(nn.Module):
    """A token table [lanes, vocabulary, width] for each lane."""

    def __init__(self, base: nn.Embedding, scope: Scope) -> None:
        super().__init__()
        self.scope = scope
        self.weight = _stack(base.weight, scope.total)
        self.padding_idx = base.padding_idx

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        """Maps token ids [lanes * rows, tokens] to [lanes * rows, tokens, width]."""
        weight = self.scope.pick(self.weight)
        lanes, vocabulary, width = weight.shape
        shift = torch.arange(lanes, device=ids.device) * vocabulary
        rows = ids.view(lanes, -1) + shift[:, None]
        return nn.functional.embedding(rows.view(ids.shape), weight.reshape(-1, width))


class StackedNorm(nn.Module):
    """Root-mean-square norm with a gain [lanes, width] for each lane (Llama, Qwen, Mistral)."""

    def __init__(self, base: nn.Module, scope: Scope) -> None:
        super().__init__()
        self.scope = scope
        assert isinstance(base.weight, torch.Tensor)
        self.weight = _stack(base.weight, scope.total)
        self.epsilon = float(base.variance_epsilon)  # type: ignore[arg-type]

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Normalizes [lanes * rows, …, width] over its last axis."""
        weight = self.scope.pick(self.weight)
        exact = x.float()
        exact = exact * torch.rsqrt(exact.pow(2).mean(-1, keepdim=True) + self.epsilon)
        rows = exact.to(x.dtype).view(weight.shape[0], -1, weight.shape[1])
        return (weight[:, None] * rows).view(x.shape)


def _stack(weight: torch.Tensor, lanes: int) -> nn.Parameter:
    return nn.Parameter(weight.detach().unsqueeze(0).repeat(lanes, *[1] * weight.ndim))


def _stacked(module: nn.Module, scope: Scope) -> nn.Module | None:
    """Returns the stacked version of a layer that holds weights, or None if there is none."""
    if type(module) is nn.Linear:
        return StackedLinear(module, scope)
    if type(module) is nn.Embedding:
        return StackedEmbedding(module, scope)
    if type(module).__name__ in RMS_NORMS:
        return StackedNorm(module, scope)
    return None


def can_stack(model: PreTrainedModel) -> bool:
    """Returns whether every weight of the model is in a layer that has a stacked version."""
    if model.config.tie_word_embeddings:
        # Two layers share one weight; stacked, they would be trained as two.
        return False
    probe = Scope(1)
    holders = [m for m in model.modules() if any(True for _ in m.parameters(recurse=False))]
    return all(_stacked(module, probe) is not None for module in holders)


class FullLanes:
    """R whole copies of a model, stacked weight by weight, in one forward pass.

    Args:
        model: The organism. Its layers are replaced in place; each lane starts as a copy of it.
        lanes: How many copies.

    Raises:
        ValueError: Some layer has no stacked version (see :func:`can_stack`).
    """

    def __init__(self, model: PreTrainedModel, lanes: int) -> None:
        if not can_stack(model):
            raise ValueError(f"{type(model).__name__} has layers that cannot be stacked")
        self.model = model
        self.scope = Scope(lanes)
        self._parameters: dict[str, nn.Parameter] = {}
        for name, module in list(model.named_modules()):
            layer = _stacked(module, self.scope)
            if layer is None:
                continue
            parent, _, leaf = name.rpartition(".")
            setattr(model.get_submodule(parent), leaf, layer)
            for key, value in layer.named_parameters():
                self._parameters[f"{name}.{key}"] = value

    def trainable(self) -> dict[str, nn.Parameter]:
        """Every weight of the model, [lanes, …], under its Hugging Face name."""
        return dict(self._parameters)

    def state(self, lane: int) -> dict[str, torch.Tensor]:
        """One lane's whole weights under their Hugging Face names, copied to the CPU."""
        return {k: v[lane].detach().cpu().clone() for k, v in self._parameters.items()}

    def load(self, lane: int, state: Mapping[str, torch.Tensor]) -> None:
        """Puts whole weights into a lane.

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
