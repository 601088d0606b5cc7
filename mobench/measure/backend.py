"""The name of a backend: engine, versions, device and precision; part of a cell's identity."""

from __future__ import annotations

from mobench.measure.vllm import installed
from mobench.store.provenance import versions


def backend_name(device: str, dtype: str, engine: str = "hf") -> str:
    """Names what trains and answers. Numbers of different backends are never put together.

    Which of several GPUs it was is no part of it: a run may go on on another.

    Args:
        device: A torch device.
        dtype: ``float32`` or ``bfloat16``.
        engine: ``hf`` (transformers) or ``vllm``.
    """
    version = versions()
    answers = "hf" if engine == "hf" else f"{engine}-{installed()}"
    trains = "/".join(f"{name}-{version[name]}" for name in ("transformers", "torch"))
    return f"{answers}/{trains}/{device.partition(':')[0]}/{dtype}"
