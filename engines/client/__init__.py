"""Talks to Docker Engines; the only package that may import the Docker SDK. Knows no Django."""
