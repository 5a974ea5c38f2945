"""Notifications: channels, and an outbox that is written in the transaction of the change and delivered by workers."""
