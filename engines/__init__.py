"""Pilothouse's one app: engines, who may do what on them, and the operations that run there."""
