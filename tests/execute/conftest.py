"""Runs of a small project tree."""

from support.run_tree import cache, mobench, own_hub_cache, run_shown, tree
from support.shared_run import shared_preset
from support.small_disk import small_disk

__all__ = [
    "cache",
    "mobench",
    "own_hub_cache",
    "run_shown",
    "shared_preset",
    "small_disk",
    "tree",
]
