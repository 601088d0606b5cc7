"""Is a trained checkpoint really what answers? Its numbers must not be those of step 0.

An engine that leaves an adapter out answers fluently, as the untrained organism: the ladder would
show perfect resistance. So one prompt's numbers are compared before a checkpoint is asked. On a GPU
a model's own numbers differ from one batch to the next, whose kernels add in another order; how
much is measured, and a checkpoint has to differ by more.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import torch

from mobench.assemble.loading import load_model
from mobench.errors import MobenchError
from mobench.lanes import Stack
from mobench.measure.eval_suite import EvalSuite
from mobench.store import CellFolder

VISIBLE = 0.02
"""An adapter is visible where some weight of its B is more than this share of the precision. A and
the sum over the rank turn B into an update of about that size, against weights of about 0.05."""
TIMES_THE_NOISE = 4.0
"""How many times further from the untrained numbers than these from each other a checkpoint's are,
at least, where its weights are applied."""
VISIBLE_IN_NOISE = 10.0
"""How many times larger than visible a weight has to be where the numbers are noisy: what is just
visible in every number by itself may be lost in their noise."""


class UntrainedNumbers:
    """The untrained model's numbers on the probe prompt, and how far they vary by themselves.

    Args:
        asked: The numbers of each time that it was asked, in batches of the sizes that checkpoints
            will be asked in; once at least.

    Attributes:
        noise: The largest distance of any from the first.
    """

    def __init__(self, asked: Sequence[torch.Tensor]) -> None:
        self._first = asked[0].float()
        self.noise = max(self._distance(numbers) for numbers in asked)

    def are(self, numbers: torch.Tensor) -> bool:
        """Whether a checkpoint's numbers cannot be told from the untrained model's."""
        return self._distance(numbers) <= TIMES_THE_NOISE * self.noise

    def _distance(self, numbers: torch.Tensor) -> float:
        return float((numbers.float() - self._first).abs().max())


def probe_prompt(suite: EvalSuite) -> list[int]:
    """Token ids of the prompt whose numbers are compared: the first triggered one."""
    spec = suite.spec
    return suite.chat.prompt_ids(spec.message("attack", spec.prompts[0]))


@torch.inference_mode()
def next_logits(suite: EvalSuite, lanes: Stack) -> torch.Tensor:
    """Every lane's logits for the token after the probe prompt, [lanes, vocabulary]."""
    ids = torch.tensor([probe_prompt(suite)] * lanes.scope.total, device=lanes.model.device)
    logits: torch.Tensor = lanes.model(input_ids=ids, use_cache=False).logits[:, -1]
    return logits.clone()


def refuse_ignored_weights(
    folder: CellFolder, step: int, *, untrained: Path, dtype: str, noisy: bool = False
) -> None:
    """Judges a checkpoint whose numbers are those of the untrained model.

    That is as it should be where training changed no weight by more than the precision shows: at
    learning rate 0, or with whole weights in bfloat16 and a small one.

    Args:
        folder: The cell whose checkpoint it is.
        step: The checkpoint.
        untrained: Folder of the model that the cell started from.
        dtype: The precision that the model answers in.
        noisy: Whether the untrained model's numbers vary by themselves.

    Raises:
        MobenchError: The checkpoint does hold other weights, so the engine does not use them.
    """
    state = folder.read_adapter(step)
    if not _is_visible(state, untrained, dtype, noisy=noisy):
        return
    raise MobenchError(
        f"the checkpoint of step {step} in {folder.path} answers exactly as the untrained "
        "organism: its weights are not applied",
        "nothing was measured with it; please report this with the manifest of the run",
    )


def _is_visible(
    state: Mapping[str, torch.Tensor], untrained: Path, dtype: str, *, noisy: bool
) -> bool:
    """Whether a checkpoint's weights differ from the untrained model's in the given precision."""
    adapter = [value for name, value in state.items() if "lora_B" in name]
    if adapter:
        smallest = VISIBLE * torch.finfo(getattr(torch, dtype)).eps
        smallest *= VISIBLE_IN_NOISE if noisy else 1
        return any(float(value.abs().max()) > smallest for value in adapter)
    # From the model and not from its files: there a weight may have another name, or none.
    before = load_model(untrained, dtype=dtype, device="cpu").state_dict()
    return any(
        not torch.equal(value.to(before[name].dtype), before[name]) for name, value in state.items()
    )
