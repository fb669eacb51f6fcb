"""Images of an engine: the list, and pulling."""
