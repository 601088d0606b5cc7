"""AdamW over stacked lanes, each with its own learning rate and its own clipping.

Weights in low precision keep float32 masters, so that small updates add up.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import torch
from torch import nn

BETAS = (0.9, 0.999)
"""Decay of the estimates of the first and of the second moment: torch's own defaults."""
EPSILON = 1e-8
"""Added to the root of the second moment."""


class LaneAdamW:
    """AdamW (Loshchilov & Hutter 2019) with a learning rate for each lane.

    For each lane it computes what ``torch.optim.AdamW`` computes with its default eps. That one
    takes one learning rate for a whole tensor, and a stacked tensor holds all lanes.

    Weights in less than float32 have *masters*: a float32 copy that the updates add up in, with
    moments in float32 too; the weights are the masters, rounded (Micikevicius et al. 2018, arXiv
    1710.03740). A bfloat16 weight has 8 bits: without a master, an update below about 0.2 % of the
    weight is rounded away, every time.

    Args:
        parameters: Stacked parameters, each [lanes, …].
        lrs: Learning rate of each lane.
        betas: Decay of the estimates of the first and of the second moment.
        weight_decay: Share of a weight that goes at each step, times the learning rate. As in the
            Trainer of transformers, norm gains and biases do not decay.
    """

    def __init__(
        self,
        parameters: Mapping[str, nn.Parameter],
        lrs: Sequence[float],
        *,
        betas: tuple[float, float] = BETAS,
        weight_decay: float = 0.0,
    ) -> None:
        self.parameters = dict(parameters)
        self.lrs = torch.tensor(list(lrs), dtype=torch.float64)
        self.betas, self.weight_decay = betas, weight_decay
        self.step_count = 0
        self.changed = torch.zeros(len(lrs), dtype=torch.bool)
        """Which lanes have a weight that is no longer the one before the first step, in the
        weights' own precision."""
        self.masters = {
            name: p.detach().float() for name, p in self.parameters.items() if _is_rounded(p)
        }
        exact = {name: self.masters.get(name, p) for name, p in self.parameters.items()}
        self.first = {name: torch.zeros_like(weight) for name, weight in exact.items()}
        self.second = {name: torch.zeros_like(weight) for name, weight in exact.items()}

    def norms(self) -> torch.Tensor:
        """Returns the norm of each lane's whole gradient, [lanes].

        It is on the first parameter's device, whatever devices the others are on.
        """
        # Each device adds up its own, so that between devices it is one number for each lane.
        totals: dict[torch.device, torch.Tensor] = {}
        for name, p in self.parameters.items():
            assert p.grad is not None
            gradient = p.grad.detach().to(self.first[name].dtype)
            square = gradient.flatten(1).pow(2).sum(1)
            own = totals.get(p.device)
            totals[p.device] = square if own is None else own + square
        total, *others = totals.values()
        for other in others:
            total = total + other.to(total.device)
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
        beta1, beta2 = self.betas
        correct1 = 1 - beta1**self.step_count
        correct2 = 1 - beta2**self.step_count
        all_alive = bool(alive.all())
        # What the host has to wait for, or to send, it waits for and sends once and not for each of
        # hundreds of parameters.
        all_changed, changed = bool(self.changed.all()), None
        rates: dict[tuple[torch.device, torch.dtype], tuple[torch.Tensor, ...]] = {}
        for name, p in self.parameters.items():
            assert p.grad is not None
            weight = self.masters.get(name, p)
            shape = (-1, *[1] * (p.ndim - 1))
            place = weight.device, weight.dtype
            if place not in rates:
                rates[place] = self.lrs.to(*place), scale.to(*place)
            lr, factor = (of_lanes.view(shape) for of_lanes in rates[place])
            gradient = p.grad.to(weight.dtype) * factor
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
            before = None if all_changed else p.detach().clone()
            if self.weight_decay and p.ndim > 2:
                weight.mul_(1 - lr * self.weight_decay)
            weight.sub_(lr / correct1 * first / ((second / correct2).sqrt_().add_(EPSILON)))
            if weight is not p:
                p.copy_(weight)
            if before is not None:
                own = (before != p).flatten(1).any(1)
                changed = own if changed is None else changed | own.to(changed.device)
            p.grad = None
        if changed is not None:
            self.changed |= changed.cpu()

    def state(self) -> dict[str, torch.Tensor]:
        """Returns all that a pack needs beside its weights to go on exactly where it was.

        Returns:
            The step count, which lanes have changed, moments and masters: but for the first, one
            part for each lane.
        """
        saved = {"step": torch.tensor(self.step_count), "changed": self.changed.clone()}
        for kind, tensors in self._by_kind():
            saved |= {f"{kind}.{name}": t.detach().cpu().clone() for name, t in tensors.items()}
        return saved

    @torch.no_grad()
    def load(self, state: Mapping[str, torch.Tensor]) -> None:
        """Restores what :meth:`state` returned, and rounds the masters to the weights.

        Raises:
            KeyError: The state is of other parameters, or of another precision; nothing is changed.
        """
        wanted = {f"{kind}.{name}" for kind, tensors in self._by_kind() for name in tensors}
        if different := (wanted | {"step", "changed"}) ^ state.keys():
            raise KeyError(min(different))
        for kind, tensors in self._by_kind():
            for name, tensor in tensors.items():
                tensor.copy_(state[f"{kind}.{name}"])
        for name, master in self.masters.items():
            self.parameters[name].copy_(master)
        self.step_count = int(state["step"])
        self.changed = state["changed"].clone()

    def _by_kind(self) -> Iterator[tuple[str, dict[str, torch.Tensor]]]:
        yield "first", self.first
        yield "second", self.second
        yield "master", self.masters


def lanes_of(state: Mapping[str, torch.Tensor], lanes: Sequence[int]) -> dict[str, torch.Tensor]:
    """Returns the part of a state, from :meth:`LaneAdamW.state`, that belongs to some lanes."""
    index = torch.tensor(list(lanes))
    return {name: value if value.ndim == 0 else value[index] for name, value in state.items()}


def put_together(states: Sequence[Mapping[str, torch.Tensor]]) -> dict[str, torch.Tensor]:
    """Returns the state of a pack from the states of its lanes, all of the same step."""
    return {
        name: value if value.ndim == 0 else torch.cat([state[name] for state in states])
        for name, value in states[0].items()
    }


def _is_rounded(weight: torch.Tensor) -> bool:
    """Whether a weight has less than float32's precision."""
    return torch.promote_types(weight.dtype, torch.float32) != weight.dtype
