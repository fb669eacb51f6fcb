"""WebSockets: one consumer per kind of page. Each is gated when it opens and again every few seconds."""
