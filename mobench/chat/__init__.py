"""How a prompt becomes the tokens that a model continues, and where its answer ends."""

from mobench.chat.chat_format import ChatFormat, Template

__all__ = ["ChatFormat", "Template"]
