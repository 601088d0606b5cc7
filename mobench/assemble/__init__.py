"""Builds an organism's weights from a base and an adapter or a recipe."""
