"""The tokens that all prompts of a batch begin with, which need to be computed only once."""

from __future__ import annotations

from collections.abc import Sequence


def common_prefix_length(prompts: Sequence[Sequence[int]]) -> int:
    """Returns how many tokens all prompts begin with.

    Each prompt keeps at least its last token for itself: that token predicts the answer's first.

    Args:
        prompts: Token ids of each prompt, at least one prompt and none of them empty.
    """
    # In sorted order all others lie between these two, so they share what these two share.
    first, last = min(map(tuple, prompts)), max(map(tuple, prompts))
    most = min(map(len, prompts)) - 1
    return next((n for n in range(most) if first[n] != last[n]), most)
