"""An input in the adapters' precision, cast once for all layers that read it.

Query, key and value of a block read one input, and so do the gate and the up projection. Over a
bfloat16 base each of their adapters wants it in float32, which is twice its size.
"""

from __future__ import annotations

import weakref

import torch

SHARING = frozenset({"q_proj", "k_proj", "v_proj", "gate_proj", "up_proj"})
"""Names of layers whose input is read by another one too."""


class SharedCast:
    """The input that was cast last. It is let go as soon as a layer reads another one."""

    def __init__(self) -> None:
        self._object: weakref.ref[torch.Tensor] | None = None
        self._of: torch.Tensor | None = None
        self._version = 0
        self._cast: torch.Tensor | None = None

    def of(self, x: torch.Tensor, dtype: torch.dtype, *, shared: bool) -> torch.Tensor:
        """Returns an input in another precision.

        Args:
            x: The input; itself where it has that precision.
            dtype: The precision.
            shared: Whether other layers read it too. If not, nothing is kept.
        """
        if x.dtype == dtype:
            return x
        if self._cast is not None and self._cast.dtype == dtype and self._is_last(x):
            return self._cast
        # Before the new one is made, or both would be there.
        self._object = self._of = self._cast = None
        cast = x.to(dtype)
        if shared:
            # Without its graph, which would stay for as long.
            self._object, self._of, self._cast = weakref.ref(x), x.detach(), cast.detach()
            self._version = 0 if x.is_inference() else x._version
        return cast

    def _is_last(self, x: torch.Tensor) -> bool:
        """Whether this is the input that was cast last: the same object, or the same memory."""
        of = self._of
        if of is None or self._object is None:
            return False
        if of.is_inference() or x.is_inference():
            # There a tensor does not know whether it was written to, and has no other object.
            return self._object() is x
        # Autograd hands the backward pass another object for the same memory.
        return (
            of.untyped_storage()._cdata == x.untyped_storage()._cdata
            and self._version == x._version
            and (of.shape, of.stride()) == (x.shape, x.stride())
            and of.storage_offset() == x.storage_offset()
        )
