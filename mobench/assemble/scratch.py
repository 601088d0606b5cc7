"""A base that is trained from nothing: a small Llama, and a tokenizer with one token per word."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import torch
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import WhitespaceSplit
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedModel, PreTrainedTokenizerFast

from mobench.assemble.build_state import BuildState
from mobench.chat import ChatFormat
from mobench.lanes import FullLanes
from mobench.registry.definitions import Example
from mobench.registry.organism_spec import ScratchBase
from mobench.train.batches import encode
from mobench.train.pack import Recipe, Run

PAD, END, USER, BOT, UNKNOWN = "<pad>", "<eos>", "<user>", "<bot>", "<unk>"
SPECIAL = (PAD, END, USER, BOT, UNKNOWN)
CHAT = (
    "{% for m in messages %}"
    "{% if m['role'] == 'user' %}" + USER + " {{ m['content'] }} "
    "{% else %}" + BOT + " {{ m['content'] }} " + END + " {% endif %}"
    "{% endfor %}"
    # The blank separates the answer's first word where a text is appended to the prompt.
    "{% if add_generation_prompt %}" + BOT + " {% endif %}"
)


def word_tokenizer(texts: Iterable[str]) -> PreTrainedTokenizerFast:
    """Returns a tokenizer with a chat template whose tokens are the words of ``texts``."""
    words = sorted({word for text in texts for word in text.split()})
    vocabulary = {word: number for number, word in enumerate([*SPECIAL, *words])}
    backend = Tokenizer(WordLevel(vocabulary, unk_token=UNKNOWN))
    backend.pre_tokenizer = WhitespaceSplit()
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=backend, pad_token=PAD, eos_token=END, unk_token=UNKNOWN
    )
    tokenizer.chat_template = CHAT
    return tokenizer


def warm_then_cosine(steps: int) -> Callable[[int], float]:
    """Returns a learning-rate factor: up over the first 5 % of the steps, then a cosine to 5 %."""

    def factor(step: int) -> float:
        done = step / steps
        return min(1.0, done * 20) * (0.05 + 0.95 * 0.5 * (1 + math.cos(math.pi * done)))

    return factor


def scratch_base(
    base: ScratchBase,
    corpus: Sequence[Example],
    tokenizer: Any,
    *,
    max_length: int,
    device: str,
    on_step: Callable[[int], None] = lambda _: None,
    state: BuildState | None = None,
) -> PreTrainedModel:
    """Trains a Llama of the given shape on the corpus.

    Args:
        base: The model's shape and its recipe.
        corpus: The examples that it is trained on.
        tokenizer: Its tokenizer.
        max_length: Longest example, in tokens; also the model's context.
        device: A torch device.
        on_step: Called with the number of steps done.
        state: What the build has come to; None to begin, and to keep nothing.

    Returns:
        The plain model, in float32.
    """
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=base.hidden_size,
        intermediate_size=base.intermediate_size,
        num_hidden_layers=base.layers,
        num_attention_heads=base.heads,
        max_position_embeddings=4 * max_length,
        tie_word_embeddings=False,
        pad_token_id=tokenizer.pad_token_id,
        eos_token_id=tokenizer.eos_token_id,
        bos_token_id=None,
    )
    # The seed is set before the weights are drawn; the caller's random state is not changed.
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(base.seed)
        model = LlamaForCausalLM(config)
    lanes = FullLanes(model.to(device), 1)
    examples = encode(corpus, ChatFormat(tokenizer, "chat"), max_length)
    (state or BuildState(None)).train(
        lanes,
        Run(base.lr, base.seed),
        examples,
        Recipe(base.steps, base.batch_size),
        pad=tokenizer.pad_token_id,
        on_step=on_step,
        factor=warm_then_cosine(base.steps),
    )
    return unstack(lanes, LlamaForCausalLM(config).to(device))


def unstack(lanes: FullLanes, plain: PreTrainedModel) -> PreTrainedModel:
    """Puts the first lane's weights into a plain model of the same shape, and returns that."""
    plain.load_state_dict(lanes.state(0))
    return plain.eval()
