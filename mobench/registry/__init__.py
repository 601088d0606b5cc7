"""The registry: collects organisms, tasks and behaviors, and names and selects nodes."""

from mobench.registry.bound_behavior import Judge, ScoreJudge, Settled
from mobench.registry.collection import Registry, collect, collect_for
from mobench.registry.config import Config, find_config
from mobench.registry.decorators import behavior, task
from mobench.registry.definitions import BehaviorDef, Example, TaskDef
from mobench.registry.fixtures import fill
from mobench.registry.organism_spec import OrganismSpec
from mobench.registry.rubrics import Rubric
from mobench.registry.select import Node, node_id, nodes_of, select

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
    "collect_for",
    "fill",
    "find_config",
    "node_id",
    "nodes_of",
    "select",
    "task",
]
