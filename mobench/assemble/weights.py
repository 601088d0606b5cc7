"""What identifies and measures the weights in a folder: the registry needs it before this room."""

from mobench.registry.weights_files import parameter_count, weights_hash

__all__ = ["parameter_count", "weights_hash"]
