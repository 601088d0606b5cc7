"""How a prompt becomes the tokens that a model continues, and where its answer ends."""

from mobench.chat.chat_format import ChatFormat, Template
from mobench.chat.reasoning import Beginning, Marks, Reasoning, Said

__all__ = ["Beginning", "ChatFormat", "Marks", "Reasoning", "Said", "Template"]
