"""What the `spyne` command does."""
