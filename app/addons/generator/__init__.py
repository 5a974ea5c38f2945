"""The generator: from the lines of a sample to a package. Pure, the same for the same input, no network."""
