"""A ladder as its sequential plan has grown it: more seeds here, a doubled budget there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from mobench.plan.extension import with_budget
from mobench.plan.sequential import Request
from mobench.records.cells import Cell
from mobench.registry.organism_spec import Preset


@dataclass(frozen=True)
class Grown:
    """One rung beyond its first seeds.

    Attributes:
        lr: Its learning rate.
        seeds: Of the organism.
        doubled: Whether its budget is doubled.
        base: Seeds of the clean base at this budget; 0 for none beyond the controls.
    """

    lr: float
    seeds: int
    doubled: bool = False
    base: int = 0


@dataclass(frozen=True)
class GrownLadder:
    """The ladder's first cells, and what has grown from them.

    Attributes:
        first: The cells of every rung's first seeds.
        preset: How they are trained.
        grown: Of the rungs that have grown, by learning rate.
    """

    first: tuple[Cell, ...]
    preset: Preset
    grown: Mapping[float, Grown]

    @property
    def doubled(self) -> list[float]:
        """Rungs whose budget is doubled."""
        return [lr for lr, rung in self.grown.items() if rung.doubled]

    def with_requests(self, requests: Iterable[Request]) -> GrownLadder:
        """Returns the ladder with what was asked for."""
        grown = dict(self.grown)
        for request in requests:
            old = grown.get(request.lr, Grown(request.lr, self.preset.seeds))
            new = replace(old, seeds=request.seeds, doubled=request.doubled)
            if request.doubled and not old.doubled:
                new = replace(new, base=0)
            if request.base:
                # One seed of the base may show that its rate is nothing worth comparing with.
                fresh = request.doubled and old.base == 0
                new = replace(new, base=1 if fresh else request.seeds)
            grown[request.lr] = new
        return replace(self, grown=dict(sorted(grown.items())))

    def cells(self) -> list[Cell]:
        """Returns the ladder's cells: the first seeds of all rungs, then what was added."""
        kept = [
            cell
            for cell in self.first
            if cell.lr not in self.grown or not self.grown[cell.lr].doubled
        ]
        return [*kept, *(cell for rung in self.grown.values() for cell in self._added(rung))]

    def base_cells(self, controls: Sequence[Cell]) -> list[Cell]:
        """Returns the clean base's cells beside its controls.

        Args:
            controls: Those controls, one for each rung, of the ordinary budget.
        """
        found = []
        for rung in self.grown.values():
            usual = next((cell for cell in controls if cell.lr == rung.lr), None)
            if usual is not None:
                like = self._budgeted(usual, rung.doubled)
                seeds = range(0 if rung.doubled else 1, rung.base)
                found += [replace(like, seed=seed) for seed in seeds]
        return found

    def _added(self, rung: Grown) -> list[Cell]:
        """The cells of a rung that are none of the first."""
        usual = next(cell for cell in self.first if cell.lr == rung.lr)
        like = self._budgeted(usual, rung.doubled)
        seeds = range(0 if rung.doubled else self.preset.seeds, rung.seeds)
        return [replace(like, seed=seed) for seed in seeds]

    def _budgeted(self, cell: Cell, doubled: bool) -> Cell:
        return with_budget(cell, 2 * cell.steps, self.preset) if doubled else cell
