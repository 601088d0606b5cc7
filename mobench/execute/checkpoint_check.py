"""Is a trained checkpoint really what answers? Its numbers must not be those of step 0.

An engine that leaves an adapter out answers fluently, as the untrained organism: the ladder would
show perfect resistance. So before a checkpoint is asked, one prompt's numbers are compared.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from safetensors.torch import load_file

from mobench.chat import encode_prompt
from mobench.errors import MobenchError
from mobench.execute.prepare import Prepared
from mobench.execute.training import Stack
from mobench.store import CellFolder

SHOWS = 0.02
"""An adapter shows where some weight of its B is more than this share of the precision. A and the
sum over the rank turn B into an update of about that size, against weights of about 0.05."""


def probe(ready: Prepared) -> list[int]:
    """Token ids of the prompt whose numbers are compared: the first triggered one."""
    spec = ready.asked.spec
    message = spec.message("attack", spec.prompts[0])
    return encode_prompt(ready.tokenizer, spec.template, message)


@torch.inference_mode()
def next_logits(ready: Prepared, lanes: Stack) -> torch.Tensor:
    """Every lane's logits for the token after the probe, [lanes, vocabulary]."""
    ids = torch.tensor([probe(ready)] * lanes.scope.total, device=lanes.model.device)
    logits: torch.Tensor = lanes.model(input_ids=ids, use_cache=False).logits[:, -1]
    return logits.clone()


def refuse_if_trained(ready: Prepared, folder: CellFolder, step: int) -> None:
    """Called for a checkpoint whose numbers are those of step 0.

    That is as it should be where training changed no weight by more than the precision shows: at
    learning rate 0, or with whole weights in bfloat16 and a small one.

    Raises:
        MobenchError: The checkpoint does hold other weights, so the engine does not use them.
    """
    state = folder.read_adapter(step)
    if not _shows(state, ready):
        return
    raise MobenchError(
        f"the checkpoint of step {step} in {folder.path} answers exactly as the untrained "
        "organism: its weights are not applied",
        "nothing was measured with it; please report this with the manifest of the run",
    )


def _shows(state: Mapping[str, torch.Tensor], ready: Prepared) -> bool:
    dtype = getattr(torch, ready.asked.spec.dtype)
    added = [value for name, value in state.items() if "lora_B" in name]
    if added:
        least = SHOWS * torch.finfo(dtype).eps
        return any(float(value.abs().max()) > least for value in added)
    before: dict[str, torch.Tensor] = {}
    for path in sorted(ready.built.folder.glob("*.safetensors")):
        before.update(load_file(path))
    return any(not torch.equal(value.to(dtype), before[k].to(dtype)) for k, value in state.items())
