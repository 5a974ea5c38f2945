"""Modes: what the platform is ready for, what operations allow now, and the windows that switch them."""
