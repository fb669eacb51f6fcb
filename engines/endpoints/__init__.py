"""Pages about how engines are reached: register, edit, test, confirm host keys, disable, remove."""
