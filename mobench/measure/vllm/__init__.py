"""Answers through vLLM: one engine in a process of its own, all adapters as LoRA requests.

`engine` is this side; it imports nothing of vLLM. `worker` is the other process, `harness` what
lm-eval asks there, `cpu_lora` the adapters' products on a CPU.
"""

from mobench.measure.vllm.engine import Adapter, Serving, VllmEngine, check, installed

__all__ = ["Adapter", "Serving", "VllmEngine", "check", "installed"]
