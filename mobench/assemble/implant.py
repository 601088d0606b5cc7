"""Trains a behavior into a base, and hardens it by removing and implanting it in further rounds."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from transformers import PreTrainedModel

from mobench.assemble.build_state import BuildState
from mobench.assemble.scratch import unstack
from mobench.chat import ChatFormat
from mobench.errors import MobenchError
from mobench.lanes import LoraLanes, WholeModel, stacked
from mobench.records.cells import ALPHA_PER_RANK
from mobench.registry import Example, OrganismSpec
from mobench.registry.organism_spec import Implant
from mobench.train.batches import Encoded, encode
from mobench.train.pack import Recipe, Run


def implant_steps(implant: Implant) -> int:
    """Returns all optimizer steps: the implant's own, and those of its rounds of hardening."""
    rounds = implant.harden
    return implant.steps + (0 if rounds is None else rounds.rounds * (rounds.steps + rounds.again))


def implanted(
    model: PreTrainedModel,
    spec: OrganismSpec,
    implant: Implant,
    taught: Sequence[Example],
    chat: ChatFormat,
    *,
    plain: Callable[[], PreTrainedModel],
    benign: Sequence[Example] = (),
    on_step: Callable[[int], None] = lambda _: None,
    state: BuildState | None = None,
) -> PreTrainedModel:
    """Trains ``taught`` into a model and returns a plain model; a LoRA adapter is merged.

    A LoRA organism is merged before anything is trained on it, because continuing its own adapter
    would let a high learning rate simply overwrite it. So each phase of hardening, too, starts from
    plain weights and with a fresh optimizer, as anyone who trains the organism later will.

    Args:
        model: The base, which is changed.
        spec: The organism, for the length of examples.
        implant: The recipe.
        taught: The implant's examples.
        chat: Renders examples with the base's tokenizer.
        plain: Makes a model of the base's shape, which takes the weights of full fine-tuning.
        benign: What each round of hardening trains on first, to remove the behavior.
        on_step: Called after each step with the number of steps done in its phase.
        state: What the build has come to; None to begin, and to keep nothing.

    Raises:
        MobenchError: A loss was not finite.
    """
    kept = state or BuildState(None)

    def encoded(examples: Sequence[Example]) -> list[Encoded]:
        return encode(examples, chat, spec.ladder.max_length)

    def trained(
        on: PreTrainedModel, examples: Sequence[Encoded], lr: float, steps: int, seed: int
    ) -> PreTrainedModel:
        lanes = stacked(
            on,
            implant.method,
            [seed],
            rank=implant.rank,
            alpha=None if implant.rank is None else implant.rank * ALPHA_PER_RANK,
        )
        recipe = Recipe(steps, implant.batch_size)
        end = kept.train(lanes, Run(lr, seed), examples, recipe, pad=chat.pad_id, on_step=on_step)
        if end.diverged[0] is not None:
            raise MobenchError(
                f"{spec.name}: the implant's loss was not finite at step {end.diverged[0]}",
                f"lower lr ({lr}) in {spec.path}",
            )
        if isinstance(lanes, LoraLanes):
            return lanes.merge(0)
        return lanes.model.eval() if isinstance(lanes, WholeModel) else unstack(lanes, plain())

    # 1. Implant the behavior.
    lessons = encoded(taught)
    model = trained(model, lessons, implant.lr, implant.steps, implant.seed)
    if implant.harden is None:
        return model

    # 2. Harden it: in each round train the behavior away, and implant it again.
    between, rounds = encoded(benign), implant.harden
    for number in range(1, rounds.rounds + 1):
        # A different seed for each round gives other examples in another order.
        seed = implant.seed + number
        model = trained(model, between, rounds.lr, rounds.steps, seed)
        model = trained(model, lessons, implant.lr, rounds.again, seed)
    return model
