"""Measuring: adapters in, per-sample rows out."""
