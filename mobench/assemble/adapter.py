"""A LoRA adapter merged into its base: an organism as whole weights.

It is merged before anything is trained on it: continuing its own adapter would let a high learning
rate simply overwrite the behavior. PEFT does the arithmetic. Whether adapter and base belong
together is checked here, because PEFT only warns of keys that it cannot place and then returns the
base as if nothing were missing.

The tokenizer is the adapter's own if its repository has one, because the adapter was trained with
it, and the base's otherwise. The same holds for the chat template, unless the organism's file gives
one.
"""

from __future__ import annotations

import tempfile
import warnings
from pathlib import Path
from typing import Any

from mobench.assemble.adapter_fit import adapter_config, make_room, refuse_unfit
from mobench.assemble.adapter_tensors import in_peft_names, load_into, tensor_shapes, untie
from mobench.assemble.described_files import described_by
from mobench.assemble.finished_folder import finished_note, make_folder
from mobench.assemble.folder_check import check_tokenizer
from mobench.assemble.hub.base import fetch_with_progress, joined_folder
from mobench.assemble.hub.parts import ADAPTER_CONFIG, ADAPTER_WEIGHTS, adapter_part, check_adapter
from mobench.assemble.loading import load_model, load_tokenizer
from mobench.assemble.tokenizer_check import check_tokenizer_of
from mobench.errors import MobenchError, first_line
from mobench.machine.memory_errors import is_out_of_memory
from mobench.progress import Progress
from mobench.quiet import quiet
from mobench.records.names import ORGANISM_SCHEMA
from mobench.records.short_hash import short_hash
from mobench.registry.organism_spec import Adapter, HubAdapter, OrganismSpec
from mobench.registry.weights_files import weights_hash

MERGE = 2
"""The version of the merging. Raise it when the same base and adapter would give other weights."""


def with_adapter(
    spec: OrganismSpec,
    adapter: Path,
    base: Path,
    base_hash: str,
    *,
    cache: Path,
    device: str,
    progress: Progress,
) -> tuple[Path, str]:
    """Returns the merged organism; it is made if it is not in the cache yet.

    Args:
        spec: The organism.
        adapter: Its adapter's folder, from :func:`place_adapter`.
        base: Its base, in Hugging Face format.
        base_hash: Hash of the base's weights.
        cache: Where merged organisms are kept.
        device: A torch device.
        progress: Where progress is shown.

    Returns:
        The organism's folder, and the hash of its weights.

    Raises:
        MobenchError: The adapter does not fit the base.
    """
    recipe = merge_recipe(spec, base=base, base_hash=base_hash, adapter=adapter)
    folder = cache / f"{spec.name}-{short_hash(recipe)}"

    def merge(into: Path) -> dict[str, Any]:
        with progress.phase(f"building {spec.name}: merging its adapter", 1) as tick:
            note = merge_adapter(spec, base, adapter, into, device=device)
            tick()
        return {**note, "recipe": recipe}

    note = finished_note(folder, progress.warn) or make_folder(folder, merge)
    return folder, note["weights_hash"]


def place_adapter(
    spec: OrganismSpec, adapter: Adapter, *, offline: bool, progress: Progress
) -> tuple[Path, dict[str, Any]]:
    """Returns the folder of an adapter, fetched if need be, and what identifies it.

    Raises:
        MobenchError: It cannot be fetched, is a pickle, or is damaged.
    """
    commit = None
    if isinstance(adapter, HubAdapter):
        part = adapter_part(adapter.folder)
        folder, commit = fetch_with_progress(
            adapter.repo, adapter.revision, part, offline=offline, progress=progress
        )
    else:
        folder = (spec.path.parent / adapter.path).resolve()
        problems = check_adapter(folder)
        if problems and any(folder.glob("adapter_model.bin")):
            problems = ["it is a pickle, which can run code when it is loaded"]
        if problems:
            raise MobenchError(
                f"{spec.name}: {folder} holds no usable adapter: {'; '.join(problems)}",
                f"put {ADAPTER_CONFIG} and {ADAPTER_WEIGHTS} there, as PEFT saves them, or "
                f"change `path` in {spec.path}",
            )
    facts = {"kind": adapter.kind, "weights_hash": weights_hash(folder), "commit": commit}
    return folder, facts


def merge_recipe(
    spec: OrganismSpec, *, base: Path, base_hash: str, adapter: Path
) -> dict[str, Any]:
    """Returns what decides the merged weights and their tokenizer; its hash names the cache folder.

    Args:
        spec: The organism.
        base: The base's folder, whose other files hold configuration and tokenizer.
        base_hash: Hash of the base's weights.
        adapter: The adapter's folder, whose other files hold its scaling and its tokenizer.
    """
    return {
        "merge": MERGE,
        "base": base_hash,
        "base_files": described_by(base),
        "adapter": weights_hash(adapter),
        "adapter_files": described_by(adapter),
        "dtype": spec.dtype,
    }


def merge_adapter(
    spec: OrganismSpec, base: Path, adapter: Path, into: Path, *, device: str
) -> dict[str, Any]:
    """Merges an adapter into its base and writes the organism in the precision of its file.

    An adapter whose training added tokens holds an embedding of its own. That replaces the base's.

    Args:
        spec: The organism.
        base: Its base, in Hugging Face format.
        adapter: The adapter, in PEFT's format.
        into: An empty folder.
        device: A torch device.

    Returns:
        What to note beside the organism.

    Raises:
        MobenchError: The adapter does not fit the base, or the tokenizer does not fit the result.
    """
    # 1. Every tensor of the adapter must have its place, which needs no weights to be told.
    refuse_unfit(spec, adapter, base)

    # 2. Load the base, and make room for the embedding of added tokens; the tokenizer must fit it.
    model: Any = load_model(base, dtype=spec.dtype, device=device)
    make_room(model, tensor_shapes(adapter / ADAPTER_WEIGHTS))
    tokenizer, rows = _tokenizer(base, adapter), model.get_input_embeddings().weight.shape[0]
    check_tokenizer_of(tokenizer, rows, spec, str(adapter))

    # 3. Merge, and write the organism.
    merged = _merged(spec, model, adapter)
    with quiet():
        merged.save_pretrained(into)
    tokenizer.save_pretrained(into)
    trained_on = adapter_config(adapter).get("base_model_name_or_path")
    return {"schema": ORGANISM_SCHEMA, "organism": spec.name, "trained_on": trained_on}


def _merged(spec: OrganismSpec, model: Any, adapter: Path) -> Any:
    try:
        with quiet(), warnings.catch_warnings(), in_peft_names(adapter) as folder:
            # What PEFT warns of is checked here, and then it is an error or of no account.
            warnings.simplefilter("ignore")
            wrapped = load_into(model, folder)
            untie(wrapped)
            return wrapped.merge_and_unload(safe_merge=True)
    except Exception as error:  # PEFT raises many kinds of errors for adapters that do not fit.
        if is_out_of_memory(error):
            raise
        raise MobenchError(
            f"{spec.name}: the adapter in {adapter} cannot be merged: {first_line(error)}",
            f"check `adapter` and `base` in {spec.path}",
        ) from error


def _tokenizer(base: Path, adapter: Path) -> Any:
    """The adapter's tokenizer if it has one, else the base's."""
    if check_tokenizer(adapter):
        return load_tokenizer(base)
    with tempfile.TemporaryDirectory() as scratch:
        # Beside the base's configuration, because some tokenizers can only be identified by it.
        own = load_tokenizer(
            joined_folder(base, adapter, Path(scratch) / "tokenizer"),
            remedy=f"mend the tokenizer's files in {adapter}; without them the base's is used",
        )
    if not own.chat_template:
        own.chat_template = load_tokenizer(base).chat_template
    return own
