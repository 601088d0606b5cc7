"""Runs of a small project tree."""

from support.run_tree import cache, mobench, own_hub_cache, run_shown, tree
from support.small_disk import small_disk

__all__ = ["cache", "mobench", "own_hub_cache", "run_shown", "small_disk", "tree"]
