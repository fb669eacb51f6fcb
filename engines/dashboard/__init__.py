"""The fleet: every engine one may see, on one page."""
