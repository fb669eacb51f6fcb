"""Changing one container: live, or by another one in its place, which can be returned from."""
