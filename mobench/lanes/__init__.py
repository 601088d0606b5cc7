"""Lanes: several trainable copies that ride on one model in one forward pass.

A *lane* is one run's own weights: a LoRA adapter beside a frozen layer, or a whole stacked copy of
a small model. A batch holds the lanes' rows one lane after the other, ``[lanes * rows, tokens]``,
so every Hugging Face model, its ``generate`` and lm-eval work on it unchanged. Training and
measuring both ride on this room.
"""

from mobench.lanes.checkpoint_format import saved_config
from mobench.lanes.full import FullLanes, can_stack
from mobench.lanes.lora import LoraLanes
from mobench.lanes.scope import Lanes, Scope, Scoped
from mobench.lanes.stacking import CannotStack, stacked
from mobench.lanes.whole import WholeModel

__all__ = [
    "CannotStack",
    "FullLanes",
    "Lanes",
    "LoraLanes",
    "Scope",
    "Scoped",
    "WholeModel",
    "can_stack",
    "saved_config",
    "stacked",
]
