"""Making containers: the form with all of docker run, what it means in other words, and creation after a pull."""
