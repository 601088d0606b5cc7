"""What a run will do: its cells, how they are packed, what is left to do, and what it will cost."""
