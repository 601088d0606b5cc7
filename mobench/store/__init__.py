"""The store: a run's folder, and the only room that touches it."""

from mobench.store.cell_folder import CellFolder
from mobench.store.folder import RunFolder

__all__ = ["CellFolder", "RunFolder"]
