"""Before any training: the request of a run, whether the organism is admitted, the task fair."""
