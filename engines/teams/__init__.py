"""Teams and their members, and the grants that give teams and people their roles."""
