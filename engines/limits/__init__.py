"""What those below manager may ask of an engine: the page of its switches, and what they would refuse."""
