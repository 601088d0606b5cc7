"""A request with the devices that hold it, and what it will take there."""

from __future__ import annotations

from dataclasses import dataclass

from mobench.gate.judge_model import judge_bytes
from mobench.gate.placement import placed
from mobench.gate.preflight import check_request
from mobench.gate.request import RunRequest
from mobench.machine.hardware import Hardware, detect
from mobench.plan.cost_record import RunCost
from mobench.plan.question_load import question_loads
from mobench.plan.run_cost import run_cost
from mobench.registry import Registry


@dataclass(frozen=True)
class PricedRequest:
    """A request that is laid on this machine.

    Attributes:
        request: The request, with its devices.
        hardware: The machine.
        cost: What it will take.
    """

    request: RunRequest
    hardware: Hardware
    cost: RunCost

    def check(self, registry: Registry) -> None:
        """Refuses what this machine cannot do, before anything is built.

        Raises:
            MobenchError: As for :func:`mobench.gate.preflight.check_request`.
        """
        needed = self.cost.memory_bytes
        check_request(self.request, registry, hardware=self.hardware, needed_bytes=needed)


def priced(request: RunRequest, registry: Registry) -> PricedRequest:
    """Lays a request on this machine's devices and measures what it will take.

    Args:
        request: The request.
        registry: Where capability files are looked up.

    Raises:
        MobenchError: The organism's size is not known, or the devices do not hold it.
    """
    request = placed(request)
    hardware = detect(request.device)
    cost = run_cost(
        request.spec,
        request.preset,
        hardware,
        request.options.max_steps,
        controls=request.controls,
        capability=question_loads(request.spec, registry.capability_dir(request.spec)),
        engine=request.options.engine,
        judge_bytes=judge_bytes(request.judge),
        tensor_parallel=request.tensor_parallel,
    )
    return PricedRequest(request, hardware, cost)
