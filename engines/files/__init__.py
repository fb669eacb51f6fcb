"""The files inside a container, through the archive API."""
