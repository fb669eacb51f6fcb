"""Containers of an engine: the list, one container, its life, and a first form to create one."""
