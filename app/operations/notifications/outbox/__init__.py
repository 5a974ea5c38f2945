"""The outbox: messages written with the change that they are about."""
