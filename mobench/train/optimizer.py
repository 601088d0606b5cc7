"""AdamW over stacked lanes: each lane its own learning rate and its own clipping."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import nn


class LaneAdamW:
    """AdamW (Loshchilov & Hutter 2019) whose learning rate is one number for each lane.

    Lane by lane it computes what ``torch.optim.AdamW`` computes; torch's own takes one learning
    rate for a whole tensor, and a stacked tensor holds all lanes.

    Args:
        parameters: Stacked parameters, each [lanes, …].
        lrs: Learning rate of each lane.
        betas: Decay of the two moment estimates.
        eps: Added to the root of the second moment.
        weight_decay: Decoupled decay, times the learning rate.
    """

    def __init__(
        self,
        parameters: Mapping[str, nn.Parameter],
        lrs: Sequence[float],
        *,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
    ) -> None:
        self.parameters = dict(parameters)
        self.lrs = torch.tensor(list(lrs), dtype=torch.float64)
        self.betas, self.eps, self.weight_decay = betas, eps, weight_decay
        self.step_count = 0
        self.first = {k: torch.zeros_like(p) for k, p in self.parameters.items()}
        self.second = {k: torch.zeros_like(p) for k, p in self.parameters.items()}

    def norms(self) -> torch.Tensor:
        """Global gradient norm of each lane, [lanes]."""
        total: torch.Tensor | None = None
        for p in self.parameters.values():
            assert p.grad is not None
            square = p.grad.detach().flatten(1).pow(2).sum(1)
            total = square if total is None else total + square
        assert total is not None
        return total.sqrt()

    @torch.no_grad()
    def step(self, norms: torch.Tensor, *, max_norm: float | None, alive: torch.Tensor) -> None:
        """One update of every living lane; gradients are cleared.

        Args:
            norms: The lanes' gradient norms, as :meth:`norms` gives them.
            max_norm: Each lane's gradient is scaled down to this norm, as
                ``torch.nn.utils.clip_grad_norm_`` does for a run alone; None leaves it.
            alive: [lanes] booleans. A dead lane's weights and moments stay as they are.
        """
        self.step_count += 1
        if max_norm is None:
            scale = torch.ones_like(norms)
        else:
            scale = (max_norm / (norms + 1e-6)).clamp(max=1.0)
        beta1, beta2 = self.betas
        correct1 = 1 - beta1**self.step_count
        correct2 = 1 - beta2**self.step_count
        everyone = bool(alive.all())
        for name, p in self.parameters.items():
            assert p.grad is not None
            shape = (-1, *[1] * (p.ndim - 1))
            lr = self.lrs.to(p.device, p.dtype).view(shape)
            gradient = p.grad * scale.to(p.dtype).view(shape)
            first, second = self.first[name], self.second[name]
            if not everyone:
                kept = alive.to(p.device).view(shape)
                lr = torch.where(kept, lr, torch.zeros_like(lr))
                # A dead lane's gradient may be NaN: it must not reach anything it keeps.
                before = first[~alive], second[~alive]
            first.lerp_(gradient, 1 - beta1)
            second.mul_(beta2).addcmul_(gradient, gradient, value=1 - beta2)
            if not everyone:
                first[~alive], second[~alive] = before
            if self.weight_decay:
                p.mul_(1 - lr * self.weight_decay)
            p.sub_(lr / correct1 * first / ((second / correct2).sqrt_().add_(self.eps)))
            p.grad = None

    def state(self) -> dict[str, torch.Tensor]:
        """Moments and step count, for resuming a pack exactly where it was."""
        saved = {"step": torch.tensor(self.step_count)}
        for name in self.parameters:
            saved[f"first.{name}"] = self.first[name].detach().cpu().clone()
            saved[f"second.{name}"] = self.second[name].detach().cpu().clone()
        return saved

    def load(self, state: Mapping[str, torch.Tensor]) -> None:
        """Takes back what :meth:`state` gave."""
        self.step_count = int(state["step"])
        for name in self.parameters:
            self.first[name].copy_(state[f"first.{name}"])
            self.second[name].copy_(state[f"second.{name}"])
