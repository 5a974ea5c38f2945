"""What the generator decides, as values: settings before they are written, and what the add-on is called."""
