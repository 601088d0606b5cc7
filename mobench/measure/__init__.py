"""Measuring: a model's answers to the eval prompts and to capability questions, as rows."""
