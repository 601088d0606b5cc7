"""A base in a folder of the user's: found and checked, never changed."""

from __future__ import annotations

from pathlib import Path

from mobench.assemble.folder_check import check_folder, has_pickles
from mobench.assemble.hub.parts import ADAPTER_CONFIG
from mobench.errors import MobenchError
from mobench.records.json_objects import read_settings
from mobench.registry.model_facts import CONFIG
from mobench.registry.organism_spec import LocalBase, OrganismSpec


def local_base(spec: OrganismSpec, base: LocalBase) -> Path:
    """Returns the folder of a base on this machine.

    Args:
        spec: The organism.
        base: Its base or its clean base.

    Raises:
        MobenchError: The folder holds no model, or one that is not whole. What lies there may be
            the only copy, so nothing is proposed that would remove it.
    """
    folder = spec.folder_of(base)
    problems = check_folder(folder)
    if not problems:
        return folder
    name = f"{spec.name}: {folder}"
    if (folder / ADAPTER_CONFIG).is_file() and not (folder / CONFIG).is_file():
        raise MobenchError(
            f"{name} holds a LoRA adapter, not a model's weights",
            f"name it in an `adapter` table of {spec.path}, and in `base` the model that it was "
            f"trained on{_trained_on(folder)}",
        )
    if not (folder / CONFIG).is_file():
        raise MobenchError(
            f"{name} holds no model (no {CONFIG})",
            f"put the weights there, or change `path` in {spec.path}",
        )
    weights = any(folder.glob("*.safetensors"))
    if not weights and has_pickles(folder):
        raise MobenchError(
            f"{name} has its weights as pickle only, which can run code when it is loaded",
            "load the model where you trust it and save it again: save_pretrained writes "
            "safetensors",
        )
    remedy = "save or copy the model there again from where it was made"
    if problems == ["the tokenizer is missing"]:
        remedy = "save its tokenizer beside it: tokenizer.save_pretrained(FOLDER)"
    raise MobenchError(
        f"{name} holds no whole model: {'; '.join(problems)}",
        f"{remedy}, or change `path` in {spec.path}; nothing there was changed",
    )


def _trained_on(adapter: Path) -> str:
    """What an adapter's configuration calls its base, in brackets; empty where it does not say."""
    name = (read_settings(adapter / ADAPTER_CONFIG) or {}).get("base_model_name_or_path")
    return f" ({name})" if name else ""
