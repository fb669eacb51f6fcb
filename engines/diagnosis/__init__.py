"""Looking into one container: its inspect as a tree, its processes, its health, and why it stopped."""
