"""Models and tokenizers from folders on disk; code that lies in a folder is never run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
import transformers
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer, PreTrainedModel

from mobench.assemble.architecture import refuse_unsupported
from mobench.assemble.finished_folder import FINISHED
from mobench.assemble.generation import greedy_generation
from mobench.assemble.hub.snapshot import download_command, repository_of
from mobench.chat.special_tokens import choose_template, freeze_date, settle_special_tokens
from mobench.errors import MobenchError, first_line, listed
from mobench.lanes.placement import device_map, spread
from mobench.machine.cache_root import cache_root
from mobench.machine.devices import devices_of
from mobench.machine.memory_errors import is_out_of_memory
from mobench.quiet import quiet

SHOWN = 3
"""Tensors named in a message."""


def load_model(folder: Path, *, dtype: str, device: str, remedy: str = "") -> PreTrainedModel:
    """Loads a causal LM from safetensors, frozen, in evaluation mode and generating greedily.

    Args:
        folder: A Hugging Face folder.
        dtype: ``float32`` or ``bfloat16``.
        device: A torch device, or several that the model is spread over: ``cuda:0,cuda:1``.
        remedy: What to do where the folder cannot be read.

    Raises:
        MobenchError: Weights or configuration are missing or damaged, or of an architecture that
            mobench cannot run. Running out of memory is raised as it is.
    """
    refuse_unsupported(folder)
    try:
        with quiet():
            config = AutoConfig.from_pretrained(
                folder, local_files_only=True, trust_remote_code=False
            )
            model, loading = AutoModelForCausalLM.from_pretrained(
                folder,
                generation_config=greedy_generation(folder, config),
                dtype=getattr(torch, dtype),
                local_files_only=True,
                trust_remote_code=False,
                use_safetensors=True,
                output_loading_info=True,
                **_placement(device, config),
            )
    except Exception as error:  # A damaged file can raise anything.
        if is_out_of_memory(error):
            raise  # Nothing is wrong with the folder.
        raise MobenchError(
            f"the model in {folder} cannot be loaded: {first_line(error)}",
            remedy or mend(folder, "model"),
        ) from error
    # transformers draws weights that no file holds at random, and only warns of them.
    missing = sorted(loading["missing_keys"])
    if missing:
        named = listed(missing, most=SHOWN, between=", ")
        raise MobenchError(
            f"the model in {folder} lacks weights: no file holds {named}",
            remedy or mend(folder, "model"),
        )
    loaded: PreTrainedModel = model.eval()
    devices = devices_of(device)
    return spread(_without_hooks(loaded), devices) if len(devices) > 1 else loaded.to(device)


def empty_model(folder: Path) -> PreTrainedModel:
    """Returns the model that a configuration describes, with shapes and without numbers.

    Args:
        folder: A folder with ``config.json``; weights need not be there.

    Raises:
        MobenchError: The configuration is damaged, or of an architecture that mobench cannot run.
    """
    refuse_unsupported(folder)
    try:
        with quiet():
            return _empty(
                AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
            )
    except Exception as error:  # A damaged file can raise anything.
        raise MobenchError(
            f"the model in {folder} cannot be made: {first_line(error)}", mend(folder, "model")
        ) from error


def _empty(config: Any) -> PreTrainedModel:
    with torch.device("meta"):
        empty: PreTrainedModel = AutoModelForCausalLM.from_config(config)
    return empty


def _placement(device: str, config: Any) -> dict[str, Any]:
    """How weights get to GPUs: each as it is read, and not all of them by way of host memory."""
    devices = devices_of(device)
    if "cpu" in devices or "mps" in devices:
        return {}
    if len(devices) == 1:
        return {"device_map": {"": device}}
    return {"device_map": device_map(_empty(config), devices)}


def _without_hooks(model: PreTrainedModel) -> PreTrainedModel:
    """Takes off what accelerate hangs on every layer of a model on several devices.

    Blocks move what they get by themselves, and lanes look into the layers.
    """
    from accelerate.hooks import remove_hook_from_module

    remove_hook_from_module(model, recurse=True)
    return model


DATE = "2026-01-01"
"""Today, as chat templates are told that write the date into a prompt. Were it the real one, the
same organism would be asked something else every day."""


def load_tokenizer(
    folder: Path, *, chat_template: str | None = None, date: str | None = None, remedy: str = ""
) -> Any:
    """Loads a tokenizer and prepares it as every model of an organism is asked.

    One without a padding token pads with its end token. A text begins with its beginning token once
    if its model has a use for it, and never ends with an end token.

    Args:
        folder: A Hugging Face folder.
        chat_template: Used in place of the tokenizer's own, if given, or the name of one of its
            several.
        date: Today, for templates that ask, as an ISO date; :data:`DATE` if not given.
        remedy: What to do where the folder cannot be read.

    Raises:
        MobenchError: The tokenizer's files are missing or damaged. Running out of memory is raised
            as it is.
    """
    try:
        with quiet():
            tokenizer = AutoTokenizer.from_pretrained(
                folder, local_files_only=True, trust_remote_code=False
            )
    except Exception as error:
        if is_out_of_memory(error):
            raise
        raise MobenchError(
            f"the tokenizer in {folder} cannot be loaded: {first_line(error)}",
            remedy or mend(folder, "tokenizer"),
        ) from error
    choose_template(tokenizer, chat_template)
    freeze_date(tokenizer, date or DATE)
    settle_special_tokens(tokenizer, folder)
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    return tokenizer


def mend(folder: Path, part: str) -> str:
    """Returns what to do about a folder that cannot be loaded, by whose it is.

    Only what mobench has made itself may be deleted: it makes that again. What a user gave may be
    the only copy there is, and the hub's cache is shared with other programs.

    Args:
        folder: The folder.
        part: What cannot be loaded: model or tokenizer.
    """
    if repository := repository_of(folder):
        repo, commit = repository
        return (
            f"fetch it again: {download_command(repo, commit or 'main')} --force-download; if that"
            f" does not help, the repository has no {part} that can be used"
        )
    made_here = (folder / FINISHED).is_file()  # A folder of the user's may lie there too.
    if made_here and folder.resolve().is_relative_to(cache_root().resolve()):
        return f"delete {folder} and run again: mobench made it, and makes it again"
    return (
        f"it has to hold what save_pretrained of a {part} writes, for transformers"
        f" {transformers.__version__} or older; nothing in it was changed"
    )
