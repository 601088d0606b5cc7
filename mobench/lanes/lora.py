"""Stacked LoRA adapters on one frozen base."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import torch
from torch import nn
from transformers import PreTrainedModel
from transformers.pytorch_utils import Conv1D

from mobench.lanes.low_rank import low_rank
from mobench.lanes.norm import KNOWN as NORMS
from mobench.lanes.norm import FrozenNorm
from mobench.lanes.scope import Scope

PEFT_PREFIX = "base_model.model."


class LoraLinear(nn.Module):
    """A frozen linear layer with one low-rank update for each lane.

    Lane l adds ``scaling * B[l] A[l] x`` (Hu et al. 2021, arXiv 2106.09685), computed in the
    adapters' own precision and added before the sum is rounded back, as PEFT does.

    Args:
        base: The layer that stays as it is (``nn.Linear`` or GPT-2's ``Conv1D``).
        scope: The lanes in use.
        rank: Rank of the update.
        scaling: ``alpha / rank``.
        dtype: Precision of A and B.
    """

    def __init__(
        self, base: nn.Module, scope: Scope, *, rank: int, scaling: float, dtype: torch.dtype
    ) -> None:
        super().__init__()
        weight = base.weight
        assert isinstance(weight, torch.Tensor)
        rows, columns = weight.shape
        self.outputs, self.inputs = (columns, rows) if isinstance(base, Conv1D) else (rows, columns)
        self.base = base
        self.scope = scope
        self.scaling = scaling
        lanes, where = scope.total, weight.device
        self.a = nn.Parameter(torch.zeros(lanes, rank, self.inputs, dtype=dtype, device=where))
        self.b = nn.Parameter(torch.zeros(lanes, self.outputs, rank, dtype=dtype, device=where))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Maps [lanes * rows, …, inputs] to [lanes * rows, …, outputs]."""
        a, b = self.scope.pick(self.a), self.scope.pick(self.b)
        product = _product(self.base)
        if product is not None:
            return low_rank(x, *product, a, b, self.scaling)
        frozen: torch.Tensor = self.base(x)
        rows = x.reshape(a.shape[0], -1, self.inputs).to(a.dtype)
        update = torch.bmm(torch.bmm(rows, a.transpose(1, 2)), b.transpose(1, 2))
        return (frozen + self.scaling * update.view(frozen.shape)).to(frozen.dtype)


def _product(layer: nn.Module) -> tuple[torch.Tensor, torch.Tensor | None] | None:
    """Frozen weight [outputs, inputs] and bias, where calling the layer does no more with them."""
    weight, bias = layer.weight, layer.bias
    assert isinstance(weight, torch.Tensor)
    assert bias is None or isinstance(bias, torch.Tensor)
    hooked = layer._forward_hooks or layer._forward_pre_hooks or hasattr(layer, "_hf_hook")
    if hooked or weight.requires_grad:
        return None
    if type(layer) is nn.Linear:
        return weight, bias
    return (weight.T, bias) if type(layer) is Conv1D else None


class LoraLanes:
    """One frozen model with a fresh LoRA on all its linear layers, for each seed given.

    The layers are those that PEFT's ``target_modules="all-linear"`` takes: every linear layer but
    the output head. A lane's start depends on its seed alone, never on its neighbors.

    Args:
        model: The base; its parameters are frozen and its linear layers wrapped in place.
        seeds: One seed for each lane, for A; B starts at zero.
        rank: Rank r of every update.
        alpha: LoRA's alpha; the update is scaled by ``alpha / rank``.
        dtype: Precision of the adapters. PEFT keeps them in float32 over a bfloat16 base.
    """

    def __init__(
        self,
        model: PreTrainedModel,
        seeds: Sequence[int],
        *,
        rank: int,
        alpha: float,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        self.model = model
        self.scope = Scope(len(seeds))
        self.rank, self.alpha = rank, alpha
        model.requires_grad_(False)
        head = model.get_output_embeddings()
        targets = [
            (name, module)
            for name, module in model.named_modules()
            if isinstance(module, nn.Linear | Conv1D) and module is not head
        ]
        self.layers: dict[str, LoraLinear] = {}
        for name, module in targets:
            layer = LoraLinear(module, self.scope, rank=rank, scaling=alpha / rank, dtype=dtype)
            _put(model, name, layer)
            self.layers[name] = layer
        self.norms = {
            name: FrozenNorm(module)
            for name, module in model.named_modules()
            if type(module).__name__ in NORMS
        }
        for name, norm in self.norms.items():
            _put(model, name, norm)
        for lane, seed in enumerate(seeds):
            self.reset(lane, seed)

    def reset(self, lane: int, seed: int) -> None:
        """Starts a lane afresh: A uniform as PEFT draws it (Kaiming, a = √5), B zero."""
        generator = torch.Generator().manual_seed(seed)
        with torch.no_grad():
            for layer in self.layers.values():
                draw = torch.empty(layer.a.shape[1:], dtype=torch.float32)
                nn.init.kaiming_uniform_(draw, a=math.sqrt(5), generator=generator)
                layer.a[lane].copy_(draw)
                layer.b[lane].zero_()

    def trainable(self) -> dict[str, nn.Parameter]:
        """The stacked A [lanes, rank, inputs] and B [lanes, outputs, rank] of every layer."""
        named: dict[str, nn.Parameter] = {}
        for name, layer in self.layers.items():
            named[f"{name}.lora_A"] = layer.a
            named[f"{name}.lora_B"] = layer.b
        return named

    def state(self, lane: int) -> dict[str, torch.Tensor]:
        """One lane's adapter under PEFT's own key names, copied to the CPU."""
        return {
            f"{PEFT_PREFIX}{name}.weight": value[lane].detach().cpu().clone()
            for name, value in self.trainable().items()
        }

    def load(self, lane: int, state: Mapping[str, torch.Tensor]) -> None:
        """Puts an adapter saved in PEFT's format into a lane.

        Raises:
            ValueError: If the adapter's layers are not exactly this model's: an adapter that fits
                only in part would be measured as if it were whole.
        """
        wanted = {f"{PEFT_PREFIX}{name}.weight": value for name, value in self.trainable().items()}
        if wanted.keys() != state.keys():
            odd = sorted(wanted.keys() ^ state.keys())
            raise ValueError(f"adapter and model differ in {len(odd)} tensors, first {odd[0]!r}")
        with torch.no_grad():
            for key, value in wanted.items():
                value[lane].copy_(state[key])

    def merge(self, lane: int) -> PreTrainedModel:
        """Adds one lane's update into the base weights and takes the wrappers off.

        Returns:
            The plain model, in its own precision. The lanes are gone from it.
        """
        with torch.no_grad():
            for name, layer in self.layers.items():
                weight = layer.base.weight
                assert isinstance(weight, torch.Tensor)
                update = layer.scaling * (layer.b[lane] @ layer.a[lane])
                if isinstance(layer.base, Conv1D):
                    update = update.T
                weight.copy_((weight.to(update.dtype) + update).to(weight.dtype))
                _put(self.model, name, layer.base)
        for name, norm in self.norms.items():
            _put(self.model, name, norm.base)
        self.layers, self.norms = {}, {}
        return self.model


def _put(model: PreTrainedModel, name: str, layer: nn.Module) -> None:
    """Puts a layer where another one was."""
    parent, _, leaf = name.rpartition(".")
    setattr(model.get_submodule(parent), leaf, layer)
