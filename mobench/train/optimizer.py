"""AdamW over stacked lanes, each with its own learning rate and its own clipping."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import nn

BETAS = (0.9, 0.999)
"""Decay of the estimates of the first and of the second moment."""
EPSILON = 1e-8
"""Added to the root of the second moment."""


class LaneAdamW:
    """AdamW (Loshchilov & Hutter 2019) with a learning rate for each lane, without weight decay.

    For each lane it computes what ``torch.optim.AdamW`` computes with its default betas and eps.
    That one takes one learning rate for a whole tensor, and a stacked tensor holds all lanes.

    Args:
        parameters: Stacked parameters, each [lanes, …].
        lrs: Learning rate of each lane.
    """

    def __init__(self, parameters: Mapping[str, nn.Parameter], lrs: Sequence[float]) -> None:
        self.parameters = dict(parameters)
        self.lrs = torch.tensor(list(lrs), dtype=torch.float64)
        self.step_count = 0
        self.first = {k: torch.zeros_like(p) for k, p in self.parameters.items()}
        self.second = {k: torch.zeros_like(p) for k, p in self.parameters.items()}

    def norms(self) -> torch.Tensor:
        """Returns the norm of each lane's whole gradient, [lanes]."""
        total: torch.Tensor | None = None
        for p in self.parameters.values():
            assert p.grad is not None
            square = p.grad.detach().flatten(1).pow(2).sum(1)
            total = square if total is None else total + square
        assert total is not None
        return total.sqrt()

    @torch.no_grad()
    def step(self, norms: torch.Tensor, *, max_norm: float | None, alive: torch.Tensor) -> None:
        """Updates every living lane, and clears all gradients.

        Args:
            norms: The lanes' gradient norms, from :meth:`norms`.
            max_norm: The norm that each lane's gradient is clipped to, as
                ``torch.nn.utils.clip_grad_norm_`` does for one run; None does not clip.
            alive: Which lanes are updated, [lanes] booleans. The weights and moments of the others
                stay as they are.
        """
        self.step_count += 1
        if max_norm is None:
            scale = torch.ones_like(norms)
        else:
            scale = (max_norm / (norms + 1e-6)).clamp(max=1.0)
        beta1, beta2 = BETAS
        correct1 = 1 - beta1**self.step_count
        correct2 = 1 - beta2**self.step_count
        all_alive = bool(alive.all())
        for name, p in self.parameters.items():
            assert p.grad is not None
            shape = (-1, *[1] * (p.ndim - 1))
            lr = self.lrs.to(p.device, p.dtype).view(shape)
            gradient = p.grad * scale.to(p.dtype).view(shape)
            first, second = self.first[name], self.second[name]
            if not all_alive:
                updated = alive.to(p.device).view(shape)
                lr = torch.where(updated, lr, torch.zeros_like(lr))
                # A dead lane's gradient may be NaN, which must not reach its moments.
                previous = first[~alive], second[~alive]
            first.lerp_(gradient, 1 - beta1)
            second.mul_(beta2).addcmul_(gradient, gradient, value=1 - beta2)
            if not all_alive:
                first[~alive], second[~alive] = previous
            p.sub_(lr / correct1 * first / ((second / correct2).sqrt_().add_(EPSILON)))
            p.grad = None

    def state(self) -> dict[str, torch.Tensor]:
        """Returns moments and step count, with which a pack resumes exactly where it was."""
        saved = {"step": torch.tensor(self.step_count)}
        for name in self.parameters:
            saved[f"first.{name}"] = self.first[name].detach().cpu().clone()
            saved[f"second.{name}"] = self.second[name].detach().cpu().clone()
        return saved

    def load(self, state: Mapping[str, torch.Tensor]) -> None:
        """Restores what :meth:`state` returned."""
        self.step_count = int(state["step"])
        for name in self.parameters:
            self.first[name].copy_(state[f"first.{name}"])
            self.second[name].copy_(state[f"second.{name}"])
