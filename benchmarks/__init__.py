"""What mobench claims about its own speed and its own numbers, measured."""
