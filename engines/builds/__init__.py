"""Building images: the form, the context, the work, and what a builder says told as one kind of log."""
