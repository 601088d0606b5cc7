"""A model whose blocks are spread over several devices.

All that is not in a block stays on the first device: embedding, last norm, head, and so token ids,
logits and losses. Each device holds blocks that follow one another, and what enters a block is
moved to where it is. So whoever uses the model need not know, lanes included: an adapter is where
its layer is. The devices work in turn, one at a time: this makes a model fit and does not make it
faster.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass, replace
from typing import Any

import torch
from torch import nn
from transformers import PreTrainedModel
from transformers.modeling_layers import GradientCheckpointingLayer


def block_names(model: PreTrainedModel) -> list[str]:
    """Returns the names of the model's blocks, in the order in which it computes them."""
    return [
        name
        for name, module in model.named_modules()
        if isinstance(module, GradientCheckpointingLayer)
    ]


def block_places(model: PreTrainedModel, devices: Sequence[str]) -> dict[str, str]:
    """Returns the device of each block.

    Every device gets about the same bytes of weights; the first one's count embedding and head.

    Args:
        model: The model; its weights may have no memory yet.
        devices: At least one.
    """
    names = block_names(model)
    sizes = [_bytes(model.get_submodule(name)) for name in names]
    left, places, number = _bytes(model), {}, 0
    held = left - sum(sizes)
    for name, size in zip(names, sizes, strict=True):
        # By the middle of the block: what is over goes now to one device and now to the next.
        while number < len(devices) - 1 and held + size / 2 > left / (len(devices) - number):
            left, held, number = left - held, 0, number + 1
        places[name] = devices[number]
        held += size
    return places


def device_map(model: PreTrainedModel, devices: Sequence[str]) -> dict[str, str]:
    """Returns where each part of a model is loaded to, as ``from_pretrained`` takes it.

    Args:
        model: The model; its weights may have no memory yet.
        devices: At least one.
    """
    places = block_places(model, devices)
    inside = tuple(f"{name}." for name in places)
    outside = {
        name: devices[0]
        for name, module in model.named_modules()
        if name not in places
        and not name.startswith(inside)
        and any(True for _ in (*module.parameters(recurse=False), *module.buffers(recurse=False)))
    }
    return outside | places


def spread(model: PreTrainedModel, devices: Sequence[str]) -> PreTrainedModel:
    """Puts a model's parts on their devices, and has each block get what it needs where it is.

    Args:
        model: The model; parts that are where they belong stay there.
        devices: Several.

    Returns:
        The same model.
    """
    places = block_places(model, devices)
    blocks = {name: model.get_submodule(name) for name in places}
    inside = {id(p) for block in blocks.values() for p in _tensors(block)}
    for module in model.modules():
        if all(id(p) not in inside for p in _tensors(module)):
            module.to(devices[0])
    moving = _Moving()
    for name, block in blocks.items():
        block.to(places[name])
        hook = moving.into(torch.device(places[name]))
        block.register_forward_pre_hook(hook, with_kwargs=True)
    last = list(blocks.values())[-1]
    # What comes after the last block is on the first device.
    last.register_forward_hook(lambda _, __, output: _moved(output, torch.device(devices[0]), {}))
    return model


class _Moving:
    """Moves what all blocks get, such as masks, once to each device for each forward pass."""

    def __init__(self) -> None:
        self._there: dict[torch.device, dict[int, tuple[torch.Tensor, torch.Tensor]]] = {}

    def into(self, device: torch.device) -> Any:
        """Returns the hook of a block on a device."""

        def hook(
            _: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]
        ) -> tuple[tuple[Any, ...], dict[str, Any]]:
            there = self._there.setdefault(device, {})
            # The hidden states are another tensor for each block: nothing of them is kept.
            moved = _moved(args, device, {})
            given = {id(tensor) for tensor in _tensors_in(kwargs)}
            for key in there.keys() - given:
                del there[key]
            return moved, _moved(kwargs, device, there)

        return hook


def _moved(
    value: Any, device: torch.device, there: dict[int, tuple[torch.Tensor, torch.Tensor]]
) -> Any:
    """Returns a value with its tensors on a device; other objects, such as caches, as they are.

    Args:
        value: Whatever a block is given or gives.
        device: The device.
        there: What was moved to it before, by the tensor's identity; the tensor itself is kept with
            it, so that no other one can have that identity.
    """
    if isinstance(value, torch.Tensor):
        if value.device == device:
            return value
        if id(value) not in there:
            there[id(value)] = value, value.to(device)
        return there[id(value)][1]
    if type(value) in (tuple, list):
        return type(value)(_moved(item, device, there) for item in value)
    if isinstance(value, Mapping) and type(value) is dict:
        return {key: _moved(item, device, there) for key, item in value.items()}
    if is_dataclass(value) and not isinstance(value, type):
        changed = {f.name: getattr(value, f.name) for f in fields(value)}
        return replace(value, **{n: _moved(v, device, there) for n, v in changed.items()})
    return value


def _tensors_in(value: Any) -> list[torch.Tensor]:
    if isinstance(value, torch.Tensor):
        return [value]
    if type(value) in (tuple, list):
        return [tensor for item in value for tensor in _tensors_in(item)]
    if type(value) is dict:
        return _tensors_in(list(value.values()))
    if is_dataclass(value) and not isinstance(value, type):
        return _tensors_in([getattr(value, f.name) for f in fields(value)])
    return []


def _tensors(module: nn.Module) -> list[torch.Tensor]:
    return [*module.parameters(), *module.buffers()]


def _bytes(module: nn.Module) -> int:
    return sum(tensor.numel() * tensor.itemsize for tensor in _tensors(module))
