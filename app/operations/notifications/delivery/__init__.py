"""Delivery: messages leave the outbox, are tried again, and channels that fail are switched off."""
