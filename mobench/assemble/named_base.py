"""Whether the base that an adapter names is the one that the organism's file puts under it.

Two models of one shape take each other's adapters without a word: a base model and the chat model
made of it, or two finetunes. What comes out is an organism that nobody published. So the name in
the adapter's configuration is held against the file's, before anything of the base is fetched.
"""

from __future__ import annotations

import re
from pathlib import Path

from mobench.assemble.adapter_fit import adapter_config
from mobench.assemble.given_weights import REPOSITORY
from mobench.errors import MobenchError
from mobench.registry.organism_spec import HubBase, LocalBase, OrganismSpec
from mobench.registry.weights_files import weights_hash

_IN_HUB_CACHE = re.compile(r"models--([\w.-]+?)--([\w.-]+)/snapshots/")
"""A path in the cache of ``huggingface_hub``, which holds the repository's name."""
_COPY = re.compile(r"(-unsloth)?(-bnb)?-[48]bit$|-unsloth$|-hf$")
"""What is added to a model's name where its weights are published again: quantized for QLoRA, which
trains an adapter of the whole model, or in another format."""
_PUBLISHER = re.compile(r"^meta-(?=llama)")


def refuse_other_base(spec: OrganismSpec, adapter: Path) -> None:
    """Refuses an adapter that names another base than the organism's file does.

    Names are compared without their owner, as copies of a model bear its name. A path of another
    machine tells nothing, and neither does a name on the hub where the file names a folder; where
    both are folders of this machine, their weights are compared.

    Args:
        spec: The organism.
        adapter: The adapter's folder, in PEFT's format.

    Raises:
        MobenchError: It names another one, and the file does not say that this is meant.
    """
    named = adapter_config(adapter).get("base_model_name_or_path")
    said = None if spec.adapter is None else spec.adapter.calls_base
    if not isinstance(named, str) or named in ("", said):
        return
    if isinstance(spec.base, HubBase):
        repository = _repository(named)
        if repository is None or _model(repository) == _model(spec.base.repo):
            return
        ours = spec.base.repo
    elif isinstance(spec.base, LocalBase):
        there, folder = Path(named).expanduser(), spec.folder_of(spec.base)
        both_here = there.is_dir() and folder.is_dir()
        if not both_here or weights_hash(there) == weights_hash(folder):
            return
        ours = str(folder)
    else:
        return
    raise MobenchError(
        f"{spec.name}: the adapter in {adapter} was trained on {named}, and its base is {ours}",
        f"name that model as `base` in {spec.path}; if both are the same one, say so there: "
        f'adapter.calls_base = "{named}"',
    )


def _repository(named: str) -> str | None:
    """The repository that a name is, or that a path in the hub's cache is of."""
    cached = _IN_HUB_CACHE.search(named)
    if cached is not None:
        return f"{cached[1]}/{cached[2]}"
    found = REPOSITORY.fullmatch(named)
    return None if found is None else found["repo"]


def _model(repository: str) -> str:
    """A model's name as all its copies have it."""
    name = repository.rpartition("/")[2].lower().replace("_", "-")
    return _PUBLISHER.sub("", _COPY.sub("", name))
