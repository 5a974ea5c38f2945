"""What transports and logging libraries put before an event's own text."""
