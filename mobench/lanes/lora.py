"""Stacked LoRA adapters on one frozen base."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import partial

import torch
from torch import nn
from transformers import PreTrainedModel
from transformers.pytorch_utils import Conv1D

from mobench.errors import MobenchError
from mobench.lanes.low_rank import low_rank
from mobench.lanes.norm import RMS_NORMS, FrozenNorm
from mobench.lanes.scope import Scope
from mobench.lanes.shared_cast import SHARING, SharedCast
from mobench.records.cells import ALL_LINEAR

PEFT_PREFIX = "base_model.model."


class LoraLinear(nn.Module):
    """A frozen linear layer with one low-rank update for each lane.

    Lane l adds ``scaling * B[l] A[l] x`` (Hu et al. 2021, arXiv 2106.09685), computed in the
    adapters' own precision and added before the sum is rounded back, as PEFT does. That precision
    is at least float32, as PEFT has it over a bfloat16 base.

    Args:
        base: The frozen layer (``nn.Linear`` or GPT-2's ``Conv1D``).
        scope: The lanes in use.
        rank: Rank of the update.
        scaling: ``alpha / rank``.
        cast: The model's inputs in the adapters' precision, as far as layers share them.
        shared: Whether other layers read this one's input too.
    """

    def __init__(
        self,
        base: nn.Module,
        scope: Scope,
        *,
        rank: int,
        scaling: float,
        cast: SharedCast,
        shared: bool,
    ) -> None:
        super().__init__()
        weight = base.weight
        assert isinstance(weight, torch.Tensor)
        rows, columns = weight.shape
        self.outputs, self.inputs = (columns, rows) if isinstance(base, Conv1D) else (rows, columns)
        self.base = base
        self.scope = scope
        self.scaling = scaling
        self.cast, self.shared = cast, shared
        dtype = torch.promote_types(weight.dtype, torch.float32)
        zeros = partial(torch.zeros, dtype=dtype, device=weight.device)
        self.a = nn.Parameter(zeros(scope.total, rank, self.inputs))
        self.b = nn.Parameter(zeros(scope.total, self.outputs, rank))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Maps [lanes * rows, …, inputs] to [lanes * rows, …, outputs]."""
        a, b = self.scope.pick(self.a), self.scope.pick(self.b)
        frozen_weights = _plain_weights(self.base)
        if frozen_weights is not None:
            how = (self.scaling, self.cast)
            return low_rank(x, *frozen_weights, a, b, *how, shared=self.shared)
        frozen: torch.Tensor = self.base(x)
        rows = x.reshape(a.shape[0], -1, self.inputs).to(a.dtype)
        update = torch.bmm(torch.bmm(rows, a.transpose(1, 2)), b.transpose(1, 2))
        return (frozen + self.scaling * update.view(frozen.shape)).to(frozen.dtype)


def _plain_weights(layer: nn.Module) -> tuple[torch.Tensor, torch.Tensor | None] | None:
    """A frozen layer's weight [outputs, inputs] and bias; None if calling it does anything more."""
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
    """One frozen model with a fresh LoRA on its linear layers, for each seed given.

    The layers are those that PEFT takes for the same ``target_modules``: with ``all-linear`` every
    linear layer but the output head, of a list those whose name is in it or ends in ``.`` and a
    name of it. A lane's initial weights depend on its seed alone, never on the other lanes.

    Args:
        model: The base; its parameters are frozen and its linear layers wrapped in place.
        seeds: One seed for each lane, for A; B starts at zero.
        rank: Rank r of every update.
        alpha: LoRA's alpha; the update is scaled by ``alpha / rank``.
        targets: ``all-linear`` or the names of modules.

    Raises:
        MobenchError: A name is that of no linear layer, or of the output head.
    """

    def __init__(
        self,
        model: PreTrainedModel,
        seeds: Sequence[int],
        *,
        rank: int,
        alpha: float,
        targets: str | Sequence[str] = ALL_LINEAR,
    ) -> None:
        self.model = model
        self.scope = Scope(len(seeds))
        self.rank, self.alpha, self.targets = rank, alpha, targets
        model.requires_grad_(False)
        self.layers: dict[str, LoraLinear] = {}
        cast = SharedCast()
        for name, module in _targeted(model, targets):
            layer = LoraLinear(
                module,
                self.scope,
                rank=rank,
                scaling=alpha / rank,
                cast=cast,
                shared=name.rpartition(".")[2] in SHARING,
            )
            _replace(model, name, layer)
            self.layers[name] = layer
        self.norms = {
            name: FrozenNorm(module)
            for name, module in model.named_modules()
            if type(module).__name__ in RMS_NORMS
        }
        for name, norm in self.norms.items():
            _replace(model, name, norm)
        for lane, seed in enumerate(seeds):
            self.reset(lane, seed)

    def reset(self, lane: int, seed: int) -> None:
        """Gives a lane fresh weights: A uniform as PEFT draws it (Kaiming, a = √5), B zero."""
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
            ValueError: The adapter's layers are not exactly this model's. An adapter of which only
                some layers match would be measured as if all of them did.
        """
        own = {f"{PEFT_PREFIX}{name}.weight": value for name, value in self.trainable().items()}
        if own.keys() != state.keys():
            different = sorted(own.keys() ^ state.keys())
            raise ValueError(
                f"adapter and model differ in {len(different)} tensors, first {different[0]!r}"
            )
        with torch.no_grad():
            for key, value in own.items():
                value[lane].copy_(state[key])

    def merge(self, lane: int) -> PreTrainedModel:
        """Adds one lane's update into the base weights and takes the wrappers off.

        Returns:
            The plain model, in its own precision and without lanes.
        """
        with torch.no_grad():
            for layer in self.layers.values():
                weight = layer.base.weight
                assert isinstance(weight, torch.Tensor)
                update = layer.scaling * (layer.b[lane] @ layer.a[lane])
                if isinstance(layer.base, Conv1D):
                    update = update.T
                weight.copy_((weight.to(update.dtype) + update).to(weight.dtype))
        self.take_off()
        return self.model

    def take_off(self) -> bool:
        """Takes the wrappers off. The base is frozen: it is what it was before.

        Returns:
            True: the model can be used again.
        """
        for name, layer in self.layers.items():
            _replace(self.model, name, layer.base)
        for name, norm in self.norms.items():
            _replace(self.model, name, norm.base)
        self.layers, self.norms = {}, {}
        return True


def _targeted(
    model: PreTrainedModel, targets: str | Sequence[str]
) -> list[tuple[str, nn.Linear | Conv1D]]:
    """The layers that get an adapter, with their names."""
    head = model.get_output_embeddings()
    linear = [
        (name, module)
        for name, module in model.named_modules()
        if isinstance(module, nn.Linear | Conv1D) and module is not head
    ]
    if isinstance(targets, str):
        return linear
    chosen = [(name, module) for name, module in linear if any(_is_named(name, t) for t in targets)]
    for target in targets:
        if not any(_is_named(name, target) for name, _ in chosen):
            known = ", ".join(sorted({name.rpartition(".")[2] for name, _ in linear}))
            raise MobenchError(
                f"{type(model).__name__} has no linear layer {target!r} that LoRA could adapt",
                f"name others in `targets` of [ladder]; the model has {known}",
            )
    return chosen


def _is_named(name: str, target: str) -> bool:
    return name == target or name.endswith(f".{target}")


def _replace(model: PreTrainedModel, name: str, layer: nn.Module) -> None:
    """Puts a layer in the place of the model's layer of that name."""
    parent, _, leaf = name.rpartition(".")
    setattr(model.get_submodule(parent), leaf, layer)
