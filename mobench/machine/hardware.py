"""What this machine has: the device to use, its memory, and how fast it multiplies matrices.

torch is imported only inside functions, so that commands which do not compute start at once.
"""

from __future__ import annotations

import os
import platform
import time
from dataclasses import dataclass
from pathlib import Path

from mobench.errors import MobenchError, did_you_mean
from mobench.machine.control_groups import ROOT, cores, memory
from mobench.machine.devices import devices_of

GIB = 1024**3
ALLOCATOR = ("PYTORCH_CUDA_ALLOC_CONF", "PYTORCH_ALLOC_CONF")
"""Variables with the settings of torch's allocator on a GPU; whoever sets one is obeyed."""
EXPANDABLE = "expandable_segments:True"
DEVICES = ("auto", "cuda", "mps", "cpu")


@dataclass(frozen=True)
class Hardware:
    """What a run can use, and what its manifest records. Memory is in GiB.

    Attributes:
        device: The model's device: ``cuda``, ``cuda:1``, ``mps`` or ``cpu``; or several GPUs that
            it is spread over: ``cuda:0,cuda:1``.
        cpu: Model name of the processor.
        cores: CPU cores that this process may use, by its affinity and its control group's quota.
        memory_gb: Memory that this process may use: the physical one, or its control group's limit.
        memory_available_gb: How much of that is free now.
        gpu: Name of the GPU, or None.
        gpu_memory_gb: The GPU's memory, or None.
        gpu_memory_available_gb: How much of that is free now, or None.
        gpus: GPUs that the model is spread over. Their memory above is that of one, the one with
            the least.
    """

    device: str
    cpu: str
    cores: int
    memory_gb: float
    memory_available_gb: float
    gpu: str | None = None
    gpu_memory_gb: float | None = None
    gpu_memory_available_gb: float | None = None
    gpus: int = 1

    @property
    def model_memory_gb(self) -> float:
        """Free memory where the model is, in GiB: all its GPUs' on cuda, else the machine's."""
        if self.gpu_memory_available_gb is not None:
            return self.gpus * self.gpu_memory_available_gb
        return self.memory_available_gb


def pick_device(name: str | None = None) -> str:
    """Returns the torch device to use.

    Args:
        name: ``cuda``, ``cuda:1``, ``mps`` or ``cpu``; None or ``auto`` takes the first of these
            that the machine has. Several GPUs, that a model is to be spread over, are
            ``cuda:0,cuda:1``.

    Raises:
        MobenchError: The name is unknown, or the machine has no such device, or several are named
            that are not GPUs, each once.
    """
    if name is not None and "," in name:
        several = devices_of(name)
        numbered = all(one.startswith("cuda:") and one[5:].isdigit() for one in several)
        if not numbered or len(set(several)) < len(several):
            raise MobenchError(
                f"Unknown devices {name!r}: a model is spread over GPUs, each named once.",
                "Name them like cuda:0,cuda:1, or give --shards.",
            )
        return ",".join(pick_device(one) for one in several)
    # Before torch is asked for a GPU: packs of many sizes leave gaps that nothing else fits into.
    if not any(name in os.environ for name in ALLOCATOR):
        os.environ[ALLOCATOR[0]] = EXPANDABLE
    import torch

    if name is None or name == "auto":
        if torch.cuda.is_available():
            return "cuda"
        return "mps" if torch.backends.mps.is_available() else "cpu"
    kind, _, index = name.partition(":")
    if (
        kind not in DEVICES
        or kind == "auto"
        or (index and not (kind == "cuda" and index.isdigit()))
    ):
        raise MobenchError(
            f"Unknown device {name!r}.{did_you_mean(name, DEVICES)}",
            "Use one of: auto, cuda, cuda:N, mps, cpu.",
        )
    remedy = "Leave the device out to take the best that is here, or name cpu."
    if kind == "cuda":
        if not torch.cuda.is_available():
            reason = (
                "this PyTorch was built without CUDA"
                if torch.version.cuda is None
                else "PyTorch sees no CUDA device"
            )
            raise MobenchError(f"Device {name!r} is not here: {reason}.", remedy)
        count = torch.cuda.device_count()
        if index and int(index) >= count:
            present = ", ".join(f"cuda:{i}" for i in range(count))
            raise MobenchError(f"Device {name!r} is not here; there is {present}.", remedy)
    if kind == "mps" and not torch.backends.mps.is_available():
        raise MobenchError(f"Device {name!r} is not here: no Apple GPU.", remedy)
    return name


def detect(device: str) -> Hardware:
    """Returns what this machine has.

    Args:
        device: A device as :func:`pick_device` returns it.
    """
    total, available = memory(ROOT)
    gpu, gpu_total, gpu_free = None, None, None
    if device.startswith("cuda"):
        import torch

        several = devices_of(device)
        gpu = torch.cuda.get_device_name(several[0])
        free_bytes, total_bytes = zip(*map(torch.cuda.mem_get_info, several), strict=True)
        gpu_total, gpu_free = min(total_bytes) / GIB, min(free_bytes) / GIB
    elif device == "mps":
        gpu = f"{_cpu_name()} GPU"  # Its memory is the machine's.
    return Hardware(
        device=device,
        cpu=_cpu_name(),
        cores=cores(ROOT),
        memory_gb=total / GIB,
        memory_available_gb=available / GIB,
        gpu=gpu,
        gpu_memory_gb=gpu_total,
        gpu_memory_available_gb=gpu_free,
        gpus=len(devices_of(device)),
    )


def gpus_here() -> list[Hardware]:
    """Returns the GPUs that this process can use, in their order; none where there are none."""
    import torch

    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    return [detect(f"cuda:{number}") for number in range(count)]


def matmul_flops(
    device: str,
    dtype: str,
    seconds: float = 0.3,
    *,
    shape: tuple[int, int, int] = (1024, 1024, 1024),
) -> float:
    """Measures how fast this device multiplies matrices.

    Args:
        device: A device as :func:`pick_device` returns it.
        dtype: ``float32`` or ``bfloat16``.
        seconds: How long to measure, after one uncounted product.
        shape: (rows, inner, columns) of the product. A small model's products are far from a
            large one's speed, so measure at the model's own:
            `mobench.plan.model_size.matmul_shape`.

    Returns:
        Floating-point operations a second, a multiply-add counted as two.
    """
    import torch

    rows, inner, columns = shape
    kind = torch.bfloat16 if dtype == "bfloat16" else torch.float32
    left = torch.ones(rows, inner, device=device, dtype=kind)
    right = torch.ones(inner, columns, device=device, dtype=kind)

    def finish() -> None:
        # A GPU only queues the work; reading one value waits for it.
        float(product[0, 0])

    with torch.no_grad():
        product = left @ right  # The first call also takes start-up and the choice of a kernel.
        finish()
        done = 0
        start = time.perf_counter()
        elapsed = 0.0
        while elapsed < seconds:
            for _ in range(8):
                product = left @ right
            finish()
            done += 8
            elapsed = time.perf_counter() - start
    return 2.0 * rows * inner * columns * done / elapsed


def _cpu_name() -> str:
    """The processor's model name."""
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.lower().startswith(("model name", "hardware")):
                return line.partition(":")[2].strip()
    except OSError:
        pass  # Not Linux.
    return platform.processor() or platform.machine()
