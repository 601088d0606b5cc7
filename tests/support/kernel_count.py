"""What torch is asked to compute: kernels, bytes that pass through memory, and waits for a device.

Everything is counted as it is dispatched, so a machine without a GPU knows it too, and a model on
the meta device of any size costs nothing.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

FREE = frozenset({
    "aten::detach", "aten::empty", "aten::empty_strided", "aten::_unsafe_view", "aten::empty_like",
})  # fmt: skip
"""Operations that compute nothing, though their results are said to be new."""
WAITS = frozenset({"aten::_local_scalar_dense", "aten::nonzero", "aten::item"})
"""Operations whose result the host needs before it can go on."""


class Counted(TorchDispatchMode):
    """Counts inside of the context what is computed; views, which compute nothing, are left out.

    Attributes:
        kernels: How often each operation was asked for.
        bytes: What each operation reads and writes, in all.
        waits: How often the host had to wait for a result.
    """

    def __init__(self) -> None:
        super().__init__()
        self.kernels: Counter[str] = Counter()
        self.bytes: Counter[str] = Counter()
        self.waits = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        made = func(*args, **kwargs)
        name = func._schema.name
        if name in WAITS:
            self.waits += 1
        results = [r for r in func._schema.returns if r.alias_info is not None]
        is_view = bool(results) and not any(r.alias_info.is_write for r in results)
        if not is_view and name not in FREE:
            self.kernels[name] += 1
            read = [t for t in tree_leaves((args, kwargs)) if isinstance(t, torch.Tensor)]
            written = [t for t in tree_leaves(made) if isinstance(t, torch.Tensor)]
            self.bytes[name] += sum(t.numel() * t.element_size() for t in [*read, *written])
        return made
