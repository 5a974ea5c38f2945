"""A sample as bytes becomes text, and the text becomes events."""
