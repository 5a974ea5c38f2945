"""The whole of what Spyne keeps in its database, as one archive, and its way back into an empty database."""
