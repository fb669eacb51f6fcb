"""Measurements of what users feel, printed as ratios to the limit or the peer measured in the same run."""
