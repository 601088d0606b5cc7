"""A submitted result: its three files, and what must be true of them."""
