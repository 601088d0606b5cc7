"""The registry: collects organisms, tasks and behaviors, and names and selects nodes."""

from mobench.registry.api import behavior, task
from mobench.registry.collect import Registry, collect
from mobench.registry.config import Config, find_config
from mobench.registry.definitions import BehaviorDef, Example, TaskDef
from mobench.registry.fill import fill
from mobench.registry.judge import Judge, ScoreJudge, Settled
from mobench.registry.rubrics import Rubric
from mobench.registry.select import Node, format_lr, node_id, nodes_of, select
from mobench.registry.spec import OrganismSpec

__all__ = [
    "BehaviorDef",
    "Config",
    "Example",
    "Judge",
    "Node",
    "OrganismSpec",
    "Registry",
    "Rubric",
    "ScoreJudge",
    "Settled",
    "TaskDef",
    "behavior",
    "collect",
    "fill",
    "find_config",
    "format_lr",
    "node_id",
    "nodes_of",
    "select",
    "task",
]
