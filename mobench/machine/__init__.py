"""This machine: its hardware, its memory, and what to do when memory runs out."""
