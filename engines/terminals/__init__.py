"""Terminals in containers (exec and attach), and their recordings."""
