"""Training: packs of runs that share one base, each run with its own learning rate and seed."""
