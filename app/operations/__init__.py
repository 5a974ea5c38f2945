"""Running the place: modes, health."""
