"""The backend of a result: engine, versions, device and precision; part of a cell's identity."""

from __future__ import annotations

from mobench.measure.vllm import installed
from mobench.store.provenance import versions


def backend_name(device: str, dtype: str, engine: str = "hf") -> str:
    """Names what trains and answers; numbers of two backends never share a curve.

    Args:
        device: A torch device.
        dtype: ``float32`` or ``bfloat16``.
        engine: ``hf`` (transformers) or ``vllm``.
    """
    found = versions()
    answers = "hf" if engine == "hf" else f"{engine}-{installed()}"
    return f"{answers}/transformers-{found['transformers']}/torch-{found['torch']}/{device}/{dtype}"
