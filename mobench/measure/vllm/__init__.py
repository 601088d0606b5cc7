"""Answers through vLLM: one engine in a separate process, which gets all adapters as LoRA requests.

``engine`` starts and asks that process and imports nothing of vLLM. ``worker`` runs in it,
``harness`` is what lm-eval asks there, and ``cpu_lora`` multiplies adapters on a CPU.
"""

from mobench.measure.vllm.engine import Adapter, Serving, VllmEngine, check, installed

__all__ = ["Adapter", "Serving", "VllmEngine", "check", "installed"]
