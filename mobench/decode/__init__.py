"""Answers from a model alone, or from all lanes of a stack in one batch: greedy or drawn."""
