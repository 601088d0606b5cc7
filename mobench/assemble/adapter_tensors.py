"""The tensors of an adapter: their names, and whether each has its place in the base.

PEFT places what it knows and drops the rest without a word: an adapter whose names lack PEFT's
prefix is merged as nothing. So names are brought into PEFT's form where that is plain, every tensor
is held against the base before PEFT is asked, and against what PEFT made of it afterwards.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from safetensors import safe_open
from torch import nn

from mobench.assemble.hub.parts import ADAPTER_CONFIG, ADAPTER_WEIGHTS
from mobench.lanes.lora import PEFT_PREFIX

FACTOR = re.compile(r"^(?P<module>.+)\.lora_(?P<of>(embedding_)?(?P<factor>[AB]))(\.weight)?$")
"""A factor's name without PEFT's prefix; those of an embedding end without ``weight``."""
_ADAPTER_NAME = re.compile(r"\.(modules_to_save\.)?default(?=\.|$)")
"""What a model's own state dict has in its names and PEFT takes out when it saves one."""


def peft_names(names: Iterable[str]) -> dict[str, str]:
    """Returns the names that PEFT would have saved tensors under, by the names that they have.

    Trainers that write a state dict by themselves leave out the prefix of PEFT's model, or leave in
    the adapter's name.
    """
    names = list(names)
    prefix = "" if any(name.startswith(PEFT_PREFIX) for name in names) else PEFT_PREFIX
    return {name: prefix + _ADAPTER_NAME.sub("", name) for name in names}


def tensor_shapes(file: Path) -> dict[str, tuple[int, ...]]:
    """Returns the shape of every tensor of an adapter, by name without PEFT's prefix."""
    with safe_open(file, framework="pt") as tensors:
        return {
            name.removeprefix(PEFT_PREFIX): tuple(tensors.get_slice(own).get_shape())
            for own, name in peft_names(tensors.keys()).items()
        }


def misfits(shapes: Mapping[str, tuple[int, ...]], model: Any) -> list[str]:
    """Returns which factors of the adapter have no layer in the model, or one of another size."""
    modules = dict(model.named_modules())
    found = []
    for name, shape in shapes.items():
        match = FACTOR.match(name)
        if match is None:
            continue
        module = modules.get(match["module"])
        weight = getattr(module, "weight", None)
        if weight is None:
            found.append(f"the base has no {match['module']}")
            continue
        # A has the layer's inputs, B its outputs. GPT-2's layers and embeddings are transposed, so
        # either axis of the weight may be the one.
        width = shape[1] if match["factor"] == "A" else shape[0]
        if width not in weight.shape:
            found.append(
                f"{match['module']} is {' x '.join(map(str, weight.shape))} and lora_"
                f"{match['of']} is {' x '.join(map(str, shape))}"
            )
    if not any(FACTOR.match(name) for name in shapes):
        found.append(f"it holds no LoRA factors, but {', '.join(list(shapes)[:3]) or 'nothing'}")
    return found


@contextmanager
def in_peft_names(adapter: Path) -> Iterator[Path]:
    """Gives a folder with the adapter under PEFT's names: its own where it has them."""
    file = adapter / ADAPTER_WEIGHTS
    with safe_open(file, framework="pt") as tensors:
        names = peft_names(tensors.keys())
    if all(own == name for own, name in names.items()):
        yield adapter
        return
    from safetensors.torch import load_file, save_file

    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        shutil.copy(adapter / ADAPTER_CONFIG, folder)
        save_file({names[own]: value for own, value in load_file(file).items()},
                  folder / ADAPTER_WEIGHTS)  # fmt: skip
        yield folder


def load_into(model: Any, adapter: Path) -> Any:
    """Returns the model in PEFT with an adapter's tensors, every one of them in its place.

    Args:
        model: The base.
        adapter: The adapter's folder, under PEFT's names.

    Raises:
        ValueError: PEFT has no place for a tensor, or a place that no tensor fills.
    """
    from peft import PeftModel

    device = str(model.device)
    try:
        wrapped = PeftModel.from_pretrained(
            model, str(adapter), is_trainable=False, torch_device=device
        )
    except KeyError as error:  # a whole layer or tokens that its configuration names
        raise ValueError(f"it holds no {error.args[0]}, which its configuration names") from error
    # Once more, because only this says which tensors found no place.
    placed = wrapped.load_adapter(str(adapter), "default", torch_device=device)
    if placed.unexpected_keys:
        raise ValueError(f"no place for {_some(placed.unexpected_keys)}")
    if placed.missing_keys:
        raise ValueError(f"its configuration asks for {_some(placed.missing_keys)}, which it lacks")
    return wrapped


def untie(wrapped: Any) -> None:
    """Gives a head that is the embedding a weight of its own, where LoRA is on either of them.

    PEFT adds each layer's update to what that layer computes. Merged into a weight that both layers
    share, it would change the other layer too, or be added twice.

    Args:
        wrapped: A model in PEFT, which is changed.
    """
    from peft.tuners.lora import LoraLayer

    model = wrapped.get_base_model()
    layers = model.get_input_embeddings(), model.get_output_embeddings()
    if not any(isinstance(layer, LoraLayer) for layer in layers):
        return
    embedding, head = (getattr(layer, "base_layer", layer) for layer in layers)
    if head is not None and head.weight is embedding.weight:
        head.weight = nn.Parameter(head.weight.detach().clone())
        model.config.tie_word_embeddings = False


def _some(names: list[str]) -> str:
    """The first of some tensors, and how many more there are, for a message."""
    more = f" and {len(names) - 1} more" if len(names) > 1 else ""
    return f"{names[0].removeprefix(PEFT_PREFIX)}{more}"
