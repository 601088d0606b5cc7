"""The store: a run's folder, and the only room that touches it."""

from mobench.store.folder import CellFolder, RunFolder

__all__ = ["CellFolder", "RunFolder"]
