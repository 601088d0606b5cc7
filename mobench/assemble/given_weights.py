"""Weights as a user names them on a command line: a folder, or a repository on the hub.

What a folder holds is read from its files. Nothing is loaded and nothing is fetched.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path

from mobench.assemble.folder_check import INDEX, WEIGHTS, check_folder, has_pickles
from mobench.assemble.hub.parts import ADAPTER_CONFIG, ADAPTER_WEIGHTS, check_adapter
from mobench.errors import MobenchError
from mobench.registry.weights_schema import HubAdapter, HubBase, LocalAdapter, LocalBase

PLACE = "FOLDER|REPO[@REVISION]"
"""How weights are given."""
REPOSITORY = re.compile(
    r"(?P<repo>(?P<owner>[A-Za-z0-9][\w.-]*)/[A-Za-z0-9_][\w.-]*)(?:@(?P<revision>[\w./-]+))?"
)
"""A repository on the hub, with its revision where one is named."""
_SAVE = "save it as safetensors: model.save_pretrained(FOLDER); tokenizer.save_pretrained(FOLDER)"


@dataclass(frozen=True)
class GivenWeights:
    """An organism's weights.

    Attributes:
        base: The whole model, or the one that the adapter was trained on; a local path is absolute.
        adapter: The adapter that makes the organism; None where the base is the organism.
    """

    base: LocalBase | HubBase
    adapter: LocalAdapter | HubAdapter | None = None


def given_weights(weights: str, adapter: str | None) -> GivenWeights:
    """Recognizes an organism's weights.

    An adapter that is given as the weights is taken as one, and its configuration names the base.

    Args:
        weights: ``FOLDER``, or ``OWNER/NAME`` or ``OWNER/NAME@REVISION`` on the hub.
        adapter: The same for an adapter; None if none was given.

    Raises:
        MobenchError: There is no such folder, or what is in it cannot be used.
    """
    folder = _folder(weights)
    if folder is not None and adapter is None and (folder / ADAPTER_CONFIG).is_file():
        if not check_folder(folder):
            raise MobenchError(
                f"{weights} holds a whole model and a LoRA adapter: it is not told which is meant",
                "put one of them into a folder of its own",
            )
        return GivenWeights(_trained_on(folder), _adapter(weights))
    base = given_base(weights)
    return GivenWeights(base, None if adapter is None else _adapter(adapter))


def given_base(text: str) -> LocalBase | HubBase:
    """Recognizes a whole model.

    Args:
        text: A folder or repository, as for :func:`given_weights`.

    Raises:
        MobenchError: There is no such folder, or it holds no whole model.
    """
    folder = _folder(text)
    if folder is None:
        repo, revision = _repository(text)
        return HubBase(kind="hub", repo=repo, revision=revision)
    problems = check_folder(folder)
    if not problems:
        return LocalBase(kind="local", path=str(folder))
    if (folder / ADAPTER_CONFIG).is_file():
        raise MobenchError(
            f"{text} holds a LoRA adapter, not a whole model",
            "give it as --adapter, and the model that it was trained on as --weights",
        )
    raise MobenchError(f"{text} holds no model: {'; '.join(problems)}", _remedy(folder))


def _adapter(text: str) -> LocalAdapter | HubAdapter:
    folder = _folder(text)
    if folder is None:
        repo, revision = _repository(text)
        return HubAdapter(kind="hub", repo=repo, revision=revision)
    problems = check_adapter(folder)
    if not problems:
        return LocalAdapter(kind="local", path=str(folder))
    if (folder / WEIGHTS).is_file() or (folder / INDEX).is_file():
        raise MobenchError(
            f"{text} holds a whole model, not a LoRA adapter", "give it as --weights alone"
        )
    if any(folder.glob("adapter_model.bin")):
        problems = [f"its weights are a pickle, which can run code; {ADAPTER_WEIGHTS} is missing"]
    raise MobenchError(
        f"{text} holds no usable adapter: {'; '.join(problems)}",
        "save it with PEFT: model.save_pretrained(FOLDER)",
    )


def _trained_on(adapter: Path) -> LocalBase | HubBase:
    """The model that an adapter's configuration names."""
    try:
        config = json.loads((adapter / ADAPTER_CONFIG).read_text(encoding="utf-8"))
        name, revision = config.get("base_model_name_or_path"), config.get("revision")
    except (ValueError, AttributeError, OSError) as error:
        raise MobenchError(f"{adapter / ADAPTER_CONFIG} cannot be read: {error}") from error
    name_it = f"name it: --weights BASE --adapter {adapter}"
    if not isinstance(name, str) or not name:
        raise MobenchError(f"{adapter} is a LoRA adapter that names no base", name_it)
    if _folder(name) is None and REPOSITORY.fullmatch(name) is None:
        raise MobenchError(
            f"{adapter} is a LoRA adapter trained on {name}, which is not on this machine", name_it
        )
    base = given_base(name)
    if isinstance(base, HubBase) and isinstance(revision, str) and revision:
        return HubBase(kind="hub", repo=base.repo, revision=revision)
    return base


def _folder(text: str) -> Path | None:
    """The folder of that name, absolute; None if there is none."""
    folder = Path(text).expanduser()
    return folder.resolve() if folder.is_dir() else None


def _repository(text: str) -> tuple[str, str]:
    """The repository and its revision."""
    found = REPOSITORY.fullmatch(text)
    if found is None or Path(text).expanduser().exists():
        raise MobenchError(
            f"there is no folder {text}",
            "give a folder that holds the weights, or OWNER/NAME or OWNER/NAME@REVISION on the hub",
        )
    if found["revision"] is None and Path(found["owner"]).is_dir():
        raise MobenchError(
            f"there is no folder {text}, and {found['owner']} is one: it is not told whether a"
            " repository on the hub is meant",
            f"give a folder that holds the weights, or {text}@main for the hub",
        )
    return found["repo"], found["revision"] or "main"


def _remedy(folder: Path) -> str:
    """What may be meant by a folder that holds no model."""
    inside = [one for one in sorted(folder.iterdir()) if one.is_dir()]
    for one in reversed(inside):
        if not check_folder(one) or (one / ADAPTER_CONFIG).is_file():
            return f"did you mean {one}?"
    if has_pickles(folder):
        return f"a pickle can run code when it is loaded: {_SAVE}"
    return f"give a folder with config.json, safetensors and a tokenizer; {_SAVE}"
