"""What containers print: the log viewer of one or several containers, and downloads."""
