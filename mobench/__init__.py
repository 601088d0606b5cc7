"""mobench: does a model organism really resist training?

``from mobench import task, behavior, Example, Prompt`` is all that a task or behavior file needs.
Importing the package itself costs nothing; each name is loaded when first asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mobench.records.conversation import Message, Prompt
    from mobench.registry.decorators import behavior, task
    from mobench.registry.definitions import Example

__version__ = "0.1.0"
__all__ = ["Example", "Message", "Prompt", "__version__", "behavior", "task"]


def __getattr__(name: str) -> Any:
    if name in {"Message", "Prompt"}:
        from mobench.records import conversation

        return getattr(conversation, name)
    if name in {"Example", "behavior", "task"}:
        from mobench import registry

        return getattr(registry, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
