"""Whether an adapter belongs to a base, told from the base's configuration and the adapter's files.

Nothing is loaded: an adapter of another model is refused within seconds, before gigabytes of the
base are fetched or read. PEFT would only warn of factors that it cannot place, and return the base
as if nothing were missing.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from mobench.assemble.adapter_tensors import misfits, tensor_shapes
from mobench.assemble.hub.parts import ADAPTER_CONFIG, ADAPTER_WEIGHTS
from mobench.assemble.loading import empty_model
from mobench.errors import MobenchError, listed
from mobench.registry.organism_spec import OrganismSpec

NOT_MERGED = ("megatron_config", "alora_invocation_tokens", "arrow_config")
"""Settings of PEFT's LoRA with which it acts on some tokens only, or on layers of another kind."""
_EMBEDDING = re.compile(r"(embed_tokens|lm_head|wte)(\.base_layer)?\.weight$")


def refuse_unfit(spec: OrganismSpec, adapter: Path, base: Path) -> None:
    """Refuses an adapter that cannot be merged into a base.

    Args:
        spec: The organism.
        adapter: The adapter's folder, in PEFT's format.
        base: A folder with the base's ``config.json``; its weights need not be there.

    Raises:
        MobenchError: It is no plain LoRA, which acts on every token alike; or a factor has no
            layer in the base, or one of another size.
    """
    config = adapter_config(adapter)
    kind = config.get("peft_type")
    special = next((f"LoRA with {name}" for name in NOT_MERGED if config.get(name)), None)
    if kind != "LORA" or special:
        raise MobenchError(
            f"{spec.name}: the adapter in {adapter} is of type {special or kind!r}",
            "only plain LoRA adapters can be merged; publish the merged model and name it as base",
        )
    shapes = tensor_shapes(adapter / ADAPTER_WEIGHTS)
    model = empty_model(base)
    make_room(model, shapes)
    unfit = misfits(shapes, model)
    if unfit:
        trained_on = config.get("base_model_name_or_path")
        raise MobenchError(
            f"{spec.name}: the adapter in {adapter} does not fit its base in {base}: "
            + listed(unfit, most=3),
            f"`base` in {spec.path} must be the model that the adapter was trained on"
            + (f", which it calls {trained_on}" if trained_on else ""),
        )


def adapter_config(adapter: Path) -> dict[str, Any]:
    """Returns an adapter's configuration, which was found readable when it was placed."""
    config: dict[str, Any] = json.loads((adapter / ADAPTER_CONFIG).read_text(encoding="utf-8"))
    return config


def make_room(model: Any, shapes: dict[str, tuple[int, ...]]) -> None:
    """Makes room for the embedding of tokens that an adapter's training added.

    Args:
        model: The base, which is changed.
        shapes: Shapes of the adapter's tensors, from :func:`tensor_shapes`.
    """
    rows = model.get_input_embeddings().weight.shape[0]
    adapter_rows = {shape[0] for name, shape in shapes.items() if _EMBEDDING.search(name)}
    if adapter_rows and adapter_rows != {rows}:
        model.resize_token_embeddings(max(adapter_rows), mean_resizing=False)
