"""Real, private Docker Engines for tests: each in namespaces of its own, gone when one process is killed."""
