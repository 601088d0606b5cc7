"""Lanes: several trainable copies of a model that are computed in one forward pass.

A *lane* is the weights of one run: a LoRA adapter beside each frozen layer, or a whole copy of a
small model, stacked with the other copies. A batch holds the lanes' rows one lane after the other,
``[lanes * rows, tokens]``, so every Hugging Face model, its ``generate`` and lm-eval work on it
unchanged. Both training and measuring use lanes.
"""

from mobench.lanes.checkpoint_format import saved_config
from mobench.lanes.full import FullLanes, can_stack
from mobench.lanes.lora import LoraLanes
from mobench.lanes.scope import Lanes, Scope, Scoped
from mobench.lanes.stacking import CannotStack, Stack, stacked
from mobench.lanes.whole import WholeModel

__all__ = [
    "CannotStack",
    "FullLanes",
    "Lanes",
    "LoraLanes",
    "Scope",
    "Scoped",
    "Stack",
    "WholeModel",
    "can_stack",
    "saved_config",
    "stacked",
]
