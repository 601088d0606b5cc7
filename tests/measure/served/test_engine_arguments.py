"""What vLLM is asked for are names that the pinned version has: read from its files, not imported.

Its builds for GPUs and for CPUs are made from the same Python files of one version.
"""

from __future__ import annotations

import ast
from importlib.util import find_spec
from pathlib import Path

import pytest

from mobench.measure.vllm import installed, worker

pytestmark = pytest.mark.skipif(installed() is None, reason="vLLM is not installed")


def vllm_file(name: str) -> ast.Module:
    spec = find_spec("vllm")
    assert spec is not None
    assert spec.origin is not None
    return ast.parse((Path(spec.origin).parent / name).read_text(encoding="utf-8"))


def fields(tree: ast.Module, name: str) -> set[str]:
    """Names of a class's annotated fields and of its constructor's parameters."""
    (found,) = (n for n in ast.walk(tree) if isinstance(n, ast.ClassDef) and n.name == name)
    named = {n.target.id for n in found.body
             if isinstance(n, ast.AnnAssign) and isinstance(n.target, ast.Name)}  # fmt: skip
    for one in found.body:
        if isinstance(one, ast.FunctionDef) and one.name == "__init__":
            named |= {arg.arg for arg in [*one.args.args, *one.args.kwonlyargs]}
    return named


def asked(call: str) -> set[str]:
    """Keywords that the worker gives to a call, those that it makes in functions among them."""
    tree = ast.parse(Path(worker.__file__).read_text(encoding="utf-8"))
    names: set[str] = set()
    made: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == call:
            names |= {keyword.arg for keyword in node.keywords if keyword.arg}
            made |= {
                keyword.value.func.id
                for keyword in node.keywords
                if keyword.arg is None
                and isinstance(keyword.value, ast.Call)
                and isinstance(keyword.value.func, ast.Name)
            }
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and node.name in made:
            for part in ast.walk(node):
                if isinstance(part, ast.Return) and isinstance(part.value, ast.Dict):
                    keys = part.value.keys
                    names |= {str(key.value) for key in keys if isinstance(key, ast.Constant)}
    return names


def test_the_engine_is_started_with_settings_that_it_has() -> None:
    known = fields(vllm_file("engine/arg_utils.py"), "EngineArgs")
    wanted = asked("LLM")
    assert {"gpu_memory_utilization", "kv_cache_memory_bytes", "max_loras", "dtype"} <= wanted
    assert "tensor_parallel_size" in wanted
    assert wanted <= known


def test_answers_are_asked_for_with_parameters_that_it_has() -> None:
    known = fields(vllm_file("sampling_params.py"), "SamplingParams")
    wanted = asked("SamplingParams")
    assert {"ignore_eos", "prompt_logprobs"} <= wanted
    assert wanted <= known
