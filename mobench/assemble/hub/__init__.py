"""What comes from the model hub: named, resolved to a commit, fetched, checked."""
