"""Secrets, keys, the actor and permissions, the security policy and its events: values that every plane shares."""
