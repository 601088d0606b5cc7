"""Pictures: what is drawn, where it stands, and the files it becomes."""
