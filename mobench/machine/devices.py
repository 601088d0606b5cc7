"""The devices of one model: one, or several that it is spread over.

They are written as one word, as ``--device`` takes it: ``cuda``, ``cpu``, ``cuda:0,cuda:1``. Where
a single torch device is asked for it is the first, which holds all that is not in a block.
"""

from __future__ import annotations


def devices_of(device: str) -> tuple[str, ...]:
    """Returns the torch devices that a model is spread over; usually one."""
    return tuple(device.split(","))


def first_of(device: str) -> str:
    """Returns the torch device of embedding and head, and of what goes in and comes out."""
    return devices_of(device)[0]
