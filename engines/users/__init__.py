"""People: invited, disabled, reset, and what each may do where. For administrators."""
