"""How runs are fitted into memory: how many in a pass, and what a step does to need less."""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Fit:
    """One way to fit runs into memory. A step is the same step up to rounding in all of them.

    Attributes:
        pack: Cells that train in one pass, at most.
        micro_batch: Examples of each run in a forward pass; None for the whole batch at once.
        recompute: Whether activations are computed again in the backward pass.
    """

    pack: int
    micro_batch: int | None = None
    recompute: bool = False

    @property
    def tight(self) -> bool:
        """Whether memory is so scarce that time is paid for it."""
        return self.micro_batch is not None or self.recompute

    def smaller(self, batch_size: int) -> Fit | None:
        """The next way to need less, the cheapest in time first; None where nothing is left.

        Half the pack, then with one run half the examples at a time, then recomputed activations.

        Args:
            batch_size: Examples of each run in a step.
        """
        if self.pack > 1:
            return replace(self, pack=(self.pack + 1) // 2)
        at_once = min(self.micro_batch or batch_size, batch_size)
        if at_once > 1:
            return replace(self, micro_batch=(at_once + 1) // 2)
        return None if self.recompute else replace(self, recompute=True)

    def describe(self, batch_size: int) -> str:
        """The same in words.

        Args:
            batch_size: Examples of each run in a step.
        """
        words = "1 cell in one pass" if self.pack == 1 else f"{self.pack} cells in one pass"
        if self.micro_batch is not None:
            words += f", {self.micro_batch} of {batch_size} examples at a time"
        if self.recompute:
            words += ", activations computed twice"
        return words
