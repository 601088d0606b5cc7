"""A second device that every machine has: ``second:0``, whose tensors are computed on the CPU.

Its tensors are kept apart as those of a GPU are: an operation that is given tensors of both devices
fails, unless it copies from one to the other. So what runs with a model half on ``cpu`` and half on
``second`` moves everything that has to be moved.
"""

from __future__ import annotations

from typing import Any

import torch
from torch.utils._python_dispatch import return_and_correct_aliasing
from torch.utils._pytree import tree_leaves, tree_map
from torch.utils.backend_registration import _setup_privateuseone_for_python_backend

SECOND = torch.device("privateuseone", 0)
"""The device; it is called ``second:0``."""
_COPIES = {"aten::copy_", "aten::_to_copy", "aten::_copy_from"}
_INDEXED = {"aten::index", "aten::index_put", "aten::index_put_", "aten::_index_put_impl_"}
"""Operations whose indices may be on the CPU, as they may for a GPU's tensors."""
_LIBRARIES: list[torch.library.Library] = []


class SecondTensor(torch.Tensor):
    """A tensor of the second device, around the one on the CPU that holds its numbers."""

    _held: torch.Tensor

    @staticmethod
    def __new__(cls, held: torch.Tensor) -> SecondTensor:
        """Wraps a tensor of the CPU."""
        # A wrapper cannot be one of inference mode's tensors, which have no versions.
        with torch.inference_mode(False):
            made: SecondTensor = torch.Tensor._make_wrapper_subclass(
                cls,
                held.shape,
                strides=held.stride(),
                storage_offset=held.storage_offset(),
                dtype=held.dtype,
                device=SECOND,
            )
        made._held = held
        return made

    def __repr__(self, **_: Any) -> str:
        """Its numbers, and where they are."""
        return f"second:0 {self._held!r}"

    def tolist(self) -> Any:
        """Its numbers, which torch itself gives of no subclass."""
        return self._held.tolist()

    @classmethod
    def __torch_dispatch__(
        cls, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        """Computes on the CPU, and refuses what a GPU would refuse."""
        # In inference mode what is made of other operations comes whole.
        parts = func.decompose(*args, **(kwargs or {}))
        return _computed(func, args, kwargs or {}) if parts is NotImplemented else parts


def _computed(func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    name = func._schema.name
    tensors = [leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, torch.Tensor)]
    here = [t for t in tensors if isinstance(t, SecondTensor)]
    # A number may stand on the host.
    elsewhere = [t for t in tensors if not isinstance(t, SecondTensor) and t.ndim > 0]
    if name in _INDEXED and isinstance(args[0], SecondTensor):
        chosen = [t for t in args[1] if isinstance(t, torch.Tensor)]
        elsewhere = [t for t in elsewhere if not any(t is index for index in chosen)]
    if here and elsewhere and name not in _COPIES:
        raise RuntimeError(f"{name}: tensors are on two devices, second:0 and cpu")
    wanted = kwargs.get("device")
    there = bool(here) if wanted is None else torch.device(wanted).type == SECOND.type
    if wanted is not None:
        kwargs = {**kwargs, "device": torch.device("cpu")}
    plain_args, plain_kwargs = tree_map(_plain, (args, kwargs))
    result = func(*plain_args, **plain_kwargs)
    if name == "aten::copy_":
        return args[0]
    if not there:
        return result
    wrapped = tree_map(lambda x: SecondTensor(x) if isinstance(x, torch.Tensor) else x, result)
    return return_and_correct_aliasing(func, args, kwargs, wrapped)


def _plain(value: Any) -> Any:
    return value._held if isinstance(value, SecondTensor) else value


class _Module:
    """What torch asks of a device's module."""

    def is_initialized(self) -> bool:
        """It needs no starting."""
        return True

    def is_available(self) -> bool:
        """It is on every machine."""
        return True

    def current_device(self) -> int:
        """The only one."""
        return 0

    def device_count(self) -> int:
        """One."""
        return 1

    def get_amp_supported_dtype(self) -> list[torch.dtype]:
        """Those that recomputing asks for."""
        return [torch.float32]

    def _is_in_bad_fork(self) -> bool:
        return False

    def manual_seed_all(self, seed: int) -> None:
        """Nothing is drawn on it."""


def register() -> torch.device:
    """Makes the device known to torch, once in a process."""
    if not _LIBRARIES:
        _setup_privateuseone_for_python_backend("second", backend_module=_Module())
        library = torch.library.Library("_", "IMPL")
        # What makes a tensor on the device from nothing, or from a tensor of the CPU.
        library.fallback(lambda func, *args, **kwargs: _computed(func, args, kwargs), "PrivateUse1")
        _LIBRARIES.append(library)
        # `torch.tensor(…, device=…)` copies where no dispatch in Python is asked any more.
        copies = torch.library.Library("aten", "IMPL")
        copies.impl("_copy_from", _copy_from, "PrivateUse1")
        for overload in ("default", "start", "start_step"):
            # Its own way gives the tensor its size afterwards, of which a wrapper does not learn.
            name = f"arange.{overload}".removesuffix(".default")
            copies.impl(name, _factory(getattr(torch.ops.aten.arange, overload)), "PrivateUse1")
        _LIBRARIES.append(copies)
    return SECOND


def _factory(func: Any) -> Any:
    return lambda *args, **kwargs: _computed(func, args, {"device": SECOND, **kwargs})


def _copy_from(source: torch.Tensor, into: torch.Tensor, _: bool = False) -> torch.Tensor:
    _plain(into).copy_(_plain(source))
    return into
