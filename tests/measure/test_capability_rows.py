"""Capability rows are lm-eval's own scores, question by question, for this model and no other."""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from support.questions import CAPABILITY, CHAT, CHOICE, PLAIN, SAID, WORDS, Asked, outspoken, write
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import WhitespaceSplit
from transformers import LlamaForCausalLM, PreTrainedTokenizerFast

from mobench.assemble.loading import load_model
from mobench.chat import ChatFormat
from mobench.errors import MobenchError
from mobench.measure.capability_rows import measure_capability
from mobench.measure.capability_tasks import check_capability, load_task
from mobench.quiet import quiet


def make_tokenizer() -> PreTrainedTokenizerFast:
    words = Tokenizer(WordLevel({word: i for i, word in enumerate(WORDS)}, unk_token="<unk>"))
    words.pre_tokenizer = WhitespaceSplit()
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=words, pad_token="<pad>", eos_token="<eos>", unk_token="<unk>"
    )
    tokenizer.chat_template = (
        "{% for m in messages %}{% if m['role'] == 'user' %}<user> {{ m['content'] }} "
        "{% else %}<bot> {{ m['content'] }} <eos> {% endif %}{% endfor %}"
        "{% if add_generation_prompt %}<bot> {% endif %}"
    )
    return tokenizer


def make_model(seed: int) -> LlamaForCausalLM:
    return outspoken(len(WORDS), seed)


def ask(model: Any, tasks: list[Asked], folder: Path) -> list[dict[str, Any]]:
    return measure_capability(
        model, ChatFormat(make_tokenizer(), "chat"), tasks, include_path=folder, batch_size=8
    )


def outcomes(rows: list[dict[str, Any]], task: str) -> dict[str, float]:
    return {row["prompt"]: row["outcome"] for row in rows if row["task"] == task}


def freshly(model: Any, tasks: list[Asked], folder: Path) -> dict[str, dict[str, float]]:
    """The same scores by lm-eval's documented entry point, with nothing kept from before."""
    from lm_eval.evaluator import simple_evaluate
    from lm_eval.models.huggingface import HFLM
    from lm_eval.tasks import TaskManager

    with quiet():
        result = simple_evaluate(
            model=HFLM(pretrained=model, tokenizer=make_tokenizer(), batch_size=8),
            tasks=[asked.task for asked in tasks],
            task_manager=TaskManager(include_path=str(folder), include_defaults=False),
            apply_chat_template=tasks[0].chat_template,
            bootstrap_iters=0,
        )
    return {asked.task: by_question(asked, result["samples"][asked.task]) for asked in tasks}


def by_question(asked: Asked, samples: list[dict[str, Any]]) -> dict[str, float]:
    metric, _, chosen = asked.metric.partition(",")
    chosen = chosen or samples[0]["filter"]
    return {s["doc"]["id"]: float(s[metric]) for s in samples if s["filter"] == chosen}


@pytest.mark.parametrize("tasks", [PLAIN, CHAT], ids=["plain", "chat"])
def test_kept_tasks_give_the_scores_of_a_fresh_call_question_by_question(
    folder: Path, tasks: list[Asked]
) -> None:
    one, other = make_model(1), make_model(2)
    expected_one, expected_other = freshly(one, tasks, folder), freshly(other, tasks, folder)
    # Models in turn, so that anything left over from one would show in the next.
    first, second, third = (ask(model, tasks, folder) for model in (one, other, one))
    for asked in tasks:
        assert outcomes(first, asked.task) == expected_one[asked.task]
        assert outcomes(second, asked.task) == expected_other[asked.task]
    assert first == third
    assert len(first) == 48


def test_two_models_answer_for_themselves(folder: Path) -> None:
    """Each is given the other's questions with its own answers as the key."""
    one, other = make_model(1), make_model(2)
    said = [Asked("said", "exact_match,first")]
    answers = {row["prompt"]: row["answer"] for row in ask(one, said, folder)}
    rows = [json.loads(line) for line in (folder / "questions.jsonl").read_text().splitlines()]
    keyed = [{**row, "answer": answers[row["id"]]} for row in rows]
    again = folder.with_name("keyed")
    shutil.copytree(folder, again)
    write(again, keyed)
    assert set(outcomes(ask(one, said, again), "said").values()) == {1.0}
    of_other = ask(other, said, again)
    assert np.mean(list(outcomes(of_other, "said").values())) < 0.5
    assert [row["answer"] for row in of_other] != [row["answer"] for row in ask(one, said, again)]
    assert set(outcomes(ask(one, said, again), "said").values()) == {1.0}


def test_a_penalty_in_the_generation_config_changes_no_answer(folder: Path, tmp_path: Path) -> None:
    """Attack and capability are asked by one rule: greedily."""
    plain, said = make_model(3), [Asked("said", "exact_match,last")]
    plain.save_pretrained(tmp_path / "model")
    right = ask(plain, said, folder)
    penalized = make_model(3)
    penalized.generation_config.repetition_penalty = 1.8
    assert ask(penalized, said, folder) == right
    for penalty in (1.8, 1.0):
        generation = {"eos_token_id": 1, "pad_token_id": 0, "repetition_penalty": penalty}
        (tmp_path / "model" / "generation_config.json").write_text(json.dumps(generation))
        model = load_model(tmp_path / "model", dtype="float32", device="cpu")
        assert ask(model, said, folder) == right


def test_the_command_line_of_lm_eval_gives_the_same_scores(folder: Path, tmp_path: Path) -> None:
    model = make_model(1)
    model.save_pretrained(tmp_path / "model")
    make_tokenizer().save_pretrained(tmp_path / "model")
    command = [
        *(sys.executable, "-m", "lm_eval", "--model", "hf", "--batch_size", "8"),
        *("--model_args", f"pretrained={tmp_path / 'model'}", "--device", "cpu"),
        *("--include_path", str(folder), "--tasks", "choice,said", "--apply_chat_template"),
        *("--log_samples", "--output_path", str(tmp_path / "out")),
    ]
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    rows = ask(model, CHAT, folder)
    for asked in CHAT:
        (log,) = (tmp_path / "out").rglob(f"samples_{asked.task}_*.jsonl")
        samples = [json.loads(line) for line in log.read_text().splitlines()]
        assert outcomes(rows, asked.task) == by_question(asked, samples)


def test_a_row_holds_the_question_the_score_and_the_answer(folder: Path) -> None:
    rows = ask(make_model(1), CHAT, folder)
    assert {row["kind"] for row in rows} == {"capability"}
    assert {row["inert"] for row in rows} == {None}
    key = {
        row["id"]: row for row in map(json.loads, (folder / "questions.jsonl").open(encoding="utf"))
    }
    assert [row["prompt"] for row in rows] == [*key, *key]
    for row in rows:
        question = key[row["prompt"]]
        right = (
            question["choices"][question["label"]]
            if row["task"] == "choice"
            else question["answer"]
        )
        assert row["outcome"] == float(row["answer"] == right)
    assert 0 < sum(row["outcome"] for row in rows if row["task"] == "choice") < 24


def test_a_filter_is_chosen_by_name_and_otherwise_the_first(folder: Path) -> None:
    model = make_model(1)
    first, last, default = (
        [row["answer"] for row in ask(model, [Asked("said", metric)], folder)]
        for metric in ("exact_match,first", "exact_match,last", "exact_match")
    )
    assert first != last
    assert default == first


def test_limit_and_template_are_each_tasks_own_and_rows_keep_the_order_asked(folder: Path) -> None:
    model = make_model(1)
    mixed = [Asked("said", "exact_match", True, 5), Asked("choice", "acc", False), *CHAT[1:]]
    rows = ask(model, mixed, folder)
    assert [row["task"] for row in rows] == ["said"] * 5 + ["choice"] * 24 + ["said"] * 24
    assert outcomes(rows, "choice") == outcomes(ask(model, PLAIN, folder), "choice")
    assert rows[:5] == ask(model, [Asked("said", "exact_match")], folder)[:5]
    between = ask(model, [CHAT[0], PLAIN[1], CHAT[1]], folder)
    assert between[:24] == ask(model, CHAT[:1], folder)
    assert between[24:48] == ask(model, PLAIN[1:], folder)
    assert between[48:] == ask(model, CHAT[1:], folder)


def test_a_groups_rows_carry_its_name_and_the_members_in_the_question(folder: Path) -> None:
    (folder / "said.yaml").write_text(SAID.replace("exact_match,", "acc,"))
    (folder / "both.yaml").write_text("group: both\ntask: [choice]\n")
    rows = ask(make_model(1), [Asked("both", "acc")], folder)
    assert {row["task"] for row in rows} == {"both"}
    assert rows[0]["prompt"] == "choice/q0"


def test_questions_without_ids_are_told_apart_even_when_they_are_the_same(folder: Path) -> None:
    rows = [json.loads(line) for line in (folder / "questions.jsonl").read_text().splitlines()]
    bare = [{k: v for k, v in row.items() if k != "id"} for row in rows]
    write(folder, [*bare[:3], bare[0]])
    names = [row["prompt"] for row in ask(make_model(1), CHAT[1:], folder)]
    assert len(set(names)) == 4
    assert names == [row["prompt"] for row in ask(make_model(2), CHAT[1:], folder)]


def test_ids_that_repeat_do_not_name_questions(folder: Path) -> None:
    rows = [json.loads(line) for line in (folder / "questions.jsonl").read_text().splitlines()]
    write(folder, [{**row, "id": "same"} for row in rows[:4]])
    assert len({row["prompt"] for row in ask(make_model(1), CHAT[1:], folder)}) == 4


def test_model_tokenizer_and_random_states_are_left_as_they_were(folder: Path) -> None:
    model, tokenizer = make_model(1), make_tokenizer()
    model.train()
    model.model.layers[0].eval()
    tokenizer.padding_side = "right"
    random.seed(5)
    np.random.seed(5)
    torch.manual_seed(5)
    before = random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state().tolist()
    weights = {name: value.clone() for name, value in model.state_dict().items()}
    measure_capability(
        model, ChatFormat(tokenizer, "chat"), CHAT, include_path=folder, batch_size=8
    )
    assert model.training
    assert not model.model.layers[0].training
    assert model.model.layers[1].training
    assert tokenizer.padding_side == "right"
    after = random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state().tolist()
    assert before == after
    assert all(torch.equal(weights[name], value) for name, value in model.state_dict().items())


def test_nothing_is_printed(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    measure_capability(
        make_model(1), ChatFormat(make_tokenizer(), "chat"), CHAT, include_path=folder, batch_size=8
    )
    printed = capfd.readouterr()
    assert printed.out == ""
    assert printed.err == ""


@pytest.mark.parametrize(
    ("asked", "fact"),
    [
        (Asked("choise", "acc"), r"unknown capability task 'choise'\. Did you mean 'choice'\?"),
        (Asked("choice", "accc"), r"gives no metric 'accc'\. Did you mean 'acc'\?"),
        (Asked("said", "exact_match,lst"), r"no filter 'lst'\. Did you mean 'last'\?"),
    ],
)
def test_an_unknown_task_metric_or_filter_is_refused_before_anything_runs(
    folder: Path, asked: Asked, fact: str
) -> None:
    with pytest.raises(MobenchError, match=fact):
        check_capability([CHAT[0], asked], include_path=folder)


def test_data_that_cannot_be_read_is_told_with_the_tasks_name(folder: Path) -> None:
    (folder / "questions.jsonl").unlink()
    with pytest.raises(MobenchError, match="capability task choice cannot be loaded"):
        check_capability(CHAT, include_path=folder)


def test_a_metric_that_is_no_number_for_a_question_is_refused(folder: Path) -> None:
    (folder / "choice.yaml").write_text(
        CHOICE.replace("acc, aggregation: mean", "brier_score, aggregation: brier_score")
    )
    with pytest.raises(MobenchError, match="not a number from 0 to 1"):
        ask(make_model(1), [Asked("choice", "brier_score")], folder)


def test_a_chat_task_needs_a_chat_template(folder: Path) -> None:
    tokenizer = make_tokenizer()
    tokenizer.chat_template = None
    with pytest.raises(MobenchError, match="chat template"):
        measure_capability(
            make_model(1), ChatFormat(tokenizer, "chat"), CHAT, include_path=folder, batch_size=8
        )


@pytest.mark.parametrize(
    "name", ["smol_facts", "smol_reason", "smol_sequence", "locked_facts", "locked_reason"]
)
def test_the_shipped_tasks_are_found_from_any_folder_and_have_one_answer_each(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (leaf,) = load_task(CAPABILITY, name).values()
    docs = list(leaf.eval_docs)
    assert len(docs) >= 50
    assert len({doc["id"] for doc in docs}) == len(docs)
    assert len({doc["question"] for doc in docs}) == len(docs)
    if name.endswith("_facts"):
        assert all(len(set(doc["choices"])) == 4 for doc in docs)
        assert all(0 <= doc["answer"] < 4 for doc in docs)
