"""What the service keeps of its own metrics, for its own charts."""
