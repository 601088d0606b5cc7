"""The configuration saved beside a lane's weights, with which PEFT or transformers reads them."""

from __future__ import annotations

import json
from typing import Any

from transformers.pytorch_utils import Conv1D

from mobench.lanes.lora import LoraLanes
from mobench.lanes.scope import Lanes


def saved_config(lanes: Lanes) -> dict[str, Any]:
    """Returns the configuration that belongs to the weights of any lane.

    Args:
        lanes: The stack; :meth:`Lanes.state` gives the weights.

    Returns:
        For LoRA the content of PEFT's ``adapter_config.json``, for whole weights that of
        transformers' ``config.json``. It holds no path of this machine.
    """
    if isinstance(lanes, LoraLanes):
        return _adapter_config(lanes)
    config: dict[str, Any] = json.loads(lanes.model.config.to_json_string(use_diff=False))
    return {key: value for key, value in config.items() if key != "_name_or_path"}


def _adapter_config(lanes: LoraLanes) -> dict[str, Any]:
    from peft import LoraConfig

    config = LoraConfig(
        task_type="CAUSAL_LM",
        r=lanes.rank,
        lora_alpha=lanes.alpha,
        # By name and not as "all-linear": not every engine knows that shorthand of PEFT's.
        target_modules=sorted({name.rpartition(".")[2] for name in lanes.layers})
        if isinstance(lanes.targets, str)
        else sorted(lanes.targets),
        fan_in_fan_out=any(isinstance(layer.base, Conv1D) for layer in lanes.layers.values()),
        inference_mode=True,
    ).to_dict()
    return {
        key: sorted(value) if isinstance(value, set) else value for key, value in config.items()
    }
