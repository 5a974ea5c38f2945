"""What a process consists of: its resources, its background tasks, the configuration in force."""
