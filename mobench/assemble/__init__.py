"""A base and a recipe in, an organism's weights out."""
