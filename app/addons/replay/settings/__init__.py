"""Settings of a package as they hold for one source type, source and host; their values and patterns."""
