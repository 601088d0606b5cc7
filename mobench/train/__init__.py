"""Training of packs: runs that share one base, each with its own learning rate and seed."""
