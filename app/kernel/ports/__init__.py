"""Ports: what lower planes ask of higher ones, and what domains contribute through them."""
